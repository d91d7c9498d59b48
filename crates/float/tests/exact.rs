//! Bits and flags of every operation in every rounding mode against exact arithmetic.

mod support;

use float::Rounding;
use support::{
    MODULES, Module,
    operands::{Random, corners},
    oracle::{self, Layout},
    raised,
};

/// Random cases for each operation and format; each is checked in all modes.
const CASES: usize = 20_000;

/// Calls `check` for all pairs of corners and for random pairs.
fn for_pairs(module: &Module, seed: u64, mut check: impl FnMut(u64, u64, Rounding)) {
    let layout = module.layout;
    let mut check_all_modes = |a, b| Rounding::ALL.into_iter().for_each(|mode| check(a, b, mode));
    for a in corners(layout) {
        corners(layout).into_iter().for_each(|b| check_all_modes(a, b));
    }
    let mut random = Random(seed);
    for _ in 0..CASES {
        let a = random.operand(layout);
        check_all_modes(a, random.partner(layout, a));
    }
}

fn for_operands(layout: Layout, seed: u64, mut check: impl FnMut(u64, Rounding)) {
    let mut random = Random(seed);
    let random = std::iter::repeat_with(move || random.operand(layout)).take(CASES);
    for a in corners(layout).into_iter().chain(random) {
        Rounding::ALL.into_iter().for_each(|mode| check(a, mode));
    }
}

macro_rules! binary_operation {
    ($test:ident, $operation:ident, $seed:literal) => {
        #[test]
        fn $test() {
            for module in &MODULES {
                for_pairs(module, $seed, |a, b, mode| {
                    let ours = raised(|flags| (module.$operation)(a, b, mode, flags));
                    let exact = module.layout.$operation(a, b, mode);
                    assert_eq!(ours, exact, "{} {a:#x} {b:#x} {mode:?}", module.name);
                });
            }
        }
    };
}

binary_operation!(sums_are_exact_results_rounded_once, add, 1);
binary_operation!(differences_are_exact_results_rounded_once, sub, 2);
binary_operation!(products_are_exact_results_rounded_once, mul, 3);
binary_operation!(quotients_are_exact_results_rounded_once, div, 4);

#[test]
fn square_roots_are_exact_results_rounded_once() {
    for module in &MODULES {
        for_operands(module.layout, 5, |a, mode| {
            let ours = raised(|flags| (module.sqrt)(a, mode, flags));
            assert_eq!(ours, module.layout.sqrt(a, mode), "{} {a:#x} {mode:?}", module.name);
        });
    }
}

#[test]
fn fused_results_are_exact_results_rounded_once() {
    for module in &MODULES {
        let layout = module.layout;
        let check = |a, b, c| {
            for mode in Rounding::ALL {
                let ours = raised(|flags| (module.fma)(a, b, c, mode, flags));
                let exact = layout.fma(a, b, c, mode);
                assert_eq!(ours, exact, "{} {a:#x} {b:#x} {c:#x} {mode:?}", module.name);
            }
        };
        let few: Vec<u64> = corners(layout).into_iter().step_by(3).collect();
        for &a in &few {
            for &b in &few {
                few.iter().for_each(|&c| check(a, b, c));
            }
        }
        let mut random = Random(6);
        for _ in 0..2 * CASES {
            let a = random.operand(layout);
            let b = random.partner(layout, a);
            // An addend near the product, so that cancellation and alignment are exercised.
            let (product, _) = layout.mul(a, b, Rounding::NearestEven);
            let c = random.partner(layout, product);
            check(a, b, c);
        }
    }
}

#[test]
fn integers_round_and_saturate_as_specified() {
    for module in &MODULES {
        for (min, max, to, _) in module.integers {
            for_operands(module.layout, 7, |a, mode| {
                let ours = raised(|flags| to(a, mode, flags));
                let exact = module.layout.to_integer(a, min, max, mode);
                assert_eq!(ours, exact, "{} {a:#x} {mode:?} in {min}..={max}", module.name);
            });
        }
    }
}

#[test]
fn numbers_next_to_the_integer_bounds_round_and_saturate_as_specified() {
    for module in &MODULES {
        for (min, max, to, from) in module.integers {
            for bound in [min, max, 0, 1] {
                let (at, _) = raised(|flags| from(bound, Rounding::TowardZero, flags));
                let half = module.layout.of_integer(1, Rounding::TowardZero).0
                    - module.layout.min_normal();
                let (below, _) = module.layout.sub(at, half, Rounding::Down);
                let (above, _) = module.layout.add(at, half, Rounding::Up);
                let neighbours = (0..6).flat_map(|n| [at + n, at.saturating_sub(n)]);
                for a in neighbours.chain([below, above, below - 1, above + 1]) {
                    for mode in Rounding::ALL {
                        let ours = raised(|flags| to(a, mode, flags));
                        let exact = module.layout.to_integer(a, min, max, mode);
                        assert_eq!(ours, exact, "{} {a:#x} {mode:?} {min}..={max}", module.name);
                    }
                }
            }
        }
    }
}

#[test]
fn integers_convert_to_the_rounded_number() {
    for module in &MODULES {
        for (min, max, _, from) in module.integers {
            let mut random = Random(8);
            for case in 0..CASES {
                // All magnitudes, runs of ones, and values next to the bounds.
                let wide = i128::from(random.bits() >> random.below(64));
                let run = i128::from(u64::MAX >> random.below(64)) - i128::from(random.below(3));
                let value = match case % 4 {
                    0 => wide,
                    1 => -wide,
                    2 => run,
                    _ => min + i128::from(random.below(4)),
                };
                let value = value.clamp(min, max);
                for mode in Rounding::ALL {
                    let ours = raised(|flags| from(value, mode, flags));
                    let exact = module.layout.of_integer(value, mode);
                    assert_eq!(ours, exact, "{} {value} {mode:?}", module.name);
                }
            }
        }
    }
}

#[test]
fn conversions_between_formats_round_once() {
    use oracle::{DOUBLE, HALF, SINGLE};
    for_operands(DOUBLE, 9, |a, mode| {
        let ours = raised(|flags| u64::from(float::f32_from_f64(a, mode, flags)));
        assert_eq!(ours, DOUBLE.convert(SINGLE, a, mode), "{a:#x} {mode:?} to single");
        let ours = raised(|flags| u64::from(float::f16_from_f64(a, mode, flags)));
        assert_eq!(ours, DOUBLE.convert(HALF, a, mode), "{a:#x} {mode:?} to half");
    });
    for_operands(SINGLE, 10, |a, mode| {
        let ours = raised(|flags| float::f64_from_f32(a as u32, flags));
        assert_eq!(ours, SINGLE.convert(DOUBLE, a, mode), "{a:#x} to double");
        let ours = raised(|flags| u64::from(float::f16_from_f32(a as u32, mode, flags)));
        assert_eq!(ours, SINGLE.convert(HALF, a, mode), "{a:#x} {mode:?} to half");
    });
}

#[test]
fn narrowing_rounds_once_around_the_bounds_of_the_narrow_format() {
    use oracle::{DOUBLE, HALF, SINGLE};
    let mut random = Random(11);
    for to in [HALF, SINGLE] {
        for corner in corners(to) {
            let (a, _) = to.convert(DOUBLE, corner, Rounding::TowardZero);
            for _ in 0..200 {
                // Neighbours at every distance, so that each bit below the narrow precision counts.
                let distance = random.bits() >> random.below(64).max(12);
                let a = if random.bits() & 1 == 0 {
                    a.wrapping_add(distance)
                } else {
                    a.wrapping_sub(distance)
                };
                for mode in Rounding::ALL {
                    let ours = raised(|flags| match to.precision {
                        11 => u64::from(float::f16_from_f64(a, mode, flags)),
                        _ => u64::from(float::f32_from_f64(a, mode, flags)),
                    });
                    assert_eq!(ours, DOUBLE.convert(to, a, mode), "{a:#x} {mode:?}");
                }
            }
        }
    }
}

#[test]
fn every_half_precision_number_widens_exactly() {
    for a in 0..=u16::MAX {
        let exact = oracle::HALF.convert(oracle::SINGLE, a.into(), Rounding::NearestEven);
        assert_eq!(raised(|flags| u64::from(float::f32_from_f16(a, flags))), exact);
        let exact = oracle::HALF.convert(oracle::DOUBLE, a.into(), Rounding::NearestEven);
        assert_eq!(raised(|flags| float::f64_from_f16(a, flags)), exact);
    }
}
