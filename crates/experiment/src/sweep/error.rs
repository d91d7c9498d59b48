//! What can be wrong with an experiment.

use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The path of the key in the file, such as `variant[1].set[0]`.
    pub at: String,
    /// What is wrong, and what to write instead.
    pub what: String,
}

impl Problem {
    /// `what` is wrong with `at`.
    pub fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// Why an experiment cannot be run.
#[derive(Debug, Error)]
pub enum SweepError {
    /// Nothing is known by this name.
    #[error(
        "there is no experiment called {name:?}; known are: {known}. A file of your own is given by its path, ending \
         in .toml"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// The built-in ones.
        known: String,
    },
    /// The file cannot be read.
    #[error("reading the experiment {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the experiment {place} is not valid TOML: {source}")]
    Syntax {
        /// The file.
        place: String,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// The content cannot work.
    #[error("the experiment {place} cannot be run:{}", list(problems))]
    Invalid {
        /// The file.
        place: String,
        /// All that is wrong.
        problems: Vec<Problem>,
    },
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
