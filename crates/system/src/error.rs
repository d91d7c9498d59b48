//! What can be wrong with a system description.

use mem::Problems;
use std::fmt::Write as _;
use std::path::PathBuf;
use thiserror::Error;

/// Why a system could not be made.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// Nothing is known by this name.
    #[error(
        "there is no {noun} called {name:?}; known are: {known}. \
         A file of your own is given by its path, ending in .toml"
    )]
    UnknownName {
        /// What it should be a name of.
        noun: &'static str,
        /// What was asked for.
        name: String,
        /// The built-in names.
        known: String,
    },
    /// A file could not be read.
    #[error("reading the description {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A file is not TOML.
    #[error("the description {place} is not valid TOML: {source}")]
    Syntax {
        /// The file or built-in system.
        place: String,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// What a description extends is not a name.
    #[error("{place}: extends = {what} is not the name of a {noun} or a file that ends in .toml")]
    Extends {
        /// The file or built-in description.
        place: String,
        /// What stands there.
        what: String,
        /// What it should be a name of.
        noun: &'static str,
    },
    /// An override cannot be applied.
    #[error("the override {text:?} {what}; write it as path=value, such as caches.l1d.ways=4")]
    Override {
        /// The override as given.
        text: String,
        /// What is wrong with it.
        what: String,
    },
    /// Descriptions extend each other in a circle.
    #[error("the system descriptions extend each other in a circle: {0}")]
    Circle(String),
    /// Keys are unknown or missing, values have the wrong type, are out of range or do not fit
    /// together.
    #[error("the system {name} cannot be built:{}", list(problems))]
    Invalid {
        /// The system.
        name: String,
        /// Everything that is wrong.
        problems: Problems,
    },
}

fn list(problems: &Problems) -> String {
    let mut text = String::new();
    for problem in &problems.0 {
        write!(text, "\n  {}: {}", problem.path, problem.what)
            .expect("writing to a string succeeds");
    }
    text
}
