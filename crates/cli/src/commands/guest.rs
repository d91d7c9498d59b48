//! `guest`: what the simulated server boots, in the state folder.

use super::state_folder::sizes;
use crate::args::{GuestAction, GuestArgs};
use crate::failure::Failure;
use crate::progress::Reporter;
use crate::{home, output};
use ::guest::bootable::{self, Guest, GuestError, Spec};
use ::guest::packages::Mirror;
use ::guest::progress::Progress as _;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// What is made and can be made again without the network, as long as the rest stays.
const MADE: [&str; 3] = ["guest", "images", "snapshots"];

pub fn guest(args: GuestArgs) -> Result<u8, Failure> {
    match args.action.unwrap_or(GuestAction::Info) {
        GuestAction::Build { mirror } => build(mirror.as_deref(), args.json)?,
        GuestAction::Info => info(args.json)?,
        GuestAction::Clean { all } => clean(all, args.json)?,
    }
    Ok(0)
}

fn build(mirror: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let mirror = mirror.map(Mirror::new).transpose().map_err(Failure::input)?;
    let spec = Spec { mirror, ..Spec::default() };
    let reporter = Reporter::new();
    let built = bootable::build(&home::create()?, &spec, &reporter);
    reporter.finish();
    show(&built.map_err(failure)?, as_json)
}

pub fn failure(error: GuestError) -> Failure {
    Failure::failed(error)
}

fn show(guest: &Guest, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::print_json(&describe(guest));
    }
    output::print(format!(
        "guest {}\n  {}\n  {} packages, kernel package {} {}\n  kernel  {}\n  initrd  {}\n  disk    {}\n",
        guest.hash,
        guest.lock.release,
        guest.lock.packages.len(),
        guest.lock.kernel.name,
        guest.lock.kernel.version,
        guest.kernel.display(),
        guest.initrd.display(),
        guest.disk.display(),
    ))
}

fn describe(guest: &Guest) -> Value {
    json!({
        "hash": guest.hash,
        "kernel": guest.kernel.display().to_string(),
        "initrd": guest.initrd.display().to_string(),
        "disk": guest.disk.display().to_string(),
        "lock": guest.lock,
    })
}

fn info(as_json: bool) -> Result<(), Failure> {
    let home = home::find()?;
    let reporter = Reporter::new();
    let found = bootable::find(&home, &Spec::default(), &reporter).map_err(failure)?;
    let sizes = sizes(&home).map_err(Failure::failed)?;
    if as_json {
        let folders: serde_json::Map<String, Value> =
            sizes.iter().map(|(name, bytes)| (name.clone(), json!({"bytes": bytes}))).collect();
        return output::print_json(&json!({
            "schema": 1, "home": home.display().to_string(), "guest": found.as_ref().map(describe), "folders": folders,
        }));
    }
    match &found {
        Some(guest) => show(guest, false)?,
        None => output::print("no guest is built; `vswarm-u guest build` or a run builds it\n")?,
    }
    let mut text = format!("state folder {}\n", home.display());
    for (name, bytes) in &sizes {
        text += &format!("  {name:10} {:>9.1} MiB\n", *bytes as f64 / f64::from(1 << 20));
    }
    output::print(text)
}

fn clean(all: bool, as_json: bool) -> Result<(), Failure> {
    let home = home::find()?;
    let mut freed = 0;
    let mut removed = Vec::new();
    for (name, bytes) in sizes(&home).map_err(Failure::failed)? {
        if all || MADE.contains(&name.as_str()) {
            remove(&home.join(&name)).map_err(Failure::failed)?;
            freed += bytes;
            removed.push(name);
        }
    }
    if as_json {
        return output::print_json(&json!({"schema": 1, "removed": removed, "bytes": freed}));
    }
    let names = if removed.is_empty() { "nothing".to_owned() } else { removed.join(", ") };
    let mib = freed as f64 / f64::from(1 << 20);
    output::print(format!("removed {names}: {mib:.1} MiB in {}\n", home.display()))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let result = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("deleting {}", path.display()))
        }
        _ => Ok(()),
    }
}
