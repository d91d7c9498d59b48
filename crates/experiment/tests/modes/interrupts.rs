//! Interrupts that come at any instruction.
//!
//! A program computes while its timer interrupts it every few hundred nanoseconds, which is at other
//! instructions in every mode. The handler uses registers of the program and gives them back. What the
//! program leaves is known: a checksum that needs every register, a word to which an atomic added, which
//! an instruction executed twice or lost would change, and the number of interrupts.

use super::{SMALL, TINY, detailed, fast, model, warming};
use conformance::asm::{Asm, inst};
use conformance::elf::{self, Segment};
use isa::{Op, csr};
use machine::Machine;
use ram::RAM_BASE;

const HANDLER: u64 = RAM_BASE + 0x800;
const DATA: u64 = RAM_BASE + 0x10_0000;
/// Offsets from [`DATA`].
const SAVED: i32 = 0;
const INTERRUPTS: i32 = 0x40;
const ADDED: i32 = 0x80;
const CHECKSUM: i32 = 0xc0;
/// Words that the program reads and writes.
const WORDS: i32 = 0x100;

/// The upper part of the addresses of `mtime` and `mtimecmp` (SiFive CLINT).
const MTIME: (i32, i32) = (0x0200_c000, -8);
const MTIMECMP: (i32, i32) = (0x0200_4000, 0);
const FINISHER: u64 = 0x10_0000;
const PASS: u64 = 0x5555;

const ROUNDS: u64 = 3000;
const MOST_INTERRUPTS: u64 = 60;
/// Start and factor of the checksum.
const START: u64 = 0x123;
const FACTOR: u64 = 0x5851_f42d_4c95_7f2d;

// The handler's registers: its own block, and two that the program uses.
const BLOCK: u8 = 31;
const A: u8 = 5;
const B: u8 = 6;
// And those of the program alone.
const BASE: u8 = 8;
const SUM: u8 = 9;
const BY: u8 = 18;
const LEFT: u8 = 19;

fn program() -> Vec<u8> {
    let mut asm = Asm::new(RAM_BASE);
    start(&mut asm);
    compute(&mut asm);
    end(&mut asm);
    assert!(asm.here() <= HANDLER, "the code does not fit: it ends at {:#x}", asm.here());
    asm.align(HANDLER as usize & 0xfff);
    handler(&mut asm);
    let code = Segment { address: RAM_BASE, bytes: asm.code().to_vec() };
    elf::write(RAM_BASE, &[code], &[])
}

fn start(asm: &mut Asm) {
    asm.address(A, HANDLER);
    asm.csrw(csr::MTVEC, A);
    asm.address(BASE, DATA);
    asm.csrw(csr::MSCRATCH, BASE);
    asm.constant(SUM, START);
    asm.constant(BY, FACTOR);
    asm.constant(LEFT, ROUNDS);
    asm.i(Op::Lui, A, 0, MTIMECMP.0);
    asm.store(Op::Sd, 0, A, MTIMECMP.1);
    asm.constant(A, 1 << 7); // MTIE
    asm.csrw(csr::MIE, A);
    asm.constant(A, 1 << 3); // MIE
    asm.op(Op::Csrrs, 0, A, 0, i32::from(csr::MSTATUS));
}

fn compute(asm: &mut Asm) {
    let round = asm.here();
    asm.op(Op::Mul, SUM, SUM, BY, 0);
    asm.op(Op::Add, SUM, SUM, LEFT, 0);
    // A word by some bits of the sum.
    asm.i(Op::Srli, A, SUM, 55);
    asm.i(Op::Andi, A, A, 0xf8);
    asm.op(Op::Add, A, A, BASE, 0);
    asm.i(Op::Ld, B, A, WORDS);
    asm.op(Op::Xor, SUM, SUM, B, 0);
    asm.store(Op::Sd, SUM, A, WORDS);
    // A branch that nobody can foresee.
    asm.i(Op::Andi, A, SUM, 0x10);
    let skip = asm.hole(inst(Op::Beq, 0, A, 0, 0));
    asm.i(Op::Addi, SUM, SUM, 1);
    asm.fill(skip);
    asm.constant(A, 1);
    asm.i(Op::Addi, B, BASE, ADDED);
    asm.op(Op::AmoaddD, 0, B, A, 0);
    asm.i(Op::Addi, LEFT, LEFT, -1);
    asm.branch(Op::Bne, LEFT, 0, round);
}

/// Waits for the last interrupt, stores the sum, and forgets what the handler saved.
fn end(asm: &mut Asm) {
    let wait = asm.here();
    asm.constant(A, MOST_INTERRUPTS);
    asm.i(Op::Ld, B, BASE, INTERRUPTS);
    asm.branch(Op::Bltu, B, A, wait);
    asm.store(Op::Sd, SUM, BASE, CHECKSUM);
    asm.store(Op::Sd, 0, BASE, SAVED);
    asm.store(Op::Sd, 0, BASE, SAVED + 8);
    asm.constant(A, PASS);
    asm.constant(B, FINISHER);
    asm.store(Op::Sw, A, B, 0);
    let here = asm.here();
    asm.jump(here);
}

/// Counts, and sets the timer one to four ticks of 100 ns ahead, or turns interrupts off.
fn handler(asm: &mut Asm) {
    asm.op(Op::Csrrw, BLOCK, BLOCK, 0, i32::from(csr::MSCRATCH));
    asm.store(Op::Sd, A, BLOCK, SAVED);
    asm.store(Op::Sd, B, BLOCK, SAVED + 8);
    asm.i(Op::Lui, A, 0, MTIME.0);
    asm.i(Op::Ld, B, A, MTIME.1);
    asm.i(Op::Ld, A, BLOCK, INTERRUPTS);
    asm.i(Op::Addi, A, A, 1);
    asm.store(Op::Sd, A, BLOCK, INTERRUPTS);
    asm.i(Op::Andi, A, A, 3);
    asm.op(Op::Add, B, B, A, 0);
    asm.i(Op::Addi, B, B, 1);
    asm.i(Op::Lui, A, 0, MTIMECMP.0);
    asm.store(Op::Sd, B, A, MTIMECMP.1);
    asm.i(Op::Ld, A, BLOCK, INTERRUPTS);
    asm.constant(B, MOST_INTERRUPTS);
    let more = asm.hole(inst(Op::Bltu, 0, A, B, 0));
    asm.csrw(csr::MIE, 0);
    asm.fill(more);
    asm.i(Op::Ld, A, BLOCK, SAVED);
    asm.i(Op::Ld, B, BLOCK, SAVED + 8);
    asm.op(Op::Csrrw, BLOCK, BLOCK, 0, i32::from(csr::MSCRATCH));
    asm.op(Op::Mret, 0, 0, 0, 0);
}

/// The checksum, computed as the program does.
fn checksum() -> u64 {
    let (mut sum, mut words) = (START, [0_u64; 32]);
    for left in (1..=ROUNDS).rev() {
        sum = sum.wrapping_mul(FACTOR).wrapping_add(left);
        let word = &mut words[((sum >> 55 & 0xf8) / 8) as usize];
        sum ^= *word;
        *word = sum;
        sum = sum.wrapping_add(u64::from(sum & 0x10 != 0));
    }
    sum
}

/// Checks what the program left; returns the digest of all of RAM.
fn check(mode: &str, mut machine: Machine) -> [u8; 32] {
    let mut left = |offset: i32| machine.ram().read_u64(DATA + offset as u64).expect("inside RAM");
    assert_eq!(left(INTERRUPTS), MOST_INTERRUPTS, "{mode}: interrupts");
    assert_eq!(left(ADDED), ROUNDS, "{mode}: added by an atomic");
    assert_eq!(left(CHECKSUM), checksum(), "{mode}: checksum");
    println!("{mode}: {} instructions", machine.retired());
    machine.memory_digest()
}

#[test]
fn a_program_that_is_interrupted_anywhere_leaves_the_same_in_all_modes() {
    let elf = program();
    let expected = check("fast", fast(1, &elf));
    let warmed = warming(1, &elf, &mut model("skylake", &[]));
    assert_eq!(check("warming", warmed), expected, "warming");
    for (mode, system, more) in [
        ("simple", "simple", &[][..]),
        ("skylake", "skylake", &[]),
        ("tiny", "skylake", TINY),
        ("small", "skylake", SMALL),
        ("golden-cove", "golden-cove", &[]),
    ] {
        let left = detailed(1, &elf, &mut model(system, more));
        assert_eq!(check(mode, left), expected, "{mode}");
    }
}
