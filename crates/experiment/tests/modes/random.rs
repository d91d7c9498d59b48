//! Random bare-metal programs of every kind (integer, memory, floating point, control flow, privilege,
//! translation, protection), also switching between modes at random instructions. What they leave is
//! compared by [`Machine::program_digest`]: all of RAM, all registers, pc, privilege, and the CSRs that do
//! not tell time.
//!
//! The programs are those with which `tests/isa/lockstep.rs` executes every row of the instruction table,
//! so every row has executed here, too, in every mode.
//!
//! Environment: `CONFORMANCE_PROGRAMS` programs of each kind (default 64, which all rows need),
//! `CONFORMANCE_SEED` the first seed (default 0).

use super::{SMALL, TINY, machine, model, to_the_end};
use conformance::body::Features;
use conformance::image::{Image, Recipe};
use conformance::programs::Kind;
use conformance::random::Random;
use experiment::{Detailed, Warming};
use machine::Machine;
use sim::Picos;
use system::Timing as Model;

/// What a run left, and how many instructions it took.
#[derive(PartialEq, Eq, Debug)]
struct Left {
    digest: [u8; 32],
    retired: u64,
}

fn left(mut machine: Machine) -> Left {
    Left { digest: machine.program_digest(), retired: machine.retired() }
}

fn fast(elf: &[u8]) -> Left {
    left(super::fast(1, elf))
}

fn detailed(elf: &[u8], model: &mut Model) -> Left {
    left(super::detailed(1, elf, model))
}

fn warming(elf: &[u8], model: &mut Model) -> Left {
    left(super::warming(1, elf, model))
}

/// Fast, warming and detailed in turn, for a few to a few thousand instructions each.
fn switching(elf: &[u8], model: &mut Model, random: &mut Random) -> (Left, u64) {
    let mut machine = machine(1, elf);
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
