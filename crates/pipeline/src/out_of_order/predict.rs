//! Prediction: makes fetch targets ahead of fetch.
//!
//! Each cycle the predictor looks for the first branch the target buffer knows in the aligned window
//! from where it stands. The branch ends the target, and direction, indirect and return predictors say
//! where the next one starts (fetch-directed instruction prefetching; Reinman, Calder and Austin,
//! MICRO 1999). A branch that the buffer does not know is invisible here.
//!
//! Perfect predictors are shown what the branch will do: the source runs ahead of fetch to find out. A
//! perfect front end finds the branches themselves there; behind what must be alone it is as blind as any.

use super::OutOfOrder;
use super::targets::{Guess, Target};
use mem::Hierarchy;
use stream::{Branch, Instead, Source, VirtAddr};

impl OutOfOrder {
    /// Makes the targets of this cycle; returns whether it made one.
    pub(super) fn predict(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        if self.now < self.front.predict_at || self.front.halt.is_some() {
            return false;
        }
        let mut made = false;
        for _ in 0..self.config.front.predictions_per_cycle {
            let room = self.front.targets.len() < self.config.front.ftq as usize;
            let Some(start) = self.front.predict.filter(|_| room) else { break };
            let bubble = self.make_target(start, source, mem);
            made = true;
            self.front.predict_at = self.now + 1 + bubble;
            if bubble > 0 {
                break;
            }
        }
        made
    }

    /// Makes the target at `start`; returns the cycles in which no other can be made.
    fn make_target(
        &mut self,
        start: VirtAddr,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) -> u64 {
        let size = u64::from(self.config.front.target_bytes);
        let window_end = VirtAddr((start.0 & !(size - 1)).wrapping_add(size));
        if self.perfect_front && !self.front.off_path {
            self.foresee_target(start, window_end, source, mem);
            return 0;
        }
        let Some((pc, hit)) = self.predictor.next_branch(start, window_end) else {
            self.front.predict = Some(window_end);
            self.front.targets.push(Target::new(start, window_end));
            return 0;
        };
        let end = VirtAddr(pc.0.wrapping_add(u64::from(hit.length)));
        let oracle = if self.shows_outcomes { self.outcome_ahead(pc, source, mem) } else { None };
        let seen = self.predictor.predict(pc, hit.kind, hit.target, end, oracle.as_ref());
        let next = if seen.taken { seen.target } else { end };
        let guess = Guess { pc, kind: hit.kind, record: seen.record };
        self.front.predict = Some(next);
        self.front.targets.push(Target::guessed(start, end, next, guess));
        if seen.taken { u64::from(hit.latency_cycles) } else { 0 }
    }

    /// Makes the target at `start` that ends where the program will first come to a branch.
    #[inline(never)]
    fn foresee_target(
        &mut self,
        start: VirtAddr,
        window_end: VirtAddr,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) {
        let Some((pc, end, branch)) = self.branch_ahead(start, window_end, source, mem) else {
            self.front.predict = Some(window_end);
            self.front.targets.push(Target::new(start, window_end));
            return;
        };
        let record = self.predictor.enter(pc, &branch, end);
        let next = if branch.taken { branch.target } else { end };
        self.front.predict = Some(next);
        let guess = Guess { pc, kind: branch.kind, record };
        self.front.targets.push(Target::guessed(start, end, next, guess));
    }

    /// The next branch of the program, with where it ends, if it comes to one before it leaves what lies from
    /// `start` to below `end`.
    fn branch_ahead(
        &mut self,
        start: VirtAddr,
        end: VirtAddr,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) -> Option<(VirtAddr, VirtAddr, Branch)> {
        loop {
            if self.front.ahead == self.front.replay.len() {
                let next = self.look_ahead(source, mem)?;
                self.front.replay.push_back(next);
            }
            let next = &self.front.replay[self.front.ahead];
            if next.pc.0.wrapping_sub(start.0) >= end.0.wrapping_sub(start.0) {
                return None;
            }
            self.front.ahead += 1;
            if let Some(branch) = next.branch {
                let after = VirtAddr(next.pc.0.wrapping_add(u64::from(next.len)));
                return Some((next.pc, after, branch));
            }
        }
    }

    /// What the branch at `pc`, which is predicted next, will do, for predictors that are shown it.
    /// Unknown on a wrong path and behind what must be alone.
    #[inline(never)]
    fn outcome_ahead(
        &mut self,
        pc: VirtAddr,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) -> Option<Branch> {
        if self.front.off_path {
            return None;
        }
        // One window holds fewer instructions than that.
        for _ in 0..self.config.front.target_bytes {
            if self.front.ahead == self.front.replay.len() {
                let next = self.look_ahead(source, mem)?;
                self.front.replay.push_back(next);
            }
            let next = self.front.replay[self.front.ahead];
            self.front.ahead += 1;
            if next.pc == pc {
                return next.branch;
            }
        }
        None
    }

    /// The next instruction of the right path, if it can be had without emptying the core.
    fn look_ahead(
        &mut self,
        source: &mut dyn Source,
        mem: &mut Hierarchy,
    ) -> Option<stream::Instr> {
        let mut next = stream::Instr::default();
        self.begin_asking(source);
        loop {
            match source.next_overlapped(self.hart, &mut next) {
                Ok(()) => return Some(next),
                Err(Instead::Flush(scope)) => self.flush_translations(scope, mem),
                Err(Instead::Alone | Instead::Later) => return None,
            }
        }
    }
}
