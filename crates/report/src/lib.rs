//! Pure functions from results to text: the table on stdout and the files of a results directory.
//!
//! [`model`] defines what a result is; whoever measures fills it in, and [`books`] tells whether it
//! adds up. From a [`Run`] and the [`Catalogue`] of its statistics come
//!
//! | function | text |
//! |---|---|
//! | [`table`] | what `run` prints: a line for each invocation and a summary |
//! | [`run_json`] | what `run --json` prints |
//! | [`stats_json`], [`manifest_json`] | the two files that [`read`] makes a run of again |
//! | [`stats_txt`] | gem5's line format, a Begin/End block for each window |
//! | [`invocations_csv`] | a row for each invocation, a column for each statistic |
//! | [`compare`], [`comparison_table`] | two runs side by side |
//! | [`html::html_report`] | many runs as one HTML file, its charts as SVG and CSV |
//! | [`windows_parquet`] | a row for each hart of each invocation, with all statistics |
//! | [`results_csv`], [`results_parquet`] | the rows of several runs, each with its [point](PointRun) |
//! | [`reproduce`] | our values beside published ones |
//! | [`artifact`] | the appendix of a paper's artifact, with what the runs cost |
//!
//! The same results give the same bytes, on any host and at any time. A value that has no number
//! (a ratio with nothing below the line) is `null` with a reason beside it in JSON, an empty cell
//! in CSV, null in Parquet, a dash in the table and absent from `stats.txt`; `NaN` is never written.
//!
//! Not here: reading counters, touching files, and colour.

#![forbid(unsafe_code)]

pub mod artifact;
pub mod books;
mod breakdown;
mod charts;
mod cold;
mod compare;
mod csv;
pub mod html;
mod json;
mod layers;
pub mod model;
mod parquet;
mod point;
pub mod reproduce;
mod stats_txt;
mod summary;
mod table;

pub use compare::{
    Comparison, Configuration, Described, Difference, Side, compare, comparison_table,
};
pub use csv::{invocations_csv, results_csv};
pub use json::{ReadError, manifest_json, read, run_json, stats_json};
pub use model::{Catalogue, Invocation, Manifest, Run};
pub use parquet::{ParquetFailure, results_parquet, windows_parquet};
pub use point::PointRun;
pub use stats_txt::stats_txt;
pub use summary::summarize;
pub use table::{MPKI, table};
