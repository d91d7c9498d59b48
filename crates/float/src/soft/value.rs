//! Operands taken apart.

use crate::format::Format;

/// A finite, non-zero number: `significand * 2^(exponent - 63)`, negated if `negative`.
///
/// The significand is normalised (its top bit is set), whatever the format it came from. The
/// lowest bit of a computed one is sticky: set if anything below it is not zero.
#[derive(Clone, Copy)]
pub(super) struct Real {
    pub(super) negative: bool,
    pub(super) exponent: i32,
    pub(super) significand: u64,
}

impl Real {
    /// `significand * 2^(exponent - 63)`, normalised; `significand` must not be zero.
    #[inline]
    pub(super) fn normalised(negative: bool, exponent: i32, significand: u64) -> Self {
        let shift = significand.leading_zeros();
        Self { negative, exponent: exponent - shift as i32, significand: significand << shift }
    }
}

/// What a bit pattern stands for. The `bool` is the sign, `true` for negative.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Zero(bool),
    Finite(Real),
    Infinite(bool),
    Nan,
}

impl Value {
    /// Takes the pattern apart.
    #[inline]
    pub(super) fn unpack<F: Format>(bits: u64) -> Self {
        let negative = F::is_negative(bits);
        let fraction = bits & F::FRACTION;
        let field = (bits >> F::FRACTION_BITS) & F::EXPONENT_MAX;
        if field == F::EXPONENT_MAX {
            return if fraction == 0 { Self::Infinite(negative) } else { Self::Nan };
        }
        let top = 63 - F::FRACTION_BITS;
        if field != 0 {
            let exponent = field as i32 - F::BIAS;
            let significand = (fraction | F::MIN_NORMAL) << top;
            Self::Finite(Real { negative, exponent, significand })
        } else if fraction != 0 {
            Self::Finite(Real::normalised(negative, F::EXPONENT_MIN, fraction << top))
        } else {
            Self::Zero(negative)
        }
    }
}
