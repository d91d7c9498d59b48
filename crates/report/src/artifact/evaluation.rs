//! What results say, and what who repeats them should find.

use super::units::count;
use super::{Facts, Measured, Part, workflow};
use crate::model::Spread;
use crate::reproduce::{Pair, Table, Validation, Verdict, piped, shape_rows};

/// The section on expected results.
pub(super) fn evaluation(facts: &Facts) -> String {
    let mut text = String::from(
        "The simulation is deterministic: the same program, the same packages in the guest and the same command give the \
         same figures to the last digit, on any host and with any number of jobs. Only what `manifest.json` has under \
         `host` differs. Debian's archive moves on; with other packages figures may move, and then it is the bounds of the \
         shapes, where there are shapes, that say what must hold.\n",
    );
    for part in &facts.parts {
        text += &format!("\n### Results in `{}`\n\n", workflow::place(facts, part));
        text += &completeness(part);
        text += &match &part.validation {
            Some(validation) => study(validation),
            None => runs(&part.runs),
        };
    }
    text
}

/// How much of the experiment has results, and whether all of them are good.
fn completeness(part: &Part) -> String {
    let failed = part.runs.iter().filter(|run| run.summary.failed > 0).count();
    let failures = match failed {
        0 => "in none of them did an invocation fail".to_owned(),
        some => format!("in {some} of them an invocation failed"),
    };
    match part.points() {
        Some(points) => format!(
            "{} of {} of the experiment {} results; {failures}.\n\n",
            part.runs.len(),
            count(points, "point"),
            if part.runs.len() == 1 { "has" } else { "have" }
        ),
        None => format!("{}; {failures}.\n\n", count(part.runs.len(), "run")),
    }
}

fn study(validation: &Validation) -> String {
    let mut text = verdicts(validation) + "\n\n" + &piped(&shape_rows(validation));
    text += "\nKey figures, means over the functions that have results (the papers' values beside ours; `validation.md` has \
             them by function, with the figure that each is from):\n";
    for table in &validation.tables {
        text += &format!("\n**{}**; {}; `{}`\n\n", table.title, functions(table), table.system);
        text += &piped(&key_figures(table));
    }
    text
}

/// How many shapes there are of each verdict.
pub(super) fn verdicts(validation: &Validation) -> String {
    let of = |verdict| validation.checks.iter().filter(|check| check.verdict == verdict).count();
    let [pass, fail, open] = [Verdict::Pass, Verdict::Fail, Verdict::NotMeasured].map(of);
    let shapes = count(validation.checks.len(), "shape");
    format!(
        "{shapes} of the published results checked: {pass} PASS, {fail} FAIL, {open} not measured."
    )
}

fn functions(table: &Table) -> String {
    count(table.rows.len(), "function")
}

fn key_figures(table: &Table) -> Vec<Vec<String>> {
    let heads = ["figure", "ours", "published, these functions", "published, the paper's mean"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let known = table.columns.iter().zip(table.mean.iter().zip(&table.paper_mean));
    for (head, (Pair { ours, published }, paper)) in known {
        if ours.is_some() || published.is_some() {
            let cell = |value: &Option<f64>| number(*value, head.digits);
            rows.push(vec![head.heading.to_owned(), cell(ours), cell(published), cell(paper)]);
        }
    }
    rows
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

fn runs(runs: &[Measured]) -> String {
    let heads = [
        "results",
        "function",
        "system",
        "state",
        "invocations",
        "CPI",
        "latency us",
        "instructions",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(runs.iter().map(row));
    format!("Means over the invocations, least and largest behind them:\n\n{}", piped(&rows))
}

fn row(run: &Measured) -> Vec<String> {
    let summary = &run.summary;
    let failed = match summary.failed {
        0 => String::new(),
        some => format!(", {some} failed"),
    };
    vec![
        format!("`{}`", run.place),
        run.function.clone(),
        run.system.clone(),
        format!("{}, seed {}", run.state, run.seed),
        format!("{}{failed}", summary.invocations),
        spread(summary.cpi, 1.0, 3),
        spread(summary.latency_ns, 1e-3, 1),
        spread(summary.instructions, 1.0, 0),
    ]
}

fn spread(of: Option<Spread>, scale: f64, digits: usize) -> String {
    let Some(Spread { mean, min, max, .. }) = of else { return "-".to_owned() };
    let [mean, min, max] = [mean, min, max].map(|value| format!("{:.digits$}", value * scale));
    format!("{mean} ({min} to {max})")
}
