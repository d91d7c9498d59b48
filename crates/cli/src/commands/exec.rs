//! `exec`: a bare-metal program to its verdict.

use crate::args::ExecArgs;
use crate::commands::exec_guest;
use crate::failure::{FAILED, Failure, INPUT};
use crate::{interrupt, output};
use anyhow::{Context as _, anyhow};
use experiment::bare::{self, BareError, Ending, Finished, HartCounts, Program};
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use system::LoadedSystem;

/// RAM of a bare-metal program.
const DEFAULT_RAM_MIB: u64 = 128;

pub fn exec(args: ExecArgs) -> Result<u8, Failure> {
    if args.guest {
        return exec_guest::exec(&args);
    }
    let path = args.elf.as_path();
    let elf = fs::read(path)
        .with_context(|| format!("reading the program {}", path.display()))
        .map_err(Failure::input)?;
    let system = system(&args)?;
    let program = Program {
        elf: &elf,
        harts: usize::from(args.harts),
        ram_mib: args.ram.unwrap_or(DEFAULT_RAM_MIB),
        seed: args.seed,
        max_instructions: args.max_instructions,
        system: system.as_ref(),
    };
    let mut watcher = Watcher { keep: args.json, console: Vec::new(), broken: None };
    let finished = bare::run(&program, &mut watcher).map_err(|error| failure(error, path))?;
    if let Some(failure) = watcher.broken {
        return Err(failure);
    }
    if let Some(file) = &args.signature {
        write_signature(file, &finished).map_err(Failure::input)?;
    }
    if args.json {
        let console = String::from_utf8_lossy(&watcher.console);
        output::print_json(&document(path, system.as_ref(), &finished, &console))?;
    } else {
        output::print(summary(&finished))?;
    }
    if let Some(hint) = hint(&finished, &args) {
        eprintln!("error: {hint}");
    }
    Ok(status(finished.ending))
}

fn system(args: &ExecArgs) -> Result<Option<LoadedSystem>, Failure> {
    let load = |name: &String| system::load(name, &args.set).map_err(Failure::input);
    args.system.as_ref().map(load).transpose()
}

fn failure(error: BareError, path: &Path) -> Failure {
    match error {
        BareError::Cancelled => Failure::interrupted(),
        BareError::Boot(error) => Failure::input(anyhow!("running {}: {error}", path.display())),
        BareError::Machine(_) | BareError::Stuck(_) => Failure::failed(error),
        error => Failure::input(error),
    }
}

/// The program's output: shown at once, or kept for the JSON document.
struct Watcher {
    keep: bool,
    console: Vec<u8>,
    broken: Option<Failure>,
}

impl bare::Watcher for Watcher {
    fn console(&mut self, bytes: &[u8]) {
        if self.keep {
            self.console.extend_from_slice(bytes);
        } else if let Err(failure) = output::print(bytes) {
            self.broken = Some(failure);
        }
    }

    fn cancelled(&self) -> bool {
        interrupt::asked() || self.broken.is_some()
    }
}

fn status(ending: Ending) -> u8 {
    match ending {
        Ending::Pass => 0,
        Ending::Fail(_) => FAILED,
        Ending::OutOfInstructions | Ending::Stuck => INPUT,
    }
}

/// Writes the signature of a program that ended, so that a file is never half a result.
fn write_signature(file: &Path, finished: &Finished) -> anyhow::Result<()> {
    if !matches!(finished.ending, Ending::Pass | Ending::Fail(_)) {
        return Ok(());
    }
    let text = finished.signature.as_ref().map_err(Clone::clone)?;
    let what = || format!("writing the signature to {}", file.display());
    if file.exists() && !file.is_file() {
        // A device or a pipe takes the text as it is.
        return fs::write(file, text).with_context(what);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new()
        .permissions(readable_by_all())
        .tempfile_in(folder)
        .with_context(what)?;
    temporary.write_all(text.as_bytes()).with_context(what)?;
    temporary.persist(file).with_context(what)?;
    Ok(())
}

/// As a newly created file has it, before the process's mask.
fn readable_by_all() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o666)
}

fn summary(finished: &Finished) -> String {
    let verdict = match finished.ending {
        Ending::Pass => "PASS".to_owned(),
        Ending::Fail(code) => format!("FAIL {code}"),
        Ending::OutOfInstructions | Ending::Stuck => "TIME-OUT".to_owned(),
    };
    let mut text = format!("{verdict}: {} instructions", finished.instructions());
    let first = &finished.harts[0];
    if let (Some(cycles), 1) = (first.cycles, finished.harts.len()) {
        text += &format!(", {cycles} cycles");
        if let Some(cpi) = cpi(first) {
            text += &format!(", CPI {cpi:.3}");
        }
    }
    text + "\n"
}

fn cpi(hart: &HartCounts) -> Option<f64> {
    let cycles = hart.cycles.filter(|_| hart.instructions > 0)?;
    Some(cycles as f64 / hart.instructions as f64)
}

/// What to try when a program did not come to its end.
fn hint(finished: &Finished, args: &ExecArgs) -> Option<String> {
    let place: Vec<String> = finished
        .harts
        .iter()
        .enumerate()
        .map(|(n, h)| format!("hart {n} at {:#x}", h.pc))
        .collect();
    let place = place.join(", ");
    match finished.ending {
        Ending::Pass | Ending::Fail(_) => None,
        Ending::OutOfInstructions => Some(format!(
            "the program did not end within {} instructions ({place}); programs end by writing to \
             the symbol tohost, or give --max-instructions more",
            args.max_instructions
        )),
        Ending::Stuck => Some(format!(
            "the program waits for an interrupt that never comes, or its trap handler faults for \
             ever ({place}); enable a source of interrupts before wfi, set mtvec before anything \
             faults, or end by writing to the symbol tohost"
        )),
    }
}

fn document(
    path: &Path,
    system: Option<&LoadedSystem>,
    finished: &Finished,
    console: &str,
) -> Value {
    let (verdict, code) = match finished.ending {
        Ending::Pass => ("pass", None),
        Ending::Fail(code) => ("fail", Some(code)),
        Ending::OutOfInstructions => ("timeout", None),
        Ending::Stuck => ("stuck", None),
    };
    let hart = |(number, hart): (usize, &HartCounts)| {
        json!({
            "hart": number, "instructions": hart.instructions, "cycles": hart.cycles,
            "idle_cycles": hart.idle_cycles, "cpi": cpi(hart), "pc": format!("{:#x}", hart.pc),
        })
    };
    let harts: Vec<Value> = finished.harts.iter().enumerate().map(hart).collect();
    let sum =
        |of: fn(&HartCounts) -> Option<u64>| -> Option<u64> { finished.harts.iter().map(of).sum() };
    let cycles = sum(|hart| hart.cycles);
    let instructions = finished.instructions();
    json!({
        "schema": 1,
        "elf": path.display().to_string(),
        "system": system.map(|system| &system.name),
        "verdict": verdict,
        "code": code,
        "instructions": instructions,
        "cycles": cycles,
        "idle_cycles": sum(|hart| hart.idle_cycles),
        "cpi": cycles.filter(|_| instructions > 0).map(|c| c as f64 / instructions as f64),
        "virtual_ns": finished.time.as_nanos(),
        "harts": harts,
        "stats": finished.stats.as_ref().map_or_else(Default::default, stats::json),
        "console": console,
    })
}
