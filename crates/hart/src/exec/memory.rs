//! Loads, stores and cache-block operations (Volume I, 2.6, 4.3 and the CMO chapter).

use super::{a, b, imm, put};
use crate::trap::Privilege;
use crate::{BlockOp, Cause, Hart, Hint, Outcome, Port, Raised};
use isa::Inst;

macro_rules! load {
    ($($name:ident: $t:ty as $extend:ty;)*) => {$(
        #[inline(always)]
        pub(super) fn $name<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
            let va = a(hart, inst).wrapping_add(imm(inst));
            let value = port.load::<$t>(hart, va)?;
            put(hart, inst, value as $extend as u64);
            Ok(())
        }
    )*};
}

macro_rules! store {
    ($($name:ident: $t:ty;)*) => {$(
        #[inline(always)]
        pub(super) fn $name<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
            let va = a(hart, inst).wrapping_add(imm(inst));
            let value = b(hart, inst) as $t;
            Ok(port.store::<$t>(hart, va, value)?)
        }
    )*};
}

load! {
    lb: u8 as i8;
    lh: u16 as i16;
    lw: u32 as i32;
    ld: u64 as u64;
    lbu: u8 as u8;
    lhu: u16 as u16;
    lwu: u32 as u32;
}

store! {
    sb: u8;
    sh: u16;
    sw: u32;
    sd: u64;
}

/// Fields of `menvcfg` and `senvcfg`.
const CBIE_SHIFT: u32 = 4;
const CBCFE: u64 = 1 << 6;
const CBZE: u64 = 1 << 7;

/// Whether the enable `bit` lets the current privilege use a cache-block instruction.
fn enabled(hart: &Hart, bit: u64) -> bool {
    match hart.prv {
        Privilege::Machine => true,
        Privilege::Supervisor => hart.csr.menvcfg & bit != 0,
        Privilege::User => hart.csr.menvcfg & hart.csr.senvcfg & bit != 0,
    }
}

fn illegal(hart: &mut Hart, inst: &Inst) -> Raised {
    hart.raise(Cause::IllegalInstruction, u64::from(inst.raw))
}

pub(super) fn cbo_zero<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    if !enabled(hart, CBZE) {
        return Err(illegal(hart, inst).into());
    }
    let va = a(hart, inst);
    Ok(port.zero_block(hart, va)?)
}

pub(super) fn cbo_clean<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    if !enabled(hart, CBCFE) {
        return Err(illegal(hart, inst).into());
    }
    let va = a(hart, inst);
    Ok(port.manage_block(hart, va, BlockOp::Clean)?)
}

pub(super) fn cbo_flush<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    if !enabled(hart, CBCFE) {
        return Err(illegal(hart, inst).into());
    }
    let va = a(hart, inst);
    Ok(port.manage_block(hart, va, BlockOp::Flush)?)
}

/// CBIE = 1 turns an invalidation into a flush, which is what memory holds anyway.
pub(super) fn cbo_inval<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let either = enabled(hart, 1 << CBIE_SHIFT) || enabled(hart, 2 << CBIE_SHIFT);
    if !either {
        return Err(illegal(hart, inst).into());
    }
    let va = a(hart, inst);
    Ok(port.manage_block(hart, va, BlockOp::Inval)?)
}

pub(super) fn prefetch_i<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    hint(hart, port, inst, Hint::Fetch)
}

pub(super) fn prefetch_r<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    hint(hart, port, inst, Hint::Read)
}

pub(super) fn prefetch_w<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    hint(hart, port, inst, Hint::Write)
}

#[inline(always)]
fn hint<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst, hint: Hint) -> Outcome {
    let va = a(hart, inst).wrapping_add(imm(inst));
    port.hint(hart, va, hint);
    Ok(())
}
