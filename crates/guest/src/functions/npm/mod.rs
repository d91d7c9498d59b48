//! npm packages: what a lock file names, from the registry this host's npm uses, into an image.
//!
//! Packages are told apart and verified by the SHA-512 in the lock file (`integrity`, W3C Subresource Integrity), so
//! it does not matter which registry or cache they come from. Install scripts are never run.

mod lock;
mod registry;

use std::fs;
use std::io::Read;
use std::path::Path;

use lock::LockedPackage;
pub(super) use lock::read as read_lock;

use super::build::Workshop;
use super::error::FunctionError;
use super::glob;
use crate::tree::{Entry, Tree};

/// Files of packages that no program loads: types for compilers, maps for debuggers, texts for people.
pub(super) const PRUNE: [&str; 6] =
    ["**/*.d.ts", "**/*.d.mts", "**/*.d.cts", "**/*.map", "**/*.md", "**/*.markdown"];

/// Puts `packages` below `prefix` in `tree`, fetching what the state folder does not have.
pub(super) fn install(
    workshop: &Workshop<'_>,
    packages: &[LockedPackage],
    prefix: &str,
    tree: &mut Tree,
) -> Result<(), FunctionError> {
    let folder = workshop.home().join("npm");
    fs::create_dir_all(&folder).map_err(FunctionError::io("create", &folder))?;
    registry::fetch(workshop, packages, &folder)?;
    for package in packages {
        unpack(package, &folder, &format!("{prefix}/{}", package.path), tree)?;
    }
    Ok(())
}

/// Unpacks one tarball; its members lie below one folder, whatever that is called (npm: `package`).
///
/// Not by [`crate::packages::unpack_tar`]: npm leaves the owner fields of headers blank, which no Debian package does,
/// and only regular files mean anything here.
fn unpack(
    package: &LockedPackage,
    folder: &Path,
    prefix: &str,
    tree: &mut Tree,
) -> Result<(), FunctionError> {
    let file = registry::place(folder, package);
    let reader = fs::File::open(&file).map_err(FunctionError::io("open", &file))?;
    let broken = |error: std::io::Error| FunctionError::Npm {
        package: package.to_string(),
        reason: format!("its tarball cannot be read: {error}"),
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(reader));
    for member in archive.entries().map_err(broken)? {
        let mut member = member.map_err(broken)?;
        let path = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        let Some((_, path)) = path.trim_start_matches("./").split_once('/') else { continue };
        if !member.header().entry_type().is_file() || glob::any(PRUNE, path) {
            continue;
        }
        // Owners and modes in tarballs are those of whoever packed them.
        let mode = if member.header().mode().unwrap_or(0) & 0o111 == 0 { 0o644 } else { 0o755 };
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).map_err(broken)?;
        tree.insert(&format!("{prefix}/{path}"), Entry::file(bytes, mode))?;
    }
    Ok(())
}
