//! Fetch: takes the instructions of fetch targets from the source, once their bytes are there.
//!
//! Where the front end has gone the right way, taking an instruction executes it; where it has not, the
//! source executes speculatively what lies there. What is asked of caches and TLBs before is in
//! `request`.

use super::front::Halt;
use super::slot::{Check, Slot, Wrong};
use super::stats::{Cause, Lost};
use super::targets::{Line, Stretch, Translating};
use super::{OutOfOrder, front::Front};
use mem::{Cycle, Hierarchy, Level};
use stream::{BranchKind, Class, Event, Fetched, Instead, Instr, Source, VirtAddr};

/// What instructions fetched in one cycle have in common.
#[derive(Clone, Copy)]
struct Entry {
    /// The first cycle in which they can be decoded.
    decode_at: Cycle,
    /// Cycles from their decode to their rename.
    rename_after: u64,
}

impl OutOfOrder {
    /// The fetch stage; returns whether it did something.
    pub(super) fn fetch(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        let resumed = self.front.halt.is_some_and(|halt| self.end_halt(halt, source, mem));
        let asked = self.translate_targets(source, mem) | self.request_lines_of_targets(mem);
        let delivered = match self.stretch() {
            Some(stretch) if self.front.halt.is_none() => self.deliver(stretch, source, mem),
            _ => false,
        };
        let slot = self.now.0 as usize % Front::LOG;
        self.front.log[slot] = if delivered { Lost::FrontOther } else { self.why_nothing() };
        resumed | asked | delivered
    }

    /// Goes on after a halt once the core is empty.
    #[inline(never)]
    fn end_halt(&mut self, halt: Halt, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        if !self.window.is_empty() {
            return false;
        }
        if self.front.resume_at == super::slot::NEVER {
            let pause = if halt == Halt::Trap { u64::from(self.config.trap_cycles) } else { 0 };
            self.front.resume_at = self.now + pause;
        }
        if self.now < self.front.resume_at {
            return false;
        }
        if self.front.held.is_none() && self.front.replay.is_empty() {
            match self.next_alone(source, mem) {
                Some(instr) => self.front.held = Some(instr),
                None => return self.progress_without_instruction,
            }
        }
        let next = self.front.held.or(self.front.replay.front().copied()).expect("just seen");
        self.go_on_at(&next, halt);
        true
    }

    /// Ends a halt with the instruction that comes next.
    fn go_on_at(&mut self, next: &Instr, halt: Halt) {
        let waited = self.now - self.front.halted_at;
        self.front.halt = None;
        // What is fetched from here on lies in the address space of the next instruction.
        self.fetch_in_context((next.asid, next.translated));
        let sequential = next.pc == self.front.fetch && halt != Halt::Trap;
        if self.perfect_front && sequential {
            self.foresee_anew(next.pc);
        }
        if !sequential {
            self.forget_predictions();
            self.front.redirect(Some(next.pc), self.now);
            self.front.refilling = Some(Lost::Serialise);
        } else if self.flow_continues {
            // What stood still at rename has been through the front end meanwhile.
            self.front.credit = waited.min(self.front_depth);
        } else {
            self.front.refilling = Some(Lost::Serialise);
        }
        if self.front.predict.is_none() {
            self.front.redirect(Some(next.pc), self.now);
        }
    }

    /// Predicts anew from `pc` on what a perfect front end could not see before.
    fn foresee_anew(&mut self, pc: VirtAddr) {
        if let Some(held) = self.front.held.take() {
            self.front.replay.push_front(held);
        }
        self.forget_predictions();
        self.front.redirect(Some(pc), self.now);
    }

    /// Takes back what was predicted and not fetched.
    pub(super) fn forget_predictions(&mut self) {
        if let Some(record) = self.front.targets.oldest_record() {
            self.predictor.squash_to(&record, None);
        }
    }

    pub(super) fn halt(&mut self, halt: Halt) {
        if self.front.halt.is_none() {
            self.front.halted_at = self.now;
        }
        self.front.halt = Some(halt);
        self.front.resume_at = super::slot::NEVER;
        // The core may be empty already.
        self.wake_at(self.now + 1);
    }

    /// Takes the instructions of the first target, whose bytes are there; returns whether there was one.
    #[inline(never)]
    fn deliver(&mut self, stretch: Stretch, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        let owed = std::mem::take(&mut self.front.owed);
        let mut bytes = u64::from(self.config.front.fetch_bytes) - owed;
        let end = self.window.renamed + u64::from(self.config.front.queue);
        let (first, mut off_path) = (self.window.tail, 0);
        let entry = self.entry();
        while self.window.tail < end && stretch.holds(self.front.fetch) {
            if !self.pull(source, mem) {
                break;
            }
            off_path += u64::from(self.front.off_path);
            let (length, goes_on) = self.enter(entry, stretch, source);
            if !goes_on {
                break;
            }
            if bytes <= length {
                // Its last bytes are those of the next cycle.
                self.front.owed = length - bytes;
                break;
            }
            bytes -= length;
        }
        let delivered = self.window.tail - first;
        if delivered == 0 {
            return false;
        }
        self.front.refilling = None;
        let stats = self.stats.at(self.privilege).out_of_order_mut();
        stats.fetched.add(delivered);
        stats.fetched_off_path.add(off_path);
        true
    }

    /// What of the first target can be fetched now, if its bytes are there.
    #[inline]
    fn stretch(&mut self) -> Option<Stretch> {
        let mut target = self.front.targets.first()?;
        if !target.holds(self.front.fetch) {
            self.drop_targets_behind();
            target = self.front.targets.first()?;
        }
        (target.line_at() <= self.now).then(|| target.stretch())
    }

    /// How what is fetched now goes through the stages up to rename.
    #[inline]
    fn entry(&self) -> Entry {
        let depth = u64::from(self.config.front.fetch_to_decode_cycles);
        let spared = self.front.credit.min(depth);
        let decode_at = self.now + (depth - spared).max(1);
        let latency = u64::from(self.config.decode_to_rename_cycles);
        let rename_after = latency.saturating_sub(self.front.credit - spared).max(1);
        Entry { decode_at, rename_after }
    }

    /// Drops targets that fetch has left: an instruction may reach over one that holds no other. Where
    /// it reached over a branch that the target buffer took to begin in its middle, all predictions
    /// from there on are void.
    #[inline(never)]
    fn drop_targets_behind(&mut self) {
        while let Some(target) = self.front.targets.first() {
            if target.is_behind_guess(self.front.fetch) {
                let guess = target.guess.expect("fetch is past it");
                self.predictor.squash_to(&guess.record, None);
                self.predictor.forget_target(guess.pc);
                self.front.redirect(Some(self.front.fetch), self.now + 1);
                return;
            }
            if target.holds(self.front.fetch) {
                return;
            }
            self.front.pop_target();
        }
    }

    /// Takes the instruction at the place of fetch, to where it goes in the window. Returns whether it
    /// can be had now.
    #[inline]
    fn pull(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        if self.front.off_path {
            return self.pull_off_path(source);
        }
        match self.front.next_again() {
            Some(instr) => *self.window.incoming() = instr,
            None if !self.pull_overlapped(source, mem) => return false,
            None => {}
        }
        let is_first = self.window.is_empty();
        let instr = self.window.incoming();
        let follows = instr.pc == self.front.fetch;
        if !follows || (instr.event == Event::Interrupt && !is_first) {
            self.front.held = Some(*instr);
            self.halt(Halt::Trap);
            return false;
        }
        if is_first {
            self.privilege = instr.privilege;
        }
        let context = (instr.asid, instr.translated);
        self.fetch_in_context(context);
        true
    }

    /// The next instruction of the wrong path, if it goes on where fetch does.
    #[inline]
    fn pull_off_path(&mut self, source: &mut dyn Source) -> bool {
        if self.front.dead_end {
            return false;
        }
        let incoming = self.window.incoming();
        let there = source.next_wrong(self.hart, incoming) && incoming.pc == self.front.fetch;
        self.front.dead_end = !there;
        there
    }

    /// The next instruction of the right path, if it may enter a core that is not empty.
    #[inline]
    fn pull_overlapped(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        self.begin_asking(source);
        loop {
            match source.next_overlapped(self.hart, self.window.incoming()) {
                Ok(()) => return true,
                Err(Instead::Flush(scope)) => self.flush_translations(scope, mem),
                Err(Instead::Alone) => {
                    self.halt(Halt::Alone);
                    return false;
                }
                Err(Instead::Later) => {
                    self.progress_without_instruction = true;
                    return false;
                }
            }
        }
    }

    /// The next instruction, for a core that is empty. Notes when there is none.
    fn next_alone(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> Option<Instr> {
        self.begin_asking(source);
        loop {
            match source.next(self.hart) {
                Fetched::Instr(instr) => return Some(instr),
                Fetched::Flush(scope) => self.flush_translations(scope, mem),
                Fetched::Alone | Fetched::Later => {
                    self.progress_without_instruction = true;
                    return None;
                }
                Fetched::Idle { until } => {
                    self.waiting = Some(crate::State::Idle { until });
                    return None;
                }
                Fetched::Stopped => {
                    self.waiting = Some(crate::State::Stopped);
                    return None;
                }
            }
        }
    }

    pub(super) fn flush_translations(&mut self, scope: stream::FlushScope, mem: &mut Hierarchy) {
        mem.flush_tlb(self.hart, scope);
        self.last_fetch_page = None;
    }

    /// Takes the instruction that was pulled into the core and decides where the front end goes after
    /// it. Returns its length, and whether what follows may be fetched in the same cycle.
    #[inline]
    fn enter(&mut self, entry: Entry, stretch: Stretch, source: &mut dyn Source) -> (u64, bool) {
        let Self { window, front, .. } = self;
        let slot = window.push(self.now);
        slot.off_path = front.off_path;
        slot.decode_at = entry.decode_at;
        slot.rename_after = entry.rename_after;
        let length = u64::from(slot.instr.len);
        let guessed = stretch.ends_within(slot.instr.pc, length);
        if guessed {
            front.follow_guess(slot);
        } else {
            slot.next = slot.fall_through();
            slot.unforeseen = true;
            if decode_would_predict(slot) {
                slot.check = Check::UnknownBranch;
            }
        }
        front.fetch = slot.next;
        let instr = &slot.instr;
        let traps = instr.event == Event::Exception;
        if slot.next == slot.actual_next() && !instr.serialising && !traps {
            return (length, !guessed);
        }
        self.turn_aside(source);
        (length, !guessed && self.front.halt.is_none())
    }

    /// Does not simply go on behind the youngest instruction: it must be alone, traps, or goes elsewhere
    /// than the front end was sent.
    fn turn_aside(&mut self, source: &mut dyn Source) {
        let slot = self.window.get_mut(self.window.tail - 1);
        let (serialising, event) = (slot.instr.serialising, slot.instr.event);
        if !serialising && event != Event::Exception {
            if slot.check == Check::Fine {
                slot.wrong = Some(Wrong { cause: cause_of(slot) });
            }
            self.front.off_path = true;
            self.front.dead_end = false;
            source.wrong_path(self.hart, slot.next);
            return;
        }
        if slot.off_path {
            // A source that hands such an instruction out goes on behind it.
            return;
        }
        if serialising {
            self.flow_continues = slot.instr.class == Class::Csr;
        }
        self.halt(if serialising { Halt::Serialising } else { Halt::Trap });
    }

    /// Translates fetch addresses in that address space, if at all, from now on.
    #[inline]
    fn fetch_in_context(&mut self, context: (u16, bool)) {
        if (self.asid, self.fetch_translated) != context {
            self.leave_address_space();
            (self.asid, self.fetch_translated) = context;
            self.last_fetch_page = None;
        }
    }

    /// Why fetch has nothing to hand on.
    fn why_nothing(&self) -> Lost {
        if let Some(refilling) = self.front.refilling {
            return refilling;
        }
        if self.front.halt.is_some() {
            return Lost::Serialise;
        }
        let Some(target) = self.front.targets.first() else { return Lost::Branch };
        match (target.translation, target.line) {
            (Translating::Pending(_), _) => Lost::ItlbWalk,
            (Translating::Known(at, _), Line::No) if at > self.now => {
                if target.walked {
                    Lost::ItlbWalk
                } else {
                    Lost::Itlb
                }
            }
            (_, Line::Pending(_)) => Lost::IcacheMemory,
            (_, Line::Known(at, level)) if at > self.now => match level {
                Level::L1 if target.in_flight => Lost::IcacheInFlight,
                Level::L1 => Lost::Branch,
                Level::L2 => Lost::IcacheL2,
                Level::Llc => Lost::IcacheLlc,
                Level::Memory => Lost::IcacheMemory,
            },
            _ => Lost::FrontOther,
        }
    }
}

impl Front {
    /// Goes on where the branch that ends the first target was predicted to go, at the instruction in
    /// `slot`: the branch, if decode agrees.
    fn follow_guess(&mut self, slot: &mut Slot) {
        let target = self.targets.first().expect("the instruction is in it");
        let guess = target.guess.as_ref().expect("the target ends with one");
        let fits = guess.pc == slot.instr.pc
            && slot.instr.branch.is_some_and(|branch| branch.kind == guess.kind)
            && target.end == slot.fall_through();
        slot.next = target.next;
        slot.record = Some(guess.record);
        slot.check = if fits { Check::Fine } else { Check::NotThatBranch };
        self.pop_target();
    }
}

/// Whether decode, finding a branch the target buffer does not know, asks the predictors: always where
/// it is sure to be taken, and for a conditional one that closes a loop. Others are left to fall through.
fn decode_would_predict(slot: &Slot) -> bool {
    match slot.instr.branch {
        Some(branch) => branch.kind != BranchKind::Conditional || branch.target < slot.instr.pc,
        None => false,
    }
}

/// What kind of guess sent the front end the wrong way at a branch.
pub(super) fn cause_of(slot: &Slot) -> Cause {
    match slot.instr.branch.map(|branch| branch.kind) {
        Some(BranchKind::Conditional) => Cause::Conditional,
        Some(BranchKind::Return | BranchKind::ReturnAndCall) => Cause::Return,
        Some(BranchKind::IndirectJump | BranchKind::IndirectCall) => Cause::Indirect,
        _ => Cause::Target,
    }
}
