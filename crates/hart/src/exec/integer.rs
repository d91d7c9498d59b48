//! RV64I computation and control transfer, and M (Volume I, chapters 2, 4 and 13).

use super::{a, b, imm, put, sext};
use crate::{Hart, Leave, Outcome, Port};
use isa::Inst;

/// Functions of the form rd = f(rs1, rs2).
macro_rules! register {
    ($($name:ident: |$x:ident, $y:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            let ($x, $y) = (a(hart, inst), b(hart, inst));
            put(hart, inst, $value);
            Ok(())
        }
    )*};
}
pub(super) use register;

/// Functions of the form rd = f(rs1, imm).
macro_rules! immediate {
    ($($name:ident: |$x:ident, $y:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            let ($x, $y) = (a(hart, inst), imm(inst));
            put(hart, inst, $value);
            Ok(())
        }
    )*};
}
pub(super) use immediate;

/// Conditional branches.
macro_rules! branch {
    ($($name:ident: |$x:ident, $y:ident| $taken:expr;)*) => {$(
        #[inline(always)]
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            let ($x, $y) = (a(hart, inst), b(hart, inst));
            if $taken {
                hart.pc = hart.pc.wrapping_add(imm(inst));
                return Err(Leave::Jump);
            }
            Ok(())
        }
    )*};
}

register! {
    add: |x, y| x.wrapping_add(y);
    sub: |x, y| x.wrapping_sub(y);
    sll: |x, y| x << (y & 63);
    slt: |x, y| u64::from((x as i64) < y as i64);
    sltu: |x, y| u64::from(x < y);
    xor: |x, y| x ^ y;
    srl: |x, y| x >> (y & 63);
    sra: |x, y| (x as i64 >> (y & 63)) as u64;
    or_: |x, y| x | y;
    and_: |x, y| x & y;
    addw: |x, y| sext(x.wrapping_add(y));
    subw: |x, y| sext(x.wrapping_sub(y));
    sllw: |x, y| sext(u64::from((x as u32) << (y & 31)));
    srlw: |x, y| sext(u64::from(x as u32 >> (y & 31)));
    sraw: |x, y| (x as i32 >> (y & 31)) as u64;
    mul: |x, y| x.wrapping_mul(y);
    mulh: |x, y| ((i128::from(x as i64) * i128::from(y as i64)) >> 64) as u64;
    mulhsu: |x, y| ((i128::from(x as i64) * i128::from(y)) >> 64) as u64;
    mulhu: |x, y| ((u128::from(x) * u128::from(y)) >> 64) as u64;
    mulw: |x, y| sext(x.wrapping_mul(y));
    div: |x, y| if y == 0 { u64::MAX } else { (x as i64).wrapping_div(y as i64) as u64 };
    divu: |x, y| x.checked_div(y).unwrap_or(u64::MAX);
    rem: |x, y| if y == 0 { x } else { (x as i64).wrapping_rem(y as i64) as u64 };
    remu: |x, y| if y == 0 { x } else { x % y };
    divw: |x, y| if y as i32 == 0 { u64::MAX } else { (x as i32).wrapping_div(y as i32) as u64 };
    divuw: |x, y| (x as u32).checked_div(y as u32).map_or(u64::MAX, |q| sext(u64::from(q)));
    remw: |x, y| if y as i32 == 0 { sext(x) } else { (x as i32).wrapping_rem(y as i32) as u64 };
    remuw: |x, y| if y as u32 == 0 { sext(x) } else { sext(u64::from(x as u32 % y as u32)) };
}

immediate! {
    addi: |x, y| x.wrapping_add(y);
    slti: |x, y| u64::from((x as i64) < y as i64);
    sltiu: |x, y| u64::from(x < y);
    xori: |x, y| x ^ y;
    ori: |x, y| x | y;
    andi: |x, y| x & y;
    slli: |x, y| x << (y & 63);
    srli: |x, y| x >> (y & 63);
    srai: |x, y| (x as i64 >> (y & 63)) as u64;
    addiw: |x, y| sext(x.wrapping_add(y));
    slliw: |x, y| sext(u64::from((x as u32) << (y & 31)));
    srliw: |x, y| sext(u64::from(x as u32 >> (y & 31)));
    sraiw: |x, y| (x as i32 >> (y & 31)) as u64;
}

branch! {
    beq: |x, y| x == y;
    bne: |x, y| x != y;
    blt: |x, y| (x as i64) < y as i64;
    bge: |x, y| x as i64 >= y as i64;
    bltu: |x, y| x < y;
    bgeu: |x, y| x >= y;
}

#[inline(always)]
pub(super) fn lui<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    put(hart, inst, imm(inst));
    Ok(())
}

#[inline(always)]
pub(super) fn auipc<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    let value = hart.pc.wrapping_add(imm(inst));
    put(hart, inst, value);
    Ok(())
}

#[inline(always)]
pub(super) fn jal<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    let link = hart.pc.wrapping_add(u64::from(inst.len));
    put(hart, inst, link);
    hart.pc = hart.pc.wrapping_add(imm(inst));
    Err(Leave::Jump)
}

#[inline(always)]
pub(super) fn jalr<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    let target = a(hart, inst).wrapping_add(imm(inst)) & !1;
    let link = hart.pc.wrapping_add(u64::from(inst.len));
    put(hart, inst, link);
    hart.pc = target;
    Err(Leave::Jump)
}
