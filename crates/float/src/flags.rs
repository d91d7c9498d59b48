//! Accrued exception flags, laid out as the RISC-V `fflags` register.

use std::ops::{BitOr, BitOrAssign};

/// A set of IEEE 754 exception flags in `fflags` bit order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// No exception.
    pub const NONE: Self = Self(0);
    /// Inexact (NX).
    pub const INEXACT: Self = Self(1);
    /// Underflow (UF): the result is tiny after rounding, and inexact.
    pub const UNDERFLOW: Self = Self(2);
    /// Overflow (OF).
    pub const OVERFLOW: Self = Self(4);
    /// Division of a finite number by zero (DZ).
    pub const DIVIDE_BY_ZERO: Self = Self(8);
    /// Invalid operation (NV).
    pub const INVALID: Self = Self(16);

    /// Whether every flag of `other` is set here.
    #[inline]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
