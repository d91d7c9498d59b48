//! Commit: instructions leave the core in program order, and what they did becomes final.

use super::slot::{NEVER, NOBODY, Position, Slot};
use super::stats::{Cause, Spent};
use super::{OutOfOrder, is_load, is_store};
use mem::{Cycle, Level};
use stream::{Class, Event, Source};

impl OutOfOrder {
    /// The commit stage; returns how many instructions committed.
    pub(super) fn commit(&mut self, source: &dyn Source) -> u64 {
        let mut committed = 0;
        let latency = u64::from(self.config.execute_to_commit_cycles);
        let Some(done_by) = self.now.0.checked_sub(latency).map(Cycle) else { return 0 };
        while committed < u64::from(self.config.commit_width) && self.head_may_commit(done_by) {
            self.commit_head(source);
            committed += 1;
        }
        if committed > 0 {
            self.last_commit = self.now;
            let stats = self.stats.at(self.privilege);
            stats.instructions.add(committed);
            stats.out_of_order_mut().retired.add(committed);
        }
        committed
    }

    /// Whether the oldest instruction may commit now, if its result was there by then.
    #[inline]
    fn head_may_commit(&self, done_by: Cycle) -> bool {
        if self.window.in_rob() == 0 {
            return false;
        }
        let slot = self.window.get(self.window.head);
        slot.done_at <= done_by && slot.wrong.is_none()
    }

    fn commit_head(&mut self, source: &dyn Source) {
        let at = self.window.head;
        if let Some(viewer) = &mut self.viewer {
            viewer.committed(self.window.get(at), self.now);
        }
        if let Some(profile) = &mut self.profile {
            profile.commit(&self.window.get(at).instr, || source.thread(self.hart));
        }
        if let Some(restoring) = &mut self.restoring
            && self.fetch_translated
        {
            restoring.retired(self.window.get(at).instr.pc);
        }
        let slot = self.window.get(at);
        debug_assert!(!slot.off_path, "a wrong path commits at cycle {}", self.now.0);
        let instr = &slot.instr;
        if let Some(register) = instr.operands.dst {
            let name = &mut self.map[register.index()];
            if *name == at {
                *name = NOBODY;
            }
            let sharing = self.sharing.as_mut();
            if sharing.is_none_or(|sharing| sharing.commit(slot.replaced)) {
                *self.registers.free(register) += 1;
            }
        }
        if slot.shared {
            // What names it by way of moves finds its value in the register file from now on.
            self.map.iter_mut().filter(|name| **name == at).for_each(|name| *name = NOBODY);
        }
        if is_load(instr) {
            self.loads.pop_oldest(instr);
        } else if is_store(instr) {
            self.stores.commit();
        } else if self.barriers.front() == Some(&at) {
            self.barriers.pop_front();
        }
        let branch = instr.branch.is_some();
        let first_time = self.count_commit(at);
        if branch {
            self.count_branch(at, first_time);
            self.train(at);
        }
        self.window.head += 1;
    }

    /// Shows the predictors the branch at `at`, which commits.
    fn train(&mut self, at: Position) {
        let slot = self.window.get(at);
        let Some(branch) = &slot.instr.branch else { return };
        let pc = slot.instr.pc;
        match slot.record {
            Some(record) => {
                if let Some(origin) = self.predictor.commit(&record, pc, branch) {
                    let ours = self.stats.at(self.privilege).out_of_order_mut();
                    ours.direction.count(&origin, branch.taken);
                }
            }
            None if branch.taken => {
                let end = slot.fall_through();
                self.predictor.learn_target(pc, branch.kind, branch.target, end);
            }
            None => {}
        }
    }

    /// Counts what is special about the instruction at `at`, which commits, and what it touches. Returns
    /// whether it is a branch that did not commit before in this window.
    #[inline]
    fn count_commit(&mut self, at: Position) -> bool {
        let slot = self.window.get(at);
        let first_time = self.footprint.touch(&slot.instr, self.privilege, &mut self.stats);
        match slot.instr.event {
            Event::None => {}
            Event::Interrupt => self.stats.at(self.privilege).interrupts.inc(),
            Event::Exception => self.stats.at(self.privilege).exceptions.inc(),
        }
        if slot.eliminated {
            self.stats.at(self.privilege).out_of_order_mut().moves_eliminated.inc();
        }
        first_time
    }

    /// Counts the branch at `at`, which commits.
    #[inline]
    fn count_branch(&mut self, at: Position, first_time: bool) {
        let slot = self.window.get(at);
        let Some(branch) = &slot.instr.branch else { return };
        let stats = self.stats.at(self.privilege);
        stats.branches.inc();
        let ours = stats.out_of_order_mut();
        if branch.kind == stream::BranchKind::Conditional {
            ours.conditional_branches.inc();
        }
        if branch.taken && slot.unforeseen {
            ours.btb_misses.inc();
        }
        if let Some(guess) = slot.mispredicted.and_then(Cause::guess) {
            ours.mispredicted[guess].inc();
            ours.mispredicted_initially[guess].add(u64::from(first_time));
        }
    }

    /// What a cycle without a commit is spent on.
    pub(super) fn why_no_commit(&self) -> Spent {
        if self.window.in_rob() == 0 {
            return self.last_lost.of_empty_core();
        }
        let slot = self.window.get(self.window.head);
        if slot.done_at != NEVER && slot.done_at <= self.now {
            Spent::Latency
        } else if slot.issued_at != NEVER {
            self.why_executing(slot)
        } else if slot.ready_at > self.now {
            // Its operands are there: what it waited for has committed.
            Spent::Dispatch
        } else {
            Spent::Port
        }
    }

    /// What an instruction that was issued and has no result yet spends a cycle on.
    pub(super) fn why_executing(&self, slot: &Slot) -> Spent {
        let touches = slot.instr.mem.is_some();
        match slot.instr.class {
            Class::Load if touches && slot.access.translated_at > self.now => Spent::Dtlb,
            Class::Load if touches => match slot.access.found {
                None if slot.access.outstanding > 0 => Spent::Memory,
                None | Some(Level::L1) => Spent::L1d,
                Some(Level::L2) => Spent::L2,
                Some(Level::Llc) => Spent::Llc,
                Some(Level::Memory) => Spent::Memory,
            },
            Class::Store | Class::Atomic | Class::Fence | Class::Cache => Spent::Store,
            Class::IntDiv | Class::FpDiv | Class::FpSqrt => Spent::Divide,
            _ => Spent::Execute,
        }
    }
}
