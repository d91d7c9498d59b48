//! Multiplication and fused multiply-add.

use super::{Real, Value, invalid, nan, round, shift_right_sticky_wide, upper_half_sticky};
use crate::{flags::Flags, format::Format, rounding::Rounding};

/// `a * b`.
pub(crate) fn mul<F: Format>(a: u64, b: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    use Value::{Finite, Infinite, Nan, Zero};
    match (Value::unpack::<F>(a), Value::unpack::<F>(b)) {
        (Finite(x), Finite(y)) => round::<F>(Wide::product(x, y).narrowed(), mode, flags),
        (Nan, _) | (_, Nan) => nan::<F>(&[a, b], flags),
        (Infinite(_), Zero(_)) | (Zero(_), Infinite(_)) => invalid::<F>(flags),
        (Infinite(_), _) | (_, Infinite(_)) => F::infinity(F::is_negative(a ^ b)),
        (Zero(_), _) | (_, Zero(_)) => F::zero(F::is_negative(a ^ b)),
    }
}

/// `a * b + c`, rounded once.
///
/// Infinity times zero is invalid even if `c` is a quiet NaN, which IEEE 754-2019 section 7.2
/// leaves open and RISC-V requires.
pub(crate) fn fma<F: Format>(a: u64, b: u64, c: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    use Value::{Finite, Infinite, Nan, Zero};
    let negative = F::is_negative(a ^ b);
    match (Value::unpack::<F>(a), Value::unpack::<F>(b), Value::unpack::<F>(c)) {
        (Finite(x), Finite(y), Finite(z)) => match Wide::product(x, y).plus(Wide::from(z)) {
            Some(sum) => round::<F>(sum.narrowed(), mode, flags),
            None => F::zero(mode == Rounding::Down),
        },
        (Infinite(_), Zero(_), _) | (Zero(_), Infinite(_), _) => invalid::<F>(flags),
        (Nan, ..) | (_, Nan, _) | (.., Nan) => nan::<F>(&[a, b, c], flags),
        (Infinite(_), ..) | (_, Infinite(_), _) => match Value::unpack::<F>(c) {
            Infinite(sign) if sign != negative => invalid::<F>(flags),
            _ => F::infinity(negative),
        },
        (.., Infinite(sign)) => F::infinity(sign),
        (Finite(x), Finite(y), Zero(_)) => round::<F>(Wide::product(x, y).narrowed(), mode, flags),
        (.., Finite(_)) => c,
        (.., Zero(sign)) => F::zero(if sign == negative { sign } else { mode == Rounding::Down }),
    }
}

/// As [`Real`], with a significand wide enough for an exact product:
/// `significand * 2^(exponent - 127)`.
#[derive(Clone, Copy)]
struct Wide {
    negative: bool,
    exponent: i32,
    significand: u128,
}

impl From<Real> for Wide {
    fn from(real: Real) -> Self {
        let significand = u128::from(real.significand) << 64;
        Self { negative: real.negative, exponent: real.exponent, significand }
    }
}

impl Wide {
    #[inline]
    fn normalised(negative: bool, exponent: i32, significand: u128) -> Self {
        let shift = significand.leading_zeros();
        Self { negative, exponent: exponent - shift as i32, significand: significand << shift }
    }

    /// The exact product.
    #[inline]
    fn product(x: Real, y: Real) -> Self {
        let significand = u128::from(x.significand) * u128::from(y.significand);
        Self::normalised(x.negative != y.negative, x.exponent + y.exponent + 1, significand)
    }

    /// The sum with a sticky lowest bit, or `None` if the operands cancel exactly.
    ///
    /// A product of two 53-bit significands leaves 22 bits below, so the argument given for the
    /// narrow sum holds here as well.
    fn plus(self, other: Self) -> Option<Self> {
        let (large, small) =
            if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let distance = large.exponent.abs_diff(small.exponent);
        let aligned = shift_right_sticky_wide(small.significand, distance);
        if large.negative == small.negative {
            let (significand, carry) = large.significand.overflowing_add(aligned);
            return Some(if carry {
                let significand = shift_right_sticky_wide(significand, 1) | 1 << 127;
                Self { exponent: large.exponent + 1, significand, ..large }
            } else {
                Self { significand, ..large }
            });
        }
        let (difference, borrow) = large.significand.overflowing_sub(aligned);
        let negative = large.negative != borrow;
        let magnitude = if borrow { difference.wrapping_neg() } else { difference };
        (magnitude != 0).then(|| Self::normalised(negative, large.exponent, magnitude))
    }

    /// The upper half, the lower one kept as a sticky bit.
    #[inline]
    fn narrowed(self) -> Real {
        Real {
            negative: self.negative,
            exponent: self.exponent,
            significand: upper_half_sticky(self.significand),
        }
    }
}
