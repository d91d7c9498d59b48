//! Restoration units in whole systems: a made-up function that is invoked again and again, with its core's
//! state lost in between.

mod common;

use common::{HART, function, timing};
use restore::RestorationStats;
use sim::Picos;
use stats::Stats;
use stream::{Instr, Synthetic};
use system::{Lost, Timing, TimingStats};

const SYSTEM: &str = "jukebox-skylake";
const ASID: u16 = 5;

/// A system of one hart with that restoration unit.
fn with_unit(unit: &str, more: &[&str]) -> (Timing, Lost) {
    let kind = format!("restoration.kind={unit}");
    let mut overrides = vec!["harts=1"];
    overrides.extend((unit != "none").then_some(kind.as_str()));
    overrides.extend(more);
    let owned: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    let system = system::load(SYSTEM, &owned).expect("a valid system");
    (timing(SYSTEM, &overrides), Lost::all(&system.config))
}

/// Lets `program` run; what is passed over in a step ends at multiples of `slice`.
fn run(timing: &mut Timing, program: &[Instr], slice: Picos) {
    // Large pages: what is compared is not how fast they are walked for.
    let mut source = Synthetic::new(1).with_pages(21);
    source.push(HART, program.iter().copied());
    loop {
        let until = Picos((timing.now(HART).0 / slice.0 + 1) * slice.0);
        if timing.step_until(HART, until, &mut source).state == pipeline::State::Stopped {
            return;
        }
    }
}

/// Serves a request on a core that others had before; returns what was counted meanwhile.
fn invoke(timing: &mut Timing, lost: &Lost, program: &[Instr], slice: Picos) -> TimingStats {
    timing.resume_at(HART, timing.now(HART) + Picos::from_micros(100));
    timing.lose(HART, lost);
    timing.begin_request(HART);
    let before = timing.begin_window();
    run(timing, program, slice);
    timing.end_request(HART);
    timing.window(&before)
}

const SLICE: Picos = Picos::from_millis(1);

/// The windows of four invocations.
fn windows((mut timing, lost): (Timing, Lost), slice: Picos) -> Vec<TimingStats> {
    let program = function(ASID);
    (0..4).map(|_| invoke(&mut timing, &lost, &program, slice)).collect()
}

fn cycles(window: &TimingStats) -> u64 {
    window.cores[0].total().cycles.get()
}

/// Fetches and prefetches of the first level that no private cache had.
fn l2_misses(window: &TimingStats) -> u64 {
    window.mem.harts[0].restored.as_ref().expect("a unit watches").uncovered.get()
}

#[test]
fn the_third_invocation_finds_what_the_second_recorded() {
    let windows = windows(with_unit("jukebox", &[]), SLICE);
    let prefetches = windows.iter().map(|window| {
        let unit = window.cores[0].restoration.as_ref().and_then(|unit| unit.jukebox.as_ref());
        unit.expect("it is there").prefetches.get()
    });
    // The first tells which address space is the function's, the second records.
    let prefetches: Vec<_> = prefetches.collect();
    assert_eq!(prefetches[..2], [0, 0]);
    assert!(prefetches[2] >= 500, "{prefetches:?}: each of 512 lines");
    assert!(l2_misses(&windows[1]) >= 500);
    assert!(l2_misses(&windows[2]) * 3 < l2_misses(&windows[1]), "well over half are covered");
    assert!(l2_misses(&windows[3]) * 3 < l2_misses(&windows[1]), "and again");
    assert!(cycles(&windows[2]) * 10 < cycles(&windows[1]) * 9);
}

#[test]
fn ignite_brings_branches_back() {
    let windows = windows(with_unit("ignite", &[]), SLICE);
    let unit = |window: &TimingStats| {
        let unit = window.cores[0].restoration.as_ref().and_then(|unit| unit.ignite.clone());
        unit.expect("it is there")
    };
    assert_eq!(unit(&windows[1]).branches.get(), 0, "there is nothing to restore yet");
    assert_eq!(unit(&windows[1]).uncovered.get(), 256, "each run ends with one");
    assert_eq!(unit(&windows[3]).branches.get(), 256);
    let misses = |window: &TimingStats| {
        let ours = window.cores[0].total().out_of_order.expect("it is out of order");
        ours.btb_misses.get()
    };
    assert_eq!(misses(&windows[1]), 256);
    assert!(misses(&windows[3]) < 26, "{} are late", misses(&windows[3]));
    assert!(cycles(&windows[3]) * 10 < cycles(&windows[1]) * 9);
}

const PERSISTENT: &[&str] = &["restoration.persistent=true"];

#[test]
fn pif_follows_what_retired_before_if_its_tables_last() {
    let prefetches = |window: &TimingStats| {
        let unit = window.cores[0].restoration.as_ref().and_then(|unit| unit.pif.clone());
        unit.expect("it is there").prefetches.get()
    };
    let misses = |window: &TimingStats| window.mem.harts[0].l1i.misses.sum();
    let lasting = windows(with_unit("pif", PERSISTENT), SLICE);
    // Only the last jump leads to what has retired before: one stream opens, seven regions of two lines ahead.
    const ONE_STREAM: u64 = 14;
    assert!(prefetches(&lasting[0]) <= ONE_STREAM, "{}", prefetches(&lasting[0]));
    assert!(prefetches(&lasting[1]) >= 450, "{} of 512 lines", prefetches(&lasting[1]));
    assert!(misses(&lasting[1]) * 2 < misses(&lasting[0]));
    assert!(cycles(&lasting[1]) * 10 < cycles(&lasting[0]) * 9);
    for window in windows(with_unit("pif", &[]), SLICE) {
        assert!(prefetches(&window) <= ONE_STREAM, "{}", prefetches(&window));
    }
}

/// What a unit counts of three rounds of warming with so many of the 16 instructions of each line shown.
fn warmed(unit: &str, more: &[&str], shown: usize) -> Option<RestorationStats> {
    let (mut timing, _) = with_unit(unit, more);
    let mut source = Synthetic::new(1).with_pages(21);
    timing.begin_request(HART);
    for _ in 0..3 {
        let program = function(ASID).into_iter().enumerate();
        for (_, instr) in program.filter(|(step, _)| step % 16 < shown) {
            timing.warm(HART, &instr, &mut source);
        }
    }
    timing.stats().cores[0].restoration.clone()
}

#[test]
fn what_warming_shows_of_a_line_beyond_its_first_instruction_counts_for_nothing() {
    for (unit, more) in [("pif", PERSISTENT), ("jukebox", &[])] {
        let (first, all) = (warmed(unit, more, 1), warmed(unit, more, 16));
        assert!(first.is_some() && first == all, "{unit}: {first:?} and {all:?}");
    }
    let pif = warmed("pif", PERSISTENT, 1).and_then(|unit| unit.pif).expect("it is there");
    assert!(pif.followed.get() > 0);
}

/// What none of the systems below counts, with why.
const SILENT: &[(&str, &str)] = &[
    ("untranslated", "the page tables of a made-up source have every page"),
    ("restored.late", "these programs are slower than replay; tests of mem count it"),
    ("ignite.displaced", "the buffer has room; tests of restore count it"),
];

#[test]
fn every_counter_of_a_unit_is_backed_by_something_that_counts_it() {
    let tight = ["restoration.metadata_kib=1", "restoration.spare_mshrs=30"];
    let throttled = ["restoration.throttle_entries=8", "restoration.pc_delta_bits=12"];
    let runs =
        [("jukebox", &[][..]), ("jukebox", &tight), ("ignite", &tight), ("ignite", &throttled)];
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    for (unit, more) in runs {
        let (mut timing, lost) = with_unit(unit, more);
        let program = function(ASID);
        let before = timing.stats();
        for part in [1, 1, 1, 2, 2] {
            // Half of the program leaves what the other half would have used.
            invoke(&mut timing, &lost, &program[..program.len() / part], SLICE);
        }
        // Warm: what is replayed is there.
        for _ in 0..2 {
            timing.begin_request(HART);
            run(&mut timing, &program, SLICE);
            timing.end_request(HART);
        }
        let window = timing.window(&before);
        for (path, count) in stats::flatten(&window) {
            *counts.entry(path).or_default() += count;
        }
    }
    let ours = ["cores.0.restoration", "mem.harts.0.restored", "metadata"];
    let is_ours = |path: &str| ours.iter().any(|part| path.contains(part));
    let excused = |path: &str| SILENT.iter().any(|(part, _)| path.ends_with(part));
    let silent = counts.iter().filter(|(path, count)| **count == 0 && is_ours(path));
    let silent: Vec<_> = silent.map(|(path, _)| path).filter(|path| !excused(path)).collect();
    assert!(silent.is_empty(), "never counted: {silent:#?}");
    assert!(counts.keys().filter(|path| is_ours(path)).count() > 30);
}

#[test]
fn bounds_are_in_order() {
    let last = |unit| cycles(&windows(with_unit(unit, &[]), SLICE)[3]);
    let [none, jukebox, l1i, front] =
        ["none", "jukebox", "perfect_l1i", "perfect_front_end"].map(last);
    assert!(front < l1i && l1i < jukebox && jukebox < none, "{front} {l1i} {jukebox} {none}");
}

#[test]
fn a_perfect_front_end_is_right_from_the_first_instruction_on() {
    let windows = windows(with_unit("perfect_front_end", &[]), SLICE);
    for window in [&windows[0], &windows[3]] {
        let total = window.cores[0].total();
        let ours = total.out_of_order.as_ref().expect("it is out of order");
        let wrong = [ours.squashes.sum(), ours.btb_misses.get(), ours.decode_resteers.get()];
        assert_eq!(wrong, [0; 3]);
        let mem = &window.mem.harts[0];
        assert_eq!(
            (total.itlb_misses.get(), mem.l1i.misses.sum(), mem.itlb.misses.get()),
            (0, 0, 0)
        );
        assert_eq!(window.mem.memory.reads.get(), 0, "the program has no data");
    }
}

#[test]
fn the_result_does_not_depend_on_how_often_a_step_is_interrupted() {
    let units =
        [("jukebox", &[][..]), ("ignite", &[]), ("pif", PERSISTENT), ("perfect_front_end", &[])];
    for (unit, more) in units {
        let whole = windows(with_unit(unit, more), SLICE);
        let cut = windows(with_unit(unit, more), Picos::from_nanos(7));
        assert_eq!(whole, cut, "{unit}");
    }
}

#[test]
fn a_unit_that_is_told_of_no_request_costs_no_cycle() {
    let (mut with, _) = with_unit("jukebox", &[]);
    let (mut without, _) = with_unit("none", &[]);
    let program = function(ASID);
    for timing in [&mut with, &mut without] {
        run(timing, &program, SLICE);
        run(timing, &program, SLICE);
    }
    assert_eq!(with.now(HART), without.now(HART));
    let (mut with, without) = (with.stats(), without.stats());
    with.cores[0].restoration = None;
    with.mem.harts[0].restored = None;
    assert_eq!(with, without);
}

#[test]
fn another_address_space_is_neither_recorded_nor_restored() {
    let (mut timing, lost) = with_unit("jukebox", &[]);
    let (ours, others) = (function(ASID), function(ASID + 1));
    for _ in 0..2 {
        invoke(&mut timing, &lost, &ours, SLICE);
    }
    let before = timing.stats();
    // Less than half of what ran: the function stays the function.
    let window = invoke(&mut timing, &lost, &others[..others.len() / 2], SLICE);
    let unit = window.cores[0].restoration.as_ref().and_then(|unit| unit.jukebox.as_ref());
    let unit = unit.expect("it is there");
    assert_eq!((unit.recorded_lines.get(), unit.prefetches.get()), (0, 0));
    assert!(timing.stats().since(&before).cores[0].total().instructions.get() > 0);
}

#[test]
fn units_are_checked_with_the_system_they_are_in() {
    let told = |system: &str, sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        system::load(system, &sets).expect_err("it cannot be built").to_string()
    };
    let error = told(SYSTEM, &["restoration.kind=jukebox", "caches.l2=none"]);
    assert!(
        error.contains("restoration.kind: jukebox brings lines into the second level"),
        "{error}"
    );
    let error = told(SYSTEM, &["restoration.kind=gramophone"]);
    assert!(error.contains("restoration") && error.contains("jukebox"), "{error}");
    let error = told(SYSTEM, &["restoration.kind=jukebox", "restoration.crrb=3"]);
    assert!(error.contains("restoration.crrb"), "{error}");
    let error = told("simple", &["restoration.kind=perfect_front_end"]);
    assert!(error.contains("out_of_order"), "{error}");
    let system = system::load("simple", &["restoration.kind=perfect_l1i".to_owned()]);
    let text = system.expect("an in-order core can have it").effective_toml();
    assert!(text.contains("[restoration]\nkind = \"perfect_l1i\" # --set"), "{text}");
}
