//! Where images are made: the state folder, the package archives, the image store.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::error::FunctionError;
use super::{SUITE, TARGET};
use crate::oci::Store;
use crate::packages::{Archive, Mirror};
use crate::progress::Progress;

/// What recipes need. Archives are opened when something really has to be made: with a warm cache there is no network.
pub struct Workshop<'a> {
    home: PathBuf,
    mirror: Option<Mirror>,
    progress: &'a dyn Progress,
    store: Store,
    target: OnceCell<Archive<'a>>,
    host: OnceCell<Archive<'a>>,
}

impl std::fmt::Debug for Workshop<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop").field("home", &self.home).finish_non_exhaustive()
    }
}

impl<'a> Workshop<'a> {
    /// A workshop in the state folder `home`; packages come from `mirror`, or from the one the host uses.
    ///
    /// # Errors
    /// The state folder cannot be made.
    pub fn new(
        home: &Path,
        mirror: Option<Mirror>,
        progress: &'a dyn Progress,
    ) -> Result<Self, FunctionError> {
        let store = Store::open(home)?;
        // Tools are called by absolute path, from other folders.
        let home = std::path::absolute(home).map_err(FunctionError::io("find", home))?;
        let (target, host) = (OnceCell::new(), OnceCell::new());
        Ok(Self { home, mirror, progress, store, target, host })
    }

    /// The images.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    pub(in super::super) fn home(&self) -> &Path {
        &self.home
    }

    pub(in super::super) fn progress(&self) -> &'a dyn Progress {
        self.progress
    }

    /// The archive of what goes into images.
    pub(super) fn target(&self) -> Result<&Archive<'a>, FunctionError> {
        self.archive(&self.target, TARGET)
    }

    /// The archive of what runs here.
    pub(in super::super) fn host(&self) -> Result<&Archive<'a>, FunctionError> {
        self.archive(&self.host, host_arch()?)
    }

    /// A folder for intermediate files that vanishes with its guard.
    pub(in super::super) fn scratch(&self) -> Result<TempDir, FunctionError> {
        let folder = self.home.join("tmp");
        std::fs::create_dir_all(&folder).map_err(FunctionError::io("create", &folder))?;
        tempfile::Builder::new()
            .prefix("build-")
            .tempdir_in(&folder)
            .map_err(FunctionError::io("create a folder in", &folder))
    }

    fn archive<'s>(
        &'s self,
        cell: &'s OnceCell<Archive<'a>>,
        arch: &str,
    ) -> Result<&'s Archive<'a>, FunctionError> {
        if let Some(archive) = cell.get() {
            return Ok(archive);
        }
        let mirror = match &self.mirror {
            Some(mirror) => mirror.clone(),
            None => Mirror::from_host()?,
        };
        let archive = Archive::open(&self.home, &mirror, SUITE, arch, self.progress)?;
        Ok(cell.get_or_init(|| archive))
    }
}

/// Debian's name for the architecture this program runs on.
pub(super) fn host_arch() -> Result<&'static str, FunctionError> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        "riscv64" => Ok("riscv64"),
        other => Err(FunctionError::Recipe {
            function: "any".to_owned(),
            reason: format!(
                "the build tools exist for x86-64, arm64 and riscv64 hosts, not for {other}"
            ),
        }),
    }
}
