//! Control flow: forward branches and jumps over a few instructions, counted loops, calls.

use super::plain;
use crate::asm::inst;
use crate::body::Body;
use isa::{Op, encode};

const BRANCHES: [Op; 6] = [Op::Beq, Op::Bne, Op::Blt, Op::Bge, Op::Bltu, Op::Bgeu];

/// One construct.
pub fn step(body: &mut Body<'_>) {
    match body.random.below(8) {
        0..=2 => branch(body),
        3 => compressed_branch(body),
        4 => jump(body),
        5 => indirect(body),
        6 => counted_loop(body),
        _ => plain(body),
    }
}

fn some(body: &mut Body<'_>, at_most: usize) {
    for _ in 0..=body.random.below(at_most) {
        plain(body);
    }
}

fn branch(body: &mut Body<'_>) {
    let op = body.random.pick(&BRANCHES);
    let rs1 = body.register();
    let rs2 = if body.random.one_in(4) { rs1 } else { body.register() };
    let hole = body.asm.hole(inst(op, 0, rs1, rs2, 0));
    some(body, 4);
    body.asm.fill(hole);
}

/// `c.beqz`, `c.bnez` or `c.j` over a few four-byte instructions.
fn compressed_branch(body: &mut Body<'_>) {
    let (base, fixed) = body.random.pick(&[(0xc001_u16, false), (0xe001, false), (0xa001, true)]);
    let skipped = 1 + body.random.below(4);
    let offset = 2 + 4 * skipped as u16;
    let encoded = if fixed { jump_offset(offset) } else { branch_offset(offset) };
    let register = if fixed { 0 } else { (body.random.below(8) as u16) << 7 };
    body.asm.half(base | encoded | register);
    for _ in 0..skipped {
        let mut inst = body.fields(Op::Xor);
        inst.rd = body.destination();
        body.asm.word(encode(&inst));
    }
}

/// imm[8|4:3] at 12:10 and imm[7:6|2:1|5] at 6:2.
fn branch_offset(offset: u16) -> u16 {
    (offset >> 3 & 3) << 10 | (offset >> 1 & 3) << 3 | (offset >> 5 & 1) << 2
}

/// imm[11|4|9:8|10|6|7|3:1|5] at 12:2.
fn jump_offset(offset: u16) -> u16 {
    (offset >> 4 & 1) << 11 | (offset >> 1 & 7) << 3 | (offset >> 5 & 1) << 2
}

fn jump(body: &mut Body<'_>) {
    let rd = body.destination();
    let hole = body.asm.hole(inst(Op::Jal, rd, 0, 0, 0));
    some(body, 4);
    body.asm.fill(hole);
}

/// An indirect jump to code just ahead, through `jalr`, `c.jr` or `c.jalr`.
fn indirect(body: &mut Body<'_>) {
    let via = body.temporary();
    let skipped = body.random.below(3) as u64;
    let style = body.random.below(3);
    if style > 0 && !body.writable(1) {
        return plain(body);
    }
    let jump = if style == 0 { 4 } else { 2 };
    let target = body.asm.here() + 8 + jump + 4 * skipped;
    // The lowest bit of a jalr target is dropped.
    let odd = i32::from(style == 0 && body.random.one_in(2));
    body.asm.address(via, target);
    match style {
        0 => {
            let rd = body.destination();
            body.asm.i(Op::Jalr, rd, via, odd);
        }
        1 => body.asm.half(0x8002 | u16::from(via) << 7),
        _ => body.asm.half(0x9002 | u16::from(via) << 7),
    }
    for _ in 0..skipped {
        let mut inst = body.fields(Op::Add);
        inst.rd = body.destination();
        body.asm.word(encode(&inst));
    }
}

fn counted_loop(body: &mut Body<'_>) {
    let counter = body.temporary();
    let rounds = 1 + body.random.below(6);
    body.asm.constant(counter, rounds as u64);
    let start = body.asm.here();
    body.reserved |= 1 << counter;
    some(body, 4);
    body.reserved &= !(1 << counter);
    body.asm.i(Op::Addi, counter, counter, -1);
    body.asm.branch(Op::Bne, counter, 0, start);
}
