//! The code around the programs of an image: start-up, the trap handler, loading a program's registers
//! and storing what it left.
//!
//! Where traps are delegated, a second handler does the same from supervisor mode with `sscratch` in the place
//! of `mscratch`; what it cannot settle it hands to the first by an `ecall`.
//!
//! A program runs in machine mode with `mscratch` pointing at its result block. The handler logs every
//! trap there and goes on after the trapped instruction, or at the block's `RESUME` address in machine
//! mode if that is set, or ends the program.

use crate::asm::{Asm, Hole, inst};
use crate::layout::{self, ALIAS_MASK, TOHOST, init_block, result_block};
use isa::Op::*;
use isa::csr;

/// `mstatus` bits that the trap log keeps: not FS, XS, SD and the fixed fields.
const STATUS_LOGGED: u64 = 0x7e_19aa;
/// FS dirty.
const STATUS_START: u64 = 3 << 13;
const MPP: u64 = 3 << 11;
const MPRV: u64 = 1 << 17;
/// ADUE, PBMTE, the cache-block enables.
const MENVCFG_START: u64 = 1 << 61 | 1 << 62 | 0xd0;
/// QEMU's test finisher: writing this ends the run.
const FINISHER: u64 = 0x10_0000;
const FINISHER_PASS: u64 = 0x5555;

/// Set in the logged status of traps that the supervisor handler took.
const SUPERVISOR_MARK: u64 = 1 << 62;

/// Addresses of the shared routines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Routines {
    load: u64,
    save: u64,
    /// The supervisor's trap handler.
    pub supervisor_handler: u64,
}

/// The control registers of one level's traps.
struct Level {
    scratch: u16,
    cause: u16,
    epc: u16,
    tval: u16,
    status: u16,
    ie: u16,
    mark: u64,
    ret: isa::Op,
}

const MACHINE: Level = Level {
    scratch: csr::MSCRATCH,
    cause: csr::MCAUSE,
    epc: csr::MEPC,
    tval: csr::MTVAL,
    status: csr::MSTATUS,
    ie: csr::MIE,
    mark: 0,
    ret: Mret,
};

const SUPERVISOR: Level = Level {
    scratch: csr::SSCRATCH,
    cause: csr::SCAUSE,
    epc: csr::SEPC,
    tval: csr::STVAL,
    status: csr::SSTATUS,
    ie: csr::SIE,
    mark: SUPERVISOR_MARK,
    ret: Sret,
};

/// Emits start-up code, handlers and routines. What follows is the first program.
pub fn prologue(asm: &mut Asm) -> Routines {
    let start = asm.hole(inst(Jal, 0, 0, 0, 0));
    asm.align(64);
    let handler = asm.here();
    machine_handler(asm);
    asm.align(64);
    let supervisor_handler = asm.here();
    emit_supervisor_handler(asm);
    let load = asm.here();
    load_state(asm);
    let save = asm.here();
    save_state(asm);
    asm.fill(start);
    asm.address(5, handler);
    asm.csrw(csr::MTVEC, 5);
    Routines { load, save, supervisor_handler }
}

/// Ends the run: HTIF first, then QEMU's test finisher.
pub fn epilogue(asm: &mut Asm) {
    asm.constant(5, 1);
    asm.address(6, TOHOST);
    asm.store(Sd, 5, 6, 0);
    asm.constant(5, FINISHER_PASS);
    asm.constant(6, FINISHER);
    asm.store(Sw, 5, 6, 0);
    let here = asm.here();
    asm.jump(here);
}

/// Emits what goes before the body of program `index`.
pub fn enter(asm: &mut Asm, routines: Routines, index: usize) {
    asm.address(31, layout::init(index));
    asm.call(30, routines.load);
    asm.i(Ld, 30, 31, 30 * 8);
    asm.i(Ld, 31, 31, 31 * 8);
}

/// Emits what goes after the body of a program.
pub fn leave(asm: &mut Asm, routines: Routines) {
    asm.op(Csrrw, 31, 31, 0, i32::from(csr::MSCRATCH));
    asm.store(Sd, 30, 31, 30 * 8);
    asm.call(30, routines.save);
}

/// x31 is the initial state, x30 the return address; every other register is loaded.
fn load_state(asm: &mut Asm) {
    asm.constant(1, STATUS_START);
    asm.csrw(csr::MSTATUS, 1);
    for register in
        [csr::SATP, csr::MEDELEG, csr::MIDELEG, csr::MIE, csr::MIP, csr::STVEC, csr::SEPC]
    {
        asm.csrw(register, 0);
    }
    for register in [csr::SCAUSE, csr::STVAL, csr::SSCRATCH, csr::MEPC, csr::MCAUSE, csr::MTVAL] {
        asm.csrw(register, 0);
    }
    for register in [csr::MCOUNTEREN, csr::SCOUNTEREN, csr::PMPCFG2] {
        asm.csrw(register, 0);
    }
    asm.constant(1, MENVCFG_START);
    asm.csrw(csr::MENVCFG, 1);
    asm.csrw(csr::SENVCFG, 0);
    asm.constant(1, u64::MAX);
    asm.csrw(csr::PMPADDR0, 1);
    asm.constant(1, 0x1f);
    asm.csrw(csr::PMPCFG0, 1);
    asm.op(SfenceVma, 0, 0, 0, 0);
    asm.i(Ld, 2, 31, init_block::END);
    asm.i(Ld, 1, 31, init_block::RESULT);
    asm.csrw(csr::MSCRATCH, 1);
    asm.store(Sd, 2, 1, result_block::END);
    asm.i(Ld, 1, 31, init_block::FCSR);
    asm.csrw(csr::FCSR, 1);
    for n in 0..32 {
        asm.i(Fld, n, 31, init_block::F + 8 * i32::from(n));
    }
    for n in 1..30 {
        asm.i(Ld, n, 31, 8 * i32::from(n));
    }
    asm.i(Jalr, 0, 30, 0);
}

/// x31 is the result block, x30 (already stored) the return address.
fn save_state(asm: &mut Asm) {
    for n in 1..30 {
        asm.store(Sd, n, 31, 8 * i32::from(n));
    }
    asm.csrr(1, csr::MSCRATCH);
    asm.store(Sd, 1, 31, 31 * 8);
    // Undo what would keep the stores of floating-point registers and the next program from working.
    asm.constant(1, MPRV);
    asm.op(Csrrc, 0, 1, 0, i32::from(csr::MSTATUS));
    asm.constant(1, STATUS_START);
    asm.op(Csrrs, 0, 1, 0, i32::from(csr::MSTATUS));
    for n in 0..32 {
        asm.store(Fsd, n, 31, result_block::F + 8 * i32::from(n));
    }
    for (n, &number) in result_block::CSRS.iter().enumerate() {
        asm.csrr(1, number);
        asm.store(Sd, 1, 31, result_block::CSR + 8 * n as i32);
    }
    asm.constant(1, result_block::DONE as u64);
    asm.store(Sd, 1, 31, result_block::MARK);
    asm.i(Jalr, 0, 30, 0);
}

fn machine_handler(asm: &mut Asm) {
    let too_many = begin(asm, &MACHINE);
    log_trap(asm, &MACHINE);
    let mut to_out = vec![settle_interrupt(asm, &MACHINE)];
    asm.i(Ld, 29, 31, result_block::RESUME);
    let not_resumed = asm.hole(inst(Beq, 0, 29, 0, 0));
    asm.store(Sd, 0, 31, result_block::RESUME);
    let to_resume = asm.hole(inst(Jal, 0, 0, 0, 0));
    asm.fill(not_resumed);
    let mut to_end = vec![too_many];
    to_end.extend(fetch_faults(asm));
    skip_instruction(asm, &MACHINE);
    to_out.push(asm.hole(inst(Jal, 0, 0, 0, 0)));
    to_end.into_iter().for_each(|hole| asm.fill(hole));
    asm.i(Ld, 29, 31, result_block::END);
    asm.fill(to_resume);
    asm.csrw(csr::MEPC, 29);
    asm.constant(29, MPP);
    asm.op(Csrrs, 0, 29, 0, i32::from(csr::MSTATUS));
    to_out.into_iter().for_each(|hole| asm.fill(hole));
    restore(asm, &MACHINE);
    asm.op(MACHINE.ret, 0, 0, 0, 0);
}

fn emit_supervisor_handler(asm: &mut Asm) {
    let too_many = begin(asm, &SUPERVISOR);
    log_trap(asm, &SUPERVISOR);
    let mut to_out = vec![settle_interrupt(asm, &SUPERVISOR)];
    asm.i(Ld, 29, 31, result_block::RESUME);
    let to_resume = asm.hole(inst(Bne, 0, 29, 0, 0));
    let mut to_end = vec![too_many];
    to_end.extend(fetch_faults(asm));
    skip_instruction(asm, &SUPERVISOR);
    to_out.push(asm.hole(inst(Jal, 0, 0, 0, 0)));
    to_end.into_iter().for_each(|hole| asm.fill(hole));
    asm.i(Ld, 29, 31, result_block::END);
    asm.store(Sd, 29, 31, result_block::RESUME);
    asm.fill(to_resume);
    restore(asm, &SUPERVISOR);
    asm.op(Ecall, 0, 0, 0, 0);
    to_out.into_iter().for_each(|hole| asm.fill(hole));
    restore(asm, &SUPERVISOR);
    asm.op(SUPERVISOR.ret, 0, 0, 0, 0);
}

/// Frees x28 to x31 and makes x31 the result block; leads on when the log has room, x30 entries in.
fn begin(asm: &mut Asm, level: &Level) -> Hole {
    asm.op(Csrrw, 31, 31, 0, i32::from(level.scratch));
    for n in 28..31 {
        asm.store(Sd, n, 31, saved(n));
    }
    asm.i(Ld, 30, 31, result_block::COUNT);
    asm.constant(29, result_block::MAX_TRAPS as u64);
    asm.hole(inst(Bgeu, 0, 30, 29, 0))
}

fn restore(asm: &mut Asm, level: &Level) {
    for n in 28..31 {
        asm.i(Ld, n, 31, saved(n));
    }
    asm.op(Csrrw, 31, 31, 0, i32::from(level.scratch));
}

fn saved(n: u8) -> i32 {
    result_block::SAVED + 8 * i32::from(n - 28)
}

/// x30 is the number of traps so far, x31 the result block.
fn log_trap(asm: &mut Asm, level: &Level) {
    asm.i(Slli, 29, 30, 5);
    asm.op(Add, 29, 29, 31, 0);
    asm.i(Addi, 30, 30, 1);
    asm.store(Sd, 30, 31, result_block::COUNT);
    for (n, number) in [level.cause, level.epc, level.tval].into_iter().enumerate() {
        asm.csrr(28, number);
        asm.store(Sd, 28, 29, result_block::LOG + 8 * n as i32);
    }
    // Some causes may leave a value or zero (volume II, section 3.1.16). The comparison knows that of the log;
    // programs must not see it.
    asm.csrw(level.tval, 0);
    asm.constant(28, STATUS_LOGGED);
    asm.csrr(30, level.status);
    asm.op(And, 28, 28, 30, 0);
    if level.mark != 0 {
        asm.constant(30, level.mark);
        asm.op(Or, 28, 28, 30, 0);
    }
    asm.store(Sd, 28, 29, result_block::LOG + 24);
}

/// An interrupt is disabled, so that it comes once; leads on after an exception, its cause in x28.
fn settle_interrupt(asm: &mut Asm, level: &Level) -> Hole {
    asm.csrr(28, level.cause);
    let exception = asm.hole(inst(Bge, 0, 28, 0, 0));
    asm.constant(29, 1);
    asm.op(Sll, 29, 29, 28, 0);
    asm.op(Csrrc, 0, 29, 0, i32::from(level.ie));
    let out = asm.hole(inst(Jal, 0, 0, 0, 0));
    asm.fill(exception);
    out
}

/// Leads away for causes after which the instruction cannot be read: fetch misaligned, access, page fault.
fn fetch_faults(asm: &mut Asm) -> [Hole; 2] {
    asm.constant(29, 1);
    let low = asm.hole(inst(Bgeu, 0, 29, 28, 0));
    asm.constant(29, 12);
    [low, asm.hole(inst(Beq, 0, 28, 29, 0))]
}

/// Moves the trap's pc past the instruction there, whose length is read from memory.
fn skip_instruction(asm: &mut Asm, level: &Level) {
    asm.csrr(29, level.epc);
    asm.constant(28, ALIAS_MASK);
    asm.op(And, 28, 28, 29, 0);
    asm.i(Lhu, 30, 28, 0);
    asm.i(Andi, 30, 30, 3);
    asm.i(Addi, 30, 30, -3);
    asm.i(Sltiu, 30, 30, 1);
    asm.i(Slli, 30, 30, 1);
    asm.op(Add, 29, 29, 30, 0);
    asm.i(Addi, 29, 29, 2);
    asm.csrw(level.epc, 29);
}
