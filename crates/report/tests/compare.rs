//! Two runs side by side, against sums done by hand.

mod support;

use report::model::{Between, Run, State, Value};
use report::{Configuration, Side, compare, comparison_table};
use support::{catalogue, run};

/// The first invocation of the run alone, said to be lukewarm, with twice the misses.
fn lukewarm() -> Run {
    let mut lukewarm = run();
    lukewarm.invocations.truncate(1);
    lukewarm.state = State::Lukewarm;
    lukewarm.between = Between {
        lukewarm: Some("flush".to_owned()),
        inter_arrival_ns: Some(10_000_000),
        ..Between::default()
    };
    let values = &mut lukewarm.invocations[0].statistics.values;
    values.insert("l1i.mpki".to_owned(), Value::Real(8.0));
    lukewarm.summary = report::summarize(&lukewarm.invocations);
    lukewarm
}

/// The whole run, as it is read from its files.
fn warm() -> Run {
    let mut warm = run();
    for (one, mpki) in warm.invocations.iter_mut().zip([3.0, 5.0, 100.0]) {
        one.statistics.values.insert("l1i.mpki".to_owned(), Value::Real(mpki));
    }
    let files = (report::stats_json(&warm, &catalogue()), report::manifest_json(&warm.manifest));
    report::read(&files.0, &files.1).expect("what was written can be read").0
}

#[test]
fn means_of_what_succeeded_stand_side_by_side() {
    let (warm, lukewarm) = (warm(), lukewarm());
    let configuration = Configuration::new();
    let side = |name, run| Side { name, run, configuration: &configuration };
    let compared = compare([side("a", &warm), side("b", &lukewarm)]);
    let row = |name: &str| {
        let mut rows = compared.summary.iter().chain(&compared.events);
        rows.find(|row| row.name == name).map(|row| (row.a, row.b))
    };
    // 900 and 720 thousand cycles of 600 thousand instructions each; the third invocation failed.
    assert_eq!(row("cycles"), Some((Some(810_000.0), Some(900_000.0))));
    assert_eq!(row("instructions"), Some((Some(600_000.0), Some(600_000.0))));
    assert_eq!(row("CPI"), Some((Some(1.35), Some(1.5))));
    assert_eq!(row("latency us"), Some((Some(450.0), Some(400.0))));
    assert_eq!(row("L1I"), Some((Some(4.0), Some(8.0))));
    assert_eq!(compared.cpi_stack, [], "the core has none");
    let differing = compared.statistics.iter().find(|row| row.name == "l1i.mpki");
    assert_eq!(differing.map(|row| (row.a, row.b)), Some((Some(4.0), Some(8.0))));

    let text = comparison_table(&compared, false);
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert_eq!(
        line("B "),
        "B  b: fibonacci-python on simple, lukewarm (flush), a request every 10 ms, seed 7, 1 of 1 invocations"
    );
    assert!(line("A ").ends_with("seed 7, 2 of 3 invocations"), "{text}");
    let words = |start: &str| line(start).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words("CPI"), "CPI 1.350 1.500 1.111");
    assert_eq!(words("L1I"), "L1I 4.000 8.000 4.000");
    assert!(text.contains("\nThe configuration is the same.\n"));
    assert!(!text.contains("statistics that differ"));
    assert!(comparison_table(&compared, true).contains("\nstatistics that differ "));
}
