//! Static re-reference interval prediction with hit priority: SRRIP-HP of A. Jaleel, K. B. Theobald,
//! S. C. Steely Jr. and J. Emer, "High performance cache replacement using re-reference interval
//! prediction (RRIP)", ISCA 2010.
//!
//! Each line has a prediction of two bits of how far away its next use is. A new line is expected
//! after a long interval (2), a line that is used at once again (0), and one that nobody expects
//! soon (3) leaves first. If there is none, all grow older together. So lines that are used once, a
//! scan, leave before those that have been used again.

use super::Replacement;

/// Re-reference predictions of all lines.
#[derive(Clone, Debug)]
pub(super) struct Predictions {
    ways: usize,
    values: Vec<u8>,
}

impl Predictions {
    /// The next use is near.
    pub(super) const IMMEDIATE: u8 = 0;
    /// The next use is far, but nearer than of lines nobody expects.
    pub(super) const LONG: u8 = Self::DISTANT - 1;
    /// The largest value of two bits, the width that the paper settles on.
    pub(super) const DISTANT: u8 = 3;

    pub(super) fn new(sets: usize, ways: usize) -> Self {
        Self { ways, values: vec![Self::DISTANT; sets * ways] }
    }

    #[inline]
    pub(super) fn set(&mut self, set: usize, way: usize, value: u8) {
        self.values[set * self.ways + way] = value;
    }

    /// The first way with the most distant prediction. All grow older by what that is short of the
    /// largest value: the paper's search in one step.
    pub(super) fn victim(&mut self, set: usize) -> usize {
        let values = &mut self.values[set * self.ways..][..self.ways];
        let (mut victim, mut oldest) = (0, 0);
        for (way, &value) in values.iter().enumerate() {
            if value > oldest {
                (victim, oldest) = (way, value);
            }
        }
        if oldest < Self::DISTANT {
            values.iter_mut().for_each(|value| *value += Self::DISTANT - oldest);
        }
        victim
    }
}

/// SRRIP with hit priority.
#[derive(Clone, Debug)]
pub(crate) struct Srrip {
    predictions: Predictions,
}

impl Replacement for Srrip {
    fn new(sets: usize, ways: usize) -> Self {
        Self { predictions: Predictions::new(sets, ways) }
    }

    #[inline]
    fn touch(&mut self, set: usize, way: usize) {
        self.predictions.set(set, way, Predictions::IMMEDIATE);
    }

    #[inline]
    fn fill(&mut self, set: usize, way: usize) {
        self.predictions.set(set, way, Predictions::LONG);
    }

    fn victim(&mut self, set: usize) -> usize {
        self.predictions.victim(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replacement::lru::Lru;
    use crate::replacement::testing::TagsOf;

    #[test]
    fn the_first_line_with_the_most_distant_prediction_leaves() {
        let mut srrip = Srrip::new(1, 4);
        (0..4).for_each(|way| srrip.fill(0, way));
        srrip.touch(0, 0);
        assert_eq!(srrip.victim(0), 1, "0 2 2 2 becomes 1 3 3 3");
        srrip.fill(0, 1);
        assert_eq!(srrip.victim(0), 2, "1 2 3 3");
        srrip.fill(0, 2);
        assert_eq!(srrip.victim(0), 3, "1 2 2 3");
        srrip.fill(0, 3);
        assert_eq!(srrip.victim(0), 1, "1 2 2 2 becomes 2 3 3 3");
        srrip.touch(0, 1);
        srrip.touch(0, 2);
        srrip.touch(0, 3);
        assert_eq!(srrip.victim(0), 0, "2 0 0 0 becomes 3 1 1 1");
    }

    /// Misses of two lines in use, used twice between scans of `length` other lines, in 4 ways.
    fn misses_between_scans<P: Replacement>(length: u64) -> usize {
        let mut cache = TagsOf::<P>::new(1, 4);
        let mut misses = 0;
        for scan in 1..=50 {
            misses += [1, 2, 1, 2].iter().filter(|line| !cache.access(0, **line)).count();
            for line in 0..length {
                cache.access(0, scan * 1000 + line);
            }
        }
        misses
    }

    #[test]
    fn a_scan_does_not_displace_lines_that_are_used_again() {
        // The scan has the other two ways, and fills each once before the lines in use are a step
        // older. After two steps from 0 they are no better than what the scan puts in.
        assert_eq!(misses_between_scans::<Srrip>(4), 2, "only the first two");
        assert!(misses_between_scans::<Srrip>(5) > 2);
        assert_eq!(misses_between_scans::<Lru>(4), 2 * 50, "LRU loses both every time");
    }
}
