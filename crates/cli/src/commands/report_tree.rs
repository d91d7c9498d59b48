//! Results directories in a tree of folders.

use super::results_dir::{MANIFEST, STATISTICS};
use ::report::html::LeftOut;
use anyhow::Context as _;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

/// What a tree holds.
#[derive(Debug, Default)]
pub struct Tree {
    /// Folders that have a file of results, whole or not, in the order of their paths.
    pub places: Vec<PathBuf>,
    /// Folders that could not be looked into, relative to the root.
    pub left_out: Vec<LeftOut>,
}

/// Looks at `root` and every folder below it. Names that begin with a dot are passed over, as those of
/// runs that are being written do. Links to folders are not followed, since they can lead back.
pub fn find(root: &Path) -> anyhow::Result<Tree> {
    let entries = children(root).with_context(|| {
        format!(
            "looking for results in {}; name a folder that `vswarm-u run` has written",
            root.display()
        )
    })?;
    let mut tree = Tree::default();
    let mut open = vec![(root.to_owned(), entries)];
    while let Some((folder, entries)) = open.pop() {
        if entries.iter().any(is_of_results) {
            tree.places.push(folder);
        }
        for entry in entries.iter().filter(|entry| !is_hidden(entry)) {
            let path = entry.path();
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let result = match (path.is_dir(), is_link) {
                (false, _) => continue,
                (true, true) => Err("a link, which is not followed; name its target".to_owned()),
                (true, false) => children(&path).map_err(|error| error.to_string()),
            };
            match result {
                Ok(entries) => open.push((path, entries)),
                Err(reason) => {
                    let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                    tree.left_out.push(LeftOut { name, reason });
                }
            }
        }
    }
    tree.places.sort();
    Ok(tree)
}

fn children(folder: &Path) -> std::io::Result<Vec<DirEntry>> {
    fs::read_dir(folder)?.collect()
}

fn is_of_results(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    (name == MANIFEST || name == STATISTICS) && entry.path().is_file()
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}
