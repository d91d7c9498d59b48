//! The bootable guest: kernel, initial RAM disk and root disk, built once and kept under `$home/guest/<hash>/`.
//!
//! * `locks/<request>.json` pins the packages a request was resolved to, so later runs need no network and give the
//!   same guest; deleting it takes the mirror's current packages.
//! * `<hash>/` holds the files and a manifest with their checksums; the hash covers every package and our own part.
//!   It appears by one rename when complete, and is checked before each use; a damaged one is rebuilt.
//! * `.build-*` are builds in progress; those of killed processes are removed by the next build.

mod cache;
mod files;
mod lock;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use lock::Lock;

use crate::ext4::Ext4Error;
use crate::kernel::KernelError;
use crate::packages::{Mirror, PackageError};
use crate::progress::Progress;
use crate::tree::TreeError;

/// Kernel command line of the guest.
///
/// * `console=ttyS0`: messages on the serial port; commands use the virtio console instead.
/// * `isolcpus=1`: nothing is scheduled on hart 1 but what is pinned there, the measured container.
/// * `panic=-1`: a panic restarts at once, which ends the run instead of hanging it.
/// * `random.trust_bootloader=on`: the device tree's `rng-seed` counts as entropy, so nothing waits for more.
/// * `cryptomgr.notests`: no self-tests of cipher implementations; they cost instructions and are not the workload.
pub const BOOT_ARGS: &str =
    "console=ttyS0 isolcpus=1 panic=-1 random.trust_bootloader=on cryptomgr.notests";

/// What guest to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Debian release by code name.
    pub suite: String,
    /// Debian architecture.
    pub arch: String,
    /// Packages beyond those that every guest has.
    pub extra_packages: Vec<String>,
    /// Size of the root disk; only its used part takes space on the host.
    pub disk_bytes: u64,
    /// Where packages come from; `None` takes the mirror of the host's apt.
    pub mirror: Option<Mirror>,
    /// The OpenPGP keys to trust; `None` takes Debian's archive keys as installed on the host.
    pub keyring: Option<PathBuf>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            suite: "trixie".to_owned(),
            arch: "riscv64".to_owned(),
            extra_packages: Vec::new(),
            disk_bytes: 8 << 30,
            mirror: None,
            keyring: None,
        }
    }
}

impl Spec {
    pub(crate) fn mirror(&self) -> Result<Mirror, PackageError> {
        self.mirror.clone().map_or_else(Mirror::from_host, Ok)
    }
}

/// A guest on disk, complete and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// The kernel: a RISC-V Image.
    pub kernel: PathBuf,
    /// The initial RAM disk.
    pub initrd: PathBuf,
    /// The root disk, a raw image; boot it through an overlay, it must not change.
    pub disk: PathBuf,
    /// The exact packages inside.
    pub lock: Lock,
    /// Hash of everything that made it, as hex.
    pub hash: String,
}

/// Why there is no guest.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// Packages could not be had.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The kernel package is not as expected.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The root disk could not be written.
    #[error("cannot make the root disk: {0}")]
    Disk(#[from] Ext4Error),
    /// Files could not be collected.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The cache could not be read or written.
    #[error("cannot {doing} {}: {source}; check free space and permissions, or point VSWARM_U_HOME at another folder", path.display())]
    Io {
        /// The verb, e.g. `write`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl GuestError {
    fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}

/// The guest of `spec`, taken from the cache under `home` or built.
pub fn build(home: &Path, spec: &Spec, progress: &dyn Progress) -> Result<Guest, GuestError> {
    let folder = home.join("guest");
    let lock = lock::obtain(home, &folder, spec, progress)?;
    match build_locked(home, &folder, spec, &lock, progress) {
        // A pinned package left the mirror: take the current ones.
        Err(GuestError::Package(PackageError::Missing { url, .. })) => {
            progress
                .note(&format!("{url} has left the mirror: resolving the guest's packages anew"));
            let lock = lock::renew(home, &folder, spec, progress)?;
            build_locked(home, &folder, spec, &lock, progress)
        }
        done => done,
    }
}

/// The guest of `spec` if it is already built and intact; never touches the network.
pub fn find(
    home: &Path,
    spec: &Spec,
    progress: &dyn Progress,
) -> Result<Option<Guest>, GuestError> {
    let folder = home.join("guest");
    let Some(lock) = lock::read(&folder, spec) else { return Ok(None) };
    cache::intact(&folder, &files::hash(spec, &lock), &lock, progress)
}

fn build_locked(
    home: &Path,
    folder: &Path,
    spec: &Spec,
    lock: &Lock,
    progress: &dyn Progress,
) -> Result<Guest, GuestError> {
    let hash = files::hash(spec, lock);
    if let Some(guest) = cache::intact(folder, &hash, lock, progress)? {
        return Ok(guest);
    }
    let claim = cache::Claim::take(folder)?;
    // Another process may have built it while we waited.
    if let Some(guest) = cache::intact(folder, &hash, lock, progress)? {
        return Ok(guest);
    }
    let work = claim.work_folder()?;
    let used = files::make(home, work.path(), spec, lock, &hash, progress)?;
    cache::publish(folder, work, &hash, lock, used)
}
