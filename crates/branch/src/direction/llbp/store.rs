//! The last level: the context directory, and the pattern store with a pattern set for each of its
//! contexts.
//!
//! A context's 2-bit counter follows how many of its patterns are confident; the least gives way to a
//! new context. A counter of the whole directory turns to choose among equals. Whether a way is in use
//! takes no bit: one that is not has the tag of another way, which is found first.

use super::keys::Keys;
use super::patterns::{Change, Match, PatternSet};
use crate::bits::{low, step_unsigned};

const REPLACEMENT_BITS: u32 = 2;

/// A way of the directory.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    in_use: bool,
    tag: u8,
    /// Follows the number of confident patterns.
    confident: u8,
}

/// A context that was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Created {
    pub(super) at: usize,
    /// The context that gave way.
    pub(super) evicted: Option<u16>,
}

#[derive(Clone, Debug)]
pub(super) struct Store {
    log2_sets: u32,
    tag_bits: u32,
    ways: usize,
    entries: Vec<Entry>,
    /// The pattern set of each entry.
    sets: Vec<PatternSet>,
    /// The way to look for a victim from.
    turn: usize,
}

impl Store {
    pub(super) fn new(context_bits: u32, log2_sets: u32, ways: u32) -> Self {
        let ways = ways as usize;
        let count = ways << log2_sets;
        Self {
            log2_sets,
            tag_bits: context_bits - log2_sets,
            ways,
            entries: vec![Entry::default(); count],
            sets: vec![PatternSet::new(); count],
            turn: 0,
        }
    }

    fn set_of(&self, id: u16) -> usize {
        low(u64::from(id), self.log2_sets) as usize
    }

    fn tag_of(&self, id: u16) -> u8 {
        (id >> self.log2_sets) as u8
    }

    fn ways_of(&self, id: u16) -> std::ops::Range<usize> {
        let first = self.set_of(id) * self.ways;
        first..first + self.ways
    }

    /// Where a context is.
    #[inline]
    pub(super) fn find(&self, id: u16) -> Option<usize> {
        let tag = self.tag_of(id);
        self.ways_of(id).find(|at| self.entries[*at].in_use && self.entries[*at].tag == tag)
    }

    /// The pattern of the context at `at` that knows a branch by the longest history.
    #[inline]
    pub(super) fn longest(&self, at: usize, keys: &Keys) -> Option<Match> {
        self.sets[at].longest(keys)
    }

    /// Trains a pattern of the context at `at`.
    pub(super) fn train(&mut self, at: usize, length: usize, key: u16, actual: bool) {
        if let Some(change) = self.sets[at].train(length, key, actual) {
            let confident = &mut self.entries[at].confident;
            *confident = step_unsigned(*confident, change == Change::Confident, REPLACEMENT_BITS);
        }
    }

    /// Adds a pattern to the context at `at`.
    pub(super) fn add(&mut self, at: usize, length: usize, key: u16, actual: bool) {
        self.sets[at].add(length, key, actual);
    }

    /// Puts a context in that is not there, with no patterns.
    pub(super) fn create(&mut self, id: u16) -> Created {
        let at = self.victim(id);
        let old = self.entries[at];
        let evicted = (u32::from(old.tag) << self.log2_sets) as usize | self.set_of(id);
        self.entries[at] = Entry { in_use: true, tag: self.tag_of(id), confident: 0 };
        self.sets[at] = PatternSet::new();
        Created { at, evicted: old.in_use.then_some(evicted as u16) }
    }

    fn victim(&mut self, id: u16) -> usize {
        let first = self.ways_of(id).start;
        let turn = self.turn;
        self.turn = (turn + 1) % self.ways;
        let ways = (0..self.ways).map(|way| first + (turn + way) % self.ways);
        let worth = |at: &usize| (self.entries[*at].in_use, self.entries[*at].confident);
        ways.min_by_key(worth).expect("a directory has ways")
    }

    /// Bits of the directory.
    pub(super) fn directory_bits(&self) -> u64 {
        self.entries.len() as u64 * u64::from(self.tag_bits + REPLACEMENT_BITS)
    }

    /// Bits of the pattern store.
    pub(super) fn pattern_bits(&self) -> u64 {
        self.sets.len() as u64 * u64::from(PatternSet::BITS)
    }

    /// Bits of the counter that turns.
    pub(super) fn register_bits(&self) -> u64 {
        u64::from(self.ways.next_power_of_two().ilog2())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contexts of one set of a directory of four, with tags of four bits.
    fn id(tag: u16) -> u16 {
        tag << 2 | 1
    }

    #[test]
    fn the_context_with_the_fewest_confident_patterns_gives_way() {
        let mut store = Store::new(6, 2, 3);
        let places = [3, 5, 9].map(|tag| store.create(id(tag)));
        assert!(places.iter().all(|created| created.evicted.is_none()), "there was room");
        for (sure, created) in [2, 0, 1].into_iter().zip(places) {
            for key in 1..=sure {
                store.add(created.at, 0, key, true);
                store.train(created.at, 0, key, true);
            }
        }
        assert_eq!(store.create(id(12)).evicted, Some(id(5)));
        // The new one has none either, and is the next to go.
        assert_eq!(store.create(id(7)).evicted, Some(id(12)));
        let known = [3, 5, 7, 9, 12].map(|tag| store.find(id(tag)).is_some());
        assert_eq!(known, [true, false, true, true, false]);
    }

    #[test]
    fn equals_give_way_in_turn() {
        let mut store = Store::new(6, 2, 3);
        let mut gone: Vec<_> = (0..9).filter_map(|tag| store.create(id(tag)).evicted).collect();
        gone.sort_unstable();
        gone.dedup();
        assert_eq!(gone.len(), 6, "of nine contexts in three ways six went, each once");
    }

    #[test]
    fn a_context_begins_without_patterns() {
        let mut store = Store::new(4, 2, 1);
        let first = store.create(id(1)).at;
        store.add(first, 0, 77, true);
        let second = store.create(id(2)).at;
        assert_eq!((first, store.sets[second].train(0, 77, true)), (second, None));
    }
}
