//! The host path, taken once inexact is accrued, changes neither bits nor flags.

mod support;

use float::{Flags, Rounding};
use support::{
    MODULES,
    operands::{Random, corners},
    oracle,
};

const CASES: usize = 300_000;

/// Runs `operation` without and with inexact accrued and compares.
fn assert_unchanged(context: &str, operation: impl Fn(Rounding, &mut Flags) -> u64) {
    for mode in Rounding::ALL {
        let mut clear = Flags::NONE;
        let slow = operation(mode, &mut clear);
        let mut accrued = Flags::INEXACT;
        let fast = operation(mode, &mut accrued);
        assert_eq!(fast, slow, "{context} {mode:?}");
        assert_eq!(accrued, clear | Flags::INEXACT, "{context} {mode:?}");
    }
}

#[test]
fn accrued_inexact_changes_no_result_and_hides_no_flag() {
    for module in &MODULES {
        let layout = module.layout;
        let check = |a, b, c| {
            let context = format!("{} {a:#x} {b:#x} {c:#x}", module.name);
            assert_unchanged(&context, |m, f| (module.add)(a, b, m, f));
            assert_unchanged(&context, |m, f| (module.sub)(a, b, m, f));
            assert_unchanged(&context, |m, f| (module.mul)(a, b, m, f));
            assert_unchanged(&context, |m, f| (module.div)(a, b, m, f));
            assert_unchanged(&context, |m, f| (module.sqrt)(a, m, f));
            assert_unchanged(&context, |m, f| (module.fma)(a, b, c, m, f));
        };
        for a in corners(layout) {
            for b in corners(layout) {
                check(a, b, layout.min_normal());
            }
        }
        let mut random = Random(7);
        for _ in 0..CASES / 10 {
            let a = random.operand(layout);
            let b = random.partner(layout, a);
            let (product, _) = layout.mul(a, b, Rounding::NearestEven);
            check(a, b, random.partner(layout, product));
        }
    }
}

#[test]
fn accrued_inexact_does_not_change_narrowing() {
    let mut random = Random(8);
    let single_corners = corners(oracle::SINGLE).into_iter().flat_map(|corner| {
        let (a, _) = oracle::SINGLE.convert(oracle::DOUBLE, corner, Rounding::NearestEven);
        (0..64).flat_map(move |shift| {
            [a.wrapping_add(1 << shift >> 1), a.wrapping_sub(1 << shift >> 1)]
        })
    });
    let corners: Vec<u64> = single_corners.collect();
    let random = std::iter::repeat_with(|| random.operand(oracle::DOUBLE)).take(CASES);
    for a in corners.into_iter().chain(random) {
        assert_unchanged(&format!("{a:#x}"), |m, f| float::f32_from_f64(a, m, f).into());
    }
}

#[test]
fn accrued_inexact_does_not_change_integer_conversions() {
    for module in &MODULES {
        let mut random = Random(9);
        for _ in 0..CASES / 10 {
            let a = random.operand(module.layout);
            let v = i128::from(random.bits() >> random.below(64));
            for (min, max, to, from) in module.integers {
                assert_unchanged(&format!("{a:#x}"), |m, f| to(a, m, f) as u64);
                for v in [v, -v].map(|v| v.clamp(min, max)) {
                    assert_unchanged(&format!("{v:#x}"), |m, f| from(v, m, f));
                }
            }
        }
    }
}

#[test]
fn a_result_rounded_up_to_the_smallest_normal_number_still_underflows() {
    // Half a unit of the subnormals below the smallest normal number: a tie that rounds up to it,
    // yet representable as it is with an unbounded exponent, hence tiny after rounding.
    let mut flags = Flags::INEXACT;
    let a = 0x3fef_ffff_ffff_ffff; // 1 - 2^-53
    let result = float::f64::mul(a, 0x0010_0000_0000_0000, Rounding::NearestEven, &mut flags);
    assert_eq!(result, 0x0010_0000_0000_0000);
    assert_eq!(flags, Flags::INEXACT | Flags::UNDERFLOW);
}
