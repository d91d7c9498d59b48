//! A small run with one of everything: a hart that did nothing, an undefined ratio, a failure.

use report::model::{
    About, Between, Catalogue, HartWindow, Host, Invocation, Manifest, Run, SCHEMA, State,
    Statistics,
};
use serde_json::json;

pub fn run() -> Run {
    let invocations = vec![
        Invocation::measured(
            0,
            400_000,
            json!({"message": "fib(10) = 55"}),
            1,
            vec![
                hart(0, 999_000, [0, 0], [1_000, 500]),
                hart(1, 100_000, [700_000, 500_000], [200_000, 100_000]),
            ],
            statistics(12_300, 2_400, Some(0.25)),
        ),
        Invocation::measured(
            1,
            500_000,
            json!({"message": "fib(10) = 55"}),
            1,
            vec![
                hart(0, 1_250_000, [0, 0], [0, 0]),
                hart(1, 530_000, [620_000, 520_000], [100_000, 80_000]),
            ],
            statistics(6_300, 1_200, None),
        ),
        Invocation::measured(
            2,
            300_500,
            json!({"message": "fib(10) = \"54\", "}),
            1,
            vec![hart(1, 1_250, [600_000, 450_000], [150_000, 150_000])],
            statistics(6_000, 600, None),
        )
        .map(|one| one.failed("expected fib(10) = 55\nin the reply")),
    ];
    let invocations: Vec<_> =
        invocations.into_iter().map(|one| one.expect("hart 1 is measured")).collect();
    Run {
        schema: SCHEMA,
        function: "fibonacci-python".to_owned(),
        system: "simple".to_owned(),
        state: State::Warm,
        between: Between::default(),
        seed: 7,
        summary: report::summarize(&invocations),
        invocations,
        manifest: manifest(),
    }
}

fn hart(hart: u32, idle_cycles: u64, user: [u64; 2], kernel: [u64; 2]) -> HartWindow {
    let mut statistics = Statistics::default();
    statistics.count("itlb.hits", user[1] / 10);
    statistics.count("itlb.misses", user[1] / 100_000);
    HartWindow {
        hart,
        cycles: user[0] + kernel[0],
        idle_cycles,
        instructions: user[1] + kernel[1],
        user_cycles: user[0],
        user_instructions: user[1],
        kernel_cycles: kernel[0],
        kernel_instructions: kernel[1],
        statistics,
    }
}

fn statistics(l1i_misses: u64, l1d_misses: u64, llc_miss_ratio: Option<f64>) -> Statistics {
    let mut statistics = Statistics::default();
    statistics.count("l1i.misses", l1i_misses);
    statistics.per_thousand("l1i.mpki", l1i_misses, 600_000);
    statistics.per_thousand("l1d.mpki", l1d_misses, 600_000);
    statistics.ratio("llc.miss_ratio", llc_miss_ratio, "no accesses");
    statistics
}

pub fn catalogue() -> Catalogue {
    let entries = [
        ("itlb.hits", "accesses", "Pages found."),
        ("itlb.misses", "accesses", "Pages not found."),
        ("l1d.mpki", "misses/kinstr", "L1D misses."),
        ("l1i.misses", "accesses", "L1I misses."),
        ("l1i.mpki", "misses/kinstr", "L1I misses."),
        ("llc.miss_ratio", "ratio", "Share of misses."),
    ];
    let about = |unit: &str, description: &str| About {
        unit: unit.to_owned(),
        description: description.to_owned(),
    };
    entries.map(|(path, unit, text)| (path.to_owned(), about(unit, text))).into()
}

fn manifest() -> Manifest {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    Manifest {
        schema: SCHEMA,
        version: "0.1.0".to_owned(),
        git_revision: None,
        command: ["vswarm-u", "run", "fibonacci-python"].map(str::to_owned).into(),
        seed: 7,
        config_hash: "c0ffee".to_owned(),
        guest: map(&[("kernel", "aa11"), ("root", "bb22")]),
        packages: map(&[("docker.io", "26.1.5")]),
        host: Host { wall_seconds: Some(2.5), ..Host::default() },
    }
}
