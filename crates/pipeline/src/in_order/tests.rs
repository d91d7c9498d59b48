//! Tests of the in-order core, on a memory system whose latencies tell accesses apart.

use super::*;
use mem::replacement::ReplacementKind;
use mem::{
    CacheConfig, CachesConfig, HierarchyConfig, Inclusion, IoConfig, MemoryConfig, TlbConfig,
    TlbsConfig, WalkThrough,
};
use sim::{Clock, Picos};
use stream::{Branch, BranchKind, FlushScope, Privilege, Synthetic};

const HART: HartId = HartId(0);
/// A first-level hit, instruction or data.
const HIT: u64 = 2;
/// A miss that goes to memory: tag, memory, response.
const MISS: u64 = 2 + 100 + 3;

fn memory() -> Hierarchy {
    let l1 = CacheConfig {
        size_kib: 4,
        ways: 4,
        tag_latency_cycles: 2,
        data_latency_cycles: 2,
        response_latency_cycles: 3,
        sequential_access: false,
        mshrs: 4,
        mshr_targets: 4,
        write_buffers: 4,
        replacement: ReplacementKind::Lru,
        inclusion: Inclusion::NonInclusive,
        banks: None,
        prefetcher: None,
    };
    let tlb =
        TlbConfig { entries: 4, ways: 4, latency_cycles: 0, replacement: ReplacementKind::Lru };
    Hierarchy::new(&HierarchyConfig {
        harts: 1,
        clock: Clock::from_mhz(1000),
        caches: CachesConfig { line_bytes: 64, l1i: l1.clone(), l1d: l1, l2: None, llc: None },
        tlbs: TlbsConfig {
            itlb: tlb.clone(),
            dtlb: tlb,
            l2_tlb: None,
            walk_through: WalkThrough::L1d,
            walkers: 1,
            walk_cache: None,
        },
        memory: MemoryConfig::Fixed { latency_ns: 100, bandwidth_mb_per_s: 0 },
        io: IoConfig { latency_ns: 50 },
    })
}

/// A 4-byte instruction at `pc`, untranslated.
fn at(pc: u64) -> Instr {
    Instr { pc: VirtAddr(pc), fetch_pa: PhysAddr(pc), len: 4, ..Instr::default() }
}

fn access(kind: MemKind, pa: u64) -> MemAccess {
    MemAccess { va: VirtAddr(pa), pa: PhysAddr(pa), size: 8, kind, io: false, translated: false }
}

fn with(access: MemAccess) -> Instr {
    Instr { mem: Some(access), ..at(0x1000) }
}

/// Runs `instrs`, checks the books, and returns the cycles each took and the counters.
fn run(instrs: &[Instr]) -> (Vec<u64>, CoreStats) {
    let (mut core, mut mem, mut source) = (InOrder::new(HART), memory(), Synthetic::new(1));
    source.push(HART, instrs.iter().copied());
    *core.profile() = Some(Box::default());
    let mut cycles = Vec::new();
    loop {
        let progress = core.step(Cycle(u64::MAX), &mut source, &mut mem);
        if progress.state == State::Stopped {
            break;
        }
        cycles.push(progress.cycles);
    }
    assert_eq!(core.stats().audit(Some(core.now().0)), Vec::<String>::new());
    assert_eq!(mem.stats().audit(), Vec::<String>::new());
    let profiled = core.profile.as_mut().unwrap().read().total();
    let total = core.stats().total();
    assert_eq!(profiled.cycles, total.cycles.get());
    assert_eq!(profiled.instructions, total.instructions.get());
    (cycles, core.stats().clone())
}

#[test]
fn only_the_first_instruction_of_a_line_pays_for_its_fetch() {
    let (cycles, _) = run(&[at(0x1000), at(0x1004), at(0x103c), at(0x1040), at(0x1000)]);
    assert_eq!(cycles, [1 + MISS, 1, 1, 1 + MISS, 1 + HIT]);
}

#[test]
fn an_instruction_on_two_lines_fetches_both() {
    let (cycles, stats) = run(&[at(0x103e), at(0x1042)]);
    assert_eq!(cycles, [1 + 2 * MISS, 1]);
    assert_eq!(stats.kernel.found[mem::Level::Memory][Stream::Instruction].get(), 2);
}

#[test]
fn an_instruction_on_two_pages_translates_both() {
    let straddling = Instr { translated: true, fetch_tail: Some(PhysAddr(0x9000)), ..at(0x1ffe) };
    let (_, stats) = run(&[straddling, Instr { translated: true, ..at(0x1ffc) }]);
    assert_eq!(stats.kernel.itlb_misses.get(), 2, "pages 0x1000 and 0x2000, each once");
    assert_eq!(stats.kernel.found[mem::Level::Memory][Stream::Instruction].get(), 2);
}

#[test]
fn loads_and_stores_block_for_their_whole_access() {
    let load = with(access(MemKind::Load, 0x8000));
    let store = with(access(MemKind::Store, 0x8008));
    let amo = with(access(MemKind::Amo, 0x8010));
    let (cycles, stats) = run(&[at(0x1000), load, load, store, amo]);
    assert_eq!(cycles[1..], [1 + MISS, 1 + HIT, 1 + HIT, 1 + HIT]);
    assert_eq!(stats.kernel.stalls[Stall::Load].get(), MISS + HIT);
    assert_eq!(stats.kernel.stalls[Stall::Store].get(), 2 * HIT);
    assert_eq!(stats.kernel.found[mem::Level::Memory][Stream::Data].get(), 1);
}

#[test]
fn an_access_on_two_lines_makes_two() {
    let (cycles, _) = run(&[at(0x1000), with(access(MemKind::Load, 0x803c))]);
    assert_eq!(cycles[1], 1 + 2 * MISS);
}

#[test]
fn an_access_on_two_pages_translates_both_parts() {
    let part = |va, pa, size| MemAccess {
        va: VirtAddr(va),
        size,
        translated: true,
        ..access(MemKind::Load, pa)
    };
    let split = Instr {
        mem: Some(part(0x8ffc, 0x8ffc, 4)),
        mem_tail: Some(part(0x9000, 0x20000, 4)),
        ..at(0x1000)
    };
    let (_, stats) = run(&[split]);
    assert_eq!(stats.kernel.dtlb_misses.get(), 2);
    assert_eq!(stats.kernel.found[mem::Level::Memory][Stream::Data].get(), 2);
}

#[test]
fn a_translated_access_pays_for_its_walk_once() {
    let load = with(MemAccess { translated: true, ..access(MemKind::Load, 0x8000) });
    let (cycles, stats) = run(&[at(0x1000), load, load]);
    assert_eq!(cycles[1..], [1 + 3 * MISS + MISS, 1 + HIT]);
    assert_eq!(stats.kernel.stalls[Stall::Dtlb].get(), 3 * MISS);
    assert_eq!(stats.kernel.found[mem::Level::Memory][Stream::Walk].get(), 3);
    assert_eq!(stats.kernel.dtlb_misses.get(), 1);
}

#[test]
fn devices_are_not_cached() {
    let read = with(MemAccess { io: true, ..access(MemKind::Load, 0x8000) });
    let (cycles, stats) = run(&[at(0x1000), read, read]);
    assert_eq!(cycles[1..], [51, 51]);
    assert_eq!(stats.kernel.io_accesses.get(), 2);
    assert_eq!(stats.kernel.stalls[Stall::Io].get(), 100);
}

#[test]
fn a_prefetch_hint_does_not_wait_but_brings_the_line() {
    let hint = with(access(MemKind::Cache(CacheOp::PrefetchRead), 0x8000));
    let load = with(access(MemKind::Load, 0x8000));
    let spaced = [at(0x1000), hint, with(access(MemKind::Load, 0x9000)), load];
    let (cycles, _) = run(&spaced);
    assert_eq!(cycles[1..], [1, 1 + MISS, 1 + HIT]);
    let (cycles, _) = run(&[at(0x1000), hint, load]);
    assert_eq!(cycles[2], MISS, "the rest of the fill: it began in the cycle before");
}

#[test]
fn cache_operations_wait_until_they_are_done() {
    let store = with(access(MemKind::Store, 0x8000));
    let flush = with(access(MemKind::Cache(CacheOp::Flush), 0x8000));
    let zero = with(access(MemKind::Cache(CacheOp::Zero), 0x8000));
    let (cycles, stats) = run(&[at(0x1000), store, flush, zero]);
    assert_eq!(cycles[2..], [1 + MISS, 1 + MISS], "written to memory; fetched again to be zeroed");
    assert_eq!(stats.kernel.stalls[Stall::CacheOperation].get(), MISS);
}

#[test]
fn an_instruction_prefetch_is_translated_as_a_fetch_and_others_as_data() {
    use CacheOp::{Clean, Flush, Invalidate, PrefetchInstruction, PrefetchRead, Zero};
    for op in [Clean, Flush, Invalidate, Zero, PrefetchRead, PrefetchInstruction] {
        let operation = MemAccess { translated: true, ..access(MemKind::Cache(op), 0x8000) };
        let (_, stats) = run(&[with(operation)]);
        let misses = (stats.kernel.itlb_misses.get(), stats.kernel.dtlb_misses.get());
        let expected = if op == PrefetchInstruction { (1, 0) } else { (0, 1) };
        assert_eq!(misses, expected, "{op:?}");
    }
}

#[test]
fn cycles_and_misses_go_to_the_privilege_they_were_spent_at() {
    let user = Instr { privilege: Privilege::User, ..with(access(MemKind::Load, 0x8000)) };
    let kernel = Instr { privilege: Privilege::Supervisor, ..at(0x1000) };
    let branch = Branch { kind: BranchKind::Jump, taken: true, target: VirtAddr(0x1000) };
    let interrupted = Instr { event: Event::Interrupt, branch: Some(branch), ..kernel };
    let trapped = Instr { event: Event::Exception, ..user };
    let (cycles, stats) = run(&[kernel, user, interrupted, trapped]);
    assert_eq!(stats.user.cycles.get(), cycles[1] + cycles[3]);
    assert_eq!(stats.kernel.cycles.get(), cycles[0] + cycles[2]);
    assert_eq!((stats.user.instructions.get(), stats.kernel.instructions.get()), (2, 2));
    assert_eq!(stats.user.found[mem::Level::Memory][Stream::Data].get(), 1);
    assert_eq!((stats.kernel.interrupts.get(), stats.user.exceptions.get()), (1, 1));
    assert_eq!(stats.kernel.branches.get(), 1);
    assert_eq!(stats.total().instructions.get(), 4);
}

#[test]
fn idle_time_is_counted_apart() {
    let (mut core, mut mem, mut source) = (InOrder::new(HART), memory(), Synthetic::new(1));
    let until = Some(Picos(7000));
    source.push_fetched(HART, Fetched::Idle { until });
    let progress = core.step(Cycle(u64::MAX), &mut source, &mut mem);
    assert_eq!((progress.cycles, progress.state), (0, State::Idle { until }));
    core.idle(7);
    assert_eq!((core.now(), core.stats().idle_cycles.get()), (Cycle(7), 7));
    assert!(core.stats().audit(Some(7)).is_empty());
    assert!(!core.stats().audit(Some(8)).is_empty(), "a lost cycle is noticed");
}

#[test]
fn a_flush_reaches_the_tlb() {
    let (mut core, mut mem, mut source) = (InOrder::new(HART), memory(), Synthetic::new(1));
    let instr = Instr { translated: true, ..at(0x1000) };
    source.push(HART, [instr]);
    source.push_fetched(HART, Fetched::Flush(FlushScope::All));
    source.push(HART, [instr]);
    for _ in 0..3 {
        assert_eq!(core.step(Cycle(u64::MAX), &mut source, &mut mem).state, State::Running);
    }
    assert_eq!(core.stats().kernel.itlb_misses.get(), 2);
}

#[test]
fn resuming_at_a_later_time_counts_nothing() {
    let mut core = InOrder::new(HART);
    core.resume_at(Cycle(100));
    assert_eq!(core.now(), Cycle(100));
    assert!(core.stats().audit(Some(0)).is_empty());
}
