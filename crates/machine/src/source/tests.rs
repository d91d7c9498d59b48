mod cache_operations;
mod following;
mod threads;

use super::*;
use crate::htif::Verdict;
use crate::{MachineConfig, NOMINAL_STEP};
use conformance::asm::{Asm, inst};
use conformance::body::Features;
use conformance::elf::{self, Segment};
use conformance::image::{Image, Recipe};
use conformance::layout;
use conformance::programs::Kind;
use conformance::random::Random;
use hart::{Port, Request};
use isa::{Op, csr};
use ram::{RAM_BASE, Ram};
use stream::{Branch, Fetched, Instr, MemKind, VirtAddr};

const CYCLE: Picos = Picos(400);
const DATA: u64 = RAM_BASE + 0x10_0000;

/// Up to `batch` instructions a step, a cycle each, all that was fetched noted.
struct Batch {
    batch: u64,
    fetched: Vec<Fetched>,
    turns: Vec<(HartId, Picos)>,
}

impl Batch {
    fn of(batch: u64) -> Self {
        Self { batch, fetched: Vec::new(), turns: Vec::new() }
    }
}

impl Timing for Batch {
    fn pace(&self) -> Pace {
        Pace::exact(CYCLE)
    }

    fn advance(&mut self, hart: HartId, now: Picos, _: Picos, source: &mut dyn Source) -> Picos {
        self.turns.push((hart, now));
        for done in 0..self.batch {
            let fetched = source.next(hart);
            self.fetched.push(fetched);
            if !matches!(fetched, Fetched::Instr(_)) {
                return now + Picos(CYCLE.0 * done);
            }
        }
        now + Picos(CYCLE.0 * self.batch)
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}

/// A cycle an instruction; goes astray now and then if it has somewhere to draw from.
struct Straying {
    random: Option<Random>,
    /// Of the records of the right path.
    records: blake3::Hasher,
    wrong: u64,
    wrong_stores: u64,
    wrong_atomics: u64,
}

impl Straying {
    fn new(random: Option<Random>) -> Self {
        let records = blake3::Hasher::new();
        Self { random, records, wrong: 0, wrong_stores: 0, wrong_atomics: 0 }
    }

    fn stray(&mut self, hart: HartId, instr: &Instr, source: &mut dyn Source) {
        let Some(random) = &mut self.random else { return };
        if random.below(8) != 0 {
            return;
        }
        let mut wrong = Instr::default();
        for _ in 0..=random.below(3) {
            source.wrong_path(hart, VirtAddr(somewhere(random, instr)));
            for _ in 0..random.below(300) {
                if !source.next_wrong(hart, &mut wrong) {
                    break;
                }
                self.wrong += 1;
                let kind = wrong.mem.map(|access| access.kind);
                self.wrong_stores += u64::from(kind == Some(MemKind::Store));
                self.wrong_atomics += u64::from(kind == Some(MemKind::Amo));
                if let Some(access) = wrong.mem {
                    source.walk(hart, access.va, stream::Translate::Store);
                }
            }
        }
        source.squash(hart);
        assert!(!source.next_wrong(hart, &mut wrong));
    }
}

/// Where a bad guess may lead after `instr`.
fn somewhere(random: &mut Random, instr: &Instr) -> u64 {
    let near = instr.pc.0.wrapping_add(random.below(64) as u64 * 2).wrapping_sub(64);
    match random.below(8) {
        0 => random.bits(),
        1 => 0x1000_0000 + random.below(0x1000) as u64, // the UART
        2 => layout::CODE + random.below(0x1000) as u64,
        3 => layout::scratch(random.below(4)) + random.below(0x1000) as u64 * 2,
        4 => match instr.branch {
            Some(Branch { taken: false, target, .. }) => target.0,
            _ => instr.pc.0 + u64::from(instr.len),
        },
        _ => near,
    }
}

impl Timing for Straying {
    fn pace(&self) -> Pace {
        Pace::exact(CYCLE)
    }

    fn advance(&mut self, hart: HartId, now: Picos, _: Picos, source: &mut dyn Source) -> Picos {
        match source.next(hart) {
            Fetched::Instr(instr) => {
                self.records.update(&postcard::to_stdvec(&instr).unwrap());
                self.stray(hart, &instr, source);
                now + CYCLE
            }
            _ => now,
        }
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}

fn image(kind: Kind) -> Vec<u8> {
    let recipes: Vec<_> = (1..9).map(|seed| Recipe { kind, seed, steps: kind.steps() }).collect();
    Image::build(&recipes, &Features::all()).elf()
}

fn machine(harts: usize, elf: &[u8]) -> Machine {
    let config = MachineConfig { harts, ..MachineConfig::default() };
    let mut machine = Machine::new(config, Ram::new(64 << 20));
    machine.load_elf(elf).unwrap();
    machine
}

/// Runs an image, whose programs may execute markers, to its end.
fn to_the_end(mut run: impl FnMut(Picos) -> Event) {
    loop {
        match run(Picos::from_secs(1)) {
            Event::Marker { .. } => {}
            event => return assert_eq!(event, Event::Verdict(Verdict::Pass)),
        }
    }
}

fn assembled(emit: impl FnOnce(&mut Asm)) -> Vec<u8> {
    let mut asm = Asm::new(RAM_BASE);
    emit(&mut asm);
    let code = Segment { address: RAM_BASE, bytes: asm.code().to_vec() };
    elf::write(RAM_BASE, &[code], &[("tohost", DATA + 0x1000)])
}

/// Writes 1 to `tohost` and goes no further.
fn pass(asm: &mut Asm) {
    asm.constant(5, 1);
    asm.address(6, DATA + 0x1000);
    asm.store(Op::Sd, 5, 6, 0);
    let here = asm.here();
    asm.jump(here);
}

#[test]
fn a_run_with_wrong_paths_is_one_without_to_the_last_bit_of_state() {
    let (mut stores, mut atomics, mut wrong) = (0, 0, 0);
    for (seed, kind) in Kind::ALL.into_iter().enumerate() {
        let elf = image(kind);
        let mut straight = machine(1, &elf);
        let mut on_course = Straying::new(None);
        to_the_end(|deadline| straight.run_timed(&mut on_course, deadline));
        let mut astray = machine(1, &elf);
        let mut straying = Straying::new(Some(Random::new(seed as u64 + 1)));
        to_the_end(|deadline| astray.run_timed(&mut straying, deadline));
        let records = |timing: &Straying| timing.records.finalize();
        assert_eq!(records(&straying), records(&on_course), "records of {kind:?}");
        assert_eq!(astray.retired(), straight.retired(), "{kind:?}");
        assert_eq!(astray.state_digest(), straight.state_digest(), "{kind:?}");
        assert!(straying.wrong > 1000, "{kind:?} went astray: {}", straying.wrong);
        wrong += straying.wrong;
        (stores, atomics) = (stores + straying.wrong_stores, atomics + straying.wrong_atomics);
    }
    assert!(stores > 1000 && atomics > 50, "{stores} stores, {atomics} atomics of {wrong}");
}

#[test]
fn programs_compute_the_same_in_fast_mode_and_under_a_timing_model() {
    for kind in Kind::ALL {
        let elf = image(kind);
        let mut fast = machine(1, &elf);
        to_the_end(|deadline| fast.run_fast(deadline));
        let mut timed = machine(1, &elf);
        let mut timing = Batch::of(7);
        to_the_end(|deadline| timed.run_timed(&mut timing, deadline));
        assert_eq!(fast.program_digest(), timed.program_digest(), "{kind:?}");
        assert_ne!(fast.state_digest(), timed.state_digest(), "they took different times");
    }
}

/// Steps of random length, a cycle an instruction; what is executed is recorded or skipped.
struct Stretches {
    random: Random,
    skip: bool,
    executed: u64,
}

impl Timing for Stretches {
    fn pace(&self) -> Pace {
        Pace::exact(CYCLE)
    }

    fn advance(&mut self, hart: HartId, now: Picos, _: Picos, source: &mut dyn Source) -> Picos {
        let most = if self.random.below(2) == 0 { 6 } else { 200 };
        let count = 1 + self.random.below(most) as u64;
        let executed = if self.skip {
            source.skip(hart, count)
        } else {
            let mut executed = 0;
            while executed < count {
                match source.next(hart) {
                    Fetched::Instr(_) => executed += 1,
                    Fetched::Flush(_) => {}
                    _ => break,
                }
            }
            executed
        };
        self.executed += executed;
        now + Picos(CYCLE.0 * count)
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}

#[test]
fn skipped_instructions_do_what_recorded_ones_do_to_the_last_bit_of_state() {
    let images = Kind::ALL.into_iter().map(|kind| (1, format!("{kind:?}"), image(kind)));
    for (harts, name, elf) in images.chain([(2, "contenders".to_owned(), contenders(500))]) {
        let run = |skip| {
            let mut machine = machine(harts, &elf);
            let mut timing = Stretches { random: Random::new(5), skip, executed: 0 };
            to_the_end(|deadline| machine.run_timed(&mut timing, deadline));
            (timing.executed, machine.retired(), machine.state_digest())
        };
        let (recorded, skipped) = (run(false), run(true));
        assert!(recorded.0 > 1000, "{name}: {} instructions", recorded.0);
        assert_eq!(recorded, skipped, "{name}");
    }
}

#[test]
fn a_digest_sees_a_register_and_a_byte() {
    let elf = assembled(pass);
    let mut machine = machine(1, &elf);
    let (memory, program) = (machine.memory_digest(), machine.program_digest());
    machine.hart_mut(0).x[7] ^= 1;
    assert_eq!(machine.memory_digest(), memory);
    assert_ne!(machine.program_digest(), program);
    machine.hart_mut(0).x[7] ^= 1;
    machine.ram().write(DATA, &[0]).unwrap();
    assert_eq!(machine.program_digest(), program, "touched, but still zero");
    machine.ram().write(DATA + 0x123, &[1]).unwrap();
    assert_ne!(machine.memory_digest(), memory);
}

#[test]
fn a_core_cannot_fetch_past_an_instruction_that_asks_for_the_machine() {
    let elf = assembled(|asm| {
        asm.constant(10, 42);
        asm.word(0x7b | 0x5a << 25);
        asm.i(Op::Addi, 11, 10, 3);
        pass(asm);
    });
    let mut machine = machine(1, &elf);
    let mut timing = Batch::of(8);
    let event = machine.run_timed(&mut timing, Picos::from_secs(1));
    let args = [42, 0, 0, 0, 0, 0];
    assert_eq!(event, Event::Marker { hart: 0, function: 0x5a, args });
    assert_eq!(timing.fetched[0], Fetched::Flush(FlushScope::All), "the mode was entered");
    assert!(matches!(timing.fetched[1..3], [Fetched::Instr(_), Fetched::Instr(_)]));
    assert_eq!(timing.fetched[3..], [Fetched::Later]);
    machine.hart_mut(0).x[10] = 100;
    machine.run_timed(&mut timing, Picos(CYCLE.0 * 8));
    assert_eq!(machine.hart(0).x[11], 103, "it goes on with the marker's result");
}

#[test]
fn a_request_left_before_a_turn_is_taken_up_and_holds_nobody() {
    let elf = assembled(pass);
    let mut machine = machine(1, &elf);
    machine.port.request(&mut machine.harts[0], Request::Yield);
    let mut timing = Batch::of(1);
    let event = machine.run_timed(&mut timing, Picos::from_secs(1));
    assert_eq!(event, Event::Verdict(Verdict::Pass));
    assert_eq!(timing.fetched[0], Fetched::Later);
}

#[test]
fn a_hart_that_faults_for_ever_lets_time_pass() {
    let nowhere = assembled(|asm| asm.i(Op::Jalr, 0, 0, 0x10));
    // The handler is there, and faults.
    let faulting = assembled(|asm| {
        asm.address(5, RAM_BASE + 0x100);
        asm.csrw(csr::MTVEC, 5);
        asm.align(0x100);
        asm.i(Op::Ld, 5, 0, 0);
    });
    for elf in [nowhere, faulting] {
        let deadline = Picos::from_millis(3);
        let mut timed = machine(2, &elf);
        assert_eq!(timed.run_timed(&mut Batch::of(4), deadline), Event::Deadline);
        let mut fast = machine(2, &elf);
        assert_eq!(fast.run_fast(deadline), Event::Deadline);
        assert_eq!((timed.now(), fast.now()), (deadline, deadline));
        assert_eq!(timed.retired(), fast.retired());
    }
}

#[test]
fn an_interrupt_gets_a_hart_out_of_faulting_for_ever() {
    // The supervisor's handler is nowhere; the machine's ends the program.
    let elf = assembled(|asm| {
        asm.address(5, RAM_BASE + 0x100);
        asm.csrw(csr::MTVEC, 5);
        asm.csrw(csr::STVEC, 0);
        asm.constant(5, u64::MAX);
        asm.csrw(csr::MEDELEG, 5);
        asm.constant(5, 1 << 7);
        asm.csrw(csr::MIE, 5);
        asm.constant(6, 0x0200_4000); // mtimecmp, in ticks of 100 ns
        asm.constant(7, 20_000);
        asm.store(Op::Sd, 7, 6, 0);
        asm.csrw(csr::MEPC, 0);
        asm.op(Op::Mret, 0, 0, 0, 0); // to user mode at address 0
        asm.align(0x100);
        pass(asm);
    });
    let runs: [fn(&mut Machine, Picos) -> Event; 2] = [
        |machine, deadline| machine.run_fast(deadline),
        |machine, deadline| machine.run_timed(&mut Batch::of(4), deadline),
    ];
    for run in runs {
        let mut machine = machine(1, &elf);
        let event = run(&mut machine, Picos::from_millis(3));
        assert_eq!(event, Event::Verdict(Verdict::Pass));
        assert!(machine.now() >= Picos::from_millis(2), "{:?}", machine.now());
    }
}

/// Two harts add to a word with `lr` and `sc`, whose failures are retried, `count` times each.
fn contenders(count: u64) -> Vec<u8> {
    assembled(|asm| {
        asm.address(8, DATA);
        asm.constant(9, count);
        let retry = asm.here();
        asm.op(Op::LrD, 11, 8, 0, 0);
        asm.i(Op::Addi, 11, 11, 1);
        asm.op(Op::ScD, 12, 8, 11, 0);
        asm.branch(Op::Bne, 12, 0, retry);
        asm.i(Op::Addi, 9, 9, -1);
        asm.branch(Op::Bne, 9, 0, retry);
        // The last to get here ends the program.
        asm.constant(13, 1);
        asm.i(Op::Addi, 14, 8, 8);
        asm.op(Op::AmoaddD, 13, 14, 13, 0);
        let last = asm.hole(conformance::asm::inst(Op::Bne, 0, 13, 0, 0));
        let here = asm.here();
        asm.jump(here);
        asm.fill(last);
        pass(asm);
    })
}

#[test]
fn reservations_hold_between_harts_however_long_a_turn_is() {
    let elf = contenders(500);
    let mut contended = 0;
    for batch in [1, 2, 3, 5] {
        let mut machine = machine(2, &elf);
        let event = machine.run_timed(&mut Batch::of(batch), Picos::from_secs(1));
        assert_eq!(event, Event::Verdict(Verdict::Pass), "{batch}");
        assert_eq!(machine.ram().read_u64(DATA).unwrap(), 1000, "{batch}");
        contended += u64::from(machine.retired() > 2 * 500 * 6 + 500);
    }
    assert!(contended >= 2, "a store between lr and sc, in turns of some lengths");
}

#[test]
fn the_hart_furthest_behind_has_its_turn_and_the_lower_number_wins_a_tie() {
    // Hart 1 alone takes two cycles an instruction.
    struct Uneven(Vec<(u32, u64)>);
    impl Timing for Uneven {
        fn pace(&self) -> Pace {
            Pace::exact(CYCLE)
        }
        fn advance(
            &mut self,
            hart: HartId,
            now: Picos,
            _: Picos,
            source: &mut dyn Source,
        ) -> Picos {
            let Fetched::Instr(_) = source.next(hart) else { return now };
            self.0.push((hart.0, now.0 / CYCLE.0));
            now + Picos(CYCLE.0 * u64::from(hart.0 + 1))
        }
        fn idle(&mut self, _: HartId, _: Picos) {}
    }
    let elf = assembled(|asm| {
        let here = asm.here();
        asm.jump(here);
    });
    let mut timing = Uneven(Vec::new());
    machine(2, &elf).run_timed(&mut timing, Picos(CYCLE.0 * 5));
    assert_eq!(timing.0, [(0, 0), (1, 0), (0, 1), (0, 2), (1, 2), (0, 3), (0, 4), (1, 4)]);
}

/// A step in which hart `.0` executed from `.1` on, in cycles.
type Turned = (u32, u64);

/// Each instruction takes a cycle, and harts see each other by grains of `1 << .0` picoseconds.
struct Grained(u32, Vec<Turned>);

impl Timing for Grained {
    fn pace(&self) -> Pace {
        Pace { grain_log2: self.0, ..Pace::exact(CYCLE) }
    }
    fn advance(
        &mut self,
        hart: HartId,
        now: Picos,
        until: Picos,
        source: &mut dyn Source,
    ) -> Picos {
        assert!(now < until);
        if let Fetched::Instr(_) = source.next(hart) {
            self.1.push((hart.0, now.0 / CYCLE.0));
            return now + CYCLE;
        }
        now
    }
    fn idle(&mut self, _: HartId, _: Picos) {}
}

#[test]
fn by_grains_a_hart_executes_until_it_leaves_its_own_and_all_come_to_an_event() {
    let elf = assembled(|asm| {
        let here = asm.here();
        asm.jump(here);
    });
    // Of 2048 ps, which are 5.12 cycles.
    let turns = |deadlines: &[u64]| {
        let (mut timing, mut machine) = (Grained(11, Vec::new()), machine(2, &elf));
        for &deadline in deadlines {
            let event = machine.run_timed(&mut timing, Picos(CYCLE.0 * deadline));
            assert_eq!(event, Event::Deadline);
            assert!(machine.harts.iter().all(|hart| hart.now() == Picos(CYCLE.0 * deadline)));
        }
        timing.1
    };
    let cycles = |hart: u32, cycles: std::ops::Range<u64>| cycles.map(move |cycle| (hart, cycle));
    let whole: Vec<Turned> = cycles(0, 0..6)
        .chain(cycles(1, 0..6))
        .chain(cycles(0, 6..11))
        .chain(cycles(1, 6..11))
        .chain(cycles(0, 11..13))
        .chain(cycles(1, 11..13))
        .collect();
    assert_eq!(turns(&[13]), whole);
    let stopped: Vec<Turned> = cycles(0, 0..4)
        .chain(cycles(1, 0..4))
        .chain(cycles(0, 4..6))
        .chain(cycles(1, 4..6))
        .chain(cycles(0, 6..8))
        .chain(cycles(1, 6..8))
        .collect();
    assert_eq!(turns(&[4, 8]), stopped, "a hart that came to the event waits for the other");
}

#[test]
fn by_grains_a_hart_sees_at_once_what_another_did_in_an_earlier_one_and_no_later() {
    // Hart 0 counts in memory; hart 1 reads what it has counted to.
    let elf = assembled(|asm| {
        asm.constant(20, RAM_BASE + 0x1000);
        asm.csrr(5, csr::MHARTID);
        let reads = asm.hole(inst(Op::Bne, 0, 5, 0, 0));
        let count = asm.here();
        asm.i(Op::Addi, 6, 6, 1);
        asm.store(Op::Sd, 6, 20, 0);
        asm.jump(count);
        asm.fill(reads);
        let read = asm.here();
        asm.i(Op::Ld, 6, 20, 0);
        asm.jump(read);
    });
    let seen = |grain_log2| {
        let mut machine = machine(2, &elf);
        machine.run_timed(&mut Grained(grain_log2, Vec::new()), Picos(CYCLE.0 * 600));
        machine.harts.iter().map(|hart| hart.x[6]).collect::<Vec<_>>()
    };
    let behind = |seen: &[u64]| CYCLE.0 * 3 * seen[0].abs_diff(seen[1]);
    assert!(behind(&seen(0)) <= 3 * CYCLE.0);
    let grained = behind(&seen(14));
    assert!(grained <= 1 << 14, "{grained}");
}

#[test]
fn a_turn_is_told_that_it_ends_with_the_run_or_where_another_hart_falls_behind() {
    struct Told(Vec<(u32, u64, u64)>);
    impl Timing for Told {
        fn pace(&self) -> Pace {
            Pace::exact(CYCLE)
        }
        fn advance(
            &mut self,
            hart: HartId,
            now: Picos,
            until: Picos,
            source: &mut dyn Source,
        ) -> Picos {
            let _ = source.next(hart);
            self.0.push((hart.0, now.0, until.0));
            now + Picos(CYCLE.0 * 3)
        }
        fn idle(&mut self, _: HartId, _: Picos) {}
    }
    let elf = assembled(|asm| {
        let here = asm.here();
        asm.jump(here);
    });
    let of = |harts| {
        let mut timing = Told(Vec::new());
        machine(harts, &elf).run_timed(&mut timing, Picos(CYCLE.0 * 5));
        timing.0
    };
    assert_eq!(of(1), [(0, 0, 2000), (0, 1200, 2000)]);
    // Hart 0 goes first where both are at the same time, hart 1 once it is behind.
    assert_eq!(of(2), [(0, 0, 1), (1, 0, 1200), (0, 1200, 1201), (1, 1200, 2000)]);
}

#[test]
fn the_clock_of_the_guest_moves_within_a_step_at_the_pace_of_the_model() {
    struct Paced(u64, u64);
    impl Timing for Paced {
        fn pace(&self) -> Pace {
            Pace { instruction: Picos(CYCLE.0 * self.1), ..Pace::exact(CYCLE) }
        }
        fn advance(
            &mut self,
            hart: HartId,
            now: Picos,
            _: Picos,
            source: &mut dyn Source,
        ) -> Picos {
            for _ in 0..self.0 {
                while !matches!(source.next(hart), Fetched::Instr(_)) {} // A flush comes first.
            }
            now + Picos(CYCLE.0 * self.0)
        }
        fn idle(&mut self, _: HartId, _: Picos) {}
    }
    let elf = assembled(|asm| {
        (10..18).for_each(|register| asm.csrr(register, csr::MCYCLE));
        let here = asm.here();
        asm.jump(here);
    });
    let read = |batch, pace| {
        let mut machine = machine(1, &elf);
        machine.run_timed(&mut Paced(batch, pace), Picos(CYCLE.0 * 12));
        assert_eq!(machine.retired(), 12);
        machine.harts[0].x[10..18].to_vec()
    };
    for batch in [1, 3, 12] {
        assert_eq!(read(batch, 1), [0, 1, 2, 3, 4, 5, 6, 7], "{batch}");
    }
    assert_eq!(read(3, 0), [0, 0, 0, 3, 3, 3, 6, 6], "without a pace it stands");
}

#[test]
fn records_tell_the_context_before_the_instruction_that_changes_it() {
    const USER: u64 = RAM_BASE + 0x800;
    let elf = assembled(|asm| {
        asm.constant(5, u64::MAX);
        asm.csrw(csr::PMPADDR0, 5);
        asm.constant(5, 0x1f);
        asm.csrw(csr::PMPCFG0, 5);
        asm.address(5, USER);
        asm.csrw(csr::MEPC, 5);
        asm.op(Op::Mret, 0, 0, 0, 0); // MPP is user
        asm.align(0x800);
        asm.op(Op::Ecall, 0, 0, 0, 0);
    });
    let mut machine = machine(1, &elf);
    machine.harts[0].csr.mtvec = RAM_BASE;
    let mut timing = Batch::of(1);
    machine.run_timed(&mut timing, Picos(CYCLE.0 * 30));
    let instrs: Vec<Instr> = timing.fetched.iter().filter_map(instr).copied().collect();
    let user = instrs.iter().position(|instr| instr.pc.0 == USER).unwrap();
    let privileges: Vec<_> = instrs[user - 1..=user + 1].iter().map(|i| i.privilege).collect();
    use stream::Privilege::{Machine, User};
    assert_eq!(privileges, [Machine, User, Machine]);
    assert_eq!(instrs[user].event, stream::Event::Exception);
}

fn instr(fetched: &Fetched) -> Option<&Instr> {
    match fetched {
        Fetched::Instr(instr) => Some(instr),
        _ => None,
    }
}

#[test]
fn a_snapshot_ends_wrong_paths() {
    let elf = assembled(pass);
    let mut machine = machine(1, &elf);
    machine.run_fast(Picos(NOMINAL_STEP.0));
    let hart = machine.harts[0].clone();
    machine.stepper.wrong_path(&hart, RAM_BASE);
    machine.forget_caches();
    assert!(machine.stepper.step_wrong(0, &mut machine.port, &mut machine.code).is_none());
}
