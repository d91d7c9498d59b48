//! A: load-reserved, store-conditional and AMOs (Volume I, chapter 14). All harts run in one thread
//! and memory is sequentially consistent, so the ordering bits need nothing.

use super::{a, b, put};
use crate::{Hart, Outcome, Port};
use isa::Inst;

macro_rules! amo {
    ($($name:ident: $t:ty as $s:ty, |$old:ident, $y:ident| $new:expr;)*) => {$(
        #[inline(always)]
        pub(super) fn $name<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
            let (va, $y) = (a(hart, inst), b(hart, inst) as $t);
            let old = port.amo::<$t>(hart, va, |$old| $new)?;
            put(hart, inst, old as $s as u64);
            Ok(())
        }
    )*};
}

amo! {
    amoswap_w: u32 as i32, |_old, y| y;
    amoadd_w: u32 as i32, |x, y| x.wrapping_add(y);
    amoxor_w: u32 as i32, |x, y| x ^ y;
    amoand_w: u32 as i32, |x, y| x & y;
    amoor_w: u32 as i32, |x, y| x | y;
    amomin_w: u32 as i32, |x, y| (x as i32).min(y as i32) as u32;
    amomax_w: u32 as i32, |x, y| (x as i32).max(y as i32) as u32;
    amominu_w: u32 as i32, |x, y| x.min(y);
    amomaxu_w: u32 as i32, |x, y| x.max(y);
    amoswap_d: u64 as u64, |_old, y| y;
    amoadd_d: u64 as u64, |x, y| x.wrapping_add(y);
    amoxor_d: u64 as u64, |x, y| x ^ y;
    amoand_d: u64 as u64, |x, y| x & y;
    amoor_d: u64 as u64, |x, y| x | y;
    amomin_d: u64 as u64, |x, y| (x as i64).min(y as i64) as u64;
    amomax_d: u64 as u64, |x, y| (x as i64).max(y as i64) as u64;
    amominu_d: u64 as u64, |x, y| x.min(y);
    amomaxu_d: u64 as u64, |x, y| x.max(y);
}

pub(super) fn lr_w<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let va = a(hart, inst);
    let value = port.load_reserved::<u32>(hart, va)?;
    put(hart, inst, value as i32 as u64);
    Ok(())
}

pub(super) fn lr_d<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let va = a(hart, inst);
    let value = port.load_reserved::<u64>(hart, va)?;
    put(hart, inst, value);
    Ok(())
}

pub(super) fn sc_w<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let (va, value) = (a(hart, inst), b(hart, inst) as u32);
    let stored = port.store_conditional::<u32>(hart, va, value)?;
    put(hart, inst, u64::from(!stored));
    Ok(())
}

pub(super) fn sc_d<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let (va, value) = (a(hart, inst), b(hart, inst));
    let stored = port.store_conditional::<u64>(hart, va, value)?;
    put(hart, inst, u64::from(!stored));
    Ok(())
}
