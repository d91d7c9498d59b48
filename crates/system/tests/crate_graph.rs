//! The crates' dependencies point down, and the seam between functional and timing side holds.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// All crates, bottom up: each may depend only on those before it. `report` defines what a result
/// is and lies below whoever measures one.
const ORDER: &[&str] = &[
    "sim",
    "hint",
    "stats-derive",
    "stats",
    "ram",
    "float",
    "isa",
    "stream",
    "trace",
    "hart",
    "engine",
    "conformance",
    "branch",
    "mem",
    "restore",
    "pipeline",
    "devices",
    "machine",
    "client",
    "guest",
    "system",
    "report",
    "experiment",
    "vswarm-u",
];

/// What a crate must never reach, not even through others.
const APART: &[(&[&str], &[&str])] = &[
    (
        &["sim", "stats", "stream", "trace", "branch", "mem", "restore", "pipeline", "system"],
        &["isa", "hart", "engine", "devices", "machine"],
    ),
    (&["isa", "hart", "engine"], &["stream", "trace", "mem", "pipeline", "branch"]),
    (&["devices", "machine"], &["mem", "pipeline", "branch", "system"]),
    (&["report"], &["machine", "pipeline", "mem", "system", "experiment"]),
    (&["client"], &["machine", "pipeline", "mem", "hart"]),
    (&["guest"], &["machine", "pipeline", "mem", "hart", "system"]),
];

/// Each crate of the workspace with the crates of the workspace it depends on.
fn graph() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let depends = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        let used = dependencies.iter().filter(|d| d["kind"] != "dev" && d["path"].is_string());
        used.map(name).collect()
    };
    packages.iter().map(|package| (name(package), depends(package))).collect()
}

fn reach<'a>(
    graph: &'a BTreeMap<String, BTreeSet<String>>,
    from: &'a str,
    seen: &mut BTreeSet<&'a str>,
) {
    for next in graph.get(from).into_iter().flatten() {
        if seen.insert(next) {
            reach(graph, next, seen);
        }
    }
}

#[test]
fn dependencies_point_down() {
    let rank = |name: &str| ORDER.iter().position(|known| *known == name);
    for (name, dependencies) in graph() {
        let own = rank(&name)
            .unwrap_or_else(|| panic!("crate {name} has no place in the order: give it one"));
        for dependency in dependencies {
            let below = rank(&dependency).is_some_and(|rank| rank < own);
            assert!(below, "{name} depends on {dependency}, which does not lie below it");
        }
    }
}

#[test]
fn the_timing_side_and_the_functional_side_do_not_know_each_other() {
    let graph = graph();
    for (these, those) in APART {
        for name in *these {
            let mut reached = BTreeSet::new();
            reach(&graph, name, &mut reached);
            for apart in *those {
                assert!(!reached.contains(apart), "{name} reaches {apart}");
            }
        }
    }
}
