//! Random programs on our hart and on QEMU: registers, memory and traps must be the same.
//!
//! Environment: `CONFORMANCE_PROGRAMS` programs of each kind (default 1024; a quarter of the kinds whose images
//! hold few), `CONFORMANCE_SEED` the first seed (default 1).

use conformance::body::Features;
use conformance::compare;
use conformance::image::{Image, Recipe};
use conformance::ours::{self, Coverage};
use conformance::programs::Kind;
use conformance::qemu::Qemu;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| format!("{line}\n")).collect()
}

/// Runs `recipes` everywhere; returns the instructions compared, or what differs first.
fn compare(
    qemu: Option<&Qemu>,
    recipes: &[Recipe],
    coverage: &mut Coverage,
) -> Result<u64, (usize, String)> {
    let all = Features::all();
    let features = qemu.map_or(&all, Qemu::features);
    let image = Image::build(recipes, features);
    let fast = ours::run_fast(&image).expect("the image ends on the fast engine");
    let stepping = ours::run_stepping(&image, coverage).expect("the image ends step by step");
    assert!(compare::unfinished(&fast.memory, &image).is_empty(), "every program ends");
    let in_programs = stepping.in_programs;
    let mut others = vec![("stepping", stepping.memory)];
    if let Some(qemu) = qemu {
        others.push(("QEMU", qemu.run(&image.elf()).expect("the image ends on QEMU")));
    }
    for (name, theirs) in others {
        let found = compare::differences(&fast.memory, &theirs, &image, 4);
        // A program that goes astray may overwrite code, which lies before all programs' results.
        if let Some(first) = found.iter().find(|f| f.program.is_some()).or(found.first()) {
            let index = first.program.unwrap_or(0);
            let program = &image.programs[index];
            let (listing, log) = (image.listing(program), compare::trap_log(&fast.memory, index));
            let text = format!(
                "{:?} differs from {name}:\n{}\nthe program's end:\n{}our traps:\n{}",
                program.recipe,
                first.text,
                last_lines(&listing, 30),
                last_lines(&log, 8)
            );
            return Err((index, text));
        }
    }
    Ok(in_programs)
}

/// Compares; on a difference, runs every prefix of the program to find the step.
fn check(kind: Kind) {
    let qemu = Qemu::find();
    let share = if kind.most() < 1024 { 4 } else { 1 };
    let programs = setting("CONFORMANCE_PROGRAMS", 1024).div_ceil(share);
    let seed = setting("CONFORMANCE_SEED", 1);
    let steps = kind.steps();
    let recipes: Vec<_> = (0..programs).map(|n| Recipe { kind, seed: seed + n, steps }).collect();
    let (mut coverage, mut compared) = (Coverage::default(), 0);
    for image in recipes.chunks(kind.most()) {
        match compare(qemu.as_ref(), image, &mut coverage) {
            Ok(retired) => compared += retired,
            Err((index, text)) => panic!("{}", narrow(qemu.as_ref(), image[index]).unwrap_or(text)),
        }
    }
    let with = qemu.as_ref().map_or("nothing", Qemu::version);
    println!("{kind:?}: {programs} programs, {compared} instructions compared with {with}");
}

/// The difference after the fewest steps of `recipe`.
fn narrow(qemu: Option<&Qemu>, recipe: Recipe) -> Option<String> {
    let prefixes: Vec<_> = (0..=recipe.steps).map(|steps| Recipe { steps, ..recipe }).collect();
    let mut images = prefixes.chunks(recipe.kind.most());
    images
        .find_map(|image| compare(qemu, image, &mut Coverage::default()).err())
        .map(|(_, text)| text)
}

#[test]
fn integer_programs_agree_with_qemu() {
    check(Kind::Integer);
}

#[test]
fn memory_programs_agree_with_qemu() {
    check(Kind::Memory);
}

#[test]
fn float_programs_agree_with_qemu() {
    check(Kind::Float);
}

#[test]
fn control_programs_agree_with_qemu() {
    check(Kind::Control);
}

#[test]
fn mixed_programs_agree_with_qemu() {
    check(Kind::Mixed);
}

#[test]
fn privileged_programs_agree_with_qemu() {
    check(Kind::Privilege);
}

#[test]
fn translated_programs_agree_with_qemu() {
    check(Kind::Translation);
}

#[test]
fn protected_programs_agree_with_qemu() {
    check(Kind::Protection);
}

/// What the other tests leave to chance, made sure of: no row of the table goes untested. Runs without QEMU,
/// so that rows which QEMU lacks are executed too.
#[test]
fn every_row_of_the_table_is_executed_by_some_program() {
    let mut coverage = Coverage::default();
    for kind in Kind::ALL {
        let recipes: Vec<_> =
            (0..64).map(|seed| Recipe { kind, seed, steps: kind.steps() }).collect();
        compare(None, &recipes, &mut coverage).expect("block and step execution agree");
    }
    let rarest = isa::Op::ALL.into_iter().min_by_key(|&op| coverage.count(op)).expect("rows");
    println!("rarest row: {} executed {} times", rarest.mnemonic(), coverage.count(rarest));
    assert_eq!(coverage.missing(), [], "rows never executed");
}
