//! The host's floating point where it provably gives the same bits and flags.
//!
//! Rust fixes the host's arithmetic to round to nearest even with full subnormal support, so its
//! results are the right ones in that mode. What the host does not tell is which flags they raise.
//! Two observations make that unnecessary for nearly all instructions of real programs:
//!
//! - Once inexact is set in the accrued flags, raising it again changes nothing. It stays set from
//!   the first rounded result until software clears it.
//! - A result that is finite and above the smallest normal number has raised nothing else: its
//!   operands were not NaN, an infinity or a zero divisor, and it neither overflowed nor was tiny.
//!
//! Sums and roots are never inexact where they are tiny, so they need to be finite only. All other
//! cases go to [`soft`].

use crate::{
    flags::Flags,
    format::{Binary32, Binary64, Format, Native, host_has_fma},
    rounding::Rounding,
    soft,
};

/// Whether the host's rounding is the wanted one and inexact results have nothing left to raise.
#[inline]
fn applies(mode: Rounding, flags: Flags) -> bool {
    mode == Rounding::NearestEven && flags.contains(Flags::INEXACT)
}

/// `a + b`.
#[inline]
pub(crate) fn add<F: Native>(a: u64, b: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    if applies(mode, *flags) {
        let result = F::bits(F::host(a) + F::host(b));
        if F::is_finite(result) {
            return result;
        }
    }
    soft::add::<F>(a, b, mode, flags)
}

/// `a - b`.
#[inline]
pub(crate) fn sub<F: Native>(a: u64, b: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    if applies(mode, *flags) {
        let result = F::bits(F::host(a) - F::host(b));
        if F::is_finite(result) {
            return result;
        }
    }
    soft::sub::<F>(a, b, mode, flags)
}

/// `a * b`.
#[inline]
pub(crate) fn mul<F: Native>(a: u64, b: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    if applies(mode, *flags) {
        let result = F::bits(F::host(a) * F::host(b));
        if F::is_clear_of_underflow(result) {
            return result;
        }
    }
    soft::mul::<F>(a, b, mode, flags)
}

/// `a / b`.
#[inline]
pub(crate) fn div<F: Native>(a: u64, b: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    if applies(mode, *flags) {
        let result = F::bits(F::host(a) / F::host(b));
        if F::is_clear_of_underflow(result) {
            return result;
        }
    }
    soft::div::<F>(a, b, mode, flags)
}

/// The square root of `a`.
#[inline]
pub(crate) fn sqrt<F: Native>(a: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    if applies(mode, *flags) {
        let result = F::bits(F::sqrt(F::host(a)));
        if F::is_finite(result) {
            return result;
        }
    }
    soft::sqrt::<F>(a, mode, flags)
}

/// `a * b + c`, rounded once.
#[inline]
pub(crate) fn fma<F: Native>(a: u64, b: u64, c: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    if applies(mode, *flags) && host_has_fma() {
        let result = F::bits(F::mul_add(F::host(a), F::host(b), F::host(c)));
        if F::is_clear_of_underflow(result) {
            return result;
        }
    }
    soft::fma::<F>(a, b, c, mode, flags)
}

/// Double to single precision.
#[inline]
pub(crate) fn narrow(a: u64, mode: Rounding, flags: &mut Flags) -> u64 {
    if applies(mode, *flags) {
        let result = Binary32::bits(Binary64::host(a) as f32);
        if Binary32::is_clear_of_underflow(result) {
            return result;
        }
    }
    soft::convert::<Binary64, Binary32>(a, mode, flags)
}

/// Single to double precision; exact, so no number raises a flag.
#[inline]
pub(crate) fn widen(a: u64, flags: &mut Flags) -> u64 {
    if Binary32::is_finite(a) {
        return Binary64::bits(f64::from(Binary32::host(a)));
    }
    soft::convert::<Binary32, Binary64>(a, Rounding::NearestEven, flags)
}

/// `a` as an integer between `min` and `max`.
///
/// C's conversions round towards zero, as the host does; a truncated number converts back
/// exactly, which tells whether anything was lost.
#[inline]
pub(crate) fn to_integer<F: Native>(
    a: u64,
    (min, max): (i64, u64),
    mode: Rounding,
    flags: &mut Flags,
) -> u64 {
    let beyond_i64 = ((F::BIAS + 63) as u64) << F::FRACTION_BITS;
    if mode == Rounding::TowardZero && a & !F::SIGN < beyond_i64 {
        let value = F::to_i64(F::host(a));
        if value >= min && (value < 0 || value as u64 <= max) {
            if F::from_i64(value) != F::host(a) {
                *flags |= Flags::INEXACT;
            }
            return value as u64;
        }
    }
    soft::to_integer::<F>(a, (min, max), mode, flags)
}

/// The number nearest an integer given by sign and magnitude.
#[inline]
pub(crate) fn from_integer<F: Native>(
    negative: bool,
    magnitude: u64,
    mode: Rounding,
    flags: &mut Flags,
) -> u64 {
    let exact = magnitude >> (F::FRACTION_BITS + 1) == 0;
    if exact || (applies(mode, *flags) && magnitude <= i64::MAX as u64) {
        let value = magnitude as i64;
        return F::bits(F::from_i64(if negative { -value } else { value }));
    }
    soft::from_integer::<F>(negative, magnitude, mode, flags)
}
