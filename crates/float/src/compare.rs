//! Comparisons, minimum, maximum and classification: exact by nature, so no rounding here.

use crate::{
    flags::Flags,
    format::{Format, Native},
};

/// `a == b`; only a signaling NaN is invalid (`feq`).
#[inline]
pub(crate) fn eq<F: Native>(a: u64, b: u64, flags: &mut Flags) -> bool {
    if F::is_signaling(a) || F::is_signaling(b) {
        *flags |= Flags::INVALID;
    }
    F::host(a) == F::host(b)
}

/// `a < b`; any NaN is invalid (`flt`).
#[inline]
pub(crate) fn lt<F: Native>(a: u64, b: u64, flags: &mut Flags) -> bool {
    signal_unordered::<F>(a, b, flags);
    F::host(a) < F::host(b)
}

/// `a <= b`; any NaN is invalid (`fle`).
#[inline]
pub(crate) fn le<F: Native>(a: u64, b: u64, flags: &mut Flags) -> bool {
    signal_unordered::<F>(a, b, flags);
    F::host(a) <= F::host(b)
}

#[inline]
fn signal_unordered<F: Format>(a: u64, b: u64, flags: &mut Flags) {
    if F::is_nan(a) || F::is_nan(b) {
        *flags |= Flags::INVALID;
    }
}

/// The smaller operand (IEEE 754-2019 minimumNumber).
#[inline]
pub(crate) fn min<F: Format>(a: u64, b: u64, flags: &mut Flags) -> u64 {
    select::<F>(a, b, precedes::<F>(a, b), flags)
}

/// The larger operand (IEEE 754-2019 maximumNumber).
#[inline]
pub(crate) fn max<F: Format>(a: u64, b: u64, flags: &mut Flags) -> u64 {
    select::<F>(a, b, precedes::<F>(b, a), flags)
}

/// `a` if `first`, else `b`; a number wins over a NaN, and two NaNs give the canonical one.
#[inline]
fn select<F: Format>(a: u64, b: u64, first: bool, flags: &mut Flags) -> u64 {
    if F::is_signaling(a) || F::is_signaling(b) {
        *flags |= Flags::INVALID;
    }
    match (F::is_nan(a), F::is_nan(b)) {
        (true, true) => F::NAN,
        (true, false) => b,
        (false, true) => a,
        (false, false) => {
            if first {
                a
            } else {
                b
            }
        }
    }
}

/// The order of numbers with -0 below +0.
#[inline]
fn precedes<F: Format>(a: u64, b: u64) -> bool {
    match (F::is_negative(a), F::is_negative(b)) {
        (false, false) => a < b,
        (true, true) => a > b,
        (negative, _) => negative,
    }
}

/// The one-hot mask of `fclass`.
#[inline]
pub(crate) fn classify<F: Format>(a: u64) -> u16 {
    let negative = F::is_negative(a);
    let bit = match a & !F::SIGN {
        0 if negative => 3,
        0 => 4,
        m if m < F::MIN_NORMAL => {
            if negative {
                2
            } else {
                5
            }
        }
        m if m < F::INFINITY => {
            if negative {
                1
            } else {
                6
            }
        }
        m if m == F::INFINITY => {
            if negative {
                0
            } else {
                7
            }
        }
        m if m & F::QUIET == 0 => 8,
        _ => 9,
    };
    1 << bit
}
