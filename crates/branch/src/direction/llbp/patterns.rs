//! A pattern set: what is known of the branches of one context.
//!
//! Sixteen patterns of a 3-bit counter, a 13-bit tag and 2 bits that tell the history length, in four
//! buckets of four. A bucket holds patterns of its four lengths only, so that few slots compete for
//! the longest match. Its slots are in the order in which they were written, which costs no bit.
//! Slots never written match nothing; hardware without a bit for that would reserve a tag.

use super::keys::{Keys, LENGTH_BITS, LENGTHS, LENGTHS_OF_BUCKET, TABLES, TAG_BITS};
use crate::bits::{step_signed, strength};
use crate::direction::tage_sc_l::Confidence;

const SLOTS: usize = 16;
const SLOTS_OF_BUCKET: usize = SLOTS * LENGTHS_OF_BUCKET / LENGTHS;
const COUNTER_BITS: u32 = 3;
/// No branch has this key: it has more bits than keys have.
const EMPTY: u16 = u16::MAX;

/// A pattern that knows a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Its length, by number.
    pub(super) length: u8,
    pub(super) guess: bool,
    pub(super) confidence: Confidence,
}

impl Match {
    /// The logical table of TAGE that has its length.
    pub(super) fn table(self) -> u8 {
        TABLES[usize::from(self.length)]
    }
}

/// What training did to a pattern's confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is no longer unsure.
    Confident,
    /// It is unsure now.
    Unsure,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PatternSet {
    keys: [u16; SLOTS],
    counters: [i8; SLOTS],
}

impl PatternSet {
    /// Bits of a pattern set.
    pub(super) const BITS: u32 = SLOTS as u32 * (COUNTER_BITS + TAG_BITS + LENGTH_BITS);

    pub(super) fn new() -> Self {
        Self { keys: [EMPTY; SLOTS], counters: [0; SLOTS] }
    }

    fn bucket(length: usize) -> std::ops::Range<usize> {
        let first = length / LENGTHS_OF_BUCKET * SLOTS_OF_BUCKET;
        first..first + SLOTS_OF_BUCKET
    }

    #[inline]
    fn slot(&self, length: usize, key: u16) -> Option<usize> {
        Self::bucket(length).find(|slot| self.keys[*slot] == key)
    }

    /// The pattern of the longest history that has its key.
    #[inline]
    pub(super) fn longest(&self, keys: &Keys) -> Option<Match> {
        (0..LENGTHS).rev().find_map(|length| {
            let slot = self.slot(length, keys.of(length))?;
            let counter = self.counters[slot];
            let confidence = Confidence::of(counter);
            Some(Match { length: length as u8, guess: counter >= 0, confidence })
        })
    }

    /// Trains a pattern, unless another has taken its slot.
    pub(super) fn train(&mut self, length: usize, key: u16, actual: bool) -> Option<Change> {
        let slot = self.slot(length, key)?;
        let before = self.counters[slot];
        let counter = step_signed(before, actual, COUNTER_BITS);
        self.counters[slot] = counter;
        match (Confidence::of(before), Confidence::of(counter)) {
            (Confidence::Low, Confidence::Medium) => Some(Change::Confident),
            (Confidence::Medium, Confidence::Low) => Some(Change::Unsure),
            _ => None,
        }
    }

    /// Adds an unsure pattern in place of the least confident of its bucket, the oldest of several.
    /// Leaves a pattern that is there alone.
    pub(super) fn add(&mut self, length: usize, key: u16, actual: bool) {
        if self.slot(length, key).is_some() {
            return;
        }
        let bucket = Self::bucket(length);
        let newest = bucket.start;
        let sureness = |slot: &usize| strength(self.counters[*slot]);
        let victim = bucket.rev().min_by_key(sureness).expect("a bucket has slots");
        self.keys.copy_within(newest..victim, newest + 1);
        self.counters.copy_within(newest..victim, newest + 1);
        self.keys[newest] = key;
        self.counters[newest] = if actual { 0 } else { -1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of a tag of the length that comes first in its bucket.
    fn first(tag: u16) -> u16 {
        tag
    }

    #[test]
    fn a_set_is_288_bits() {
        assert_eq!(PatternSet::BITS, 288);
    }

    #[test]
    fn the_least_confident_pattern_gives_way_and_of_several_the_oldest() {
        let mut set = PatternSet::new();
        for tag in 1..=4 {
            set.add(4, first(tag), true);
        }
        // The third becomes surer than the others: the next to go are the first, then the second.
        assert_eq!(set.train(4, first(3), true), Some(Change::Confident));
        let known = |set: &PatternSet| -> Vec<u16> {
            (1..=9).filter(|tag| set.slot(4, first(*tag)).is_some()).collect()
        };
        assert_eq!(known(&set), [1, 2, 3, 4]);
        set.add(4, first(5), true);
        assert_eq!(known(&set), [2, 3, 4, 5]);
        set.add(4, first(6), true);
        assert_eq!(known(&set), [3, 4, 5, 6]);
        set.add(4, first(7), true);
        set.add(4, first(8), true);
        assert_eq!(known(&set), [3, 6, 7, 8]);
    }

    #[test]
    fn a_bucket_does_not_touch_the_others() {
        let mut set = PatternSet::new();
        (0..LENGTHS).step_by(4).for_each(|length| set.add(length, first(9), true));
        (1..6).for_each(|tag| set.add(8, first(tag), true));
        let kept: Vec<_> =
            (0..LENGTHS).step_by(4).map(|length| set.slot(length, first(9))).collect();
        assert_eq!(kept, [Some(0), Some(4), None, Some(12)]);
    }

    #[test]
    fn confidence_changes_where_a_counter_leaves_or_enters_its_middle() {
        let mut set = PatternSet::new();
        set.add(0, first(1), false);
        let steps = [false, false, false, true, true, true, true, true];
        let changes = steps.map(|actual| set.train(0, first(1), actual));
        // From -1: -2, -3, -4, -3, -2, -1, 0, 1.
        let (up, down) = (Some(Change::Confident), Some(Change::Unsure));
        assert_eq!(changes, [up, None, None, None, None, down, None, up]);
    }
}
