//! Our values beside published ones, by function.

use super::columns::{Column, Figure, Mean, Source};
use super::measures::mean_gain;
use super::published::Published;
use super::results::{Results, Subject};
use crate::summary;
use serde::Serialize;

/// Our value and the published one; none where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pair {
    /// Ours.
    pub ours: Option<f64>,
    /// The paper's.
    pub published: Option<f64>,
}

/// A column.
#[derive(Clone, Debug, Serialize)]
pub struct Head {
    /// Its name in JSON.
    pub key: &'static str,
    /// What is printed above it.
    pub heading: &'static str,
    /// Where the published values are from.
    pub source: Option<String>,
    /// Digits after the point.
    #[serde(skip)]
    pub digits: usize,
}

/// The values of a function, in the order of the columns.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Our name.
    pub function: String,
    /// The paper's.
    pub label: String,
    /// The values.
    pub values: Vec<Pair>,
}

/// One of our systems against one paper.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// What it is about.
    pub title: &'static str,
    /// The paper.
    pub paper: String,
    /// Our system.
    pub system: &'static str,
    /// The columns.
    pub columns: Vec<Head>,
    /// A row for each of the paper's functions that has results, in the paper's order.
    pub rows: Vec<Row>,
    /// Means over these functions; the published one over those that the paper has a value of.
    pub mean: Vec<Pair>,
    /// The paper's own means, over all of its functions.
    pub paper_mean: Vec<Option<f64>>,
}

pub(super) fn table(figure: &Figure, results: &Results<'_>, published: &Published) -> Table {
    let functions = published.functions().iter();
    let rows: Vec<Row> = functions
        .filter(|of| results.has(&of.name, figure.system))
        .map(|of| {
            let subject = Subject { results, function: &of.name, system: figure.system };
            let pair = |column: &Column| Pair {
                ours: (column.ours)(&subject).filter(|value| value.is_finite()),
                published: value(column.published, published, &of.name),
            };
            let values = figure.columns.iter().map(pair).collect();
            Row { function: of.name.clone(), label: of.label.clone(), values }
        })
        .collect();
    let mean = figure.columns.iter().enumerate().map(|(number, column)| Pair {
        ours: mean(column.mean, &values(&rows, number, |pair| pair.ours)),
        published: mean(column.mean, &values(&rows, number, |pair| pair.published)),
    });
    Table {
        title: figure.title,
        paper: published.title.clone(),
        system: figure.system,
        columns: figure.columns.iter().map(|column| head(column, published)).collect(),
        mean: mean.collect(),
        paper_mean: figure.columns.iter().map(|column| paper_mean(column, published)).collect(),
        rows,
    }
}

fn values(rows: &[Row], number: usize, of: impl Fn(&Pair) -> Option<f64>) -> Vec<f64> {
    rows.iter().filter_map(|row| of(&row.values[number])).collect()
}

fn mean(kind: Mean, values: &[f64]) -> Option<f64> {
    match kind {
        Mean::Arithmetic => summary::mean(values),
        Mean::Geometric => summary::geomean(values),
        Mean::OfPercent => mean_gain(values),
    }
}

fn value(source: Source, published: &Published, function: &str) -> Option<f64> {
    match source {
        Source::Key(key) => published.value(key, function),
        Source::Ratio(above, below) => {
            Some(published.value(above, function)? / published.value(below, function)?)
        }
        Source::Nowhere => None,
    }
}

fn paper_mean(column: &Column, published: &Published) -> Option<f64> {
    match column.published {
        Source::Key(key) => published.mean(key),
        Source::Ratio(above, below) => Some(published.mean(above)? / published.mean(below)?),
        Source::Nowhere => None,
    }
}

fn head(column: &Column, published: &Published) -> Head {
    let source = match column.published {
        Source::Key(key) => published.source(key).map(str::to_owned),
        Source::Ratio(above, below) => {
            let both = published.source(above).zip(published.source(below));
            both.map(|(above, below)| format!("({above}) / ({below})"))
        }
        Source::Nowhere => None,
    };
    Head { key: column.key, heading: column.heading, source, digits: column.digits }
}
