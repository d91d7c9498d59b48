//! All modes compute the same.
//!
//! Bare-metal programs run to their end in fast mode, in warming mode, on the in-order core and on
//! out-of-order cores, and what they leave is compared. [`random`] programs and [`rows`] of the
//! instruction table use no timer and get no interrupt, so nothing they compute may depend on how long
//! anything took. A program with [`interrupts`] at any instruction, and [`harts`] that meet in memory,
//! leave the same whenever those come and whoever is first. [`snapshot`]s are taken in the middle of
//! detailed mode.
//!
//! A guest with timers has no such digest: when an interrupt comes decides where the scheduler's data lie.
//! Those are compared by `vswarm-u verify`, which `tests/system/run.py` calls.

mod harts;
mod interrupts;
mod random;
mod rows;
mod snapshot;

use experiment::{Detailed, Warming};
use machine::htif::Verdict;
use machine::{Event, Machine, MachineConfig};
use ram::Ram;
use sim::Picos;
use system::Timing as Model;

/// An out-of-order core in which everything is as small as it can be.
const TINY: &[&str] = &[
    "core.rename_width=1",
    "core.rob=2",
    "core.int_registers=33",
    "core.fp_registers=33",
    "core.issue_width=1",
    "core.commit_width=1",
    "core.squash_width=1",
    "core.front.ftq=1",
    "core.front.queue=1",
    "core.front.fetch_bytes=4",
    "core.front.decode_width=1",
    "core.schedulers.unified.entries=1",
    "core.memory.load_queue=1",
    "core.memory.store_queue=1",
];

/// One in which little is under way, but more than one of each.
const SMALL: &[&str] = &[
    "core.rob=24",
    "core.int_registers=48",
    "core.front.ftq=3",
    "core.front.prefetch=true",
    "core.schedulers.unified.entries=7",
    "core.memory.load_queue=5",
    "core.memory.store_queue=3",
    "core.memory.store_sets=2",
    "core.memory.store_set_instructions=2",
];

fn model(system: &str, overrides: &[&str]) -> Model {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    let system = system::load(system, &overrides).expect("the system is there");
    Model::new(&system.config).expect("the system can be built")
}

fn machine(harts: usize, elf: &[u8]) -> Machine {
    let config = MachineConfig { harts, ..MachineConfig::default() };
    let mut machine = Machine::new(config, Ram::new(64 << 20));
    machine.load_elf(elf).expect("the image fits");
    machine
}

/// Runs to the verdict, as `stretch` does up to a deadline of its choice.
fn to_the_end(machine: &mut Machine, mut stretch: impl FnMut(&mut Machine) -> Event) {
    while machine.now() < Picos::from_secs(10) && machine.retired() < MOST_INSTRUCTIONS {
        match stretch(machine) {
            Event::Marker { .. } | Event::Deadline => {}
            event => return assert_eq!(event, Event::Verdict(Verdict::Pass)),
        }
    }
    panic!("the image did not end: hart 0 is at {:#x}", machine.hart(0).pc);
}

const LONG: Picos = Picos::from_millis(1);

/// Instructions after which a program is taken for endless.
const MOST_INSTRUCTIONS: u64 = 50_000_000;

/// The machine after a run in fast mode.
fn fast(harts: usize, elf: &[u8]) -> Machine {
    let mut machine = machine(harts, elf);
    to_the_end(&mut machine, |machine| machine.run_fast(machine.now() + LONG));
    machine
}

/// The machine after a run in detailed mode, whose books balance.
fn detailed(harts: usize, elf: &[u8], model: &mut Model) -> Machine {
    let mut machine = machine(harts, elf);
    let before = model.stats();
    let mut timing = Detailed::new(model, machine.now());
    to_the_end(&mut machine, |machine| machine.run_timed(&mut timing, machine.now() + LONG));
    let _ = model.window(&before);
    machine
}

/// The machine after a run in warming mode.
fn warming(harts: usize, elf: &[u8], model: &mut Model) -> Machine {
    let mut machine = machine(harts, elf);
    let mut timing = Warming::new(model);
    to_the_end(&mut machine, |machine| machine.run_timed(&mut timing, machine.now() + LONG));
    machine
}
