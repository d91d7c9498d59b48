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
    /// Of the only set, if there is one: it is large.
    ranking: Option<Ranking>,
}

/// Bits for the number of the way. The other 48 count uses for years.
const WAY_BITS: u32 = 16;

/// The way of a line that was used as `last_use` says.
fn way(last_use: u64) -> usize {
    (last_use & ((1 << WAY_BITS) - 1)) as usize
}

impl Replacement for Lru {
    fn new(sets: usize, ways: usize) -> Self {
        let unused = (0..sets * ways).map(|line| (line % ways) as u64);
        let ranking = (sets == 1).then(|| Ranking(Vec::with_capacity(ways)));
        Self { ways, now: 0, last_use: unused.collect(), ranking }
    }

    #[inline]
    fn touch(&mut self, set: usize, way: usize) {
        self.now += 1;
        self.last_use[set * self.ways + way] = self.now << WAY_BITS | way as u64;
    }

    fn victim(&mut self, set: usize) -> usize {
        match &mut self.ranking {
            Some(ranking) => ranking.oldest(&self.last_use),
            None => oldest(&self.last_use[set * self.ways..][..self.ways]),
        }
    }
}

/// The way of a set that was used longest ago.
fn oldest(last_uses: &[u64]) -> usize {
    way(last_uses.iter().copied().fold(u64::MAX, u64::min))
}

/// The lines of a set by age as they once were, the oldest last. What has not been used since is older
/// than all that has, and so many victims are found by one sorting.
#[derive(Debug)]
struct Ranking(Vec<u64>);

impl Clone for Ranking {
    /// With the room that the list begins with, which a copy of a list would not have.
    fn clone(&self) -> Self {
        let mut lines = Vec::with_capacity(self.0.capacity());
        lines.extend_from_slice(&self.0);
        Self(lines)
    }
}

impl Ranking {
    /// The way that was used longest ago, of a set whose ways were last used as `last_uses` says.
    fn oldest(&mut self, last_uses: &[u64]) -> usize {
        while let Some(&oldest) = self.0.last() {
            if last_uses[way(oldest)] == oldest {
                return way(oldest);
            }
            self.0.pop();
        }
        self.0.extend_from_slice(last_uses);
        self.0.sort_unstable_by(|a, b| b.cmp(a));
        way(self.0[last_uses.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::SplitMix64;

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

    #[test]
    fn a_large_set_that_is_ranked_has_the_victims_of_one_that_is_searched() {
        let mut lru = Lru::new(1, 64);
        let mut random = SplitMix64::new(7);
        for _ in 0..10_000 {
            for _ in 0..random.bits() % 40 {
                lru.touch(0, random.bits() as usize % 64);
            }
            let victim = lru.victim(0);
            assert_eq!(victim, oldest(&lru.last_use));
            lru.fill(0, victim);
        }
    }
}
