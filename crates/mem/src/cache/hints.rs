//! A byte of every line's number, eight to a word: which ways of a set may hold a line is found out for
//! eight at once. Only saves the search on the host: what may is checked.
//!
//! The test for a zero byte is that of H. S. Warren, "Hacker's Delight", 2nd edition, section 6-1, in
//! the form whose lowest find is exact and whose others may be wrong.

use stream::LineAddr;

const LOWEST: u64 = 0x0101_0101_0101_0101;
const HIGHEST: u64 = LOWEST << 7;

/// The bytes of all sets.
#[derive(Clone, Debug)]
pub(super) struct Hints {
    /// Of a set.
    words: usize,
    /// Bits of a line's number that its set follows from, and so say nothing.
    set_bits: u32,
    bytes: Vec<u64>,
}

impl Hints {
    pub(super) fn new(sets: usize, ways: usize) -> Self {
        let words = ways.div_ceil(8);
        Self { words, set_bits: sets.ilog2(), bytes: vec![0; sets * words] }
    }

    #[inline]
    fn byte(&self, line: LineAddr) -> u64 {
        let tag = line.0 >> self.set_bits;
        (tag ^ tag >> 8) & 0xff
    }

    /// `set` will be looked at soon.
    #[inline(always)]
    pub(super) fn expect(&self, set: usize) {
        hint::prefetch(&self.bytes[set * self.words]);
    }

    /// `line` lies in `way` now.
    #[inline]
    pub(super) fn put(&mut self, set: usize, way: usize, line: LineAddr) {
        let (byte, place) = (self.byte(line), way % 8 * 8);
        let word = &mut self.bytes[set * self.words + way / 8];
        *word = *word & !(0xff << place) | byte << place;
    }

    /// The way of `set` that `holds` the line, of those that may; ways that there are not may, too.
    #[inline(always)]
    pub(super) fn find(
        &self,
        set: usize,
        line: LineAddr,
        holds: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let sought = self.byte(line) * LOWEST;
        let first = set * self.words;
        (0..self.words).find_map(|number| {
            let way = find_in(self.bytes[first + number], sought, |way| holds(number * 8 + way))?;
            Some(number * 8 + way)
        })
    }

    /// The same where a set has one word, as most have.
    #[inline(always)]
    pub(super) fn find_in_word(
        &self,
        set: usize,
        line: LineAddr,
        holds: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        find_in(self.bytes[set], self.byte(line) * LOWEST, holds)
    }

    /// Whether a way of `set` may hold `line`.
    #[inline(always)]
    pub(super) fn may_hold(&self, set: usize, line: LineAddr) -> bool {
        !self.has_one_word()
            || find_in(self.bytes[set], self.byte(line) * LOWEST, |_| true).is_some()
    }

    /// Whether [`Hints::find_in_word`] finds what there is to find.
    #[inline(always)]
    pub(super) fn has_one_word(&self) -> bool {
        self.words == 1
    }
}

/// The way of a word that `holds` the line, of those whose byte is the one that fills `sought`.
#[inline(always)]
fn find_in(word: u64, sought: u64, holds: impl Fn(usize) -> bool) -> Option<usize> {
    let other = word ^ sought;
    let mut same = other.wrapping_sub(LOWEST) & !other & HIGHEST;
    while same != 0 {
        let way = same.trailing_zeros() as usize / 8;
        if holds(way) {
            return Some(way);
        }
        same &= same - 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// The ways of set 3 that are tried for `line`, of which none holds it.
    fn tried(hints: &Hints, line: u64) -> Vec<usize> {
        let tried = RefCell::new(Vec::new());
        let try_it = |way| {
            tried.borrow_mut().push(way);
            false
        };
        assert_eq!(hints.find(3, LineAddr(line), try_it), None);
        let by_words = tried.take();
        assert_eq!(hints.find_in_word(3, LineAddr(line), try_it), None);
        assert_eq!(tried.take(), by_words, "a set has one word");
        assert_eq!(hints.may_hold(3, LineAddr(line)), !by_words.is_empty());
        by_words
    }

    #[test]
    fn lines_are_found_in_every_way_and_after_others_have_taken_their_places() {
        let mut hints = Hints::new(16, 12);
        let mut held = [0; 12];
        for turn in 0..5_u64 {
            for (way, line) in held.iter_mut().enumerate() {
                *line = (turn * 1237 + way as u64 * 7) << 4 | 3;
                hints.put(3, way, LineAddr(*line));
            }
            for (way, line) in held.iter().enumerate() {
                let found = hints.find(3, LineAddr(*line), |way| held.get(way) == Some(line));
                assert_eq!(found, Some(way));
            }
        }
    }

    #[test]
    fn few_ways_are_tried_for_a_line_that_is_not_there() {
        let mut hints = Hints::new(16, 8);
        (0..8).for_each(|way| hints.put(3, way, LineAddr((way as u64 + 1) << 4 | 3)));
        assert_eq!(tried(&hints, 20 << 4 | 3), [0; 0]);
        assert_eq!(tried(&hints, (5 | 0x70 << 8) << 4 | 3), [0; 0]);
        assert_eq!(tried(&hints, (5 | 0xff << 16) << 4 | 3), [4]);
    }
}
