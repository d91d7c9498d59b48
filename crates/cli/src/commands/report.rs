//! `report`: stored results as pictures, or printed again.

use super::report_files::write;
use super::report_tree::{Tree, find};
use super::results_dir::{configuration, overrides, read};
use crate::args::ReportArgs;
use crate::failure::{FAILED, Failure, chain};
use crate::output;
use ::report::Run;
use ::report::html::{Digest, LeftOut, html_report};
use anyhow::anyhow;
use std::path::{Path, PathBuf};

/// The folder of a report in the folder that it is on.
const REPORT: &str = "report";

pub fn report(args: ReportArgs) -> Result<u8, Failure> {
    let tree = find(&args.dir).map_err(Failure::input)?;
    let failed = if args.json {
        as_json(&args.dir, &tree)?
    } else if args.text {
        as_text(&args.dir, tree)?
    } else {
        as_pictures(&args, tree)?
    };
    Ok(if failed { FAILED } else { 0 })
}

/// Prints the only run. Whether an invocation failed is what this and the next two return.
fn as_json(dir: &Path, tree: &Tree) -> Result<bool, Failure> {
    let [place] = &tree.places[..] else {
        return Err(Failure::input(match tree.places.first() {
            None => nothing(dir, &tree.left_out),
            Some(first) => anyhow!(
                "reporting {} as JSON: it holds {} runs, and a document is about one; name one of \
                 them, such as {}",
                dir.display(),
                tree.places.len(),
                first.display()
            ),
        }));
    };
    let run = read(place).map_err(Failure::input)?;
    output::print(::report::run_json(&run))?;
    Ok(run.summary.failed > 0)
}

/// Prints the table of each run.
fn as_text(dir: &Path, tree: Tree) -> Result<bool, Failure> {
    let Tree { places, mut left_out } = tree;
    let (mut failed, mut printed) = (false, 0);
    for place in &places {
        match read(place) {
            Ok(run) => {
                let gap = if printed > 0 { "\n" } else { "" };
                output::print(format!("{gap}{}", ::report::table(&run)))?;
                failed |= run.summary.failed > 0;
                printed += 1;
            }
            Err(error) => left_out.push(unusable(dir, place, &error)),
        }
    }
    if printed == 0 {
        return Err(Failure::input(nothing(dir, &left_out)));
    }
    tell(&left_out);
    Ok(failed)
}

/// Writes the report, prints the table if there is one run, and says where the report is.
fn as_pictures(args: &ReportArgs, tree: Tree) -> Result<bool, Failure> {
    let Tree { places, mut left_out } = tree;
    let (mut runs, mut table, mut failed) = (Vec::new(), String::new(), false);
    for place in &places {
        match load(&args.dir, place) {
            Ok((run, digest)) => {
                failed |= run.summary.failed > 0;
                if places.len() == 1 {
                    table = ::report::table(&run) + "\n";
                }
                // Of the run itself nothing is kept: a sweep has many.
                runs.push(digest);
            }
            Err(error) => left_out.push(unusable(&args.dir, place, &error)),
        }
    }
    if runs.is_empty() {
        return Err(Failure::input(nothing(&args.dir, &left_out)));
    }
    left_out.sort_by(|one, other| one.name.cmp(&other.name));
    let report = html_report(&title(&args.dir), &runs, &left_out);
    let folder = args.out.clone().unwrap_or_else(|| args.dir.join(REPORT));
    let page = write(&report, &folder)?;
    tell(&left_out);
    let runs = match runs.len() {
        1 => "1 run".to_owned(),
        several => format!("{several} runs"),
    };
    let charts = report.charts.len() / 2;
    output::print(format!("{table}{runs}, {charts} charts: {}\n", page.display()))?;
    Ok(failed)
}

fn load(dir: &Path, place: &Path) -> anyhow::Result<(Run, Digest)> {
    let run = read(place)?;
    let digest = Digest::new(&name(dir, place), &run, &configuration(place)?, overrides(place)?);
    Ok((run, digest))
}

/// What a results directory is called: where it is in `dir`.
pub(super) fn name(dir: &Path, place: &Path) -> String {
    match place.strip_prefix(dir) {
        Ok(inside) if inside != Path::new("") => inside.display().to_string(),
        _ => title(dir),
    }
}

/// The last part of the folder's path, wherever the program was started.
pub(super) fn title(dir: &Path) -> String {
    let full: PathBuf = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    full.file_name().map_or_else(|| "Results".to_owned(), |name| name.display().to_string())
}

pub(super) fn unusable(dir: &Path, place: &Path, error: &anyhow::Error) -> LeftOut {
    LeftOut { name: name(dir, place), reason: chain(error) }
}

pub(super) fn tell(left_out: &[LeftOut]) {
    for LeftOut { name, reason } in left_out {
        eprintln!("left out: {name}: {reason}");
    }
}

/// There are no results.
pub(super) fn nothing(dir: &Path, left_out: &[LeftOut]) -> anyhow::Error {
    let reasons = left_out.iter().map(|LeftOut { name, reason }| format!("\n  {name}: {reason}"));
    anyhow!(
        "looking for results in {}: neither it nor a folder in it holds results that can be read (a \
         manifest.json and what lies beside it); name a folder that `vswarm-u run` has written, or \
         write one with `vswarm-u run FUNCTION --out {}`{}",
        dir.display(),
        dir.display(),
        reasons.collect::<String>()
    )
}
