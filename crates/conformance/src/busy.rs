//! An endless program that gives a core all kinds of work, for measuring how fast a timing model runs
//! and what it does when it is busy.
//!
//! Every round draws a pseudo-random number and updates a random word of a megabyte, which misses caches
//! and TLBs; branches on the number, which mispredicts one time in eight at best; and calls one of
//! [`FUNCTIONS`] functions through a table, whose short loops fit no first-level instruction cache
//! together. It does not read the time, and asks nothing of the machine.

use crate::asm::{Asm, inst};
use crate::elf::{self, Segment};
use isa::Op;
use ram::RAM_BASE;

/// Functions that are called in turn.
pub const FUNCTIONS: u64 = 512;
/// Bytes from one function to the next.
const SPACING: usize = 128;
const TABLE: u64 = RAM_BASE + 0x8_0000;
const DATA: u64 = RAM_BASE + 0x10_0000;
/// Takes a random word of the data.
const WORDS: u64 = (1 << 20) - 8;
/// A prime, so that neighbouring rounds call functions that lie apart.
const STRIDE: u64 = 37;

const RANDOM: u8 = 8;
const BASE: u8 = 9;
const MASK: u8 = 18;
const CALLS: u8 = 19;
const ROUND: u8 = 20;
const APART: u8 = 21;

/// The program as an ELF file. It needs 4 MiB of RAM.
#[must_use]
pub fn program() -> Vec<u8> {
    let mut asm = Asm::new(RAM_BASE);
    let start = asm.hole(inst(Op::Jal, 0, 0, 0, 0));
    let functions: Vec<u64> = (0..FUNCTIONS).map(|number| function(&mut asm, number)).collect();
    asm.fill(start);
    asm.constant(RANDOM, 0x9e37_79b9_7f4a_7c15);
    asm.constant(BASE, DATA);
    asm.constant(MASK, WORDS);
    asm.constant(CALLS, TABLE);
    asm.constant(APART, STRIDE);
    round(&mut asm);
    let code = Segment { address: RAM_BASE, bytes: asm.code().to_vec() };
    let table = functions.iter().flat_map(|address| address.to_le_bytes()).collect();
    elf::write(RAM_BASE, &[code, Segment { address: TABLE, bytes: table }], &[])
}

/// A loop of a few iterations with a load, a store and, in some functions, a branch.
fn function(asm: &mut Asm, number: u64) -> u64 {
    asm.align(SPACING);
    let at = asm.here();
    let own = (number % 256 * 8) as i32 - 1024;
    asm.i(Op::Addi, 11, 0, 2 + (number % 5) as i32);
    let head = asm.here();
    asm.i(Op::Ld, 12, BASE, own);
    asm.op(Op::Add, 13, 13, 12, 0);
    if number.is_multiple_of(3) {
        asm.i(Op::Andi, 14, 13, 1);
        let over = asm.hole(inst(Op::Beq, 0, 14, 0, 0));
        asm.op(Op::Mul, 13, 13, 12, 0);
        asm.fill(over);
    }
    asm.i(Op::Xori, 13, 13, number as i32);
    asm.store(Op::Sd, 13, BASE, own);
    asm.i(Op::Addi, 11, 11, -1);
    asm.branch(Op::Bne, 11, 0, head);
    asm.i(Op::Jalr, 0, 1, 0);
    at
}

/// The endless loop.
fn round(asm: &mut Asm) {
    let head = asm.here();
    // G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003.
    for (shift, by) in [(Op::Slli, 13), (Op::Srli, 7), (Op::Slli, 17)] {
        asm.i(shift, 5, RANDOM, by);
        asm.op(Op::Xor, RANDOM, RANDOM, 5, 0);
    }
    asm.op(Op::And, 6, RANDOM, MASK, 0);
    asm.op(Op::Add, 6, 6, BASE, 0);
    asm.i(Op::Ld, 7, 6, 0);
    asm.op(Op::Add, 7, 7, RANDOM, 0);
    asm.store(Op::Sd, 7, 6, 0);
    asm.i(Op::Srli, 28, RANDOM, 40);
    asm.i(Op::Andi, 28, 28, 7);
    let over = asm.hole(inst(Op::Bne, 0, 28, 0, 0));
    asm.op(Op::Mul, 7, 7, 7, 0);
    asm.fill(over);
    asm.i(Op::Srli, 29, ROUND, 2);
    asm.op(Op::Mul, 29, 29, APART, 0);
    asm.i(Op::Andi, 29, 29, FUNCTIONS as i32 - 1);
    asm.i(Op::Slli, 29, 29, 3);
    asm.op(Op::Add, 29, 29, CALLS, 0);
    asm.i(Op::Ld, 30, 29, 0);
    asm.i(Op::Jalr, 1, 30, 0);
    asm.i(Op::Addi, ROUND, ROUND, 1);
    asm.jump(head);
}
