//! Register names for dependence tracking.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU8;

/// The register file a register belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegKind {
    /// General purpose.
    Int,
    /// Floating point.
    Fp,
    /// Vector.
    Vector,
    /// Whatever else carries a dependence, such as accrued floating-point flags.
    Status,
}

/// An architectural register that carries a dependence. A register that always reads as zero, and
/// ignores writes, carries none: leave it out of an instruction's operands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reg(NonZeroU8);

impl Reg {
    /// The number of different registers: [`Reg::index`] is below it.
    pub const COUNT: usize = 4 * Self::PER_KIND as usize;
    const PER_KIND: u8 = 32;

    /// Register `number` (below 32) of a register file.
    #[must_use]
    #[inline]
    pub const fn new(kind: RegKind, number: u8) -> Self {
        assert!(number < Self::PER_KIND, "a register file has 32 registers");
        let index = kind as u8 * Self::PER_KIND + number;
        Self(NonZeroU8::new(index + 1).expect("one more than a number below 128"))
    }

    /// A general-purpose register.
    #[must_use]
    #[inline]
    pub const fn int(number: u8) -> Self {
        Self::new(RegKind::Int, number)
    }

    /// A floating-point register.
    #[must_use]
    #[inline]
    pub const fn fp(number: u8) -> Self {
        Self::new(RegKind::Fp, number)
    }

    /// A dense index over all register files.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        // The remainder changes nothing; that the index lies below is then plain to see.
        (self.0.get() as usize - 1) % Self::COUNT
    }

    /// The register file.
    #[must_use]
    #[inline]
    pub const fn kind(self) -> RegKind {
        match self.index() as u8 / Self::PER_KIND {
            0 => RegKind::Int,
            1 => RegKind::Fp,
            2 => RegKind::Vector,
            _ => RegKind::Status,
        }
    }

    /// The number within the register file.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.index() as u8 % Self::PER_KIND
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.kind(), self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_number_survive_packing() {
        for kind in [RegKind::Int, RegKind::Fp, RegKind::Vector, RegKind::Status] {
            for number in 0..32 {
                let reg = Reg::new(kind, number);
                assert_eq!((reg.kind(), reg.number()), (kind, number));
                assert!(reg.index() < Reg::COUNT);
            }
        }
    }

    #[test]
    fn an_absent_register_costs_no_space() {
        assert_eq!(size_of::<Option<Reg>>(), 1);
    }
}
