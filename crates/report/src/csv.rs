//! `invocations.csv`, and `results.csv` of several runs: a row for each invocation (RFC 4180).

use crate::PointRun;
use crate::model::{HartWindow, Invocation, Run, Value};
use std::collections::BTreeSet;

/// The rows, after a row of column names. Undefined values are empty cells.
#[must_use]
pub fn invocations_csv(run: &Run) -> String {
    let columns = Columns::of(&[run]);
    let mut text = line(columns.names());
    for invocation in &run.invocations {
        text += &line(columns.cells(invocation));
    }
    text
}

/// The rows of all points, after a row of column names: what names the point and its run before the columns of
/// [`invocations_csv`]. All points must have the same labels.
#[must_use]
pub fn results_csv(points: &[PointRun<'_>]) -> String {
    let runs: Vec<&Run> = points.iter().map(|point| point.run).collect();
    let columns = Columns::of(&runs);
    let mut names = vec!["point".to_owned()];
    names.extend(
        points.iter().take(1).flat_map(|point| &point.labels).map(|(name, _)| name.clone()),
    );
    names.extend(OF_RUN.iter().map(|(name, _)| (*name).to_owned()));
    names.extend(columns.names());
    let mut text = line(names);
    for point in points {
        let mut common = vec![point.point.to_string()];
        common.extend(point.labels.iter().map(|(_, label)| label.clone().unwrap_or_default()));
        common.extend(OF_RUN.iter().map(|(_, of)| of(point.run)));
        for invocation in &point.run.invocations {
            text += &line([common.clone(), columns.cells(invocation)].concat());
        }
    }
    text
}

/// A column of the run that an invocation belongs to: its name and its cell.
type RunColumn = (&'static str, fn(&Run) -> String);

const OF_RUN: [RunColumn; 5] = [
    ("function", |run| run.function.clone()),
    ("system", |run| run.system.clone()),
    ("state", |run| run.state.name().to_owned()),
    ("lukewarm", |run| run.between.lukewarm.clone().unwrap_or_default()),
    ("seed", |run| run.seed.to_string()),
];

/// What the invocations of runs have in common as columns.
struct Columns {
    harts: BTreeSet<u32>,
    statistics: BTreeSet<String>,
}

const HEADLINE: [&str; 8] =
    ["index", "ok", "hart", "latency_ns", "cycles", "idle_cycles", "instructions", "cpi"];

/// A column of a hart's window: its name and its cell.
type HartColumn = (&'static str, fn(&HartWindow) -> u64);

const HART: [HartColumn; 7] = [
    ("cycles", |hart| hart.cycles),
    ("idle_cycles", |hart| hart.idle_cycles),
    ("instructions", |hart| hart.instructions),
    ("user_cycles", |hart| hart.user_cycles),
    ("user_instructions", |hart| hart.user_instructions),
    ("kernel_cycles", |hart| hart.kernel_cycles),
    ("kernel_instructions", |hart| hart.kernel_instructions),
];

impl Columns {
    fn of(runs: &[&Run]) -> Self {
        let all = || runs.iter().flat_map(|run| &run.invocations);
        let windows = all().flat_map(|one| &one.harts);
        let statistics = all().flat_map(|one| one.statistics.values.keys());
        Self {
            harts: windows.map(|window| window.hart).collect(),
            statistics: statistics.cloned().collect(),
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = HEADLINE.map(str::to_owned).into();
        for hart in &self.harts {
            names.extend(HART.iter().map(|(name, _)| format!("hart{hart}.{name}")));
        }
        names.extend(self.statistics.iter().cloned());
        names.extend(["error", "reply"].map(str::to_owned));
        names
    }

    fn cells(&self, one: &Invocation) -> Vec<String> {
        let mut cells = vec![one.index.to_string(), one.ok.to_string(), one.hart.to_string()];
        let counts = [one.latency_ns, one.cycles, one.idle_cycles, one.instructions];
        cells.extend(counts.map(|count| count.to_string()));
        cells.push(real(one.cpi));
        for hart in &self.harts {
            let window = one.harts.iter().find(|window| window.hart == *hart);
            let cell = |of: fn(&HartWindow) -> u64| window.map(of).map(|count| count.to_string());
            cells.extend(HART.iter().map(|(_, of)| cell(*of).unwrap_or_default()));
        }
        let values = &one.statistics.values;
        cells.extend(self.statistics.iter().map(|path| value(values.get(path))));
        cells.push(one.error.clone().unwrap_or_default());
        cells.push(if one.reply.is_null() { String::new() } else { one.reply.to_string() });
        cells
    }
}

fn real(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map(|value| value.to_string()).unwrap_or_default()
}

fn value(value: Option<&Value>) -> String {
    match value {
        Some(Value::Count(count)) => count.to_string(),
        other => real(other.and_then(|value| value.number())),
    }
}

pub(crate) fn line(cells: Vec<String>) -> String {
    cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\n"
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
