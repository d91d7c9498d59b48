//! The table `run` prints: a line for each invocation, then what they come to.
//!
//! An out-of-order system has the first level of the top-down breakdown in place of miss rates, which
//! are with everything else about it below.

use crate::breakdown::{breakdown, first_level, has_breakdown};
use crate::cold::cold_start;
use crate::layers::layers;
use crate::model::{Invocation, Run, Spread, Summary};

/// The misses per 1000 instructions that tables show, where they were counted: path and title.
pub const MPKI: [(&str, &str); 9] = [
    ("l1i.mpki", "L1I"),
    ("l1d.mpki", "L1D"),
    ("l2.instruction_mpki", "L2 instr"),
    ("l2.data_mpki", "L2 data"),
    ("llc.instruction_mpki", "LLC instr"),
    ("llc.data_mpki", "LLC data"),
    ("itlb.mpki", "ITLB"),
    ("dtlb.mpki", "DTLB"),
    ("branch.mpki", "branch"),
];

/// The longest reply or error shown in full, in characters.
const LONGEST_TEXT: usize = 500;

/// What `run` prints.
#[must_use]
pub fn table(run: &Run) -> String {
    let Run { function, system, seed, invocations, summary, .. } = run;
    let mpki: Vec<_> =
        MPKI.into_iter().filter(|(path, _)| summary.mpki.contains_key(*path)).collect();
    let extra = if has_breakdown(run) { Extra::TopDown } else { Extra::Misses(&mpki) };
    let mut rows = vec![header(&extra)];
    rows.extend(invocations.iter().map(|one| row(one, &extra)));
    rows.push(mean_row(run, &extra));
    let mut text = format!("{function} on {system}, {}, seed {seed}\n\n", run.state_in_words());
    text += &cold_start(run);
    text += &aligned(&rows);
    text += &legend(&extra);
    text.push('\n');
    if matches!(extra, Extra::TopDown) {
        text += &breakdown(run);
        text.push('\n');
    }
    let layers = layers(run);
    if !layers.is_empty() {
        text += &layers;
        text.push('\n');
    }
    text += &closing(summary);
    text += &replies(invocations);
    text
}

/// The columns after those that every run has.
enum Extra<'a> {
    /// Misses per 1000 instructions: paths and titles.
    Misses(&'a [(&'static str, &'static str)]),
    /// The first level of the top-down breakdown.
    TopDown,
}

fn legend(extra: &Extra<'_>) -> String {
    match extra {
        Extra::TopDown => {
            "retire to back: % of slots (top-down level 1; refilling after a squash is \
                           front, as in hardware counters).\n"
                .to_owned()
        }
        Extra::Misses([]) => String::new(),
        Extra::Misses([(_, only)]) => format!("{only}: misses per 1000 instructions.\n"),
        Extra::Misses([(_, first), .., (_, last)]) => {
            format!("{first} to {last}: misses per 1000 instructions.\n")
        }
    }
}

fn header(extra: &Extra<'_>) -> Vec<String> {
    let fixed =
        ["#", "reply", "latency us", "cycles", "idle cycles", "instructions", "CPI", "user %"];
    let titles = match extra {
        Extra::Misses(mpki) => mpki.iter().map(|(_, title)| *title).collect(),
        Extra::TopDown => vec!["retire", "front", "spec", "back"],
    };
    fixed.into_iter().chain(titles).map(str::to_owned).collect()
}

fn row(one: &Invocation, extra: &Extra<'_>) -> Vec<String> {
    let mut cells = vec![
        one.index.to_string(),
        if one.ok { "ok" } else { "FAILED" }.to_owned(),
        number(Some(one.latency_ns as f64 / 1e3), 1),
        one.cycles.to_string(),
        one.idle_cycles.to_string(),
        one.instructions.to_string(),
        number(one.cpi, 3),
        number(one.user_percent(), 1),
    ];
    let values = &one.statistics.values;
    let misses = |path: &str| values.get(path).and_then(|value| value.number());
    match extra {
        Extra::Misses(mpki) => {
            cells.extend(mpki.iter().map(|(path, _)| number(misses(path), 2)));
        }
        Extra::TopDown => cells.extend(first_level(one).map(|share| number(share, 1))),
    }
    cells
}

fn mean_row(run: &Run, extra: &Extra<'_>) -> Vec<String> {
    let summary = &run.summary;
    let mean = |spread: Option<Spread>, scale, digits| {
        number(spread.map(|spread| spread.mean / scale), digits)
    };
    let mut cells = vec![
        "mean".to_owned(),
        String::new(),
        mean(summary.latency_ns, 1e3, 1),
        mean(summary.cycles, 1.0, 0),
        String::new(),
        mean(summary.instructions, 1.0, 0),
        mean(summary.cpi, 1.0, 3),
        String::new(),
    ];
    let misses = |path: &str| summary.mpki.get(path).copied().flatten();
    // The mean of the breakdown stands below, in full.
    if let Extra::Misses(mpki) = extra {
        cells.extend(mpki.iter().map(|(path, _)| number(misses(path), 2)));
    }
    cells
}

fn number(value: Option<f64>, digits: usize) -> String {
    match value.filter(|value| value.is_finite()) {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_owned(),
    }
}

/// The rows with every column as wide as its widest cell.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

fn closing(summary: &Summary) -> String {
    let spread = |name: &str, spread: Option<Spread>, scale: f64, digits: usize| {
        let of = |value: f64| number(Some(value / scale), digits);
        spread.map_or(String::new(), |Spread { mean, min, max, geomean }| {
            let geomean = number(geomean.map(|value| value / scale), digits);
            format!(
                "{name:<10}  mean {}, geometric mean {geomean}, {} to {}\n",
                of(mean),
                of(min),
                of(max)
            )
        })
    };
    let Summary { invocations, failed, .. } = summary;
    format!(
        "{}{}{invocations} {}, {failed} failed\n",
        spread("CPI", summary.cpi, 1.0, 3),
        spread("latency us", summary.latency_ns, 1e3, 1),
        if *invocations == 1 { "invocation" } else { "invocations" },
    )
}

/// What came back: the reply once if all agree, else each, and what failed.
fn replies(invocations: &[Invocation]) -> String {
    let mut text = String::new();
    let good: Vec<&Invocation> = invocations.iter().filter(|one| one.ok).collect();
    match &good[..] {
        [] => {}
        // A trace has no replies.
        all if all.iter().all(|one| one.reply.is_null()) => {}
        [first, rest @ ..] if rest.iter().all(|one| one.reply == first.reply) => {
            text += &format!("reply: {}\n", printable(&first.reply.to_string()));
        }
        all => {
            for one in all {
                let reply = printable(&one.reply.to_string());
                text += &format!("reply {}: {reply}\n", one.index);
            }
        }
    }
    for one in invocations.iter().filter(|one| !one.ok) {
        let error = printable(one.error.as_deref().unwrap_or("no reason was recorded"));
        text += &format!("invocation {} failed: {error}\n", one.index);
        if !one.reply.is_null() {
            text += &format!("  its reply: {}\n", printable(&one.reply.to_string()));
        }
    }
    text
}

/// The text as a terminal may safely show it: control characters escaped, the end cut off.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST_TEXT {
            shown += "...";
            break;
        }
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}
