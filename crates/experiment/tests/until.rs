//! How a timing model gets from one event to the next does not show in what it computes: not whether it
//! passes over idle cycles at once or one by one, nor whether it executes many instructions at once.
//!
//! Harts chase pointers through memory, so that a core has nothing to do most of the time, update shared
//! counters, wait for interrupts, and are interrupted by timers, most often while nothing happens. They write down
//! when that was and where. Two runs must leave the same state, clocks and counters included.

use conformance::asm::{Asm, inst};
use conformance::elf::{self, Segment};
use experiment::{Detailed, Warming};
use isa::{Op, csr};
use machine::{Event, Machine, MachineConfig, Pace, Timing};
use ram::{RAM_BASE, Ram};
use sim::Picos;
use stream::{HartId, Source};
use system::{Timing as Model, TimingStats};

const SHARED: u64 = RAM_BASE + 0x8_0000;
/// Of each hart, where its handler writes.
const LOG: u64 = RAM_BASE + 0x10_0000;
const CHASED: u64 = RAM_BASE + 0x80_0000;
const CHASED_BYTES: u64 = 8 << 20;
/// The CLINT's registers (RISC-V Advanced Core Local Interruptor specification, chapter 3).
const MTIMECMP: u64 = 0x200_4000;
const MTIME: u64 = 0x200_bff8;
const TIMER: u64 = 1 << 7;

const NUMBER: u8 = 8;
const LOG_AT: u8 = 9;
const COMPARE: u8 = 18;
const CLOCK: u8 = 19;
const CHASE: u8 = 20;
const MASK: u8 = 21;
const COUNTER: u8 = 22;
const ROUND: u8 = 23;
const TAKEN: u8 = 24;

fn program() -> Vec<u8> {
    let mut asm = Asm::new(RAM_BASE);
    let start = asm.hole(inst(Op::Jal, 0, 0, 0, 0));
    asm.align(64);
    let handler = asm.here();
    interrupted(&mut asm);
    asm.fill(start);
    set_up(&mut asm, handler);
    round(&mut asm);
    elf::write(RAM_BASE, &[Segment { address: RAM_BASE, bytes: asm.code().to_vec() }], &[])
}

/// Writes down the cycle, the time and the place, and sets the timer to one to sixteen ticks later.
fn interrupted(asm: &mut Asm) {
    asm.i(Op::Andi, 25, TAKEN, 127);
    asm.i(Op::Slli, 25, 25, 5);
    asm.op(Op::Add, 25, 25, LOG_AT, 0);
    for (at, csr) in [csr::MCYCLE, csr::MEPC, csr::MINSTRET].into_iter().enumerate() {
        asm.csrr(26, csr);
        asm.store(Op::Sd, 26, 25, 8 * at as i32);
    }
    asm.i(Op::Addi, TAKEN, TAKEN, 1);
    rearm(asm);
    asm.op(Op::Mret, 0, 0, 0, 0);
}

fn rearm(asm: &mut Asm) {
    asm.i(Op::Ld, 26, CLOCK, 0);
    asm.i(Op::Andi, 27, NUMBER, 15);
    asm.op(Op::Add, 26, 26, 27, 0);
    asm.i(Op::Addi, 26, 26, 1);
    asm.store(Op::Sd, 26, COMPARE, 0);
}

fn set_up(asm: &mut Asm, handler: u64) {
    asm.csrr(5, csr::MHARTID);
    asm.i(Op::Addi, NUMBER, 5, 77);
    asm.i(Op::Slli, 6, 5, 12);
    asm.constant(LOG_AT, LOG);
    asm.op(Op::Add, LOG_AT, LOG_AT, 6, 0);
    asm.i(Op::Slli, 6, 5, 3);
    asm.constant(COMPARE, MTIMECMP);
    asm.op(Op::Add, COMPARE, COMPARE, 6, 0);
    asm.constant(CLOCK, MTIME);
    asm.constant(CHASE, CHASED);
    asm.constant(MASK, CHASED_BYTES - 8);
    asm.constant(COUNTER, SHARED);
    asm.constant(6, handler);
    asm.csrw(csr::MTVEC, 6);
    asm.constant(6, TIMER);
    asm.csrw(csr::MIE, 6);
    rearm(asm);
    asm.i(Op::Addi, 6, 0, 8);
    asm.op(Op::Csrrs, 0, 6, 0, i32::from(csr::MSTATUS));
}

/// A load whose address hangs on the one before, an update of what all harts share, and sometimes a
/// wait.
fn round(asm: &mut Asm) {
    let head = asm.here();
    for (shift, by) in [(Op::Slli, 13), (Op::Srli, 7), (Op::Slli, 17)] {
        asm.i(shift, 5, NUMBER, by);
        asm.op(Op::Xor, NUMBER, NUMBER, 5, 0);
    }
    asm.op(Op::And, 6, NUMBER, MASK, 0);
    asm.op(Op::Add, 6, 6, CHASE, 0);
    asm.i(Op::Ld, 7, 6, 0);
    asm.op(Op::Add, NUMBER, NUMBER, 7, 0);
    asm.i(Op::Addi, ROUND, ROUND, 1);
    asm.i(Op::Andi, 28, ROUND, 7);
    let over = asm.hole(inst(Op::Bne, 0, 28, 0, 0));
    asm.op(Op::AmoaddD, 29, COUNTER, ROUND, 0);
    asm.fill(over);
    asm.i(Op::Andi, 28, ROUND, 63);
    let over = asm.hole(inst(Op::Bne, 0, 28, 0, 0));
    asm.op(Op::Wfi, 0, 0, 0, 0);
    asm.fill(over);
    asm.jump(head);
}

/// A model that is told at every call that something happens in the next cycle.
struct CycleByCycle<T>(T);

impl<T: Timing> Timing for CycleByCycle<T> {
    fn pace(&self) -> Pace {
        self.0.pace()
    }

    fn advance(
        &mut self,
        hart: HartId,
        now: Picos,
        until: Picos,
        source: &mut dyn Source,
    ) -> Picos {
        self.0.advance(hart, now, until.min(now + self.pace().cycle), source)
    }

    fn idle(&mut self, hart: HartId, now: Picos) {
        self.0.idle(hart, now);
    }
}

/// What is the same in two runs.
#[derive(Debug, PartialEq)]
struct Left {
    time: Picos,
    retired: Vec<u64>,
    interrupts: Vec<u64>,
    state: [u8; 32],
}

fn run(harts: usize, timing: &mut dyn Timing, end: Picos) -> Left {
    let config = MachineConfig { harts, ..MachineConfig::default() };
    let mut machine = Machine::new(config, Ram::new(16 << 20));
    machine.load_elf(&program()).expect("the program fits");
    assert_eq!(machine.run_timed(timing, end), Event::Deadline);
    let harts = || (0..harts).map(|index| machine.hart(index));
    let retired = harts().map(|hart| hart.retired).collect();
    let interrupts = harts().map(|hart| hart.x[usize::from(TAKEN)]).collect();
    Left { time: machine.now(), retired, interrupts, state: machine.state_digest() }
}

fn model(system: &str, harts: usize) -> Model {
    let system = system::load(system, &[format!("harts={harts}")]).expect("it is built in");
    Model::new(&system.config).expect("it can be built")
}

fn detailed(system: &str, harts: usize, end: Picos, one_by_one: bool) -> (Left, TimingStats) {
    let mut model = model(system, harts);
    let mut timing = Detailed::new(&mut model, Picos::ZERO);
    let left = if one_by_one {
        run(harts, &mut CycleByCycle(timing), end)
    } else {
        run(harts, &mut timing, end)
    };
    (left, model.stats())
}

fn warming(system: &str, harts: usize, end: Picos, one_by_one: bool) -> (Left, TimingStats) {
    let mut model = model(system, harts);
    let timing = Warming::new(&mut model);
    let left = if one_by_one {
        run(harts, &mut CycleByCycle(timing), end)
    } else {
        run(harts, &mut { timing }, end)
    };
    (left, model.stats())
}

#[test]
fn idle_cycles_passed_over_at_once_are_idle_cycles_passed_one_by_one() {
    for (system, harts) in [("skylake", 1), ("skylake", 2), ("neoverse-n1", 3)] {
        let end = Picos::from_micros(60);
        let (at_once, counted) = detailed(system, harts, end, false);
        let (one_by_one, counted_too) = detailed(system, harts, end, true);
        assert!(at_once.interrupts.iter().all(|taken| *taken > 20), "{at_once:?}");
        assert_eq!(at_once, one_by_one, "{system}, {harts} harts");
        assert!(counted == counted_too, "{system}, {harts} harts: {counted:?} {counted_too:?}");
    }
}

#[test]
fn instructions_that_warm_at_once_are_instructions_that_warm_one_by_one() {
    for harts in [1, 2] {
        let end = Picos::from_micros(200);
        let (at_once, counted) = warming("skylake", harts, end, false);
        let (one_by_one, counted_too) = warming("skylake", harts, end, true);
        assert!(at_once.interrupts.iter().all(|taken| *taken > 50), "{at_once:?}");
        assert_eq!(at_once, one_by_one, "{harts} harts");
        assert!(counted == counted_too, "{harts} harts");
    }
}
