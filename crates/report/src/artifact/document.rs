//! What an appendix is made of, as JSON.

use super::{Facts, Origin, Part, workflow};
use crate::reproduce;
use serde_json::{Value, json};

/// The document that `artifact --json` prints.
#[must_use]
pub fn document(facts: &Facts) -> Value {
    json!({
        "schema": 1,
        "results": facts.results,
        "program": facts.program,
        "machine": facts.machine,
        "disk": facts.disk,
        "costs": facts.costs(),
        "choices": facts.choices,
        "parts": facts.parts.iter().map(|part| described(facts, part)).collect::<Vec<_>>(),
        "left_out": facts.left_out,
    })
}

fn described(facts: &Facts, part: &Part) -> Value {
    json!({
        "folder": part.folder,
        "origin": origin(&part.origin),
        "points": part.points(),
        "commands": workflow::commands(facts, part),
        "runs": part.runs,
        "validation": part.validation.as_ref().map(reproduce::document),
    })
}

fn origin(origin: &Origin) -> Value {
    match origin {
        Origin::Study { study, full, .. } => {
            json!({"kind": "study", "study": study.name(), "full": full})
        }
        Origin::Builtin { name, .. } => json!({"kind": "experiment", "name": name}),
        Origin::Sweep => json!({"kind": "sweep"}),
        Origin::Runs => json!({"kind": "runs"}),
    }
}
