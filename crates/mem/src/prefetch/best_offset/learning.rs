//! The scores of a learning phase.

use super::BestOffsetConfig;

/// One score an offset, and where the phase is.
#[derive(Clone, Debug)]
pub(super) struct Learning {
    scores: Vec<u8>,
    /// The offset with the best score, and that score.
    best: (usize, u32),
    round: u32,
    turn: usize,
}

impl Learning {
    pub(super) fn new(offsets: usize) -> Self {
        Self { scores: vec![0; offsets], best: (0, 0), round: 0, turn: 0 }
    }

    /// The offset to test next.
    #[inline]
    pub(super) fn turn(&self) -> usize {
        self.turn
    }

    /// Takes in the test of that offset. At the end of a phase, returns the best offset and its
    /// score and begins the next phase.
    #[inline]
    pub(super) fn test(&mut self, hit: bool, config: &BestOffsetConfig) -> Option<(usize, u32)> {
        if hit {
            let score = &mut self.scores[self.turn];
            *score = score.saturating_add(1);
            if u32::from(*score) > self.best.1 {
                self.best = (self.turn, u32::from(*score));
            }
        }
        self.turn += 1;
        if self.turn < self.scores.len() {
            return None;
        }
        self.turn = 0;
        self.round += 1;
        if self.best.1 < config.score_max && self.round < config.round_max {
            return None;
        }
        let best = self.best;
        (self.best, self.round) = ((0, 0), 0);
        self.scores.fill(0);
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results of tests, for a phase of at most 4 rounds and a best score of 3.
    fn phases(offsets: usize, hits: &[bool]) -> Vec<Option<(usize, u32)>> {
        let (score_max, round_max) = (3, 4);
        let config = BestOffsetConfig { score_max, round_max, ..BestOffsetConfig::default() };
        let mut learning = Learning::new(offsets);
        hits.iter().map(|&hit| learning.test(hit, &config)).collect()
    }

    #[test]
    fn a_phase_ends_with_the_round_in_which_a_score_is_high_enough() {
        let results = phases(2, &[true, false, true, false, true, false]);
        assert_eq!(results, [None, None, None, None, None, Some((0, 3))], "not at the fifth test");
    }

    #[test]
    fn a_phase_ends_after_its_rounds() {
        let mut hits = [false; 8];
        assert_eq!(phases(2, &hits)[6..], [None, Some((0, 0))]);
        hits[3] = true;
        assert_eq!(phases(2, &hits)[6..], [None, Some((1, 1))]);
    }

    #[test]
    fn the_next_phase_begins_from_nothing() {
        let mut hits = [true; 16];
        hits[4..].fill(false);
        let ends: Vec<_> = phases(1, &hits).into_iter().flatten().collect();
        assert_eq!(ends, [(0, 3), (0, 1), (0, 0), (0, 0)], "3, then 4 tests a phase");
    }

    #[test]
    fn of_equal_scores_the_first_offset_wins() {
        let results = phases(3, &[false, true, true, false, true, true, false, true, true]);
        assert_eq!(results[8], Some((1, 3)));
    }
}
