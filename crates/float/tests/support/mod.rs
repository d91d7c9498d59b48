//! What the test files share: the exact oracle, operand generation, and the crate under test as
//! tables of functions over `u64`.
#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part of this")]

pub mod operands;
pub mod oracle;

use float::{Flags, Rounding};
use oracle::Layout;

pub type Unary = fn(u64, Rounding, &mut Flags) -> u64;
pub type Binary = fn(u64, u64, Rounding, &mut Flags) -> u64;
pub type Ternary = fn(u64, u64, u64, Rounding, &mut Flags) -> u64;
/// Results are sign-extended to 64 bits.
pub type ToInteger = fn(u64, Rounding, &mut Flags) -> i128;
pub type FromInteger = fn(i128, Rounding, &mut Flags) -> u64;
pub type Compare = fn(u64, u64, &mut Flags) -> bool;
pub type Select = fn(u64, u64, &mut Flags) -> u64;

/// One of the crate's two modules.
pub struct Module {
    pub name: &'static str,
    pub layout: Layout,
    pub add: Binary,
    pub sub: Binary,
    pub mul: Binary,
    pub div: Binary,
    pub sqrt: Unary,
    pub fma: Ternary,
    /// Range, conversion to it and from it.
    pub integers: [(i128, i128, ToInteger, FromInteger); 4],
    pub eq: Compare,
    pub lt: Compare,
    pub le: Compare,
    pub min: Select,
    pub max: Select,
    pub classify: fn(u64) -> u16,
}

macro_rules! module {
    ($module:ident, $bits:ident, $layout:expr) => {
        Module {
            name: stringify!($module),
            layout: $layout,
            add: |a, b, m, f| float::$module::add(a as $bits, b as $bits, m, f).into(),
            sub: |a, b, m, f| float::$module::sub(a as $bits, b as $bits, m, f).into(),
            mul: |a, b, m, f| float::$module::mul(a as $bits, b as $bits, m, f).into(),
            div: |a, b, m, f| float::$module::div(a as $bits, b as $bits, m, f).into(),
            sqrt: |a, m, f| float::$module::sqrt(a as $bits, m, f).into(),
            fma: |a, b, c, m, f| {
                float::$module::fma(a as $bits, b as $bits, c as $bits, m, f).into()
            },
            integers: [
                (
                    i32::MIN as i128,
                    i32::MAX as i128,
                    |a, m, f| float::$module::to_i32(a as $bits, m, f).into(),
                    |v, m, f| float::$module::from_i32(v as i32, m, f).into(),
                ),
                (
                    u32::MIN as i128,
                    u32::MAX as i128,
                    |a, m, f| float::$module::to_u32(a as $bits, m, f).into(),
                    |v, m, f| float::$module::from_u32(v as u32, m, f).into(),
                ),
                (
                    i64::MIN as i128,
                    i64::MAX as i128,
                    |a, m, f| float::$module::to_i64(a as $bits, m, f).into(),
                    |v, m, f| float::$module::from_i64(v as i64, m, f).into(),
                ),
                (
                    u64::MIN as i128,
                    u64::MAX as i128,
                    |a, m, f| float::$module::to_u64(a as $bits, m, f).into(),
                    |v, m, f| float::$module::from_u64(v as u64, m, f).into(),
                ),
            ],
            eq: |a, b, f| float::$module::eq(a as $bits, b as $bits, f),
            lt: |a, b, f| float::$module::lt(a as $bits, b as $bits, f),
            le: |a, b, f| float::$module::le(a as $bits, b as $bits, f),
            min: |a, b, f| float::$module::min(a as $bits, b as $bits, f).into(),
            max: |a, b, f| float::$module::max(a as $bits, b as $bits, f).into(),
            classify: |a| float::$module::classify(a as $bits),
        }
    };
}

/// Both modules.
pub const MODULES: [Module; 2] =
    [module!(f32, u32, oracle::SINGLE), module!(f64, u64, oracle::DOUBLE)];

/// Runs `operation` on no accrued flags and gives its result and the flags it raised.
pub fn raised<T>(operation: impl FnOnce(&mut Flags) -> T) -> (T, u8) {
    let mut flags = Flags::NONE;
    let result = operation(&mut flags);
    (result, flags.0)
}
