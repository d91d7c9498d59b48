//! Prediction: makes fetch targets ahead of fetch.
//!
//! Each cycle the predictor looks for the first branch the target buffer knows in the aligned window
//! from where it stands. The branch ends the target, and direction, indirect and return predictors say
//! where the next one starts (fetch-directed instruction prefetching; Reinman, Calder and Austin,
//! MICRO 1999). A branch that the buffer does not know is invisible here.

use super::OutOfOrder;
use super::front::{Guess, Line, Target, Translating};
use stream::VirtAddr;

impl OutOfOrder {
    /// Makes the targets of this cycle; returns whether it made one.
    pub(super) fn predict(&mut self) -> bool {
        if self.now < self.front.predict_at || self.front.halt.is_some() {
            return false;
        }
        let mut made = false;
        for _ in 0..self.config.front.predictions_per_cycle {
            let room = self.front.targets.len() < self.config.front.ftq as usize;
            let Some(start) = self.front.predict.filter(|_| room) else { break };
            let bubble = self.make_target(start);
            made = true;
            self.front.predict_at = self.now + 1 + bubble;
            if bubble > 0 {
                break;
            }
        }
        made
    }

    /// Makes the target at `start`; returns the cycles in which no other can be made.
    fn make_target(&mut self, start: VirtAddr) -> u64 {
        let size = u64::from(self.config.front.target_bytes);
        let window_end = VirtAddr((start.0 & !(size - 1)).wrapping_add(size));
        let mut target = Target {
            start,
            end: window_end,
            guess: None,
            next: window_end,
            translation: Translating::No,
            line: Line::No,
        };
        let mut bubble = 0;
        if let Some((pc, hit)) = self.predictor.next_branch(start, window_end) {
            let fall_through = VirtAddr(pc.0.wrapping_add(u64::from(hit.length)));
            let guess = self.predictor.predict(pc, hit.kind, hit.target, fall_through, None);
            target.next = if guess.taken { guess.target } else { fall_through };
            target.end = fall_through;
            target.guess = Some(Guess { pc, kind: hit.kind, record: guess.record });
            if guess.taken {
                bubble = u64::from(hit.latency_cycles);
            }
        }
        self.front.predict = Some(target.next);
        self.front.targets.push_back(target);
        bubble
    }
}
