//! `exec --guest`: a Linux program in the booted guest, measured.

use crate::args::{ExecArgs, GUEST_RAM_MIB};
use crate::commands::run;
use crate::failure::{FAILED, Failure};
use crate::progress::Reporter;
use crate::{home, output};
use ::guest::packages::Mirror;
use ::guest::progress::Progress as _;
use anyhow::anyhow;
use experiment::Study;
use experiment::guest_program::{
    self, Ending, GuestProgram, Output, ProgramOutcome, SentFile, Window,
};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Less does not boot.
const LEAST_RAM_MIB: u64 = 512;

pub fn exec(args: &ExecArgs) -> Result<u8, Failure> {
    let study = study(args)?;
    let program = GuestProgram {
        elf: args.elf.clone(),
        args: args.args.clone(),
        files: args.files.iter().map(|text| sent_file(text)).collect(),
        max_instructions: args.max_instructions,
        warmup_instructions: args.warmup_instructions,
    };
    let home = home::create()?;
    let reporter = Reporter::new();
    let result = guest_program::run_program(&home, &study, &program, &reporter);
    reporter.finish();
    let outcome = result.map_err(run::failure)?;
    for note in &outcome.notes {
        reporter.note(&format!("note: {note}"));
    }
    if args.json {
        output::print_json(&document(args, &study, &outcome))?;
    } else {
        show_streams(&outcome)?;
        output::print(table(&args.elf, &study.system.name, &outcome))?;
    }
    if let Some(hint) = hint(&outcome, args.max_instructions) {
        eprintln!("error: {hint}");
    }
    Ok(if outcome.ending == Ending::Exited(0) { 0 } else { FAILED })
}

/// The guest as `run` boots it, on the system asked for.
fn study(args: &ExecArgs) -> Result<Study, Failure> {
    let system = args.system.as_deref().unwrap_or("simple");
    let system = ::system::load(system, &args.set).map_err(Failure::input)?;
    if let Some(url) = &args.mirror {
        Mirror::new(url).map_err(Failure::input)?;
    }
    // As in `run`, so that both start from the same snapshot.
    let ram_mib = args.ram.unwrap_or(GUEST_RAM_MIB);
    if ram_mib < LEAST_RAM_MIB {
        return Err(Failure::input(anyhow!(
            "reading --ram: the guest does not boot in {ram_mib} MiB; give at least {LEAST_RAM_MIB}"
        )));
    }
    Ok(Study { mirror: args.mirror.clone(), ..run::guest_study(system, args.seed, ram_mib) })
}

/// `HOST[:GUEST]`. A file that exists may have colons in its name.
fn sent_file(text: &str) -> SentFile {
    match text.rsplit_once(':') {
        Some((host, guest)) if !guest.is_empty() && !Path::new(text).exists() => {
            SentFile { host: host.into(), guest: Some(guest.to_owned()) }
        }
        _ => SentFile { host: text.into(), guest: None },
    }
}

/// What the program wrote goes where it would have gone.
fn show_streams(outcome: &ProgramOutcome) -> Result<(), Failure> {
    output::print(&outcome.stdout.bytes)?;
    // Nobody can be told that standard error is closed.
    let _ = std::io::stderr().write_all(&outcome.stderr.bytes);
    for (name, stream) in [("output", &outcome.stdout), ("error", &outcome.stderr)] {
        let shown = stream.bytes.len() as u64;
        if shown < stream.total {
            let total = stream.total;
            eprintln!("note: the first {shown} of {total} bytes of standard {name} are shown");
        }
    }
    Ok(())
}

fn hint(outcome: &ProgramOutcome, most: u64) -> Option<String> {
    match outcome.ending {
        Ending::OutOfInstructions => Some(format!(
            "the program did not end within {most} instructions; give --max-instructions more, or \
             let it do less"
        )),
        Ending::Waiting => Some(
            "the program has been waiting for 10 s of virtual time; its standard input is empty \
             and nobody connects to it"
                .to_owned(),
        ),
        Ending::Exited(_) | Ending::Killed(_) | Ending::NotStarted(_) => None,
    }
}

/// Verdict, exit status and signal.
fn verdict(ending: Ending) -> (&'static str, Option<u8>, Option<u8>) {
    match ending {
        Ending::Exited(status) => ("exited", Some(status), None),
        Ending::Killed(signal) => ("killed", None, Some(signal)),
        Ending::NotStarted(_) => ("not started", None, None),
        Ending::OutOfInstructions => ("timeout", None, None),
        Ending::Waiting => ("waiting", None, None),
    }
}

fn ending_text(ending: Ending) -> String {
    match verdict(ending) {
        (_, Some(status), _) => format!("exit status {status}"),
        (_, _, Some(signal)) => format!("killed by signal {signal}{}", signal_name(signal)),
        _ => "TIME-OUT".to_owned(),
    }
}

/// The signals that programs die of (`signal(7)` of the Linux manual).
fn signal_name(signal: u8) -> &'static str {
    match signal {
        4 => " (illegal instruction)",
        5 => " (trap)",
        6 => " (abort)",
        7 => " (bus error)",
        8 => " (arithmetic error)",
        9 => " (kill; the guest may have run out of memory)",
        11 => " (segmentation fault)",
        13 => " (broken pipe)",
        15 => " (terminate)",
        _ => "",
    }
}

fn table(elf: &Path, system: &str, outcome: &ProgramOutcome) -> String {
    let name = elf.file_name().unwrap_or(elf.as_os_str());
    let mut text = format!(
        "{} on {system}: {}, {} instructions\n",
        Path::new(name).display(),
        ending_text(outcome.ending),
        outcome.instructions
    );
    let Some(first) = outcome.windows.first() else { return text };
    let there = |path: &str| first.counts.statistics.values.contains_key(path);
    let mpki: Vec<_> = ::report::MPKI.into_iter().filter(|(path, _)| there(path)).collect();
    let fixed = ["window", "us", "instructions", "cycles", "idle cycles", "CPI", "user %"];
    let titles = fixed.into_iter().chain(mpki.iter().map(|(_, title)| *title));
    let mut rows = vec![titles.map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(outcome.windows.iter().map(|window| row(window, &mpki)));
    text += &aligned(&rows);
    if !mpki.is_empty() {
        text += "From L1I on: misses per 1000 instructions.\n";
    }
    text
}

fn row(window: &Window, mpki: &[(&str, &str)]) -> Vec<String> {
    let counts = &window.counts;
    let decimal = |value: Option<f64>, digits: usize| {
        value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let mut cells = vec![
        window.work.map_or("program".to_owned(), |(work, thread)| match thread {
            0 => format!("work {work}"),
            _ => format!("work {work}.{thread}"),
        }),
        decimal(Some(counts.latency_ns as f64 / 1e3), 1),
        counts.instructions.to_string(),
        counts.cycles.to_string(),
        counts.idle_cycles.to_string(),
        decimal(counts.cpi, 3),
        decimal(counts.user_percent(), 1),
    ];
    let value = |path: &str| counts.statistics.values.get(path).and_then(|value| value.number());
    cells.extend(mpki.iter().map(|(path, _)| decimal(value(path), 2)));
    cells
}

/// The first column to the left, the others to the right, each as wide as its widest cell.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let _ = write!(text, "{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}

fn document(args: &ExecArgs, study: &Study, outcome: &ProgramOutcome) -> Value {
    let (verdict, status, signal) = verdict(outcome.ending);
    let config = study.system.effective_toml();
    let text = |stream: &Output| String::from_utf8_lossy(&stream.bytes).into_owned();
    json!({
        "schema": 1,
        "elf": args.elf.display().to_string(),
        "args": args.args,
        "system": study.system.name,
        "seed": study.seed,
        "verdict": verdict,
        "exit_status": status,
        "signal": signal,
        "stdout": text(&outcome.stdout),
        "stdout_bytes": outcome.stdout.total,
        "stderr": text(&outcome.stderr),
        "stderr_bytes": outcome.stderr.total,
        "instructions": outcome.instructions,
        "windows": outcome.windows.iter().map(window_document).collect::<Vec<_>>(),
        "notes": outcome.notes,
        "manifest": {
            "version": env!("CARGO_PKG_VERSION"),
            "command": study.command,
            "config": config,
            "guest": outcome.guest,
        },
    })
}

/// The numbers of an invocation, without what only a request has.
fn window_document(window: &Window) -> Value {
    let mut document = serde_json::to_value(&window.counts).unwrap_or_default();
    if let Some(keys) = document.as_object_mut() {
        for request_only in ["ok", "reply"] {
            keys.remove(request_only);
        }
        keys.insert("work_id".to_owned(), json!(window.work.map(|(work, _)| work)));
        keys.insert("thread_id".to_owned(), json!(window.work.map(|(_, thread)| thread)));
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_beside_the_program_or_where_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a:b");
        std::fs::write(&odd, "").unwrap();
        let odd = odd.to_str().unwrap();
        let parts = |text: &str| {
            let SentFile { host, guest } = sent_file(text);
            (host.to_str().unwrap().to_owned(), guest)
        };
        assert_eq!(parts("x/data"), ("x/data".to_owned(), None));
        assert_eq!(parts("data:/lib/data"), ("data".to_owned(), Some("/lib/data".to_owned())));
        assert_eq!(parts(odd), (odd.to_owned(), None));
        assert_eq!(parts(&format!("{odd}:c")), (odd.to_owned(), Some("c".to_owned())));
    }

    #[test]
    fn every_ending_is_said_in_words() {
        assert_eq!(ending_text(Ending::Exited(3)), "exit status 3");
        assert_eq!(ending_text(Ending::Killed(11)), "killed by signal 11 (segmentation fault)");
        assert_eq!(ending_text(Ending::OutOfInstructions), "TIME-OUT");
    }
}
