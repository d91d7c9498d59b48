//! Random replacement, as cheap caches have it: any way, whatever its use.
//!
//! The numbers come from a 64-bit xorshift generator (Marsaglia, "Xorshift RNGs", 2003) that starts
//! from the same seed in every run.

use super::Replacement;

/// A pseudo-random way.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    ways: usize,
    state: Vec<u64>,
}

impl Replacement for Random {
    fn new(sets: usize, ways: usize) -> Self {
        let state = (1..=sets as u64).map(|set| set.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        Self { ways, state }
    }

    #[inline]
    fn touch(&mut self, _set: usize, _way: usize) {}

    fn victim(&mut self, set: usize) -> usize {
        let state = &mut self.state[set];
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        ((*state >> 32) as usize * self.ways) >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_does_not_protect_a_way() {
        let mut random = Random::new(1, 4);
        let mut protected_left = false;
        for _ in 0..100 {
            random.touch(0, 3);
            protected_left |= random.victim(0) == 3;
        }
        assert!(protected_left);
    }
}
