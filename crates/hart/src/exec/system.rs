//! Zicsr, fences, environment calls, returns, wfi and simulator markers (Volume I, chapters 3, 6
//! and 2.7-2.8; Volume II, 3.3 and 10.2; Zawrs, Zihintpause, Svinval).

use super::{a, put};
use crate::trap::{Privilege, status};
use crate::{Cause, Hart, Leave, Outcome, Port, Raised, Request, csr};
use isa::Inst;

fn illegal(hart: &mut Hart, inst: &Inst) -> Raised {
    hart.raise(Cause::IllegalInstruction, u64::from(inst.raw))
}

/// Moves past the instruction and ends straight-line execution.
fn done(hart: &mut Hart, inst: &Inst) -> Outcome {
    hart.pc = hart.pc.wrapping_add(u64::from(inst.len));
    Err(Leave::Jump)
}

/// Read, modify, write. `csrrw` with rd = x0 does not read; `csrrs` and `csrrc` with x0 or an
/// immediate of zero do not write, and so may name a read-only register.
fn access<P: Port>(
    hart: &mut Hart,
    port: &mut P,
    inst: &Inst,
    reads: bool,
    writes: bool,
    new: impl FnOnce(u64) -> u64,
) -> Outcome {
    let number = inst.imm as u16 & 0xfff;
    let old = if reads { csr::read(hart, number, inst.raw)? } else { 0 };
    if writes {
        csr::write(hart, port, number, new(old), inst.raw)?;
    }
    if reads {
        put(hart, inst, old);
    }
    done(hart, inst)
}

pub(super) fn csrrw<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let value = a(hart, inst);
    access(hart, port, inst, inst.rd != Hart::SINK, true, |_| value)
}

pub(super) fn csrrs<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let value = a(hart, inst);
    access(hart, port, inst, true, inst.rs1 != 0, |old| old | value)
}

pub(super) fn csrrc<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let value = a(hart, inst);
    access(hart, port, inst, true, inst.rs1 != 0, |old| old & !value)
}

pub(super) fn csrrwi<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let value = u64::from(inst.rs1);
    access(hart, port, inst, inst.rd != Hart::SINK, true, |_| value)
}

pub(super) fn csrrsi<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let value = u64::from(inst.rs1);
    access(hart, port, inst, true, inst.rs1 != 0, |old| old | value)
}

pub(super) fn csrrci<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let value = u64::from(inst.rs1);
    access(hart, port, inst, true, inst.rs1 != 0, |old| old & !value)
}

/// Memory is sequentially consistent: nothing to order.
pub(super) fn fence<P: Port>(_: &mut Hart, _: &mut P, _: &Inst) -> Outcome {
    Ok(())
}

pub(super) fn fence_i<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    port.fence_i(hart);
    done(hart, inst)
}

pub(super) fn pause<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    port.request(hart, Request::Yield);
    done(hart, inst)
}

pub(super) fn ecall<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let cause = match hart.prv {
        Privilege::User => Cause::EcallFromU,
        Privilege::Supervisor if hart.sbi => {
            port.request(hart, Request::Sbi);
            return done(hart, inst);
        }
        Privilege::Supervisor => Cause::EcallFromS,
        Privilege::Machine => Cause::EcallFromM,
    };
    Err(hart.raise(cause, 0).into())
}

pub(super) fn ebreak<P: Port>(hart: &mut Hart, _: &mut P, _: &Inst) -> Outcome {
    let pc = hart.pc;
    Err(hart.raise(Cause::Breakpoint, pc).into())
}

pub(super) fn sret<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let trapped = hart.prv == Privilege::Supervisor && hart.csr.mstatus & status::TSR != 0;
    if hart.prv == Privilege::User || trapped {
        return Err(illegal(hart, inst).into());
    }
    hart.return_from_s(port);
    Err(Leave::Jump)
}

pub(super) fn mret<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    if hart.prv != Privilege::Machine {
        return Err(illegal(hart, inst).into());
    }
    hart.return_from_m(port);
    Err(Leave::Jump)
}

/// `wfi`: illegal in U-mode, and below M where TW is set (the time limit is zero).
pub(super) fn wfi<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    let trapped = hart.prv == Privilege::Supervisor && hart.csr.mstatus & status::TW != 0;
    if hart.prv == Privilege::User || trapped {
        return Err(illegal(hart, inst).into());
    }
    port.request(hart, Request::Wait);
    done(hart, inst)
}

/// `wrs.nto` may stop for as long as the reservation lasts; another hart will run meanwhile.
pub(super) fn wrs_nto<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    if hart.prv != Privilege::Machine && hart.csr.mstatus & status::TW != 0 {
        return Err(illegal(hart, inst).into());
    }
    port.request(hart, Request::Yield);
    done(hart, inst)
}

/// `wrs.sto`: the short time-out.
pub(super) fn wrs_sto<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    port.request(hart, Request::Yield);
    done(hart, inst)
}

fn may_fence_vma(hart: &Hart) -> bool {
    match hart.prv {
        Privilege::Machine => true,
        Privilege::Supervisor => hart.csr.mstatus & status::TVM == 0,
        Privilege::User => false,
    }
}

pub(super) fn sfence_vma<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    if !may_fence_vma(hart) {
        return Err(illegal(hart, inst).into());
    }
    let va = (inst.rs1 != 0).then(|| a(hart, inst));
    let asid = (inst.rs2 != 0).then(|| super::b(hart, inst) as u16);
    port.sfence_vma(hart, va, asid);
    done(hart, inst)
}

/// Invalidations take effect at once, which the fences around them allow.
pub(super) fn sinval_vma<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    sfence_vma(hart, port, inst)
}

pub(super) fn sfence_w_inval<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    if hart.prv == Privilege::User { Err(illegal(hart, inst).into()) } else { Ok(()) }
}

pub(super) fn sfence_inval_ir<P: Port>(hart: &mut Hart, _: &mut P, inst: &Inst) -> Outcome {
    if hart.prv == Privilege::User { Err(illegal(hart, inst).into()) } else { Ok(()) }
}

/// gem5's RISC-V marker instruction: word 0x7b with the function number in bits 31:25.
pub(super) fn m5op<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
    port.request(hart, Request::Marker(inst.imm as u8));
    done(hart, inst)
}
