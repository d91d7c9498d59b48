//! Zba, Zbb and Zbs (Volume I, chapter 28).

use super::integer::{immediate, register};
use super::{a, b, imm, put, sext};
use crate::{Hart, Outcome, Port};
use isa::Inst;

/// Functions of the form rd = f(rs1).
macro_rules! unary {
    ($($name:ident: |$x:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            let $x = a(hart, inst);
            put(hart, inst, $value);
            Ok(())
        }
    )*};
}

/// Zero-extended low word.
#[inline(always)]
fn uw(x: u64) -> u64 {
    u64::from(x as u32)
}

/// Each byte all ones if any of its bits is set.
#[inline(always)]
fn or_combine(x: u64) -> u64 {
    u64::from_ne_bytes(x.to_ne_bytes().map(|byte| if byte == 0 { 0 } else { 0xff }))
}

register! {
    add_uw: |x, y| uw(x).wrapping_add(y);
    sh1add: |x, y| (x << 1).wrapping_add(y);
    sh2add: |x, y| (x << 2).wrapping_add(y);
    sh3add: |x, y| (x << 3).wrapping_add(y);
    sh1add_uw: |x, y| (uw(x) << 1).wrapping_add(y);
    sh2add_uw: |x, y| (uw(x) << 2).wrapping_add(y);
    sh3add_uw: |x, y| (uw(x) << 3).wrapping_add(y);
    andn: |x, y| x & !y;
    orn: |x, y| x | !y;
    xnor: |x, y| !(x ^ y);
    max: |x, y| (x as i64).max(y as i64) as u64;
    maxu: |x, y| x.max(y);
    min: |x, y| (x as i64).min(y as i64) as u64;
    minu: |x, y| x.min(y);
    rol: |x, y| x.rotate_left((y & 63) as u32);
    ror: |x, y| x.rotate_right((y & 63) as u32);
    rolw: |x, y| sext(u64::from((x as u32).rotate_left((y & 31) as u32)));
    rorw: |x, y| sext(u64::from((x as u32).rotate_right((y & 31) as u32)));
    bclr: |x, y| x & !(1 << (y & 63));
    bext: |x, y| x >> (y & 63) & 1;
    binv: |x, y| x ^ 1 << (y & 63);
    bset: |x, y| x | 1 << (y & 63);
}

immediate! {
    slli_uw: |x, y| uw(x) << (y & 63);
    rori: |x, y| x.rotate_right((y & 63) as u32);
    roriw: |x, y| sext(u64::from((x as u32).rotate_right((y & 31) as u32)));
    bclri: |x, y| x & !(1 << (y & 63));
    bexti: |x, y| x >> (y & 63) & 1;
    binvi: |x, y| x ^ 1 << (y & 63);
    bseti: |x, y| x | 1 << (y & 63);
}

unary! {
    clz: |x| u64::from(x.leading_zeros());
    clzw: |x| u64::from((x as u32).leading_zeros());
    ctz: |x| u64::from(x.trailing_zeros());
    ctzw: |x| u64::from((x as u32).trailing_zeros());
    cpop: |x| u64::from(x.count_ones());
    cpopw: |x| u64::from((x as u32).count_ones());
    sext_b: |x| x as i8 as u64;
    sext_h: |x| x as i16 as u64;
    zext_h: |x| x & 0xffff;
    orc_b: |x| or_combine(x);
    rev8: |x| x.swap_bytes();
}
