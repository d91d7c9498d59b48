//! IEEE 754-2019 by definition: exact rational (or root of rational) results, rounded by comparing.
//!
//! Written from the standard's text with big integers and without any trick, to share no reasoning
//! with the crate under test. Flags are numbered as in `fflags`.

use std::cmp::Ordering;

use float::Rounding;
use num_bigint::{BigInt, BigUint, Sign};

const NX: u8 = 1;
const UF: u8 = 2;
const OF: u8 = 4;
const DZ: u8 = 8;
const NV: u8 = 16;

/// A format: significant bits (with the implicit one) and exponent field width.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub precision: i64,
    pub exponent_bits: i64,
}

pub const HALF: Layout = Layout { precision: 11, exponent_bits: 5 };
pub const SINGLE: Layout = Layout { precision: 24, exponent_bits: 8 };
pub const DOUBLE: Layout = Layout { precision: 53, exponent_bits: 11 };

/// What a pattern stands for; numbers are `mantissa * 2^exponent`, the flag is the sign.
enum Datum {
    Nan { signaling: bool },
    Infinite(bool),
    Number(bool, BigUint, i64),
}

impl Datum {
    fn is_zero(&self) -> bool {
        matches!(self, Datum::Number(_, mantissa, _) if *mantissa == BigUint::ZERO)
    }
}

/// A positive exact result.
enum Magnitude {
    Ratio(BigUint, BigUint),
    RootOfRatio(BigUint, BigUint),
}

impl Magnitude {
    /// `mantissa * 2^exponent`.
    fn dyadic(mantissa: BigUint, exponent: i64) -> Self {
        let (numerator, denominator) = scale(mantissa, BigUint::from(1u8), exponent);
        Magnitude::Ratio(numerator, denominator)
    }

    /// The largest `e` with `2^e` not above the value.
    fn floor_log2(&self) -> i64 {
        let log2 = |n: &BigUint, d: &BigUint| {
            let guess = n.bits() as i64 - d.bits() as i64;
            let (n, d) = scale(n.clone(), d.clone(), -guess);
            if n < d { guess - 1 } else { guess }
        };
        match self {
            Magnitude::Ratio(n, d) => log2(n, d),
            Magnitude::RootOfRatio(n, d) => log2(n, d).div_euclid(2),
        }
    }

    /// The value in units of `2^quantum`: its integer part, whether more is left, and how what is
    /// left compares with one half.
    fn in_units(&self, quantum: i64) -> (BigUint, bool, Ordering) {
        match self {
            Magnitude::Ratio(n, d) => {
                let (n, d) = scale(n.clone(), d.clone(), -quantum);
                let whole = &n / &d;
                let rest = n - &whole * &d;
                (whole, rest != BigUint::ZERO, (rest * 2u8).cmp(&d))
            }
            Magnitude::RootOfRatio(n, d) => {
                let (n, d) = scale(n.clone(), d.clone(), -2 * quantum);
                let whole = (&n / &d).sqrt();
                let more = &whole * &whole * &d != n;
                let twice_middle: BigUint = &whole * 2u8 + 1u8;
                let half = (n * 4u8).cmp(&(&twice_middle * &twice_middle * d));
                (whole, more, half)
            }
        }
    }

    /// The value rounded to a multiple of `2^quantum`, in that unit, and whether that is inexact.
    fn rounded(&self, negative: bool, quantum: i64, mode: Rounding) -> (BigUint, bool) {
        let (whole, more, half) = self.in_units(quantum);
        let up = more
            && match mode {
                Rounding::NearestEven => match half {
                    Ordering::Less => false,
                    Ordering::Equal => whole.bit(0),
                    Ordering::Greater => true,
                },
                Rounding::NearestMaxMagnitude => half != Ordering::Less,
                Rounding::TowardZero => false,
                Rounding::Down => negative,
                Rounding::Up => !negative,
            };
        (if up { whole + 1u8 } else { whole }, more)
    }
}

/// `n / d * 2^exponent` as numerator and denominator.
fn scale(n: BigUint, d: BigUint, exponent: i64) -> (BigUint, BigUint) {
    let shift = exponent.unsigned_abs();
    if exponent >= 0 { (n << shift, d) } else { (n, d << shift) }
}

impl Layout {
    fn bias(self) -> i64 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    fn smallest_exponent(self) -> i64 {
        1 - self.bias()
    }

    fn fraction_bits(self) -> i64 {
        self.precision - 1
    }

    pub fn sign(self) -> u64 {
        1 << (self.fraction_bits() + self.exponent_bits)
    }

    pub fn infinity(self) -> u64 {
        ((1 << self.exponent_bits) - 1) << self.fraction_bits()
    }

    pub fn nan(self) -> u64 {
        self.infinity() | 1 << (self.fraction_bits() - 1)
    }

    pub fn min_normal(self) -> u64 {
        1 << self.fraction_bits()
    }

    fn signed(self, negative: bool, magnitude: u64) -> u64 {
        if negative { self.sign() | magnitude } else { magnitude }
    }

    fn decode(self, bits: u64) -> Datum {
        let negative = bits & self.sign() != 0;
        let fraction = bits & (self.min_normal() - 1);
        let field = ((bits & self.infinity()) >> self.fraction_bits()) as i64;
        if field == (1 << self.exponent_bits) - 1 {
            return match fraction {
                0 => Datum::Infinite(negative),
                _ => Datum::Nan { signaling: fraction & (self.min_normal() >> 1) == 0 },
            };
        }
        let (mantissa, exponent) =
            if field == 0 { (fraction, 1) } else { (fraction | self.min_normal(), field) };
        let exponent = exponent - self.bias() - self.fraction_bits();
        Datum::Number(negative, mantissa.into(), exponent)
    }

    /// Rounds a non-zero result.
    fn round(self, negative: bool, exact: &Magnitude, mode: Rounding) -> (u64, u8) {
        let unbounded = exact.floor_log2() - self.fraction_bits();
        let smallest = self.smallest_exponent() - self.fraction_bits();
        let (ideal, _) = exact.rounded(negative, unbounded, mode);
        if ideal.bits() as i64 + unbounded > self.bias() + 1 {
            return (self.overflowed(negative, mode), OF | NX);
        }
        let (mut kept, inexact) = exact.rounded(negative, unbounded.max(smallest), mode);
        let mut quantum = unbounded.max(smallest);
        if kept.bits() as i64 > self.precision {
            kept >>= 1;
            quantum += 1;
        }
        let tiny = ideal.bits() as i64 + unbounded <= self.smallest_exponent();
        let flags = if inexact { NX | if tiny { UF } else { 0 } } else { 0 };
        let kept = u64::try_from(kept).expect("a significand has at most 53 bits");
        let magnitude = if kept < self.min_normal() {
            kept
        } else {
            let field = quantum + self.fraction_bits() + self.bias();
            ((field as u64) << self.fraction_bits()) | (kept - self.min_normal())
        };
        (self.signed(negative, magnitude), flags)
    }

    fn overflowed(self, negative: bool, mode: Rounding) -> u64 {
        let infinite = match mode {
            Rounding::NearestEven | Rounding::NearestMaxMagnitude => true,
            Rounding::TowardZero => false,
            Rounding::Down => negative,
            Rounding::Up => !negative,
        };
        self.signed(negative, if infinite { self.infinity() } else { self.infinity() - 1 })
    }

    fn nan_result(self, operands: &[&Datum]) -> (u64, u8) {
        let signaling = operands.iter().any(|d| matches!(d, Datum::Nan { signaling: true }));
        (self.nan(), if signaling { NV } else { 0 })
    }

    /// Rounds `exact * 2^exponent`; `zero_sign` is the sign of an exact zero.
    fn round_signed(
        self,
        exact: BigInt,
        exponent: i64,
        zero_sign: bool,
        mode: Rounding,
    ) -> (u64, u8) {
        let (sign, magnitude) = exact.into_parts();
        match sign {
            Sign::NoSign => (self.signed(zero_sign, 0), 0),
            sign => self.round(sign == Sign::Minus, &Magnitude::dyadic(magnitude, exponent), mode),
        }
    }

    pub fn add(self, a: u64, b: u64, mode: Rounding) -> (u64, u8) {
        let one = (self.bias() as u64) << self.fraction_bits();
        self.fma(a, one, b, mode)
    }

    pub fn sub(self, a: u64, b: u64, mode: Rounding) -> (u64, u8) {
        self.add(a, b ^ self.sign(), mode)
    }

    pub fn mul(self, a: u64, b: u64, mode: Rounding) -> (u64, u8) {
        let (x, y) = (self.decode(a), self.decode(b));
        let negative = (a ^ b) & self.sign() != 0;
        match (&x, &y) {
            (Datum::Nan { .. }, _) | (_, Datum::Nan { .. }) => self.nan_result(&[&x, &y]),
            (Datum::Number(_, m, e), Datum::Number(_, n, f)) => {
                let exact = signed(negative, m * n);
                self.round_signed(exact, e + f, negative, mode)
            }
            _ if x.is_zero() || y.is_zero() => (self.nan(), NV),
            _ => (self.signed(negative, self.infinity()), 0),
        }
    }

    pub fn fma(self, a: u64, b: u64, c: u64, mode: Rounding) -> (u64, u8) {
        let (x, y, z) = (self.decode(a), self.decode(b), self.decode(c));
        let negative = (a ^ b) & self.sign() != 0;
        let infinite = |d: &Datum| matches!(d, Datum::Infinite(_));
        if (infinite(&x) && y.is_zero()) || (x.is_zero() && infinite(&y)) {
            return (self.nan(), NV);
        }
        match (&x, &y, &z) {
            (Datum::Nan { .. }, ..) | (_, Datum::Nan { .. }, _) | (.., Datum::Nan { .. }) => {
                self.nan_result(&[&x, &y, &z])
            }
            (Datum::Number(_, m, e), Datum::Number(_, n, f), Datum::Number(sign, o, g)) => {
                let common = (e + f).min(*g);
                let product = signed(negative, m * n) << (e + f - common);
                let addend = signed(*sign, o.clone()) << (g - common);
                // IEEE 754-2019 section 6.3: equal signs keep theirs, opposite ones give +0
                // except when rounding down.
                let zero_sign = if *sign == negative { negative } else { mode == Rounding::Down };
                self.round_signed(product + addend, common, zero_sign, mode)
            }
            (Datum::Number(..), Datum::Number(..), Datum::Infinite(sign)) => {
                (self.signed(*sign, self.infinity()), 0)
            }
            (.., Datum::Infinite(sign)) if *sign != negative => (self.nan(), NV),
            _ => (self.signed(negative, self.infinity()), 0),
        }
    }

    pub fn div(self, a: u64, b: u64, mode: Rounding) -> (u64, u8) {
        let (x, y) = (self.decode(a), self.decode(b));
        let negative = (a ^ b) & self.sign() != 0;
        match (&x, &y) {
            (Datum::Nan { .. }, _) | (_, Datum::Nan { .. }) => self.nan_result(&[&x, &y]),
            (Datum::Infinite(_), Datum::Infinite(_)) => (self.nan(), NV),
            (Datum::Infinite(_), _) => (self.signed(negative, self.infinity()), 0),
            (_, Datum::Infinite(_)) => (self.signed(negative, 0), 0),
            _ if x.is_zero() && y.is_zero() => (self.nan(), NV),
            _ if x.is_zero() => (self.signed(negative, 0), 0),
            _ if y.is_zero() => (self.signed(negative, self.infinity()), DZ),
            (Datum::Number(_, m, e), Datum::Number(_, n, f)) => {
                let (n, d) = scale(m.clone(), n.clone(), e - f);
                self.round(negative, &Magnitude::Ratio(n, d), mode)
            }
        }
    }

    pub fn sqrt(self, a: u64, mode: Rounding) -> (u64, u8) {
        let x = self.decode(a);
        match &x {
            Datum::Nan { .. } => self.nan_result(&[&x]),
            _ if x.is_zero() => (a, 0),
            Datum::Infinite(false) => (a, 0),
            Datum::Number(false, m, e) => {
                let (n, d) = scale(m.clone(), BigUint::from(1u8), *e);
                self.round(false, &Magnitude::RootOfRatio(n, d), mode)
            }
            _ => (self.nan(), NV),
        }
    }

    /// `a` of this format in another.
    pub fn convert(self, to: Layout, a: u64, mode: Rounding) -> (u64, u8) {
        match self.decode(a) {
            Datum::Nan { signaling } => (to.nan(), if signaling { NV } else { 0 }),
            Datum::Infinite(negative) => (to.signed(negative, to.infinity()), 0),
            Datum::Number(negative, m, e) => {
                to.round_signed(signed(negative, m), e, negative, mode)
            }
        }
    }

    pub fn of_integer(self, value: i128, mode: Rounding) -> (u64, u8) {
        self.round_signed(value.into(), 0, false, mode)
    }

    pub fn to_integer(self, a: u64, min: i128, max: i128, mode: Rounding) -> (i128, u8) {
        match self.decode(a) {
            Datum::Nan { .. } | Datum::Infinite(false) => (max, NV),
            Datum::Infinite(true) => (min, NV),
            Datum::Number(_, m, _) if m == BigUint::ZERO => (0, 0),
            Datum::Number(negative, m, e) => {
                let (rounded, inexact) = Magnitude::dyadic(m, e).rounded(negative, 0, mode);
                let value = signed(negative, rounded);
                if value < min.into() {
                    (min, NV)
                } else if value > max.into() {
                    (max, NV)
                } else {
                    (
                        value.try_into().expect("the range is at most 64 bits"),
                        if inexact { NX } else { 0 },
                    )
                }
            }
        }
    }

    /// The order of two numbers or infinities, `None` if one is NaN.
    pub fn order(self, a: u64, b: u64) -> Option<Ordering> {
        let key = |bits| match self.decode(bits) {
            Datum::Nan { .. } => None,
            Datum::Infinite(negative) => Some(signed(negative, BigUint::from(1u8) << 5000)),
            Datum::Number(negative, m, e) => {
                let scale = self.smallest_exponent() - self.fraction_bits();
                Some(signed(negative, m << (e - scale)))
            }
        };
        Some(key(a)?.cmp(&key(b)?))
    }

    pub fn is_signaling(self, a: u64) -> bool {
        matches!(self.decode(a), Datum::Nan { signaling: true })
    }
}

fn signed(negative: bool, magnitude: BigUint) -> BigInt {
    BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, magnitude)
}
