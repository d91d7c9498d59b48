//! `sweep` and `reproduce` through the built program: what they read, refuse, collect and print. What is simulated is
//! tested in tests/system/sweep.py; here results are put where a sweep looks for them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Place, Ran};
use report::model::{
    Between, Catalogue, HartWindow, Host, Invocation, Manifest, Run, SCHEMA, State, Statistics,
};
use serde_json::{Value, json};
use std::fs;

const EXPERIMENT: &str = r#"
functions = ["fibonacci-go", "fibonacci-python"]
systems = ["simple", "skylake"]
states = ["warm", "lukewarm"]
invocations = 2
"#;

/// The points of an experiment.
fn points(place: &Place, experiment: &str) -> Vec<Value> {
    let listed = place.run(&["sweep", experiment, "--list", "--json"]);
    assert_eq!(listed.status, 0, "{listed:?}");
    listed.json()["points"].as_array().unwrap().clone()
}

fn ids(points: &[Value]) -> Vec<String> {
    points.iter().map(|point| point["id"].as_str().unwrap().to_owned()).collect()
}

/// What an invocation is made of: cycles of 1000 instructions, and whether the reply was right.
type Made = (u64, bool);

/// Puts results of a point where a sweep into `out` looks for them.
fn store(place: &Place, out: &str, point: &Value, made: &[Made]) {
    let text = |key: &str| point[key].as_str().unwrap().to_owned();
    let invocation = |(index, (cycles, ok)): (usize, &Made)| {
        let hart = HartWindow {
            hart: 1,
            cycles: *cycles,
            instructions: 1000,
            user_cycles: *cycles,
            user_instructions: 1000,
            ..HartWindow::default()
        };
        let mut shared = Statistics::default();
        shared.per_thousand("l2.instruction_mpki", 30, 1000);
        shared.per_thousand("l2.data_mpki", 10, 1000);
        let one =
            Invocation::measured(index as u64, 5, Value::Null, 1, vec![hart], shared).unwrap();
        if *ok { one } else { one.failed("a wrong reply") }
    };
    let invocations: Vec<_> = made.iter().enumerate().map(invocation).collect();
    let run = Run {
        schema: SCHEMA,
        function: text("function"),
        system: text("system"),
        state: if text("state") == "warm" { State::Warm } else { State::Lukewarm },
        between: Between::default(),
        seed: 1,
        summary: report::summarize(&invocations),
        invocations,
        manifest: manifest(point),
    };
    let folder = format!("{out}/points/{}", text("id"));
    fs::create_dir_all(place.path(&folder)).unwrap();
    place.file(&format!("{folder}/stats.json"), report::stats_json(&run, &Catalogue::new()));
    place.file(&format!("{folder}/manifest.json"), report::manifest_json(&run.manifest));
}

fn manifest(point: &Value) -> Manifest {
    let host = Host {
        wall_seconds: Some(60.0),
        preparing_seconds: Some(15.0),
        processor_seconds: Some(50.0),
        peak_resident_bytes: Some(1 << 30),
        ..Host::default()
    };
    let command = serde_json::from_value(point["command"].clone()).unwrap();
    Manifest { schema: SCHEMA, seed: 1, command, host, ..Manifest::default() }
}

fn read(place: &Place, path: &str) -> String {
    fs::read_to_string(place.path(path)).unwrap()
}

#[test]
fn points_have_indices_commands_and_ids_that_tell_them_apart() {
    let place = Place::new();
    let file = place.file("e.toml", EXPERIMENT);
    let listed = points(&place, &file);
    assert_eq!(listed.len(), 8);
    assert_eq!(listed[3]["index"], 3);
    let command = [
        "vswarm-u",
        "run",
        "fibonacci-go",
        "--system=skylake",
        "--state=lukewarm",
        "--invocations=2",
        "--seed=1",
    ];
    assert_eq!(listed[3]["command"], json!(command));
    let mut distinct = ids(&listed);
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 8);
    // Wherever the file is read from, and in every process.
    assert_eq!(ids(&points(&place, "e.toml")), ids(&listed));
    // An override that changes the system changes the points that have it, and no others.
    let more = format!("{EXPERIMENT}[overrides]\n\"caches.llc.size_kib\" = [8192, 4096]\n");
    let more = points(&place, &place.file("more.toml", more));
    assert_eq!(more.len(), 16);
    assert!(ids(&more).iter().all(|id| !ids(&listed).contains(id)));
    let table = place.run(&["sweep", &file, "--list"]).out;
    assert!(
        table.contains("vswarm-u run fibonacci-go --system=skylake --state=lukewarm"),
        "{table}"
    );
    assert!(!place.path("home").exists() && !place.path("results").exists(), "nothing was run");
}

#[test]
fn a_system_s_values_are_part_of_the_id_not_only_its_name() {
    let place = Place::new();
    let text = "functions = [\"fibonacci-go\"]\nsystems = [\"mine.toml\"]\n";
    let file = place.file("e.toml", text);
    place.file("mine.toml", "extends = \"simple\"\n");
    let before = ids(&points(&place, &file));
    place.file("mine.toml", "extends = \"simple\"\n# no difference\n");
    assert_eq!(ids(&points(&place, &file)), before);
    place.file("mine.toml", "extends = \"simple\"\n[caches.l1d]\nways = 4\n");
    assert_ne!(ids(&points(&place, &file)), before);
}

#[test]
fn everything_wrong_is_told_with_its_place_before_anything_runs() {
    let place = Place::new();
    let text = r#"
        functions = ["fibonacci-go", "fibonacci-pyton"]
        systems = ["skylake", "fast"]
        states = ["warm", "hot", { lukewarm = "flush=l9" }]
        warmup = "many"
        payload = "orignal"
        colour = "red"
        seeds = [1, -1]
    "#;
    let file = place.file("e.toml", text);
    place.run(&["sweep", &file]).fails(
        2,
        &[
            "colour: ",
            "seeds[1]: ",
            "functions[1]: ",
            "did you mean `fibonacci-python`",
            "systems[1]: ",
            "states[1]: ",
            "warmup: ",
        ],
    );
    let text = text.replace("warmup = \"many\"", "").replace(", \"hot\"", "");
    let text = text.replace("colour = \"red\"", "");
    let file = place.file("e.toml", text);
    place.run(&["sweep", &file]).fails(
        2,
        &["functions[1]: ", "systems[1]: ", "states[1].lukewarm: ", "l9", "payload: ", "orignal"],
    );
    let text = r#"
        functions = ["fibonacci-go"]
        systems = ["skylake"]
        states = [{ state = "warm", lukewarm = "flush" }]
        set = ["caches.l1d.ways=4"]
        [[variant]]
        name = "odd"
        set = ["caches.l1d.colour=1"]
    "#;
    let file = place.file("e.toml", text);
    place.run(&["sweep", &file]).fails(2, &["variant[0].set[0]: ", "colour"]);
    let file = place.file("e.toml", text.replace("colour", "size_kib"));
    place.run(&["sweep", &file]).fails(2, &["states[0]", "contradict"]);
    for (args, what) in [
        (&["sweep", "nothing.toml"][..], "nothing.toml"),
        (&["sweep", "nothing"], "reproduce-lukewarm"),
        (&["sweep"], "NAME|FILE.toml"),
        (&["sweep", "reproduce-lukewarm-quick", "--point", "99"], "numbered from 0"),
        (&["sweep", "reproduce-lukewarm-quick", "--mirror", "ftp://x"], "ftp://x"),
        (&["sweep", "reproduce-lukewarm-quick", "--jobs", "0"], "--jobs"),
        (&["reproduce", "everything"], "lukewarm, jukebox, ignite"),
    ] {
        place.run(args).fails(2, &[what]);
    }
    assert!(!place.path("home").exists() && !place.path("results").exists(), "nothing was run");
}

#[test]
fn finished_points_are_collected_and_not_run_again() {
    let place = Place::new();
    let file = place.file("e.toml", EXPERIMENT);
    for (number, point) in points(&place, &file).iter().enumerate() {
        store(&place, "out", point, &[(1000 + number as u64, true), (2000, true)]);
    }
    let ran = place.run(&["sweep", &file, "--out", "out", "--jobs", "2"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.err.contains("0 of 8 points are to be run"), "{ran:?}");
    assert!(ran.out.contains("points: 8, 0 failed"), "{ran:?}");
    let csv = read(&place, "out/results.csv");
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 1 + 8 * 2);
    assert!(rows[0].starts_with(
        "point,id,variant,set,invocations,function,system,state,lukewarm,seed,index,ok,"
    ));
    let of_last = rows[15];
    assert!(
        of_last.starts_with("7,") && of_last.contains(",fibonacci-python,skylake,lukewarm,"),
        "{of_last}"
    );
    assert!(
        of_last.contains(",1007,0,1000,1.007,"),
        "cycles, idle cycles, instructions, CPI: {of_last}"
    );
    let parquet = fs::read(place.path("out/results.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1"));
    // The same again gives the same.
    let again = place.run(&["sweep", &file, "--out", "out", "--json"]);
    assert_eq!(again.json()["summary"], json!({"points": 8, "failed": 0}));
    assert_eq!(again.json()["points"][7]["summary"]["cycles"]["mean"], 1503.5);
    assert_eq!(read(&place, "out/results.csv"), csv);
    assert_eq!(fs::read(place.path("out/results.parquet")).unwrap(), parquet);
    let entries = fs::read_dir(place.path("out")).unwrap().flatten();
    let left: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 3, "nothing temporary is left: {left:?}");
}

#[test]
fn a_point_that_fails_is_told_and_does_not_keep_others_from_going_on() {
    let place = Place::new();
    let file = place.file("e.toml", EXPERIMENT);
    let all = points(&place, &file);
    store(&place, "out", &all[0], &[(1000, true)]);
    store(&place, "out", &all[1], &[(1000, true), (1000, false)]);
    // The other six cannot have a state folder.
    place.file("home", "a file is in the way");
    let ran = place.run(&["sweep", &file, "--out", "out", "--jobs", "3"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.err.contains("6 of 8 points are to be run"), "{ran:?}");
    assert!(ran.out.contains("point 1: invocation 1 failed: a wrong reply"), "{ran:?}");
    assert!(ran.out.contains("point 7: creating the state folder"), "{ran:?}");
    assert!(ran.out.contains("points: 8, 7 failed"), "{ran:?}");
    assert_eq!(read(&place, "out/results.csv").lines().count(), 1 + 3);
    let one = place.run(&["sweep", &file, "--out", "out", "--point", "1"]);
    one.fails(1, &["state folder"]);
    let document = place.run(&["sweep", &file, "--out", "out", "--json"]).json();
    assert_eq!(document["points"][0]["ok"], true);
    assert_eq!(document["points"][1]["error"], "invocation 1 failed: a wrong reply");
}

#[test]
fn damaged_results_are_named() {
    let place = Place::new();
    let file = place.file("e.toml", EXPERIMENT);
    let first = ids(&points(&place, &file))[0].clone();
    fs::create_dir_all(place.path(&format!("out/points/{first}"))).unwrap();
    place.run(&["sweep", &file, "--out", "out"]).fails(1, &[&first, "remove it"]);
}

#[test]
fn a_repeated_study_sets_its_values_beside_the_published_ones() {
    let place = Place::new();
    for point in points(&place, "reproduce-lukewarm-quick") {
        let cycles = if point["state"] == "warm" { 1000 } else { 2100 };
        store(&place, "out", &point, &[(9999, true), (cycles, true)]);
    }
    let run = |more: &[&str]| -> Ran {
        place.run(&[&["reproduce", "lukewarm", "--out", "out"], more].concat())
    };
    let ran = run(&[]);
    assert_eq!(ran.status, 0, "shapes that cannot be told do not fail: {ran:?}");
    // Fig. 2 of the Jukebox paper has 1.72 and 2.77 for this one.
    assert!(
        ran.out.contains("fibonacci-python  1.00 (1.72)  2.10 (2.77)   2.10 (1.61)"),
        "{ran:?}"
    );
    assert!(ran.out.contains("PASS") && ran.out.contains("not measured"), "{ran:?}");
    let page = read(&place, "out/validation.md");
    assert!(
        page.contains("| fibonacci-python | 1.00 (1.72) | 2.10 (2.77) | 2.10 (1.61) |"),
        "{page}"
    );
    let document = run(&["--json"]).json();
    assert_eq!(document["study"], "lukewarm");
    assert_eq!(document["summary"]["fail"], 0);
    // 2.8 times is more than any paper has.
    for point in points(&place, "reproduce-lukewarm-quick") {
        if point["state"] == "lukewarm" {
            store(&place, "out", &point, &[(9999, true), (2800, true)]);
        }
    }
    let ran = run(&["--quick"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.out.contains("FAIL"), "{ran:?}");
}

#[test]
fn an_appendix_of_a_study_has_its_command_its_verdicts_and_what_it_cost() {
    let place = Place::new();
    for point in points(&place, "reproduce-lukewarm-quick") {
        let cycles = if point["state"] == "warm" { 1000 } else { 2100 };
        store(&place, "all/lukewarm", &point, &[(9999, true), (cycles, true)]);
    }
    fs::create_dir_all(place.path("home/guest")).unwrap();
    place.file("home/guest/x", vec![1; 100_000]);
    let ran = place.run(&["artifact", "all"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(ran.out, "appendix, of 12 runs: all/artifact-appendix.md\n");
    let page = read(&place, "all/artifact-appendix.md");
    for text in [
        "vswarm-u reproduce lukewarm --out all/lukewarm\n",
        "12 of 12 points of the experiment have results",
        "| CPI lukewarm | 2.10 |",
        "1.0 GiB at most",
        "12 min 0 s if one run follows the other, 60.0 s at most for one",
        "3 min 0 s in all, 15.0 s at most for one run",
        "without preparing 9 min 0 s; processor time 10 min 0 s",
        "state folder 1",
    ] {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
    assert!(page.contains("| PASS |") && !page.contains("| FAIL |"), "{page}");
    let again = place.run(&["artifact", "all", "--json"]).json();
    assert_eq!(read(&place, "all/artifact-appendix.md"), page, "the same facts, the same bytes");
    assert_eq!(again["parts"][0]["folder"], "lukewarm");
    assert_eq!(
        again["parts"][0]["origin"],
        json!({"kind": "study", "study": "lukewarm", "full": false})
    );
    assert_eq!(again["costs"]["wall_seconds"], json!({"known": 12, "sum": 720.0, "max": 60.0}));
    assert_eq!(again["parts"][0]["validation"]["summary"]["fail"], 0);
}

#[test]
fn an_appendix_of_an_unknown_sweep_lists_its_runs() {
    let place = Place::new();
    let file = place.file("e.toml", EXPERIMENT);
    for point in points(&place, &file) {
        store(&place, "out", &point, &[(1000, true)]);
    }
    fs::create_dir_all(place.path("out/points/half")).unwrap();
    place.file("out/points/half/stats.json", "{}");
    let ran = place.run(&["artifact", "out", "--out", "new/page.md"]);
    assert_eq!(
        (ran.status, ran.out.as_str()),
        (0, "appendix, of 8 runs: new/page.md\n"),
        "{ran:?}"
    );
    assert!(ran.err.contains("left out: points/half: "), "{ran:?}");
    let page = read(&place, "new/page.md");
    let command =
        "vswarm-u run fibonacci-go --system=skylake --state=lukewarm --invocations=2 --seed=1\n";
    assert!(page.contains(command) && page.contains("Left out: points/half: "), "{page}");
}

#[test]
fn built_in_experiments_can_be_run() {
    let place = Place::new();
    let quick = points(&place, "reproduce-lukewarm-quick");
    assert_eq!(quick.len(), 3 * 2 * 2);
    // 20 functions of each paper, in two states.
    assert_eq!(points(&place, "reproduce-lukewarm").len(), 20 * 2 * 2);
    // None, Jukebox, perfect L1I, and in full PIF and its ideal; next line, Jukebox, fetch-directed, Ignite, perfect front end.
    for (study, variants, quick) in [("reproduce-jukebox", 5, 3), ("reproduce-ignite", 5, 5)] {
        assert_eq!(points(&place, study).len(), 20 * variants);
        assert_eq!(points(&place, &format!("{study}-quick")).len(), 3 * quick);
    }
}

#[test]
fn the_page_about_sweeps_can_be_followed() {
    let place = Place::new();
    let page = include_str!("../../../docs/howto/sweep-experiments.md");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let text = block.split("```").next().unwrap();
        let file = place.file("experiment.toml", text);
        assert!(!points(&place, &file).is_empty());
    }
}
