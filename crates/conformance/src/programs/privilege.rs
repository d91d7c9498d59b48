//! Privilege: code in S and U mode that tries what it may and may not do, delegation, returns, interrupts.

use super::level::{self, Level};
use super::{float, integer, memory, trap};
use crate::body::Body;
use isa::{Op, csr};

const TVM: u64 = 1 << 20;
const TW: u64 = 1 << 21;
const TSR: u64 = 1 << 22;
const FS: u64 = 3 << 13;
const SPP: i32 = 1 << 8;
/// Supervisor software, timer and external interrupts.
const S_INTERRUPTS: u64 = 0x222;

/// Registers whose values both machines agree on; what may be read depends on the level.
const READABLE: [u16; 16] = [
    csr::SSTATUS,
    csr::SIE,
    csr::SIP,
    csr::STVEC,
    csr::SCAUSE,
    csr::STVAL,
    csr::SCOUNTEREN,
    csr::SATP,
    csr::FCSR,
    csr::MSTATUS,
    csr::MEPC,
    csr::MTVEC,
    csr::MEDELEG,
    csr::MCOUNTEREN,
    csr::PMPCFG0,
    csr::PMPADDR15,
];

/// Counters: whether they may be read is compared, their value is not.
const COUNTERS: [u16; 4] = [csr::CYCLE, csr::TIME, csr::INSTRET, csr::HPMCOUNTER3];

/// One visit to a lower level.
pub fn step(body: &mut Body<'_>) {
    let at = body.random.pick(&[Level::Supervisor, Level::User]);
    level::delegate(body);
    let interrupts = body.random.one_in(3);
    let waits = configure(body);
    if interrupts {
        raise_interrupts(body);
    }
    level::enter(body, at);
    for _ in 0..=body.random.below(6) {
        inside(body, waits || at == Level::User);
    }
    level::back(body, at);
    if interrupts {
        body.asm.csrw(csr::MIE, 0);
        body.asm.csrw(csr::MIP, 0);
    }
}

/// Chooses what the lower levels may do; returns whether `wfi` traps in S mode.
fn configure(body: &mut Body<'_>) -> bool {
    let r = body.random.bits();
    let fs = if r & 7 == 0 { r >> 3 & 3 } else { 3 };
    let mut bits = fs << 13;
    if r >> 8 & 3 == 0 {
        bits |= r & (TVM | TW);
    }
    if r >> 10 & 3 == 0 {
        bits |= TSR;
        // The supervisor's handler returns by sret, so it must not be used.
        level::set(body, csr::MEDELEG, 0);
    }
    level::status(body, FS | TVM | TW | TSR, bits);
    let enables = body.random.bits() & 0xf; // of the counters both machines have
    level::set(body, csr::MCOUNTEREN, enables);
    let enables = body.random.bits() & 0xf; // of the counters both machines have
    level::set(body, csr::SCOUNTEREN, enables);
    bits & TW != 0
}

fn raise_interrupts(body: &mut Body<'_>) {
    level::status(body, TSR, 0);
    let (delegated, enabled) = (body.random.bits(), body.random.bits() & S_INTERRUPTS);
    level::set(body, csr::MIDELEG, delegated & S_INTERRUPTS);
    level::set(body, csr::MIE, enabled);
    // One at a time: QEMU takes those of one level by number, not by the manual's priorities.
    let pending = 2 << (4 * body.random.below(3));
    level::status(body, 0xaa, 0);
    level::set(body, csr::MIP, pending);
    if pending & enabled != 0 {
        body.asm.op(Op::Wfi, 0, 0, 0, 0); // wakes at once, though nothing is taken
    }
    let enables = body.random.bits() & 0xaa; // SIE, MIE, SPIE, MPIE
    level::status(body, 0, enables);
}

fn inside(body: &mut Body<'_>, wfi_traps: bool) {
    match body.random.below(14) {
        0 | 1 => read_register(body),
        2 => counter(body),
        3 => supervisor_return(body),
        4 => body.asm.op(Op::Mret, 0, 0, 0, 0),
        5 if wfi_traps => illegal_wait(body),
        6 => translation_fence(body),
        7 | 8 => trap::step(body),
        9 => float::step(body),
        10 => memory::step(body),
        _ => integer::step(body),
    }
}

/// Not as a page's last instruction, where QEMU 10 reports the pc of the trap one page further.
fn illegal_wait(body: &mut Body<'_>) {
    if body.asm.here() & 0xfff < 0xffc {
        body.asm.op(Op::Wfi, 0, 0, 0, 0);
    }
}

fn read_register(body: &mut Body<'_>) {
    let (rd, number) = (body.destination(), body.random.pick(&READABLE));
    body.asm.csrr(rd, number);
}

fn counter(body: &mut Body<'_>) {
    let number = body.random.pick(&COUNTERS);
    body.asm.csrr(0, number);
}

/// `sret` to the next instruction, in either level; illegal in U mode.
fn supervisor_return(body: &mut Body<'_>) {
    let t = body.temporary();
    let op = body.random.pick(&[Op::Csrrs, Op::Csrrc]);
    body.asm.constant(t, SPP as u64);
    body.asm.op(op, 0, t, 0, i32::from(csr::SSTATUS));
    let target = body.asm.here() + 16;
    body.asm.address(t, target);
    body.asm.csrw(csr::SEPC, t);
    body.asm.op(Op::Sret, 0, 0, 0, 0);
}

/// Not the fences around `sinval.vma`, which QEMU lets U mode execute.
fn translation_fence(body: &mut Body<'_>) {
    let op = Op::SfenceVma;
    if body.features.allows(op) {
        let inst = body.fields(op);
        body.asm.put(&inst);
    }
}
