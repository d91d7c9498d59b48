//! The interchange formats of IEEE 754-2019 section 3.4 as constants over their bit patterns.
//!
//! All arithmetic handles bit patterns right-aligned in a `u64`, so that one implementation serves
//! every format; the constants below are all it needs to know of one.

use std::ops::{Add, Div, Mul, Sub};

/// A binary interchange format.
pub(crate) trait Format: Copy {
    /// Stored significand bits, without the implicit leading one.
    const FRACTION_BITS: u32;
    /// Width of the biased exponent field.
    const EXPONENT_BITS: u32;

    /// The sign bit.
    const SIGN: u64 = 1 << (Self::FRACTION_BITS + Self::EXPONENT_BITS);
    /// The fraction field.
    const FRACTION: u64 = (1 << Self::FRACTION_BITS) - 1;
    /// The exponent field's value for infinities and NaNs.
    const EXPONENT_MAX: u64 = (1 << Self::EXPONENT_BITS) - 1;
    /// Positive infinity; also the mask of the exponent field.
    const INFINITY: u64 = Self::EXPONENT_MAX << Self::FRACTION_BITS;
    /// The fraction bit that tells a quiet from a signaling NaN.
    const QUIET: u64 = 1 << (Self::FRACTION_BITS - 1);
    /// The only NaN RISC-V arithmetic produces: positive, quiet, empty payload.
    const NAN: u64 = Self::INFINITY | Self::QUIET;
    /// The smallest positive normal number.
    const MIN_NORMAL: u64 = 1 << Self::FRACTION_BITS;
    /// Exponent bias.
    const BIAS: i32 = (1 << (Self::EXPONENT_BITS - 1)) - 1;
    /// Exponent of the smallest normal number.
    const EXPONENT_MIN: i32 = 1 - Self::BIAS;

    /// Zero of the given sign.
    #[inline]
    fn zero(negative: bool) -> u64 {
        if negative { Self::SIGN } else { 0 }
    }

    /// Infinity of the given sign.
    #[inline]
    fn infinity(negative: bool) -> u64 {
        Self::zero(negative) | Self::INFINITY
    }

    /// The largest finite number of the given sign.
    #[inline]
    fn largest(negative: bool) -> u64 {
        Self::zero(negative) | (Self::INFINITY - 1)
    }

    /// Whether the sign bit is set.
    #[inline]
    fn is_negative(bits: u64) -> bool {
        bits & Self::SIGN != 0
    }

    /// Whether the pattern is a NaN of either kind.
    #[inline]
    fn is_nan(bits: u64) -> bool {
        bits & !Self::SIGN > Self::INFINITY
    }

    /// Whether the pattern is a signaling NaN.
    #[inline]
    fn is_signaling(bits: u64) -> bool {
        Self::is_nan(bits) && bits & Self::QUIET == 0
    }

    /// Whether the pattern is a zero, subnormal or normal number.
    #[inline]
    fn is_finite(bits: u64) -> bool {
        bits & Self::INFINITY != Self::INFINITY
    }

    /// Whether the pattern is a finite number of larger magnitude than the smallest normal one.
    ///
    /// The smallest normal number itself is left out: it may be the rounded form of a tiny result,
    /// which underflows.
    #[inline]
    fn is_clear_of_underflow(bits: u64) -> bool {
        let magnitude = bits & !Self::SIGN;
        magnitude > Self::MIN_NORMAL && magnitude < Self::INFINITY
    }
}

/// A format the host computes in.
pub(crate) trait Native: Format {
    /// The host's type of this format.
    type Host: Copy
        + PartialOrd
        + Add<Output = Self::Host>
        + Sub<Output = Self::Host>
        + Mul<Output = Self::Host>
        + Div<Output = Self::Host>;

    /// The host value of a bit pattern.
    fn host(bits: u64) -> Self::Host;
    /// The bit pattern of a host value.
    fn bits(host: Self::Host) -> u64;
    /// Host square root, correctly rounded as IEEE 754 requires.
    fn sqrt(host: Self::Host) -> Self::Host;
    /// Host fused multiply-add; only fast where [`host_has_fma`] says so.
    fn mul_add(a: Self::Host, b: Self::Host, c: Self::Host) -> Self::Host;
    /// The host value nearest an integer.
    fn from_i64(v: i64) -> Self::Host;
    /// A host value towards zero to an integer.
    fn to_i64(host: Self::Host) -> i64;
}

/// Whether the host computes fused multiply-adds in hardware.
#[inline]
pub(crate) fn host_has_fma() -> bool {
    #[cfg(any(target_feature = "fma", target_arch = "aarch64"))]
    return true;
    #[cfg(all(target_arch = "x86_64", not(target_feature = "fma")))]
    return std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_feature = "fma")))]
    return false;
}

/// Half precision; only converted from and to (Zfhmin), never computed in.
#[derive(Clone, Copy)]
pub(crate) struct Binary16;

impl Format for Binary16 {
    const FRACTION_BITS: u32 = 10;
    const EXPONENT_BITS: u32 = 5;
}

macro_rules! native {
    ($(#[$doc:meta])* $name:ident, $host:ident, $bits:ident, $fraction:literal, $exponent:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        impl Format for $name {
            const FRACTION_BITS: u32 = $fraction;
            const EXPONENT_BITS: u32 = $exponent;
        }

        impl Native for $name {
            type Host = $host;

            #[inline]
            fn host(bits: u64) -> $host {
                $host::from_bits(bits as $bits)
            }

            #[inline]
            fn bits(host: $host) -> u64 {
                u64::from(host.to_bits())
            }

            #[inline]
            fn sqrt(host: $host) -> $host {
                host.sqrt()
            }

            #[inline]
            fn mul_add(a: $host, b: $host, c: $host) -> $host {
                a.mul_add(b, c)
            }

            #[inline]
            fn from_i64(v: i64) -> $host {
                v as $host
            }

            #[inline]
            fn to_i64(host: $host) -> i64 {
                host as i64
            }
        }
    };
}

native! {
    /// Single precision (the F extension).
    Binary32, f32, u32, 23, 8
}
native! {
    /// Double precision (the D extension).
    Binary64, f64, u64, 52, 11
}
