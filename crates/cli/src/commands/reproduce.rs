//! `reproduce`: a published study as a sweep, and what comes of it beside the published values.

use super::sweep::{self, SweepOptions};
use super::whole_file;
use crate::failure::{FAILED, Failure};
use crate::output;
use ::report::reproduce::{Cell, Results, Study, document, markdown, text, validate};
use clap::Args;

/// The file with the tables as Markdown.
const VALIDATION: &str = "validation.md";

/// `reproduce`.
#[derive(Debug, Args)]
pub struct ReproduceArgs {
    /// The study.
    #[arg(value_parser = study)]
    pub study: Study,
    /// Three functions and few invocations: tells within minutes whether the shapes are there (the default).
    #[arg(long, conflicts_with = "full")]
    pub quick: bool,
    /// All functions of the paper, with as many invocations.
    #[arg(long)]
    pub full: bool,
    #[command(flatten)]
    pub options: SweepOptions,
    /// Print one JSON document in place of the tables.
    #[arg(long)]
    pub json: bool,
}

fn study(name: &str) -> Result<Study, String> {
    let found = Study::ALL.into_iter().find(|study| study.name() == name);
    let known = Study::ALL.map(Study::name).join(", ");
    found.ok_or_else(|| format!("there is no such study; known are: {known}"))
}

/// Fails if a point failed, or if a shape is not the published one.
pub fn reproduce(args: &ReproduceArgs) -> Result<u8, Failure> {
    let experiment = experiment(args.study, args.full);
    let swept = sweep::run_whole(&experiment, &args.options)?;
    let results = Results(swept.runs().map(|(variant, run)| Cell { variant, run }).collect());
    let validation = validate(args.study, &results).map_err(Failure::failed)?;
    whole_file::write(&swept.out.join(VALIDATION), markdown(&validation).as_bytes())
        .map_err(Failure::failed)?;
    if args.json {
        output::print_json(&document(&validation))?;
    } else {
        output::print(text(&validation))?;
    }
    for (index, why) in swept.failures() {
        eprintln!("point {index} failed: {why}");
    }
    eprintln!("results: {}", swept.out.display());
    let failed = validation.failed() > 0 || swept.failures().next().is_some();
    Ok(if failed { FAILED } else { 0 })
}

/// The name of the built-in experiment.
fn experiment(study: Study, full: bool) -> String {
    let quick = if full { "" } else { "-quick" };
    format!("reproduce-{}{quick}", study.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::experiment::sweep::Experiment;

    #[test]
    fn every_study_has_its_two_experiments() {
        for study in Study::ALL {
            let points = |full| Experiment::load(&experiment(study, full)).unwrap().points.len();
            assert!(points(false) < points(true), "{}", study.name());
        }
    }
}
