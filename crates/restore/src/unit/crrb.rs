//! The code region reference buffer: the regions of code in which lines were missing, as they were met.
//!
//! A fully associative queue (D. Schall et al., "Lukewarm serverless functions", ISCA 2022, section 3.2).
//! A line of a region that is there is added to it. Another region comes in at the end, and the oldest
//! leaves for memory, never to be changed again: a region may be recorded twice.

use std::collections::VecDeque;

/// Lines of one region of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// The address of its first byte by the size of a region.
    pub(crate) number: u64,
    /// A bit for each of its lines, the first the lowest.
    pub(crate) lines: u64,
}

/// The buffer.
#[derive(Clone, Debug)]
pub(crate) struct Crrb {
    entries: usize,
    regions: VecDeque<Region>,
}

impl Crrb {
    pub(crate) fn new(entries: u32) -> Self {
        let entries = entries as usize;
        Self { entries, regions: VecDeque::with_capacity(entries + 1) }
    }

    /// A line of a region was missing; returns the region that leaves.
    pub(crate) fn missed(&mut self, number: u64, line: u32) -> Option<Region> {
        let lines = 1 << line;
        if let Some(region) = self.regions.iter_mut().find(|region| region.number == number) {
            region.lines |= lines;
            return None;
        }
        self.regions.push_back(Region { number, lines });
        if self.regions.len() > self.entries { self.regions.pop_front() } else { None }
    }

    /// Takes the oldest region out.
    pub(crate) fn pop(&mut self) -> Option<Region> {
        self.regions.pop_front()
    }

    pub(crate) fn clear(&mut self) {
        self.regions.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(number: u64, lines: u64) -> Region {
        Region { number, lines }
    }

    #[test]
    fn lines_of_a_region_that_is_there_are_added_to_it_in_its_place() {
        let mut crrb = Crrb::new(2);
        for (number, line) in [(5, 0), (9, 3), (5, 15), (5, 0)] {
            assert_eq!(crrb.missed(number, line), None);
        }
        assert_eq!(crrb.pop(), Some(region(5, 0x8001)));
        assert_eq!(crrb.pop(), Some(region(9, 0x8)));
        assert_eq!(crrb.pop(), None);
    }

    #[test]
    fn the_region_met_first_leaves_although_it_was_used_last() {
        let mut crrb = Crrb::new(2);
        for (number, line) in [(5, 1), (9, 1), (5, 2)] {
            assert_eq!(crrb.missed(number, line), None);
        }
        assert_eq!(crrb.missed(7, 0), Some(region(5, 0b110)));
        // It is met again: as another one.
        assert_eq!(crrb.missed(5, 4), Some(region(9, 0b10)));
        assert_eq!(crrb.pop(), Some(region(7, 1)));
        assert_eq!(crrb.pop(), Some(region(5, 0x10)));
    }
}
