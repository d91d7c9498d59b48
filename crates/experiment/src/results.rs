//! The results directory: one per run, complete or absent.
//!
//! Everything is written into a temporary directory beside the final one, which appears by one
//! rename. Earlier results are never touched: a run takes the first free number.

use crate::Outcome;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Highest number of a run of one name.
const MOST_RUNS: u32 = 100_000;

/// Results that could not be written.
#[derive(Debug, Error)]
pub enum ResultsError {
    /// The system refused.
    #[error(
        "writing the results: cannot {doing} {}: {source}; check free space and permissions, or \
         name another folder with --out", path.display()
    )]
    Io {
        /// The verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The Parquet file could not be made.
    #[error("writing the results: {0}")]
    Parquet(#[from] report::ParquetFailure),
    /// Every number is taken.
    #[error(
        "writing the results: {} already holds {MOST_RUNS} runs of this name; name another folder \
         with --out", .0.display()
    )]
    Full(PathBuf),
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ResultsError {
    let path = path.to_owned();
    move |source| ResultsError::Io { doing, path, source }
}

/// Writes the results of a run into a new directory under `folder` and returns its path, which is
/// named after function, system and state, with the first free number from 1.
///
/// # Errors
/// A folder that cannot be written to. Nothing half-written stays behind.
pub fn write_results(folder: &Path, outcome: &Outcome) -> Result<PathBuf, ResultsError> {
    written(folder, ".run-", outcome, |work| publish(work, folder, &name(outcome)))
}

/// As [`write_results`], but the directory gets `name`. One of this name with anything in it stays as it is; what a
/// killed run left on its way to this name is removed. Only one process may write to a name at a time.
///
/// # Errors
/// A folder that cannot be written to. Nothing half-written stays behind.
pub fn write_results_as(
    folder: &Path,
    name: &str,
    outcome: &Outcome,
) -> Result<PathBuf, ResultsError> {
    let place = folder.join(name);
    let unfinished = format!(".{name}-");
    for left in fs::read_dir(folder).into_iter().flatten().flatten() {
        if left.file_name().to_string_lossy().starts_with(&unfinished) {
            fs::remove_dir_all(left.path()).map_err(io("remove", &left.path()))?;
        }
    }
    written(folder, &unfinished, outcome, |work| match fs::rename(work, &place) {
        Err(error) if !is_taken(error.kind()) => {
            Err(io("rename the finished results to", &place)(error))
        }
        _ => Ok(place),
    })
}

/// Writes everything into a temporary directory beside the final one, which `publish` makes of it.
fn written(
    folder: &Path,
    prefix: &str,
    outcome: &Outcome,
    publish: impl FnOnce(&Path) -> Result<PathBuf, ResultsError>,
) -> Result<PathBuf, ResultsError> {
    fs::create_dir_all(folder).map_err(io("create", folder))?;
    let work = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(folder)
        .map_err(io("create a directory in", folder))?;
    for (name, bytes) in files(outcome)? {
        let path = work.path().join(name);
        write(&path, bytes.as_ref()).map_err(io("write", &path))?;
    }
    open_to_others(work.path()).map_err(io("set the permissions of", work.path()))?;
    let place = publish(work.path())?;
    // If it has its final name there is nothing left to delete; if not, it is deleted here.
    if !work.path().exists() {
        let _ = work.keep();
    }
    Ok(place)
}

fn files(outcome: &Outcome) -> Result<Vec<(&'static str, Vec<u8>)>, ResultsError> {
    let Outcome { run, catalogue, stacks, .. } = outcome;
    let mut files = vec![
        ("manifest.json", report::manifest_json(&run.manifest).into_bytes()),
        ("stats.json", report::stats_json(run, catalogue).into_bytes()),
        ("stats.txt", report::stats_txt(run, catalogue).into_bytes()),
        ("invocations.csv", report::invocations_csv(run).into_bytes()),
        ("windows.parquet", report::windows_parquet(run)?),
        ("config.effective.toml", outcome.effective_toml.clone().into_bytes()),
        ("console.log", outcome.console.clone()),
    ];
    files.extend(stacks.as_ref().map(|stacks| ("stacks.folded", stacks.clone().into_bytes())));
    Ok(files)
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Temporary directories are private; results need not be.
fn open_to_others(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn name(outcome: &Outcome) -> String {
    let run = &outcome.run;
    format!("{}-{}-{}", run.function, run.system, run.state.name())
}

/// Renames `work` to the first free number. An empty directory counts as free.
fn publish(work: &Path, folder: &Path, name: &str) -> Result<PathBuf, ResultsError> {
    for number in 1..=MOST_RUNS {
        let place = folder.join(format!("{name}-{number:03}"));
        match fs::rename(work, &place) {
            Ok(()) => return Ok(place),
            Err(error) if is_taken(error.kind()) => {}
            Err(error) => return Err(io("rename the finished results to", &place)(error)),
        }
    }
    Err(ResultsError::Full(folder.to_owned()))
}

fn is_taken(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists | ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::model::{Between, Catalogue, Manifest, Run, SCHEMA, State};

    fn outcome() -> Outcome {
        let run = Run {
            schema: SCHEMA,
            function: "f".to_owned(),
            system: "s".to_owned(),
            state: State::Warm,
            between: Between::default(),
            seed: 1,
            invocations: Vec::new(),
            summary: report::summarize(&[]),
            manifest: Manifest { schema: SCHEMA, ..Manifest::default() },
        };
        Outcome {
            run,
            catalogue: Catalogue::new(),
            effective_toml: "harts = 2\n".to_owned(),
            console: b"booting\n".to_vec(),
            stacks: None,
            failed: false,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_is_written_whole_and_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = outcome();
        let place = write_results(&folder.path().join("new/results"), &outcome).unwrap();
        let files = [
            "config.effective.toml",
            "console.log",
            "invocations.csv",
            "manifest.json",
            "stats.json",
            "stats.txt",
            "windows.parquet",
        ];
        assert_eq!(names(&place), files);
        let text = |name: &str| fs::read_to_string(place.join(name)).unwrap();
        let (run, _) = report::read(&text("stats.json"), &text("manifest.json")).unwrap();
        assert_eq!(run, outcome.run);
        assert_eq!(text("console.log"), "booting\n");
        let profiled = Outcome { stacks: Some("hart1;f;function;main 7\n".to_owned()), ..outcome };
        let place = write_results(folder.path(), &profiled).unwrap();
        let stacks = fs::read_to_string(place.join("stacks.folded")).unwrap();
        assert_eq!(stacks, "hart1;f;function;main 7\n");
    }

    #[test]
    fn earlier_results_are_kept_and_numbers_in_use_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f-s-warm-002"), "a file of the user's").unwrap();
        let first = write_results(folder.path(), &outcome()).unwrap();
        fs::write(first.join("note"), "mine").unwrap();
        write_results(folder.path(), &outcome()).unwrap();
        assert_eq!(names(folder.path()), ["f-s-warm-001", "f-s-warm-002", "f-s-warm-003"]);
        assert!(first.join("note").exists());
    }

    #[test]
    fn results_under_a_given_name_are_written_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".id-killed")).unwrap();
        let first = write_results_as(folder.path(), "id", &outcome()).unwrap();
        fs::write(first.join("note"), "mine").unwrap();
        assert_eq!(write_results_as(folder.path(), "id", &outcome()).unwrap(), first);
        assert_eq!(names(folder.path()), ["id"], "nothing half-written is left");
        assert!(first.join("note").exists());
    }

    #[test]
    fn results_that_cannot_be_written_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "in the way").unwrap();
        let error = write_results(&file, &outcome()).unwrap_err().to_string();
        assert!(error.contains("file") && error.contains("--out"), "{error}");
        let mut unpublishable = outcome();
        unpublishable.run.function = "no/such/folder".to_owned();
        write_results(folder.path(), &unpublishable).unwrap_err();
        assert_eq!(names(folder.path()), ["file"]);
    }
}
