//! Closed forms of the front end: prediction, fetch, decode.

use super::forms::{Form, assert_exact, set_latency, straight, sweep, wide};
use super::run::{Bench, Done, warm};
use super::*;

const L1I: u64 = 3;

fn spread(done: &[Done], time: impl Fn(&Done) -> u64) -> u64 {
    time(done.last().expect("instructions")) - time(&done[0])
}

pub(super) fn latencies() -> Vec<Form> {
    let program = straight(1, |instr, _| instr);
    let mut forms = sweep(
        "first fetch: instruction cache",
        "fetched = predict + 1 + L1I",
        &[1, 2, 3, 9],
        |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1i, cycles);
            (1 + cycles, warm(&wide(), &mem, &program)[0].fetched())
        },
    );
    forms.extend(sweep(
        "front.fetch_to_decode_cycles",
        "renamed - fetched = F + D",
        &[1, 2, 3, 10],
        |cycles| {
            let mut core = wide();
            core.front.fetch_to_decode_cycles = cycles;
            let done = &warm(&core, &hierarchy(), &program)[0];
            (u64::from(cycles) + 2, done.renamed() - done.fetched())
        },
    ));
    forms.extend(sweep(
        "decode_to_rename_cycles",
        "renamed - fetched = F + D",
        &[1, 2, 3, 10],
        |cycles| {
            let mut core = wide();
            core.decode_to_rename_cycles = cycles;
            let done = &warm(&core, &hierarchy(), &program)[0];
            (3 + u64::from(cycles), done.renamed() - done.fetched())
        },
    ));
    forms
}

pub(super) fn widths() -> Vec<Form> {
    let program = straight(64, |instr, _| instr);
    let mut forms = sweep(
        "front.fetch_bytes",
        "fetch of 4 lines of 64 bytes: 4 ceil(64 / B) - 1",
        &[4, 6, 8, 10, 12, 16, 20, 32, 64],
        |bytes| {
            let mut core = wide();
            core.front.fetch_bytes = bytes;
            let done = warm(&core, &hierarchy(), &program);
            (4 * 64_u64.div_ceil(bytes.into()) - 1, spread(&done, Done::fetched))
        },
    );
    forms.extend(sweep(
        "front.target_bytes",
        "fetch of 256 bytes, a target a cycle: 256 / T - 1",
        &[4, 8, 16, 32, 64],
        |bytes| {
            let mut core = wide();
            core.front.target_bytes = bytes;
            core.front.ftq = 128;
            let done = warm(&core, &hierarchy(), &program);
            (256 / u64::from(bytes) - 1, spread(&done, Done::fetched))
        },
    ));
    forms.extend(sweep(
        "front.decode_width",
        "decode of 64: ceil(64 / W) - 1",
        &[1, 2, 3, 4, 8, 15],
        |width| {
            let mut core = wide();
            core.front.decode_width = width;
            let done = warm(&core, &hierarchy(), &program);
            (64_u64.div_ceil(width.into()) - 1, spread(&done, Done::renamed))
        },
    ));
    forms
}

pub(super) fn queues() -> Vec<Form> {
    let mut forms = sweep(
        "front.queue",
        "rename of one a cycle: fetched(k) = renamed(k - Q)",
        &[1, 2, 8, 31],
        |queue| {
            let mut core = wide();
            core.rename_width = 1;
            core.front.queue = queue;
            let done = warm(&core, &hierarchy(), &straight(96, |instr, _| instr));
            (done[80 - queue as usize].renamed(), done[80].fetched())
        },
    );
    forms.extend(sweep("front.ftq", "targets ahead of fetch: N", &[1, 2, 5, 16], |ftq| {
        let mut core = wide();
        core.front.ftq = ftq;
        (u64::from(ftq), targets_after(&core, 40))
    }));
    forms.extend(sweep(
        "front.ftq and the instruction cache",
        "a target every max(1, (L1I + 2) / N) cycles; 8 targets",
        &[1, 5],
        |ftq| {
            let mut core = wide();
            core.front.ftq = ftq;
            let done = warm(&core, &hierarchy(), &straight(16 * 9, |instr, _| instr));
            (8 * (L1I + 2) / u64::from(ftq), spread(&done, Done::fetched))
        },
    ));
    forms.extend(sweep(
        "front.predictions_per_cycle",
        "targets after 4 cycles: 4 P",
        &[1, 2, 3, 4],
        |per_cycle| {
            let mut core = wide();
            core.front.predictions_per_cycle = per_cycle;
            (4 * u64::from(per_cycle), targets_after(&core, 4))
        },
    ));
    forms
}

/// Fetch targets that are there before the first bytes are.
fn targets_after(core: &OutOfOrderConfig, cycles: u64) -> u64 {
    let mut mem = hierarchy();
    set_latency(&mut mem.caches.l1i, 100);
    let mut bench = Bench::new(core, &mem);
    let program = straight(1, |instr, _| instr);
    bench.warm(&program);
    bench.push(&program);
    while bench.core.now.0 < cycles {
        bench.step();
    }
    bench.core.front.targets.len() as u64
}

/// `count` jumps, each to the next line.
pub(super) fn jumps(count: u64) -> Vec<Instr> {
    let at = |n| CODE + 64 * (n % 32);
    (0..count).map(|n| jump(alu(at(n)), BranchKind::Jump, true, at(n + 1))).collect()
}

pub(super) fn targets() -> Vec<Form> {
    let mut forms = sweep(
        "branch.btb.latency_cycles",
        "taken branches that the target buffer knows: 1 + B cycles each; 50",
        &[0, 1, 2, 5],
        |bubble| {
            let mut core = wide();
            core.branch.btb =
                toml::from_str(&format!("kind = 'set_associative'\nlatency_cycles = {bubble}"))
                    .expect("a target buffer");
            let done = warm(&core, &hierarchy(), &jumps(60));
            (50 * (1 + bubble), done[59].fetched() - done[9].fetched())
        },
    );
    for (name, l1i, depth) in [
        ("decode resteer, fetch_to_decode_cycles", [3, 3, 3], [1, 3, 6]),
        ("decode resteer, instruction cache", [1, 4, 9], [3, 3, 3]),
    ] {
        forms.extend(sweep(
            name,
            "unknown jump to its target, fetch to fetch: F + 2 + L1I",
            &[0, 1, 2],
            |n: usize| {
                let mut core = wide();
                core.front.fetch_to_decode_cycles = depth[n];
                let mut mem = hierarchy();
                set_latency(&mut mem.caches.l1i, l1i[n]);
                let mut bench = Bench::new(&core, &mem);
                let program = jumps(2);
                let plain: Vec<_> = program.iter().map(|i| alu(i.pc.0)).collect();
                bench.warm(&plain);
                bench.push(&program);
                let done = bench.run();
                (u64::from(depth[n]) + 2 + l1i[n], done[1].fetched() - done[0].fetched())
            },
        ));
    }
    forms
}

#[test]
fn every_latency_of_the_front_end_is_exact() {
    assert_exact(&latencies());
}

#[test]
fn every_width_of_the_front_end_is_exact() {
    assert_exact(&widths());
}

#[test]
fn every_queue_of_the_front_end_holds_as_many_as_it_says() {
    assert_exact(&queues());
}

#[test]
fn taken_branches_cost_their_bubble_or_a_resteer() {
    assert_exact(&targets());
}

#[test]
fn a_core_may_hold_as_many_branches_as_the_predictors_remember_and_no_more() {
    let problems = |rob, queue, ftq| {
        let mut core = wide();
        core.rob = rob;
        core.front.queue = queue;
        core.front.ftq = ftq;
        let mut problems = mem::Problems::default();
        core.validate("core", &mut problems);
        problems.0.into_iter().map(|problem| problem.path).collect::<Vec<_>>()
    };
    assert!(problems(512, 144, 32).is_empty(), "the largest preset");
    assert!(problems(700, 256, 68).is_empty());
    assert_eq!(problems(700, 256, 69), ["core.rob"]);
    assert_eq!(problems(512, 257, 32), ["core.front.queue"]);
}
