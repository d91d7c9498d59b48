//! What can go wrong between a compose file and a function's image.

use std::fmt;
use std::path::PathBuf;

/// One thing wrong in a compose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The dotted path of the key, e.g. `services.echo.x-vswarm.method`.
    pub at: String,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl Problem {
    pub(super) fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// A failure while reading the functions or building an image.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// A file the user named cannot be read.
    #[error("cannot read {what} {}: {reason}; check the path (paths in a compose file are relative to its folder)", path.display())]
    Unreadable {
        /// Which kind of file.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The compose file is not YAML, or not of the documented form.
    #[error(
        "cannot read {file} as a compose file: {reason}; docs/howto/add-a-function.md shows the form"
    )]
    Syntax {
        /// The file.
        file: String,
        /// The parser's message with line and column.
        reason: String,
    },
    /// The compose file is well-formed, but says things that cannot work.
    #[error("{file} has {}:{}", count(.problems), lines(.problems))]
    Invalid {
        /// The file.
        file: String,
        /// All that is wrong.
        problems: Vec<Problem>,
    },
    /// No such function.
    #[error("there is no function `{wanted}`{}; known functions: {}", suggestion(.nearest.as_deref()), known.join(", "))]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// The known name closest to it, if one is close.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// Nothing of the kind can be sent to the function.
    #[error("cannot call `{function}` like that: {reason}")]
    Request {
        /// The function.
        function: String,
        /// What is wrong and what to ask for instead.
        reason: String,
    },
    /// A recipe cannot work with the sources it was given.
    #[error("cannot build the image of `{function}`: {reason}")]
    Recipe {
        /// The service.
        function: String,
        /// What is wrong and what to change.
        reason: String,
    },
    /// A build tool failed.
    #[error("cannot build the image of `{function}`: {tool} failed ({status}):\n{output}")]
    Tool {
        /// The service.
        function: String,
        /// The tool.
        tool: String,
        /// How it ended.
        status: String,
        /// What it printed.
        output: String,
    },
    /// The npm registry did not give what the lock file wants.
    #[error(
        "cannot get npm package {package}: {reason}; check the network and the registry that `npm config get registry` names, or name one with npm_config_registry"
    )]
    Npm {
        /// Name and version.
        package: String,
        /// What happened.
        reason: String,
    },
    /// Reading or writing the cache failed.
    #[error("cannot {doing} {}: {source}; check free space and permissions, or point VSWARM_U_HOME at another folder", path.display())]
    Io {
        /// The verb, e.g. `write`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Getting packages failed.
    #[error(transparent)]
    Package(#[from] crate::packages::PackageError),
    /// Writing images failed.
    #[error(transparent)]
    Oci(#[from] crate::oci::OciError),
    /// Laying out files failed.
    #[error(transparent)]
    Tree(#[from] crate::tree::TreeError),
}

impl FunctionError {
    /// Wraps an I/O error with what was being done to which path.
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

fn count(problems: &[Problem]) -> String {
    if problems.len() == 1 {
        "a mistake".to_owned()
    } else {
        format!("{} mistakes", problems.len())
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
