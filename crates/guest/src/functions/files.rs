//! The sources a compose file names: a folder on disk, or the copy embedded in the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether it may be run.
    pub executable: bool,
}

/// Where a compose file's relative paths lead.
#[derive(Debug, Clone)]
pub enum SourceFiles {
    /// A folder of the host.
    Folder(PathBuf),
    /// Files by their path from the embedded root, seen from the folder `base` in it.
    Embedded {
        /// All embedded files.
        files: BTreeMap<String, SourceFile>,
        /// The folder relative paths start from.
        base: String,
    },
}

impl SourceFiles {
    /// One file.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Folder(base) => std::fs::read(base.join(path)).map_err(|error| error.to_string()),
            Self::Embedded { files, base } => {
                let full = join(base, path).ok_or("the path leaves the source tree")?;
                files
                    .get(&full)
                    .map(|file| file.bytes.clone())
                    .ok_or_else(|| "no such embedded file".to_owned())
            }
        }
    }

    /// Every regular file below a folder, by its path from there. Names beginning with a dot, and `node_modules` and
    /// `__pycache__` folders, are left out: they are what editors and local trials leave behind.
    pub(super) fn walk(&self, folder: &str) -> Result<BTreeMap<String, SourceFile>, String> {
        match self {
            Self::Folder(base) => {
                let mut found = BTreeMap::new();
                walk_disk(&base.join(folder), "", &mut found)?;
                Ok(found)
            }
            Self::Embedded { files, base } => {
                let prefix = join(base, folder).ok_or("the path leaves the source tree")? + "/";
                let inside = |(path, file): (&String, &SourceFile)| {
                    path.strip_prefix(&prefix).map(|rest| (rest.to_owned(), file.clone()))
                };
                let found: BTreeMap<_, _> = files.iter().filter_map(inside).collect();
                if found.is_empty() { Err("no such embedded folder".to_owned()) } else { Ok(found) }
            }
        }
    }

    /// Whether `path` is a folder with something in it.
    pub(super) fn is_folder(&self, path: &str) -> bool {
        match self {
            Self::Folder(base) => base.join(path).is_dir(),
            Self::Embedded { .. } => self.walk(path).is_ok(),
        }
    }

    /// The path for messages.
    pub(super) fn display(&self, path: &str) -> PathBuf {
        match self {
            Self::Folder(base) => base.join(path),
            Self::Embedded { base, .. } => {
                Path::new("built-in").join(join(base, path).unwrap_or_default())
            }
        }
    }
}

/// Joins with `..` resolved; `None` if it climbs above the root.
pub(super) fn join(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn walk_disk(
    folder: &Path,
    prefix: &str,
    found: &mut BTreeMap<String, SourceFile>,
) -> Result<(), String> {
    let describe = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(describe)? {
        let entry = entry.map_err(describe)?;
        let name = entry.file_name();
        let name =
            name.to_str().ok_or_else(|| format!("{} is not UTF-8", entry.path().display()))?;
        if name.starts_with('.') || name == "node_modules" || name == "__pycache__" {
            continue;
        }
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        // Follows symbolic links: a link to a file is that file's content. The kind check keeps devices and pipes out.
        let meta = std::fs::metadata(entry.path())
            .map_err(|error| format!("{}: {error}", entry.path().display()))?;
        if meta.is_dir() && !entry.file_type().map_err(describe)?.is_symlink() {
            walk_disk(&entry.path(), &path, found)?;
        } else if meta.is_file() {
            let bytes = std::fs::read(entry.path())
                .map_err(|error| format!("{}: {error}", entry.path().display()))?;
            found.insert(path, SourceFile { bytes, executable: is_executable(&meta) });
        } else {
            return Err(format!("{} is neither a file nor a folder", entry.path().display()));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_meta: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded() -> SourceFiles {
        let file = |text: &str| SourceFile { bytes: text.as_bytes().to_vec(), executable: false };
        SourceFiles::Embedded {
            files: BTreeMap::from([
                ("functions/a/x.py".to_owned(), file("x")),
                ("functions/ab/y.py".to_owned(), file("y")),
                ("protos/p.proto".to_owned(), file("p")),
            ]),
            base: "functions".to_owned(),
        }
    }

    #[test]
    fn embedded_paths_are_relative_to_the_base() {
        assert_eq!(embedded().read("../protos/p.proto").unwrap(), b"p");
        assert_eq!(embedded().walk("a").unwrap().keys().collect::<Vec<_>>(), ["x.py"]);
        assert!(embedded().read("../../etc/passwd").is_err());
        assert!(embedded().walk("nothing").is_err());
    }

    #[test]
    fn a_folder_is_walked_without_what_editors_leave_behind() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "f/server.py",
            "f/data/words.txt",
            "f/.cache/x",
            "f/__pycache__/server.pyc",
            "f/node_modules/a.js",
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let files = SourceFiles::Folder(dir.path().to_owned());
        assert_eq!(
            files.walk("f").unwrap().keys().collect::<Vec<_>>(),
            ["data/words.txt", "server.py"]
        );
        assert!(files.walk("g").unwrap_err().contains('g'));
    }
}
