//! Downloaded files, named by their SHA-256.
//!
//! A file under its final name is complete and was verified when it was put there; it is verified again before use,
//! and a damaged one is set aside and fetched anew. Transfers go to `<name>.part`, which a later run resumes and an
//! advisory lock keeps to one process at a time.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::PackageError;
use super::http::{Client, failed};
use crate::progress::Progress;

/// A folder of verified downloads.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    ending: &'static str,
}

/// What a file must turn out to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub url: &'a str,
    pub size: u64,
    pub sha256: &'a str,
}

impl Store {
    /// The store in `folder`, made if missing; file names end in `ending` (such as `.deb`).
    pub fn open(folder: &Path, ending: &'static str) -> Result<Self, PackageError> {
        std::fs::create_dir_all(folder).map_err(PackageError::io("create", folder))?;
        Ok(Self { folder: folder.to_owned(), ending })
    }

    /// Where the file with this checksum is or would be.
    pub fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}{}", self.ending))
    }

    /// The file if it is present and intact; a damaged one is deleted and reported.
    pub fn verified(
        &self,
        sha256: &str,
        progress: &dyn Progress,
    ) -> Result<Option<PathBuf>, PackageError> {
        let path = self.path(sha256);
        match sha256_of_file(&path) {
            Ok(found) if found == sha256 => Ok(Some(path)),
            Ok(_) => {
                progress.note(&format!(
                    "{} is damaged (checksum mismatch): fetching it again",
                    path.display()
                ));
                std::fs::remove_file(&path).map_err(PackageError::io("delete", &path))?;
                Ok(None)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PackageError::io("read", path)(error)),
        }
    }

    /// The file, downloaded unless present. Progress is told of the bytes that arrive.
    pub(super) fn fetch(
        &self,
        client: &Client,
        wanted: Wanted<'_>,
        progress: &dyn Progress,
    ) -> Result<PathBuf, PackageError> {
        if let Some(path) = self.verified(wanted.sha256, progress)? {
            progress.advance(wanted.size);
            return Ok(path);
        }
        let path = self.path(wanted.sha256);
        let part = path.with_extension("part");
        let mut file = open_part(&part)?;
        file.lock().map_err(PackageError::io("lock", &part))?;
        // Another process may have finished it while we waited for the lock.
        if path.exists() {
            progress.advance(wanted.size);
            return Ok(path);
        }
        let outcome = client.retry(|| transfer(client, wanted, &mut file, &part, progress));
        if !matches!(outcome, Err(PackageError::Fetch { .. } | PackageError::Io { .. })) {
            // Complete or wrong: either way nothing to resume.
            outcome.inspect_err(|_| drop(std::fs::remove_file(&part)))?;
            std::fs::rename(&part, &path).map_err(PackageError::io("rename", &part))?;
            return Ok(path);
        }
        outcome.map(|()| path)
    }
}

fn open_part(part: &Path) -> Result<File, PackageError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(part).map_err(PackageError::io("write", part))
}

/// Continues the transfer from what `file` holds, then checks the whole.
fn transfer(
    client: &Client,
    wanted: Wanted<'_>,
    file: &mut File,
    part: &Path,
    progress: &dyn Progress,
) -> Result<(), PackageError> {
    let io = |doing| PackageError::io(doing, part);
    let mut have = file.seek(SeekFrom::End(0)).map_err(io("read"))?;
    if have > wanted.size {
        have = 0;
    }
    if have < wanted.size {
        let answer = client.open(wanted.url, have)?;
        have = answer.offset;
        file.set_len(have).map_err(io("write"))?;
        file.seek(SeekFrom::Start(have)).map_err(io("write"))?;
        copy(answer.body, wanted, file, part, progress)?;
    }
    check(wanted, file, part)
}

/// Appends the body to `file`, at most one byte more than announced.
fn copy(
    body: impl Read,
    wanted: Wanted<'_>,
    file: &mut File,
    part: &Path,
    progress: &dyn Progress,
) -> Result<(), PackageError> {
    let mut have = file.stream_position().map_err(PackageError::io("write", part))?;
    let mut body = body.take(wanted.size + 1 - have);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = body.read(&mut buffer).map_err(|error| failed(wanted.url, &error))?;
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count]).map_err(PackageError::io("write", part))?;
        have += count as u64;
        progress.advance(count as u64);
    }
    if have < wanted.size {
        return Err(failed(
            wanted.url,
            &format!("the connection ended after {have} of {} bytes", wanted.size),
        ));
    }
    Ok(())
}

fn check(wanted: Wanted<'_>, file: &mut File, part: &Path) -> Result<(), PackageError> {
    let io = |doing| PackageError::io(doing, part);
    let size = file.metadata().map_err(io("read"))?.len();
    file.seek(SeekFrom::Start(0)).map_err(io("read"))?;
    let found = sha256_of(&mut *file).map_err(io("read"))?;
    if size != wanted.size || found != wanted.sha256 {
        let reason = format!(
            "expected {} bytes with SHA-256 {}, got {size} with {found}",
            wanted.size, wanted.sha256
        );
        return Err(PackageError::Mismatch { what: wanted.url.to_owned(), reason });
    }
    file.sync_data().map_err(io("write"))
}

/// The SHA-256 of a file's content, as lower-case hex.
pub fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    sha256_of(File::open(path)?)
}

fn sha256_of(mut reader: impl Read) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}
