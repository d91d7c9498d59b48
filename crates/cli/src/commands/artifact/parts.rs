//! Results by the folder that a command wrote them into.

use super::origin::{self, Known};
use crate::commands::report::{name, unusable};
use crate::commands::results_dir;
use crate::commands::sweep::POINTS;
use ::report::Run;
use ::report::artifact::{Measured, Origin, Part};
use ::report::html::LeftOut;
use ::report::reproduce::{Cell, Results, validate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The parts of `dir`, whose results are in `places`, by folder; single runs are one. What cannot be used is added to
/// `left_out`.
pub(super) fn parts(
    dir: &Path,
    places: &[PathBuf],
    left_out: &mut Vec<LeftOut>,
) -> anyhow::Result<Vec<Part>> {
    let known = origin::known()?;
    let mut parts = Vec::new();
    for (folder, places) in grouped(places) {
        let made = match folder {
            Some(folder) => swept(dir, folder, &places, &known, left_out)?,
            None => single(dir, &places, left_out),
        };
        parts.extend(made.filter(|part| !part.runs.is_empty()));
    }
    Ok(parts)
}

/// Results by the folder of their sweep; those of no sweep first.
fn grouped(places: &[PathBuf]) -> BTreeMap<Option<&Path>, Vec<&Path>> {
    let mut groups: BTreeMap<Option<&Path>, Vec<&Path>> = BTreeMap::new();
    for place in places {
        let points =
            place.parent().filter(|above| above.file_name().is_some_and(|name| name == POINTS));
        groups.entry(points.and_then(Path::parent)).or_default().push(place);
    }
    groups
}

fn single(dir: &Path, places: &[&Path], left_out: &mut Vec<LeftOut>) -> Option<Part> {
    let runs = places.iter().filter_map(|place| read(dir, place, left_out));
    let runs = runs.map(|(place, run)| Measured::new(&place, &run)).collect();
    Some(Part { folder: String::new(), origin: Origin::Runs, runs, validation: None })
}

fn swept(
    dir: &Path,
    folder: &Path,
    places: &[&Path],
    known: &[Known],
    left_out: &mut Vec<LeftOut>,
) -> anyhow::Result<Option<Part>> {
    let manifests: Vec<_> =
        places.iter().filter_map(|place| results_dir::manifest(place).ok()).collect();
    let commands: Vec<&[String]> =
        manifests.iter().map(|manifest| arguments(&manifest.command)).collect();
    let found = origin::find(known, &commands).filter(|_| !commands.is_empty());
    let study = found.and_then(Known::study);
    let (mut runs, mut whole) = (Vec::new(), BTreeMap::new());
    for place in places {
        let Some((place, run)) = read(dir, place, left_out) else { continue };
        runs.push(Measured::new(&place, &run));
        // Of other runs than those of a study nothing more is needed: a sweep has many.
        if study.is_some() {
            whole.insert(place, run);
        }
    }
    if found.is_some() {
        runs = latest(runs, left_out);
    }
    let validation = match found.zip(study) {
        Some((known, (study, _))) => {
            let runs: Vec<&Run> = runs.iter().filter_map(|run| whole.get(&run.place)).collect();
            Some(validate(study, &cells(known, &runs))?)
        }
        None => None,
    };
    let origin = found.map_or(Origin::Sweep, Known::origin);
    Ok(Some(Part { folder: below(dir, folder), origin, runs, validation }))
}

/// The runs of a study, by the points that they are.
fn cells<'a>(known: &'a Known, runs: &[&'a Run]) -> Results<'a> {
    let by_command: BTreeMap<&[String], &'a Run> =
        runs.iter().map(|run| (arguments(&run.manifest.command), *run)).collect();
    let cell = |(variant, own): (Option<&'a str>, &[String])| {
        Some(Cell { variant, run: *by_command.get(own)? })
    };
    Results(known.points().filter_map(cell).collect())
}

/// Of runs with the same command, as different programs leave them, the one that started last.
fn latest(runs: Vec<Measured>, left_out: &mut Vec<LeftOut>) -> Vec<Measured> {
    let mut chosen: Vec<Measured> = Vec::new();
    for run in runs {
        let same = |other: &&mut Measured| arguments(&other.command) == arguments(&run.command);
        let Some(other) = chosen.iter_mut().find(same) else {
            chosen.push(run);
            continue;
        };
        let is_later = run.host.started >= other.host.started;
        let older = if is_later { std::mem::replace(other, run) } else { run };
        let reason = "there are later results of the same run".to_owned();
        left_out.push(LeftOut { name: older.place, reason });
    }
    chosen
}

/// The results in `place`, and what they are called.
fn read(dir: &Path, place: &Path, left_out: &mut Vec<LeftOut>) -> Option<(String, Run)> {
    match results_dir::read(place) {
        Ok(run) => Some((name(dir, place), run)),
        Err(error) => {
            left_out.push(unusable(dir, place, &error));
            None
        }
    }
}

/// A command without the program's name.
fn arguments(command: &[String]) -> &[String] {
    command.get(1..).unwrap_or_default()
}

/// Where `folder` is in `dir`; empty if it is that, or above it.
fn below(dir: &Path, folder: &Path) -> String {
    folder.strip_prefix(dir).map(|inside| inside.display().to_string()).unwrap_or_default()
}
