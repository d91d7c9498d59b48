//! Division and square root, by integer division and integer root.

use super::{Real, Value, invalid, nan, round};
use crate::{flags::Flags, format::Format, rounding::Rounding};

/// `a / b`.
pub(crate) fn div<F: Format>(a: u64, b: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    use Value::{Finite, Infinite, Nan, Zero};
    let negative = F::is_negative(a ^ b);
    match (Value::unpack::<F>(a), Value::unpack::<F>(b)) {
        (Finite(x), Finite(y)) => round::<F>(quotient(x, y), mode, flags),
        (Nan, _) | (_, Nan) => nan::<F>(&[a, b], flags),
        (Infinite(_), Infinite(_)) | (Zero(_), Zero(_)) => invalid::<F>(flags),
        (Infinite(_), _) => F::infinity(negative),
        (Zero(_), _) | (_, Infinite(_)) => F::zero(negative),
        (Finite(_), Zero(_)) => {
            *flags |= Flags::DIVIDE_BY_ZERO;
            F::infinity(negative)
        }
    }
}

/// The quotient to 64 bits, the remainder as sticky bit.
fn quotient(x: Real, y: Real) -> Real {
    let narrow = u32::from(x.significand < y.significand);
    let dividend = u128::from(x.significand) << (63 + narrow);
    let divisor = u128::from(y.significand);
    let whole = (dividend / divisor) as u64;
    let sticky = u128::from(whole) * divisor != dividend;
    Real {
        negative: x.negative != y.negative,
        exponent: x.exponent - y.exponent - narrow as i32,
        significand: whole | u64::from(sticky),
    }
}

/// The square root of `a`.
pub(crate) fn sqrt<F: Format>(a: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    match Value::unpack::<F>(a) {
        Value::Nan => nan::<F>(&[a], flags),
        Value::Zero(_) => a,
        Value::Finite(Real { negative: true, .. }) | Value::Infinite(true) => invalid::<F>(flags),
        Value::Infinite(false) => a,
        Value::Finite(real) => round::<F>(root(real), mode, flags),
    }
}

/// The root of a positive number to 64 bits, the remainder as sticky bit.
///
/// The radicand is scaled to an even exponent and 127 or 128 bits, so that its integer root has
/// its top bit at 63.
fn root(real: Real) -> Real {
    let odd = real.exponent.rem_euclid(2);
    let radicand = u128::from(real.significand) << (63 + odd);
    let whole = radicand.isqrt();
    let sticky = whole * whole != radicand;
    Real {
        negative: false,
        exponent: (real.exponent - odd) / 2,
        significand: whole as u64 | u64::from(sticky),
    }
}
