//! Embeds every file of `configs/systems` and `configs/dram` into the crate, so that an installed
//! program has them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    embed("systems")?;
    embed("dram")
}

/// Writes a list of the name and text of each file in `configs/<folder>` to `<folder>.rs`.
fn embed(folder: &str) -> io::Result<()> {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let path = Path::new(&manifest).join("../../configs").join(folder).canonicalize()?;
    println!("cargo::rerun-if-changed={}", path.display());
    let files = fs::read_dir(&path)?.map(|entry| Ok(entry?.path()));
    let mut files: Vec<PathBuf> = files.collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut code = String::from("[\n");
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.file_stem().expect("it ends in .toml").to_string_lossy();
        writeln!(code, "({name:?}, include_str!({:?})),", file.display().to_string())
            .expect("writing to a string succeeds");
    }
    code.push(']');
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join(format!("{folder}.rs")), code)
}
