//! One point: run unless it is finished, its results written under its id.

use super::failed;
use super::plan::Planned;
use crate::commands::results_dir;
use crate::commands::run::failure;
use crate::failure::{FAILED, Failure, INTERRUPTED};
use crate::home;
use crate::host::{Watch, Watched};
use crate::progress::Reporter;
use ::guest::progress::Progress as _;
use ::report::Run;
use anyhow::{Context as _, anyhow};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::{process, thread};

/// The folder with the results of points, below that of a sweep.
pub(in crate::commands) const POINTS: &str = "points";
/// The folder with files that are locked while a point is run.
const LOCKS: &str = ".locks";

/// Where the results of the point `id` are, or will be.
pub(super) fn place(out: &Path, id: &str) -> PathBuf {
    out.join(POINTS).join(id)
}

/// The results of the point `id`, if it is finished.
///
/// # Errors
/// Results that are there but cannot be read: they have appeared whole, so somebody changed them.
pub(super) fn finished(out: &Path, id: &str) -> anyhow::Result<Option<Run>> {
    let place = place(out, id);
    if !place.exists() {
        return Ok(None);
    }
    let run = results_dir::read(&place);
    run.map(Some).with_context(|| format!("{} is damaged; remove it", place.display()))
}

/// Runs the point unless it is finished; the exit status.
pub(super) fn work(planned: &Planned, out: &Path) -> Result<u8, Failure> {
    let Planned { id, study, .. } = planned;
    let home = home::create()?;
    let _lock = lock(out, id).map_err(Failure::failed)?;
    let reporter = Reporter::new();
    let run = match finished(out, id).map_err(Failure::failed)? {
        Some(run) => run,
        None => {
            let watch = Watch::start();
            let result = experiment::run(&home, study, &Watched::new(&reporter, &watch));
            reporter.finish();
            let mut outcome = result.map_err(failure)?;
            outcome.run.manifest.host = watch.read();
            experiment::write_results_as(&out.join(POINTS), id, &outcome)
                .map_err(Failure::failed)?;
            outcome.run
        }
    };
    reporter.note(&format!("results: {}", place(out, id).display()));
    let Some(why) = failed(&run) else { return Ok(0) };
    eprintln!("error: {why}");
    Ok(FAILED)
}

/// Keeps a second process from running the point: one that a cluster started again, or that a killed sweep left.
fn lock(out: &Path, id: &str) -> anyhow::Result<File> {
    let path = out.join(LOCKS).join(id);
    let doing = || format!("locking {}", path.display());
    fs::create_dir_all(out.join(LOCKS)).with_context(doing)?;
    let file = File::options().create(true).append(true).open(&path).with_context(doing)?;
    file.lock().with_context(doing)?;
    Ok(file)
}

/// Ends this process when standard input ends: whoever holds the other end is gone, even if it was killed.
pub(super) fn end_with_parent() -> Result<(), Failure> {
    let watch = || {
        let mut input = std::io::stdin().lock();
        let mut byte = [0];
        while input.read(&mut byte).is_ok_and(|count| count > 0) {}
        process::exit(i32::from(INTERRUPTED));
    };
    let started = thread::Builder::new().spawn(watch);
    started.map(|_| ()).map_err(|error| Failure::failed(anyhow!("starting a thread: {error}")))
}
