//! What a closed form is, and the wide core that lets one parameter bind at a time.

use super::*;

/// A closed form at one value of its parameter: what it says and what the core does.
#[derive(Clone, Debug)]
pub(super) struct Form {
    /// What it is about.
    pub(super) name: &'static str,
    /// The formula, in names of parameters.
    pub(super) formula: &'static str,
    /// The parameter's value.
    pub(super) value: String,
    pub(super) expected: f64,
    pub(super) found: f64,
}

/// The form `name` for each of `values`: `measure` returns what is expected and what is found.
pub(super) fn sweep<V: Copy + ToString>(
    name: &'static str,
    formula: &'static str,
    values: &[V],
    mut measure: impl FnMut(V) -> (u64, u64),
) -> Vec<Form> {
    values
        .iter()
        .map(|&value| {
            let (expected, found) = measure(value);
            let (expected, found) = (expected as f64, found as f64);
            Form { name, formula, value: value.to_string(), expected, found }
        })
        .collect()
}

/// Every one is exact, and as many different results are expected as there are different values.
pub(super) fn assert_exact(forms: &[Form]) {
    let wrong: Vec<_> = forms.iter().filter(|form| form.found != form.expected).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A core in which nothing is short: 16 wide, with 16 ports that take everything.
pub(super) fn wide() -> OutOfOrderConfig {
    let mut core = config();
    core.rename_width = 16;
    core.issue_width = 64;
    core.commit_width = 16;
    core.rob = 512;
    core.int_registers = 1024;
    core.fp_registers = 1024;
    core.front.fetch_bytes = 64;
    core.front.decode_width = 16;
    core.front.queue = 128;
    core.memory.load_queue = 256;
    core.memory.store_queue = 256;
    core.unpipelined.clear();
    set_ports(&mut core, 16, 1024);
    core
}

/// Gives the core `ports` ports for every class, and `entries` scheduler entries.
pub(super) fn set_ports(core: &mut OutOfOrderConfig, ports: u32, entries: u32) {
    let all = core.schedulers.get_mut("all").expect("the one there is");
    all.entries = entries;
    all.ports = (0..ports).map(|n| (format!("p{n:02}"), Class::ALL.to_vec())).collect();
}

/// Sets the time of hits in a cache.
pub(super) fn set_latency(cache: &mut CacheConfig, cycles: u64) {
    cache.tag_latency_cycles = cycles;
    cache.data_latency_cycles = cycles;
}

/// `count` instructions at consecutive addresses.
pub(super) fn straight(count: u64, body: impl Fn(Instr, u64) -> Instr) -> Vec<Instr> {
    (0..count).map(|n| body(alu(CODE + 4 * n), n)).collect()
}

/// `instr` with `destination` and no sources.
pub(super) fn writes(mut instr: Instr, destination: Reg) -> Instr {
    instr.operands.dst = Some(destination);
    instr
}
