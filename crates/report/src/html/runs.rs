//! The overview: a row for each run.

use super::cells::{Cell, about};
use super::digest::Digest;
use crate::charts::{Attribute, Markup};

/// A column of numbers: its title, the statistic and what it is multiplied with, digits after the point.
struct Number {
    title: &'static str,
    path: &'static str,
    scale: f64,
    digits: usize,
}

const fn number(title: &'static str, path: &'static str, scale: f64, digits: usize) -> Number {
    Number { title, path, scale, digits }
}

/// What stands before the numbers.
const WORDS: [&str; 4] = ["results", "function", "system", "state and variant"];

const NUMBERS: [Number; 17] = [
    number("CPI", "window.cpi", 1.0, 3),
    number("latency ms", "window.latency_ms", 1.0, 3),
    number("instructions", "window.instructions", 1.0, 0),
    number("retiring %", "out_of_order.topdown_retiring", 100.0, 1),
    number("front end %", "out_of_order.topdown_frontend", 100.0, 1),
    number("bad spec. %", "out_of_order.topdown_bad_speculation", 100.0, 1),
    number("back end %", "out_of_order.topdown_backend", 100.0, 1),
    number("L1I", "l1i.mpki", 1.0, 2),
    number("L1D", "l1d.mpki", 1.0, 2),
    number("L2 instr", "l2.instruction_mpki", 1.0, 2),
    number("L2 data", "l2.data_mpki", 1.0, 2),
    number("LLC instr", "llc.instruction_mpki", 1.0, 2),
    number("LLC data", "llc.data_mpki", 1.0, 2),
    number("branch", "branch.mpki", 1.0, 2),
    number("code KiB", "footprint.instruction.lines", 64.0 / 1024.0, 0),
    number("data KiB", "footprint.data.lines", 64.0 / 1024.0, 0),
    number("Jaccard", "footprint.instruction.jaccard", 1.0, 3),
];

/// The table, of the columns that have a number.
pub(super) fn table(html: &mut Markup, runs: &[Digest]) {
    let has = |column: &&Number| runs.iter().any(|run| !run.values(column.path).is_empty());
    let numbers: Vec<&Number> = NUMBERS.iter().filter(has).collect();
    html.element("table", &[("class", &"sortable"), ("id", &"runs")], |html| {
        html.element("thead", &[], |html| {
            html.element("tr", &[], |html| head(html, &numbers));
        });
        html.line_end();
        html.element("tbody", &[], |html| {
            for run in runs {
                html.element("tr", &[], |html| row(html, run, &numbers));
                html.line_end();
            }
        });
    });
    html.line_end();
}

fn head(html: &mut Markup, numbers: &[&Number]) {
    let counts = ["seed", "good", "failed"];
    let titles = numbers.iter().map(|column| column.title);
    for title in WORDS.into_iter().chain(counts).chain(titles) {
        html.element("th", &[("scope", &"col"), ("aria-sort", &"none")], |html| {
            html.words("button", &[("type", &"button")], title);
        });
    }
}

fn row(html: &mut Markup, run: &Digest, numbers: &[&Number]) {
    let condition = Cell::of(std::slice::from_ref(run)).first().map(about);
    let condition = condition.unwrap_or_else(|| run.state.name().to_owned());
    let condition = match run.request.as_str() {
        "" => condition,
        request => format!("{condition}, {request}"),
    };
    for text in [&run.name, &run.function, &run.system, &condition] {
        html.words("td", &[], text);
    }
    for count in [run.seed, run.invocations as u64, run.failed] {
        let class = if count == run.failed && run.failed > 0 { "n bad" } else { "n" };
        html.words("td", &[("class", &class), ("data-key", &count)], &count.to_string());
    }
    for column in numbers {
        let values = run.values(column.path);
        if values.is_empty() {
            html.words("td", &[("class", &"n"), ("data-key", &"")], "-");
            continue;
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64 * column.scale;
        let digits = column.digits;
        let attributes: [Attribute<'_>; 2] = [("class", &"n"), ("data-key", &mean)];
        html.words("td", &attributes, &format!("{mean:.digits$}"));
    }
}
