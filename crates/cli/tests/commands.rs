//! The other commands through the built program: what they print, and wrong input.

mod common;

use common::{Place, ends_with};
use std::io::Read as _;
use std::process::Stdio;

#[test]
fn unknown_names_are_answered_with_the_known_ones() {
    let place = Place::new();
    place
        .run(&["run", "fibonacci-pyton"])
        .fails(2, &["fibonacci-pyton", "did you mean `fibonacci-python`"]);
    place.run(&["run", "fibonacci-go", "--system", "fast"]).fails(2, &["\"fast\"", "simple"]);
    place.run(&["verify", "fibonacci-pyton"]).fails(2, &["did you mean `fibonacci-python`"]);
    place.run(&["verify", "fibonacci-go", "--system", "fast"]).fails(2, &["\"fast\"", "simple"]);
    place.run(&["systems", "show", "nope"]).fails(2, &["nope", "simple"]);
    place.run(&["functions", "show", "nope"]).fails(2, &["nope", "fibonacci-go"]);
    place.run(&["functions", "check", "fibonacci-go", "nope"]).fails(2, &["nope", "fibonacci-go"]);
    place.run(&["functions", "check"]).fails(2, &["FUNCTION"]);
    place.run(&["run", "fibonacci-go", "--stat", "warm"]).fails(2, &["--stat", "--state"]);
    place.run(&["rum"]).fails(2, &["rum", "run"]);
    place.run(&["run"]).fails(2, &["FUNCTION"]);
}

#[test]
fn wrong_input_is_refused_before_anything_is_built() {
    let place = Place::new();
    let run = |more: &[&str]| {
        let mut args = vec!["run", "fibonacci-go"];
        args.extend(more);
        place.run(&args)
    };
    run(&["--payload", "{nope"]).fails(2, &["--payload", "line 1 column 2"]);
    run(&["--payload", "{\"no_such_field\": 1}"]).fails(2, &["no_such_field"]);
    run(&["--payload", "orignal"]).fails(2, &["orignal", "default", "JSON"]);
    run(&["--method", "SayGoodbye"]).fails(2, &["SayGoodbye"]);
    run(&["--set", "caches.l1d.ways"]).fails(2, &["caches.l1d.ways", "path=value"]);
    run(&["--set", "caches.l1d.colour=1"]).fails(2, &["colour"]);
    run(&["--set", "caches.l1d.ways=3"]).fails(2, &["caches.l1d"]);
    run(&["--invocations", "0"]).fails(2, &["--invocations"]);
    run(&["--invocations", "many"]).fails(2, &["many"]);
    run(&["--link-gbps", "0"]).fails(2, &["bandwidth"]);
    run(&["--link-delay-us=-1"]).fails(2, &["--link-delay-us"]);
    run(&["--mirror", "ftp://nowhere"]).fails(2, &["ftp://nowhere", "http"]);
    run(&["--functions", "missing.yaml"]).fails(2, &["missing.yaml"]);
    assert!(!place.path("home/guest").exists(), "nothing was built");
    assert!(!place.path("results").exists(), "nothing was measured");
}

#[test]
fn malformed_files_are_refused_with_the_place() {
    let place = Place::new();
    let toml = place.file("bad.toml", "harts = = 2\n");
    place.run(&["run", "fibonacci-go", "--system", &toml]).fails(2, &["bad.toml", "line 1"]);
    let toml = place.file("unknown.toml", "extends = \"simple\"\nhurts = 2\n");
    place.run(&["systems", "show", &toml]).fails(2, &["hurts"]);
    let yaml = place.file("bad.yaml", "services: [\n");
    place.run(&["functions", "--functions", &yaml]).fails(2, &["bad.yaml", "line"]);
    let yaml = place.file("empty.yaml", "services: {}\n");
    place.run(&["run", "x", "--functions", &yaml]).fails(2, &["empty.yaml", "x-vswarm"]);
}

#[test]
fn what_does_not_exist_yet_says_so_and_is_not_in_the_help() {
    let place = Place::new();
    let cold = ["run", "fibonacci-go", "--state", "cold", "--pipeline-log", "log"];
    place.run(&cold).fails(2, &["not implemented in this version"]);
}

#[test]
fn functions_and_systems_are_listed() {
    let place = Place::new();
    let list = place.run(&["functions"]);
    assert_eq!(list.status, 0, "{list:?}");
    for name in ["fibonacci-go", "fibonacci-nodejs", "fibonacci-python"] {
        assert!(list.out.contains(name), "{list:?}");
        let shown = place.run(&["functions", "show", name, "--json"]).json();
        assert_eq!(shown["name"], name);
        assert_eq!(shown["protocol"], "grpc");
        assert_eq!(shown["payloads"][0]["name"], "default");
    }
    let systems = place.run(&["systems", "list", "--json"]).json();
    let names: Vec<&str> = systems["systems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"simple") && names.contains(&"skylake"), "{names:?}");
}

#[test]
fn the_printed_system_can_be_loaded_again() {
    let place = Place::new();
    let shown = place.run(&["systems", "show", "simple", "--set", "caches.l1d.ways=4"]);
    assert!(shown.out.contains("ways = 4 # --set"), "{shown:?}");
    let copy = place.file("copy.toml", &shown.out);
    let again = place.run(&["systems", "show", &copy]);
    assert_eq!(again.status, 0, "{again:?}");
    assert!(again.out.contains("ways = 4 # "), "{again:?}");
}

#[test]
fn reporting_what_is_no_result_says_what_would_be_one() {
    let place = Place::new();
    place.run(&["report", "nothing"]).fails(2, &["nothing", "vswarm-u run"]);
    std::fs::create_dir(place.path("empty")).unwrap();
    place
        .run(&["report", "empty"])
        .fails(2, &["manifest.json", "vswarm-u run FUNCTION --out empty"]);
    std::fs::create_dir(place.path("broken")).unwrap();
    place.file("broken/manifest.json", "{");
    place.file("broken/stats.json", "{}");
    for how in [&["report", "broken"][..], &["report", "broken", "--text"]] {
        place.run(how).fails(2, &["broken", "reading manifest.json"]);
    }
    std::fs::remove_file(place.path("broken/stats.json")).unwrap();
    place.run(&["report", "broken"]).fails(2, &["stats.json"]);
    assert!(!place.path("broken/report").exists(), "nothing was written");
}

/// A stored run without invocations.
fn store(place: &Place, name: &str, seed: u64) {
    use report::model::{Between, Catalogue, Manifest, Run, SCHEMA, State};
    let run = Run {
        schema: SCHEMA,
        function: "f".to_owned(),
        system: "s".to_owned(),
        state: State::Warm,
        between: Between::default(),
        seed,
        invocations: Vec::new(),
        summary: report::summarize(&[]),
        manifest: Manifest { schema: SCHEMA, seed, ..Manifest::default() },
    };
    std::fs::create_dir_all(place.path(name)).expect("the place can be written to");
    place.file(&format!("{name}/stats.json"), report::stats_json(&run, &Catalogue::new()));
    place.file(&format!("{name}/manifest.json"), report::manifest_json(&run.manifest));
    place.file(&format!("{name}/config.effective.toml"), "harts = 2 # built-in s\n");
}

#[test]
fn stored_results_are_printed_again_alone_or_all_of_a_folder() {
    let place = Place::new();
    store(&place, "results/a", 7);
    store(&place, "results/b", 8);
    let one = place.run(&["report", "results/a"]);
    assert_eq!(one.status, 0, "{one:?}");
    assert!(one.out.starts_with("f on s, warm, seed 7\n"), "{one:?}");
    let all = place.run(&["report", "results", "--text"]).out;
    assert!(all.contains("seed 7") && all.contains("\n\nf on s, warm, seed 8\n"), "{all}");
    assert_eq!(place.run(&["report", "results/b", "--json"]).json()["seed"], 8);
    place.run(&["report", "results", "--json"]).fails(2, &["2 runs", "results/a"]);
    assert!(!place.path("results/report").exists(), "texts write nothing");
}

#[test]
fn a_report_is_written_beside_the_results_and_names_what_it_leaves_out() {
    let place = Place::new();
    store(&place, "results/deep/er/a", 7);
    store(&place, "results/b", 8);
    store(&place, "results/.run-unfinished", 9);
    place.file("results/b/note", "mine");
    std::fs::create_dir(place.path("results/half")).unwrap();
    place.file("results/half/manifest.json", "{}");
    std::os::unix::fs::symlink(place.path("results"), place.path("results/loop")).unwrap();
    let reported = place.run(&["report", "results"]);
    assert_eq!(reported.status, 0, "{reported:?}");
    assert_eq!(reported.out, "2 runs, 0 charts: results/report/index.html\n");
    for text in ["left out: half: ", "stats.json", "left out: loop: a link"] {
        assert!(reported.err.contains(text), "no {text:?} in {reported:?}");
    }
    let page = || std::fs::read_to_string(place.path("results/report/index.html")).unwrap();
    let first = page();
    for text in ["<td>deep/er/a</td>", "<td>b</td>", "<li>half: ", "<li>loop: "] {
        assert!(first.contains(text), "no {text:?} in {first}");
    }
    assert_eq!(place.run(&["report", "results"]).status, 0, "it replaces its own");
    assert_eq!(page(), first, "the same results give the same bytes");
    assert_eq!(place.run(&["report", "results", "--out", "new/place"]).status, 0);
    assert!(place.path("new/place/index.html").exists());
    place.run(&["report", "results", "--out", "results/b"]).fails(2, &["results/b", "--out"]);
    place.file("file", "in the way");
    place.run(&["report", "results", "--out", "file"]).fails(2, &["file"]);
    place.run(&["report", "results", "--out", "x", "--text"]).fails(2, &["--text"]);
}

#[test]
fn an_appendix_is_written_for_single_runs_and_never_over_somebody_s_work() {
    let place = Place::new();
    store(&place, "results/a", 7);
    store(&place, "results/b", 8);
    let write = |more: &[&str]| place.run(&[&["artifact", "results"], more].concat());
    let ran = write(&[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let page = || std::fs::read_to_string(place.path("results/artifact-appendix.md")).unwrap();
    let first = page();
    for text in [
        "# Artifact Appendix",
        "| `b` | f | s | warm, seed 8 |",
        "not measured: the results do not tell",
    ] {
        assert!(first.contains(text), "no {text:?} in {first}");
    }
    assert_eq!(write(&[]).status, 0, "it replaces its own");
    assert_eq!(page(), first, "the same results give the same bytes");
    let mine = first.split_once('\n').unwrap().1;
    place.file("results/artifact-appendix.md", mine);
    write(&[]).fails(2, &["artifact-appendix.md", "by hand", "--out"]);
    assert_eq!(page(), mine);
    assert_eq!(write(&["--out", "new.md"]).status, 0);
    write(&["--out", "results"]).fails(2, &["results", "--out"]);
    place.file("file", "in the way");
    write(&["--out", "file/new.md"]).fails(2, &["file/new.md"]);
}

#[test]
fn an_appendix_needs_results() {
    let place = Place::new();
    place.run(&["artifact", "nothing"]).fails(2, &["nothing", "vswarm-u run"]);
    std::fs::create_dir(place.path("empty")).unwrap();
    place
        .run(&["artifact", "empty"])
        .fails(2, &["manifest.json", "vswarm-u run FUNCTION --out empty"]);
    assert!(!place.path("empty/artifact-appendix.md").exists(), "nothing was written");
}

#[test]
fn two_stored_runs_are_compared() {
    let place = Place::new();
    store(&place, "a", 7);
    store(&place, "b", 8);
    std::fs::remove_file(place.path("a/config.effective.toml")).unwrap();
    place.run(&["compare", "a", "b"]).fails(2, &["config.effective.toml", "no results"]);
    place.file("a/config.effective.toml", "harts = 2 # built-in s\n[core]\nrob = 224 # --set\n");
    place.file("b/config.effective.toml", "harts = 2 # --set\n[core]\nrob = 512 # --set\n");
    let compared = place.run(&["compare", "a", "b"]);
    assert_eq!(compared.status, 0, "{compared:?}");
    assert!(compared.out.starts_with("A  a: f on s, warm, seed 7, 0 of 0 invocations\n"));
    assert!(compared.out.contains("\ncore.rob       224  512\n"), "{compared:?}");
    assert!(!compared.out.contains("harts"), "where a value came from is no difference");
    let document = place.run(&["compare", "a", "b", "--json"]).json();
    assert_eq!(document["configuration"][0]["b"], "512");
    place.run(&["compare", "a", "nowhere"]).fails(2, &["nowhere"]);
    place.run(&["compare", "a"]).fails(2, &["<B>"]);
}

#[test]
fn the_state_folder_is_described_and_cleaned() {
    let place = Place::new();
    assert!(place.run(&["guest", "info"]).out.contains("no guest is built"));
    for folder in ["snapshots", "packages"] {
        std::fs::create_dir_all(place.path("home").join(folder)).unwrap();
        place.file(&format!("home/{folder}/x"), vec![1; 100_000]);
    }
    let cleaned = place.run(&["guest", "clean", "--json"]).json();
    assert_eq!(cleaned["removed"], serde_json::json!(["snapshots"]));
    assert!(place.path("home/packages/x").exists(), "downloads are kept");
    assert_eq!(place.run(&["guest", "clean", "--all"]).status, 0);
    assert!(!place.path("home/packages").exists());
}

#[test]
fn a_state_folder_that_cannot_be_made_is_an_error_that_names_it() {
    let place = Place::new();
    place.file("home", "a file is in the way");
    place.run(&["guest", "build"]).fails(1, &["home", "VSWARM_U_HOME"]);
}

#[test]
fn doctor_names_what_is_wrong_and_what_to_do() {
    let place = Place::new();
    let ran = place.run(&["doctor", "--mirror", "http://127.0.0.1:9/debian"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.out.contains("PROBLEM  mirror: "), "{ran:?}");
    assert!(ran.out.contains("--mirror URL"), "{ran:?}");
    assert!(ran.out.contains("ok       state folder: "), "{ran:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let mut child = place
        .command(&["systems", "show", "simple"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_stops_a_run_with_status_130() {
    let place = Place::new();
    let elf = place.file("loop.elf", common::program(&[common::asm::HALT]));
    let child = place
        .command(&["exec", &elf, "--signature", "sig.txt"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let ran = common::Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.status, 130, "{ran:?}");
    assert!(ran.err.contains("stopped"), "{ran:?}");
    assert!(!place.path("sig.txt").exists());
}

#[test]
fn version_and_help_go_to_standard_output() {
    let place = Place::new();
    let version = place.run(&["--version"]);
    assert_eq!(version.out, format!("vswarm-u {}\n", env!("CARGO_PKG_VERSION")));
    assert!(place.run(&["run", "--help"]).out.contains("--invocations"));
    let elf = place.file("pass.elf", ends_with(1, 1));
    assert_eq!(place.run(&["exec", &elf, "-v"]).out, place.run(&["exec", &elf]).out);
}
