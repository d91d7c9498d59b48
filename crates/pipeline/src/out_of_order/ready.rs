//! The instructions of a scheduler whose operands are there: a bit for each place of the ring, so that
//! one is put in and taken out at once, and the oldest is found first, as the select logic of a
//! scheduler that picks by age does.

use super::slot::{Place, Position, SLOTS};
use mem::Cycle;

/// The set. It holds renamed instructions that are not issued.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    words: [u64; SLOTS / 64],
    /// Of those in it, the ones that may not go before others: see [`Search::new`].
    ordered: [u64; SLOTS / 64],
    count: u32,
    /// For each word, those that will be in it, by the cycle from which on, modulo the cycles ahead.
    soon: [[u64; NEAR as usize]; SLOTS / 64],
    /// For each of those cycles, a bit for each word that may have one.
    soon_words: [u64; NEAR as usize],
}
const _: () = assert!(SLOTS / 64 <= u64::BITS as usize, "a bit for each word");

/// The set takes what will be ready fewer cycles ahead: as many as
/// [`OutOfOrder::soon`](super::OutOfOrder::soon) has bits.
pub(super) const NEAR: u64 = u16::BITS as u64;

impl Ready {
    pub(super) fn new() -> Self {
        let none = [0; SLOTS / 64];
        let soon = [[0; NEAR as usize]; SLOTS / 64];
        Self { words: none, ordered: none, count: 0, soon, soon_words: [0; NEAR as usize] }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.count
    }

    /// Puts in the instruction at a place, which is not in it.
    #[inline]
    pub(super) fn insert(&mut self, place: Place, ordered: bool) {
        let (word, bit) = Self::locate(place);
        debug_assert!(self.words[word] & bit == 0, "ready twice");
        self.words[word] |= bit;
        self.order(word, bit, ordered);
        self.count += 1;
    }

    /// Puts in the instruction at a place, which is not in it, for the cycle `when`: a later one, by less
    /// than [`NEAR`].
    #[inline]
    pub(super) fn insert_for(&mut self, when: Cycle, place: Place, ordered: bool) {
        let (word, bit) = Self::locate(place);
        let cycle = (when.0 % NEAR) as usize;
        debug_assert!(self.words[word] & bit == 0, "ready twice");
        self.soon[word][cycle] |= bit;
        self.soon_words[cycle] |= 1 << word;
        self.order(word, bit, ordered);
    }

    #[inline]
    fn order(&mut self, word: usize, bit: u64, ordered: bool) {
        self.ordered[word] = self.ordered[word] & !bit | if ordered { bit } else { 0 };
    }

    /// Takes in what was put in for `now`.
    #[inline]
    pub(super) fn take_in(&mut self, now: Cycle) {
        let cycle = (now.0 % NEAR) as usize;
        let mut words = std::mem::take(&mut self.soon_words[cycle]);
        while words != 0 {
            let word = words.trailing_zeros() as usize % (SLOTS / 64);
            words &= words - 1;
            let ready = std::mem::take(&mut self.soon[word][cycle]);
            self.words[word] |= ready;
            self.count += ready.count_ones();
        }
    }

    /// Takes out the instruction at a place, which is issued.
    #[inline]
    pub(super) fn remove(&mut self, place: Place) {
        let (word, bit) = Self::locate(place);
        debug_assert!(self.words[word] & bit != 0, "issued and not ready");
        self.count -= 1;
        self.words[word] &= !bit;
    }

    /// Takes out the instruction at a place, which is squashed, if it is in it or will be: from `when` on.
    #[inline]
    pub(super) fn forget(&mut self, place: Place, when: Cycle) {
        let (word, bit) = Self::locate(place);
        self.count -= u32::from(self.words[word] & bit != 0);
        self.words[word] &= !bit;
        self.soon[word][(when.0 % NEAR) as usize] &= !bit;
    }

    #[inline]
    fn locate(place: Place) -> (usize, u64) {
        (place as usize % SLOTS / 64, 1 << (place % 64))
    }
}

/// A search for the oldest, one after the other. What it has found may be taken out meanwhile; what is
/// put in is not found for sure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    /// Where the lowest of `bits` is.
    at: Position,
    /// What was not found yet of a word.
    bits: u64,
    /// Where the next word begins.
    next: Position,
    end: Position,
    limit: Position,
}

impl Search {
    /// From `from` to before `end`, at most once round the ring; of the ordered ones only those before
    /// `limit`.
    #[inline]
    pub(super) fn new(from: Position, end: Position, limit: Position) -> Self {
        Self { at: from, bits: 0, next: from, end, limit }
    }

    /// The oldest that was not found yet.
    #[inline]
    pub(super) fn next(&mut self, ready: &Ready) -> Option<Position> {
        while self.bits == 0 {
            if self.next >= self.end {
                return None;
            }
            self.load(ready);
        }
        let found = self.at + u64::from(self.bits.trailing_zeros());
        self.bits &= self.bits - 1;
        (found < self.end).then_some(found)
    }

    /// Goes on to the next word.
    #[inline]
    fn load(&mut self, ready: &Ready) {
        let at = self.next;
        let (word, shift) = (at as usize % SLOTS / 64, at % 64);
        self.at = at;
        self.next = at + 64 - shift;
        self.bits = ready.words[word] >> shift;
        if self.limit < self.next {
            let before = self.limit.saturating_sub(at);
            self.bits &= ((1 << before) - 1) | !(ready.ordered[word] >> shift);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ready: &Ready, from: Position, end: Position) -> Vec<Position> {
        all_within(ready, from, end, Position::MAX)
    }

    fn all_within(ready: &Ready, from: Position, end: Position, limit: Position) -> Vec<Position> {
        let mut search = Search::new(from, end, limit);
        std::iter::from_fn(|| search.next(ready)).collect()
    }

    #[test]
    fn the_oldest_come_first_wherever_the_ring_begins() {
        let size = SLOTS as u64;
        for head in [0, 1, 63, 64, 70, size - 1, 5 * size - 3] {
            let mut ready = Ready::new();
            let members: Vec<_> = [0, 1, 2, 61, 62, 63, 64, 65, 500, size - 2, size - 1]
                .map(|ahead| head + ahead)
                .into();
            for at in members.iter().rev() {
                ready.insert((at % size) as Place, false);
            }
            assert_eq!(all(&ready, head, head + size), members);
            assert_eq!(all(&ready, head, head + 500), members[..8]);
            assert_eq!(all(&ready, head + 2, head + 64), members[2..6]);
        }
    }

    #[test]
    fn what_was_taken_out_is_gone_and_forgetting_it_again_changes_nothing() {
        let mut ready = Ready::new();
        ready.insert(7, false);
        ready.insert(1000, true);
        ready.forget(7, Cycle(0));
        ready.forget(7, Cycle(0));
        assert_eq!(all(&ready, 0, SLOTS as u64), [1000]);
        assert!(!ready.is_empty());
        ready.remove(1000);
        assert!(ready.is_empty());
    }

    #[test]
    fn what_was_put_in_for_a_cycle_is_in_it_from_then_on_unless_it_was_forgotten() {
        let size = SLOTS as u64;
        for now in [0, 5, 8, 13] {
            let mut ready = Ready::new();
            for (ahead, place) in (1..NEAR).zip([0, 63, 64, 65, 700, 701, SLOTS as Place - 1]) {
                ready.insert_for(Cycle(now + ahead), place, place == 64);
            }
            ready.insert(5, false);
            assert_eq!((all(&ready, 0, size), ready.len()), (vec![5], 1));
            ready.forget(700, Cycle(now + 5));
            let mut there = vec![5];
            for (ahead, place) in (1..NEAR).zip([0, 63, 64, 65, 700, 701, size - 1]) {
                ready.take_in(Cycle(now + ahead));
                there.extend((place != 700).then_some(place));
                there.sort_unstable();
                assert_eq!(
                    (all(&ready, 0, size), ready.len()),
                    (there.clone(), there.len() as u32)
                );
            }
            there.retain(|&place| place != 64);
            assert_eq!(all_within(&ready, 0, size, 64), there, "as others, it may be ordered");
            (0..NEAR).for_each(|ahead| ready.take_in(Cycle(now + NEAR + ahead)));
            assert_eq!(ready.len(), 7, "nothing is taken in twice");
        }
    }

    #[test]
    fn ordered_ones_are_found_only_before_the_limit() {
        let size = SLOTS as u64;
        for head in [0, 1, 62, 63, 64, 70, size - 1, 5 * size - 3] {
            let mut ready = Ready::new();
            let members =
                [0, 1, 2, 30, 31, 61, 62, 63, 64, 65, 127, 128, 500].map(|ahead| head + ahead);
            for (number, at) in members.iter().enumerate() {
                ready.insert((at % size) as Place, number % 2 == 0);
            }
            for limit in (0..130).map(|ahead| head + ahead) {
                let found = members.iter().enumerate();
                let found = found.filter(|(number, at)| number % 2 == 1 || **at < limit);
                let found: Vec<_> = found.map(|(_, at)| *at).collect();
                assert_eq!(all_within(&ready, head, head + size, limit), found, "{head} {limit}");
            }
        }
    }
}
