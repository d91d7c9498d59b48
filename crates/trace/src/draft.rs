//! A file under construction: written under a temporary name beside its place, made durable and
//! renamed, so that the final name always means a whole trace.

use crate::TraceError;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const BUFFER: usize = 1 << 20;

/// A file that exists only while this value does, unless it is committed.
#[derive(Debug)]
pub(crate) struct Draft {
    target: PathBuf,
    path: PathBuf,
    out: BufWriter<File>,
    written: u64,
    committed: bool,
}

impl Draft {
    /// Begins a file that will become `target`.
    pub(crate) fn create(target: &Path) -> Result<Self, TraceError> {
        for attempt in 0_u32.. {
            let mut name = OsString::from(target.as_os_str());
            name.push(format!(".{}-{attempt}.partial", std::process::id()));
            let path = PathBuf::from(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let out = BufWriter::with_capacity(BUFFER, file);
                    let target = target.to_owned();
                    return Ok(Self { target, path, out, written: 0, committed: false });
                }
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(TraceError::io("creating", &path)(cause)),
            }
        }
        unreachable!("four billion temporary files of one name")
    }

    /// The name the file will have.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Appends `bytes`.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), TraceError> {
        self.write_all(bytes).map_err(TraceError::io("writing", &self.path))
    }

    /// Makes the file durable and gives it its final name, replacing what had it. Returns its size.
    pub(crate) fn commit(mut self) -> Result<u64, TraceError> {
        self.out.flush().map_err(TraceError::io("writing", &self.path))?;
        self.out.get_ref().sync_all().map_err(TraceError::io("writing", &self.path))?;
        fs::rename(&self.path, &self.target).map_err(TraceError::io("renaming", &self.path))?;
        self.committed = true;
        Ok(self.written)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.committed {
            // What cannot be removed has a name that says it is no trace.
            let _gone = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn the_name_appears_when_the_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.trace");
        let mut draft = Draft::create(&target).unwrap();
        draft.append(b"hello").unwrap();
        assert!(!target.exists());
        assert_eq!(draft.commit().unwrap(), 5);
        assert_eq!(fs::read(&target).unwrap(), b"hello");
        assert_eq!(names(folder.path()), ["a.trace"]);
    }

    #[test]
    fn a_draft_that_is_dropped_leaves_nothing_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.trace");
        fs::write(&target, b"old").unwrap();
        Draft::create(&target).unwrap().append(b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.trace"]);
    }

    #[test]
    fn a_folder_that_does_not_exist_is_named() {
        let error = Draft::create(Path::new("/nowhere/at/all/a.trace")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all/a.trace"), "{error}");
    }
}
