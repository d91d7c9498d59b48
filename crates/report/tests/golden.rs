//! Every output of a small run, against texts written by hand.

mod support;

use report::{books::imbalances, model::SCHEMA};
use support::{catalogue, run};

#[track_caller]
fn assert_text(ours: &str, expected: &str) {
    for (number, (ours, expected)) in ours.lines().zip(expected.lines()).enumerate() {
        assert_eq!(ours, expected, "line {}", number + 1);
    }
    assert_eq!(ours, expected);
}

#[test]
fn the_table_has_a_line_for_each_invocation_and_a_summary() {
    assert_text(&report::table(&run()), include_str!("golden/table.txt"));
}

#[test]
fn a_run_without_miss_rates_or_instructions_has_a_table_without_numbers() {
    let mut run = run();
    run.invocations.truncate(1);
    let one = &mut run.invocations[0];
    one.statistics.values.clear();
    (one.instructions, one.cpi) = (0, None);
    one.harts[1].cycles = 0;
    run.summary = report::summarize(&run.invocations);
    assert_text(&report::table(&run), include_str!("golden/table-without-numbers.txt"));
}

#[test]
fn statistics_are_written_in_gem5s_line_format() {
    assert_text(&report::stats_txt(&run(), &catalogue()), include_str!("golden/stats.txt"));
}

#[test]
fn invocations_are_rows_of_quoted_cells() {
    assert_text(&report::invocations_csv(&run()), include_str!("golden/invocations.csv"));
}

#[test]
fn the_json_document_has_the_promised_keys_in_order() {
    assert_text(&report::run_json(&run()), include_str!("golden/run.json"));
}

#[test]
fn the_fixture_adds_up() {
    assert_eq!(imbalances(&run(), &catalogue()), []);
}

#[test]
fn the_two_files_of_a_run_read_back_as_it_was() {
    let (run, catalogue) = (run(), catalogue());
    let stats = report::stats_json(&run, &catalogue);
    let manifest = report::manifest_json(&run.manifest);
    assert_eq!(report::read(&stats, &manifest).expect("both are sound"), (run, catalogue));
}

#[test]
fn damaged_and_foreign_files_are_refused_with_advice() {
    let run = run();
    let stats = report::stats_json(&run, &catalogue());
    let manifest = report::manifest_json(&run.manifest);
    let error = |stats: &str, manifest: &str| {
        report::read(stats, manifest).expect_err("one is unsound").to_string()
    };
    assert!(error(&stats[..stats.len() / 2], &manifest).starts_with("reading stats.json: EOF"));
    assert!(error(&stats, "{}").starts_with("reading manifest.json: missing field `schema`"));
    let newer = stats.replacen("\"schema\": 1", "\"schema\": 2", 1);
    let expected = format!(
        "reading stats.json: it has schema 2 and this program reads schema {SCHEMA}; use the \
         version that wrote it, or run again"
    );
    assert_eq!(error(&newer, &manifest), expected);
}

#[test]
fn no_output_ever_says_nan_or_infinity() {
    let mut run = run();
    let statistics = &mut run.invocations[0].statistics;
    statistics.values.insert("bad.mpki".to_owned(), report::model::Value::Real(f64::NAN));
    statistics.values.insert("bad.rate".to_owned(), report::model::Value::Real(f64::INFINITY));
    statistics.ratio("bad.ratio", Some(f64::NAN), "zero over zero");
    run.invocations[0].cpi = Some(f64::NAN);
    run.summary = report::summarize(&run.invocations);
    let outputs = [
        report::table(&run),
        report::stats_txt(&run, &catalogue()),
        report::invocations_csv(&run),
        report::run_json(&run),
        report::stats_json(&run, &catalogue()),
    ];
    for output in outputs {
        let lower = output.to_lowercase();
        assert!(!lower.contains("nan") && !lower.contains("inf"), "{output}");
    }
}
