//! Rounding modes, numbered as the `rm` field of RISC-V floating-point instructions.

/// How a result that does not fit the format is rounded (IEEE 754-2019 section 4.3).
///
/// The values are those of the `frm` field and of the static `rm` operand; encodings 5 and 6 are
/// reserved and 7 (dynamic) is resolved by the hart before it gets here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rounding {
    /// To the nearest value, ties to the even significand (RNE).
    NearestEven = 0,
    /// Towards zero (RTZ).
    TowardZero = 1,
    /// Towards negative infinity (RDN).
    Down = 2,
    /// Towards positive infinity (RUP).
    Up = 3,
    /// To the nearest value, ties away from zero (RMM).
    NearestMaxMagnitude = 4,
}

impl Rounding {
    /// Every mode, in encoding order.
    pub const ALL: [Self; 5] =
        [Self::NearestEven, Self::TowardZero, Self::Down, Self::Up, Self::NearestMaxMagnitude];

    /// The mode encoded by `bits`, or `None` for the reserved and dynamic encodings.
    #[inline]
    pub fn from_bits(bits: u8) -> Option<Self> {
        Self::ALL.get(usize::from(bits)).copied()
    }

    /// Whether a magnitude whose kept part is odd or even (`odd`) moves up by one unit in the last
    /// place, given the cut-off part as a fraction of that unit: `rest` out of `2 * half`.
    #[inline]
    pub(crate) fn rounds_up(self, negative: bool, odd: bool, rest: u64, half: u64) -> bool {
        match self {
            Self::NearestEven => rest > half || (rest == half && odd),
            Self::TowardZero => false,
            Self::Down => negative && rest != 0,
            Self::Up => !negative && rest != 0,
            Self::NearestMaxMagnitude => rest >= half,
        }
    }

    /// Whether a magnitude too large for the format becomes infinite (else the largest finite one).
    #[inline]
    pub(crate) fn overflows_to_infinity(self, negative: bool) -> bool {
        match self {
            Self::NearestEven | Self::NearestMaxMagnitude => true,
            Self::TowardZero => false,
            Self::Down => negative,
            Self::Up => !negative,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_and_dynamic_encodings_are_no_mode() {
        for bits in 0..=255u8 {
            let mode = Rounding::from_bits(bits);
            assert_eq!(mode.map(|m| m as u8), (bits < 5).then_some(bits));
        }
    }
}
