//! Harts that meet in memory.
//!
//! Each of two to four harts counts with `lr` and `sc`, with atomics and under a spin lock, and passes
//! messages to the next one in a ring, ordered by fences. Who is first depends on time, what is left in
//! memory does not: it is known beforehand, and all of RAM must be the same in all modes.

use super::{SMALL, TINY, detailed, fast, model, warming};
use conformance::asm::{Asm, inst};
use conformance::elf::{self, Segment};
use isa::{Op, csr};
use machine::Machine;
use ram::RAM_BASE;

const DATA: u64 = RAM_BASE + 0x10_0000;
/// The test finisher, and what says that all went well.
const FINISHER: u64 = 0x10_0000;
const PASS: u64 = 0x5555;
/// Offsets from [`DATA`], a line of the caches each.
const COUNTED: i32 = 0;
const ADDED: i32 = 0x40;
const GREATEST: i32 = 0x80;
const LOCK: i32 = 0xc0;
const GUARDED: i32 = LOCK + 8;
const ARRIVED: i32 = 0x100;
/// A flag and a message for each hart.
const MAILBOXES: i32 = 0x200;
/// What each hart received.
const RECEIVED: i32 = 0x300;
const STRIDE_SHIFT: i32 = 6;

// Registers that hold the same all the time.
const BASE: u8 = 8;
const HART: u8 = 9;
const ROUND: u8 = 18;
const ROUNDS: u8 = 19;
const MINE: u8 = 20;
const NEXTS: u8 = 21;
const SUM: u8 = 22;
// And those of a step.
const A: u8 = 5;
const B: u8 = 6;
const C: u8 = 7;

const ORDER_WRITES: i32 = 0x11;
const ORDER_READS: i32 = 0x22;
const READS_BEFORE_WRITES: i32 = 0x21;

pub(crate) fn program(harts: u64, rounds: u64) -> Vec<u8> {
    let mut asm = Asm::new(RAM_BASE);
    let asm = &mut asm;
    set_up(asm, harts, rounds);
    let round = asm.here();
    count_with_lr_sc(asm);
    add_with_atomics(asm);
    count_under_a_lock(asm);
    send(asm);
    receive(asm);
    asm.i(Op::Addi, ROUND, ROUND, 1);
    asm.branch(Op::Bltu, ROUND, ROUNDS, round);
    end(asm, harts);
    let code = Segment { address: RAM_BASE, bytes: asm.code().to_vec() };
    elf::write(RAM_BASE, &[code], &[])
}

fn set_up(asm: &mut Asm, harts: u64, rounds: u64) {
    asm.address(BASE, DATA);
    asm.csrr(HART, csr::MHARTID);
    asm.constant(ROUND, 0);
    asm.constant(ROUNDS, rounds);
    asm.constant(SUM, 0);
    asm.constant(B, harts);
    asm.i(Op::Addi, A, HART, 1);
    asm.op(Op::Remu, A, A, B, 0);
    for (hart, mailbox) in [(HART, MINE), (A, NEXTS)] {
        asm.i(Op::Slli, mailbox, hart, STRIDE_SHIFT);
        asm.op(Op::Add, mailbox, mailbox, BASE, 0);
        asm.i(Op::Addi, mailbox, mailbox, MAILBOXES);
    }
}

fn count_with_lr_sc(asm: &mut Asm) {
    let retry = asm.here();
    asm.op(Op::LrD, A, BASE, 0, 0);
    asm.i(Op::Addi, A, A, 1);
    asm.op(Op::ScD, B, BASE, A, 0);
    asm.branch(Op::Bne, B, 0, retry);
}

fn add_with_atomics(asm: &mut Asm) {
    asm.i(Op::Addi, A, HART, 1);
    asm.i(Op::Addi, B, BASE, ADDED);
    asm.op(Op::AmoaddD, 0, B, A, 0);
    asm.i(Op::Slli, A, ROUND, 3);
    asm.op(Op::Add, A, A, HART, 0);
    asm.i(Op::Addi, B, BASE, GREATEST);
    asm.op(Op::AmomaxuD, 0, B, A, 3);
}

fn count_under_a_lock(asm: &mut Asm) {
    asm.i(Op::Addi, C, BASE, LOCK);
    asm.constant(A, 1);
    let taken = asm.here();
    asm.op(Op::AmoswapW, B, C, A, 2);
    asm.branch(Op::Bne, B, 0, taken);
    asm.i(Op::Ld, A, BASE, GUARDED);
    asm.i(Op::Addi, A, A, 1);
    asm.store(Op::Sd, A, BASE, GUARDED);
    asm.op(Op::AmoswapW, 0, C, 0, 1);
}

/// Waits until the next hart's mailbox is empty and puts `8 * round + hart` there.
fn send(asm: &mut Asm) {
    let full = asm.here();
    asm.i(Op::Ld, A, NEXTS, 0);
    asm.branch(Op::Bne, A, 0, full);
    asm.i(Op::Slli, A, ROUND, 3);
    asm.op(Op::Add, A, A, HART, 0);
    asm.store(Op::Sd, A, NEXTS, 8);
    asm.i(Op::Fence, 0, 0, ORDER_WRITES);
    asm.constant(B, 1);
    asm.store(Op::Sd, B, NEXTS, 0);
}

/// Waits for a message and adds `message * (round + 1)` to the sum.
fn receive(asm: &mut Asm) {
    let empty = asm.here();
    asm.i(Op::Ld, A, MINE, 0);
    asm.branch(Op::Beq, A, 0, empty);
    asm.i(Op::Fence, 0, 0, ORDER_READS);
    asm.i(Op::Ld, A, MINE, 8);
    asm.i(Op::Addi, B, ROUND, 1);
    asm.op(Op::Mul, A, A, B, 0);
    asm.op(Op::Add, SUM, SUM, A, 0);
    asm.i(Op::Fence, 0, 0, READS_BEFORE_WRITES);
    asm.store(Op::Sd, 0, MINE, 0);
}

/// Stores the sum; the last hart to get here ends the program.
fn end(asm: &mut Asm, harts: u64) {
    asm.store(Op::Sd, SUM, MINE, RECEIVED - MAILBOXES);
    asm.i(Op::Addi, B, BASE, ARRIVED);
    asm.constant(A, 1);
    asm.op(Op::AmoaddD, A, B, A, 3);
    asm.constant(B, harts - 1);
    let last = asm.hole(inst(Op::Beq, 0, A, B, 0));
    let wait = asm.here();
    asm.i(Op::Wfi, 0, 0, 0);
    asm.jump(wait);
    asm.fill(last);
    asm.constant(A, PASS);
    asm.constant(B, FINISHER);
    asm.store(Op::Sw, A, B, 0);
    asm.jump(wait);
}

/// Checks what the program left; returns the digest of all of RAM.
pub(crate) fn check(mode: &str, machine: &mut Machine, harts: u64, rounds: u64) -> [u8; 32] {
    let mut left = |offset: i32, hart: u64| {
        let at = DATA + offset as u64 + (hart << STRIDE_SHIFT);
        machine.ram().read_u64(at).expect("inside RAM")
    };
    let of_all_harts = harts * rounds;
    assert_eq!(left(COUNTED, 0), of_all_harts, "{mode}: counted with lr and sc");
    assert_eq!(left(ADDED, 0), rounds * harts * (harts + 1) / 2, "{mode}: added with atomics");
    assert_eq!(left(GREATEST, 0), 8 * (rounds - 1) + harts - 1, "{mode}: greatest");
    assert_eq!(left(GUARDED, 0), of_all_harts, "{mode}: counted under the lock");
    for hart in 0..harts {
        let sender = (hart + harts - 1) % harts;
        let received = (0..rounds).map(|round| (8 * round + sender) * (round + 1)).sum::<u64>();
        assert_eq!(left(RECEIVED, hart), received, "{mode}: received by hart {hart}");
        assert_eq!(left(MAILBOXES, hart), 0, "{mode}: the mailbox of hart {hart}");
    }
    machine.memory_digest()
}

const ROUNDS_OF_A_TEST: u64 = 50;

fn compare(harts: u64) {
    let rounds = ROUNDS_OF_A_TEST;
    let elf = program(harts, rounds);
    let all = harts as usize;
    let expected = check("fast", &mut fast(all, &elf), harts, rounds);
    let count = format!("harts={harts}");
    let set = |more: &[&'static str]| [&[count.as_str()][..], more].concat();
    let mut warmed = warming(all, &elf, &mut model("skylake", &set(&[])));
    assert_eq!(check("warming", &mut warmed, harts, rounds), expected, "warming");
    for (mode, system, more) in [
        ("simple", "simple", &[][..]),
        ("skylake", "skylake", &[]),
        ("tiny", "skylake", TINY),
        ("small", "skylake", SMALL),
        ("golden-cove", "golden-cove", &[]),
    ] {
        let mut left = detailed(all, &elf, &mut model(system, &set(more)));
        println!("{harts} harts, {mode}: {} instructions", left.retired());
        assert_eq!(check(mode, &mut left, harts, rounds), expected, "{mode}");
    }
}

#[test]
fn two_harts_leave_the_same_in_memory_in_all_modes() {
    compare(2);
}

#[test]
fn three_harts_leave_the_same_in_memory_in_all_modes() {
    compare(3);
}

#[test]
fn four_harts_leave_the_same_in_memory_in_all_modes() {
    compare(4);
}
