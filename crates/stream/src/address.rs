//! Addresses that cannot be mistaken for one another.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The number of a hart (a hardware thread), from 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct HartId(pub u32);

impl HartId {
    /// The number as an index into per-hart arrays.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A virtual address.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VirtAddr(pub u64);

/// A physical address.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhysAddr(pub u64);

/// The number of a cache line: a physical address divided by the line size.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineAddr(pub u64);

impl PhysAddr {
    /// The line of `1 << line_shift` bytes that holds this address.
    #[must_use]
    #[inline]
    pub const fn line(self, line_shift: u32) -> LineAddr {
        LineAddr(self.0 >> line_shift)
    }
}

macro_rules! hexadecimal {
    ($($address:ident),*) => {$(
        impl fmt::Debug for $address {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($address), "({:#x})"), self.0)
            }
        }
    )*};
}
hexadecimal!(VirtAddr, PhysAddr, LineAddr);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_address_without_its_offset() {
        assert_eq!(PhysAddr(0x8000_007f).line(6), LineAddr(0x200_0001));
        assert_eq!(format!("{:?}", PhysAddr(0x10)), "PhysAddr(0x10)");
    }
}
