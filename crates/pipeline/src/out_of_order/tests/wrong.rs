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

/// A branch guessed wrong that waits for a division of `latency`, with `wrong` behind it.
fn behind_a_division(latency: u32, mem: &HierarchyConfig, wrong: &[Instr]) -> Bench {
    let mut core = wide();
    core.latency_cycles.insert(Class::IntDiv, latency);
    let mut program = vec![reads(of_class(alu(CODE - 4), Class::IntDiv), 6, 5)];
    program.extend(mispredicted(1));
    program[1].operands.srcs[0] = Some(Reg::int(5));
    program[2] = access(program[2], DATA, MemKind::Load);
    guess_wrong(&core, mem, &program, wrong)
}

/// A branch right behind another, to where a load of `DATA` lies.
fn branch_to_a_load() -> [Instr; 2] {
    let to = CODE + 0x800;
    let branch = jump(alu(CODE + 4), BranchKind::Conditional, true, to);
    [branch, access(alu(to), DATA, MemKind::Load)]
}

#[test]
fn a_wrong_guess_on_a_wrong_path_is_found_when_its_branch_executes() {
    // The same penalty as on the right path: F + D + R + Lbranch + 2 + L1I.
    let penalty = 3 + 2 + 2 + 1 + 2 + 3;
    let mut seen = Vec::new();
    for latency in 5..25 {
        let bench = behind_a_division(latency, &hierarchy(), &branch_to_a_load());
        let outer = &bench.committed[1];
        // What is fetched in the cycle in which the outer branch is resolved is not.
        let reached = outer.done() > outer.fetched() + penalty;
        let ours = bench.core.stats.total().out_of_order.expect("counted");
        assert_eq!(ours.fetched_off_path.get(), 1 + u64::from(reached), "division of {latency}");
        seen.push(reached);
    }
    assert!(seen.contains(&false) && seen.contains(&true), "{seen:?}");
}

#[test]
fn what_lies_where_a_wrong_path_is_corrected_to_is_executed() {
    assert_eq!(behind_a_division(300, &hierarchy(), &[]).committed[2].slot.access.found, {
        Some(Level::Memory)
    });
    let bench = behind_a_division(300, &hierarchy(), &branch_to_a_load());
    assert_eq!(bench.committed[2].slot.access.found, Some(Level::L1));
}

#[test]
fn squashes_on_a_wrong_path_are_counted_apart() {
    let bench = behind_a_division(300, &hierarchy(), &branch_to_a_load());
    let ours = bench.core.stats.total().out_of_order.expect("counted");
    assert_eq!((ours.squashes.sum(), ours.squashes[Cause::Conditional].get()), (1, 1));
    assert_eq!(ours.squashes_off_path.get(), 1);
    assert_eq!(bench.committed.len(), 3);
}

#[test]
fn a_memory_order_violation_on_a_wrong_path_goes_on_along_it() {
    // The load goes ahead of a store to its address that waits for a division, and is repeated.
    let mut wrong = straight(5, |instr, _| instr);
    wrong[1] = reads(of_class(wrong[1], Class::IntDiv), 6, 7);
    wrong[2] = access(wrong[2], DATA, MemKind::Store);
    wrong[2].operands.srcs[0] = Some(Reg::int(7));
    wrong[3] = access(wrong[3], DATA, MemKind::Load);
    wrong[4] = access(wrong[4], DATA + 4096, MemKind::Load);
    let mut core = wide();
    core.latency_cycles.insert(Class::IntDiv, 60);
    core.latency_cycles.insert(Class::FpDiv, 300);
    let mut program = vec![reads(of_class(alu(CODE - 4), Class::FpDiv), 6, 5)];
    program.extend(mispredicted(1));
    program[1].operands.srcs[0] = Some(Reg::int(5));
    let bench = guess_wrong(&core, &hierarchy(), &program, &wrong[1..]);
    let ours = bench.core.stats.total().out_of_order.expect("counted");
    assert_eq!(ours.squashes_off_path.get(), 1);
    assert_eq!(ours.squashes[Cause::MemoryOrder].get(), 0);
    // Four, and the load and what follows it once more.
    assert_eq!(ours.fetched_off_path.get(), 6);
    assert_eq!(bench.committed.len(), 3);
}
