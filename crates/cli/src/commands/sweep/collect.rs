//! The results of all points in one table: `results.csv` and `results.parquet`.

use super::plan::Planned;
use super::show::Shown;
use crate::commands::whole_file;
use crate::failure::Failure;
use ::report::{PointRun, Run};
use experiment::sweep::OPTIONS;
use std::path::Path;

/// A file of results, for data frames and spreadsheets.
pub(super) const CSV: &str = "results.csv";
pub(super) const PARQUET: &str = "results.parquet";

/// Writes both files: rows of the points that have results, by index.
pub(super) fn collect(out: &Path, points: &[Shown]) -> Result<(), Failure> {
    let options = used_options(points);
    let finished = points.iter().filter_map(|shown| Some((&shown.planned, shown.run.as_ref()?)));
    let runs: Vec<PointRun<'_>> = finished.map(|(p, run)| labelled(p, run, &options)).collect();
    whole_file::write(&out.join(CSV), ::report::results_csv(&runs).as_bytes())
        .map_err(Failure::failed)?;
    let parquet = ::report::results_parquet(&runs).map_err(Failure::failed)?;
    whole_file::write(&out.join(PARQUET), &parquet).map_err(Failure::failed)
}

/// The options that the experiment sets somewhere.
fn used_options(points: &[Shown]) -> Vec<&'static str> {
    let is_used = |key: &&str| points.iter().any(|shown| shown.planned.point.value(key).is_some());
    OPTIONS.into_iter().filter(is_used).collect()
}

fn labelled<'a>(planned: &Planned, run: &'a Run, options: &[&str]) -> PointRun<'a> {
    let point = &planned.point;
    let set: Vec<&str> = point.set().iter().map(|setting| setting.text.as_str()).collect();
    let set = Some(set.join(" ")).filter(|set| !set.is_empty());
    let mut labels = vec![
        ("id".to_owned(), Some(planned.id.clone())),
        ("variant".to_owned(), point.value("variant").map(str::to_owned)),
        ("set".to_owned(), set),
    ];
    let option = |key: &&str| ((*key).to_owned(), point.value(key).map(str::to_owned));
    labels.extend(options.iter().map(option));
    PointRun { point: point.index as u64, labels, run }
}
