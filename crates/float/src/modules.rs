//! The public functions: one set for each format, and the conversions between formats.

use crate::{
    fast,
    flags::Flags,
    format::{Binary16, Binary32, Binary64},
    rounding::Rounding,
    soft,
};

macro_rules! arithmetic {
    ($($(#[$doc:meta])* $name:ident($($operand:ident),+);)+) => {
        $(
            $(#[$doc])*
            #[inline]
            pub fn $name($($operand: Bits,)+ mode: Rounding, flags: &mut Flags) -> Bits {
                fast::$name::<Number>($(u64::from($operand),)+ mode, flags) as Bits
            }
        )+
    };
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(
            $(#[$doc])*
            #[inline]
            pub fn $name(a: Bits, b: Bits, flags: &mut Flags) -> bool {
                compare::$name::<Number>(u64::from(a), u64::from(b), flags)
            }
        )+
    };
}

macro_rules! selections {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(
            $(#[$doc])*
            #[inline]
            pub fn $name(a: Bits, b: Bits, flags: &mut Flags) -> Bits {
                compare::$name::<Number>(u64::from(a), u64::from(b), flags) as Bits
            }
        )+
    };
}

macro_rules! integers {
    ($($to:ident, $from:ident, $int:ident;)+) => {
        $(
            #[doc = concat!("`a` rounded to an `", stringify!($int), "`.")]
            ///
            /// Numbers out of range give the nearer bound, NaNs the upper one, both with the
            /// invalid flag only.
            #[inline]
            pub fn $to(a: Bits, mode: Rounding, flags: &mut Flags) -> $int {
                let range = ($int::MIN as i64, $int::MAX as u64);
                fast::to_integer::<Number>(u64::from(a), range, mode, flags) as $int
            }

            #[doc = concat!("The number nearest the `", stringify!($int), "` `v`.")]
            #[inline]
            pub fn $from(v: $int, mode: Rounding, flags: &mut Flags) -> Bits {
                #[allow(unused_comparisons, reason = "one text serves unsigned integers as well")]
                let negative = v < 0;
                let magnitude = if negative { (v as u64).wrapping_neg() } else { v as u64 };
                fast::from_integer::<Number>(negative, magnitude, mode, flags) as Bits
            }
        )+
    };
}

macro_rules! format_module {
    ($(#[$doc:meta])* $name:ident, $format:ident, $bits:ident) => {
        $(#[$doc])*
        pub mod $name {
            use crate::{
                compare, fast, flags::Flags, format::$format as Number, rounding::Rounding,
            };

            /// A number as its bit pattern.
            pub type Bits = $bits;

            arithmetic! {
                /// `a + b`.
                add(a, b);
                /// `a - b`.
                sub(a, b);
                /// `a * b`.
                mul(a, b);
                /// `a / b`.
                div(a, b);
                /// The square root of `a`.
                sqrt(a);
                /// `a * b + c`, rounded once.
                ///
                /// Infinity times zero is invalid whatever `c` is. Other signs of product and
                /// addend are the caller's to flip.
                fma(a, b, c);
            }

            comparisons! {
                /// Whether `a` equals `b`; invalid for signaling NaNs only.
                eq;
                /// Whether `a` is less than `b`; invalid for any NaN.
                lt;
                /// Whether `a` is less than or equal to `b`; invalid for any NaN.
                le;
            }

            selections! {
                /// The smaller operand, where -0 is less than +0 and numbers win over NaNs.
                min;
                /// The larger operand, where -0 is less than +0 and numbers win over NaNs.
                max;
            }

            /// The class of `a` as the one-hot mask of `fclass`.
            ///
            /// From bit 0: -infinity, negative normal, negative subnormal, -0, +0, positive
            /// subnormal, positive normal, +infinity, signaling NaN, quiet NaN.
            #[inline]
            pub fn classify(a: Bits) -> u16 {
                compare::classify::<Number>(u64::from(a))
            }

            integers! {
                to_i32, from_i32, i32;
                to_u32, from_u32, u32;
                to_i64, from_i64, i64;
                to_u64, from_u64, u64;
            }
        }
    };
}

format_module! {
    /// Single precision, over `u32` bit patterns.
    f32, Binary32, u32
}
format_module! {
    /// Double precision, over `u64` bit patterns.
    f64, Binary64, u64
}

/// Single to double precision, which is always exact.
#[inline]
pub fn f64_from_f32(a: u32, flags: &mut Flags) -> u64 {
    fast::widen(u64::from(a), flags)
}

/// Double to single precision.
#[inline]
pub fn f32_from_f64(a: u64, mode: Rounding, flags: &mut Flags) -> u32 {
    fast::narrow(a, mode, flags) as u32
}

/// Half to single precision, which is always exact.
#[inline]
pub fn f32_from_f16(a: u16, flags: &mut Flags) -> u32 {
    soft::convert::<Binary16, Binary32>(u64::from(a), Rounding::NearestEven, flags) as u32
}

/// Half to double precision, which is always exact.
#[inline]
pub fn f64_from_f16(a: u16, flags: &mut Flags) -> u64 {
    soft::convert::<Binary16, Binary64>(u64::from(a), Rounding::NearestEven, flags)
}

/// Single to half precision.
#[inline]
pub fn f16_from_f32(a: u32, mode: Rounding, flags: &mut Flags) -> u16 {
    soft::convert::<Binary32, Binary16>(u64::from(a), mode, flags) as u16
}

/// Double to half precision.
#[inline]
pub fn f16_from_f64(a: u64, mode: Rounding, flags: &mut Flags) -> u16 {
    soft::convert::<Binary64, Binary16>(a, mode, flags) as u16
}
