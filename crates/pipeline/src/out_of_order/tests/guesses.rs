//! Closed forms of wrong guesses.

use super::forms::{Form, assert_exact, set_latency, straight, sweep, wide};
use super::run::{Bench, Done, warm};
use super::*;
use crate::Guess;
use crate::out_of_order::slot::NEVER;

/// A conditional branch that the predictor thinks falls through and that is taken, and where it goes.
pub(super) fn mispredicted(count: u64) -> Vec<Instr> {
    let mut program = vec![jump(alu(CODE), BranchKind::Conditional, true, CODE + 0x400)];
    program.extend((0..count).map(|n| alu(CODE + 0x400 + 4 * n)));
    program
}

/// Runs it with `wrong` laid behind the branch, all code in the instruction cache.
pub(super) fn guess_wrong(
    core: &OutOfOrderConfig,
    mem: &HierarchyConfig,
    program: &[Instr],
    wrong: &[Instr],
) -> Bench {
    let mut bench = Bench::new(core, mem);
    let plain: Vec<_> =
        program.iter().chain(wrong).map(|instr| Instr { branch: None, ..*instr }).collect();
    bench.warm_code(&plain);
    bench.source.lay(HART, wrong.iter().copied());
    bench.push(program);
    bench.run();
    bench
}

/// The core with each part of the penalty set to `cycles` in turn.
const PARTS: [&str; 5] = ["L1I", "F", "D", "R", "branch latency"];

fn with_part(part: &str, cycles: u32) -> (OutOfOrderConfig, HierarchyConfig) {
    let (mut core, mut mem) = (wide(), hierarchy());
    match part {
        "L1I" => set_latency(&mut mem.caches.l1i, cycles.into()),
        "F" => core.front.fetch_to_decode_cycles = cycles,
        "D" => core.decode_to_rename_cycles = cycles,
        "R" => core.rename_to_issue_cycles = cycles,
        _ => _ = core.latency_cycles.insert(Class::Branch, cycles),
    }
    (core, mem)
}

pub(super) fn penalties() -> Vec<Form> {
    let mut forms = Vec::new();
    for part in PARTS {
        let name: &'static str = format!("mispredict penalty, {part}").leak();
        let formula = "branch fetched to right path fetched: F + D + R + Lbranch + 2 + L1I";
        forms.extend(sweep(name, formula, &[1, 2, 7], |cycles| {
            let (core, mem) = with_part(part, cycles);
            let done = &guess_wrong(&core, &mem, &mispredicted(1), &[]).committed;
            let l1i = mem.caches.l1i.tag_latency_cycles;
            let depth = core.front.fetch_to_decode_cycles
                + core.decode_to_rename_cycles
                + core.rename_to_issue_cycles;
            let latency = core.latency(Class::Branch);
            let expected = u64::from(depth) + latency + 2 + l1i;
            (expected, done[1].fetched() - done[0].fetched())
        }));
    }
    forms.extend(sweep(
        "squash_width",
        "renamed = resolved + max(ceil(squashed / Q), 2 + L1I + F + D)",
        &[1, 2, 4, 64],
        |width| {
            let mut core = wide();
            core.squash_width = width;
            core.latency_cycles.insert(Class::Branch, 20);
            let wrong = straight(65, |instr, _| instr);
            let bench = guess_wrong(&core, &hierarchy(), &mispredicted(1), &wrong[1..]);
            let squashed = bench.core.stats.total().out_of_order.expect("counted").squashed.get();
            assert_eq!(squashed, 64, "the whole wrong path was renamed");
            let done = &bench.committed;
            let refill = 2 + 3 + 3 + 2;
            let expected = squashed.div_ceil(width.into()).max(refill);
            (expected, done[1].renamed() - done[0].done())
        },
    ));
    forms
}

#[test]
fn a_wrong_guess_costs_the_way_from_fetch_to_execution_and_back() {
    assert_exact(&penalties());
}

#[test]
fn a_right_guess_costs_nothing() {
    let mut program = mispredicted(1);
    program[0].branch = None;
    program[1].pc = VirtAddr(CODE + 4);
    let done: Vec<Done> = warm(&wide(), &hierarchy(), &program);
    assert_eq!(done[0].fetched(), done[1].fetched());
}

#[test]
fn a_perfect_predictor_is_never_wrong() {
    // A conditional branch over one instruction that goes by the bits of a number.
    let passes = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 1;
    let mut program = Vec::new();
    for n in 0..200 {
        let taken = passes(n);
        program.push(jump(alu(CODE), BranchKind::Conditional, taken, CODE + 8));
        if !taken {
            program.push(alu(CODE + 4));
        }
        program.push(jump(alu(CODE + 8), BranchKind::Jump, true, CODE));
    }
    let squashes = |direction: &str| {
        let mut config = config();
        config.branch.direction = toml::from_str(&format!("kind = \"{direction}\"")).expect("it");
        let mut source = Synthetic::new(1);
        source.push(HART, program.iter().copied());
        source.repeat(HART);
        let mut core = OutOfOrder::new(&config, HART);
        let mut mem = Hierarchy::new(&hierarchy());
        while core.stats.total().instructions.get() < 20_000 {
            core.step(NEVER, &mut source, &mut mem);
        }
        let total = core.stats.total().out_of_order.expect("it is one");
        total.squashes[Cause::Conditional].get()
    };
    assert!(squashes("bimodal") > 1000);
    // Until the target buffer knows the branches.
    assert!(squashes("perfect") < 4, "{}", squashes("perfect"));
}

#[test]
fn committed_branches_are_counted_by_kind() {
    // A conditional branch that falls through and a jump back, in turn.
    let program = [
        jump(alu(CODE), BranchKind::Conditional, false, CODE + 64),
        jump(alu(CODE + 4), BranchKind::Jump, true, CODE),
    ];
    let mut source = Synthetic::new(1);
    source.push(HART, program);
    source.repeat(HART);
    let mut core = OutOfOrder::new(&config(), HART);
    let mut mem = Hierarchy::new(&hierarchy());
    while core.stats.total().instructions.get() < 1000 {
        core.step(NEVER, &mut source, &mut mem);
    }
    let total = core.stats.total();
    let conditional = total.out_of_order.expect("it is one").conditional_branches.get();
    assert_eq!(total.branches.get(), total.instructions.get());
    assert_eq!(conditional, total.instructions.get().div_ceil(2));
}

#[test]
fn every_committed_branch_that_was_guessed_is_counted_where_its_guess_came_from() {
    let branch = jump(alu(CODE), BranchKind::Conditional, true, CODE);
    for (direction, has_parts) in [("tage_sc_l", true), ("llbp", true), ("bimodal", false)] {
        let mut config = config();
        config.branch.direction = toml::from_str(&format!("kind = \"{direction}\"")).expect("it");
        let mut source = Synthetic::new(1);
        source.push(HART, [branch]);
        source.repeat(HART);
        let mut core = OutOfOrder::new(&config, HART);
        let mut mem = Hierarchy::new(&hierarchy());
        while core.stats.total().instructions.get() < 1000 {
            core.step(NEVER, &mut source, &mut mem);
        }
        let total = core.stats.total().out_of_order.expect("it is one");
        let expected = if has_parts { total.conditional_branches.get() } else { 0 };
        assert_eq!(total.direction.provided.sum(), expected, "{direction}");
    }
}

#[test]
fn a_misprediction_is_initial_where_the_branch_has_not_committed_in_the_window() {
    // Taken where a predictor that has only seen it fall through expects the other.
    let branch = |taken| jump(alu(CODE), BranchKind::Conditional, taken, CODE + 0x400);
    let back = jump(alu(CODE + 0x400), BranchKind::Jump, true, CODE);
    let fall = jump(alu(CODE + 4), BranchKind::Jump, true, CODE);
    let taken = [branch(true), back];
    let pattern = [[branch(false), fall].as_slice(), &[branch(false), fall], &taken].concat();
    let mut bench = Bench::new(&config(), &hierarchy());
    let window = |bench: &mut Bench, program: &[Instr]| {
        let before = bench.core.stats.clone();
        bench.core.begin_window();
        bench.push(program);
        bench.run();
        let window = ::stats::Stats::since(&bench.core.stats, &before).total();
        let ours = window.out_of_order.expect("it is one");
        let (all, initial) = (&ours.mispredicted, &ours.mispredicted_initially);
        assert_eq!(all.sum(), all[Guess::Conditional].get() + all[Guess::Target].get());
        let conditional = Guess::Conditional;
        (all[conditional].get(), initial[conditional].get(), window.static_branches.get())
    };
    assert_eq!(window(&mut bench, &taken), (1, 1, 2), "nothing knows it");
    let (all, initial, branches) = window(&mut bench, &pattern.repeat(20));
    assert!(all > 10, "{all}");
    assert_eq!((initial, branches), (1, 3), "at its first execution, which falls through");
    let (_, initial, branches) = window(&mut bench, &[branch(false), fall]);
    assert_eq!((initial, branches), (0, 2), "guessed right");
}
