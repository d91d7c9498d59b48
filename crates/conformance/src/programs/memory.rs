//! Memory: aligned and misaligned accesses, atomics, reservations, faults, and code written as data.

use super::{compressed, integer, of_classes};
use crate::body::Body;
use isa::{Class, Extension, Format, Inst, Op, RegFile, encode};

/// Physical addresses where neither machine has anything.
const NOWHERE: [u64; 5] =
    [0x11_0000, 0xa000_0000, 0x7f_ffff_f000, 0x8000_0000_0000_0000, 0xffff_ffff_ffff_f000];

/// One access of any kind.
pub fn step(body: &mut Body<'_>) {
    match body.random.below(24) {
        0..=3 => integer::step(body),
        4..=6 => atomic(body),
        7 | 8 => reservation(body),
        9 => fault(body),
        10 => fence(body),
        11 if body.random.one_in(2) => rewrite(body),
        11 => rewrite_in_loop(body),
        12 => cache_block(body),
        _ => access(body),
    }
}

/// A load or store in the program's memory, of either length of instruction.
pub fn access(body: &mut Body<'_>) {
    if body.random.one_in(4) {
        return compressed(body, |body, inst| {
            matches!(inst.class(), Class::Load | Class::Store)
                && body.pointers.contains(&inst.rs1)
                && (inst.op.operand_kinds().rd != Some(RegFile::X) || body.writable(inst.rd))
        });
    }
    let ops = of_classes(body, &[Class::Load, Class::Store]);
    let op = body.random.pick(&ops);
    let mut inst = body.fields(op);
    inst.rs1 = body.pointer();
    match op.operand_kinds().rd {
        Some(RegFile::X) => inst.rd = body.destination(),
        // Half of the stores of integers would otherwise bury the floating-point operands.
        None if inst.imm < 0 && body.random.one_in(2) => inst.imm = !inst.imm,
        _ => {}
    }
    body.asm.put(&inst);
}

/// A register that holds an address in the program's memory: a multiple of `align` plus `extra`.
fn place(body: &mut Body<'_>, align: usize, extra: i32) -> u8 {
    let (rd, base) = (body.temporary(), body.pointer());
    let offset = (body.random.below(2048 / align) * align) as i32 + extra;
    body.asm.i(Op::Addi, rd, base, offset.min(2047));
    rd
}

fn width(op: Op) -> usize {
    if op.mnemonic().ends_with(".w") { 4 } else { 8 }
}

fn atomic(body: &mut Body<'_>) {
    let ops = of_classes(body, &[Class::Amo]);
    let op = body.random.pick(&ops);
    let misaligned = if body.random.one_in(10) { 1 + body.random.below(3) as i32 } else { 0 };
    let address = place(body, width(op), misaligned);
    let mut inst = body.fields(op);
    inst.rs1 = address;
    inst.rd = body.destination();
    body.asm.put(&inst);
}

/// `lr` and `sc` to one address, or `sc` alone (which fails), or `lr` of a misaligned address.
fn reservation(body: &mut Body<'_>) {
    let (lr, sc) = body.random.pick(&[(Op::LrW, Op::ScW), (Op::LrD, Op::ScD)]);
    let misaligned = body.random.one_in(10);
    let address = place(body, width(lr), if misaligned { 2 } else { 0 });
    body.reserved |= 1 << address;
    let mut inst = body.fields(lr);
    (inst.rs1, inst.rd) = (address, body.destination());
    if misaligned || !body.random.one_in(6) {
        body.asm.put(&inst);
    }
    if !misaligned {
        if body.random.one_in(2) {
            integer::step(body);
        }
        for _ in 0..1 + body.random.below(2) {
            let mut inst = body.fields(sc);
            (inst.rs1, inst.rd) = (address, body.destination());
            body.asm.put(&inst);
        }
    }
    body.reserved &= !(1 << address);
}

/// An access where there is no memory. Not an atomic, which QEMU reports as a load's fault where the manual
/// (volume II, table of causes) wants a store's.
fn fault(body: &mut Body<'_>) {
    let mut ops = of_classes(body, &[Class::Load, Class::Store]);
    ops.push(Op::LrD);
    let op = body.random.pick(&ops);
    let base = body.temporary();
    let address = body.random.pick(&NOWHERE);
    body.asm.constant(base, address);
    let mut inst = body.fields(op);
    inst.rs1 = base;
    if op.format() != Format::LoadReserved {
        inst.imm = body.random.below(256) as i32 * 8;
    }
    if op.operand_kinds().rd == Some(RegFile::X) {
        inst.rd = body.destination();
    }
    body.asm.put(&inst);
}

/// Ordering and waiting; the program's traps would drop a reservation, so waiting ends at once.
fn fence(body: &mut Body<'_>) {
    let ops = [Op::Fence, Op::FenceI, Op::Pause, Op::WrsNto, Op::WrsSto, Op::M5op];
    let op = body.random.pick(&ops);
    if body.features.allows(op) {
        let inst = body.fields(op);
        body.asm.put(&inst);
    }
}

/// Writes an instruction into the path ahead, fences, and runs it.
fn rewrite(body: &mut Body<'_>) {
    let mut new = body.fields(Op::Xori);
    new.rd = body.temporary();
    let address = body.temporary();
    body.reserved |= 1 << address;
    let value = body.temporary();
    body.reserved &= !(1 << address);
    body.asm.constant(value, u64::from(encode(&new)));
    let start = body.asm.here();
    body.asm.address(address, start + 16);
    body.asm.store(Op::Sw, value, address, 0);
    body.asm.op(Op::FenceI, 0, 0, 0, 0);
    body.asm.put(&Inst { imm: 1, ..new });
}

/// A loop whose first instruction is rewritten in every round, after it has been executed.
fn rewrite_in_loop(body: &mut Body<'_>) {
    let mut free = [0; 5];
    for register in &mut free {
        *register = body.temporary();
        body.reserved |= 1 << *register;
    }
    let [sum, value, address, step, counter] = free;
    let first = crate::asm::inst(Op::Addi, sum, sum, 0, 1);
    body.asm.constant(value, u64::from(encode(&Inst { imm: 2, ..first })));
    body.asm.i(Op::Lui, step, 0, 1 << 20); // one more in the immediate of the instruction
    let rounds = 2 + body.random.below(4) as u64;
    body.asm.constant(counter, rounds);
    let start = body.asm.here() + 8;
    body.asm.address(address, start);
    body.asm.put(&first);
    body.asm.store(Op::Sw, value, address, 0);
    body.asm.op(Op::FenceI, 0, 0, 0, 0);
    body.asm.op(Op::Add, value, value, step, 0);
    body.asm.i(Op::Addi, counter, counter, -1);
    body.asm.branch(Op::Bne, counter, 0, start);
    for register in free {
        body.reserved &= !(1 << register);
    }
}

fn cache_block(body: &mut Body<'_>) {
    let hints = [Op::PrefetchI, Op::PrefetchR, Op::PrefetchW];
    let zero = body.features.has(Extension::Zicboz) && body.random.one_in(2);
    let manage = body.features.has(Extension::Zicbom) && body.random.one_in(2);
    let op = match (zero, manage) {
        (true, _) => Op::CboZero,
        (_, true) => body.random.pick(&[Op::CboClean, Op::CboFlush, Op::CboInval]),
        _ => body.random.pick(&hints),
    };
    let mut inst = body.fields(op);
    inst.rs1 = if op.format() == Format::Cbo { place(body, 1, 0) } else { body.register() };
    body.asm.put(&inst);
}
