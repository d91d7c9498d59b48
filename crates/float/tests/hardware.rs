//! Values rounded to nearest even against the host's floating point, over millions of operands.
//!
//! The accrued flags are empty, so the host path of the crate is not what is tested.

mod support;

use float::{Flags, Rounding::NearestEven};
use support::{operands::Random, oracle};

const CASES: usize = 1_000_000;

macro_rules! against_host {
    ($test:ident, $module:ident, $host:ident, $bits:ident, $layout:expr) => {
        #[test]
        fn $test() {
            use float::$module as ours;
            let canonical = |value: $host| {
                if value.is_nan() { $layout.nan() as $bits } else { value.to_bits() }
            };
            let mut random = Random(42);
            for _ in 0..CASES {
                let x = random.operand($layout) as $bits;
                let y = random.partner($layout, x.into()) as $bits;
                let z = random.partner($layout, y.into()) as $bits;
                let (a, b, c) = ($host::from_bits(x), $host::from_bits(y), $host::from_bits(z));
                let flags = || Flags::NONE;
                let context = || format!("{x:#x} {y:#x} {z:#x}");
                let sum = ours::add(x, y, NearestEven, &mut flags());
                assert_eq!(sum, canonical(a + b), "add {}", context());
                let difference = ours::sub(x, y, NearestEven, &mut flags());
                assert_eq!(difference, canonical(a - b), "sub {}", context());
                let product = ours::mul(x, y, NearestEven, &mut flags());
                assert_eq!(product, canonical(a * b), "mul {}", context());
                let quotient = ours::div(x, y, NearestEven, &mut flags());
                assert_eq!(quotient, canonical(a / b), "div {}", context());
                let root = ours::sqrt(x, NearestEven, &mut flags());
                assert_eq!(root, canonical(a.sqrt()), "sqrt {}", context());
                let fused = ours::fma(x, y, z, NearestEven, &mut flags());
                assert_eq!(fused, canonical(a.mul_add(b, c)), "fma {}", context());
                let v = random.bits() >> random.below(64);
                let number = ours::from_u64(v, NearestEven, &mut flags());
                assert_eq!(number, (v as $host).to_bits(), "from_u64 {v:#x}");
                let number = ours::from_i64(v as i64, NearestEven, &mut flags());
                assert_eq!(number, (v as i64 as $host).to_bits(), "from_i64 {v:#x}");
            }
        }
    };
}

against_host!(single_precision_values_are_the_hosts, f32, f32, u32, oracle::SINGLE);
against_host!(double_precision_values_are_the_hosts, f64, f64, u64, oracle::DOUBLE);

#[test]
fn single_and_double_precision_convert_as_on_the_host() {
    let mut random = Random(43);
    for _ in 0..CASES {
        let a = random.operand(oracle::DOUBLE);
        let value = f64::from_bits(a) as f32;
        let expected = if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() };
        assert_eq!(float::f32_from_f64(a, NearestEven, &mut Flags::NONE.clone()), expected);
        let a = random.operand(oracle::SINGLE) as u32;
        let value = f64::from(f32::from_bits(a));
        let expected = if value.is_nan() { 0x7ff8 << 48 } else { value.to_bits() };
        assert_eq!(float::f64_from_f32(a, &mut Flags::NONE.clone()), expected);
    }
}
