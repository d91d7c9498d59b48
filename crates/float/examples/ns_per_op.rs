//! Nanoseconds per operation, with inexact accrued (host path) and without (integer path).
//!
//! `cargo run --release -p float --example ns_per_op`

use std::{hint::black_box, time::Instant};

use float::{Flags, Rounding::NearestEven, Rounding::TowardZero};

const OPERANDS: usize = 1024;
const ROUNDS: usize = 4000;

/// Times `operation` over all operands, with the accrued flags set to `accrued` before each.
fn measure(
    operands: &[u64],
    accrued: Flags,
    operation: impl Fn(u64, u64, &mut Flags) -> u64,
) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        let mut sum = 0u64;
        for _ in 0..ROUNDS / 5 {
            for pair in black_box(operands).windows(2) {
                let mut flags = black_box(accrued);
                sum = sum.wrapping_add(operation(pair[0], pair[1], &mut flags));
                sum ^= u64::from(flags.0);
            }
        }
        black_box(sum);
        let operations = (ROUNDS / 5 * (operands.len() - 1)) as f64;
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / operations);
    }
    best
}

fn report(name: &str, operands: &[u64], operation: impl Fn(u64, u64, &mut Flags) -> u64) {
    let accrued = measure(operands, Flags::INEXACT, &operation);
    let clear = measure(operands, Flags::NONE, &operation);
    println!("{name:<10} {accrued:>8.2} {clear:>8.2}");
}

/// Numbers of either sign between 2^-16 and 2^16, from a fixed linear congruence.
fn operands() -> Vec<f64> {
    let mut state = 1u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 11
    };
    let number =
        |bits: u64| (bits as f64 / (1u64 << 52) as f64 - 1.0) * 2f64.powi((bits % 33) as i32 - 16);
    (0..OPERANDS).map(|_| number(next())).collect()
}

macro_rules! report_module {
    ($module:ident, $bits:ident, $operands:expr) => {
        let operands: &[u64] = $operands;
        println!("{:<10} {:>8} {:>8}", stringify!($module), "accrued", "clear");
        let narrow = |v: u64| v as $bits;
        report("add", operands, |a, b, f| {
            float::$module::add(narrow(a), narrow(b), NearestEven, f).into()
        });
        report("mul", operands, |a, b, f| {
            float::$module::mul(narrow(a), narrow(b), NearestEven, f).into()
        });
        report("div", operands, |a, b, f| {
            float::$module::div(narrow(a), narrow(b), NearestEven, f).into()
        });
        report("sqrt", operands, |a, _, f| {
            let magnitude = narrow(a) << 1 >> 1;
            float::$module::sqrt(magnitude, NearestEven, f).into()
        });
        report("fma", operands, |a, b, f| {
            float::$module::fma(narrow(a), narrow(b), narrow(a), NearestEven, f).into()
        });
        report("lt", operands, |a, b, f| float::$module::lt(narrow(a), narrow(b), f).into());
        report("to_i64", operands, |a, _, f| {
            float::$module::to_i64(narrow(a), TowardZero, f) as u64
        });
        report("from_i32", operands, |a, _, f| {
            float::$module::from_i32((a >> 20) as i32, NearestEven, f).into()
        });
        report("from_i64", operands, |a, _, f| {
            float::$module::from_i64(a as i64, NearestEven, f).into()
        });
    };
}

fn main() {
    let numbers = operands();
    let double: Vec<u64> = numbers.iter().map(|n| n.to_bits()).collect();
    let single: Vec<u64> = numbers.iter().map(|&n| u64::from((n as f32).to_bits())).collect();
    report_module!(f32, u32, &single);
    report_module!(f64, u64, &double);
    println!("{:<10} {:>8} {:>8}", "between", "accrued", "clear");
    report("f64 to f32", &double, |a, _, f| float::f32_from_f64(a, NearestEven, f).into());
    report("f32 to f64", &single, |a, _, f| float::f64_from_f32(a as u32, f));
}
