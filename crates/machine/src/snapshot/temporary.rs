//! Files under construction.
//!
//! A file is written under a temporary name, made durable and renamed, so that its final name always
//! means a whole file. While it is written its owner holds a lock on it; a temporary file that can
//! be locked belongs to nobody any more.

use super::SnapshotError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const SUFFIX: &str = "partial";
const BUFFER: usize = 1 << 20;

/// A file that exists only while this value does, unless it is committed.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    path: PathBuf,
    out: BufWriter<File>,
    written: u64,
    committed: bool,
}

impl TemporaryFile {
    /// Begins a file that will become `target`.
    pub(super) fn create(target: &Path) -> Result<Self, SnapshotError> {
        for attempt in 0_u32.. {
            let path = target.with_extension(format!("{}-{attempt}.{SUFFIX}", std::process::id()));
            let error = |cause| SnapshotError::io("creating", &path)(cause);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    file.lock().map_err(error)?;
                    if is_still_named(&file, &path) {
                        let out = BufWriter::with_capacity(BUFFER, file);
                        return Ok(Self { path, out, written: 0, committed: false });
                    }
                }
                Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(error(cause)),
            }
        }
        unreachable!("four billion temporary files of one name")
    }

    /// Appends `bytes` and returns where they begin.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<u64, SnapshotError> {
        self.out.write_all(bytes).map_err(SnapshotError::io("writing", &self.path))?;
        let offset = self.written;
        self.written += bytes.len() as u64;
        Ok(offset)
    }

    /// Makes the file durable and gives it its final name, replacing what had it.
    pub(super) fn commit(mut self, target: &Path) -> Result<(), SnapshotError> {
        self.out.flush().map_err(SnapshotError::io("writing", &self.path))?;
        self.out.get_ref().sync_all().map_err(SnapshotError::io("writing", &self.path))?;
        fs::rename(&self.path, target).map_err(SnapshotError::io("renaming", &self.path))?;
        self.committed = true;
        let folder = target.parent().expect("a snapshot lies in the store's folder");
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(SnapshotError::io("writing", folder))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.committed {
            // What cannot be removed is left to the next cleaning.
            let _gone = fs::remove_file(&self.path);
        }
    }
}

/// Whether a cleaner did not remove the file between its creation and its locking.
fn is_still_named(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Removes temporary files in `folder` whose owner is gone.
pub(super) fn clean(folder: &Path) -> Result<(), SnapshotError> {
    let entries = fs::read_dir(folder).map_err(SnapshotError::io("listing", folder))?;
    for entry in entries {
        let path = entry.map_err(SnapshotError::io("listing", folder))?.path();
        if path.extension().is_some_and(|extension| extension == SUFFIX) && is_abandoned(&path) {
            fs::remove_file(&path)
                .or_else(ignore_missing)
                .map_err(SnapshotError::io("removing the remains of a killed run", &path))?;
        }
    }
    Ok(())
}

fn is_abandoned(path: &Path) -> bool {
    match File::open(path).map(|file| file.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
    }
}

fn ignore_missing(cause: std::io::Error) -> std::io::Result<()> {
    if cause.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(cause) }
}
