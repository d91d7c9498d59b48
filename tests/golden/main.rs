//! Small kernels with all their statistics: `NAME.s` runs on `system.toml` and must count exactly what
//! `NAME.txt` says. `tools/dev bless` writes those files anew and shows what changed.
//!
//! A kernel whose time has a closed form says so in a line `#! cycles an iteration = N`; that holds
//! within 1 % of what it takes longer with twice the iterations, which its `li s0, COUNT` gives.

mod assembler;

use experiment::bare::{self, Ending, Program, Watcher};
use pipeline::{Cause, PrivilegeStats, Stream};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use system::{LoadedSystem, TimingStats};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden");

struct Nobody;

impl Watcher for Nobody {
    fn console(&mut self, _: &[u8]) {}
    fn cancelled(&self) -> bool {
        false
    }
}

fn system() -> LoadedSystem {
    system::load(&format!("{FOLDER}/system.toml"), &[]).expect("the system of the kernels")
}

fn kernels() -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).expect("the folder of the kernels");
    let paths = entries.map(|entry| entry.expect("an entry of it").path());
    let mut kernels: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "s")).collect();
    kernels.sort();
    kernels
}

/// Runs a kernel to its end.
fn run(path: &Path, system: &LoadedSystem) -> TimingStats {
    let text = fs::read_to_string(path).expect("the kernel can be read");
    run_text(path, &text, system)
}

fn run_text(path: &Path, text: &str, system: &LoadedSystem) -> TimingStats {
    let code = assembler::assemble(text).unwrap_or_else(|what| panic!("{path:?}: {what}"));
    let segment = conformance::elf::Segment { address: assembler::BASE, bytes: code };
    let elf = conformance::elf::write(assembler::BASE, &[segment], &[]);
    let program = Program {
        elf: &elf,
        harts: 1,
        ram_mib: 64,
        seed: 1,
        max_instructions: 5_000_000,
        system: Some(system),
    };
    let finished = bare::run(&program, &mut Nobody).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    assert_eq!(finished.ending, Ending::Pass, "{path:?} at {:#x}", finished.harts[0].pc);
    finished.stats.expect("there is a timing model")
}

fn total(stats: &TimingStats) -> PrivilegeStats {
    stats.cores[0].total()
}

/// The counters that are compared.
fn report(stats: &TimingStats) -> String {
    let core = total(stats);
    let ours = core.out_of_order.as_ref().expect("the core is out of order");
    let mut text = String::new();
    let mut line = |name: &str, value: u64| {
        writeln!(text, "{name:<28}{value:>10}").expect("strings take everything");
    };
    line("cycles", core.cycles.get());
    line("instructions", core.instructions.get());
    line("branches", core.branches.get());
    line("exceptions", core.exceptions.get());
    line("fetched_off_path", ours.fetched_off_path.get());
    line("decode_resteers", ours.decode_resteers.get());
    for (cause, name) in [
        (Cause::Conditional, "squashes.conditional"),
        (Cause::Indirect, "squashes.indirect"),
        (Cause::Return, "squashes.return"),
        (Cause::Target, "squashes.target"),
        (Cause::MemoryOrder, "squashes.memory_order"),
    ] {
        line(name, ours.squashes[cause].get());
    }
    line("squashes_off_path", ours.squashes_off_path.get());
    line("forwarded", ours.forwarded.get());
    line("forward_blocked", ours.forward_blocked.get());
    line("store_set_waits", ours.store_set_waits.get());
    for (stream, name) in
        [(Stream::Instruction, "instruction"), (Stream::Data, "data"), (Stream::Walk, "walk")]
    {
        for (level, at) in [
            (mem::Level::L1, "l1"),
            (mem::Level::L2, "l2"),
            (mem::Level::Llc, "llc"),
            (mem::Level::Memory, "memory"),
        ] {
            line(&format!("found.{name}.{at}"), core.found[level][stream].get());
        }
    }
    line("itlb_misses", core.itlb_misses.get());
    line("dtlb_misses", core.dtlb_misses.get());
    line("slots", ours.slots.get());
    line("slots.retired", ours.retired.get());
    line("slots.squashed", ours.squashed.get());
    for (name, lost) in ours.lost.named() {
        line(&format!("lost.{name}"), ours.lost[lost].get());
    }
    for (name, slot) in ours.issue.named() {
        line(&format!("issue.{name}"), ours.issue[slot].get());
    }
    for (name, spent) in ours.spent.named() {
        line(&format!("spent.{name}"), ours.spent[spent].get());
    }
    text
}

/// The lines that differ.
fn difference(old: &str, new: &str) -> String {
    let mut text = String::new();
    let mut old = old.lines();
    for line in new.lines() {
        let before = old.next().unwrap_or("");
        if before != line {
            writeln!(text, "    - {before}\n    + {line}").expect("strings take everything");
        }
    }
    for line in old {
        writeln!(text, "    - {line}").expect("strings take everything");
    }
    text
}

#[test]
fn every_kernel_counts_what_it_counted_before() {
    let system = system();
    let bless = std::env::var_os("BLESS").is_some();
    let kernels = kernels();
    assert!(kernels.len() >= 30, "{} kernels", kernels.len());
    let mut changed = String::new();
    for path in kernels {
        let found = report(&run(&path, &system));
        let beside = path.with_extension("txt");
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if found == expected {
            continue;
        }
        let name = path.file_stem().expect("a kernel has a name").display();
        write!(changed, "{name}:\n{}", difference(&expected, &found)).expect("as above");
        if bless {
            fs::write(&beside, found).expect("the statistics can be written");
        }
    }
    if bless {
        println!("{}", if changed.is_empty() { "no kernel changed" } else { &changed });
    } else {
        assert!(changed.is_empty(), "`tools/dev bless` would change\n{changed}");
    }
}

#[test]
fn kernels_with_a_closed_form_take_that_long() {
    let system = system();
    let cycles = |path: &Path, text: &str| total(&run_text(path, text, &system)).cycles.get();
    let mut wrong = String::new();
    let mut count = 0;
    for path in kernels() {
        let text = fs::read_to_string(&path).expect("the kernel can be read");
        let Some(form) =
            text.lines().find_map(|line| line.strip_prefix("#! cycles an iteration = "))
        else {
            continue;
        };
        count += 1;
        let expected: f64 = form.trim().parse().expect("a number of cycles");
        let count_at = |line: &&str| line.trim().starts_with("li s0, ");
        let line = text.lines().find(count_at).expect("a count of iterations");
        let iterations: u64 = line.trim()["li s0, ".len()..].parse().expect("a number");
        let twice = text.replace(line, &format!("    li s0, {}", 2 * iterations));
        let more = cycles(&path, &twice) - cycles(&path, &text);
        let found = more as f64 / iterations as f64;
        let error = found / expected - 1.0;
        if error.abs() > 0.01 {
            writeln!(wrong, "{path:?}: {found} cycles an iteration, expected {expected}")
                .expect("as above");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 8, "{count} closed forms");
}

#[test]
fn a_kernel_runs_the_same_twice() {
    let system = system();
    let path = Path::new(FOLDER).join("mispredict_storm.s");
    assert_eq!(run(&path, &system), run(&path, &system));
}

#[test]
fn a_line_that_is_no_statement_is_named() {
    for (text, what) in [
        ("addi t0, t1", "addi t0, t1: not the operands"),
        ("bogus", "bogus: no such instruction"),
        ("j nowhere", "j nowhere: no label nowhere"),
        ("add t0, t1, q9", "q9 is no register"),
        (".rept 3", ".rept without its .endr"),
    ] {
        let error = assembler::assemble(text).expect_err("it is wrong");
        assert!(error.contains(what), "{error}");
    }
}
