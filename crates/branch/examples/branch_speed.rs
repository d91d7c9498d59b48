//! How much time of the host a branch takes: `cargo run --release -p branch --example branch_speed`.
//!
//! Two thousand static branches of a made-up program in random order with loops and calls, so that
//! tables and the host's caches are used as in life. Under `valgrind --tool=callgrind` give a smaller
//! number of branches, the name of a direction predictor and `warm` or `core` as arguments; instructions
//! a branch, from the difference of two numbers of branches, are then what counts.

use branch::direction::DirectionConfig;
use branch::indirect::IndirectConfig;
use branch::target::BtbConfig;
use branch::{BranchConfig, Predictor};
use std::time::Instant;
use stream::{Branch, BranchKind, VirtAddr};

/// A linear congruential generator (Knuth, MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Executed branches with their addresses and fall-through addresses.
type Trace = Vec<(VirtAddr, Branch, VirtAddr)>;

fn add(trace: &mut Trace, pc: u64, kind: BranchKind, taken: bool, target: u64) {
    let branch = Branch { kind, taken, target: VirtAddr(target) };
    trace.push((VirtAddr(pc), branch, VirtAddr(pc + 4)));
}

/// One call of a function: biased branches, a loop, sometimes a dispatch.
fn function(trace: &mut Trace, random: &mut Random, number: u64) {
    let (entry, site) = (0x10_0000 + number * 0x3a6, 0x1000 + number * 8);
    add(trace, site, BranchKind::Call, true, entry);
    for branch in 0..8 {
        let likely = (number * 8 + branch).is_multiple_of(3);
        let taken = random.below(100) < if likely { 97 } else { 3 };
        add(trace, entry + 0x10 + branch * 0x18, BranchKind::Conditional, taken, entry + 0x200);
    }
    for turn in 0..4 + number % 9 {
        let last = turn == 3 + number % 9;
        add(trace, entry + 0x240, BranchKind::Conditional, !last, entry + 0x210);
    }
    if number.is_multiple_of(8) {
        let target = entry + 0x280 + random.below(4) * 0x20;
        add(trace, entry + 0x260, BranchKind::IndirectJump, true, target);
    }
    add(trace, entry + 0x320, BranchKind::Return, true, site + 4);
}

fn trace(length: usize) -> Trace {
    let (mut trace, mut random) = (Trace::new(), Random(1));
    while trace.len() < length {
        let number = random.below(200);
        function(&mut trace, &mut random, number);
    }
    trace
}

fn predictor(direction: &DirectionConfig) -> Predictor {
    let config = BranchConfig {
        direction: direction.clone(),
        btb: BtbConfig::SetAssociative(Default::default()),
        indirect: IndirectConfig::Ittage(Default::default()),
        ras_entries: 32,
    };
    Predictor::new(&config).expect("defaults are valid")
}

/// Predicts and commits with `depth` branches in flight; the nanoseconds a branch.
fn pipelined(direction: &DirectionConfig, trace: &Trace, depth: usize) -> f64 {
    let mut predictor = predictor(direction);
    trace.iter().for_each(|(pc, branch, _)| {
        predictor.learn_target(*pc, branch.kind, branch.target, VirtAddr(pc.0 + 4))
    });
    let mut records = std::collections::VecDeque::with_capacity(depth + 1);
    let start = Instant::now();
    for (pc, actual, next) in trace {
        let guess = predictor.predict(*pc, actual.kind, actual.target, *next, Some(actual));
        if guess.taken != actual.taken || guess.target != actual.target {
            predictor.squash_to(&guess.record, Some(actual));
        }
        records.push_back((guess.record, *pc, *actual));
        if records.len() > depth
            && let Some((record, pc, actual)) = records.pop_front()
        {
            predictor.commit(&record, pc, &actual);
        }
    }
    start.elapsed().as_nanos() as f64 / trace.len() as f64
}

fn warming(direction: &DirectionConfig, trace: &Trace) -> (f64, f64) {
    let mut predictor = predictor(direction);
    let start = Instant::now();
    let wrong =
        trace.iter().filter(|(pc, branch, next)| predictor.warm(*pc, branch, *next)).count();
    let time = start.elapsed().as_nanos() as f64;
    (time / trace.len() as f64, 100.0 * wrong as f64 / trace.len() as f64)
}

fn scanning(trace: &Trace) -> f64 {
    let mut predictor = predictor(&DirectionConfig::Bimodal(Default::default()));
    trace.iter().for_each(|(pc, branch, _)| {
        predictor.learn_target(*pc, branch.kind, branch.target, VirtAddr(pc.0 + 4))
    });
    let start = Instant::now();
    let mut found = 0;
    for (pc, _, _) in trace {
        let from = VirtAddr(pc.0 - 12);
        found += usize::from(predictor.next_branch(from, VirtAddr(from.0 + 32)).is_some());
    }
    assert!(found > 0, "the buffer knows the program");
    start.elapsed().as_nanos() as f64 / trace.len() as f64
}

/// What to do with the branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// As warming mode does: predict, resolve and train at once.
    Warm,
    /// As a core does, with branches in flight and squashes.
    Core,
}

fn measure(direction: &DirectionConfig, trace: &Trace, only: Option<Mode>) {
    let (mut warm, mut core, mut wrong) = (f64::NAN, f64::NAN, f64::NAN);
    if only != Some(Mode::Core) {
        (warm, wrong) = warming(direction, trace);
    }
    if only != Some(Mode::Warm) {
        core = pipelined(direction, trace, 40);
    }
    println!("{:<10} {warm:>10.1} {core:>10.1} {wrong:>9.2}", direction.name());
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let length = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(4_000_000);
    let name = arguments.next();
    let only = arguments.next().map(|it| if it == "core" { Mode::Core } else { Mode::Warm });
    let trace = trace(length);
    println!("{:<10} {:>10} {:>10} {:>9}", "direction", "warm ns", "core ns", "wrong %");
    let wanted = |it: &DirectionConfig| name.as_ref().is_none_or(|name| name == it.name());
    for direction in DirectionConfig::all().into_iter().filter(wanted) {
        measure(&direction, &trace, only);
    }
    if name.is_none() {
        println!("next_branch of 32 bytes: {:.1} ns", scanning(&trace));
    }
}
