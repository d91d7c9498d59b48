//! What every restoration unit must do, whatever its idea.
//! [`restoration_contract!`](crate::restoration_contract) makes tests of it.

use super::{RestorationUnit, Surroundings};
use crate::{Ports, Time};
use branch::direction::DirectionConfig;
use branch::indirect::IndirectConfig;
use branch::target::BtbConfig;
use branch::{BranchConfig, Predictor};
use mem::replacement::ReplacementKind;
use mem::{
    AccessKind, CacheConfig, CachesConfig, Cycle, Hierarchy, HierarchyConfig, HierarchyStats,
    Inclusion, IoConfig, MemoryConfig, Problems, TlbConfig, TlbsConfig, WalkThrough,
};
use sim::Clock;
use stream::{Branch, BranchKind, HartId, PhysAddr, Source, Synthetic, Translate, VirtAddr};

/// Makes one test of each clause of the contract, for the type given.
#[macro_export]
macro_rules! restoration_contract {
    ($type:ty) => {
        $crate::restoration_contract! { $type:
            the_default_configuration_is_valid
            the_first_invocation_restores_nothing
            the_same_calls_have_the_same_consequences
            a_further_step_changes_nothing
            everything_comes_to_an_end
            an_invocation_that_misses_nothing_leaves_nothing_to_restore
            what_was_recorded_survives_the_loss_of_the_core
            time_may_stand_still
        }
    };
    ($type:ty: $($clause:ident)+) => {
        $(#[test]
        fn $clause() {
            $crate::unit::contract::$clause::<$type>();
        })+
    };
}

const HART: HartId = HartId(0);
const ASID: u16 = 5;

/// Cycles within which a unit has done all there is to do: each of its lines one after the other.
const PATIENCE: u64 = 1_000_000;

fn cache(size_kib: u64, latency: u64) -> CacheConfig {
    CacheConfig {
        size_kib,
        ways: 8,
        tag_latency_cycles: latency,
        data_latency_cycles: latency,
        response_latency_cycles: 1,
        sequential_access: false,
        mshrs: 8,
        mshr_targets: 8,
        write_buffers: 8,
        replacement: ReplacementKind::Lru,
        inclusion: Inclusion::NonInclusive,
        banks: None,
        prefetcher: None,
    }
}

/// The memory system of the bench: one hart with two private levels over a last level, and memory that
/// answers after 100 cycles.
fn hierarchy() -> HierarchyConfig {
    let tlb =
        TlbConfig { entries: 16, ways: 16, latency_cycles: 1, replacement: ReplacementKind::Lru };
    HierarchyConfig {
        harts: 1,
        clock: Clock::from_mhz(1000),
        caches: CachesConfig {
            line_bytes: 64,
            l1i: cache(32, 2),
            l1d: cache(32, 2),
            l2: Some(cache(256, 10)),
            llc: Some(cache(1024, 20)),
        },
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
    }
}

/// The predictors of the bench: an eight-way branch target buffer over a bimodal table.
fn predictors() -> BranchConfig {
    BranchConfig {
        direction: DirectionConfig::Bimodal(Default::default()),
        indirect: IndirectConfig::LastTarget(Default::default()),
        btb: BtbConfig::SetAssociative(Default::default()),
        ras_entries: 16,
    }
}

/// The memory system of the bench, cold.
#[must_use]
pub fn memory() -> Hierarchy {
    Hierarchy::new(&hierarchy())
}

/// A unit with a memory system, at some time.
#[derive(Debug)]
pub struct Bench<U> {
    /// The unit.
    pub unit: U,
    /// The memory system.
    pub mem: Hierarchy,
    /// The branch predictors.
    pub predictor: Predictor,
    /// The time.
    pub now: Cycle,
    source: Synthetic,
}

impl<U: RestorationUnit> Bench<U> {
    /// A unit that has recorded nothing, and cold caches.
    #[must_use]
    pub fn new(config: &U::Config) -> Self {
        let mut mem = memory();
        mem.watch_fetches(HART);
        let mut predictor = Predictor::new(&predictors()).expect("published designs can be built");
        predictor.watch_targets();
        let (unit, source) = (U::new(config, HART), Synthetic::new(1));
        Self { unit, mem, predictor, now: Cycle(1000), source }
    }

    /// Lets the unit act in this cycle; whether there may be more to do in the next.
    pub fn step(&mut self) -> bool {
        self.mem.advance(self.now);
        while let Some(arrival) = self.mem.next_arrival(HART) {
            self.unit.arrived(&arrival);
        }
        let time = Time::At(self.now, &mut self.source);
        let mem = &mut self.mem;
        let predictor = Some(&mut self.predictor);
        self.unit.step(&mut Ports { hart: HART, asid: ASID, can_walk: true, predictor, mem, time })
    }

    /// Lets time pass until there is nothing to do; returns how much.
    pub fn run(&mut self) -> u64 {
        let start = self.now;
        loop {
            let busy = self.step();
            let next = self.unit.next_at(self.now);
            let memory = self.mem.next_event();
            self.now = match [next, memory].into_iter().flatten().min() {
                _ if busy => self.now + 1,
                Some(at) => at.max(self.now + 1),
                None => return self.now - start,
            };
            assert!(self.now - start < PATIENCE, "the unit does not come to an end");
        }
    }

    /// Does all there is to do in no time.
    pub fn run_untimed(&mut self) {
        for _ in 0..PATIENCE {
            let source = &mut self.source;
            let mut walk = |va: VirtAddr, what: Translate| source.walk(HART, va, what);
            let (time, mem) = (Time::Still(&mut walk), &mut self.mem);
            let predictor = Some(&mut self.predictor);
            let mut ports = Ports { hart: HART, asid: ASID, can_walk: true, predictor, mem, time };
            if !self.unit.step(&mut ports) {
                return;
            }
        }
        panic!("the unit does not come to an end");
    }

    /// The function executes the lines with these numbers, and jumps from the end of each to the next.
    pub fn fetch(&mut self, lines: impl IntoIterator<Item = u64>) {
        let mut last = None;
        for line in lines {
            if let Some(last) = last.replace(line) {
                self.jump(last * 64 + 60, line * 64);
            }
            let (pa, pc) = (PhysAddr(line * 64), VirtAddr(line * 64));
            self.now = self.mem.access(self.now, HART, AccessKind::Instruction, pa, pc).at;
            while let Some(va) = self.mem.next_missed_fetch(HART) {
                self.unit.missed(va);
            }
            if U::RECORDS_RETIRED {
                self.unit.fetched(pc, true);
                self.unit.retired(pc);
                self.run();
            }
        }
    }

    /// The function executes a taken branch.
    pub fn jump(&mut self, from: u64, to: u64) {
        let target = VirtAddr(to);
        let branch = Branch { kind: BranchKind::Conditional, taken: true, target };
        self.predictor.warm(VirtAddr(from), &branch, VirtAddr(from + 4));
        while let Some(learned) = self.predictor.next_learned() {
            self.unit.learned(&learned);
        }
    }

    /// The function is invoked: what can be restored is, then it executes these lines.
    pub fn invoke(&mut self, lines: impl IntoIterator<Item = u64>) {
        self.unit.begin();
        self.run();
        self.fetch(lines);
        self.unit.end();
        self.run();
    }

    /// Others have the core, and displace all caches.
    pub fn lose(&mut self) {
        self.unit.lose();
        self.displace();
    }

    /// All caches are displaced.
    pub fn displace(&mut self) {
        let all = mem::LostMemory {
            l1i: true,
            l1d: true,
            l2: true,
            llc: true,
            itlb: true,
            dtlb: true,
            ..mem::LostMemory::default()
        };
        self.mem.lose(HART, &all);
        self.predictor.flush_btb();
        self.predictor.flush_direction();
    }

    /// What the memory system counted.
    #[must_use]
    pub fn stats(&self) -> HierarchyStats {
        self.mem.stats()
    }

    fn published() -> Self {
        Self::new(&U::Config::default())
    }
}

/// Lines of a program: runs of five, far and near, with some that come again.
fn program() -> impl Iterator<Item = u64> {
    (0..400_u64).map(|step| {
        let run = step / 5;
        0x4_0000 + (run * 37 % 61) * 24 + step % 5
    })
}

/// The default is the published design, and can be built beside what it needs.
pub fn the_default_configuration_is_valid<U: RestorationUnit>() {
    let system = Surroundings {
        line_bytes: 64,
        l1i_mshrs: 8,
        l2_mshrs: Some(32),
        llc_mshrs: Some(32),
        out_of_order: true,
    };
    let mut problems = Problems::default();
    U::validate(&U::Config::default(), &system, "restoration", &mut problems);
    assert!(problems.0.is_empty(), "{problems:?}");
}

/// There is nothing to restore before something was recorded.
pub fn the_first_invocation_restores_nothing<U: RestorationUnit>() {
    let mut bench = Bench::<U>::published();
    bench.unit.begin();
    bench.run();
    let stats = bench.stats();
    assert_eq!((stats.memory.reads.get(), stats.harts[0].itlb.misses.get()), (0, 0));
}

/// Two units of which the same is asked do the same.
pub fn the_same_calls_have_the_same_consequences<U: RestorationUnit>() {
    let run = || {
        let mut bench = Bench::<U>::published();
        for _ in 0..3 {
            bench.invoke(program());
            bench.lose();
        }
        (bench.stats(), bench.unit.stats(), bench.now)
    };
    assert_eq!(run(), run());
}

/// Cycles that are not passed over do not matter.
pub fn a_further_step_changes_nothing<U: RestorationUnit>() {
    let mut bench = Bench::<U>::published();
    bench.invoke(program());
    bench.lose();
    bench.unit.begin();
    for _ in 0..2000 {
        if !bench.step() {
            let before = bench.stats();
            assert!(!bench.step(), "it had nothing to do at {:?}", bench.now);
            assert_eq!(bench.stats(), before);
        }
        bench.now += 1;
    }
}

/// What is restored is restored once.
pub fn everything_comes_to_an_end<U: RestorationUnit>() {
    let mut bench = Bench::<U>::published();
    bench.invoke(program());
    bench.lose();
    bench.invoke([]);
    let after = bench.stats();
    bench.now += 1000;
    assert_eq!(bench.run(), 0);
    assert_eq!(bench.stats(), after);
    assert_eq!(after.audit(), [""; 0]);
}

/// Each invocation is restored from the one before it.
pub fn an_invocation_that_misses_nothing_leaves_nothing_to_restore<U: RestorationUnit>() {
    let mut bench = Bench::<U>::published();
    bench.invoke(program());
    bench.lose();
    bench.invoke([]);
    bench.lose();
    let before = bench.stats();
    bench.unit.begin();
    bench.run();
    assert_eq!(bench.stats(), before);
}

/// What was recorded lies in memory, unless it is what retired, which only a core can keep up with.
pub fn what_was_recorded_survives_the_loss_of_the_core<U: RestorationUnit>() {
    if U::RECORDS_RETIRED {
        return nothing_survives_the_loss_of_the_core::<U>();
    }
    let restored = |loses: bool| {
        let mut bench = Bench::<U>::published();
        bench.invoke(program());
        if loses {
            bench.lose()
        } else {
            bench.displace()
        }
        bench.invoke(program());
        bench.stats()
    };
    assert_eq!(restored(true), restored(false));
}

/// After the loss as many lines are prefetched as by a unit that has recorded nothing.
fn nothing_survives_the_loss_of_the_core<U: RestorationUnit>() {
    let prefetches = |bench: &Bench<U>| bench.stats().harts[0].l1i.prefetch.issued.get();
    let mut bench = Bench::<U>::published();
    bench.invoke(program());
    let first = prefetches(&bench);
    bench.lose();
    bench.invoke(program());
    assert_eq!(prefetches(&bench), 2 * first);
}

/// Without time the same lines are restored.
pub fn time_may_stand_still<U: RestorationUnit>() {
    let restored = |timed: bool| {
        let mut bench = Bench::<U>::published();
        bench.invoke(program());
        bench.lose();
        let before = bench.stats();
        bench.unit.begin();
        if timed {
            bench.run();
        } else {
            bench.run_untimed();
        }
        let window = stats::Stats::since(&bench.stats(), &before);
        (window.memory.reads.get(), window.harts[0].restored.clone().map(|it| it.lines.get()))
    };
    assert_eq!(restored(true), restored(false));
}
