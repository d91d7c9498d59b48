//! Finished guests on disk: found, checked, put in place.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::files::{DISK, INITRD, KERNEL};
use super::{Guest, GuestError, Lock};
use crate::progress::Progress;

const MANIFEST: &str = "manifest.json";
const WORK_PREFIX: &str = ".build-";

/// What a guest's files must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    hash: String,
    lock: Lock,
    files: Vec<FileSum>,
}

/// One file: its length, and the checksum of its first `used` bytes (behind them a disk is one hole).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileSum {
    name: String,
    len: u64,
    used: u64,
    blake3: String,
}

impl FileSum {
    fn of(folder: &Path, name: &str, used: Option<u64>) -> std::io::Result<Self> {
        let file = File::open(folder.join(name))?;
        let len = file.metadata()?.len();
        let used = used.unwrap_or(len);
        let mut hash = blake3::Hasher::new();
        hash.update_reader(file.take(used))?;
        Ok(Self { name: name.to_owned(), len, used, blake3: hash.finalize().to_hex().to_string() })
    }

    fn holds(&self, folder: &Path) -> bool {
        Self::of(folder, &self.name, Some(self.used)).is_ok_and(|found| found == *self)
    }
}

/// The guest with this hash if it is complete; a damaged one is reported, moved out of the way and counts as absent.
pub(super) fn intact(
    folder: &Path,
    hash: &str,
    lock: &Lock,
    progress: &dyn Progress,
) -> Result<Option<Guest>, GuestError> {
    let place = folder.join(hash);
    if !place.exists() {
        return Ok(None);
    }
    let text = std::fs::read(place.join(MANIFEST)).unwrap_or_default();
    let manifest: Option<Manifest> = serde_json::from_slice(&text).ok();
    let expected = [KERNEL, INITRD, DISK];
    let complete = manifest.is_some_and(|manifest| {
        let names: Vec<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
        manifest.hash == hash
            && names == expected
            && manifest.files.iter().all(|file| file.holds(&place))
    });
    if complete {
        return Ok(Some(guest(&place, hash, lock)));
    }
    progress.note(&format!(
        "the guest in {} is damaged (checksum mismatch): building it again",
        place.display()
    ));
    std::fs::remove_dir_all(&place).map_err(GuestError::io("delete", &place))?;
    Ok(None)
}

fn guest(place: &Path, hash: &str, lock: &Lock) -> Guest {
    Guest {
        kernel: place.join(KERNEL),
        initrd: place.join(INITRD),
        disk: place.join(DISK),
        lock: lock.clone(),
        hash: hash.to_owned(),
    }
}

/// The right to build, held by one process at a time and given back when it ends, however it ends.
#[derive(Debug)]
pub(super) struct Claim {
    folder: PathBuf,
    _file: File,
}

impl Claim {
    /// Waits for the right to build and removes what killed builds left.
    pub fn take(folder: &Path) -> Result<Self, GuestError> {
        std::fs::create_dir_all(folder).map_err(GuestError::io("create", folder))?;
        let path = folder.join(".lock");
        let file = File::create(&path).map_err(GuestError::io("create", &path))?;
        file.lock().map_err(GuestError::io("lock", &path))?;
        for entry in std::fs::read_dir(folder).map_err(GuestError::io("read", folder))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(WORK_PREFIX) {
                std::fs::remove_dir_all(entry.path())
                    .map_err(GuestError::io("delete", entry.path()))?;
            }
        }
        Ok(Self { folder: folder.to_owned(), _file: file })
    }

    /// A fresh folder to build in, beside the finished guests so that it can be renamed; deleted if dropped.
    pub fn work_folder(&self) -> Result<TempDir, GuestError> {
        tempfile::Builder::new()
            .prefix(WORK_PREFIX)
            .tempdir_in(&self.folder)
            .map_err(GuestError::io("write in", &self.folder))
    }
}

/// Puts the files built in `work` in place.
pub(super) fn publish(
    folder: &Path,
    work: TempDir,
    hash: &str,
    lock: &Lock,
    used: u64,
) -> Result<Guest, GuestError> {
    let sums = [(KERNEL, None), (INITRD, None), (DISK, Some(used))];
    let files = sums
        .into_iter()
        .map(|(name, used)| FileSum::of(work.path(), name, used))
        .collect::<Result<_, _>>();
    let manifest = Manifest {
        hash: hash.to_owned(),
        lock: lock.clone(),
        files: files.map_err(GuestError::io("read back", work.path()))?,
    };
    let text =
        serde_json::to_vec_pretty(&manifest).expect("a manifest holds only strings and numbers");
    let path = work.path().join(MANIFEST);
    std::fs::write(&path, text).map_err(GuestError::io("write", &path))?;
    let place = folder.join(hash);
    std::fs::rename(work.path(), &place).map_err(GuestError::io("rename", work.path()))?;
    // The folder has its final name; there is nothing left to delete under the old one.
    let _ = work.keep();
    Ok(guest(&place, hash, lock))
}
