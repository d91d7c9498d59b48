//! Rounding an exact (or sticky) result into a format: IEEE 754-2019 sections 4.3, 7.4 and 7.5.

use super::{Real, shift_right_sticky};
use crate::{flags::Flags, format::Format, rounding::Rounding};

/// The pattern nearest `real` under `mode`, raising overflow, underflow and inexact.
#[inline]
pub(super) fn round<F: Format>(real: Real, mode: Rounding, flags: &mut Flags) -> u64 {
    if real.exponent < F::EXPONENT_MIN {
        return round_subnormal::<F>(real, mode, flags);
    }
    let (kept, inexact) = keep::<F>(real.negative, real.significand, mode);
    // The implicit one in `kept` adds one to the exponent field, hence the bias less one; a carry
    // out of the significand arrives there as well and leaves a zero fraction, as it should.
    let field = (real.exponent + F::BIAS - 1).min(F::EXPONENT_MAX as i32) as u64;
    let magnitude = (field << F::FRACTION_BITS) + kept;
    if magnitude >= F::INFINITY {
        return overflow::<F>(real.negative, mode, flags);
    }
    if inexact {
        *flags |= Flags::INEXACT;
    }
    F::zero(real.negative) | magnitude
}

/// The significand cut to the format's precision and rounded, and whether that lost anything.
#[inline]
fn keep<F: Format>(negative: bool, significand: u64, mode: Rounding) -> (u64, bool) {
    let cut = 63 - F::FRACTION_BITS;
    let kept = significand >> cut;
    let rest = significand & ((1 << cut) - 1);
    let up = mode.rounds_up(negative, kept & 1 != 0, rest, 1 << (cut - 1));
    (kept + u64::from(up), rest != 0)
}

/// Rounds a number below the normal range, at the fixed position of the subnormals' last place.
///
/// RISC-V detects tininess after rounding: the result underflows if it would lie below the normal
/// range even when rounded with an unbounded exponent, which only a carry can prevent.
fn round_subnormal<F: Format>(real: Real, mode: Rounding, flags: &mut Flags) -> u64 {
    let below = (F::EXPONENT_MIN - real.exponent) as u32;
    let shifted = shift_right_sticky(real.significand, below);
    let (magnitude, inexact) = keep::<F>(real.negative, shifted, mode);
    if inexact {
        let (unbounded, _) = keep::<F>(real.negative, real.significand, mode);
        let carried_to_normal = below == 1 && unbounded > (F::MIN_NORMAL | F::FRACTION);
        *flags |= Flags::INEXACT;
        if !carried_to_normal {
            *flags |= Flags::UNDERFLOW;
        }
    }
    F::zero(real.negative) | magnitude
}

#[cold]
fn overflow<F: Format>(negative: bool, mode: Rounding, flags: &mut Flags) -> u64 {
    *flags |= Flags::OVERFLOW | Flags::INEXACT;
    if mode.overflows_to_infinity(negative) { F::infinity(negative) } else { F::largest(negative) }
}
