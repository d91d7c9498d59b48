//! Random numbers for payloads: a stream begun anew for each value of each request.

use sim::SplitMix64;

/// A stream of random numbers.
#[derive(Debug)]
pub(super) struct Draw(SplitMix64);

impl Draw {
    /// The stream of a place in request number `n`.
    pub(super) fn new(seed: u64, n: u64, place: u64) -> Self {
        // Each step spreads what came before over all bits, so neighbours in any of the three have unlike streams.
        let of_seed = SplitMix64::new(seed).bits();
        let of_request = SplitMix64::new(of_seed ^ n).bits();
        Self(SplitMix64::new(of_request ^ place))
    }

    /// A number below `count`, by taking the high half of a product; uneven by less than `count` in 2^64.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.0.bits()) * u128::from(count)) >> 64) as u64
    }
}
