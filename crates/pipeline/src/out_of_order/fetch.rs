//! Fetch: brings the bytes of fetch targets from the instruction cache and takes instructions from the
//! source.
//!
//! Targets are translated and requested in order, one a cycle each; with fetch-directed prefetching
//! translation runs ahead over the whole queue and starts fills. Requests of hits overlap, as a
//! pipelined cache allows; behind a miss none is made. The source is asked for an instruction when its
//! bytes are there. Where the front end has gone the right way, that executes the instruction; where it
//! has not, the source executes speculatively what lies there.
//!
//! Left out: the bytes of an instruction that reaches over the end of a target with no branch are not
//! waited for; they are part of the next target.

use super::front::{Halt, Line, Translating};
use super::slot::{Check, Slot, Wrong};
use super::stats::{Cause, Lost};
use super::{Claimant, OutOfOrder};
use crate::Stream;
use mem::{AccessKind, Hierarchy, Level, Reply};
use stream::{BranchKind, Event, Fetched, Instr, Source, Translate, VirtAddr};

/// Whether an instruction could be taken.
enum Pulled {
    Instr(Instr),
    /// Not now.
    Nothing,
}

impl OutOfOrder {
    /// The fetch stage; returns whether it did something.
    pub(super) fn fetch(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        let resumed = self.end_halt(source, mem);
        let asked = self.translate_targets(source, mem) | self.request_lines_of_targets(mem);
        let delivered = self.deliver(source, mem);
        let slot = self.now.0 as usize % super::front::Front::LOG;
        self.front.log[slot] = if delivered > 0 { Lost::FrontOther } else { self.why_nothing() };
        resumed || asked || delivered > 0
    }

    /// Goes on after a halt once the core is empty.
    fn end_halt(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        let Some(halt) = self.front.halt else { return false };
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
        self.fetch_in_context_of(next);
        let sequential = next.pc == self.front.fetch && halt != Halt::Trap;
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

    /// Takes back what was predicted and not fetched.
    pub(super) fn forget_predictions(&mut self) {
        if let Some(record) = self.front.oldest_record() {
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

    /// Translates the next target, and prefetches it if that is configured.
    fn translate_targets(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        let index = self.front.translated;
        let ahead = self.config.front.prefetch || index <= self.front.requested;
        let Some(target) = self.front.targets.get(index).filter(|_| ahead) else { return false };
        let start = target.start;
        let translation = match self.known_fetch_address(start) {
            Some(pa) => Some(Translating::Known(self.now, Some(pa))),
            // One translation at a time: the next waits for this one.
            None if index > 0 && self.front.targets[index - 1].translation.is_pending() => None,
            None => self.ask_for_translation(start, source, mem),
        };
        let Some(translation) = translation else { return false };
        self.front.targets[index].translation = translation;
        self.front.translated += 1;
        self.prefetch_target(index, mem);
        true
    }

    /// The physical address of `va` where no TLB need be asked: it is not translated, or lies in the
    /// page translated last.
    fn known_fetch_address(&self, va: VirtAddr) -> Option<stream::PhysAddr> {
        if !self.fetch_translated {
            return Some(stream::PhysAddr(va.0));
        }
        let (page, pa) = self.last_fetch_page?;
        (page == va.0 >> 12).then_some(stream::PhysAddr(pa.0 | va.0 & 0xfff))
    }

    /// Asks for the translation of a fetch address; nothing comes of it while the walker is taken.
    fn ask_for_translation(
        &mut self,
        va: VirtAddr,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) -> Option<Translating> {
        let what = (va, self.asid);
        match mem.demand_translation(self.now, self.hart, what, Translate::Fetch, source) {
            Reply::Done(translation) => {
                self.count_translation(&translation, Translate::Fetch);
                let target = &mut self.front.targets[self.front.translated];
                target.walked = !translation.reads().is_empty();
                self.remember_fetch_page(va, translation.pa);
                Some(Translating::Known(translation.at, translation.pa))
            }
            Reply::Pending(ticket) => {
                self.claims.push((ticket, Claimant::FetchTranslation));
                Some(Translating::Pending(ticket))
            }
            Reply::Busy => {
                self.wake_at(self.now + 1);
                None
            }
        }
    }

    /// The page of the latest fetch translation: targets in it need no other.
    pub(super) fn remember_fetch_page(&mut self, va: VirtAddr, pa: Option<stream::PhysAddr>) {
        self.last_fetch_page = pa.map(|pa| (va.0 >> 12, stream::PhysAddr(pa.0 & !0xfff)));
    }

    /// Fetch-directed prefetching of a target that is translated.
    fn prefetch_target(&mut self, index: usize, mem: &mut Hierarchy) {
        if !self.config.front.prefetch || index == 0 {
            return;
        }
        if let Translating::Known(_, Some(pa)) = self.front.targets[index].translation {
            mem.prefetch_instruction(self.now, self.hart, pa);
        }
    }

    /// Requests the bytes of the next target that is translated.
    fn request_lines_of_targets(&mut self, mem: &mut Hierarchy) -> bool {
        let index = self.front.requested;
        if index >= self.front.translated {
            return false;
        }
        // Behind a miss the pipeline of the cache stands still.
        if index > 0 {
            match self.front.targets[index - 1].line {
                Line::Known(at, level) if level == Level::L1 || at <= self.now => {}
                _ => return false,
            }
        }
        let Translating::Known(at, pa) = self.front.targets[index].translation else {
            return false;
        };
        if at > self.now {
            return false;
        }
        let Some(pa) = pa else {
            // No page: fetch will see what the source says.
            self.front.targets[index].line = Line::Known(self.now, Level::L1);
            self.front.requested += 1;
            return true;
        };
        let pc = self.front.targets[index].start;
        let found = match mem.demand(self.now, self.hart, AccessKind::Instruction, pa, pc) {
            Reply::Done(access) => {
                self.count_access(access.found, Stream::Instruction);
                let there = self.now + mem.instruction_hit_cycles(self.hart);
                self.front.targets[index].in_flight = access.at > there;
                Line::Known(access.at, access.found)
            }
            Reply::Pending(ticket) => {
                self.claims.push((ticket, Claimant::FetchLine));
                Line::Pending(ticket)
            }
            Reply::Busy => {
                self.wake_at(self.now + 1);
                return false;
            }
        };
        self.front.targets[index].line = found;
        self.front.requested += 1;
        true
    }

    /// Takes the instructions of the first target whose bytes are there; returns how many.
    fn deliver(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> usize {
        self.drop_targets_behind();
        if self.front.first_line_at() > self.now || self.front.halt.is_some() {
            return 0;
        }
        let owed = std::mem::take(&mut self.front.owed);
        let mut bytes = u64::from(self.config.front.fetch_bytes) - owed;
        let mut delivered = 0;
        loop {
            if self.front.is_past_guess() || !self.front.is_in_first_target() {
                break;
            }
            let queued = self.window.tail - self.window.renamed;
            if queued >= u64::from(self.config.front.queue) {
                break;
            }
            let Pulled::Instr(instr) = self.pull(source, mem) else { break };
            let length = u64::from(instr.len);
            let ends_target = self.enter(instr, source);
            delivered += 1;
            if ends_target || self.front.halt.is_some() {
                break;
            }
            if bytes <= length {
                // Its last bytes are those of the next cycle.
                self.front.owed = length - bytes;
                break;
            }
            bytes -= length;
        }
        delivered
    }

    /// Drops targets that fetch has left: an instruction may reach over one that holds no other. Where
    /// it reached over a branch that the target buffer took to begin in its middle, all predictions
    /// from there on are void.
    fn drop_targets_behind(&mut self) {
        loop {
            if self.front.is_past_guess() {
                let target = self.front.targets.front().expect("it has the guess");
                let guess = target.guess.expect("fetch is past it");
                self.predictor.squash_to(&guess.record, None);
                self.predictor.forget_target(guess.pc);
                self.front.redirect(Some(self.front.fetch), self.now + 1);
                return;
            }
            if self.front.targets.is_empty() || self.front.is_in_first_target() {
                return;
            }
            self.front.pop_target();
        }
    }

    /// Takes the instruction at the place of fetch.
    fn pull(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> Pulled {
        if self.front.off_path {
            return self.pull_off_path(source);
        }
        let instr = match self.front.held.take().or_else(|| self.front.next_replayed()) {
            Some(instr) => instr,
            None => match self.next_overlapped(source, mem) {
                Some(instr) => instr,
                None => return Pulled::Nothing,
            },
        };
        let broken = instr.event == Event::Interrupt || instr.pc != self.front.fetch;
        if broken && !(self.window.is_empty() && instr.pc == self.front.fetch) {
            self.front.held = Some(instr);
            self.halt(Halt::Trap);
            return Pulled::Nothing;
        }
        Pulled::Instr(instr)
    }

    fn pull_off_path(&mut self, source: &mut dyn Source) -> Pulled {
        if self.front.dead_end {
            return Pulled::Nothing;
        }
        match source.next_wrong(self.hart) {
            Some(instr) if instr.pc == self.front.fetch => Pulled::Instr(instr),
            _ => {
                self.front.dead_end = true;
                Pulled::Nothing
            }
        }
    }

    /// The next instruction of the right path, if it may enter a core that is not empty.
    fn next_overlapped(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> Option<Instr> {
        loop {
            match source.next_overlapped(self.hart) {
                Fetched::Instr(instr) => return Some(instr),
                Fetched::Flush(scope) => self.flush_translations(scope, mem),
                Fetched::Alone => {
                    self.halt(Halt::Alone);
                    return None;
                }
                Fetched::Later => {
                    self.progress_without_instruction = true;
                    return None;
                }
                Fetched::Idle { .. } | Fetched::Stopped => {
                    self.halt(Halt::Alone);
                    return None;
                }
            }
        }
    }

    /// The next instruction, for a core that is empty. Notes when there is none.
    fn next_alone(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> Option<Instr> {
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

    /// Puts an instruction into the core and decides where the front end goes after it. Returns whether
    /// that is another target.
    fn enter(&mut self, instr: Instr, source: &mut dyn Source) -> bool {
        let off_path = self.front.off_path;
        self.front.refilling = None;
        if !off_path {
            self.enter_right_path(&instr);
        }
        let at = self.window.push(instr, self.now);
        let depth = u64::from(self.config.front.fetch_to_decode_cycles);
        let spared = self.front.credit.min(depth);
        let credit_left = self.front.credit - spared;
        let decode_at = self.now + (depth - spared).max(1);
        let guess = self.guess_for(&instr);
        let slot = self.window.get_mut(at);
        slot.off_path = off_path;
        slot.decode_at = decode_at;
        slot.rename_credit = credit_left;
        match guess {
            Some((next, record, fits)) => {
                slot.next = next;
                slot.record = Some(record);
                slot.check = if fits { Check::Fine } else { Check::NotThatBranch };
                self.front.pop_target();
            }
            None => {
                slot.next = slot.fall_through();
                slot.unforeseen = true;
                if decode_would_predict(slot) {
                    slot.check = Check::UnknownBranch;
                }
            }
        }
        self.front.fetch = slot.next;
        let stats = self.stats.at(self.privilege).out_of_order_mut();
        stats.fetched.inc();
        if off_path {
            stats.fetched_off_path.inc();
        }
        self.follow(at, source);
        if !off_path && instr.serialising {
            self.flow_continues = instr.class == stream::Class::Csr;
            self.halt(Halt::Serialising);
        } else if !off_path && instr.event == Event::Exception {
            self.halt(Halt::Trap);
        }
        guess.is_some()
    }

    /// What fetch takes from an instruction of the right path about those that follow.
    fn enter_right_path(&mut self, instr: &Instr) {
        if self.window.is_empty() {
            self.privilege = instr.privilege;
        }
        self.fetch_in_context_of(instr);
    }

    /// Translates fetch addresses as `instr`'s was from now on.
    fn fetch_in_context_of(&mut self, instr: &Instr) {
        if self.asid != instr.asid || self.fetch_translated != instr.translated {
            self.asid = instr.asid;
            self.fetch_translated = instr.translated;
            self.last_fetch_page = None;
        }
    }

    /// Goes off the right path, or on along a wrong one, after the instruction at `at`.
    fn follow(&mut self, at: u64, source: &mut dyn Source) {
        let slot = self.window.get_mut(at);
        let (next, actual) = (slot.next, slot.actual_next());
        if next == actual || slot.instr.serialising {
            return;
        }
        if slot.instr.event == Event::Exception {
            return;
        }
        if slot.check == Check::Fine {
            slot.wrong = Some(Wrong { cause: cause_of(slot) });
        }
        self.front.off_path = true;
        self.front.dead_end = false;
        source.wrong_path(self.hart, next);
    }

    /// What was predicted of an instruction: where to go on, the record, and whether decode agrees.
    fn guess_for(&self, instr: &Instr) -> Option<(VirtAddr, branch::Record, bool)> {
        let target = self.front.targets.front()?;
        let guess = target.guess.as_ref()?;
        let inside = guess.pc.0.wrapping_sub(instr.pc.0) < u64::from(instr.len);
        if !inside {
            return None;
        }
        let fits = guess.pc == instr.pc
            && instr.branch.is_some_and(|branch| branch.kind == guess.kind)
            && target.end.0 == instr.pc.0.wrapping_add(u64::from(instr.len));
        Some((target.next, guess.record, fits))
    }

    /// Why fetch has nothing to hand on.
    fn why_nothing(&self) -> Lost {
        if let Some(refilling) = self.front.refilling {
            return refilling;
        }
        if self.front.halt.is_some() {
            return Lost::Serialise;
        }
        let Some(target) = self.front.targets.front() else { return Lost::Branch };
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
