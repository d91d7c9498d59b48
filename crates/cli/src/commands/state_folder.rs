//! What the state folder takes on disk.

use anyhow::Context as _;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The entries of the state folder and what each takes, by name; none if there is no such folder.
pub fn sizes(home: &Path) -> anyhow::Result<Vec<(String, u64)>> {
    let mut sizes = Vec::new();
    let entries = match fs::read_dir(home) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(sizes),
        entries => {
            entries.with_context(|| format!("reading the state folder {}", home.display()))?
        }
    };
    for entry in entries.flatten() {
        sizes.push((entry.file_name().to_string_lossy().into_owned(), on_disk(&entry.path())));
    }
    sizes.sort();
    Ok(sizes)
}

/// Blocks in use below `path`; holes do not count, and what vanishes meanwhile counts nothing.
fn on_disk(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    let own = metadata.blocks() * 512;
    if !metadata.is_dir() {
        return own;
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    own + entries.map(|entry| on_disk(&entry.path())).sum::<u64>()
}
