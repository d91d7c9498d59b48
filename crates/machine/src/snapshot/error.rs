//! What can be wrong with a snapshot.

use super::{Key, MAX_CHAIN};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A snapshot cannot be saved, opened or read.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The operating system refused an operation.
    #[error("{doing} {}: {cause}{}", path.display(), hint(cause))]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// There is no snapshot of that key.
    #[error("there is no snapshot {key}: {} does not exist", path.display())]
    NotFound {
        /// The key asked for.
        key: Key,
        /// Where it would be.
        path: PathBuf,
    },
    /// The file is not a whole, unchanged snapshot.
    #[error(
        "the snapshot {} is damaged: {what}; delete the file, it will be made again", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The part that is wrong, and how.
        what: String,
    },
    /// The file was written by a version with another format.
    #[error(
        "the snapshot {} has format {found}, this version reads format {known}; delete the file, it \
         will be made again", path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Format of the file.
        found: u32,
        /// Format this version reads.
        known: u32,
    },
    /// A parent cannot be opened.
    #[error(
        "the snapshot {} needs its parent {parent}, which cannot be opened; delete both, they will be \
         made again", path.display()
    )]
    Parent {
        /// The child.
        path: PathBuf,
        /// Key of the parent.
        parent: Key,
        /// What is wrong with the parent.
        #[source]
        cause: Box<SnapshotError>,
    },
    /// The parent was made anew since the child was saved.
    #[error(
        "the snapshot {} was saved on top of another content of its parent {parent}; delete it, it \
         will be made again", path.display()
    )]
    ParentChanged {
        /// The child.
        path: PathBuf,
        /// Key of the parent.
        parent: Key,
    },
    /// The chain has more files than are allowed.
    #[error("a chain of more than {MAX_CHAIN} snapshots; save one of them without a parent")]
    ChainTooLong,
    /// A section that is not there.
    #[error("the snapshot {} has no section \"{name}\"", path.display())]
    NoSection {
        /// The file.
        path: PathBuf,
        /// The section asked for.
        name: String,
    },
    /// A space that is not there.
    #[error("the snapshot {} has no space \"{name}\"", path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// The space asked for.
        name: String,
    },
    /// A space that differs from the parent's in size or meaning.
    #[error("saving a snapshot: the space \"{name}\" differs from the parent's in size or kind")]
    SpaceMismatch {
        /// The space.
        name: String,
    },
    /// A section of a size that no state has.
    #[error("saving a snapshot: the section \"{name}\" has {len} bytes, the limit is 1 GiB")]
    SectionTooLarge {
        /// The section.
        name: String,
        /// Its length in bytes.
        len: usize,
    },
    /// RAM that is not what the guest wrote.
    #[error("saving a snapshot: the RAM to save is not sound: {0}")]
    UnsoundRam(String),
    /// A text that is not a key.
    #[error("\"{0}\" is not a snapshot key (64 hexadecimal digits)")]
    BadKey(String),
}

impl SnapshotError {
    /// Wraps an error of the operating system.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { doing, path, cause }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }
}

fn hint(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space or move the state folder to a larger disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; make the state folder writable or choose another one"
        }
        _ => "",
    }
}
