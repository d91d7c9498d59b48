//! Below the table of an out-of-order system: where slots and cycles went, means over the invocations.
//!
//! Means are arithmetic, so parts that sum to the CPI of each invocation sum to the mean CPI.

use crate::model::{Invocation, Run, Statistics};

/// The statistic that only out-of-order cores have.
const RETIRING: &str = "out_of_order.topdown_retiring";

/// Whose share a column shows: its title and the prefix of its paths.
const WHOSE: [(&str, &str); 3] = [("all", ""), ("user", "user."), ("kernel", "kernel.")];

/// A row: its label and the paths that sum to it.
pub(crate) type Row = (&'static str, &'static [&'static str]);

const TOP_DOWN: [Row; 19] = [
    ("retiring", &["topdown_retiring"]),
    ("front end", &["topdown_frontend"]),
    ("  latency", &["topdown_frontend_latency"]),
    ("    instruction TLB", &["topdown_lost.itlb", "topdown_lost.itlb_walk"]),
    (
        "    instruction cache",
        &[
            "topdown_lost.icache_l2",
            "topdown_lost.icache_llc",
            "topdown_lost.icache_memory",
            "topdown_lost.icache_in_flight",
        ],
    ),
    (
        "    refill after a squash",
        &[
            "topdown_lost.resteer_conditional",
            "topdown_lost.resteer_indirect",
            "topdown_lost.resteer_return",
            "topdown_lost.resteer_memory",
        ],
    ),
    ("    resteer at decode", &["topdown_lost.resteer_decode"]),
    ("    serialising, traps", &["topdown_lost.serialise"]),
    ("    taken branches, other", &["topdown_lost.branch", "topdown_lost.front_other"]),
    ("  bandwidth", &["topdown_frontend_bandwidth"]),
    ("bad speculation", &["topdown_bad_speculation"]),
    ("  branches", &["topdown_bad_speculation_branches"]),
    ("  memory order", &["topdown_bad_speculation_memory_order"]),
    ("back end", &["topdown_backend"]),
    ("  memory", &["topdown_backend_memory"]),
    ("  core", &["topdown_backend_core"]),
    ("refill as bad speculation:", &[]),
    ("  front end", &["topdown_frontend_without_refill"]),
    ("  bad speculation", &["topdown_bad_speculation_with_refill"]),
];

pub(crate) const COMMIT: [Row; 16] = [
    ("instructions commit", &["cpi_commit.base"]),
    ("empty: instruction TLB", &["cpi_commit.itlb"]),
    ("empty: instruction cache", &["cpi_commit.icache"]),
    ("empty: refill", &["cpi_commit.resteer"]),
    ("empty: serialising, traps", &["cpi_commit.serialise"]),
    ("empty: other", &["cpi_commit.front"]),
    ("oldest: data TLB", &["cpi_commit.dtlb"]),
    ("oldest: load from L1D", &["cpi_commit.l1d"]),
    ("oldest: load from L2", &["cpi_commit.l2"]),
    ("oldest: load from LLC", &["cpi_commit.llc"]),
    ("oldest: load from memory", &["cpi_commit.memory"]),
    ("oldest: store, atomic, fence", &["cpi_commit.store"]),
    ("oldest: executes", &["cpi_commit.execute", "cpi_commit.divide"]),
    ("oldest: before its issue", &["cpi_commit.dispatch", "cpi_commit.port"]),
    ("oldest: result to commit", &["cpi_commit.latency"]),
    ("CPI", &["cpi_commit"]),
];

pub(crate) const MISSES: [Row; 8] = [
    ("L1I", &["l1i.mpki"]),
    ("L1D", &["l1d.mpki"]),
    ("L2, instructions", &["l2.instruction_mpki"]),
    ("L2, data", &["l2.data_mpki"]),
    ("LLC, instructions", &["llc.instruction_mpki"]),
    ("LLC, data", &["llc.data_mpki"]),
    ("ITLB", &["itlb.mpki"]),
    ("DTLB", &["dtlb.mpki"]),
];

pub(crate) const BRANCHES: [Row; 8] = [
    ("branches guessed wrong", &["branch.mpki"]),
    ("  conditional", &["branch.conditional_mpki"]),
    ("  indirect", &["branch.indirect_mpki"]),
    ("  return", &["branch.return_mpki"]),
    ("  target of a direct one", &["branch.target_mpki"]),
    ("taken, not in the BTB", &["btb.mpki"]),
    ("resteers at decode", &["decode_resteer.mpki"]),
    ("memory-order squashes", &["memory_order.mpki"]),
];

/// Caches that may prefetch: the prefix of their paths, their name.
const CACHES: [(&str, &str); 4] = [("l1i", "L1I"), ("l1d", "L1D"), ("l2", "L2"), ("llc", "LLC")];

/// Columns of a label and of a number.
const LABEL: usize = 28;
const NUMBER: usize = 8;

/// Whether the function ran on an out-of-order core.
pub(crate) fn has_breakdown(run: &Run) -> bool {
    let first = run.invocations.first();
    first.and_then(of_hart).is_some_and(|hart| hart.values.contains_key(RETIRING))
}

/// The first level of the top-down breakdown of an invocation, in percent of slots.
pub(crate) fn first_level(one: &Invocation) -> [Option<f64>; 4] {
    let paths = [RETIRING, "out_of_order.topdown_frontend", "out_of_order.topdown_bad_speculation"];
    let [retiring, front, speculation] = paths.map(|path| percent(of_hart(one), path));
    [retiring, front, speculation, percent(of_hart(one), "out_of_order.topdown_backend")]
}

fn percent(statistics: Option<&Statistics>, path: &str) -> Option<f64> {
    value(statistics?, path).map(|share| share * 100.0)
}

/// Everything below the table.
pub(crate) fn breakdown(run: &Run) -> String {
    let good: Vec<&Invocation> = run.invocations.iter().filter(|one| one.ok).collect();
    let section = |title: &str, rows: &[Row], of: Of, path: &str, scale: f64, digits: usize| {
        let mut lines = vec![line(title, &WHOSE.map(|(whose, _)| whose.to_owned()))];
        for (label, parts) in rows {
            let cells = WHOSE.map(|(_, whose)| {
                let means =
                    parts.iter().map(|part| mean(&good, of, &format!("{whose}{path}{part}")));
                let sum: Option<f64> = means.sum();
                let cell = sum
                    .filter(|_| !parts.is_empty())
                    .map(|sum| format!("{:.digits$}", sum * scale));
                cell.unwrap_or_else(|| if parts.is_empty() { "" } else { "-" }.to_owned())
            });
            lines.push(line(label, &cells));
        }
        lines
    };
    let ours = "out_of_order.";
    let top_down = section("top-down, % of slots", &TOP_DOWN, of_hart, ours, 100.0, 1);
    let commit = section("CPI stack at commit", &COMMIT, of_hart, ours, 1.0, 3);
    let misses = section("misses/1000 instructions", &MISSES, of_all, "", 1.0, 2);
    let branches = section("events/1000 instructions", &BRANCHES, of_all, "", 1.0, 2);
    let mut text = beside(&top_down, &commit) + "\n" + &beside(&misses, &branches) + "\n";
    text += &prefetches(&good);
    text += &restored(&good);
    text += &memory(&good);
    text
}

/// Which statistics of an invocation.
pub(crate) type Of = fn(&Invocation) -> Option<&Statistics>;

pub(crate) fn of_hart(one: &Invocation) -> Option<&Statistics> {
    let window = one.harts.iter().find(|window| window.hart == one.hart);
    window.map(|window| &window.statistics)
}

pub(crate) fn of_all(one: &Invocation) -> Option<&Statistics> {
    Some(&one.statistics)
}

/// The value at `path`, or the sum of the values by kind below it.
pub(crate) fn value(statistics: &Statistics, path: &str) -> Option<f64> {
    if let Some(value) = statistics.values.get(path) {
        return value.number();
    }
    let kinds = format!("{path}.");
    let below = statistics.values.range(kinds.clone()..);
    let parts = below.take_while(|(name, _)| name.starts_with(&kinds));
    let mut parts = parts.map(|(_, value)| value.number()).peekable();
    parts.peek()?;
    parts.sum()
}

/// The mean over the invocations that have the value.
pub(crate) fn mean(good: &[&Invocation], of: Of, path: &str) -> Option<f64> {
    let values: Vec<f64> = good.iter().filter_map(|one| value(of(one)?, path)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn line(label: &str, cells: &[String; 3]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>NUMBER$}")).collect();
    format!("{label:<LABEL$}{}", cells.concat())
}

fn beside(left: &[String], right: &[String]) -> String {
    let width = LABEL + 3 * NUMBER;
    let mut text = String::new();
    for number in 0..left.len().max(right.len()) {
        let of = |lines: &[String]| lines.get(number).cloned().unwrap_or_default();
        let line = format!("{:<width$}    {}", of(left), of(right));
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A line for each cache that prefetched.
fn prefetches(good: &[&Invocation]) -> String {
    let mut text = String::new();
    for (path, name) in CACHES {
        let of: Of = if path == "llc" { of_all } else { of_hart };
        let count = |what: &str| mean(good, of, &format!("{path}.prefetch.{what}"));
        let Some(issued) = count("issued").filter(|issued| *issued > 0.0) else { continue };
        let share = |what: &str| count(what).unwrap_or(0.0) * 100.0 / issued;
        text += &format!(
            "{name} prefetches: {issued:.0} issued, {:.1} % useful ({:.1} % late), {:.1} % useless\n",
            share("useful"),
            share("late"),
            share("useless"),
        );
    }
    text
}

/// What a restoration unit brought back.
fn restored(good: &[&Invocation]) -> String {
    let count = |what: &str| mean(good, of_hart, &format!("restored.{what}"));
    let (Some(lines), Some(used), Some(uncovered)) =
        (count("lines"), count("used"), count("uncovered"))
    else {
        return String::new();
    };
    let of_misses = |lines: f64| match used + uncovered {
        misses if misses > 0.0 => format!("{:.1} %", lines * 100.0 / misses),
        _ => "-".to_owned(),
    };
    format!(
        "restored: {lines:.0} lines; of L2's instruction misses {} covered, {} over-predicted\n",
        of_misses(used),
        of_misses(lines - used),
    )
}

/// What went to memory in an invocation.
fn memory(good: &[&Invocation]) -> String {
    let of = |path: &str| mean(good, of_all, path);
    if let (Some(read), Some(written)) = (of("dram.bytes_read"), of("dram.bytes_written")) {
        let or_dash = |value: Option<f64>, scale: f64| {
            value.map_or("-".to_owned(), |value| format!("{:.1}", value * scale))
        };
        return format!(
            "DRAM: {read:.0} bytes read, {written:.0} written, {} % row hits, {} cycles a read\n",
            or_dash(of("dram.row_hit_ratio"), 100.0),
            or_dash(of("dram.mean_read_latency"), 1.0),
        );
    }
    match (of("memory.reads"), of("memory.writes")) {
        (Some(read), Some(written)) => {
            format!("memory: {read:.0} lines read, {written:.0} written\n")
        }
        _ => String::new(),
    }
}
