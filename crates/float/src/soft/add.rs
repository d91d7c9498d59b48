//! Addition and subtraction.

use super::{Real, Value, invalid, nan, round, shift_right_sticky};
use crate::{flags::Flags, format::Format, rounding::Rounding};

/// `a + b`.
pub(crate) fn add<F: Format>(a: u64, b: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    use Value::{Finite, Infinite, Nan, Zero};
    match (Value::unpack::<F>(a), Value::unpack::<F>(b)) {
        (Finite(x), Finite(y)) => match sum(x, y) {
            Some(real) => round::<F>(real, mode, flags),
            None => F::zero(mode == Rounding::Down),
        },
        (Nan, _) | (_, Nan) => nan::<F>(&[a, b], flags),
        (Infinite(x), Infinite(y)) if x != y => invalid::<F>(flags),
        (Infinite(x), _) | (_, Infinite(x)) => F::infinity(x),
        (Zero(x), Zero(y)) => F::zero(if x == y { x } else { mode == Rounding::Down }),
        (Zero(_), Finite(_)) => b,
        (Finite(_), Zero(_)) => a,
    }
}

/// `a - b`.
pub(crate) fn sub<F: Format>(a: u64, b: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    add::<F>(a, b ^ F::SIGN, mode, flags)
}

/// The sum, or `None` if the operands cancel exactly.
///
/// Formats of at most 53 significant bits leave 11 bits below, so the sticky bit of an aligned
/// operand stays below the rounding position: only operands at most one place apart cancel more
/// than one leading bit, and their alignment loses nothing.
fn sum(x: Real, y: Real) -> Option<Real> {
    let (large, small) = if x.exponent >= y.exponent { (x, y) } else { (y, x) };
    let aligned = shift_right_sticky(small.significand, large.exponent.abs_diff(small.exponent));
    if large.negative == small.negative {
        let (significand, carry) = large.significand.overflowing_add(aligned);
        return Some(if carry {
            let significand = shift_right_sticky(significand, 1) | 1 << 63;
            Real { exponent: large.exponent + 1, significand, ..large }
        } else {
            Real { significand, ..large }
        });
    }
    let (difference, borrow) = large.significand.overflowing_sub(aligned);
    let negative = large.negative != borrow;
    let magnitude = if borrow { difference.wrapping_neg() } else { difference };
    (magnitude != 0).then(|| Real::normalised(negative, large.exponent, magnitude))
}
