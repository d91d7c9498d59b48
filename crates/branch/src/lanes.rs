//! Eight 16-bit numbers that are worked on at once.
//!
//! Predictors with many tables hash the same address and history once a table. Written lane by lane,
//! compilers turn these loops into vector instructions, of which even the smallest x86-64 and Arm
//! hosts have additions, logic and both halves of a 16-bit product. They have no shift by a distance
//! of each lane's own; a product with a power of two stands in for it.

use std::ops::{BitAnd, BitOr, BitXor, Shl, Shr};

/// How many numbers there are.
pub(crate) const LANES: usize = 8;

/// Eight numbers of 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(16))]
pub(crate) struct Lanes(pub(crate) [u16; LANES]);

impl Lanes {
    /// The same number in every lane.
    #[inline]
    pub(crate) fn all(number: u16) -> Self {
        Self([number; LANES])
    }

    #[inline]
    fn zip(self, other: Self, each: impl Fn(u16, u16) -> u16) -> Self {
        Self(std::array::from_fn(|lane| each(self.0[lane], other.0[lane])))
    }

    /// A bit for each lane in which both have the same number.
    ///
    /// Written with 64 bits at a time: of a comparison lane by lane compilers make half a vector and
    /// half single ones.
    #[inline]
    pub(crate) fn equal(self, other: Self) -> u8 {
        let (own, others) = (self.halves(), other.halves());
        let (low, high) = (zero_lanes(own.0 ^ others.0), zero_lanes(own.1 ^ others.1));
        // The product moves the bits of the low and of the high lanes side by side to its upper end.
        ((low >> 15 | high >> 11).wrapping_mul(0x0001_0002_0004_0008) >> 48) as u8
    }

    /// The low and the high four numbers, side by side.
    #[inline]
    fn halves(self) -> (u64, u64) {
        let half = |first: usize| {
            (0..LANES / 2).fold(0, |all, lane| all | u64::from(self.0[first + lane]) << (16 * lane))
        };
        (half(0), half(LANES / 2))
    }

    /// The lower halves of the products.
    #[inline]
    pub(crate) fn low(self, other: Self) -> Self {
        self.zip(other, u16::wrapping_mul)
    }

    /// The upper halves of the products.
    #[inline]
    pub(crate) fn high(self, other: Self) -> Self {
        self.zip(other, |a, b| ((u32::from(a) * u32::from(b)) >> 16) as u16)
    }
}

/// The highest bit of each lane that is 0. No sum reaches beyond its lane.
#[inline]
fn zero_lanes(lanes: u64) -> u64 {
    const HIGHEST: u64 = 0x8000_8000_8000_8000;
    !(((lanes & !HIGHEST) + !HIGHEST) | lanes) & HIGHEST
}

impl BitXor for Lanes {
    type Output = Self;

    #[inline]
    fn bitxor(self, other: Self) -> Self {
        self.zip(other, |a, b| a ^ b)
    }
}

impl BitOr for Lanes {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }
}

impl BitAnd for Lanes {
    type Output = Self;

    #[inline]
    fn bitand(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }
}

impl Shl<u32> for Lanes {
    type Output = Self;

    #[inline]
    fn shl(self, distance: u32) -> Self {
        Self(self.0.map(|number| number << distance))
    }
}

impl Shr<u32> for Lanes {
    type Output = Self;

    #[inline]
    fn shr(self, distance: u32) -> Self {
        Self(self.0.map(|number| number >> distance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::Scatter;

    #[test]
    fn equal_lanes_have_their_bit() {
        let a = Lanes([7, 1, 2, 3, 4, 5, 6, 0xffff]);
        assert_eq!((a.equal(a), a.equal(Lanes::all(2))), (0xff, 0b100));
        assert_eq!(a.equal(Lanes([7, 0, 0, 0, 0, 0, 0, 0xffff])), 0b1000_0001);
    }

    #[test]
    fn lanes_are_compared_as_one_by_one() {
        let mut scatter = Scatter::new(8);
        for _ in 0..5000 {
            let lanes = [(); LANES].map(|()| scatter.next() as u16);
            // Differences of one bit, of none and of many.
            let differ = |number: u16| match scatter.next() % 4 {
                0 => number,
                1 => number ^ 0x8000,
                2 => number ^ 1 << (scatter.next() % 16),
                _ => scatter.next() as u16,
            };
            let others = lanes.map(differ);
            let one_by_one = (0..LANES)
                .fold(0, |bits, lane| bits | u8::from(lanes[lane] == others[lane]) << lane);
            assert_eq!(Lanes(lanes).equal(Lanes(others)), one_by_one);
        }
    }

    #[test]
    fn a_product_is_its_two_halves() {
        let a = Lanes([0, 1, 2, 3, 0x8000, 0xffff, 0x1234, 0xfedc]);
        let b = Lanes([5, 0xffff, 0x8000, 7, 0x8000, 0xffff, 0x10, 0x100]);
        for lane in 0..LANES {
            let product = u32::from(a.0[lane]) * u32::from(b.0[lane]);
            let halves = u32::from(a.high(b).0[lane]) << 16 | u32::from(a.low(b).0[lane]);
            assert_eq!(halves, product);
        }
    }
}
