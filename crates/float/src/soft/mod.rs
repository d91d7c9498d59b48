//! Arithmetic in integers: exact in every rounding mode and in every flag.
//!
//! Each operation unpacks its operands into [`Value`]s, computes on the normalised significands
//! with a sticky lowest bit, and lets [`round`] produce the pattern and the flags.

mod add;
mod convert;
mod divide;
mod multiply;
mod round;
mod value;

pub(crate) use add::{add, sub};
pub(crate) use convert::{convert, from_integer, to_integer};
pub(crate) use divide::{div, sqrt};
pub(crate) use multiply::{fma, mul};

use crate::{flags::Flags, format::Format};
use round::round;
use value::{Real, Value};

/// The result of an operation that has a NaN among its operands.
fn nan<F: Format>(operands: &[u64], flags: &mut Flags) -> u64 {
    if operands.iter().any(|&bits| F::is_signaling(bits)) {
        *flags |= Flags::INVALID;
    }
    F::NAN
}

/// The result of an operation that has no defined one.
fn invalid<F: Format>(flags: &mut Flags) -> u64 {
    *flags |= Flags::INVALID;
    F::NAN
}

/// `value` shifted right, with the lowest bit set if any bit was lost.
fn shift_right_sticky(value: u64, amount: u32) -> u64 {
    if amount >= u64::BITS {
        return u64::from(value != 0);
    }
    let lost = value & ((1 << amount) - 1) != 0;
    (value >> amount) | u64::from(lost)
}

/// [`shift_right_sticky`] for double width.
fn shift_right_sticky_wide(value: u128, amount: u32) -> u128 {
    if amount >= u128::BITS {
        return u128::from(value != 0);
    }
    let lost = value & ((1 << amount) - 1) != 0;
    (value >> amount) | u128::from(lost)
}

/// The upper half of `value`, with the lowest bit set if the lower half is not zero.
fn upper_half_sticky(value: u128) -> u64 {
    (value >> 64) as u64 | u64::from(value as u64 != 0)
}
