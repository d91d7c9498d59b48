//! System descriptions: what is accepted, what is refused, and what is said about it.

use mem::MemoryConfig;
use mem::dram::PagePolicy;
use pipeline::{CoreConfig, OutOfOrderConfig};
use std::fs;
use system::{ConfigError, Origin, SystemConfig, Timing, builtins, dram_builtins, load};

fn refusal(system: &str, overrides: &[&str]) -> String {
    let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
    load(system, &overrides).expect_err("it is wrong").to_string()
}

fn accepted(system: &str, overrides: &[&str]) -> system::LoadedSystem {
    let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
    load(system, &overrides).expect("it is valid")
}

fn out_of_order(config: &SystemConfig) -> &OutOfOrderConfig {
    match &config.core {
        CoreConfig::OutOfOrder(core) => core,
        CoreConfig::InOrder {} => panic!("an in-order core"),
    }
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

/// The lines of `toml` that give a number and no source.
fn untagged(toml: &str) -> Vec<&str> {
    let tags = ["# documented: ", "# measured: ", "# estimated: ", "# fitted: "];
    let is_tagged = |line: &str| tags.iter().any(|tag| line.contains(tag));
    // What stands behind a table's name holds for all of it.
    let mut table_is_tagged = false;
    let lacks = |line: &&str| {
        if line.starts_with('[') {
            table_is_tagged = is_tagged(line);
        }
        let Some((key, _)) = line.split_once('=') else { return false };
        let is_value =
            !key.starts_with(['#', '[']) && !["description", "extends"].contains(&key.trim());
        is_value && !table_is_tagged && !is_tagged(line)
    };
    toml.lines().filter(lacks).collect()
}

#[test]
fn every_number_of_a_built_in_description_names_its_source() {
    for builtin in builtins().chain(dram_builtins()) {
        let none: &[&str] = &[];
        assert_eq!(untagged(builtin.toml), none, "{}", builtin.name);
    }
}

#[test]
fn the_preset_of_the_guide_is_one() {
    let guide = include_str!("../../../docs/howto/add-a-preset.md");
    let (_, rest) = guide.split_once("```toml\n").expect("it shows one");
    let (toml, _) = rest.split_once("```").expect("it ends");
    assert!(untagged(toml).is_empty());
    let config = load_text(toml, &[]).expect("valid").config;
    Timing::new(&config).expect("valid");
    let core = out_of_order(&config);
    assert_eq!((core.rob, core.schedulers["unified"].entries), (192, 64));
    assert_eq!(core.branch.direction.name(), "gshare");
    assert_eq!(config.caches.l1d.prefetcher, None);
    let l2 = config.caches.l2.as_ref().expect("inherited");
    assert_eq!(l2.prefetcher.as_ref().expect("given").name(), "best_offset");
    let MemoryConfig::Dram(dram) = &config.memory else { panic!("{:?}", config.memory) };
    assert_eq!((dram.timing.tck_ps, dram.controller.page_policy), (416, PagePolicy::Closed));
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
    for builtin in builtins() {
        let system = accepted(builtin.name, &[]);
        let again = load_text(&system.effective_toml(), &[]).expect("valid");
        assert_eq!(again.config, system.config, "{}", builtin.name);
    }
}

#[test]
fn the_core_and_the_memory_can_be_overridden() {
    let system = accepted(
        "skylake",
        &["core.rob=512", "core.schedulers.unified.entries=128", "memory.dram=ddr5_4800"],
    );
    let core = out_of_order(&system.config);
    assert_eq!((core.rob, core.schedulers["unified"].entries), (512, 128));
    assert_eq!(core.schedulers["unified"].ports.len(), 10, "the ports stay");
    let text = system.effective_toml();
    assert!(text.contains("rob = 512 # --set"), "{text}");
    assert!(text.contains("tck_ps = 416 # built-in ddr5_4800"), "{text}");
    assert!(text.contains("load_queue = 144 # built-in skylake\n"), "{text}");
    assert!(text.contains("fetch_bytes = 16 # built-in skylake-verbatim"), "{text}");
}

#[test]
fn a_layer_that_gives_one_memory_drops_the_other() {
    let fixed = ["memory.latency_ns=80", "memory.bandwidth_mb_per_s=20000"];
    let system = accepted("skylake", &fixed);
    let expected = MemoryConfig::Fixed { latency_ns: 80, bandwidth_mb_per_s: 20000 };
    assert_eq!(system.config.memory, expected);
    assert_eq!(system.origin("memory.dram.timing.cl"), &Origin::Default);
    let system = accepted("simple", &["memory.dram=ddr4_3200"]);
    assert!(matches!(system.config.memory, MemoryConfig::Dram(_)));
    let text = refusal("skylake", &fixed[..1]);
    assert!(text.contains("memory") && text.contains("needs both"), "{text}");
    let text = refusal("skylake", &["memory.latency_ns=80", "memory.dram=ddr4_3200"]);
    assert!(text.contains("memory") && text.contains("not both"), "{text}");
}

#[test]
fn dram_is_a_name_a_file_or_a_table_over_one() {
    let cl = |system: &system::LoadedSystem| match &system.config.memory {
        MemoryConfig::Dram(dram) => (dram.timing.cl, dram.timing.rcd, dram.timing.tck_ps),
        MemoryConfig::Fixed { .. } => panic!("no DRAM"),
    };
    for overrides in [
        ["memory.dram=ddr4_3200", "memory.dram.timing.cl=24"],
        ["memory.dram.timing.cl=24", "memory.dram=ddr4_3200"],
    ] {
        assert_eq!(cl(&accepted("skylake", &overrides)), (24, 22, 625), "in any order");
    }
    assert_eq!(cl(&accepted("skylake", &["memory.dram.timing.cl=17"])), (17, 16, 833));
    let fast = "extends = \"ddr4_3200\"\ntiming.cl = 20\n";
    let mine = "extends = \"simple\"\nmemory.dram = \"fast.toml\"\n";
    let system = load_text(mine, &[("fast.toml", fast)]).expect("valid");
    assert_eq!(cl(&system), (20, 22, 625));
    let text = refusal("skylake", &["memory.dram=ddr3"]);
    assert!(text.contains("no DRAM called \"ddr3\"") && text.contains("ddr4_2400"), "{text}");
    let text = refusal("skylake", &["memory.dram.timing.cl=0", "memory.dram.rows=4"]);
    assert!(text.contains("memory.dram.timing.cl: "), "{text}");
    assert!(text.contains("memory.dram.rows: unknown key"), "{text}");
}

#[test]
fn another_kind_replaces_the_table_and_the_same_kind_does_not() {
    let system = accepted("skylake", &["core.branch.direction.kind=gshare"]);
    assert_eq!(out_of_order(&system.config).branch.direction.name(), "gshare");
    assert_eq!(system.origin("core.branch.direction.max_history"), &Origin::Default);
    for overrides in [
        ["core.branch.btb.kind=set_associative", "core.branch.btb.ways=3"],
        ["core.branch.btb.ways=3", "core.branch.btb.kind=set_associative"],
    ] {
        let system = accepted("skylake", &overrides);
        let text = system.effective_toml();
        assert!(text.contains("ways = 3 # --set"), "in any order: {text}");
    }
    let overrides = ["core.branch.direction.kind=ltage", "core.branch.direction.min_history=5"];
    let text = accepted("skylake", &overrides).effective_toml();
    assert!(text.contains("min_history = 5 # --set") && text.contains("max_history = 34 #"));
    let system = accepted("skylake", &["core.model=in_order"]);
    assert_eq!(system.config.core, CoreConfig::InOrder {});
}

#[test]
fn none_removes_an_optional_unit() {
    let overrides = ["caches.l1d.prefetcher=none", "tlbs.walk_cache=none", "caches.l2=none"];
    let config = accepted("skylake", &overrides).config;
    assert_eq!((config.caches.l1d.prefetcher, config.tlbs.walk_cache), (None, None));
    assert_eq!(config.caches.l2, None);
    assert!(config.caches.l1i.prefetcher.is_some());
    let text = refusal("skylake", &["caches.l1d=none"]);
    assert!(text.contains("caches.l1d"), "{text}");
}

#[test]
fn problems_of_shape_and_of_value_are_reported_together_with_their_places() {
    let file = "extends = \"skylake\"\n[core]\nrobs = 4\ncommit_width = 0\n\
                [core.front]\nftq = \"many\"\n[core.schedulers.unified]\nentrys = 4\n\
                [core.branch.direction]\nmax_histories = 3\nuseful_reset_log2 = \"x\"\n\
                [core.branch.btb]\nentries = 3\n\
                [caches.l1d.prefetcher]\ndegrees = 2\n[caches.llc]\nmshrs = 0\n";
    let text = load_text(file, &[]).expect_err("it is wrong").to_string();
    for path in [
        "core.robs: unknown key",
        "core.commit_width: 0 is not from 1",
        "core.front.ftq: invalid type",
        "core.schedulers.unified.entrys: unknown key",
        "core.branch.direction.max_histories: unknown key",
        "core.branch.direction.useful_reset_log2: invalid type",
        "core.branch.btb.entries: ",
        "caches.l1d.prefetcher.degrees: unknown key",
        "caches.llc.mshrs: 0 is not from 1",
    ] {
        assert!(text.contains(&format!("\n  {path}")), "{path} is missing in: {text}");
    }
    let places = text.lines().skip(1).filter(|line| line.contains("mine.toml)")).count();
    assert_eq!(places, 9, "each names the file: {text}");
}

#[test]
fn an_in_order_core_takes_no_parameters_of_another() {
    let text = refusal("simple", &["core.rob=512", "core.commit_width=4"]);
    assert!(text.contains("core.rob: ") && text.contains("core.commit_width: "), "{text}");
    assert!(text.contains("in-order"), "{text}");
    let text = refusal("simple", &["core.model=outoforder"]);
    assert!(text.contains("core.model") && text.contains("out_of_order"), "{text}");
    let text = refusal("simple", &["core.model=out_of_order"]);
    assert!(text.contains("core.rob: is missing"), "{text}");
    assert!(text.contains("core.branch: is missing"), "{text}");
}
