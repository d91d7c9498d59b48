//! Random numbers for payloads: `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014), begun anew for each value of each request.

/// A stream of random numbers.
#[derive(Debug)]
pub(super) struct Draw(u64);

impl Draw {
    /// The stream of a place in request number `n`.
    pub(super) fn new(seed: u64, n: u64, place: u64) -> Self {
        // Each step spreads what came before over all bits, so neighbours in any of the three have unlike streams.
        let of_seed = Self(seed).next();
        let of_request = Self(of_seed ^ n).next();
        Self(of_request ^ place)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `count`, by taking the high half of a product; uneven by less than `count` in 2^64.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(count)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // The first outputs for the seed 1234567, as other implementations give them.
        let mut draw = Draw(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| draw.next()).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
