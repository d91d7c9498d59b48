//! Least recently used, exactly: every line carries the time of its last use.

use super::Replacement;

/// True LRU by timestamps.
#[derive(Clone, Debug)]
pub(crate) struct Lru {
    ways: usize,
    now: u64,
    /// Per line the time of its last use, and below it the number of its way: the smallest of a
    /// set then names the victim without a branch to mispredict.
    last_use: Vec<u64>,
}

/// Bits for the number of the way. The other 48 count uses for years.
const WAY_BITS: u32 = 16;

impl Replacement for Lru {
    fn new(sets: usize, ways: usize) -> Self {
        let unused = (0..sets * ways).map(|line| (line % ways) as u64);
        Self { ways, now: 0, last_use: unused.collect() }
    }

    #[inline]
    fn touch(&mut self, set: usize, way: usize) {
        self.now += 1;
        self.last_use[set * self.ways + way] = self.now << WAY_BITS | way as u64;
    }

    fn victim(&mut self, set: usize) -> usize {
        let uses = &self.last_use[set * self.ways..][..self.ways];
        // Four minima side by side, because one would wait for itself 64 times in a large TLB.
        let mut oldest = [u64::MAX; 4];
        for four in uses.chunks(4) {
            for (oldest, &use_) in oldest.iter_mut().zip(four) {
                *oldest = use_.min(*oldest);
            }
        }
        let oldest = oldest.into_iter().fold(u64::MAX, u64::min);
        (oldest & ((1 << WAY_BITS) - 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_used_longest_ago_leaves() {
        let mut lru = Lru::new(1, 4);
        for way in [0, 1, 2, 3, 1, 0, 3] {
            lru.touch(0, way);
        }
        assert_eq!(lru.victim(0), 2);
        lru.fill(0, 2);
        assert_eq!(lru.victim(0), 1);
    }
}
