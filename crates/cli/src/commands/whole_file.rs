//! Files that appear whole or not at all.

use anyhow::Context as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Writes a file, and the folders above it. It has the old content or the new one, never a part.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let doing = || format!("writing {}; check free space and permissions", path.display());
    fs::create_dir_all(folder).with_context(doing)?;
    let mut file =
        tempfile::Builder::new().prefix(".results-").tempfile_in(folder).with_context(doing)?;
    file.write_all(bytes).with_context(doing)?;
    open_to_others(file.as_file()).with_context(doing)?;
    file.persist(path).with_context(doing)?;
    Ok(())
}

/// Temporary files are private; results need not be.
fn open_to_others(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}
