//! What can go wrong between a mirror and an unpacked package.

use std::path::PathBuf;

/// A failure while finding, verifying, downloading or unpacking packages.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// apt's configuration names no Debian archive.
    #[error(
        "cannot tell which Debian mirror to use: {0}; name one with --mirror URL (the folder that holds `dists` and `pool`)"
    )]
    NoMirror(String),
    /// The mirror's address is not one we can fetch from.
    #[error("mirror `{0}` is not an http:// or https:// address; name one with --mirror URL")]
    BadMirror(String),
    /// The mirror did not answer, or not usefully.
    #[error(
        "cannot fetch {url}: {reason}; check the network (http_proxy and https_proxy are honoured), or name another mirror with --mirror URL"
    )]
    Fetch {
        /// What was asked for.
        url: String,
        /// Why it failed.
        reason: String,
    },
    /// The mirror has no such file (any more).
    #[error(
        "{url} does not exist on the mirror (HTTP {status}); the mirror may be mid-update or may not carry this release: try again later, or name another with --mirror URL"
    )]
    Missing {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// No trusted key was found on this host.
    #[error(
        "no Debian archive key found in {0}; install the package debian-archive-keyring, which holds the keys Debian signs its archive with"
    )]
    NoKeyring(String),
    /// The signed index could not be trusted.
    #[error(
        "the signature of {what} does not verify: {reason}; the mirror or something on the way to it is not serving Debian's own files: name another with --mirror URL"
    )]
    Untrusted {
        /// Which document.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A download does not have the announced content.
    #[error(
        "{what} is not what the signed index announces ({reason}); the mirror serves a damaged or altered file: try again, or name another with --mirror URL"
    )]
    Mismatch {
        /// Which file.
        what: String,
        /// Size or checksum, expected and found.
        reason: String,
    },
    /// An index or package is malformed.
    #[error(
        "cannot read {what}: {reason}; delete it from the state folder and try again, or name another mirror with --mirror URL"
    )]
    Malformed {
        /// Which file or stanza.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A package or an alternative of a dependency does not exist.
    #[error(
        "cannot find a package for `{wanted}` (needed by {by}) in {release}; check its spelling, or whether this release has it for this architecture"
    )]
    Unresolved {
        /// The relation or name asked for.
        wanted: String,
        /// Who asked.
        by: String,
        /// Suite and architecture.
        release: String,
    },
    /// Reading or writing the local cache failed.
    #[error("cannot {doing} {}: {source}; check free space and permissions, or point VSWARM_U_HOME at another folder", path.display())]
    Io {
        /// The verb, e.g. `write`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A tree operation failed while unpacking.
    #[error(transparent)]
    Tree(#[from] crate::tree::TreeError),
}

impl PackageError {
    /// Wraps an I/O error with what was being done to which path.
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
