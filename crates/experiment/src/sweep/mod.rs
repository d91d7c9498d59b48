//! Experiments as files: a matrix of runs, expanded into points.
//!
//! An experiment names functions, systems, states, seeds, overrides of the system and options of `run`; every
//! combination is a **point**: one `run`, with the arguments that [`Point::arguments`] writes. The expansion depends on
//! the file only, so that a point has the same index wherever the file is read, and an [id](fingerprint()) that is a hash of
//! all that decides its results, so that finished points can be told from missing ones by the names of their folders.
//!
//! | key | is |
//! |---|---|
//! | `functions`, `systems` | names; a name that ends in `.toml` is a file, relative to the experiment |
//! | `states` | `"warm"`, `"lukewarm"`, or `{ lukewarm = "flush=l1i,l2" }`; without it `["warm"]` |
//! | `seeds` | whole numbers; without it `[1]` |
//! | `set` | overrides of every point, `"path=value"` |
//! | `[overrides]` | `"path" = [values]`: an axis for each path |
//! | `[[variant]]` | `name` and `set`: named alternatives, an axis |
//! | [`OPTIONS`] | options of `run`; a list of values is an axis |
//! | `[[exclude]]` | points with all of these values are left out |
//! | `[[include]]` | one point more; what it does not name is taken from axes with one value |
//! | `functions_file` | a compose file with the functions, relative to the experiment |
//! | `description` | a sentence |
//!
//! Not here: running anything, and what only `run` knows, such as which systems there are.

mod builtin;
mod error;
mod expand;
mod fingerprint;
mod point;
mod read;
mod reader;
#[cfg(test)]
mod tests;

pub use builtin::{Builtin, builtins};
pub use error::{Problem, SweepError};
pub use expand::MOST_POINTS;
pub use fingerprint::{PROGRAM, Sources, fingerprint};
pub use point::{OPTIONS, Point, Setting};

use std::path::{Path, PathBuf};

/// An experiment, expanded.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// What it is for; may be empty.
    pub description: String,
    /// The compose file with its functions, as written; none for the built-in ones.
    pub functions_file: Option<String>,
    /// The folder that paths in it are relative to; none for a built-in experiment.
    pub folder: Option<PathBuf>,
    /// Its points, by index. Never empty.
    pub points: Vec<Point>,
}

impl Experiment {
    /// Reads the built-in experiment or the file (by a path that ends in `.toml`) `name`.
    ///
    /// # Errors
    /// An unknown name, an unreadable file, TOML's syntax, and everything that is wrong with the content.
    pub fn load(name: &str) -> Result<Self, SweepError> {
        Draft::load(name)?.checked()
    }
}

/// An experiment as far as its file can be understood.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What is named in messages.
    place: String,
    /// What was understood; may be without points.
    pub experiment: Experiment,
    /// What is wrong with the file. More may be found by whoever looks at the points.
    pub problems: Vec<Problem>,
}

impl Draft {
    /// Reads the built-in experiment or the file (by a path that ends in `.toml`) `name`.
    ///
    /// # Errors
    /// An unknown name, an unreadable file, TOML's syntax.
    pub fn load(name: &str) -> Result<Self, SweepError> {
        if name.ends_with(".toml") {
            let path = Path::new(name);
            let text = std::fs::read_to_string(path)
                .map_err(|source| SweepError::Read { path: path.to_owned(), source })?;
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            return Self::parse(&text, name, Some(folder));
        }
        let Some(found) = builtins().find(|builtin| builtin.name == name) else {
            let known: Vec<&str> = builtins().map(|builtin| builtin.name).collect();
            return Err(SweepError::Unknown { name: name.to_owned(), known: known.join(", ") });
        };
        Self::parse(found.toml, found.name, None)
    }

    /// Reads `text`; `place` names it in messages, and paths in it are relative to `folder`.
    ///
    /// # Errors
    /// TOML's syntax.
    pub fn parse(text: &str, place: &str, folder: Option<PathBuf>) -> Result<Self, SweepError> {
        let table: toml::Table = text.parse().map_err(|source| SweepError::Syntax {
            place: place.to_owned(),
            source: Box::new(source),
        })?;
        let (file, mut problems) = read::read(&table);
        let points = expand::expand(&file, &mut problems);
        let read::File { description, functions_file, .. } = file;
        let experiment = Experiment { description, functions_file, folder, points };
        Ok(Self { place: place.to_owned(), experiment, problems })
    }

    /// The experiment, if nothing is wrong with it.
    ///
    /// # Errors
    /// All problems.
    pub fn checked(self) -> Result<Experiment, SweepError> {
        let Self { place, experiment, problems } = self;
        match problems.as_slice() {
            [] => Ok(experiment),
            _ => Err(SweepError::Invalid { place, problems }),
        }
    }
}
