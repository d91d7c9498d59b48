//! Windows of a bare-metal program as they were measured while it was recorded, and as a replay gives
//! them.

use super::*;
use crate::measure::Counted;
use crate::tape::{Tape, Taped};
use crate::timing::Detailed;
use conformance::asm::Asm;
use conformance::elf::{self, Segment};
use guest::progress::{Progress, Silent};
use isa::{Op, csr};
use machine::{Event, Machine, MachineConfig};
use ram::{RAM_BASE, Ram};
use trace::{Metadata, Writer};

struct Nobody;

impl Progress for Nobody {
    fn start(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn finish(&self) {}
    fn note(&self, _: &str) {}
}

impl Observer for Nobody {
    fn phase(&self, _: &str) {}
    fn console(&self, _: &[u8]) {}
    fn cancelled(&self) -> bool {
        false
    }
    fn running(&self, _: &str, _: Picos, _: u64) {}
    fn as_progress(&self) -> &dyn Progress {
        &Silent
    }
}

/// Two harts that never end: each jumps about in its own 128 KiB, branches on random bits, and adds to
/// a word of both now and then.
fn program() -> Vec<u8> {
    let (base, random, at, shared, bit) = (8, 9, 18, 19, 5);
    let mut asm = Asm::new(RAM_BASE);
    asm.csrr(random, csr::MHARTID);
    asm.i(Op::Slli, at, random, 17);
    asm.address(base, RAM_BASE + 0x10_0000);
    asm.i(Op::Addi, shared, base, 0);
    asm.op(Op::Add, base, base, at, 0);
    asm.i(Op::Addi, random, random, 0x123);
    let again = asm.here();
    for (op, by) in [(Op::Slli, 13), (Op::Srli, 7), (Op::Slli, 17)] {
        asm.i(op, bit, random, by);
        asm.op(Op::Xor, random, random, bit, 0);
    }
    asm.i(Op::Slli, at, random, 47);
    asm.i(Op::Srli, at, at, 47);
    asm.i(Op::Andi, at, at, -8);
    asm.op(Op::Add, at, at, base, 0);
    asm.i(Op::Ld, bit, at, 0);
    asm.store(Op::Sd, random, at, 0);
    asm.i(Op::Andi, bit, random, 0x40);
    asm.branch(Op::Bne, bit, 0, again);
    asm.i(Op::Andi, bit, random, 0x300);
    asm.branch(Op::Bne, bit, 0, again);
    asm.op(Op::AmoaddD, 0, shared, random, 0);
    asm.jump(again);
    let code = Segment { address: RAM_BASE, bytes: asm.code().to_vec() };
    elf::write(RAM_BASE, &[code], &[])
}

/// Where windows open and close, in nanoseconds.
const EDGES: [(u64, u64); 3] = [(3_001, 9_777), (12_345, 12_399), (20_000, 40_008)];

/// Records the program on `system`; returns what was measured in each window.
fn record(system: &LoadedSystem, path: &Path) -> Vec<Invocation> {
    let mut machine = Machine::new(MachineConfig::default(), Ram::new(64 << 20));
    machine.load_elf(&program()).unwrap();
    let mut model = Model::new(&system.config).unwrap();
    let metadata = Metadata { harts: 2, ..Metadata::default() };
    let sink = Box::new(Writer::create(path, &metadata).unwrap());
    let mut tape = Tape::new(sink, 2, model.clock().period());
    tape.begin_detailed(Picos::ZERO);
    let inner = Detailed::new(&mut model, Picos::ZERO);
    let mut timing = Taped { inner, tape: &mut tape, invocation: None };
    let mut measured = Vec::new();
    for (index, (opens, closes)) in EDGES.into_iter().enumerate() {
        let index = index as u64;
        timing.invocation = Some(index);
        assert_eq!(machine.run_timed(&mut timing, Picos::from_nanos(opens)), Event::Deadline);
        let (opened_at, before) = (machine.now(), timing.open());
        // A frame that does not end it.
        machine.run_timed(&mut timing, Picos::from_nanos((opens + closes) / 2));
        timing.sent(0);
        machine.run_timed(&mut timing, Picos::from_nanos(closes));
        let (closed_at, after) = (machine.now(), timing.stats());
        timing.sent(1);
        machine.run_timed(&mut timing, Picos::from_nanos(closes + 500));
        timing.closed(1);
        let window = Window { opened_at, closed_at, before, after };
        measured.push(invocation(index, &window, HartId(1), serde_json::Value::Null));
    }
    tape.finish().unwrap();
    measured
}

fn play(trace: &Path, system: &LoadedSystem) -> Vec<Invocation> {
    let (trace, system) = (trace.to_owned(), system.clone());
    let order = Replay { trace, system, warmup: None, max_instructions: None, command: Vec::new() };
    replay(&order, &Nobody).unwrap().run.invocations
}

/// What was measured while recording on `system`, and in a replay on the same.
fn both(system: &str) -> [Vec<Invocation>; 2] {
    let system = system::load(system, &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let live = record(&system, &path);
    let replayed = play(&path, &system);
    assert_eq!(play(&path, &system), replayed, "two replays of one trace");
    assert_eq!((live.len(), replayed.len()), (EDGES.len(), EDGES.len()));
    [live, replayed]
}

#[test]
fn windows_of_all_harts_are_those_of_the_recording_on_the_same_system() {
    let [live, replayed] = both("simple");
    for (live, replayed) in live.into_iter().zip(replayed) {
        assert!(live.harts.iter().all(|hart| hart.instructions > 10), "{live:?}");
        // The live window is measured at the deadline, the replayed one by the hart's clock.
        assert!(live.latency_ns.abs_diff(replayed.latency_ns) < 500, "{live:?}, {replayed:?}");
        assert_eq!(Invocation { latency_ns: live.latency_ns, ..replayed }, live);
    }
}

#[test]
fn windows_on_a_core_that_overlaps_instructions_differ_by_what_is_under_way_at_most() {
    let [live, replayed] = both("skylake");
    let rob = 224;
    let harts = |all: Vec<Invocation>| all.into_iter().flat_map(|invocation| invocation.harts);
    for (live, replayed) in harts(live).zip(harts(replayed)) {
        assert!(live.instructions > 10, "{live:?}");
        let difference = live.instructions.abs_diff(replayed.instructions);
        println!("{} instructions, replayed {}", live.instructions, replayed.instructions);
        assert!(difference <= rob, "{} and {}", live.instructions, replayed.instructions);
    }
}
