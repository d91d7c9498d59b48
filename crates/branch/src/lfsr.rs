//! Randomness as hardware has it: a linear feedback shift register.

/// A 32-bit Galois shift register with the maximal-length polynomial x^32 + x^22 + x^2 + x + 1
/// (Xilinx application note XAPP052), which starts from the same seed in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lfsr(u32);

impl Lfsr {
    /// Bits of state.
    pub(crate) const BITS: u64 = 32;

    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9)
    }

    /// The next `count` pseudo-random bits.
    pub(crate) fn bits(&mut self, count: u32) -> u32 {
        let mut value = 0;
        for _ in 0..count {
            let bit = self.0 & 1;
            self.0 = (self.0 >> 1) ^ (0x8020_0003 & bit.wrapping_neg());
            value = value << 1 | bit;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bits_take_all_values_about_equally_often() {
        let mut lfsr = Lfsr::new();
        let mut seen = [0_u32; 4];
        for _ in 0..4000 {
            seen[lfsr.bits(2) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
    }
}
