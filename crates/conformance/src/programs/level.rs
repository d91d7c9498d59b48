//! Entering a lower privilege level from machine mode and coming back.

use crate::asm::{Hole, inst};
use crate::body::Body;
use crate::layout::{self, result_block};
use isa::{Op, csr};

/// Distance of the user-mode alias of memory from memory itself, see [`super::translation`].
pub const ALIAS: u64 = 0x4000_0000;
const MPP: u64 = 3 << 11;

/// A privilege level below machine mode, with the place its code and data are seen at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Supervisor mode, at physical addresses.
    Supervisor,
    /// User mode, at physical addresses.
    User,
    /// User mode behind page tables, at the alias.
    UserAlias,
}

impl Level {
    /// The level in the form of `mstatus.MPP`.
    #[must_use]
    pub fn previous(self) -> u64 {
        if self == Level::Supervisor { 1 << 11 } else { 0 }
    }

    fn shift(self) -> u64 {
        if self == Level::UserAlias { ALIAS } else { 0 }
    }
}

/// Two registers that may be written, different from each other.
pub fn two_temporaries(body: &mut Body<'_>) -> (u8, u8) {
    let first = body.temporary();
    loop {
        let second = body.temporary();
        if second != first {
            return (first, second);
        }
    }
}

/// Writes a constant to a control register.
pub fn set(body: &mut Body<'_>, number: u16, value: u64) {
    let t = body.temporary();
    body.asm.constant(t, value);
    body.asm.csrw(number, t);
}

/// Clears and sets bits of `mstatus`.
pub fn status(body: &mut Body<'_>, clear: u64, set: u64) {
    let t = body.temporary();
    for (op, bits) in [(Op::Csrrc, clear), (Op::Csrrs, set)] {
        if bits != 0 {
            body.asm.constant(t, bits);
            body.asm.op(op, 0, t, 0, i32::from(csr::MSTATUS));
        }
    }
}

/// The address of a place ahead, in `rd`; it must be filled within 2 KiB.
fn address_ahead(body: &mut Body<'_>, rd: u8) -> Hole {
    body.asm.i(Op::Auipc, rd, 0, 0);
    body.asm.i(Op::Addi, rd, rd, 8);
    body.asm.hole(inst(Op::Addi, rd, rd, 0, 0))
}

/// Emits the change from machine mode to `level`; what follows runs there.
pub fn enter(body: &mut Body<'_>, level: Level) {
    if level.shift() != 0 {
        let t = body.temporary();
        body.asm.constant(t, level.shift());
        for pointer in body.pointers.clone() {
            body.asm.op(Op::Add, pointer, pointer, t, 0);
        }
    }
    status(body, MPP, level.previous());
    let (t, u) = two_temporaries(body);
    let ahead = address_ahead(body, t);
    if level.shift() != 0 {
        body.asm.constant(u, level.shift());
        body.asm.op(Op::Add, t, t, u, 0);
    }
    body.asm.csrw(csr::MEPC, t);
    body.asm.op(Op::Mret, 0, 0, 0, 0);
    body.asm.fill(ahead);
}

/// Emits the way from `level` back to machine mode: an environment call that the handler resumes there.
pub fn back(body: &mut Body<'_>, level: Level) {
    let (t, u) = two_temporaries(body);
    let ahead = address_ahead(body, t);
    if level.shift() != 0 {
        body.asm.constant(u, level.shift());
        body.asm.op(Op::Sub, t, t, u, 0);
    }
    body.asm.constant(u, layout::result(body.index) + level.shift());
    body.asm.store(Op::Sd, t, u, result_block::RESUME);
    body.asm.op(Op::Ecall, 0, 0, 0, 0);
    body.asm.fill(ahead);
    if level.shift() != 0 {
        body.asm.constant(t, level.shift());
        for pointer in body.pointers.clone() {
            body.asm.op(Op::Sub, pointer, pointer, t, 0);
        }
    }
}

/// Emits a jump of `level` to `address`, where the first instruction is expected to trap.
pub fn fetch(body: &mut Body<'_>, level: Level, address: u64) {
    let (t, u) = two_temporaries(body);
    let ahead = address_ahead(body, t);
    body.asm.constant(u, layout::result(body.index));
    body.asm.store(Op::Sd, t, u, result_block::RESUME);
    status(body, MPP, level.previous());
    set(body, csr::MEPC, address);
    body.asm.op(Op::Mret, 0, 0, 0, 0);
    body.asm.fill(ahead);
}

/// Delegates some exceptions to the supervisor's handler, or none.
pub fn delegate(body: &mut Body<'_>) {
    // Not the environment calls of S and M, by which the handlers hand over.
    let exceptions = if body.random.one_in(3) { 0 } else { body.random.bits() & 0xb1ff };
    let (handler, result) = (body.supervisor_handler, layout::result(body.index));
    set(body, csr::STVEC, handler);
    set(body, csr::SSCRATCH, result);
    set(body, csr::MEDELEG, exceptions);
    body.delegated = true;
}
