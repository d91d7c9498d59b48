//! Squash: takes back instructions from the youngest on, and sends the front end elsewhere.
//!
//! The memory system is not told: what a wrong path touched stays touched. A branch or load on a wrong
//! path squashes as one on the right path does, and the front end goes on along the wrong path. The
//! source goes on there with the registers and stores that the squashed instructions have made: it
//! keeps one state for a wrong path and none to return to.

use super::OutOfOrder;
use super::slot::{NOBODY, NOWHERE, Place, Position};
use super::stats::{Cause, Lost};
use stream::{Class, Source, VirtAddr};

impl OutOfOrder {
    /// The branch at `at` was executed and had been guessed wrong. On a wrong path its outcome is that
    /// of the speculative execution: the front end follows it there, as hardware cannot tell.
    pub(super) fn resolve(&mut self, at: Position, cause: Cause, source: &mut dyn Source) {
        let slot = self.window.get(at);
        let off_path = slot.off_path;
        let (pc, next, fall_through) = (slot.instr.pc, slot.actual_next(), slot.fall_through());
        let branch = slot.instr.branch.expect("only branches are guessed");
        match slot.record {
            Some(record) => {
                self.take_back(at + 1);
                self.predictor.squash_to(&record, Some(&branch));
            }
            None => {
                // The target buffer did not know it: it enters the history now.
                self.forget_after(at);
                let record = self.predictor.enter(pc, &branch, fall_through);
                self.window.get_mut(at).record = Some(record);
            }
        }
        let slot = self.window.get_mut(at);
        slot.wrong = None;
        slot.mispredicted = Some(cause);
        self.start_over(next, cause, off_path, source);
    }

    /// The load at `at` was executed before an older store to its address.
    pub(super) fn violate(&mut self, at: Position, source: &mut dyn Source) {
        let slot = self.window.get(at);
        let (pc, off_path) = (slot.instr.pc, slot.off_path);
        self.forget_after(at - 1);
        self.start_over(pc, Cause::MemoryOrder, off_path, source);
    }

    /// Sends the front end on at `next`, on the path that the instruction at fault lies on.
    fn start_over(
        &mut self,
        next: VirtAddr,
        cause: Cause,
        off_path: bool,
        source: &mut dyn Source,
    ) {
        let ours = self.stats.at(self.privilege).out_of_order_mut();
        if off_path {
            ours.squashes_off_path.inc();
            source.wrong_path(self.hart, next);
        } else {
            ours.squashes[cause].inc();
            if self.front.off_path {
                source.squash(self.hart);
            }
        }
        self.front.off_path = off_path;
        self.front.dead_end = false;
        self.front.halt = None;
        self.front.redirect(Some(next), self.now + 1);
        self.front.refilling = Some(match cause {
            Cause::Conditional => Lost::ResteerConditional,
            Cause::Indirect | Cause::Target => Lost::ResteerIndirect,
            Cause::Return => Lost::ResteerReturn,
            Cause::MemoryOrder => Lost::ResteerMemory,
        });
    }

    /// Squashes all after `at`, and what was predicted of them.
    pub(super) fn forget_after(&mut self, at: Position) {
        let from = at.wrapping_add(1);
        let oldest = self.oldest_record_from(from);
        self.take_back(from);
        if let Some(record) = oldest {
            self.predictor.squash_to(&record, None);
        }
    }

    /// Takes all instructions from `from` on out of the core, the youngest first. Those of the right
    /// path will be fetched again. Predictions are the caller's.
    pub(super) fn take_back(&mut self, from: Position) {
        if let Some(held) = self.front.held.take() {
            self.front.replay.push_front(held);
        }
        let renamed_before = self.window.renamed;
        while self.window.tail > from {
            let at = self.window.tail - 1;
            if at < renamed_before {
                self.undo_rename(at);
                self.stats.at(self.privilege).out_of_order_mut().squashed.inc();
            }
            if let Some(log) = &mut self.viewer {
                log.squashed(self.window.get(at), self.now);
            }
            let slot = self.window.get(at);
            if !slot.off_path {
                let instr = slot.instr;
                self.front.replay.push_front(instr);
            }
            self.window.tail = at;
        }
        self.window.decoded = self.window.decoded.min(from);
        self.window.renamed = self.window.renamed.min(from);
        self.oldest_unissued = self.oldest_unissued.min(from);
        let undone = renamed_before.saturating_sub(from);
        if undone > 0 {
            let cycles = undone.div_ceil(u64::from(self.config.squash_width));
            self.recovered_at = self.recovered_at.max(self.now + cycles);
            self.wake_at(self.recovered_at);
        }
    }

    /// Gives back what the instruction took at rename.
    fn undo_rename(&mut self, at: Position) {
        for operand in (0..3).rev() {
            let producer = self.window.get(at).producers[operand];
            if producer == NOWHERE {
                continue;
            }
            let link = self.window.place(at) * 4 + operand as Place;
            let next = self.window.get(at).next_consumer[operand];
            let producer = self.window.get_mut(Position::from(producer));
            // A producer whose time is known has told everyone and forgotten them.
            if producer.consumers == link {
                producer.consumers = next;
            }
        }
        let slot = self.window.get(at);
        if let Some(register) = slot.instr.operands.dst {
            // An instruction that has committed since is the architectural state.
            let waits = slot.previous != NOBODY && slot.previous >= self.window.head;
            self.map[register.index()] = if waits { slot.previous } else { NOBODY };
            let sharing = self.sharing.as_mut();
            if sharing.is_none_or(|sharing| sharing.undo(register, slot.replaced)) {
                *self.registers.free(register) += 1;
            }
        }
        if slot.issued_at == super::slot::NEVER {
            let scheduler = &mut self.schedulers[usize::from(slot.scheduler)];
            scheduler.free += 1;
            scheduler.ready.forget(self.window.place(at), slot.ready_at);
        }
        self.leave_queues(at);
    }

    /// Takes a renamed instruction out of the load or store queue and the barriers.
    fn leave_queues(&mut self, at: Position) {
        let slot = self.window.get(at);
        if super::is_load(&slot.instr) {
            self.loads.pop_youngest(&slot.instr);
        } else if super::is_store(&slot.instr) {
            self.stores.pop_youngest();
        }
        if matches!(slot.instr.class, Class::Fence | Class::Atomic)
            && self.barriers.back() == Some(&at)
        {
            self.barriers.pop_back();
        }
    }

    /// Drops everything in the core when another mode takes over: it was executed all the same.
    pub(super) fn abandon(&mut self) {
        if let Some(record) = self.oldest_record_from(self.window.head) {
            self.predictor.squash_to(&record, None);
        }
        self.leave_wrong_path |= self.front.off_path;
        let renamed = self.window.in_rob();
        // The reset gives back what renaming took.
        self.window.tail = self.window.head;
        self.window.decoded = self.window.head;
        self.window.renamed = self.window.head;
        self.oldest_unissued = self.window.head;
        self.stats.at(self.privilege).out_of_order_mut().abandoned.add(renamed);
        self.reset();
    }

    /// The record of the oldest branch at or after `from` that was predicted.
    fn oldest_record_from(&self, from: Position) -> Option<branch::Record> {
        let in_core = (from..self.window.tail).find_map(|p| self.window.get(p).record);
        in_core.or_else(|| self.front.targets.oldest_record())
    }
}
