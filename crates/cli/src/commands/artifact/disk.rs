//! What results and the state folder take.

use crate::commands::state_folder;
use ::report::artifact::{Disk, Folder};
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of the state folder `home`, and the files in `dir`: those of the runs in `places`, and others. The
/// appendix itself, `out`, does not count, so that writing it again finds the same.
pub(super) fn disk(
    home: &Path,
    dir: &Path,
    places: &[PathBuf],
    out: &Path,
) -> anyhow::Result<Disk> {
    let sizes = state_folder::sizes(home)?.into_iter().filter(|(_, bytes)| *bytes > 0);
    let state = sizes.map(|(name, bytes)| Folder { name, bytes }).collect();
    let mut disk = Disk { state, ..Disk::default() };
    let own = out.canonicalize().ok();
    let mut open = vec![(dir.to_owned(), false)];
    while let Some((folder, above)) = open.pop() {
        let of_run = above || places.contains(&folder);
        for path in children(&folder) {
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                open.push((path, of_run));
            } else if own.is_none() || path.canonicalize().ok() != own {
                let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
                *(if of_run { &mut disk.runs_bytes } else { &mut disk.tables_bytes }) += bytes;
            }
        }
    }
    Ok(disk)
}

/// What is in a folder, but for names that begin with a dot: locks, and files that are being written.
fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let shown = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    shown.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_and_the_appendix_does_not_count() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: usize| {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, vec![1; bytes]).unwrap();
            path
        };
        let dir = place.path().join("dir");
        file("dir/points/a/stats.json", 100);
        file("dir/results.csv", 30);
        file("dir/.locks/a", 7);
        let out = file("dir/appendix.md", 5);
        file("home/guest/x", 5000);
        file("home/empty.lock", 0);
        let measured = disk(&place.path().join("home"), &dir, &[dir.join("points/a")], &out);
        let measured = measured.unwrap();
        assert_eq!((measured.runs_bytes, measured.tables_bytes), (100, 30));
        let state: Vec<&str> = measured.state.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(state, ["guest"]);
        let without = disk(&place.path().join("nowhere"), &dir, &[], &dir.join("new")).unwrap();
        assert_eq!((without.runs_bytes, without.tables_bytes), (0, 135));
        assert!(without.state.is_empty());
    }
}
