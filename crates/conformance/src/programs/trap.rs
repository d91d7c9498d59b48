//! Instructions that trap in machine mode: environment calls, breakpoints, illegal encodings, registers
//! that do not exist or may not be written.

use super::of_classes;
use crate::body::Body;
use isa::{Class, Op, csr};

/// CSR numbers of RV32, other extensions and no-one: absent on both machines.
const ABSENT: [u16; 10] = [0x000, 0x04f, 0x200, 0x321, 0x3a1, 0x3a3, 0x5c0, 0x7c0, 0x8ff, 0xfc0];

/// Machine and supervisor registers that hold any value written to them. Not `mepc` and `sepc`, of which
/// QEMU keeps the lowest bit that the manual says is zero.
const PLAIN: [u16; 5] = [csr::SSCRATCH, csr::STVAL, csr::MTVAL, csr::SCAUSE, csr::MCAUSE];

/// One trapping instruction, or an access to a control register.
pub fn step(body: &mut Body<'_>) {
    match body.random.below(8) {
        0 => body.asm.op(Op::Ecall, 0, 0, 0, 0),
        1 => body.asm.op(Op::Ebreak, 0, 0, 0, 0),
        2 => body.asm.half(0x9002),
        3 => illegal(body),
        4 => near_miss(body),
        5 => absent(body),
        _ => plain_register(body),
    }
}

/// A four-byte word that is no instruction.
fn illegal(body: &mut Body<'_>) {
    loop {
        let raw = body.random.bits() as u32 | 3;
        if isa::decode(raw).is_none() && raw & 0x1f != 0x1f {
            return body.asm.word(raw);
        }
    }
}

/// An instruction with one of its fixed bits flipped, unless that is another instruction.
fn near_miss(body: &mut Body<'_>) {
    let row = body.random.below(Op::COUNT);
    let mut raw = isa::encode(&body.fields(Op::ALL[row]));
    raw ^= 1 << (2 + body.random.below(30));
    if isa::decode(raw).is_none() && raw & 0x1f != 0x1f {
        body.asm.word(raw);
    }
}

fn absent(body: &mut Body<'_>) {
    let ops = of_classes(body, &[Class::Csr]);
    let op = body.random.pick(&ops);
    let mut inst = body.fields(op);
    inst.rd = body.destination();
    inst.imm = i32::from(body.random.pick(&ABSENT));
    if body.random.one_in(3) {
        // Writes to read-only registers trap; with no write, the value depends on the machine. Bits set or
        // cleared from a register that holds zero are a write too, but QEMU overlooks that.
        if matches!(op, Op::Csrrs | Op::Csrrc) {
            inst.op = Op::Csrrw;
        }
        inst.rd = 0;
        inst.rs1 |= 1;
        inst.imm =
            i32::from(body.random.pick(&[csr::CYCLE, csr::TIME, csr::MHARTID, csr::MVENDORID]));
    }
    body.asm.put(&inst);
}

fn plain_register(body: &mut Body<'_>) {
    let ops = of_classes(body, &[Class::Csr]);
    let op = body.random.pick(&ops);
    let mut inst = body.fields(op);
    inst.rd = body.destination();
    let number = body.random.pick(&PLAIN);
    if number == csr::SSCRATCH && body.delegated {
        return;
    }
    inst.imm = i32::from(number);
    body.asm.put(&inst);
}
