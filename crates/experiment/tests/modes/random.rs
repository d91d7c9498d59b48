//! All modes compute the same.
//!
//! Random bare-metal programs of every kind (integer, memory, floating point, control flow, privilege,
//! translation, protection) run to their end in fast mode, in warming mode, on the in-order core and on
//! out-of-order cores of several sizes, and switching between them at random instructions. What they leave
//! is compared by [`Machine::program_digest`]: all of RAM, all registers, pc, privilege, and the CSRs that
//! do not tell time. The programs use no timer and no interrupt comes, so nothing they compute may depend
//! on how long anything took.
//!
//! The programs are those with which `tests/isa/lockstep.rs` executes every row of the instruction table,
//! so every row has executed here, too, in every mode.
//!
//! A guest with timers has no such digest: when an interrupt comes decides where the scheduler's data lie.
//!
//! Environment: `CONFORMANCE_PROGRAMS` programs of each kind (default 64, which all rows need),
//! `CONFORMANCE_SEED` the first seed (default 0).

use conformance::body::Features;
use conformance::image::{Image, Recipe};
use conformance::programs::Kind;
use conformance::random::Random;
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

fn machine(elf: &[u8]) -> Machine {
    let config = MachineConfig { harts: 1, ..MachineConfig::default() };
    let mut machine = Machine::new(config, Ram::new(64 << 20));
    machine.load_elf(elf).expect("the image fits");
    machine
}

/// Runs to the verdict, as `stretch` does up to a deadline of its choice.
fn to_the_end(machine: &mut Machine, mut stretch: impl FnMut(&mut Machine) -> Event) {
    while machine.now() < Picos::from_secs(10) {
        match stretch(machine) {
            Event::Marker { .. } | Event::Deadline => {}
            event => return assert_eq!(event, Event::Verdict(Verdict::Pass)),
        }
    }
    panic!("the image did not end: hart 0 is at {:#x}", machine.hart(0).pc);
}

/// What a run left, and how many instructions it took.
#[derive(PartialEq, Eq, Debug)]
struct Left {
    digest: [u8; 32],
    retired: u64,
}

fn left(mut machine: Machine) -> Left {
    Left { digest: machine.program_digest(), retired: machine.retired() }
}

const LONG: Picos = Picos::from_secs(1);

fn fast(elf: &[u8]) -> Left {
    let mut machine = machine(elf);
    to_the_end(&mut machine, |machine| machine.run_fast(machine.now() + LONG));
    left(machine)
}

fn detailed(elf: &[u8], model: &mut Model) -> Left {
    let mut machine = machine(elf);
    let before = model.stats();
    let mut timing = Detailed::new(model, machine.now());
    to_the_end(&mut machine, |machine| machine.run_timed(&mut timing, machine.now() + LONG));
    let _ = model.window(&before);
    left(machine)
}

fn warming(elf: &[u8], model: &mut Model) -> Left {
    let mut machine = machine(elf);
    let mut timing = Warming::new(model);
    to_the_end(&mut machine, |machine| machine.run_timed(&mut timing, machine.now() + LONG));
    left(machine)
}

/// Fast, warming and detailed in turn, for a few to a few thousand instructions each.
fn switching(elf: &[u8], model: &mut Model, random: &mut Random) -> (Left, u64) {
    let mut machine = machine(elf);
    let (cycle, mut switches) = (model.clock().period(), 0);
    to_the_end(&mut machine, |machine| {
        switches += 1;
        let short = random.below(2) == 0;
        let steps = 1 + random.below(if short { 20 } else { 4000 }) as u64;
        let now = machine.now();
        let deadline = now + Picos(cycle.0 * steps);
        match switches % 3 {
            0 => machine.run_fast(deadline),
            1 => machine.run_timed(&mut Warming::new(model), deadline),
            _ => machine.run_timed(&mut Detailed::new(model, now), deadline),
        }
    });
    (left(machine), switches)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Calls `run` with every image of every kind and compares with fast mode.
fn compare(mode: &str, mut run: impl FnMut(&[u8]) -> Left) {
    let (programs, first) = (setting("CONFORMANCE_PROGRAMS", 64), setting("CONFORMANCE_SEED", 0));
    let mut compared = 0;
    for kind in Kind::ALL {
        let steps = kind.steps();
        let recipes: Vec<_> =
            (first..first + programs).map(|seed| Recipe { kind, seed, steps }).collect();
        for chunk in recipes.chunks(kind.most()) {
            let elf = Image::build(chunk, &Features::all()).elf();
            let expected = fast(&elf);
            compared += expected.retired;
            assert_eq!(run(&elf), expected, "{mode}: {kind:?} from seed {}", chunk[0].seed);
        }
    }
    println!("{mode}: {compared} instructions compared with fast mode");
}

#[test]
fn warming_computes_what_fast_mode_does() {
    compare("warming", |elf| warming(elf, &mut model("skylake", &[])));
}

#[test]
fn the_in_order_core_computes_what_fast_mode_does() {
    compare("simple", |elf| detailed(elf, &mut model("simple", &[])));
}

#[test]
fn skylake_computes_what_fast_mode_does() {
    compare("skylake", |elf| detailed(elf, &mut model("skylake", &[])));
}

#[test]
fn a_core_of_tiny_queues_computes_what_fast_mode_does() {
    compare("tiny", |elf| detailed(elf, &mut model("skylake", TINY)));
}

#[test]
fn a_core_of_small_queues_computes_what_fast_mode_does() {
    compare("small", |elf| detailed(elf, &mut model("skylake", SMALL)));
}

#[test]
fn switching_between_modes_computes_what_fast_mode_does() {
    let mut random = Random::new(setting("CONFORMANCE_SEED", 0) + 1);
    for (name, overrides) in [("skylake", &[][..]), ("small", SMALL)] {
        let mut switches = 0;
        compare(&format!("switching, {name}"), |elf| {
            let (left, count) = switching(elf, &mut model("skylake", overrides), &mut random);
            switches += count;
            left
        });
        println!("switching, {name}: {switches} switches");
    }
}
