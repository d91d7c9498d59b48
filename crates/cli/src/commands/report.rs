//! `report`: stored results, printed again.

use super::results_dir::{MANIFEST, read};
use crate::args::ReportArgs;
use crate::failure::{FAILED, Failure};
use crate::output;
use anyhow::{Context as _, anyhow};
use std::fs;
use std::path::{Path, PathBuf};

pub fn report(args: ReportArgs) -> Result<u8, Failure> {
    let places = places(&args.dir).map_err(Failure::input)?;
    if args.json && places.len() > 1 {
        return Err(Failure::input(anyhow!(
            "reporting {} as JSON: it holds {} runs, and a document is about one; name one of them, \
             such as {}",
            args.dir.display(),
            places.len(),
            places[0].display()
        )));
    }
    let mut failed = false;
    for (index, place) in places.iter().enumerate() {
        let run = read(place).map_err(Failure::input)?;
        failed |= run.summary.failed > 0;
        if args.json {
            output::print(::report::run_json(&run))?;
        } else {
            let gap = if index > 0 { "\n" } else { "" };
            output::print(format!("{gap}{}", ::report::table(&run)))?;
        }
    }
    Ok(if failed { FAILED } else { 0 })
}

/// The directories of results that `dir` is or holds, by name.
fn places(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if dir.join(MANIFEST).is_file() {
        return Ok(vec![dir.to_owned()]);
    }
    let entries = fs::read_dir(dir).with_context(|| {
        format!(
            "looking for results in {}; name a directory that `vswarm-u run` has written",
            dir.display()
        )
    })?;
    let mut places: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .filter(|path| path.join(MANIFEST).is_file())
        .collect();
    places.sort();
    if places.is_empty() {
        return Err(anyhow!(
            "looking for results in {}: neither it nor a directory in it has a {MANIFEST}; name a \
             directory that `vswarm-u run` has written",
            dir.display()
        ));
    }
    Ok(places)
}
