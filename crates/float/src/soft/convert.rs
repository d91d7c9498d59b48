//! Conversions between formats and from and to integers.

use super::{Real, Value, nan, round};
use crate::{flags::Flags, format::Format, rounding::Rounding};

/// A number of one format in another.
pub(crate) fn convert<From: Format, To: Format>(a: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    match Value::unpack::<From>(a) {
        Value::Finite(real) => round::<To>(real, mode, flags),
        Value::Zero(negative) => To::zero(negative),
        Value::Infinite(negative) => To::infinity(negative),
        Value::Nan => {
            nan::<From>(&[a], flags);
            To::NAN
        }
    }
}

/// The integer of the given sign and magnitude as a number.
pub(crate) fn from_integer<F: Format>(
    negative: bool,
    magnitude: u64,
    mode: Rounding,
    flags: &mut Flags,
) -> u64 {
    if magnitude == 0 {
        return F::zero(false);
    }
    round::<F>(Real::normalised(negative, 63, magnitude), mode, flags)
}

/// A number as an integer between `min` and `max`.
///
/// Outside that range the result is the nearer bound, for a NaN it is `max`, and invalid takes the
/// place of inexact (unprivileged specification, chapter "F", conversion instructions).
pub(crate) fn to_integer<F: Format>(
    a: u64,
    (min, max): (i64, u64),
    mode: Rounding,
    flags: &mut Flags,
) -> u64 {
    let (negative, rounded) = match Value::unpack::<F>(a) {
        Value::Zero(_) => return 0,
        Value::Nan => (false, None),
        Value::Infinite(negative) => (negative, None),
        Value::Finite(real) => (real.negative, integer(real, mode)),
    };
    let limit = if negative { min.unsigned_abs() } else { max };
    match rounded {
        Some((magnitude, inexact)) if magnitude <= limit => {
            if inexact {
                *flags |= Flags::INEXACT;
            }
            if negative { magnitude.wrapping_neg() } else { magnitude }
        }
        _ => {
            *flags |= Flags::INVALID;
            if negative { min as u64 } else { max }
        }
    }
}

/// The magnitude rounded to an integer and whether that lost anything, or `None` beyond 64 bits.
fn integer(real: Real, mode: Rounding) -> Option<(u64, bool)> {
    // `rest` is what lies below the units, as a fraction of 2^64.
    let (whole, rest) = match real.exponent {
        64.. => return None,
        63 => (real.significand, 0),
        exponent @ 0..63 => {
            (real.significand >> (63 - exponent), real.significand << (exponent + 1))
        }
        -1 => (0, real.significand),
        _ => (0, 1),
    };
    let up = mode.rounds_up(real.negative, whole & 1 != 0, rest, 1 << 63);
    Some((whole + u64::from(up), rest != 0))
}
