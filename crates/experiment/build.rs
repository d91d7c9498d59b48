//! Embeds the files of `experiments/`, and a hash of the sources that results come from.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What decides results, besides the crates.
const SOURCES: [&str; 4] = ["Cargo.lock", "configs", "functions", "protos"];
/// The crates that only read arguments, print and test.
const WITHOUT: [&str; 3] = ["cli", "conformance", "report"];

fn main() -> io::Result<()> {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let root = Path::new(&manifest).join("../..").canonicalize()?;
    embed_experiments(&root.join("experiments"))?;
    println!("cargo::rustc-env=VSWARM_U_SOURCES={}", hash(&root)?);
    Ok(())
}

/// Writes a list of the name and text of each experiment.
fn embed_experiments(folder: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut files: Vec<PathBuf> = files.collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut code = String::from("[\n");
    for file in &files {
        let name = file.file_stem().expect("it ends in .toml").to_string_lossy();
        writeln!(code, "({name:?}, include_str!({:?})),", file.display().to_string())
            .expect("writing to a string succeeds");
    }
    code.push(']');
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("experiments.rs"), code)
}

/// A hash of the names and contents of all files.
fn hash(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&root.join(source), &mut files)?;
    }
    for krate in fs::read_dir(root.join("crates"))? {
        let krate = krate?;
        if !WITHOUT.contains(&krate.file_name().to_string_lossy().as_ref()) {
            collect(&krate.path().join("Cargo.toml"), &mut files)?;
            collect(&krate.path().join("src"), &mut files)?;
        }
    }
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let name = file.strip_prefix(root).expect("it was found below").to_string_lossy();
        let content = fs::read(&file)?;
        for part in [name.as_bytes(), &content] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
    }
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

/// A file, or all of a folder but what tools leave there; cargo watches it.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", path.display());
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && name != "node_modules" && name != "__pycache__" {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}
