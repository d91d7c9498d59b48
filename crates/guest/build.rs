//! Embeds `functions/` and `protos/` of the source tree: writes a table of `include_bytes!` for
//! `src/functions/builtin.rs`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let manifest = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = manifest.join("../..").canonicalize().expect("the crate lies in the source tree");
    let mut files = Vec::new();
    for folder in ["functions", "protos"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        collect(&root.join(folder), folder, &mut files);
    }
    files.sort();
    let mut table = String::from("&[\n");
    for name in &files {
        let path = root.join(name);
        writeln!(table, "    ({name:?}, include_bytes!({path:?}), {}),", is_executable(&path))
            .expect("writing to a string");
    }
    table.push_str("]\n");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("builtin_functions.rs"), table).expect("cargo's output folder is writable");
}

/// The same choice of files as `SourceFiles::walk`.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let entry = entry.expect("the folder can be listed");
        let name = entry.file_name().into_string().expect("names in the source tree are UTF-8");
        if name.starts_with('.') || name == "node_modules" || name == "__pycache__" {
            continue;
        }
        let path = format!("{prefix}/{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &path, files);
        } else {
            files.push(path);
        }
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_path: &Path) -> bool {
    false
}
