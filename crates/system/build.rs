//! Embeds every file of `configs/systems` into the crate, so that an installed program has them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&manifest).join("../../configs/systems").canonicalize()?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let files = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path()));
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
    fs::write(Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("systems.rs"), code)
}
