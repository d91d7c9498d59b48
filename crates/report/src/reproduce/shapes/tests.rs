//! Made-up runs whose values follow from what they are made of.

use super::super::results::Cell;
use super::*;
use crate::model::{Between, HartWindow, Invocation, Manifest, Run, SCHEMA, Statistics};

/// What a made-up run is made of.
#[derive(Clone, Copy)]
struct Made {
    cycles: u64,
    /// Misses of the second level per 1000 instructions: instructions, data.
    l2: [f64; 2],
    lines: u64,
    jaccard: f64,
    /// Shares of the slots, in the order of [`Component::ALL`].
    slots: [f64; 5],
}

const INSTRUCTIONS: u64 = 1000;

const WARM: Made = Made {
    cycles: 1000,
    l2: [5.0, 2.0],
    lines: 8000, // 500 KiB
    jaccard: 0.95,
    slots: [0.3, 0.3, 0.1, 0.1, 0.2],
};

/// Twice the CPI; fetch latency goes from 0.3 to 1.0, no other part by more than 0.1.
const LUKEWARM: Made =
    Made { cycles: 2000, l2: [50.0, 20.0], slots: [0.15, 0.5, 0.1, 0.1, 0.15], ..WARM };

fn invocation(index: u64, made: Made) -> Invocation {
    let mut own = Statistics::default();
    own.count("footprint.instruction.lines", made.lines);
    own.ratio("footprint.instruction.jaccard", Some(made.jaccard), "");
    let paths =
        ["retiring", "frontend_latency", "frontend_bandwidth", "bad_speculation", "backend"];
    for (path, share) in paths.into_iter().zip(made.slots) {
        own.ratio(format!("out_of_order.topdown_{path}"), Some(share), "");
    }
    let mut shared = Statistics::default();
    shared.ratio("l2.instruction_mpki", Some(made.l2[0]), "");
    shared.ratio("l2.data_mpki", Some(made.l2[1]), "");
    let hart = HartWindow {
        hart: 1,
        cycles: made.cycles,
        instructions: INSTRUCTIONS,
        user_cycles: made.cycles,
        user_instructions: INSTRUCTIONS,
        statistics: own,
        ..HartWindow::default()
    };
    Invocation::measured(index, 1, serde_json::Value::Null, 1, vec![hart], shared).unwrap()
}

fn run(function: &str, system: &str, state: State, made: &[Made]) -> Run {
    let numbered = made.iter().enumerate();
    let invocations: Vec<_> = numbered.map(|(n, made)| invocation(n as u64, *made)).collect();
    Run {
        schema: SCHEMA,
        function: function.to_owned(),
        system: system.to_owned(),
        state,
        between: Between::default(),
        seed: 1,
        summary: crate::summarize(&invocations),
        invocations,
        manifest: Manifest { schema: SCHEMA, ..Manifest::default() },
    }
}

fn plain(runs: &[Run]) -> Results<'_> {
    Results(runs.iter().map(|run| Cell { variant: None, run }).collect())
}

const BROADWELL: &str = "jukebox-broadwell";

/// The verdicts on one function on the Broadwell-like system.
fn verdicts(warm: Made, luke: Made) -> Vec<Verdict> {
    let runs = [
        run("fibonacci-go", BROADWELL, State::Warm, &[warm]),
        run("fibonacci-go", BROADWELL, State::Lukewarm, &[luke]),
    ];
    let checks = shapes(Study::Lukewarm, &plain(&runs)).unwrap();
    checks[..5].iter().map(|check| check.verdict).collect()
}

use Verdict::{Fail, NotMeasured, Pass};

#[test]
fn results_of_the_published_shape_pass() {
    assert_eq!(verdicts(WARM, LUKEWARM), [Pass; 5]);
}

#[test]
fn each_shape_fails_alone() {
    // 1.6 and 2.7 times.
    let quick = Made { cycles: 1600, slots: [0.2, 0.5, 0.1, 0.1, 0.1], ..LUKEWARM };
    assert_eq!(verdicts(WARM, quick), [Fail, Pass, Pass, Pass, Pass]);
    let slow = Made { cycles: 2700, ..LUKEWARM };
    assert_eq!(verdicts(WARM, slow), [Fail, Pass, Pass, Pass, Pass]);
    let data = Made { l2: [20.0, 20.5], ..LUKEWARM };
    assert_eq!(verdicts(WARM, data), [Pass, Fail, Pass, Pass, Pass]);
    // The back end goes from 0.2 to 1.0, fetch latency from 0.3 to 0.5.
    let behind = Made { slots: [0.15, 0.25, 0.05, 0.05, 0.5], ..LUKEWARM };
    assert_eq!(verdicts(WARM, behind), [Pass, Pass, Fail, Pass, Pass]);
    let small = Made { lines: 1500, ..LUKEWARM }; // 94 KiB
    assert_eq!(verdicts(WARM, small), [Pass, Pass, Pass, Fail, Pass]);
    let large = Made { lines: 16_100, ..LUKEWARM }; // 1006 KiB
    assert_eq!(verdicts(WARM, large), [Pass, Pass, Pass, Fail, Pass]);
    let other = Made { jaccard: 0.9, ..LUKEWARM };
    assert_eq!(verdicts(WARM, other), [Pass, Pass, Pass, Pass, Fail]);
}

/// A core with fetch-directed prefetching: hardly a fetch misses the second level, but 60 prefetches do, of which the
/// data prefetcher may have asked for 15.
#[test]
fn prefetches_for_code_are_misses_of_the_caches_below() {
    let mut runs = [
        run("fibonacci-go", BROADWELL, State::Warm, &[WARM]),
        run("fibonacci-go", BROADWELL, State::Lukewarm, &[Made { l2: [1.0, 20.0], ..LUKEWARM }]),
    ];
    let own = &mut runs[1].invocations[0].harts[0].statistics;
    own.count("l1i.prefetch.issued", 80);
    own.count("l1d.prefetch.issued", 15);
    own.count("l2.prefetch.misses", 60);
    let checks = shapes(Study::Lukewarm, &plain(&runs)).unwrap();
    assert_eq!(checks[1].ours, "at least 2.30 times", "(1 + 60 - 15) / 20");
    assert_eq!(checks[1].verdict, Pass);
}

#[test]
fn the_first_of_several_invocations_does_not_count() {
    let runs = [
        run("fibonacci-go", BROADWELL, State::Warm, &[Made { cycles: 9999, ..WARM }, WARM]),
        run("fibonacci-go", BROADWELL, State::Lukewarm, &[WARM, LUKEWARM]),
    ];
    let checks = shapes(Study::Lukewarm, &plain(&runs)).unwrap();
    assert_eq!(checks[0].ours, "2.00");
}

#[test]
fn what_is_missing_is_not_measured() {
    let only_warm = [run("fibonacci-go", BROADWELL, State::Warm, &[WARM])];
    let checks = shapes(Study::Lukewarm, &plain(&only_warm)).unwrap();
    assert!(checks.iter().all(|check| check.verdict == NotMeasured), "{checks:?}");
    for study in Study::ALL {
        let checks = shapes(study, &Results::default()).unwrap();
        assert!(!checks.is_empty());
        assert!(checks.iter().all(|check| check.verdict == NotMeasured), "{checks:?}");
    }
}

#[test]
fn a_failed_run_is_not_measured() {
    let mut runs = [
        run("fibonacci-go", BROADWELL, State::Warm, &[WARM]),
        run("fibonacci-go", BROADWELL, State::Lukewarm, &[LUKEWARM]),
    ];
    let failed = runs[1].invocations.remove(0).failed("no answer");
    runs[1].invocations.push(failed);
    runs[1].summary = crate::summarize(&runs[1].invocations);
    assert_eq!(shapes(Study::Lukewarm, &plain(&runs)).unwrap()[0].verdict, NotMeasured);
}

/// Lukewarm runs with the cycles given for each function and variant.
fn restored(system: &str, cycles: &[(&str, &'static str, u64)]) -> Vec<(&'static str, Run)> {
    let one = |(function, variant, cycles): &(&str, &'static str, u64)| {
        let made = Made { cycles: *cycles, ..LUKEWARM };
        (*variant, run(function, system, State::Lukewarm, &[made]))
    };
    cycles.iter().map(one).collect()
}

fn checks(study: Study, runs: &[(&'static str, Run)]) -> Vec<Check> {
    let cell = |(variant, run)| Cell { variant: Some(variant), run };
    let cells = runs.iter().map(|(variant, run)| cell((*variant, run))).collect();
    shapes(study, &Results(cells)).unwrap()
}

#[test]
fn jukebox_gains_by_language_are_compared() {
    let system = "jukebox-skylake";
    let runs = |go, python, perfect| {
        restored(
            system,
            &[
                ("fibonacci-go", "none", 2000),
                ("fibonacci-go", "jukebox", go),
                ("fibonacci-go", "perfect_l1i", perfect),
                ("fibonacci-python", "none", 2000),
                ("fibonacci-python", "jukebox", python),
                ("fibonacci-python", "perfect_l1i", perfect),
            ],
        )
    };
    let verdicts = |runs: &[_]| -> Vec<Verdict> {
        checks(Study::Jukebox, runs).iter().map(|check| check.verdict).collect()
    };
    // 25 % and 11 %; perfect 33 %.
    assert_eq!(verdicts(&runs(1600, 1800, 1500)), [Pass, Pass, Pass]);
    assert_eq!(verdicts(&runs(1800, 1600, 1500)), [Fail, Pass, Pass]);
    assert_eq!(verdicts(&runs(1600, 1800, 1900)), [Pass, Fail, Pass]);
    assert_eq!(verdicts(&runs(1600, 2020, 1500)), [Pass, Pass, Fail]);
    // Slower by a quarter of a percent: noise.
    assert_eq!(verdicts(&runs(1600, 2005, 1500)), [Pass, Pass, Pass]);
}

#[test]
fn ignite_gains_are_compared_with_those_of_jukebox() {
    let runs = |ignite| {
        restored(
            "ignite-icelake",
            &[
                ("fibonacci-go", "next_line", 1200),
                ("fibonacci-go", "jukebox", 1000),
                ("fibonacci-go", "fdip", 1100),
                ("fibonacci-go", "ignite", ignite),
                ("fibonacci-go", "perfect_front_end", 700),
            ],
        )
    };
    // 20 % and 50 %: 2.5 times.
    let good = checks(Study::Ignite, &runs(800));
    assert_eq!(good[0].ours, "50.0 % / 20.0 % = 2.50");
    assert!(good.iter().all(|check| check.verdict == Pass), "{good:?}");
    // 20 % and 33 %: 1.67 times.
    assert_eq!(checks(Study::Ignite, &runs(900))[0].verdict, Fail);
    // Slower than without.
    let slower = checks(Study::Ignite, &runs(1110));
    assert_eq!(slower[3].verdict, Fail);
    assert!(slower[3].ours.contains("fibonacci-go, ignite"), "{slower:?}");
}

#[test]
fn values_stand_beside_the_published_ones() {
    use crate::reproduce::{markdown, text, validate};
    let runs = [
        run("fibonacci-go", BROADWELL, State::Warm, &[WARM]),
        run("fibonacci-go", BROADWELL, State::Lukewarm, &[LUKEWARM]),
    ];
    let validation = validate(Study::Lukewarm, &plain(&runs)).unwrap();
    let costs = &validation.tables[0];
    assert_eq!(costs.rows.len(), 1, "only what has results");
    assert_eq!(costs.rows[0].label, "Fib-G");
    let ratio = costs.rows[0].values[2];
    assert_eq!(ratio.ours, Some(2.0));
    // Fig. 2 has 1.28 and 2.59.
    assert!((ratio.published.unwrap() - 2.59 / 1.28).abs() < 1e-9);
    let shown = text(&validation);
    assert!(shown.contains("2.00 (2.02)"), "{shown}");
    assert!(shown.contains("500 (363)"), "8000 lines of 64 bytes: {shown}");
    let page = markdown(&validation);
    assert!(page.contains("| fibonacci-go | 1.00 (1.28) | 2.00 (2.59) |"), "{page}");
    assert!(page.contains("- CPI warm: Fig. 2, Broadwell server, back-to-back"), "{page}");
    let document = crate::reproduce::document(&validation);
    assert_eq!(document["tables"][0]["rows"][0]["values"]["cpi_ratio"]["ours"], 2.0);
    assert_eq!(document["summary"]["pass"], 5);
    assert_eq!(document["summary"]["not_measured"], 5);
}
