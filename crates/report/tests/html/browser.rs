//! The report in headless Chromium, by `tests/report/browser.py`.

use super::report;
use super::study::{Study, study};
use report::model::State;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// How the script ends where there is no browser.
const SKIPPED: i32 = 77;

/// Writes the report on `runs` into a folder of its own.
fn written(runs: &[Study], name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("charts")).unwrap();
    let report = report(runs);
    fs::write(folder.join("index.html"), &report.html).unwrap();
    for (name, content) in &report.charts {
        fs::write(folder.join("charts").join(name), content).unwrap();
    }
    folder
}

/// Looks at the report on `runs` in a browser. With `REPORT_SCREENSHOTS` in the environment, pictures are
/// left in that folder.
fn look(runs: &[Study], name: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/report/browser.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(written(runs, name));
    if let Some(folder) = env::var_os("REPORT_SCREENSHOTS") {
        command.arg(Path::new(&folder).join(name));
    }
    let Ok(output) = command.output() else {
        println!("skipped: there is no python3");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(SKIPPED) => println!("{said}"),
        code => assert_eq!(code, Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn a_browser_shows_a_study_without_errors_requests_and_labels_in_each_others_way() {
    look(&study(), "study");
}

#[test]
fn a_browser_shows_many_functions_with_long_names() {
    let names = (0..20).map(|number| format!("a-function-with-a-long-name-{number}"));
    let runs = names.flat_map(|function| {
        let of = |state, cycles: u64| {
            Study::new(&function, "a-system", state, &[cycles, cycles * 2, cycles * 40])
        };
        let lukewarm = of(State::Lukewarm, 3000);
        let longer =
            lukewarm.clone().with("caches.l2.size_kib", "512").with("restoration.kind", "jukebox");
        [of(State::Warm, 1500), lukewarm, longer]
    });
    look(&runs.collect::<Vec<_>>(), "many");
}

#[test]
fn a_browser_shows_a_single_run_and_a_hostile_one() {
    look(&[Study::new("f", "s", State::Warm, &[1000])], "single");
    let runs = [
        Study::new(super::HOSTILE, super::HOSTILE, State::Warm, &[1000]),
        Study::new(super::HOSTILE, super::HOSTILE, State::Warm, &[500])
            .with("core.rob", super::HOSTILE),
    ];
    look(&runs, "hostile");
}
