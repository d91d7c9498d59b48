//! The report: one HTML file from the results of many runs, which works from a disk and without a
//! network, and each of its charts as SVG and CSV.
//!
//! [`Digest`] keeps of a run what the report shows. Runs that were made in the same way, up to the seed,
//! are pooled (`cells`). `figures` says which figures there are and which statistics they
//! show; a figure of which no run has the statistics is left out. `page` puts them into a document.
//!
//! What comes from results gets into the document as text only (`charts::Markup`). The document allows
//! no script but its own, by its hash, and nothing from outside.
//!
//! Left out: pictures of a single invocation over time, and confidence intervals; the quartiles of the
//! latency show the spread.

mod cells;
mod digest;
mod figures;
mod overrides;
mod page;
mod runs;

pub use digest::Digest;
pub use overrides::{Override, overrides};
pub use page::GENERATOR;

use cells::Cell;
use std::collections::BTreeSet;

/// A results directory that the report leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The directory.
    pub name: String,
    /// Why, and what to do about it.
    pub reason: String,
}

/// The files of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The document. It refers to `charts/NAME` for each of the charts, and needs none of them.
    pub html: String,
    /// The charts' files: name and content.
    pub charts: Vec<(String, String)>,
}

/// Makes the report on `runs`. `title` is what the whole is called, such as the folder's name; runs and
/// what is left out are shown in the order given.
#[must_use]
pub fn html_report(title: &str, runs: &[Digest], left_out: &[LeftOut]) -> Report {
    let cells = Cell::of(runs);
    let mut sections = figures::sections(&cells);
    distinct_names(&mut sections);
    let charts = sections.iter().flat_map(figures::Section::files).collect();
    Report { html: page::page(title, runs, &cells, left_out, &sections), charts }
}

/// Numbers the charts whose names are taken.
fn distinct_names(sections: &mut [figures::Section]) {
    let mut taken = BTreeSet::new();
    for chart in sections.iter_mut().flat_map(figures::Section::charts_mut) {
        let plain = chart.slug().to_owned();
        let mut number = 1;
        while !taken.insert(chart.slug().to_owned()) {
            number += 1;
            chart.rename(format!("{plain}-{number}"));
        }
    }
}

#[cfg(test)]
mod tests;
