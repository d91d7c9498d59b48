use super::*;
use crate::direction::{DirectionConfig, DirectionStats, TageScLConfig};
use crate::indirect::IndirectConfig;
use crate::target::BtbConfig;
use crate::workbench::{Scatter, Workbench, ahead};
use crate::{BranchConfig, Predictor};
use stream::{Branch, BranchKind, VirtAddr};

type Program = Vec<(VirtAddr, Branch)>;

/// Branches that each route ends at: as many as a bucket has patterns.
const BRANCHES: u64 = 4;

fn jump(pc: u64) -> (VirtAddr, Branch) {
    (VirtAddr(pc), Branch { kind: BranchKind::Jump, taken: true, target: VirtAddr(pc + 0x40) })
}

/// Random routes of eight jumps, whose addresses spell the route's number in digits of four, the lowest
/// last, then four that are always
/// the same and a branch that is always taken, to branches that go by the route. The eight jumps make
/// the context and the four are left out of it, so that each route is a context of its own.
fn routes(routes: u64, visits: u64) -> Program {
    let mut scatter = Scatter::new(17);
    let mut program = Program::new();
    for _ in 0..visits {
        let route = scatter.next() % routes;
        let digit = |place: u64| route >> (2 * place) & 3;
        program.extend((0..8).rev().map(|place| jump(0x8000 + place * 0x100 + digit(place) * 2)));
        program.extend((0..4).map(|step| jump(0x9000 + step * 0x100)));
        program.push(ahead(0xa000, true));
        program
            .extend((0..BRANCHES).map(|branch| ahead(0xb000 + branch * 0x32, way(route, branch))));
    }
    program
}

/// Which way a branch always goes on a route.
fn way(route: u64, branch: u64) -> bool {
    Scatter::new(route * BRANCHES + branch).chance(50)
}

/// Wrong guesses in a hundred of the branches that go by the route, in the second half of a program.
fn rate<P: DirectionPredictor>(config: &P::Config, program: &Program) -> f64 {
    let mut bench = Workbench::<P>::with(config);
    (bench.depth, bench.wrong_path) = (20, 10);
    let (warm, measured) = program.split_at(program.len() / 2);
    bench.run(warm.iter().copied());
    let branches = measured.iter().filter(|(pc, _)| pc.0 >= 0xb000).count();
    100.0 * bench.run(measured.iter().copied()) as f64 / branches as f64
}

fn tage(program: &Program) -> f64 {
    rate::<TageScL>(&TageScLConfig::default(), program)
}

fn llbp(program: &Program) -> f64 {
    rate::<Llbp>(&LlbpConfig::default(), program)
}

#[test]
fn more_patterns_than_tage_has_room_for_are_known_by_their_contexts() {
    // 24 bits of history tell 4096 routes apart, and older ones never repeat. TAGE has 10240 entries
    // for lengths up to 37 bits, and 16384 patterns to keep. LLBP has room for four times as many
    // contexts, and each has as many patterns as fit a bucket.
    let program = routes(4096, 80_000);
    let (tage, llbp) = (tage(&program), llbp(&program));
    assert!(tage > 15.0, "TAGE-SC-L {tage}, LLBP {llbp}");
    assert!(llbp < tage / 3.0, "TAGE-SC-L {tage}, LLBP {llbp}");
}

#[test]
fn what_tage_has_room_for_gets_no_worse() {
    let program = routes(64, 8000);
    let (tage, llbp) = (tage(&program), llbp(&program));
    assert!(tage < 2.0 && llbp < tage + 0.5, "TAGE-SC-L {tage}, LLBP {llbp}");
}

#[test]
fn a_directory_with_too_few_contexts_loses_the_gain() {
    let program = routes(4096, 80_000);
    // 448 contexts of 4096.
    let small = rate::<Llbp>(&LlbpConfig { log2_sets: 6, ..LlbpConfig::default() }, &program);
    let full = llbp(&program);
    assert!(small > 3.0 * full, "448 contexts {small}, 14336 {full}");
}

/// What a core counts that predicts a program's branches one after the other.
fn study(config: &LlbpConfig, program: &[(VirtAddr, Branch)]) -> DirectionStats {
    let mut predictor = Predictor::new(&BranchConfig {
        direction: DirectionConfig::Llbp(config.clone()),
        btb: BtbConfig::Unlimited(Default::default()),
        indirect: IndirectConfig::LastTarget(Default::default()),
        ras_entries: 4,
    })
    .expect("it is valid");
    let mut stats = DirectionStats::default();
    for (pc, actual) in program {
        let next = VirtAddr(pc.0 + 4);
        let guess = predictor.predict(*pc, actual.kind, actual.target, next, None);
        if guess.taken != actual.taken {
            predictor.squash_to(&guess.record, Some(actual));
        }
        if let Some(origin) = predictor.commit(&guess.record, *pc, actual) {
            stats.count(&origin, actual.taken);
        }
    }
    stats
}

#[test]
fn patterns_are_late_until_the_latency_has_passed() {
    let program = routes(512, 4000);
    let late = |latency_branches| {
        let config = LlbpConfig { latency_branches, ..LlbpConfig::default() };
        study(&config, &program).second_level.late.get() as f64
    };
    // The branch that is always taken is the fifth after the jump that completes the context.
    assert_eq!(late(5), 0.0);
    assert!(late(6) > 2000.0, "{}", late(6));
    let ratio = late(8) / late(6);
    assert!((2.8..=3.2).contains(&ratio), "{ratio}: three of the branches are before the eighth");
}

#[test]
fn more_unconditional_branches_ahead_leave_more_time() {
    let program = routes(512, 4000);
    let late = |ahead, latency_branches| {
        let config = LlbpConfig { ahead, latency_branches, ..LlbpConfig::default() };
        study(&config, &program).second_level.late.get()
    };
    // The released code's parameters: eight jumps back is nine branches before.
    assert_eq!(late(8, 9), 0);
    assert!(late(4, 9) > 2000);
}

#[test]
fn a_visit_to_a_context_outside_the_buffer_moves_its_set() {
    let visits = 6000;
    let program = routes(2048, 2 * visits);
    let config = LlbpConfig::default();
    let half = study(&config, &program[..program.len() / 2]).second_level;
    let all = study(&config, &program).second_level;
    let sets = |half: u64, all: u64| (all - half) as f64 / 288.0 / visits as f64;
    // Of 2048 contexts with the same use 64, one in 32, are near.
    let read = sets(half.bits_read.get(), all.bits_read.get());
    assert!((0.85..=1.0).contains(&read), "{read} sets read a visit");
    let written = sets(half.bits_written.get(), all.bits_written.get());
    assert!(written > 0.1 && written < 1.05, "{written} sets written a visit");
}

#[test]
fn contexts_that_fit_the_buffer_are_not_moved() {
    // Numbers below 64 differ in the digits that choose the buffer's sets: four in each.
    let program = routes(64, 6000);
    let config = LlbpConfig::default();
    let half = study(&config, &program[..program.len() / 2]).second_level;
    let all = study(&config, &program).second_level;
    let moved = |stats: &crate::direction::SecondLevelStats| {
        (stats.bits_read.get(), stats.bits_written.get())
    };
    assert_eq!(moved(&all), moved(&half));
    assert!(all.matched.get() > half.matched.get());
}

#[test]
fn structures_have_the_papers_sizes() {
    let llbp = Llbp::new(&LlbpConfig::default());
    let kib = |bits: u64| bits as f64 / 8192.0;
    assert_eq!(kib(llbp.store.pattern_bits()), 504.0);
    assert_eq!(kib(llbp.store.directory_bits()), 8.75);
    assert_eq!(kib(llbp.buffer.pattern_bits()), 2.25);
    // Beyond the paper's figures: a tag of 10 bits, two flags and a rank of 2 for each set of the
    // buffer, and the counter that turns.
    let beyond = 64 * (10 + 2 + 2) + 3;
    let base = TageScL::new(&TageScLConfig::default()).storage_bits();
    let levels = (504.0 + 8.75 + 2.25) * 8192.0;
    assert_eq!(llbp.storage_bits(), base + levels as u64 + beyond);
    let history = History::new(&llbp.history(), &[]).storage_bits();
    let of_base = History::new(&llbp.base.history(), &[]).storage_bits();
    // Twelve addresses, and registers of 13 and 12 bits for sixteen lengths.
    assert_eq!(history - of_base, 12 * 14 + 16 * 25);
}

#[test]
fn impossible_sizes_are_told_with_their_paths() {
    let config = LlbpConfig {
        window: 0,
        ahead: 65,
        log2_sets: 5,
        ways: 0,
        buffer_log2_sets: 13,
        ..LlbpConfig::default()
    };
    let mut problems = Problems::default();
    Llbp::validate(&config, &mut problems);
    let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["window", "ahead", "log2_sets", "ways", "buffer_log2_sets"]);
}
