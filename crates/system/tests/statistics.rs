//! Counters of a whole system: backed, balanced, and the same in every run.

mod common;

use common::{HART, at, timing, touching, translated};
use stats::{catalogue, flatten, json};
use stream::{
    Branch, BranchKind, CacheOp, Class, Event, Fetched, FlushScope, HartId, Instr, MemKind,
    Privilege, Synthetic, VirtAddr,
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
    let before = timing.begin_window();
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

/// What [`RICH`] leaves out: DRAM, prefetchers, walk caches, banks.
const DEEP: &[&str] = &[
    "memory.dram=ddr4_2400",
    "caches.l1i.prefetcher.kind=next_line",
    "caches.l1d.prefetcher.kind=next_line",
    "caches.l2.prefetcher.kind=next_line",
    "caches.llc.prefetcher.kind=next_line",
    "caches.l1d.banks=2",
    "caches.l2.banks=1",
    "caches.llc.banks=1",
    "tlbs.walk_cache={entries=[4,8,16],ways=4,latency_cycles=1}",
];

/// Walks that pass the first level by, and one walker.
const BELOW: &[&str] = &["tlbs.walk_through=below_l1", "tlbs.walkers=1"];

/// Lower levels that take what leaves the upper ones.
const EXCLUSIVE: &[&str] = &["caches.l2.inclusion=exclusive", "caches.llc.inclusion=exclusive"];

/// The same accesses in a straight program, so that an out-of-order core overlaps them.
fn straight(hart: u64, step: u64) -> Instr {
    let mut instr = anything(hart, step);
    instr.pc = VirtAddr(0x1000_0000 + 4 * step % 0x8000);
    if step % 0x2000 == 0x1fff {
        let target = VirtAddr(0x1000_0000);
        instr.branch = Some(Branch { kind: BranchKind::Jump, taken: true, target });
        instr.mem = None;
    } else {
        instr.branch = None;
    }
    instr.fetch_pa.0 = instr.pc.0;
    instr.privilege = Privilege::User;
    instr.event = Event::None;
    instr.class = match instr.mem.map(|access| access.kind) {
        None if instr.branch.is_some() => Class::Branch,
        None => Class::IntAlu,
        Some(MemKind::Load) => Class::Load,
        Some(MemKind::Store) => Class::Store,
        Some(MemKind::Amo) => Class::Atomic,
        Some(MemKind::Cache(_)) => Class::Cache,
    };
    instr
}

/// The memory of an out-of-order system that is short of everything.
const SHORT: &[&str] = &[
    "caches.l1i.size_kib=4",
    "caches.l1d.size_kib=4",
    "caches.l1i.banks=1",
    "caches.l1d.banks=1",
    "caches.l1i.mshrs=1",
    "caches.l1d.mshrs=2",
    "caches.l1d.mshr_targets=1",
    "caches.l2.size_kib=64",
    "caches.l2.mshrs=1",
    "caches.llc.mshrs=1",
];

fn overlapped(overrides: &[&str]) -> TimingStats {
    let mut timing = timing("skylake", overrides);
    let mut running: Vec<_> = (0..timing.harts()).map(HartId).collect();
    let mut source = Synthetic::new(running.len());
    for hart in &running {
        source.push(*hart, (0..20_000).map(|step| straight(u64::from(hart.0), step)));
    }
    let before = timing.begin_window();
    while let Some(hart) = timing.earliest(running.iter().copied()) {
        if timing.step(hart, &mut source).state == pipeline::State::Stopped {
            running.retain(|other| *other != hart);
        }
    }
    timing.window(&before)
}

/// Paths of counters without the numbers of harts: one hart that counts will do.
fn without_harts(path: &str) -> String {
    let words = path.split('.').filter(|word| word.parse::<u32>().is_err());
    words.collect::<Vec<_>>().join(".")
}

/// What nothing here counts, with why: the beginnings and ends of paths.
const SILENT: &[(&str, &str, &str)] = &[
    ("cores.user.out_of_order.", "", "random programs of crate pipeline count these"),
    ("cores.kernel.out_of_order.", "", "the same"),
    ("mem.harts.l1i.", ".load", "the instruction cache serves fetches only"),
    ("mem.harts.l1i.", ".store", "the same"),
    ("mem.harts.l1i.", ".walk", "the same"),
    ("mem.harts.l1i.", ".upgrades", "it changes no line"),
    ("mem.harts.l1i.", ".supplied", "the same"),
    ("mem.harts.l1i.", ".downgrades", "the same"),
    ("mem.harts.l1i.", ".write_backs", "the same"),
    ("mem.harts.l1i.", ".write_buffer_full", "the same"),
    ("mem.harts.l1d.", ".instruction", "the data cache serves no fetches"),
    ("mem.harts.l1", "_received", "nothing is above a first level"),
    ("mem.harts.l1", ".prefetch.hits", "the same"),
    ("mem.harts.l1", ".prefetch.misses", "the same"),
    ("mem.harts.walk_cache.hits.", "gib512", "pages of these programs have three levels"),
    ("mem.harts.walk_cache.hits.", "tib256", "the same"),
    ("mem.harts.walker.", "faults", "no translation fails"),
    (
        "mem.memory.",
        "turned_away",
        "the queues of the controller are never full; tests of mem fill them",
    ),
    ("mem.memory.metadata_writes", "", "restoration units, whose own tests count it"),
    ("mem.memory.read_for.metadata", "", "the same"),
    ("mem.llc.", ".upgrades", "the private levels own lines"),
    ("mem.llc.", ".supplied", "the same"),
    ("mem.llc.", ".downgrades", "the same"),
    ("mem.llc.", ".clean_victims", "nothing is below the last level"),
];

#[test]
fn every_counter_is_backed_by_something_that_counts_it() {
    let deep = |more: &[&'static str]| [RICH, DEEP, more].concat();
    let rich = |more: &[&'static str]| [RICH, more].concat();
    let systems = [
        rich(&[]),
        rich(TIGHT),
        rich(UNBUFFERED),
        deep(&[]),
        deep(BELOW),
        deep(TIGHT),
        deep(EXCLUSIVE),
    ];
    let mut windows: Vec<_> =
        systems.map(|system| run(&mut timing("simple", &system), 20_000)).into();
    let mut twice = timing("simple", RICH);
    windows.extend([run(&mut twice, 100), run(&mut twice, 100)]);
    windows.push(overlapped(&SHORT[..8]));
    windows.push(overlapped(SHORT));
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    for (path, count) in windows.iter().flat_map(flatten) {
        *counts.entry(without_harts(&path)).or_default() += count;
    }
    let excused = |path: &str| {
        SILENT.iter().any(|(from, to, _)| path.starts_with(from) && path.ends_with(to))
    };
    let silent = counts.iter().filter(|(_, count)| **count == 0).map(|(path, _)| path);
    let unexpected: Vec<_> = silent.filter(|path| !excused(path)).collect();
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
