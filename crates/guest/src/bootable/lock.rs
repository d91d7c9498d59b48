//! Which packages a request stands for.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{GuestError, Spec};
use crate::packages::{Archive, Package, PackageError};
use crate::progress::Progress;
use crate::rootfs;

/// Exact packages of a guest; also part of every result's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Version of this format.
    pub schema: u32,
    /// Debian release, with version and date of the index that was used.
    pub release: String,
    /// The kernel's package.
    pub kernel: Package,
    /// Packages of the root file system, sorted by name.
    pub packages: Vec<Package>,
}

const SCHEMA: u32 = 1;

/// The lock of `spec`, resolved now if there is none.
pub(super) fn obtain(
    home: &Path,
    folder: &Path,
    spec: &Spec,
    progress: &dyn Progress,
) -> Result<Lock, GuestError> {
    match read(folder, spec) {
        Some(lock) => Ok(lock),
        None => renew(home, folder, spec, progress),
    }
}

/// The lock of an earlier run; one that cannot be read counts as none.
pub(super) fn read(folder: &Path, spec: &Spec) -> Option<Lock> {
    let text = std::fs::read(path(folder, spec)).ok()?;
    serde_json::from_slice(&text).ok().filter(|lock: &Lock| lock.schema == SCHEMA)
}

/// Resolves `spec` against the mirror as it is now and keeps the result.
pub(super) fn renew(
    home: &Path,
    folder: &Path,
    spec: &Spec,
    progress: &dyn Progress,
) -> Result<Lock, GuestError> {
    let (mirror, suite, arch) = (spec.mirror()?, spec.suite.as_str(), spec.arch.as_str());
    let archive = match &spec.keyring {
        Some(keyring) => Archive::open_trusting(keyring, home, &mirror, suite, arch, progress)?,
        None => Archive::open(home, &mirror, suite, arch, progress)?,
    };
    let kernel = kernel_package(&archive, spec)?;
    let wanted: Vec<&str> = wanted(spec).collect();
    let lock = Lock {
        schema: SCHEMA,
        release: archive.description(),
        kernel,
        packages: archive.resolve(&wanted)?,
    };
    write(&path(folder, spec), &lock)?;
    Ok(lock)
}

/// `linux-image-<arch>` is empty and depends on the package of the current kernel.
fn kernel_package(archive: &Archive<'_>, spec: &Spec) -> Result<Package, PackageError> {
    let meta = format!("linux-image-{}", spec.arch);
    let name =
        archive.dependencies(&meta).into_iter().find(|name| name.starts_with("linux-image-"));
    name.and_then(|name| archive.find(&name)).ok_or_else(|| PackageError::Unresolved {
        wanted: meta,
        by: "the guest".to_owned(),
        release: format!("{}/{}", spec.suite, spec.arch),
    })
}

fn wanted(spec: &Spec) -> impl Iterator<Item = &str> {
    rootfs::PACKAGES.into_iter().chain(spec.extra_packages.iter().map(String::as_str))
}

pub(super) fn path(folder: &Path, spec: &Spec) -> PathBuf {
    let mut hash = blake3::Hasher::new();
    for part in [spec.suite.as_str(), spec.arch.as_str()].into_iter().chain(wanted(spec)) {
        hash.update(part.as_bytes()).update(b"\n");
    }
    folder.join("locks").join(format!("{}.json", &hash.finalize().to_hex()[..16]))
}

pub(super) fn write(path: &Path, lock: &Lock) -> Result<(), GuestError> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(GuestError::io("create", folder))?;
    let mut file =
        tempfile::NamedTempFile::new_in(folder).map_err(GuestError::io("write in", folder))?;
    let text = serde_json::to_vec_pretty(lock).expect("a lock holds only strings and numbers");
    file.write_all(&text).map_err(GuestError::io("write", path))?;
    file.persist(path).map_err(|error| GuestError::io("write", path)(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_found_again_only_for_the_same_request() {
        let dir = tempfile::tempdir().unwrap();
        let package = Package {
            name: "linux-image-x".into(),
            version: "1".into(),
            arch: "riscv64".into(),
            filename: "pool/x".into(),
            size: 1,
            sha256: "0".repeat(64),
        };
        let lock = Lock {
            schema: SCHEMA,
            release: "r".into(),
            kernel: package.clone(),
            packages: vec![package],
        };
        let spec = Spec::default();
        write(&path(dir.path(), &spec), &lock).unwrap();
        assert_eq!(read(dir.path(), &spec), Some(lock));
        let other = Spec { extra_packages: vec!["htop".into()], ..Spec::default() };
        assert_eq!(read(dir.path(), &other), None);
        std::fs::write(path(dir.path(), &spec), "{broken").unwrap();
        assert_eq!(read(dir.path(), &spec), None);
    }
}
