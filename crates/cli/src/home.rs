//! The state folder: `$VSWARM_U_HOME`, or `vswarm-u` in the XDG cache directory.

use crate::failure::Failure;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The state folder, as an absolute path; it need not exist.
pub fn find() -> Result<PathBuf, Failure> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = choose(variable("VSWARM_U_HOME"), variable("XDG_CACHE_HOME"), variable("HOME"));
    let folder = folder.ok_or_else(|| {
        Failure::input(anyhow::anyhow!(
            "looking for the state folder: none of VSWARM_U_HOME, XDG_CACHE_HOME and HOME is set; \
             set VSWARM_U_HOME to a folder with 10 GB of free space"
        ))
    })?;
    std::path::absolute(&folder).map_err(Failure::input)
}

/// As [`find`], and makes sure that it exists.
pub fn create() -> Result<PathBuf, Failure> {
    let home = find()?;
    std::fs::create_dir_all(&home).map_err(|source| {
        Failure::failed(anyhow::anyhow!(
            "creating the state folder {}: {source}; point VSWARM_U_HOME at a folder that can be \
             written to",
            home.display()
        ))
    })?;
    Ok(home)
}

/// The XDG specification ignores a cache directory that is not absolute.
fn choose(
    own: Option<OsString>,
    cache: Option<OsString>,
    home: Option<OsString>,
) -> Option<PathBuf> {
    let cache = cache.map(PathBuf::from).filter(|path| path.is_absolute());
    own.map(PathBuf::from)
        .or_else(|| Some(cache?.join("vswarm-u")))
        .or_else(|| Some(Path::new(&home?).join(".cache/vswarm-u")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_variable_wins_over_the_cache_directory_and_that_over_home() {
        let os = |text: &str| Some(OsString::from(text));
        let path = |own, cache, home| choose(own, cache, home).map(|p| p.display().to_string());
        assert_eq!(path(os("s"), os("/c"), os("/h")).as_deref(), Some("s"));
        assert_eq!(path(None, os("/c"), os("/h")).as_deref(), Some("/c/vswarm-u"));
        assert_eq!(path(None, os("c"), os("/h")).as_deref(), Some("/h/.cache/vswarm-u"));
        assert_eq!(path(None, None, None), None);
    }
}
