//! First in, first out: a pointer a set goes round the ways, whatever their use.
//!
//! What Arm's manuals call round robin. More ways can give more misses: L. A. Belady, R. A. Nelson and
//! G. S. Shedler, "An anomaly in space-time characteristics of certain programs running in a paging
//! machine", CACM 12(6), 1969.

use super::Replacement;

/// First in, first out.
#[derive(Clone, Debug)]
pub struct Fifo {
    ways: usize,
    /// The way of each set to be replaced next.
    next: Vec<usize>,
}

impl Replacement for Fifo {
    fn new(sets: usize, ways: usize) -> Self {
        Self { ways, next: vec![0; sets] }
    }

    #[inline]
    fn touch(&mut self, _set: usize, _way: usize) {}

    #[inline]
    fn fill(&mut self, set: usize, way: usize) {
        if way == self.next[set] {
            self.next[set] = (way + 1) % self.ways;
        }
    }

    fn victim(&mut self, set: usize) -> usize {
        self.next[set]
    }
}
