//! Made-up results of a study: functions on systems, warm and lukewarm, with and without restoration.

use report::html::{Digest, Override};
use report::model::{Between, HartWindow, Invocation, Manifest, Run, SCHEMA, State, Statistics};
use serde_json::Value::Null;
use std::collections::BTreeMap;

/// Instructions of every invocation.
pub const INSTRUCTIONS: u64 = 1000;

/// A run to make up.
#[derive(Clone, Debug)]
pub struct Study {
    pub name: String,
    pub function: String,
    pub system: String,
    pub state: State,
    pub seed: u64,
    /// Cycles of each invocation; those per 1000 instructions are parts of them.
    pub cycles: Vec<u64>,
    /// As in `restoration.kind=jukebox`.
    pub set: Vec<(String, String)>,
    /// Whether the core is out of order, and counts what such cores count.
    pub out_of_order: bool,
    pub command: Vec<String>,
    /// Cycles by layer.
    pub layers: Vec<(String, u64)>,
}

impl Study {
    pub fn new(function: &str, system: &str, state: State, cycles: &[u64]) -> Self {
        Self {
            name: format!("{function}-{system}-{}-001", state.name()),
            function: function.to_owned(),
            system: system.to_owned(),
            state,
            seed: 1,
            cycles: cycles.to_vec(),
            set: Vec::new(),
            out_of_order: true,
            command: Vec::new(),
            layers: Vec::new(),
        }
    }

    pub fn with(mut self, path: &str, value: &str) -> Self {
        self.name += &format!("-{value}");
        self.set.push((path.to_owned(), value.to_owned()));
        self
    }

    pub fn run(&self) -> Run {
        let one = |(index, cycles): (usize, &u64)| self.invocation(index as u64, *cycles);
        let invocations: Vec<Invocation> = self.cycles.iter().enumerate().map(one).collect();
        let is_lukewarm = self.state == State::Lukewarm;
        Run {
            schema: SCHEMA,
            function: self.function.clone(),
            system: self.system.clone(),
            state: self.state,
            between: Between {
                lukewarm: is_lukewarm.then(|| "flush".to_owned()),
                inter_arrival_ns: is_lukewarm.then_some(10_000_000),
                ..Between::default()
            },
            seed: self.seed,
            summary: report::summarize(&invocations),
            invocations,
            manifest: Manifest {
                schema: SCHEMA,
                version: "0.1.0".to_owned(),
                command: self.command.clone(),
                ..Manifest::default()
            },
        }
    }

    pub fn digest(&self) -> Digest {
        let configuration: BTreeMap<String, String> = self.set.iter().cloned().collect();
        let set = self.set.iter().cloned();
        let overrides = set.map(|(path, value)| Override { path, value }).collect();
        Digest::new(&self.name, &self.run(), &configuration, overrides)
    }

    fn invocation(&self, index: u64, cycles: u64) -> Invocation {
        let mut own = Statistics::default();
        if self.out_of_order {
            out_of_order(&mut own, cycles as f64 / INSTRUCTIONS as f64);
            touched(&mut own, index);
        }
        for (layer, cycles) in &self.layers {
            own.count(format!("layers.{layer}.cycles"), *cycles);
        }
        let window = HartWindow {
            hart: 1,
            cycles,
            idle_cycles: 0,
            instructions: INSTRUCTIONS,
            user_cycles: cycles / 4 * 3,
            user_instructions: INSTRUCTIONS / 4 * 3,
            kernel_cycles: cycles - cycles / 4 * 3,
            kernel_instructions: INSTRUCTIONS / 4,
            statistics: own,
        };
        let mut shared = Statistics::default();
        misses(&mut shared, cycles as f64 / 100.0, self.out_of_order);
        Invocation::measured(index, cycles * 400, Null, 1, vec![window], shared)
            .expect("hart 1 is measured")
    }
}

/// Parts of the CPI at commit, in hundredths; they sum to 100.
pub const COMMIT: [(&str, u32); 17] = [
    ("base", 25),
    ("itlb", 2),
    ("icache", 18),
    ("resteer", 9),
    ("serialise", 3),
    ("front", 2),
    ("dtlb", 2),
    ("l1d", 4),
    ("l2", 5),
    ("llc", 8),
    ("memory", 6),
    ("store", 3),
    ("execute", 4),
    ("divide", 1),
    ("dispatch", 3),
    ("port", 2),
    ("latency", 3),
];

const LOST: [(&str, u32); 22] = [
    ("itlb", 1),
    ("itlb_walk", 2),
    ("icache_l2", 6),
    ("icache_llc", 9),
    ("icache_memory", 7),
    ("icache_in_flight", 3),
    ("resteer_conditional", 4),
    ("resteer_indirect", 2),
    ("resteer_return", 1),
    ("resteer_decode", 3),
    ("resteer_memory", 1),
    ("serialise", 2),
    ("branch", 2),
    ("front_other", 1),
    ("bandwidth", 6),
    ("recovery", 3),
    ("rob_full", 9),
    ("scheduler_full", 4),
    ("load_queue_full", 2),
    ("store_queue_full", 1),
    ("registers_full", 1),
    ("alone", 3),
];

const WAITS: [(&str, u32); 11] = [
    ("dtlb", 1),
    ("l1d", 2),
    ("l2", 3),
    ("llc", 4),
    ("memory", 4),
    ("store", 2),
    ("divide", 0),
    ("execute", 2),
    ("dispatch", 1),
    ("port", 0),
    ("latency", 1),
];

const TOP_DOWN: [(&str, u32); 12] = [
    ("retiring", 20),
    ("bad_speculation", 10),
    ("bad_speculation_with_refill", 18),
    ("bad_speculation_branches", 9),
    ("bad_speculation_memory_order", 1),
    ("frontend", 50),
    ("frontend_without_refill", 42),
    ("frontend_latency", 44),
    ("frontend_bandwidth", 6),
    ("backend", 20),
    ("backend_memory", 16),
    ("backend_core", 4),
];

fn out_of_order(own: &mut Statistics, cpi: f64) {
    let mut set = |path: String, hundredths: u32, scale: f64| {
        let value = f64::from(hundredths) / 100.0 * scale;
        own.ratio(format!("out_of_order.{path}"), Some(value), "");
    };
    for (kind, part) in COMMIT {
        set(format!("cpi_commit.{kind}"), part, cpi);
    }
    for (kind, part) in LOST {
        set(format!("cpi_dispatch_lost.{kind}"), part, cpi);
        set(format!("topdown_lost.{kind}"), part, 1.0);
    }
    for (part, hundredths) in [("base", 20), ("squashed", 7), ("unfinished", 0)] {
        set(format!("cpi_dispatch_{part}"), hundredths, cpi);
    }
    set("topdown_wrong_path".to_owned(), 7, 1.0);
    for (kind, part) in WAITS {
        set(format!("topdown_backend_waits.{kind}"), part, 1.0);
    }
    for (part, hundredths) in TOP_DOWN {
        set(format!("topdown_{part}"), hundredths, 1.0);
    }
}

/// 4800 and 1600 lines of 64 bytes: 300 and 100 KiB.
fn touched(own: &mut Statistics, index: u64) {
    own.count("footprint.instruction.lines", 4800);
    own.count("footprint.data.lines", 1600);
    let index = (index > 0).then_some(index as f64);
    let jaccard = |first: f64| index.map(|index| first - index / 100.0);
    own.ratio("footprint.instruction.jaccard", jaccard(0.98), "the first");
    own.ratio("footprint.data.jaccard", jaccard(0.8), "the first");
}

fn misses(shared: &mut Statistics, scale: f64, with_kinds: bool) {
    let mut set = |path: &str, share: f64| shared.ratio(path, Some(share * scale), "");
    for (path, share) in [
        ("l1i.mpki", 3.0),
        ("l1d.mpki", 1.2),
        ("l2.instruction_mpki", 1.5),
        ("l2.data_mpki", 0.6),
        ("l2.walk_mpki", 0.05),
        ("llc.instruction_mpki", 0.5),
        ("llc.data_mpki", 0.3),
        ("llc.walk_mpki", 0.01),
        ("itlb.mpki", 0.1),
        ("dtlb.mpki", 0.2),
        ("branch.mpki", 1.0),
    ] {
        set(path, share);
    }
    if with_kinds {
        for (path, share) in [
            ("conditional", 0.7),
            ("indirect", 0.1),
            ("return", 0.05),
            ("target", 0.15),
            ("initial", 0.4),
            ("subsequent", 0.6),
        ] {
            set(&format!("branch.{path}_mpki"), share);
        }
        set("btb.mpki", 0.5);
    }
}

/// Three functions on two systems, warm, lukewarm, and with two restoration units; and one in order.
pub fn study() -> Vec<Study> {
    let mut runs = Vec::new();
    for (function, base) in
        [("fibonacci-go", 1400), ("fibonacci-python", 1550), ("recommendation", 1700)]
    {
        for (system, more) in [("skylake", 0), ("jukebox-broadwell", 200)] {
            let cycles = |by: f64| -> Vec<u64> {
                (0..5).map(|index| (f64::from(base + more + index * 40) * by) as u64).collect()
            };
            let of = |state, by| Study::new(function, system, state, &cycles(by));
            runs.push(of(State::Warm, 1.0));
            runs.push(of(State::Lukewarm, 2.0));
            runs.push(of(State::Lukewarm, 1.7).with("restoration.kind", "jukebox"));
            runs.push(of(State::Lukewarm, 1.4).with("restoration.kind", "perfect_l1i"));
        }
    }
    let mut in_order = Study::new("fibonacci-go", "simple", State::Warm, &[4000, 4100, 4050]);
    in_order.out_of_order = false;
    runs.push(in_order);
    runs
}
