//! A repeated study as JSON.

use super::{Row, Table, Validation, Verdict};
use serde_json::{Map, Value, json};

/// The document that `reproduce --json` prints.
#[must_use]
pub fn document(validation: &Validation) -> Value {
    let count = |verdict| validation.checks.iter().filter(|c| c.verdict == verdict).count();
    json!({
        "schema": 1,
        "study": validation.study.name(),
        "tables": validation.tables.iter().map(table).collect::<Vec<_>>(),
        "checks": validation.checks,
        "summary": {
            "pass": count(Verdict::Pass),
            "fail": count(Verdict::Fail),
            "not_measured": count(Verdict::NotMeasured),
        },
    })
}

fn table(table: &Table) -> Value {
    let keyed = |values: Vec<Value>| -> Map<String, Value> {
        table.columns.iter().map(|head| head.key.to_owned()).zip(values).collect()
    };
    let row = |row: &Row| {
        let values = row.values.iter().map(|pair| json!(pair)).collect();
        json!({"function": row.function, "label": row.label, "values": keyed(values)})
    };
    json!({
        "title": table.title,
        "paper": table.paper,
        "system": table.system,
        "columns": table.columns,
        "rows": table.rows.iter().map(row).collect::<Vec<_>>(),
        "mean": keyed(table.mean.iter().map(|pair| json!(pair)).collect()),
        "paper_mean": keyed(table.paper_mean.iter().map(|mean| json!(mean)).collect()),
    })
}
