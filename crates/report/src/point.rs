//! A run as part of an experiment.

use crate::model::Run;

/// A run, and what names it among the others of an experiment.
#[derive(Clone, Debug)]
pub struct PointRun<'a> {
    /// Its index.
    pub point: u64,
    /// What the experiment says of it, by name; the same names for all points. No value is an empty cell.
    pub labels: Vec<(String, Option<String>)>,
    /// Its results.
    pub run: &'a Run,
}
