//! IEEE 754-2019 binary floating point as the RISC-V F and D extensions need it.
//!
//! Bit patterns in, bit patterns out: [`mod@f32`] and [`mod@f64`] hold the same functions over `u32`
//! and `u64`. Every function rounds in any of the five modes of [`Rounding`], adds exactly the
//! exceptions of IEEE 754-2019 section 7 to the [`Flags`] it is given, with tininess detected after
//! rounding, and produces the canonical NaN only (RISC-V unprivileged specification, chapters "F"
//! and "D"). Conversions from and to half precision serve Zfhmin.
//!
//! Pass the accrued flags of the hart, not an empty set: the host's own floating point is used
//! where inexact is already set, which makes common operations several times faster.
//!
//! Not here: registers, NaN boxing, sign injection, traps, and half-precision arithmetic.

#![forbid(unsafe_code)]

mod compare;
mod fast;
mod flags;
mod format;
mod modules;
mod rounding;
mod soft;

pub use flags::Flags;
pub use modules::{
    f16_from_f32, f16_from_f64, f32, f32_from_f16, f32_from_f64, f64, f64_from_f16, f64_from_f32,
};
pub use rounding::Rounding;
