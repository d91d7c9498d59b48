//! Appendices of made-up results.

use super::*;
use crate::model::{Host, Spread, Summary};
use crate::reproduce::{Check, Verdict};

fn host(preparing: Option<f64>) -> Host {
    Host {
        wall_seconds: Some(100.0),
        preparing_seconds: preparing,
        processor_seconds: Some(90.0),
        peak_resident_bytes: Some(3 << 29),
        processor: Some("A Processor".to_owned()),
        ..Host::default()
    }
}

fn run(function: &str, host: Host) -> Measured {
    let spread = |mean| Some(Spread { mean, min: mean - 1.0, max: mean + 1.0, geomean: None });
    let command = ["/tmp/v5", "run", function, "--system=skylake", "--payload={\"name\":\"it's\"}"];
    Measured {
        place: format!("points/{function}"),
        function: function.to_owned(),
        system: "skylake".to_owned(),
        state: "lukewarm (flush)".to_owned(),
        seed: 1,
        command: command.map(str::to_owned).into(),
        version: "0.1.0".to_owned(),
        git_revision: None,
        guest: [("guest", "aa11"), ("image", "sha256:bb22")]
            .map(|(name, hash)| (name.to_owned(), hash.to_owned()))
            .into(),
        packages: 69,
        summary: Summary { invocations: 10, cpi: spread(2.5), ..Summary::default() },
        host,
    }
}

fn facts(parts: Vec<Part>) -> Facts {
    let folder = |name: &str, bytes| Folder { name: name.to_owned(), bytes };
    Facts {
        results: "results".to_owned(),
        program: Program {
            version: "0.1.0".to_owned(),
            sources: "c0ffee".to_owned(),
            rust: "1.91".to_owned(),
            licence: "MIT".to_owned(),
        },
        machine: Machine {
            processor: Some("Another".to_owned()),
            processors: Some(2),
            memory_bytes: Some(8 << 30),
            system: Some("Debian 13".to_owned()),
        },
        disk: Disk {
            state: vec![folder("guest", 1 << 20), folder("snapshots", 5 << 30)],
            runs_bytes: 2048,
            tables_bytes: 1024,
        },
        choices: Choices {
            systems: vec!["simple".to_owned()],
            functions: vec!["f".to_owned(); 21],
            restoration_units: vec!["jukebox".to_owned()],
        },
        parts,
        left_out: Vec::new(),
    }
}

fn runs(hosts: Vec<Host>) -> Facts {
    let runs = hosts.into_iter().enumerate().map(|(n, host)| run(&format!("f{n}"), host)).collect();
    facts(vec![Part { folder: String::new(), origin: Origin::Runs, runs, validation: None }])
}

fn study() -> Facts {
    let check = |shape: &str, verdict| Check {
        shape: shape.to_owned(),
        expected: "1.7 to 2.6".to_owned(),
        ours: "2.03".to_owned(),
        verdict,
    };
    let checks = vec![check("CPI ratio", Verdict::Pass), check("gain", Verdict::NotMeasured)];
    let validation = Validation { study: Study::Lukewarm, tables: Vec::new(), checks };
    let origin = Origin::Study {
        study: Study::Lukewarm,
        full: true,
        description: "What lost state costs".to_owned(),
        points: 80,
    };
    let runs = vec![run("f", host(Some(40.0)))];
    facts(vec![Part { folder: "lukewarm".to_owned(), origin, runs, validation: Some(validation) }])
}

/// The line of the check-list that begins with `what`.
fn line(text: &str, what: &str) -> String {
    let start = format!("- **{what}");
    text.lines().find(|line| line.starts_with(&start)).unwrap().to_owned()
}

#[test]
fn it_has_the_sections_of_the_template_in_their_order() {
    let text = appendix(&study());
    let found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## A.")).collect();
    let expected = [
        "1 Abstract",
        "2 Artifact check-list (meta-information)",
        "3 Description",
        "4 Installation",
        "5 Experiment workflow",
        "6 Evaluation and expected results",
        "7 Experiment customization",
        "8 Notes",
        "9 Methodology",
    ];
    assert_eq!(found, expected);
    assert!(text.starts_with(GENERATOR));
    assert_eq!(text, appendix(&study()), "the same facts give the same bytes");
}

#[test]
fn what_was_measured_is_added_up_over_the_runs_that_tell_it() {
    let text = appendix(&runs(vec![host(Some(40.0)), host(None), Host::default()]));
    let memory = line(&text, "How much memory");
    assert!(memory.contains("1.5 GiB at most") && memory.contains("2 of 3 runs"), "{memory}");
    let prepare = line(&text, "How much time is needed to prepare");
    assert!(prepare.contains("40.0 s in all") && prepare.contains("1 of 3 runs"), "{prepare}");
    let complete = line(&text, "How much time is needed to complete");
    for part in [
        "3 min 20 s if",
        "1 min 40 s at most",
        "2 of 3",
        "without preparing 60.0 s",
        "processor time 3 min 0 s",
    ] {
        assert!(complete.contains(part), "no {part:?} in {complete}");
    }
    let disk = line(&text, "How much disk");
    for part in ["state folder 5.0 GiB", "guest 1.0 MiB, snapshots 5.0 GiB", "results 3.0 KiB"] {
        assert!(disk.contains(part), "no {part:?} in {disk}");
    }
    assert!(line(&text, "Hardware").contains("measured on A Processor; "));
    assert!(text.contains("Not measured: wall time of 1 run;"), "{text}");
    assert!(text.contains("Not measured: the part of it that was preparing of 2 runs;"), "{text}");
}

#[test]
fn what_nothing_tells_is_said_not_to_have_been_measured() {
    let mut untold = runs(vec![Host::default()]);
    untold.disk.state.clear();
    untold.machine = Machine::default();
    let text = appendix(&untold);
    for what in [
        "How much memory",
        "How much time is needed to prepare",
        "How much time is needed to complete",
    ] {
        assert!(line(&text, what).contains("not measured"), "{text}");
    }
    assert!(line(&text, "How much disk").contains("state folder is not there"), "{text}");
    assert!(line(&text, "Hardware").contains("do not tell what processor"), "{text}");
    assert!(text.contains("a machine that does not describe itself"), "{text}");
    assert!(!text.contains("0.00 s") && !text.contains("NaN"), "{text}");
}

#[test]
fn a_study_has_its_command_its_shapes_and_how_much_of_it_is_there() {
    let text = appendix(&study());
    for part in [
        "vswarm-u reproduce lukewarm --full --out results/lukewarm\n",
        "First in short, for three functions:\n\n```sh\nvswarm-u reproduce lukewarm\n```\n",
        "1 of 80 points of the experiment has results",
        "2 shapes of the published results checked: 1 PASS, 0 FAIL, 1 not measured.",
        "| CPI ratio | 1.7 to 2.6 | 2.03 | PASS |",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn single_runs_have_their_commands_as_a_shell_takes_them() {
    let text = appendix(&runs(vec![host(None)]));
    let command = r#"vswarm-u run f0 --system=skylake '--payload={"name":"it'\''s"}'"#;
    assert!(text.contains(&format!("```sh\n{command}\n```")), "{text}");
    assert!(text.contains("| `points/f0` | f0 | skylake | lukewarm (flush), seed 1 | 10 | 2.500 (1.500 to 3.500) | - | - |"), "{text}");
    assert!(!text.contains("/tmp/v5"), "how the program was called is nobody's concern");
}

#[test]
fn a_sweep_of_a_file_that_is_not_known_lists_each_command_once() {
    let mut swept = runs(vec![host(None), host(None)]);
    swept.parts[0].origin = Origin::Sweep;
    let copy = swept.parts[0].runs[0].clone();
    swept.parts[0].runs.push(copy);
    let text = appendix(&swept);
    assert_eq!(text.matches("vswarm-u run f0").count(), 1, "{text}");
    assert!(text.contains("[the experiment's file]"), "{text}");
    assert!(line(&text, "Output").contains("results.parquet"), "{text}");
}

#[test]
fn the_document_has_the_same_figures() {
    let document = document(&study());
    assert_eq!(document["costs"]["wall_seconds"]["sum"], 100.0);
    assert_eq!(document["costs"]["measuring_seconds"]["max"], 60.0);
    assert_eq!(document["parts"][0]["origin"]["study"], "lukewarm");
    assert_eq!(document["parts"][0]["validation"]["summary"]["pass"], 1);
    assert_eq!(document["disk"]["state"][1]["bytes"], 5_u64 << 30);
    assert_eq!(document["parts"][0]["points"], 80);
}

#[test]
fn numbers_are_told_in_the_unit_that_fits() {
    let sizes =
        [(0.0, "0 bytes"), (1023.0, "1023 bytes"), (2048.0, "2.0 KiB"), (3e12, "2794.0 GiB")];
    for (value, text) in sizes {
        assert_eq!(units::bytes(value), text);
    }
    let times = [
        (0.04, "0.04 s"),
        (99.0, "99.0 s"),
        (100.0, "1 min 40 s"),
        (7229.0, "2 h 0 min"),
        (7231.0, "2 h 1 min"),
    ];
    for (value, text) in times {
        assert_eq!(units::time(value), text);
    }
    assert_eq!(units::names(["b", "a", "b"].into_iter()), "`b`, `a`");
}
