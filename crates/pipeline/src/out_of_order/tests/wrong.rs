//! What wrong paths do and what they leave behind.

use super::forms::{straight, wide};
use super::guesses::{guess_wrong, mispredicted};
use super::run::Bench;
use super::*;

/// Runs a load of `DATA` on the right path, after a wrong path of `wrong` behind a slow branch.
fn load_after(wrong: &[Instr]) -> Bench {
    let mut core = wide();
    core.latency_cycles.insert(Class::Branch, 300);
    let mut program = mispredicted(1);
    program[1] = access(program[1], DATA, MemKind::Load);
    guess_wrong(&core, &hierarchy(), &program, wrong)
}

fn found(bench: &Bench) -> Option<Level> {
    bench.committed[1].slot.access.found
}

#[test]
fn a_load_on_a_wrong_path_brings_its_line_into_the_cache() {
    assert_eq!(found(&load_after(&[])), Some(Level::Memory));
    let wrong = straight(2, |instr, _| access(instr, DATA, MemKind::Load));
    assert_eq!(found(&load_after(&wrong[1..])), Some(Level::L1));
}

#[test]
fn loads_on_a_wrong_path_displace_lines_from_the_cache() {
    // Eight ways and 4 KiB a way: nine lines of one set.
    let mut core = wide();
    core.latency_cycles.insert(Class::Branch, 300);
    let mut program = mispredicted(1);
    program[1] = access(program[1], DATA, MemKind::Load);
    for (count, level) in [(7, Level::L1), (8, Level::Llc)] {
        let wrong = straight(count + 1, |instr, n| access(instr, DATA + n * 4096, MemKind::Load));
        let mut bench = Bench::new(&core, &hierarchy());
        let plain: Vec<_> =
            program.iter().chain(&wrong).map(|i| Instr { branch: None, ..*i }).collect();
        bench.warm_code(&plain);
        bench.warm(&[access(alu(CODE), DATA, MemKind::Load)]);
        bench.source.lay(HART, wrong[1..].iter().copied());
        bench.push(&program);
        bench.run();
        assert_eq!(bench.committed[1].slot.access.found, Some(level), "{count} lines");
    }
}

#[test]
fn a_store_on_a_wrong_path_never_reaches_the_cache() {
    let wrong = straight(2, |instr, _| access(instr, DATA, MemKind::Store));
    assert_eq!(found(&load_after(&wrong[1..])), Some(Level::Memory));
}

#[test]
fn instructions_of_a_wrong_path_are_counted_and_none_commits() {
    let wrong = straight(33, |instr, _| instr);
    let bench = load_after(&wrong[1..]);
    assert_eq!(bench.committed.len(), 2);
    let ours = bench.core.stats.total().out_of_order.expect("counted");
    assert_eq!(ours.fetched_off_path.get(), 32);
    assert_eq!(ours.squashed.get(), 32);
    assert!(bench.committed.iter().all(|done| !done.slot.off_path));
}

#[test]
fn a_wrong_path_ends_at_the_squash_though_its_load_is_still_in_memory() {
    // The line arrives after the squash; nobody waits for it, and it stays.
    let mut core = wide();
    core.latency_cycles.insert(Class::Branch, 20);
    let mut mem = hierarchy();
    mem.memory = MemoryConfig::Dram(Box::new(super::random::dram()));
    let mut program = mispredicted(2);
    program[1] = reads(of_class(program[1], Class::IntDiv), 6, 6);
    program[2] = reads(access(program[2], DATA, MemKind::Load), 6, 7);
    core.latency_cycles.insert(Class::IntDiv, 500);
    let wrong = straight(2, |instr, _| access(instr, DATA, MemKind::Load));
    let bench = guess_wrong(&core, &mem, &program, &wrong[1..]);
    assert_eq!(bench.committed[2].slot.access.found, Some(Level::L1));
}

#[test]
fn registers_written_on_a_wrong_path_are_the_old_ones_again() {
    // The right path reads what an older division writes, not what the wrong path wrote since.
    let mut core = wide();
    core.latency_cycles.insert(Class::IntDiv, 100);
    let division = reads(of_class(alu(CODE - 4), Class::IntDiv), 6, 5);
    let mut program = vec![division];
    program.extend(mispredicted(1));
    program[2] = reads(program[2], 5, 7);
    let wrong = straight(9, |instr, _| reads(instr, 8, 5));
    let bench = guess_wrong(&core, &hierarchy(), &program, &wrong[1..]);
    assert_eq!(bench.committed[2].issued(), bench.committed[0].done());
}
