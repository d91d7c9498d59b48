//! Points in time, counted in clock cycles of the system.

use std::ops::{Add, AddAssign, Sub};

/// A point in time: a number of cycles since the start of virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cycle(pub u64);

impl Add<u64> for Cycle {
    type Output = Self;
    #[inline]
    fn add(self, cycles: u64) -> Self {
        Self(self.0 + cycles)
    }
}

impl AddAssign<u64> for Cycle {
    #[inline]
    fn add_assign(&mut self, cycles: u64) {
        self.0 += cycles;
    }
}

impl Sub for Cycle {
    type Output = u64;
    #[inline]
    fn sub(self, earlier: Self) -> u64 {
        self.0 - earlier.0
    }
}
