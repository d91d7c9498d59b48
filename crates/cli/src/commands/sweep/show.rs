//! What `sweep` prints: the points, and what came of them.

use super::plan::{Plan, Planned};
use crate::commands::functions::aligned;
use ::report::Run;
use serde_json::{Value, json};

/// A point that was to be run: its results, and why it failed.
pub(super) struct Shown {
    pub planned: Planned,
    pub run: Option<Run>,
    pub failure: Option<String>,
}

/// A line for each point.
pub(super) fn list(plan: &Plan) -> String {
    let mut rows = vec![["point", "id", "run"].map(str::to_owned)];
    for Planned { point, id, study } in &plan.points {
        rows.push([point.index.to_string(), id.clone(), study.command.join(" ")]);
    }
    aligned(&rows)
}

pub(super) fn list_document(plan: &Plan) -> Value {
    let points: Vec<Value> = plan.points.iter().map(described).collect();
    json!({"schema": 1, "experiment": plan.name, "points": points})
}

fn described(planned: &Planned) -> Value {
    let Planned { point, id, study } = planned;
    let set: Vec<&str> = point.set().iter().map(|setting| setting.text.as_str()).collect();
    json!({
        "index": point.index,
        "id": id,
        "function": point.function(),
        "system": point.system(),
        "state": study.condition.state().name(),
        "lukewarm": point.value("lukewarm"),
        "variant": point.value("variant"),
        "set": set,
        "seed": study.seed,
        "command": study.command,
    })
}

/// A line for each point with its means, and what failed below.
pub(super) fn table(points: &[Shown]) -> String {
    let heads = ["point", "CPI", "latency us", "instructions", "result", "what"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(points.iter().map(row));
    let mut text = aligned(&rows);
    for shown in points {
        if let Some(failure) = &shown.failure {
            text += &format!("\npoint {}: {}\n", shown.planned.point.index, failure.trim_end());
        }
    }
    let failed = points.iter().filter(|shown| shown.failure.is_some()).count();
    text + &format!("\npoints: {}, {failed} failed\n", points.len())
}

fn row(shown: &Shown) -> [String; 6] {
    let summary = shown.run.as_ref().map(|run| &run.summary);
    let mean = |of: Option<::report::model::Spread>, scale: f64, digits: usize| {
        of.map_or_else(|| "-".to_owned(), |of| format!("{:.digits$}", of.mean * scale))
    };
    [
        shown.planned.point.index.to_string(),
        mean(summary.and_then(|summary| summary.cpi), 1.0, 3),
        mean(summary.and_then(|summary| summary.latency_ns), 1e-3, 1),
        mean(summary.and_then(|summary| summary.instructions), 1.0, 0),
        if shown.failure.is_none() { "ok" } else { "FAILED" }.to_owned(),
        shown.planned.point.label(),
    ]
}

pub(super) fn document(name: &str, points: &[Shown]) -> Value {
    let failed = points.iter().filter(|shown| shown.failure.is_some()).count();
    let one = |shown: &Shown| {
        let mut point = described(&shown.planned);
        point["ok"] = json!(shown.failure.is_none());
        point["error"] = json!(shown.failure);
        point["summary"] = json!(shown.run.as_ref().map(|run| &run.summary));
        point
    };
    json!({
        "schema": 1,
        "experiment": name,
        "points": points.iter().map(one).collect::<Vec<_>>(),
        "summary": {"points": points.len(), "failed": failed},
    })
}
