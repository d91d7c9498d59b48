//! Lines that prefetches displaced, as a filter of bits that a real cache could have.
//!
//! S. Srinath et al., "Feedback directed prefetching: improving the performance and bandwidth-efficiency
//! of hardware prefetchers", HPCA 2007, section 3.1.3: a bit for the address of a line that someone had
//! asked for and that leaves for a prefetched one; the bit goes when the line is prefetched again; a
//! demand miss that finds its bit set is due to prefetching. 4096 bits, chosen by the exclusive or of
//! address bits, as there. Different from there, a miss takes the bit with it, so that each displaced
//! line counts once. Lines that share a bit are taken for each other: the count is an estimate.

use ::stream::LineAddr;

/// Bits of the filter.
const BITS: usize = 4096;

/// The filter.
#[derive(Clone, Debug)]
pub(super) struct Displaced(Box<[u64; BITS / 64]>);

impl Default for Displaced {
    fn default() -> Self {
        Self(Box::new([0; BITS / 64]))
    }
}

impl Displaced {
    /// `line` left for a line that was prefetched.
    pub(super) fn put(&mut self, line: LineAddr) {
        let (word, bit) = place(line);
        self.0[word] |= bit;
    }

    /// Whether `line` left for a line that was prefetched, and has not come back since; it does now.
    #[inline]
    pub(super) fn take(&mut self, line: LineAddr) -> bool {
        let (word, bit) = place(line);
        let found = self.0[word] & bit != 0;
        self.0[word] &= !bit;
        found
    }
}

fn place(line: LineAddr) -> (usize, u64) {
    let index = (line.0 ^ line.0 >> BITS.trailing_zeros()) as usize % BITS;
    (index / 64, 1 << (index % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displaced_line_is_found_once() {
        let mut displaced = Displaced::default();
        assert!(!displaced.take(LineAddr(77)));
        displaced.put(LineAddr(77));
        assert!(!displaced.take(LineAddr(78)));
        assert!(displaced.take(LineAddr(77)));
        assert!(!displaced.take(LineAddr(77)));
    }

    #[test]
    fn lines_that_share_a_bit_are_taken_for_each_other() {
        let mut displaced = Displaced::default();
        displaced.put(LineAddr(5));
        assert!(displaced.take(LineAddr(1 << 12 | 4)));
    }
}
