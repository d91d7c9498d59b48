//! The instructions of a scheduler whose operands are there: a bit for each place of the ring, so that
//! one is put in and taken out at once, and the oldest is found first, as the select logic of a
//! scheduler that picks by age does.

use super::slot::{Place, Position, SLOTS};

/// The set. It holds renamed instructions that are not issued.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    words: [u64; SLOTS / 64],
    /// Of those in it, the ones that may not go before others: see [`Ready::first`].
    ordered: [u64; SLOTS / 64],
    count: u32,
}

impl Ready {
    pub(super) fn new() -> Self {
        Self { words: [0; SLOTS / 64], ordered: [0; SLOTS / 64], count: 0 }
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
        self.ordered[word] = self.ordered[word] & !bit | if ordered { bit } else { 0 };
        self.count += 1;
    }

    /// Takes out the instruction at a place, if it is in it.
    #[inline]
    pub(super) fn remove(&mut self, place: Place) {
        let (word, bit) = Self::locate(place);
        self.count -= u32::from(self.words[word] & bit != 0);
        self.words[word] &= !bit;
    }

    /// The first from `from` to before `end`, at most once round the ring; of the ordered ones only those
    /// before `limit`.
    #[inline]
    pub(super) fn first(&self, from: Position, end: Position, limit: Position) -> Option<Position> {
        let mut at = from;
        while at < end {
            let (word, shift) = (at as usize % SLOTS / 64, at % 64);
            let mut bits = self.words[word] >> shift;
            if limit < at + 64 {
                let before = limit.saturating_sub(at);
                bits &= ((1 << before) - 1) | !(self.ordered[word] >> shift);
            }
            if bits != 0 {
                let found = at + u64::from(bits.trailing_zeros());
                return (found < end).then_some(found);
            }
            at += 64 - shift;
        }
        None
    }

    #[inline]
    fn locate(place: Place) -> (usize, u64) {
        (place as usize % SLOTS / 64, 1 << (place % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ready: &Ready, from: Position, end: Position) -> Vec<Position> {
        all_within(ready, from, end, Position::MAX)
    }

    fn all_within(ready: &Ready, from: Position, end: Position, limit: Position) -> Vec<Position> {
        let mut found = Vec::new();
        let mut at = from;
        while let Some(next) = ready.first(at, end, limit) {
            found.push(next);
            at = next + 1;
        }
        found
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
    fn what_was_taken_out_is_gone_and_taking_it_out_again_changes_nothing() {
        let mut ready = Ready::new();
        ready.insert(7, false);
        ready.insert(1000, true);
        ready.remove(7);
        ready.remove(7);
        assert_eq!(all(&ready, 0, SLOTS as u64), [1000]);
        assert!(!ready.is_empty());
        ready.remove(1000);
        assert!(ready.is_empty());
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
