//! `sweep`: all points of an experiment, several at a time.
//!
//! | in the folder of results | is |
//! |---|---|
//! | `points/ID` | the results of a point, as `run` writes them; there when the point is finished, not before |
//! | `results.csv`, `results.parquet` | all of them in one table |
//! | `.locks` | files that are locked while a point is run |
//!
//! What is finished is told by the names in `points` alone: a sweep that was killed goes on where it was, several may
//! share a folder, and the files do not depend on how many points ran at the same time.

mod args;
mod blame;
mod collect;
mod plan;
mod pool;
mod show;
mod worker;

pub use args::{SweepArgs, SweepOptions};
pub(super) use worker::POINTS;

use crate::failure::{FAILED, Failure};
use crate::{jobs, output};
use ::report::Run;
use plan::{Plan, Planned, plan};
use pool::Order;
use show::Shown;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub fn sweep(args: &SweepArgs) -> Result<u8, Failure> {
    let options = &args.options;
    if args.list || args.point.is_some() {
        let plan = plan(&args.experiment, args.point, options.mirror.as_deref())?;
        if args.list {
            return list(&plan, args.json);
        }
        if args.attached {
            worker::end_with_parent()?;
        }
        return worker::work(&plan.points[0], &folder(options.out.as_deref(), &plan));
    }
    let swept = run_whole(&args.experiment, options)?;
    if args.json {
        output::print_json(&show::document(&swept.name, &swept.points))?;
    } else {
        output::print(show::table(&swept.points))?;
        eprintln!("results: {}", swept.out.display());
    }
    Ok(if swept.failures().next().is_some() { FAILED } else { 0 })
}

/// Where results go: where the user says, or under the experiment's name.
fn folder(asked: Option<&Path>, plan: &Plan) -> PathBuf {
    asked.map_or_else(|| Path::new("results").join(&plan.name), Path::to_owned)
}

fn list(plan: &Plan, as_json: bool) -> Result<u8, Failure> {
    if as_json {
        output::print_json(&show::list_document(plan))?;
    } else {
        output::print(show::list(plan))?;
    }
    Ok(0)
}

/// A whole experiment that was run.
pub(super) struct Swept {
    name: String,
    /// The folder of the results.
    pub out: PathBuf,
    points: Vec<Shown>,
}

impl Swept {
    /// The variant and the results of each point that has some.
    pub fn runs(&self) -> impl Iterator<Item = (Option<&str>, &Run)> {
        self.points
            .iter()
            .filter_map(|shown| Some((shown.planned.point.value("variant"), shown.run.as_ref()?)))
    }

    /// The index of each point that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &str)> {
        self.points
            .iter()
            .filter_map(|shown| Some((shown.planned.point.index, shown.failure.as_deref()?)))
    }
}

/// Runs the points of an experiment that have no results yet, and collects the results of all.
pub(super) fn run_whole(experiment: &str, options: &SweepOptions) -> Result<Swept, Failure> {
    let mirror = options.mirror.as_deref();
    let plan = plan(experiment, None, mirror)?;
    let out = folder(options.out.as_deref(), &plan);
    let order = Order { experiment, out: &out, mirror };
    let missing = missing(&plan, &out)?;
    if missing.len() < plan.points.len() {
        eprintln!("{} of {} points are to be run", missing.len(), plan.points.len());
    }
    let mut failures = BTreeMap::new();
    if !missing.is_empty() {
        let endings = pool::run(&order, &missing, jobs::number(options.jobs))?;
        let failed = missing.iter().zip(endings).filter_map(|(p, why)| Some((p.id.clone(), why?)));
        failures.extend(failed);
    }
    let mut points = Vec::new();
    for planned in plan.points {
        let run = worker::finished(&out, &planned.id).map_err(Failure::failed)?;
        let failure = run.as_ref().and_then(failed).or_else(|| failures.get(&planned.id).cloned());
        points.push(Shown { planned, run, failure });
    }
    collect::collect(&out, &points)?;
    Ok(Swept { name: plan.name, out, points })
}

/// The points without results, one of each id.
fn missing<'a>(plan: &'a Plan, out: &Path) -> Result<Vec<&'a Planned>, Failure> {
    let (mut missing, mut seen) = (Vec::new(), BTreeSet::new());
    for planned in &plan.points {
        let is_finished = worker::finished(out, &planned.id).map_err(Failure::failed)?.is_some();
        if seen.insert(planned.id.as_str()) && !is_finished {
            missing.push(planned);
        }
    }
    Ok(missing)
}

/// What is wrong with results: the simulation is deterministic, so that running it again would find the same.
fn failed(run: &Run) -> Option<String> {
    let one = run.invocations.iter().find(|one| !one.ok)?;
    let why = one.error.as_deref().unwrap_or("no reason was recorded");
    Some(format!("invocation {} failed: {why}", one.index))
}
