//! The lines a prefetcher asks for, and the page they must not leave.
//!
//! Prefetchers see physical lines. The frames of neighbouring virtual pages need not be neighbours,
//! so a request beyond the 4 KiB page of the access would fetch what nobody is going to ask for,
//! and could reach memory the program has no right to. A list of requests therefore takes offsets
//! from the access and drops those that lead out of its page: no policy has to remember to.

use stream::LineAddr;

/// Which lines share a page of 4 KiB, the smallest that can be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    line_log2: u32,
}

impl Pages {
    const SIZE_LOG2: u32 = 12;
    /// Bits of a physical address, in all translation modes of RV64 (RISC-V privileged
    /// architecture: Sv39, Sv48, Sv57).
    const ADDRESS_BITS: u32 = 56;

    /// Pages of lines of `line_bytes`, a power of two of at most a page.
    #[must_use]
    pub fn of_lines(line_bytes: u64) -> Self {
        assert!(line_bytes.is_power_of_two() && line_bytes <= 1 << Self::SIZE_LOG2);
        Self { line_log2: line_bytes.ilog2() }
    }

    /// Lines in a page.
    #[must_use]
    pub fn lines(self) -> i64 {
        1 << (Self::SIZE_LOG2 - self.line_log2)
    }

    /// Bits of the number of a line.
    #[must_use]
    pub fn line_bits(self) -> u64 {
        u64::from(Self::ADDRESS_BITS - self.line_log2)
    }

    /// The line `offset` lines after `line`, or before it, if it lies in the same page.
    #[inline]
    #[must_use]
    pub fn step(self, line: LineAddr, offset: i64) -> Option<LineAddr> {
        let there = LineAddr(line.0.wrapping_add_signed(offset));
        let same = (line.0 ^ there.0) >> (Self::SIZE_LOG2 - self.line_log2) == 0;
        same.then_some(there)
    }
}

/// What a prefetcher asks for in answer to one access: a short list without allocation.
#[derive(Clone, Copy, Debug)]
pub struct Requests {
    pages: Pages,
    trigger: LineAddr,
    lines: [LineAddr; Self::CAPACITY],
    count: u8,
}

impl Requests {
    /// The most requests one access can cause.
    pub const CAPACITY: usize = 16;

    /// An empty list.
    #[must_use]
    pub fn new(pages: Pages) -> Self {
        Self { pages, trigger: LineAddr(0), lines: [LineAddr(0); Self::CAPACITY], count: 0 }
    }

    /// Empties the list for an access to `trigger`.
    #[inline]
    pub fn begin(&mut self, trigger: LineAddr) {
        self.trigger = trigger;
        self.count = 0;
    }

    /// Asks for the line `offset` lines after the accessed one, or before it. Dropped are that line
    /// itself, lines of other pages, lines already asked for, and whatever exceeds the capacity.
    #[inline]
    pub fn push(&mut self, offset: i64) {
        let Some(line) = self.pages.step(self.trigger, offset) else { return };
        let count = usize::from(self.count);
        if offset == 0 || count == Self::CAPACITY || self.lines().contains(&line) {
            return;
        }
        self.lines[count] = line;
        self.count += 1;
    }

    /// The lines asked for, the most urgent first.
    #[inline]
    #[must_use]
    pub fn lines(&self) -> &[LineAddr] {
        &self.lines[..usize::from(self.count)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: [u64; 0] = [];

    fn asked(line_bytes: u64, trigger: u64, offsets: &[i64]) -> Vec<u64> {
        let mut requests = Requests::new(Pages::of_lines(line_bytes));
        requests.begin(LineAddr(trigger));
        for &offset in offsets {
            requests.push(offset);
        }
        requests.lines().iter().map(|line| line.0).collect()
    }

    #[test]
    fn the_last_line_of_a_page_is_asked_for_and_the_next_is_not() {
        assert_eq!(asked(64, 126, &[1, 2]), [127], "64 lines a page");
        assert_eq!(asked(64, 65, &[-1, -2]), [64]);
        assert_eq!(asked(256, 14, &[1, 2]), [15], "16 lines a page");
        assert_eq!(asked(16, 254, &[1, 2]), [255], "256 lines a page");
        assert_eq!(asked(64, 0, &[-1]), NOTHING, "nothing lies below line 0");
    }

    #[test]
    fn the_accessed_line_and_repetitions_are_dropped() {
        assert_eq!(asked(64, 10, &[0, 3, 3, 4, 3]), [13, 14]);
    }

    #[test]
    fn the_list_takes_sixteen_lines() {
        let offsets: Vec<i64> = (1..=17).collect();
        assert_eq!(asked(64, 0, &offsets).len(), 16);
        assert_eq!(asked(64, 0, &offsets[..15]).len(), 15);
    }

    #[test]
    fn a_new_access_begins_with_an_empty_list() {
        let mut requests = Requests::new(Pages::of_lines(64));
        requests.begin(LineAddr(0));
        requests.push(1);
        requests.begin(LineAddr(5));
        assert_eq!(requests.lines().len(), 0);
        requests.push(1);
        assert_eq!(requests.lines(), [LineAddr(6)]);
    }
}
