//! The folder of snapshots.

use super::{Key, SaveReport, SaveRequest, Snapshot, SnapshotError, save, temporary};
use std::fs;
use std::path::{Path, PathBuf};

const EXTENSION: &str = "snapshot";

/// A folder of snapshots, one file each, named by their keys. Several processes may use it at once.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    folder: PathBuf,
}

/// A snapshot in the folder, as far as its name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: Key,
    /// Its file.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
}

impl SnapshotStore {
    /// Uses `folder`, creating it if needed and removing what killed runs left in it.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self, SnapshotError> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(SnapshotError::io("creating", &folder))?;
        temporary::clean(&folder)?;
        Ok(Self { folder })
    }

    /// Where the snapshot `key` is, if there is one.
    #[must_use]
    pub fn path(&self, key: Key) -> PathBuf {
        self.folder.join(format!("{key}.{EXTENSION}"))
    }

    /// Whether there is a file for `key`; opening it may still find it damaged.
    #[must_use]
    pub fn contains(&self, key: Key) -> bool {
        self.path(key).is_file()
    }

    /// Opens the snapshot `key` and its parents.
    pub fn open(&self, key: Key) -> Result<Snapshot, SnapshotError> {
        Snapshot::open(key, |key| self.path(key))
    }

    /// Saves a snapshot, replacing the one of the same key.
    pub fn save(&self, request: &SaveRequest<'_>) -> Result<SaveReport, SnapshotError> {
        save::save(&self.path(request.key), request)
    }

    /// Removes the snapshot `key`; whether there was one. Its children cannot be opened any more.
    pub fn remove(&self, key: Key) -> Result<bool, SnapshotError> {
        let path = self.path(key);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(SnapshotError::io("removing", &path)(cause)),
        }
    }

    /// All snapshots, by key.
    pub fn list(&self) -> Result<Vec<Stored>, SnapshotError> {
        let listing = || SnapshotError::io("listing", &self.folder);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(listing())? {
            let entry = entry.map_err(listing())?;
            let path = entry.path();
            if let Some(key) = key_of(&path) {
                let bytes = entry.metadata().map_err(SnapshotError::io("reading", &path))?.len();
                found.push(Stored { key, path, bytes });
            }
        }
        found.sort_by_key(|stored| stored.key);
        Ok(found)
    }
}

fn key_of(path: &Path) -> Option<Key> {
    let is_snapshot = path.extension()? == EXTENSION;
    let key = path.file_stem()?.to_str()?.parse().ok()?;
    is_snapshot.then_some(key)
}
