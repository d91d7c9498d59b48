//! System descriptions: what is accepted, what is refused, and what is said about it.

use std::fs;
use system::{ConfigError, Origin, Timing, builtins, dram_builtins, load};

fn refusal(system: &str, overrides: &[&str]) -> String {
    let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
    load(system, &overrides).expect_err("it is wrong").to_string()
}

/// Loads `text` as a file, beside the given other files.
fn load_text(text: &str, beside: &[(&str, &str)]) -> Result<system::LoadedSystem, ConfigError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in beside {
        fs::write(folder.path().join(name), text).expect("writable");
    }
    let path = folder.path().join("mine.toml");
    fs::write(&path, text).expect("writable");
    load(path.to_str().expect("text"), &[])
}

#[test]
fn every_built_in_system_can_be_built() {
    for builtin in builtins() {
        let system = load(builtin.name, &[]).expect("built-in systems are valid");
        Timing::new(&system.config).expect("built-in systems are valid");
        assert!(!system.config.description.is_empty(), "{} says what it is", builtin.name);
    }
}

#[test]
fn every_number_of_a_built_in_description_names_its_source() {
    let tags = ["# documented: ", "# measured: ", "# estimated: ", "# fitted: "];
    let is_tagged = |line: &str| tags.iter().any(|tag| line.contains(tag));
    for builtin in builtins().chain(dram_builtins()) {
        // What stands behind a table's name holds for all of it.
        let mut table_is_tagged = false;
        for (index, line) in builtin.toml.lines().enumerate() {
            if line.starts_with('[') {
                table_is_tagged = is_tagged(line);
            }
            let Some((key, _)) = line.split_once('=') else { continue };
            if key.starts_with(['#', '[']) || ["description", "extends"].contains(&key.trim()) {
                continue;
            }
            assert!(
                table_is_tagged || is_tagged(line),
                "{} line {}: {line}",
                builtin.name,
                index + 1
            );
        }
    }
}

#[test]
fn an_unknown_system_lists_the_known_ones() {
    let text = refusal("simpel", &[]);
    assert!(text.contains("\"simpel\"") && text.contains("simple"), "{text}");
}

#[test]
fn a_missing_file_is_named() {
    let text = refusal("nowhere/mine.toml", &[]);
    assert!(text.contains("nowhere/mine.toml"), "{text}");
}

#[test]
fn unknown_keys_and_wrong_types_name_their_path() {
    let text = refusal("simple", &["caches.l1d.wayz=4"]);
    assert!(text.contains("caches.l1d") && text.contains("wayz"), "{text}");
    let text = refusal("simple", &["caches.l1d.ways=\"many\""]);
    assert!(text.contains("caches.l1d.ways"), "{text}");
    let text = refusal("simple", &["caches.llc.replacement=newest"]);
    assert!(text.contains("caches.llc.replacement") && text.contains("tree_plru"), "{text}");
    let text = refusal("simple", &["cores=4"]);
    assert!(text.contains("cores"), "{text}");
}

#[test]
fn all_problems_are_reported_together() {
    let text = refusal(
        "simple",
        &[
            "harts=0",
            "caches.l1i.ways=3",
            "caches.llc.tag_latency_cycles=0",
            "tlbs.dtlb.entries=48",
            "memory.latency_ns=0",
            "caches.l1d.mshrs=0",
        ],
    );
    for path in [
        "harts:",
        "caches.l1i.ways:",
        "caches.llc.tag_latency_cycles:",
        "tlbs.dtlb.ways:",
        "memory.latency_ns:",
        "caches.l1d.mshrs:",
    ] {
        assert!(text.contains(path), "{path} is missing in: {text}");
    }
}

#[test]
fn a_policy_says_which_ways_it_can_handle() {
    let overrides =
        ["caches.l1d.replacement=tree_plru", "caches.l1d.size_kib=96", "caches.l1d.ways=12"];
    let text = refusal("simple", &overrides);
    assert!(text.contains("caches.l1d.replacement") && text.contains("12"), "{text}");
}

#[test]
fn huge_and_negative_numbers_are_refused_without_a_panic() {
    for wrong in [
        "caches.l1d.size_kib=9223372036854775807",
        "caches.l1d.size_kib=0",
        "caches.l1d.ways=0",
        "caches.l1d.ways=-8",
        "caches.line_bytes=0",
        "caches.line_bytes=48",
        "tlbs.itlb.ways=0",
        "tlbs.itlb.entries=0",
        "clock_mhz=0",
        "clock_mhz=99999999999",
        "memory.latency_ns=9223372036854775807",
        "harts=4294967296",
    ] {
        refusal("simple", &[wrong]);
    }
}

#[test]
fn malformed_overrides_say_how_to_write_one() {
    for wrong in ["caches.l1d.ways", "=4", "caches..ways=4", "caches.l1d.ways=", "caches.l1d=4"] {
        let text = refusal("simple", &[wrong]);
        assert!(text.contains("path=value"), "{wrong}: {text}");
    }
    let text = refusal("simple", &["harts.count=4"]);
    assert!(text.contains("single value"), "{text}");
}

#[test]
fn malformed_toml_is_placed() {
    let text = load_text("harts = = 2", &[]).expect_err("not TOML").to_string();
    assert!(text.contains("mine.toml") && text.contains("line 1"), "{text}");
}

#[test]
fn a_file_extends_a_system_and_keeps_track_of_origins() {
    let text = "extends = \"simple\"\nharts = 4\n[caches.llc]\nsize_kib = 256\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.toml");
    fs::write(&path, text).expect("writable");
    let overrides = ["memory.latency_ns=60".to_owned()];
    let system = load(path.to_str().expect("text"), &overrides).expect("valid");
    assert_eq!(system.name, "mine");
    assert_eq!(system.config.harts, 4);
    let memory = &system.config.memory;
    assert!(matches!(memory, mem::MemoryConfig::Fixed { latency_ns: 60, .. }), "{memory:?}");
    let llc = system.config.caches.llc.as_ref().expect("inherited");
    assert_eq!((llc.size_kib, llc.ways), (256, 8));
    assert_eq!(system.origin("harts"), &Origin::File(path.clone()));
    assert_eq!(system.origin("caches.llc.size_kib"), &Origin::File(path));
    assert_eq!(system.origin("caches.llc.ways"), &Origin::Builtin("simple".to_owned()));
    assert_eq!(system.origin("memory.latency_ns"), &Origin::Set);
    assert_eq!(system.origin("caches.l1d.sequential_access"), &Origin::Default);
}

#[test]
fn files_extend_files_beside_them() {
    let base = "extends = \"simple\"\nharts = 3\n";
    let system = load_text("extends = \"base.toml\"\n", &[("base.toml", base)]).expect("valid");
    assert_eq!(system.config.harts, 3);
}

#[test]
fn a_circle_of_files_is_refused() {
    let text = load_text("extends = \"mine.toml\"\n", &[]).expect_err("a circle").to_string();
    assert!(text.contains("circle"), "{text}");
}

#[test]
fn an_incomplete_file_names_what_is_missing() {
    let text = load_text("harts = 2\n", &[]).expect_err("incomplete").to_string();
    assert!(text.contains("clock_mhz"), "{text}");
}

#[test]
fn the_effective_configuration_loads_as_itself() {
    let overrides = ["caches.l1d.replacement=random".to_owned()];
    let system = load("simple", &overrides).expect("valid");
    let text = system.effective_toml();
    assert!(text.contains("replacement = \"random\" # --set"), "{text}");
    assert!(text.contains("size_kib = 128 # built-in simple"), "{text}");
    assert!(text.contains("sequential_access = false # default"), "{text}");
    assert_eq!(load_text(&text, &[]).expect("valid").config, system.config);
}
