//! Reading and writing CSRs: existence, privilege, enables, and the WARL behaviour of each field
//! (Volume II, chapters 2, 3 and 10; Sstc, Zicntr, Zihpm).
//!
//! Hardware performance counters 3..31 exist and read as zero, which the specification allows;
//! what the timing models count is reported to the user, not to the guest.

use crate::mmu::{ADUE, PBMTE};
use crate::trap::status;
use crate::{Cause, Hart, Interrupt, Port, Privilege, Raised, Request};

/// Numbers of the registers that [`read`] and [`write`] know by name.
mod number {
    pub const FFLAGS: u16 = 0x001;
    pub const FRM: u16 = 0x002;
    pub const FCSR: u16 = 0x003;
    pub const SSTATUS: u16 = 0x100;
    pub const SIE: u16 = 0x104;
    pub const STVEC: u16 = 0x105;
    pub const SCOUNTEREN: u16 = 0x106;
    pub const SENVCFG: u16 = 0x10a;
    pub const SSCRATCH: u16 = 0x140;
    pub const SEPC: u16 = 0x141;
    pub const SCAUSE: u16 = 0x142;
    pub const STVAL: u16 = 0x143;
    pub const SIP: u16 = 0x144;
    pub const STIMECMP: u16 = 0x14d;
    pub const SATP: u16 = 0x180;
    pub const MSTATUS: u16 = 0x300;
    pub const MISA: u16 = 0x301;
    pub const MEDELEG: u16 = 0x302;
    pub const MIDELEG: u16 = 0x303;
    pub const MIE: u16 = 0x304;
    pub const MTVEC: u16 = 0x305;
    pub const MCOUNTEREN: u16 = 0x306;
    pub const MENVCFG: u16 = 0x30a;
    pub const MCOUNTINHIBIT: u16 = 0x320;
    pub const MHPMEVENT3: u16 = 0x323;
    pub const MHPMEVENT31: u16 = 0x33f;
    pub const MSCRATCH: u16 = 0x340;
    pub const MEPC: u16 = 0x341;
    pub const MCAUSE: u16 = 0x342;
    pub const MTVAL: u16 = 0x343;
    pub const MIP: u16 = 0x344;
    pub const PMPCFG0: u16 = 0x3a0;
    pub const PMPCFG2: u16 = 0x3a2;
    pub const PMPADDR0: u16 = 0x3b0;
    pub const PMPADDR15: u16 = 0x3bf;
    pub const MCYCLE: u16 = 0xb00;
    pub const MINSTRET: u16 = 0xb02;
    pub const MHPMCOUNTER3: u16 = 0xb03;
    pub const MHPMCOUNTER31: u16 = 0xb1f;
    pub const CYCLE: u16 = 0xc00;
    pub const TIME: u16 = 0xc01;
    pub const INSTRET: u16 = 0xc02;
    pub const HPMCOUNTER31: u16 = 0xc1f;
    pub const MVENDORID: u16 = 0xf11;
    pub const MARCHID: u16 = 0xf12;
    pub const MIMPID: u16 = 0xf13;
    pub const MHARTID: u16 = 0xf14;
    pub const MCONFIGPTR: u16 = 0xf15;
}
use number::*;

/// `misa`: RV64 with A, C, D, F, I, M, S and U. Writes are ignored: no extension can be turned off.
const MISA_VALUE: u64 =
    2 << 62 | 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 8 | 1 << 12 | 1 << 18 | 1 << 20;

const SSTATUS_MASK: u64 = status::SIE
    | status::SPIE
    | status::SPP
    | status::FS
    | status::SUM
    | status::MXR
    | status::UXL
    | status::SD;
const SSTATUS_WRITE: u64 =
    status::SIE | status::SPIE | status::SPP | status::FS | status::SUM | status::MXR;
const MSTATUS_WRITE: u64 = SSTATUS_WRITE
    | status::MIE
    | status::MPIE
    | status::MPP
    | status::MPRV
    | status::TVM
    | status::TW
    | status::TSR;
/// Exceptions that may be delegated: all but `ecall` from M.
const MEDELEG_WRITE: u64 = 0xb3ff;
const S_INTERRUPTS: u64 = Interrupt::SupervisorSoftware.bit()
    | Interrupt::SupervisorTimer.bit()
    | Interrupt::SupervisorExternal.bit();
const M_INTERRUPTS: u64 = Interrupt::MachineSoftware.bit()
    | Interrupt::MachineTimer.bit()
    | Interrupt::MachineExternal.bit();
/// `menvcfg.STCE`: S-mode owns `stimecmp`.
pub const STCE: u64 = 1 << 63;
/// FIOM and the cache-block enables CBIE, CBCFE, CBZE.
const ENVCFG_WRITE: u64 = 1 | 7 << 4 | 1 << 7;

fn illegal(hart: &mut Hart, raw: u32) -> Raised {
    hart.raise(Cause::IllegalInstruction, u64::from(raw))
}

/// Reads CSR `number` for the instruction with bits `raw`.
pub fn read(hart: &mut Hart, number: u16, raw: u32) -> Result<u64, Raised> {
    if !allowed(hart, number) {
        return Err(illegal(hart, raw));
    }
    value(hart, number).ok_or_else(|| illegal(hart, raw))
}

/// Whether the current privilege and the enables let the register be touched at all.
fn allowed(hart: &Hart, number: u16) -> bool {
    let needed = u64::from(number >> 8 & 3);
    if (hart.prv as u64) < needed {
        return false;
    }
    match number {
        FFLAGS | FRM | FCSR => hart.csr.mstatus & status::FS != 0,
        SATP => !(hart.prv == Privilege::Supervisor && hart.csr.mstatus & status::TVM != 0),
        CYCLE..=HPMCOUNTER31 => counter_enabled(hart, number - CYCLE),
        STIMECMP => {
            hart.prv == Privilege::Machine
                || (hart.csr.menvcfg & STCE != 0 && hart.csr.mcounteren & 2 != 0)
        }
        _ => true,
    }
}

fn counter_enabled(hart: &Hart, index: u16) -> bool {
    let bit = |enable: u64| enable >> index & 1 != 0;
    match hart.prv {
        Privilege::Machine => true,
        Privilege::Supervisor => bit(hart.csr.mcounteren),
        Privilege::User => bit(hart.csr.mcounteren) && bit(hart.csr.scounteren),
    }
}

/// `mstatus` with its read-only summary bit.
fn mstatus(hart: &Hart) -> u64 {
    let m = hart.csr.mstatus;
    if m & status::FS == status::FS { m | status::SD } else { m }
}

fn value(hart: &Hart, number: u16) -> Option<u64> {
    let c = &hart.csr;
    Some(match number {
        FFLAGS => u64::from(c.fflags),
        FRM => u64::from(c.frm),
        FCSR => u64::from(c.frm) << 5 | u64::from(c.fflags),
        SSTATUS => mstatus(hart) & SSTATUS_MASK,
        SIE => c.mie & c.mideleg,
        STVEC => c.stvec,
        SCOUNTEREN => c.scounteren,
        SENVCFG => c.senvcfg,
        SSCRATCH => c.sscratch,
        SEPC => c.sepc,
        SCAUSE => c.scause,
        STVAL => c.stval,
        SIP => c.mip & c.mideleg,
        STIMECMP => c.stimecmp,
        SATP => c.satp,
        MSTATUS => mstatus(hart),
        MISA => MISA_VALUE,
        MEDELEG => c.medeleg,
        MIDELEG => c.mideleg,
        MIE => c.mie,
        MTVEC => c.mtvec,
        MCOUNTEREN => c.mcounteren,
        MENVCFG => c.menvcfg,
        MCOUNTINHIBIT => c.mcountinhibit,
        MSCRATCH => c.mscratch,
        MEPC => c.mepc,
        MCAUSE => c.mcause,
        MTVAL => c.mtval,
        MIP => c.mip,
        PMPCFG0 | PMPCFG2 => hart.pmp.read_cfg(usize::from(number - PMPCFG0)),
        PMPADDR0..=PMPADDR15 => hart.pmp.read_addr(usize::from(number - PMPADDR0)),
        MCYCLE | CYCLE => hart.cycles(),
        MINSTRET | INSTRET => hart.retired.wrapping_add(c.minstret_offset),
        TIME => hart.time(),
        MHARTID => hart.id,
        MVENDORID | MARCHID | MIMPID | MCONFIGPTR => 0,
        MHPMCOUNTER3..=MHPMCOUNTER31 | MHPMEVENT3..=MHPMEVENT31 => 0,
        _ if number > INSTRET && number <= HPMCOUNTER31 => 0,
        _ => return None,
    })
}

/// Writes CSR `number`. Unimplemented registers, too low a privilege and read-only registers raise
/// an illegal-instruction exception and change nothing.
pub fn write<P: Port>(
    hart: &mut Hart,
    port: &mut P,
    number: u16,
    new: u64,
    raw: u32,
) -> Result<(), Raised> {
    if number >> 10 == 3 || !allowed(hart, number) || value(hart, number).is_none() {
        return Err(illegal(hart, raw));
    }
    match number {
        FFLAGS | FRM | FCSR => write_float(hart, number, new),
        PMPCFG0 | PMPCFG2 => {
            hart.pmp.write_cfg(usize::from(number - PMPCFG0), new);
            port.protection_changed(hart);
        }
        PMPADDR0..=PMPADDR15 => {
            hart.pmp.write_addr(usize::from(number - PMPADDR0), new);
            port.protection_changed(hart);
        }
        SSTATUS | MSTATUS => {
            let mask = if number == SSTATUS { SSTATUS_WRITE } else { MSTATUS_WRITE };
            write_status(hart, port, mask, new);
        }
        SATP => write_satp(hart, port, new),
        MIE | SIE | MIP | SIP | MIDELEG => write_interrupts(hart, number, new),
        STIMECMP => {
            hart.csr.stimecmp = new;
            port.request(hart, Request::Attention);
        }
        MENVCFG => {
            hart.csr.menvcfg = new & (ENVCFG_WRITE | PBMTE | ADUE | STCE);
            port.protection_changed(hart);
        }
        _ => write_plain(hart, number, new),
    }
    Ok(())
}

fn write_float(hart: &mut Hart, number: u16, new: u64) {
    match number {
        FFLAGS => hart.csr.fflags = new as u8 & 0x1f,
        FRM => hart.csr.frm = new as u8 & 7,
        _ => {
            hart.csr.fflags = new as u8 & 0x1f;
            hart.csr.frm = (new >> 5) as u8 & 7;
        }
    }
    hart.csr.mstatus |= status::FS;
}

fn write_status<P: Port>(hart: &mut Hart, port: &mut P, mask: u64, new: u64) {
    let mut mask = mask;
    if new >> status::MPP_SHIFT & 3 == 2 {
        mask &= !status::MPP; // the reserved level is not taken
    }
    let old = hart.csr.mstatus;
    hart.csr.mstatus = old & !mask | new & mask;
    let changed = old ^ hart.csr.mstatus;
    if changed & (status::MPRV | status::SUM | status::MXR | status::MPP) != 0 {
        port.context_changed(hart);
    }
}

/// Only Bare, Sv39 and Sv48 are taken; a write of another mode changes nothing (Volume II, 10.1.11).
fn write_satp<P: Port>(hart: &mut Hart, port: &mut P, new: u64) {
    if matches!(new >> 60, 0 | 8 | 9) {
        hart.csr.satp = if new >> 60 == 0 { 0 } else { new };
        port.context_changed(hart);
    }
}

fn write_interrupts(hart: &mut Hart, number: u16, new: u64) {
    let c = &mut hart.csr;
    let put = |old: u64, mask: u64| old & !mask | new & mask;
    match number {
        MIE => c.mie = put(c.mie, S_INTERRUPTS | M_INTERRUPTS),
        SIE => c.mie = put(c.mie, c.mideleg),
        // SEIP and STIP are wired, MSIP and MTIP come from the CLINT; with Sstc enabled STIP is
        // read-only. SSIP is the one software bit of S-mode.
        MIP => {
            let stip = if c.menvcfg & STCE == 0 { Interrupt::SupervisorTimer.bit() } else { 0 };
            let software = Interrupt::SupervisorSoftware.bit() | stip;
            c.mip = put(c.mip, software | Interrupt::SupervisorExternal.bit());
        }
        SIP => c.mip = put(c.mip, Interrupt::SupervisorSoftware.bit() & c.mideleg),
        _ => c.mideleg = put(c.mideleg, S_INTERRUPTS),
    }
}

fn write_plain(hart: &mut Hart, number: u16, new: u64) {
    let now = hart.cycles();
    let retired = hart.retired;
    let c = &mut hart.csr;
    match number {
        // Direct (0) and vectored (1) modes only.
        STVEC => c.stvec = new & !2,
        MTVEC => c.mtvec = new & !2,
        SCOUNTEREN => c.scounteren = new & 0xffff_ffff,
        MCOUNTEREN => c.mcounteren = new & 0xffff_ffff,
        // Counting never stops: cycles are virtual time, instret feeds it.
        MCOUNTINHIBIT => {}
        SENVCFG => c.senvcfg = new & ENVCFG_WRITE,
        SSCRATCH => c.sscratch = new,
        MSCRATCH => c.mscratch = new,
        SEPC => c.sepc = new & !1,
        MEPC => c.mepc = new & !1,
        SCAUSE => c.scause = new,
        MCAUSE => c.mcause = new,
        STVAL => c.stval = new,
        MTVAL => c.mtval = new,
        MEDELEG => c.medeleg = new & MEDELEG_WRITE,
        MCYCLE => c.mcycle_offset = c.mcycle_offset.wrapping_add(new.wrapping_sub(now)),
        // The write takes the place of this instruction's own increment.
        MINSTRET => c.minstret_offset = new.wrapping_sub(retired + 1),
        // misa, hpm counters and events: read-only zero or constant.
        _ => {}
    }
}
