//! The HTML report on made-up results: what its charts show, and that nothing in results can harm it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod browser;
mod study;

use report::html::{Digest, LeftOut, Report, html_report};
use report::model::State;
use study::{COMMIT, Study, study};

fn report(runs: &[Study]) -> Report {
    let digests: Vec<Digest> = runs.iter().map(Study::digest).collect();
    html_report("made up", &digests, &[])
}

/// The rows of a chart's data, without the title.
fn rows(report: &Report, name: &str) -> Vec<Vec<String>> {
    let chart = report.charts.iter().find(|(file, _)| file == name);
    let (_, text) = chart.unwrap_or_else(|| {
        panic!("no {name} in {:?}", report.charts.iter().map(|(file, _)| file).collect::<Vec<_>>())
    });
    text.lines().skip(1).map(cells).collect()
}

/// The cells of a line; a quote is around a cell with a comma in it.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut is_quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            c => cells.last_mut().unwrap().push(c),
        }
    }
    cells
}

/// The value of the row that begins with these cells.
fn value(rows: &[Vec<String>], cells: &[&str]) -> f64 {
    let row = rows.iter().find(|row| row.iter().zip(cells).all(|(a, b)| a == b));
    row.unwrap_or_else(|| panic!("no {cells:?} in {rows:?}")).last().unwrap().parse().unwrap()
}

#[track_caller]
fn is(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn a_cpi_stack_has_the_mean_of_each_part_and_of_all_functions() {
    let runs = [
        Study::new("f", "s", State::Warm, &[1000, 3000]),
        Study::new("g", "s", State::Warm, &[4000]),
    ];
    let rows = rows(&report(&runs), "cpi-commit-s.csv");
    // CPI 2 and 4, of which 25 and 4 + 1 hundredths.
    is(value(&rows, &["f", "warm", "instructions commit"]), 0.5);
    is(value(&rows, &["g", "warm", "oldest: executes"]), 0.2);
    is(value(&rows, &["mean", "warm", "instructions commit"]), 0.75);
    let of_f = rows.iter().filter(|row| row[0] == "f").map(|row| row[3].parse::<f64>().unwrap());
    is(of_f.sum(), 2.0);
    assert_eq!(COMMIT.iter().map(|(_, part)| part).sum::<u32>(), 100, "nothing is other");
}

#[test]
fn a_cause_that_no_part_has_is_other() {
    let mut run = Study::new("f", "s", State::Warm, &[1500]).run();
    let own = &mut run.invocations[0].harts[0].statistics;
    own.ratio("out_of_order.cpi_commit.new_cause", Some(0.5), "");
    // At dispatch one is lost: what is left of the CPI of 1.5 is the rest.
    own.ratio("out_of_order.cpi_dispatch_lost.rob_full", Some(0.0), "");
    let digest = Digest::new("results", &run, &Default::default(), Vec::new());
    let report = html_report("", &[digest], &[]);
    is(value(&rows(&report, "cpi-commit-s.csv"), &["f", "warm", "other"]), 0.5);
    // It was 9 hundredths.
    is(value(&rows(&report, "cpi-dispatch-s.csv"), &["f", "warm", "other"]), 0.135);
    is(value(&rows(&report, "cpi-top-down-s.csv"), &["f", "warm", "other"]), 0.135);
}

#[test]
fn restored_lines_are_covered_or_over_predicted() {
    let mut run = Study::new("f", "s", State::Lukewarm, &[1500]).run();
    let statistics = &mut run.invocations[0].statistics;
    for (name, lines) in [("lines", 30), ("used", 25), ("uncovered", 4)] {
        statistics.count(format!("restored.{name}"), lines);
    }
    let digest = Digest::new("results", &run, &Default::default(), Vec::new());
    let report = html_report("", &[digest, Study::new("g", "s", State::Warm, &[1]).digest()], &[]);
    let rows = rows(&report, "restored-s.csv");
    // Of 1000 instructions.
    for (part, lines) in [("covered", 25.0), ("uncovered", 4.0), ("over-predicted", 5.0)] {
        is(value(&rows, &["f", "lukewarm (flush), every 10 ms", part]), lines);
    }
    assert_eq!(rows.len(), 3, "the other has no unit");
}

#[test]
fn layers_are_shown_where_they_were_told_apart() {
    let mut profiled = Study::new("f", "s", State::Warm, &[4000]);
    profiled.layers = vec![("function".to_owned(), 1000), ("kernel_network".to_owned(), 3000)];
    let report = report(&[profiled, Study::new("g", "s", State::Warm, &[4000])]);
    let (share, cpi) = (rows(&report, "layers-share-s.csv"), rows(&report, "layers-cpi-s.csv"));
    is(value(&share, &["f", "warm", "function"]), 25.0);
    is(value(&share, &["f", "warm", "kernel: network"]), 75.0);
    is(value(&cpi, &["f", "warm", "kernel: network"]), 3.0);
    assert!(!cpi.iter().any(|row| row[0] == "g"), "not profiled");
}

#[test]
fn runs_that_differ_in_the_seed_are_one_column_and_payloads_are_not() {
    let run = |seed, cycles: &[u64]| Study { seed, ..Study::new("f", "s", State::Warm, cycles) };
    let mut other = run(3, &[9000]);
    other.command = ["vswarm-u", "run", "f", "--payload", "big"].map(str::to_owned).into();
    let rows = rows(&report(&[run(1, &[1000]), run(2, &[3000]), other]), "cpi-privilege-s.csv");
    // Three quarters of the cycles are in user mode.
    is(value(&rows, &["f", "warm", "user mode"]), 1.5);
    is(value(&rows, &["f big", "warm", "user mode"]), 6.75);
}

#[test]
fn the_speed_up_of_a_unit_is_against_the_same_run_without_it() {
    let of = |function: &str, state, cycles| Study::new(function, "s", state, &[cycles]);
    let jukebox = |run: Study| run.with("restoration.kind", "jukebox");
    let mut none = of("h", State::Lukewarm, 100);
    none.set.push(("restoration.kind".to_owned(), "none".to_owned()));
    let runs = [
        of("f", State::Warm, 1000),
        of("f", State::Lukewarm, 2000),
        jukebox(of("f", State::Lukewarm, 1600)),
        of("g", State::Lukewarm, 2250),
        jukebox(of("g", State::Lukewarm, 1250)),
        jukebox(of("g", State::Warm, 1)),
        none,
        of("h", State::Lukewarm, 50).with("core.rob", "512"),
    ];
    let rows = rows(&report(&runs), "speed-up-s.csv");
    let unit = "lukewarm, jukebox";
    is(value(&rows, &["f", unit]), 25.0);
    is(value(&rows, &["g", unit]), 80.0);
    // The root of 1.25 * 1.8 is 1.5.
    is(value(&rows, &["geometric mean", unit]), 50.0);
    is(value(&rows, &["h", "lukewarm, core.rob=512"]), 100.0);
    assert!(!rows.iter().any(|row| row[0] == "g" && row[1].starts_with("warm")), "no baseline");
}

#[test]
fn an_override_and_a_unit_are_compared_with_the_same_override() {
    let of = |cycles| Study::new("f", "s", State::Warm, &[cycles]);
    let runs = [
        of(900),
        of(800).with("core.rob", "512"),
        of(400)
            .with("core.rob", "512")
            .with("restoration.kind", "jukebox")
            .with("restoration.kib", "8"),
    ];
    let rows = rows(&report(&runs), "speed-up-s.csv");
    is(value(&rows, &["f", "warm, jukebox kib=8 core.rob=512"]), 100.0);
    is(value(&rows, &["f", "warm, core.rob=512"]), 12.5);
}

#[test]
fn lines_are_kib_and_the_first_invocation_has_nothing_in_common() {
    let report = report(&[Study::new("f", "s", State::Warm, &[10, 20, 30])]);
    let footprint = rows(&report, "footprint-s.csv");
    is(value(&footprint, &["f", "warm", "instructions"]), 300.0);
    is(value(&footprint, &["f", "warm", "data"]), 100.0);
    let common: Vec<String> =
        rows(&report, "jaccard-instructions-s.csv").iter().map(|row| row.join(" ")).collect();
    assert_eq!(common, ["f warm 0 0.97", "f warm 1 0.96"]);
    let latency = rows(&report, "latency-s.csv");
    // 400 ns a cycle, in milliseconds.
    is(value(&latency, &["f", "warm", "2"]), 0.012);
}

#[test]
fn what_a_system_does_not_count_has_no_chart() {
    let mut run = Study::new("f", "simple", State::Warm, &[1000]);
    run.out_of_order = false;
    let report = report(&[run]);
    let names: Vec<&str> = report.charts.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["cpi-privilege-simple.svg", "mpki-l2-simple.svg", "latency-simple.csv"] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    for kind in ["cpi-commit", "top-down", "footprint", "jaccard", "speed-up", "mpki-btb"] {
        assert!(!names.iter().any(|name| name.starts_with(kind)), "{kind} in {names:?}");
    }
    // Kinds of branches are not told apart: all are one.
    is(value(&rows(&report, "mpki-branch-simple.csv"), &["f", "warm", "all kinds"]), 10.0);
}

#[test]
fn labels_say_how_state_was_lost_only_where_that_differs() {
    let column = |report: &Report| {
        let svg = &report.charts.iter().find(|(name, _)| name == "cpi-commit-s.svg").unwrap().1;
        svg.contains(">lukewarm (flush=btb)<")
    };
    let mut runs = vec![Study::new("f", "s", State::Lukewarm, &[1000]).digest()];
    assert!(!column(&html_report("", &runs, &[])));
    let mut other = Study::new("f", "s", State::Lukewarm, &[1000]).run();
    other.between.lukewarm = Some("flush=btb".to_owned());
    runs.push(Digest::new("other", &other, &Default::default(), Vec::new()));
    assert!(column(&html_report("", &runs, &[])));
}

#[test]
fn runs_of_one_name_and_other_values_are_not_pooled() {
    let of = |cycles, rob: &str| {
        let run = Study::new("f", "mine.toml", State::Warm, &[cycles]).run();
        let configuration = [("core.rob".to_owned(), rob.to_owned())].into();
        Digest::new("results", &run, &configuration, Vec::new())
    };
    let report = html_report("", &[of(2000, "224"), of(1000, "512"), of(4000, "224")], &[]);
    let rows = rows(&report, "cpi-privilege-mine-toml.csv");
    is(value(&rows, &["f", "warm", "user mode"]), 2.25);
    is(value(&rows, &["f", "warm #2", "user mode"]), 0.75);
}

#[test]
fn systems_whose_names_look_alike_have_files_of_their_own() {
    let runs = [
        Study::new("f", "my system", State::Warm, &[1000]),
        Study::new("f", "my/system", State::Warm, &[1000]),
    ];
    let report = report(&runs);
    let mut names: Vec<&str> = report.charts.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"latency-my-system.svg") && names.contains(&"latency-my-system-2.svg"));
    assert!(
        names
            .iter()
            .all(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)))
    );
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// What would be harmful in a page, as a name.
const HOSTILE: &str =
    "\"'><script>alert(1)</script><img src=x onerror=alert(2)></title></style>]]>";

#[test]
fn names_cannot_become_markup() {
    let mut run =
        Study::new(HOSTILE, HOSTILE, State::Lukewarm, &[1000, 2000]).with(HOSTILE, HOSTILE);
    run.name = HOSTILE.to_owned();
    run.command = ["--payload", HOSTILE].map(str::to_owned).into();
    let plain = Study { set: Vec::new(), ..run.clone() };
    let left_out = LeftOut { name: HOSTILE.to_owned(), reason: HOSTILE.to_owned() };
    let mut with_version = run.run();
    with_version.manifest.version = HOSTILE.to_owned();
    let digests = [
        run.digest(),
        plain.digest(),
        Digest::new(HOSTILE, &with_version, &Default::default(), Vec::new()),
    ];
    let Report { html, charts } = html_report(HOSTILE, &digests, &[left_out]);
    assert!(charts.iter().any(|(name, _)| name.starts_with("speed-up")), "all kinds of charts");
    let pictures = charts.iter().filter(|(name, _)| name.ends_with(".svg")).map(|(_, text)| text);
    for text in pictures.chain([&html]) {
        assert!(text.contains("&lt;script&gt;alert(1)"), "the name is there");
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "{text}");
        assert!(!text.contains(HOSTILE));
    }
    assert_eq!(html.matches("<script").count(), 1, "our own");
    assert_eq!(html.matches("</title>").count(), html.matches("<title").count());
}

#[test]
fn the_document_needs_nothing_from_outside() {
    let Report { html, charts } = report(&study());
    for text in charts.iter().map(|(_, text)| text).chain([&html]) {
        let text = text.replace("http://www.w3.org/2000/svg", "");
        for reference in ["http:", "https:", "//", "@import", "url(", " src=", "<link rel=\"style"]
        {
            let found = text.match_indices(reference).find(|(at, _)| {
                // A comment of our script.
                !text[..*at].ends_with("    ") || reference != "//"
            });
            assert!(
                found.is_none(),
                "{reference} in {:?}",
                found.map(|(at, _)| &text[at..at + 40])
            );
        }
    }
}

#[test]
fn the_same_runs_give_the_same_bytes_and_their_order_moves_no_chart() {
    let (runs, mut turned) = (study(), study());
    turned.reverse();
    assert_eq!(report(&runs), report(&runs));
    assert_eq!(report(&runs).charts, report(&turned).charts);
}

#[test]
fn a_run_without_a_good_invocation_is_in_the_table_and_in_no_chart() {
    let mut run = Study::new("f", "s", State::Warm, &[1000]).run();
    run.invocations = run.invocations.into_iter().map(|one| one.failed("no reply")).collect();
    let digest = Digest::new("results-of-f", &run, &Default::default(), Vec::new());
    let Report { html, charts } = html_report("", &[digest], &[]);
    assert!(
        html.contains("<td>results-of-f</td>") && html.contains("class=\"n bad\" data-key=\"1\"")
    );
    assert_eq!(charts, []);
}
