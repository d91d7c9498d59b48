//! F and D (Volume I, chapters 20 and 21): NaN boxing, rounding modes and flags around the
//! arithmetic of crate `float`.

use super::{a, imm, put};
use crate::trap::status;
use crate::{Cause, Hart, Outcome, Port, Raised};
use ::float as ieee;
use ieee::{Flags, Rounding};
use isa::Inst;

const BOX: u64 = 0xffff_ffff_0000_0000;
const CANONICAL_NAN: u32 = 0x7fc0_0000;
const SIGN32: u32 = 1 << 31;
const SIGN64: u64 = 1 << 63;

/// Floating point is off: every F and D instruction is illegal (Volume II, 3.1.6.6).
#[inline(always)]
fn enabled(hart: &mut Hart, inst: &Inst) -> Result<(), Raised> {
    if hart.csr.mstatus & status::FS == 0 { Err(illegal(hart, inst)) } else { Ok(()) }
}

#[cold]
fn illegal(hart: &mut Hart, inst: &Inst) -> Raised {
    hart.raise(Cause::IllegalInstruction, u64::from(inst.raw))
}

/// The rounding mode of the instruction, from `frm` if it is dynamic.
#[inline(always)]
fn rounding(hart: &mut Hart, inst: &Inst) -> Result<Rounding, Raised> {
    enabled(hart, inst)?;
    let bits = if inst.rm == 7 { hart.csr.frm } else { inst.rm };
    Rounding::from_bits(bits).ok_or_else(|| illegal(hart, inst))
}

/// Runs `f` on the accumulated flags.
#[inline(always)]
fn flagged<T>(hart: &mut Hart, f: impl FnOnce(&mut Flags) -> T) -> T {
    let mut flags = Flags(hart.csr.fflags);
    let value = f(&mut flags);
    if flags.0 != hart.csr.fflags {
        hart.csr.fflags = flags.0;
        hart.csr.mstatus |= status::FS;
    }
    value
}

/// A register format: how values sit in the 64-bit registers.
trait Boxed: Copy {
    fn unbox(register: u64) -> Self;
    fn into_register(self) -> u64;
}

impl Boxed for u32 {
    #[inline(always)]
    fn unbox(register: u64) -> Self {
        if register & BOX == BOX { register as u32 } else { CANONICAL_NAN }
    }
    #[inline(always)]
    fn into_register(self) -> u64 {
        BOX | u64::from(self)
    }
}

impl Boxed for u64 {
    #[inline(always)]
    fn unbox(register: u64) -> Self {
        register
    }
    #[inline(always)]
    fn into_register(self) -> u64 {
        self
    }
}

#[inline(always)]
fn get<B: Boxed>(hart: &Hart, register: u8) -> B {
    B::unbox(hart.f[usize::from(register & 31)])
}

#[inline(always)]
fn set<B: Boxed>(hart: &mut Hart, inst: &Inst, value: B) {
    hart.f[usize::from(inst.rd & 31)] = value.into_register();
    hart.csr.mstatus |= status::FS;
}

/// f(rs1, rs2) with rounding.
macro_rules! arithmetic {
    ($($name:ident: $bits:ty, $op:path;)*) => {$(
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            let mode = rounding(hart, inst)?;
            let (x, y) = (get::<$bits>(hart, inst.rs1), get::<$bits>(hart, inst.rs2));
            let value = flagged(hart, |flags| $op(x, y, mode, flags));
            set(hart, inst, value);
            Ok(())
        }
    )*};
}

arithmetic! {
    fadd_s: u32, ieee::f32::add;
    fsub_s: u32, ieee::f32::sub;
    fmul_s: u32, ieee::f32::mul;
    fdiv_s: u32, ieee::f32::div;
    fadd_d: u64, ieee::f64::add;
    fsub_d: u64, ieee::f64::sub;
    fmul_d: u64, ieee::f64::mul;
    fdiv_d: u64, ieee::f64::div;
}

/// ±(rs1 × rs2) ± rs3: the signs to flip are given for the product and the addend.
macro_rules! fused {
    ($($name:ident: $bits:ty, $op:path, $product:expr, $addend:expr;)*) => {$(
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            let mode = rounding(hart, inst)?;
            let x = get::<$bits>(hart, inst.rs1) ^ $product;
            let y = get::<$bits>(hart, inst.rs2);
            let z = get::<$bits>(hart, inst.rs3) ^ $addend;
            let value = flagged(hart, |flags| $op(x, y, z, mode, flags));
            set(hart, inst, value);
            Ok(())
        }
    )*};
}

fused! {
    fmadd_s: u32, ieee::f32::fma, 0, 0;
    fmsub_s: u32, ieee::f32::fma, 0, SIGN32;
    fnmsub_s: u32, ieee::f32::fma, SIGN32, 0;
    fnmadd_s: u32, ieee::f32::fma, SIGN32, SIGN32;
    fmadd_d: u64, ieee::f64::fma, 0, 0;
    fmsub_d: u64, ieee::f64::fma, 0, SIGN64;
    fnmsub_d: u64, ieee::f64::fma, SIGN64, 0;
    fnmadd_d: u64, ieee::f64::fma, SIGN64, SIGN64;
}

macro_rules! root {
    ($($name:ident: $bits:ty, $op:path;)*) => {$(
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            let mode = rounding(hart, inst)?;
            let x = get::<$bits>(hart, inst.rs1);
            let value = flagged(hart, |flags| $op(x, mode, flags));
            set(hart, inst, value);
            Ok(())
        }
    )*};
}

root! {
    fsqrt_s: u32, ieee::f32::sqrt;
    fsqrt_d: u64, ieee::f64::sqrt;
}

/// f(rs1, rs2) on bit patterns, without rounding or flags: sign injection.
macro_rules! inject {
    ($($name:ident: $bits:ty, $sign:expr, |$x:ident, $y:ident| $value:expr;)*) => {$(
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            enabled(hart, inst)?;
            let $x = get::<$bits>(hart, inst.rs1);
            let $y = get::<$bits>(hart, inst.rs2);
            let value = $x & !$sign | ($value) & $sign;
            set(hart, inst, value);
            Ok(())
        }
    )*};
}

inject! {
    fsgnj_s: u32, SIGN32, |x, y| y;
    fsgnjn_s: u32, SIGN32, |x, y| !y;
    fsgnjx_s: u32, SIGN32, |x, y| x ^ y;
    fsgnj_d: u64, SIGN64, |x, y| y;
    fsgnjn_d: u64, SIGN64, |x, y| !y;
    fsgnjx_d: u64, SIGN64, |x, y| x ^ y;
}

macro_rules! select {
    ($($name:ident: $bits:ty, $op:path;)*) => {$(
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            enabled(hart, inst)?;
            let (x, y) = (get::<$bits>(hart, inst.rs1), get::<$bits>(hart, inst.rs2));
            let value = flagged(hart, |flags| $op(x, y, flags));
            set(hart, inst, value);
            Ok(())
        }
    )*};
}

select! {
    fmin_s: u32, ieee::f32::min;
    fmax_s: u32, ieee::f32::max;
    fmin_d: u64, ieee::f64::min;
    fmax_d: u64, ieee::f64::max;
}

macro_rules! compare {
    ($($name:ident: $bits:ty, $op:path;)*) => {$(
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            enabled(hart, inst)?;
            let (x, y) = (get::<$bits>(hart, inst.rs1), get::<$bits>(hart, inst.rs2));
            let value = flagged(hart, |flags| $op(x, y, flags));
            put(hart, inst, u64::from(value));
            Ok(())
        }
    )*};
}

compare! {
    feq_s: u32, ieee::f32::eq;
    flt_s: u32, ieee::f32::lt;
    fle_s: u32, ieee::f32::le;
    feq_d: u64, ieee::f64::eq;
    flt_d: u64, ieee::f64::lt;
    fle_d: u64, ieee::f64::le;
}

/// To an integer register; 32-bit results are sign-extended, unsigned ones too.
macro_rules! to_integer {
    ($($name:ident: $bits:ty, $op:path, $extend:ty;)*) => {$(
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            let mode = rounding(hart, inst)?;
            let x = get::<$bits>(hart, inst.rs1);
            let value = flagged(hart, |flags| $op(x, mode, flags));
            put(hart, inst, value as $extend as u64);
            Ok(())
        }
    )*};
}

to_integer! {
    fcvt_w_s: u32, ieee::f32::to_i32, i32;
    fcvt_wu_s: u32, ieee::f32::to_u32, i32;
    fcvt_l_s: u32, ieee::f32::to_i64, u64;
    fcvt_lu_s: u32, ieee::f32::to_u64, u64;
    fcvt_w_d: u64, ieee::f64::to_i32, i32;
    fcvt_wu_d: u64, ieee::f64::to_u32, i32;
    fcvt_l_d: u64, ieee::f64::to_i64, u64;
    fcvt_lu_d: u64, ieee::f64::to_u64, u64;
}

macro_rules! from_integer {
    ($($name:ident: $int:ty, $op:path;)*) => {$(
        pub(super) fn $name<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
            let mode = rounding(hart, inst)?;
            let x = a(hart, inst) as $int;
            let value = flagged(hart, |flags| $op(x, mode, flags));
            set(hart, inst, value);
            Ok(())
        }
    )*};
}

from_integer! {
    fcvt_s_w: i32, ieee::f32::from_i32;
    fcvt_s_wu: u32, ieee::f32::from_u32;
    fcvt_s_l: i64, ieee::f32::from_i64;
    fcvt_s_lu: u64, ieee::f32::from_u64;
    fcvt_d_w: i32, ieee::f64::from_i32;
    fcvt_d_wu: u32, ieee::f64::from_u32;
    fcvt_d_l: i64, ieee::f64::from_i64;
    fcvt_d_lu: u64, ieee::f64::from_u64;
}

pub(super) fn fcvt_s_d<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    let mode = rounding(hart, inst)?;
    let x = get::<u64>(hart, inst.rs1);
    let value = flagged(hart, |flags| ieee::f32_from_f64(x, mode, flags));
    set(hart, inst, value);
    Ok(())
}

/// Exact, but an invalid rounding mode is still illegal.
pub(super) fn fcvt_d_s<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    rounding(hart, inst)?;
    let x = get::<u32>(hart, inst.rs1);
    let value = flagged(hart, |flags| ieee::f64_from_f32(x, flags));
    set(hart, inst, value);
    Ok(())
}

pub(super) fn fclass_s<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let class = ieee::f32::classify(get::<u32>(hart, inst.rs1));
    put(hart, inst, u64::from(class));
    Ok(())
}

pub(super) fn fclass_d<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let class = ieee::f64::classify(get::<u64>(hart, inst.rs1));
    put(hart, inst, u64::from(class));
    Ok(())
}

/// Bits move as they are: the box is not looked at.
pub(super) fn fmv_x_w<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let bits = get::<u64>(hart, inst.rs1);
    put(hart, inst, bits as i32 as u64);
    Ok(())
}

pub(super) fn fmv_w_x<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let bits = a(hart, inst) as u32;
    set(hart, inst, bits);
    Ok(())
}

pub(super) fn fmv_x_d<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let bits = get::<u64>(hart, inst.rs1);
    put(hart, inst, bits);
    Ok(())
}

pub(super) fn fmv_d_x<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let bits = a(hart, inst);
    set(hart, inst, bits);
    Ok(())
}

#[inline(always)]
pub(super) fn flw<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let va = a(hart, inst).wrapping_add(imm(inst));
    let bits = port.load::<u32>(hart, va)?;
    set(hart, inst, bits);
    Ok(())
}

#[inline(always)]
pub(super) fn fld<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let va = a(hart, inst).wrapping_add(imm(inst));
    let bits = port.load::<u64>(hart, va)?;
    set(hart, inst, bits);
    Ok(())
}

#[inline(always)]
pub(super) fn fsw<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let va = a(hart, inst).wrapping_add(imm(inst));
    let bits = get::<u64>(hart, inst.rs2) as u32;
    Ok(port.store(hart, va, bits)?)
}

#[inline(always)]
pub(super) fn fsd<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    enabled(hart, inst)?;
    let va = a(hart, inst).wrapping_add(imm(inst));
    let bits = get::<u64>(hart, inst.rs2);
    Ok(port.store(hart, va, bits)?)
}
