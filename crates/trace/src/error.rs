//! What can be wrong with a trace.

use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A trace cannot be written, opened or read.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The operating system refused an operation.
    #[error("{doing} {}: {cause}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a trace that can be read: {found}; expected {expected}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it has that a trace has not.
        found: String,
        /// What would have been read.
        expected: &'static str,
    },
    /// The file was written by a version with another format.
    #[error(
        "the trace {} has format {found}, this version reads format {known}; record it again, or use \
         the version that wrote it", path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Format of the file.
        found: u32,
        /// Format this version reads.
        known: u32,
    },
    /// The end of the file is missing.
    #[error(
        "the trace {} is cut short after {records} whole records: {what}; copy it again from where it \
         came from, or record it again", path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Records before the missing part.
        records: u64,
        /// Where it ends.
        what: String,
    },
    /// The file is not what was written.
    #[error(
        "the trace {} is damaged at {place}: {what}; copy it again from where it came from, or record \
         it again", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The record, or the part of the file.
        place: String,
        /// How it is wrong.
        what: String,
    },
    /// A number of harts that no trace can have.
    #[error("the trace {} cannot have {harts} harts: from 1 to {most} are possible", path.display())]
    Harts {
        /// The file.
        path: PathBuf,
        /// The number asked for.
        harts: u32,
        /// The largest number.
        most: u32,
    },
    /// An earlier write failed, so the trace has a hole and was not kept.
    #[error(
        "the trace {} was not finished because an earlier part of it could not be written; nothing was \
         kept", path.display()
    )]
    Unfinished {
        /// The file.
        path: PathBuf,
    },
}

impl TraceError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { doing, path, cause }
    }

    pub(crate) fn damaged(path: &Path, place: String, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), place, what: what.into() }
    }
}
