//! Moves that are renamed instead of executed.

use super::forms::{Form, assert_exact, set_ports, straight, sweep, wide, writes};
use super::guesses::{guess_wrong, mispredicted};
use super::run::{Bench, Done, warm};
use super::*;
use stream::{Reg, RegKind};

fn eliminating(on: bool) -> OutOfOrderConfig {
    let mut core = wide();
    core.move_elimination = on;
    core
}

/// A move of register `source` to `destination`.
fn moves(instr: Instr, source: u8, destination: u8) -> Instr {
    Instr { is_move: true, ..reads(instr, source, destination) }
}

pub(super) fn chains() -> Vec<Form> {
    let mut forms = Vec::new();
    for (name, formula, on) in [
        ("move_elimination", "32 dependent pairs of operation and move: 31 L", true),
        ("move_elimination, off", "32 dependent pairs of operation and move: 31 (L + 1)", false),
    ] {
        forms.extend(sweep(name, formula, &[1, 3, 9], |cycles| {
            let mut core = eliminating(on);
            core.latency_cycles.insert(Class::IntMul, cycles);
            let program = straight(64, |instr, n| match n % 2 {
                0 => reads(of_class(instr, Class::IntMul), 6, 5),
                _ => moves(instr, 5, 6),
            });
            let done = warm(&core, &hierarchy(), &program);
            (31 * u64::from(cycles + u32::from(!on)), done[62].done() - done[0].done())
        }));
    }
    let formula = "64 moves, rename width W: 64 / W - 1";
    forms.extend(sweep("move_elimination, one port", formula, &[1, 4, 16], |width| {
        let mut core = eliminating(true);
        core.rename_width = width;
        set_ports(&mut core, 1, 1);
        let program = straight(64, |instr, n| moves(instr, 5, 6 + n as u8 % 20));
        let done = warm(&core, &hierarchy(), &program);
        let times = || done.iter().map(Done::done);
        let taken = times().max().expect("moves") - times().min().expect("moves");
        (64 / u64::from(width) - 1, taken)
    }));
    forms
}

#[test]
fn a_move_that_is_eliminated_takes_no_time_no_port_and_no_scheduler_entry() {
    assert_exact(&chains());
}

/// Free integer registers of a core that had one to spare, after `program`.
fn spare_after(program: &[Instr]) -> u32 {
    let mut core = eliminating(true);
    core.int_registers = 33;
    let mut bench = Bench::new(&core, &hierarchy());
    bench.warm(program);
    bench.push(program);
    bench.run();
    assert_eq!(bench.committed.len(), program.len());
    *bench.core.registers.free(Reg::int(1))
}

#[test]
fn a_register_is_free_when_the_last_name_for_it_is_gone() {
    let code = straight(4, |instr, _| instr);
    let copy = moves(code[0], 5, 6);
    let write = |n: usize, register| writes(code[n], Reg::int(register));
    assert_eq!(spare_after(&[code[0]]), 1);
    assert_eq!(spare_after(&[copy]), 2, "two names share one");
    assert_eq!(spare_after(&[copy, write(1, 5)]), 1, "the copy keeps the register");
    assert_eq!(spare_after(&[copy, write(1, 6)]), 1, "the original keeps it");
    assert_eq!(spare_after(&[copy, write(1, 5), write(2, 6)]), 1, "nobody does");
    assert_eq!(spare_after(&[copy, moves(code[1], 6, 7)]), 3, "three names share one");
    assert_eq!(spare_after(&[moves(code[0], 5, 5)]), 1, "a move to itself");
}

#[test]
fn a_move_needs_no_free_register() {
    // The division takes the only one; what writes another register waits until it has committed.
    let renamed = |third: Instr| {
        let mut core = eliminating(true);
        core.int_registers = 33;
        core.latency_cycles.insert(Class::IntDiv, 50);
        let program = straight(2, |instr, n| match n {
            0 => writes(of_class(instr, Class::IntDiv), Reg::int(5)),
            _ => Instr { pc: instr.pc, fetch_pa: instr.fetch_pa, ..third },
        });
        let done = warm(&core, &hierarchy(), &program);
        (done[0].committed_at, done[0].renamed(), done[1].renamed())
    };
    let (_, first, second) = renamed(moves(alu(0), 5, 6));
    assert_eq!(second, first, "the move goes along");
    let (committed, _, second) = renamed(writes(alu(0), Reg::int(6)));
    assert_eq!(second, committed, "another does not");
}

#[test]
fn moves_of_a_wrong_path_are_taken_back() {
    // The right path reads what the division writes, not what the wrong path named so.
    let mut core = eliminating(true);
    core.latency_cycles.insert(Class::IntDiv, 100);
    let mut program = vec![reads(of_class(alu(CODE - 4), Class::IntDiv), 6, 5)];
    program.extend(mispredicted(1));
    program[2] = reads(program[2], 5, 7);
    let wrong = straight(9, |instr, _| moves(instr, 8, 5));
    let bench = guess_wrong(&core, &hierarchy(), &program, &wrong[1..]);
    assert_eq!(bench.committed[2].issued(), bench.committed[0].done());
    let ours = bench.core.stats.total().out_of_order.expect("counted");
    assert_eq!((ours.squashed.get(), ours.moves_eliminated.get()), (8, 0));
}

#[test]
fn only_moves_within_a_file_are_eliminated_and_only_if_asked_for() {
    let count = |on, instr: Instr| {
        let program = straight(8, |at, _| Instr { pc: at.pc, fetch_pa: at.fetch_pa, ..instr });
        let mut bench = Bench::new(&eliminating(on), &hierarchy());
        bench.warm(&program);
        bench.push(&program);
        bench.run();
        bench.core.stats.total().out_of_order.expect("counted").moves_eliminated.get()
    };
    let mut across = moves(alu(0), 5, 6);
    across.operands.dst = Some(Reg::new(RegKind::Fp, 6));
    assert_eq!(count(true, moves(alu(0), 5, 6)), 8);
    assert_eq!(count(false, moves(alu(0), 5, 6)), 0);
    assert_eq!(count(true, across), 0);
    assert_eq!(count(true, reads(alu(0), 5, 6)), 0);
}
