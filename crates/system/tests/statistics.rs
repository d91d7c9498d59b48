//! Counters of a whole system: backed, balanced, and the same in every run.

mod common;

use common::{HART, at, timing, touching, translated};
use stats::{catalogue, flatten, json, never_incremented};
use stream::{
    Branch, BranchKind, CacheOp, Event, Fetched, FlushScope, HartId, Instr, MemKind, Privilege,
    Synthetic, VirtAddr,
};
use system::{Timing, TimingStats};

/// Scattered numbers, the same in every run.
fn scattered(step: u64) -> u64 {
    (step ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

/// Instruction `step` of a program that does a little of everything. Three steps in a row work on
/// the same place, so that prefetch hints are followed by what they hint at.
fn anything(hart: u64, step: u64) -> Instr {
    let number = scattered(step * 2 + hart);
    let common = scattered(step / 3);
    let kind = match number % 64 {
        0..20 => MemKind::Load,
        20..34 => MemKind::Store,
        34 => MemKind::Amo,
        35 => MemKind::Cache(CacheOp::Flush),
        36 => MemKind::Cache(CacheOp::Zero),
        37..42 => MemKind::Cache(CacheOp::PrefetchRead),
        42..46 => MemKind::Cache(CacheOp::PrefetchWrite),
        46..50 => MemKind::Cache(CacheOp::PrefetchInstruction),
        _ => MemKind::Load,
    };
    // A third each: lines both harts use, code, and the hart's own data, much of it reused.
    let reach = if common.is_multiple_of(8) { 0x20_0000 } else { 0x4000 };
    let pa = match common % 3 {
        0 => 0x2000_0000 + common / 3 % 0x1000 / 8 * 8,
        1 => 0x1000_0000 + common / 3 % 0x8000 / 8 * 8,
        _ => 0x4000_0000 + (hart << 28) + common / 3 % reach / 8 * 8,
    };
    let mut instr = touching(kind, pa);
    let code_reach = if number.is_multiple_of(16) { 0x10_0000 } else { 0x2000 };
    instr.pc = VirtAddr(0x1000_0000 + number / 7 % code_reach / 4 * 4);
    if common % 3 == 1 && step % 3 == 2 {
        instr.pc = VirtAddr(pa);
    }
    instr.fetch_pa.0 = instr.pc.0;
    if let Some(mem) = &mut instr.mem {
        mem.io = number.is_multiple_of(101);
    }
    if number % 64 > 55 {
        instr.mem = None;
        instr.branch =
            Some(Branch { kind: BranchKind::Conditional, taken: true, target: VirtAddr(0) });
    }
    instr.privilege = [Privilege::User, Privilege::Supervisor][(number / 3 % 2) as usize];
    instr.event = match number % 97 {
        0 => Event::Interrupt,
        1 => Event::Exception,
        _ => Event::None,
    };
    translated(instr)
}

fn run(timing: &mut Timing, steps: u64) -> TimingStats {
    let harts = [HartId(0), HartId(1)];
    let mut source = Synthetic::new(2);
    for hart in harts {
        for step in 0..steps {
            source.push(hart, [anything(u64::from(hart.0), step)]);
            if step % 1000 == 999 {
                source.push_fetched(hart, Fetched::Flush(FlushScope::All));
            }
        }
    }
    let before = timing.stats();
    for _ in 0..2 * (steps + steps / 1000) {
        let hart = timing.earliest(harts).expect("there are two");
        timing.step(hart, &mut source);
    }
    for hart in harts {
        timing.idle(hart, 10);
    }
    timing.window(&before)
}

/// Every optional unit.
const RICH: &[&str] = &[
    "caches.l2={size_kib=64,ways=8,tag_latency_cycles=4,data_latency_cycles=4,\
     response_latency_cycles=2,mshrs=4,mshr_targets=4,write_buffers=4}",
    "tlbs.l2_tlb={entries=256,ways=4,latency_cycles=8}",
];

/// The least of every bounded resource.
const TIGHT: &[&str] = &[
    "caches.l1i.mshrs=1",
    "caches.l1i.mshr_targets=1",
    "caches.l1d.mshrs=1",
    "caches.l1d.mshr_targets=1",
    "caches.l1d.write_buffers=1",
    "caches.l2.mshrs=1",
    "caches.l2.mshr_targets=1",
    "caches.l2.write_buffers=1",
    "caches.llc.mshrs=1",
    "caches.llc.mshr_targets=1",
    "caches.llc.write_buffers=1",
];

/// Changed lines leave a small first level faster than its one write buffer empties.
const UNBUFFERED: &[&str] =
    &["caches.l1d.write_buffers=1", "caches.l1d.size_kib=4", "caches.l2.tag_latency_cycles=30"];

#[test]
fn every_counter_is_backed_by_something_that_counts_it() {
    let tight = [RICH, TIGHT].concat();
    let unbuffered = [RICH, UNBUFFERED].concat();
    let systems = [RICH, tight.as_slice(), unbuffered.as_slice()];
    let windows = systems.map(|system| run(&mut timing("simple", system), 20_000));
    let silent = never_incremented(&windows);
    // What a counter cannot see where it sits: an instruction cache serves fetches only and changes
    // no line; no fault is made up here.
    let expected = |path: &str| {
        let instruction_cache = path.contains(".l1i.")
            && [
                "load",
                "store",
                "walk",
                "upgrades",
                "write_back",
                "supplied",
                "write_buffer",
                "downgrades",
            ]
            .iter()
            .any(|part| path.contains(part));
        let first_level = path.contains(".l1d.")
            && ["instruction", "write_backs_received"].iter().any(|part| path.contains(part));
        let elsewhere = ["llc.upgrades", "llc.supplied", "llc.downgrades"];
        // Systems of this core have no memory that answers late, no banks, no exclusive level and no
        // prefetcher; the tests of `mem` see these count.
        let unused = ["turned_away", "bank_conflicts", "clean_victims", ".prefetch."];
        instruction_cache
            || first_level
            || elsewhere.iter().any(|end| path.ends_with(end))
            || unused.iter().any(|part| path.contains(part))
            || path.ends_with("walker.faults")
            || path.ends_with("walker.reads_below_l1")
    };
    let unexpected: Vec<_> = silent.iter().filter(|path| !expected(path)).collect();
    assert!(unexpected.is_empty(), "never counted: {unexpected:#?}");
}

#[test]
fn the_core_and_the_caches_count_the_same_misses() {
    let window = run(&mut timing("simple", RICH), 5_000);
    let found = |level: mem::Level| {
        let of = |core: &pipeline::CoreStats| {
            let total = core.total();
            total.found[level].sum()
        };
        window.cores.iter().map(of).sum::<u64>()
    };
    let llc = window.mem.llc.as_ref().expect("configured");
    assert_eq!(found(mem::Level::Memory), llc.misses.sum());
    assert_eq!(found(mem::Level::Llc), llc.hits.sum());
    let tlb = |hart: usize| window.mem.harts[hart].itlb.misses.get();
    let core = |hart: usize| window.cores[hart].total().itlb_misses.get();
    assert_eq!([tlb(0), tlb(1)], [core(0), core(1)]);
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let bytes = || {
        let window = run(&mut timing("simple", &["caches.l1d.replacement=random"]), 3_000);
        serde_json::to_string(&json(&window)).expect("plain data")
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn windows_add_up() {
    let mut timing = timing("simple", &[]);
    let start = timing.stats();
    let first = run(&mut timing, 500);
    let second = run(&mut timing, 500);
    let both = timing.window(&start);
    let sum: Vec<_> =
        flatten(&first).iter().zip(flatten(&second)).map(|(a, b)| a.1 + b.1).collect();
    let whole: Vec<_> = flatten(&both).iter().map(|(_, count)| *count).collect();
    assert_eq!(sum, whole);
}

#[test]
fn every_statistic_has_a_unit_and_a_description() {
    for entry in catalogue(&timing("simple", RICH).stats()) {
        assert!(!entry.unit.is_empty() && !entry.description.is_empty(), "{}", entry.path);
    }
}

#[test]
fn warming_and_timing_fill_the_same_caches() {
    let mut timed = timing("simple", &[]);
    let mut warmed = timing("simple", &[]);
    let mut source = Synthetic::new(2);
    for step in 0..5_000 {
        source.push(HART, [anything(0, step)]);
        timed.step(HART, &mut source);
        warmed.warm(HART, &anything(0, step), &mut source);
    }
    let counts = |timing: &Timing| {
        let stats = flatten(&timing.stats().mem);
        let waits =
            ["mshr_full", "targets_full", "write_buffer_full", "merged", "busy", "port_wait"];
        let is_wait = |path: &str| waits.iter().any(|wait| path.ends_with(wait));
        stats.into_iter().filter(|(path, _)| !is_wait(path)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&timed), counts(&warmed));
    assert_eq!(warmed.stats().cores[0].total().cycles.get(), 0, "warming takes no time");
}

#[test]
fn running_allocates_nothing_per_instruction() {
    let mut timing = timing("simple", &[]);
    let mut source = Synthetic::new(2);
    source.push(HART, (0..2_000).map(|step| anything(0, step)));
    source.push(HART, [at(0x1000)]);
    source.repeat(HART);
    let warm: Vec<_> = (0..2_000).map(|step| anything(0, step)).collect();
    let counted = allocation_counter::measure(|| {
        for instr in &warm {
            timing.step(HART, &mut source);
            timing.warm(HART, instr, &mut source);
        }
    });
    assert_eq!(counted.count_total, 0);
}
