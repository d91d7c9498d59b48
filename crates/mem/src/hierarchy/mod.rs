//! The memory system of one machine.
//!
//! ```text
//!   hart 0                     hart 1
//!   itlb  dtlb                 itlb  dtlb        private
//!     \  l2_tlb, walker          \  l2_tlb, walker
//!   l1i  l1d                   l1i  l1d
//!      l2 (optional)              l2 (optional)
//!        \_________________________/
//!                 llc (optional)                 shared
//!                     |
//!                  memory
//! ```

mod admission;
mod coherence;
mod diagnosis;
mod fills;
mod loss;
mod overlap;
mod prefetching;
mod restoring;
mod stats;
mod timing;
mod transit;
mod walks;

pub use loss::LostMemory;
pub use prefetching::Prefetched;
pub use stats::{HierarchyStats, Level, PrivateStats};
pub(crate) use walks::{Found, Walks};

use crate::cache::{AccessKind, Cache, Slot};
use crate::memory::{Memory, cycles_of};
use crate::mmu::Mmu;
use crate::prefetch::PrefetcherConfig;
use crate::when::When;
use crate::{CacheConfig, CachesConfig, Cycle, IoConfig, MemoryConfig, TlbsConfig, WalkThrough};
use fills::Overlap;
use restoring::Watched;
use sim::Clock;
use stream::{CacheOp, FlushScope, HartId, LineAddr, PhysAddr, VirtAddr};
use transit::Request;

/// Everything a memory system is made from.
#[derive(Clone, Debug)]
pub struct HierarchyConfig {
    /// Harts, each with its private caches and TLBs.
    pub harts: u32,
    /// The clock all latencies in cycles are counted in.
    pub clock: Clock,
    /// The caches.
    pub caches: CachesConfig,
    /// Address translation.
    pub tlbs: TlbsConfig,
    /// Main memory.
    pub memory: MemoryConfig,
    /// Devices.
    pub io: IoConfig,
}

/// When an access is done, and which level had the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The requester has its data, or may go on after its store.
    pub at: Cycle,
    /// The level that had the line.
    pub found: Level,
}

/// The memory system of one machine.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    line_shift: u32,
    harts: Vec<Private>,
    llc: Option<Cache>,
    memory: Memory,
    overlap: Overlap,
    /// For requests that begin at each [`Side`], and below both: the first cache on their way that has
    /// a prefetcher.
    watched_from: [Option<Level>; 3],
    /// For each [`Side`]: its cache has a prefetcher that sees hits that say nothing new.
    plain_hits_watched: [bool; 2],
    /// A cache has a prefetcher that sees what is filled.
    fills_watched: bool,
    /// No cache has a prefetcher and memory answers at once: an access is over when it is made.
    plain: bool,
    io_latency: u64,
    walk_through: WalkThrough,
}

/// What belongs to one hart.
#[derive(Clone, Debug)]
struct Private {
    /// Indexed by [`Side`].
    l1: [Cache; 2],
    l2: Option<Cache>,
    mmu: Mmu,
    /// Every fetch finds its line in the first level.
    fetches_hit: bool,
    /// Fetches that a restoration unit wants to be told of, if there is one.
    watched: Option<Box<Watched>>,
}

/// The two first-level caches of a hart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Instruction,
    Data,
}

impl Hierarchy {
    /// A cold memory system. The configuration must have passed its validation.
    #[must_use]
    pub fn new(config: &HierarchyConfig) -> Self {
        let caches = &config.caches;
        let cache = |config| Cache::new(config, caches.line_bytes);
        let private = Private {
            l1: [cache(&caches.l1i), cache(&caches.l1d)],
            l2: caches.l2.as_ref().map(cache),
            mmu: Mmu::new(&config.tlbs),
            fetches_hit: false,
            watched: None,
        };
        let all = [&caches.l1i, &caches.l1d].into_iter().chain(&caches.l2).chain(&caches.llc);
        let buffers = match (&caches.llc, &caches.l2) {
            (Some(llc), _) => llc.write_buffers,
            (None, Some(l2)) => l2.write_buffers * config.harts,
            (None, None) => caches.l1d.write_buffers * config.harts,
        };
        let memory = Memory::new(&config.memory, config.clock, caches.line_bytes, buffers);
        let mut prefetchers = all.filter_map(|cache| cache.prefetcher.as_ref());
        let fills_watched = prefetchers.clone().any(PrefetcherConfig::sees_fills);
        let prefetches = prefetchers.next().is_some();
        Self {
            line_shift: caches.line_bytes.trailing_zeros(),
            harts: vec![private; config.harts as usize],
            llc: caches.llc.as_ref().map(cache),
            plain: !prefetches && !memory.answers_later(),
            memory,
            watched_from: watched_from(caches),
            plain_hits_watched: [&caches.l1i, &caches.l1d]
                .map(|l1| l1.prefetcher.as_ref().is_some_and(PrefetcherConfig::sees_plain_hits)),
            fills_watched,
            overlap: Overlap::new(config.harts),
            io_latency: cycles_of(config.io.latency_ns, config.clock),
            walk_through: config.tlbs.walk_through,
        }
    }

    /// The cache line that holds `pa`.
    #[must_use]
    #[inline]
    pub fn line(&self, pa: PhysAddr) -> LineAddr {
        pa.line(self.line_shift)
    }

    /// The logarithm of the length of a line.
    #[must_use]
    #[inline]
    pub fn line_log2(&self) -> u32 {
        self.line_shift
    }

    /// Timed access to the line of `pa` at `now` by the instruction at `pc`, for a caller who waits
    /// for it: runs memory ahead until it has answered.
    #[inline]
    pub fn access(
        &mut self,
        now: Cycle,
        hart: HartId,
        kind: AccessKind,
        pa: PhysAddr,
        pc: VirtAddr,
    ) -> Access {
        let request = self.request(hart, kind, pa);
        if let Some(access) = self.perfect_fetch(now, request) {
            return access;
        }
        if !self.plain {
            return self.make_and_wait(now, request, pc);
        }
        let outcome = self.transit(request);
        self.note_fetch(request, &outcome, pc);
        let When::At(at) = self.completion(now, request, &outcome) else {
            unreachable!("this memory answers at once")
        };
        Access { at, found: outcome.found }
    }

    /// The same access without time: moves the lines and counts. Returns the level that had it.
    #[inline(always)]
    pub fn warm(&mut self, hart: HartId, kind: AccessKind, pa: PhysAddr, pc: VirtAddr) -> Level {
        let request = self.request(hart, kind, pa);
        match self.repeats_plainly(&request, None) {
            Some(_) => Level::L1,
            None => self.warm_another(&request, pc),
        }
    }

    /// The same for another line than was used last.
    #[inline(never)]
    fn warm_another(&mut self, request: &Request, pc: VirtAddr) -> Level {
        match self.hits_plainly(request, None) {
            Ok(_) => Level::L1,
            Err(slot) => self.warm_at_length(*request, slot, pc),
        }
    }

    /// The cycles of a hit if `request` is one on the line that was used last in its set of the first
    /// level, with nothing to wait for at `now`, or without time, and nothing to follow from it: uses the
    /// line then, and does nothing if not.
    #[inline(always)]
    fn repeats_plainly(&mut self, request: &Request, now: Option<Cycle>) -> Option<u64> {
        let side = request.side.filter(|&side| !self.plain_hits_watched[side as usize])?;
        let l1 = &mut self.harts[request.hart.index()].l1[side as usize];
        l1.plain_repeat(request.line, request.kind, now).then_some(l1.latency.hit)
    }

    /// The same for any line; says where it is in the first level if there is more to the request.
    #[inline(always)]
    fn hits_plainly(&mut self, request: &Request, now: Option<Cycle>) -> Result<u64, Option<Slot>> {
        let &Request { hart, kind, line, .. } = request;
        let Some(side) = request.side else { return Err(None) };
        let l1 = &mut self.harts[hart.index()].l1[side as usize];
        // Without time it is not the line that was used last: that has been tried.
        let slot = if now.is_some() { l1.find(line) } else { l1.find_another(line) };
        match slot {
            Some(slot)
                if !self.plain_hits_watched[side as usize]
                    && l1.plain_hit((line, slot), kind, now) =>
            {
                Ok(l1.latency.hit)
            }
            slot => Err(slot),
        }
    }

    /// The same for more than a hit that nothing follows from, on a line that is
    /// [there](Self::find_in_l1) in the first level.
    #[inline(always)]
    fn warm_at_length(&mut self, request: Request, slot: Option<Slot>, pc: VirtAddr) -> Level {
        if let Some(access) = self.perfect_fetch(Cycle(0), request) {
            return access.found;
        }
        let outcome = self.transit_from(request, slot);
        self.note_fetch(request, &outcome, pc);
        if !self.plain {
            self.warm_rest(request, &outcome, pc);
        }
        outcome.found
    }

    /// From a fetch to its bytes where the instruction cache of `hart` has them.
    #[must_use]
    #[inline]
    pub fn instruction_hit_cycles(&self, hart: HartId) -> u64 {
        self.harts[hart.index()].l1[Side::Instruction as usize].latency.hit
    }

    /// When an access to a device that starts at `now` is done.
    #[must_use]
    pub fn uncached(&self, now: Cycle) -> Cycle {
        now + self.io_latency
    }

    /// Cleans, flushes or invalidates all copies of the line of `pa`; returns when it is done.
    ///
    /// `Invalidate` writes changed copies back first, as RISC-V allows. Zeroing a block is a store,
    /// and prefetch hints are accesses: both panic here.
    pub fn maintain(&mut self, now: Cycle, hart: HartId, op: CacheOp, pa: PhysAddr) -> Cycle {
        let written = self.maintain_line(op, self.line(pa));
        let done = self.maintenance_completion(now, hart, written);
        self.memory.send(now);
        done
    }

    /// The same without time.
    pub fn warm_maintain(&mut self, op: CacheOp, pa: PhysAddr) {
        self.maintain_line(op, self.line(pa));
        self.memory.forget();
    }

    /// Drops cached translations of a hart.
    pub fn flush_tlb(&mut self, hart: HartId, scope: FlushScope) {
        self.harts[hart.index()].mmu.flush(scope);
    }

    /// A snapshot of all counters.
    #[must_use]
    pub fn stats(&self) -> HierarchyStats {
        HierarchyStats {
            harts: self.harts.iter().map(Private::stats).collect(),
            llc: self.llc.as_ref().map(|llc| llc.stats.clone()),
            memory: self.memory.stats.clone(),
            dram: self.memory.dram_stats(),
        }
    }

    #[inline(always)]
    fn request(&self, hart: HartId, kind: AccessKind, pa: PhysAddr) -> Request {
        let (side, line) = (self.side(kind), self.line(pa));
        Request { hart, side, kind, prefetch: None, restores: false, line }
    }

    /// The first-level cache that is asked, if one is.
    #[inline(always)]
    fn side(&self, kind: AccessKind) -> Option<Side> {
        match kind {
            AccessKind::Instruction => Some(Side::Instruction),
            AccessKind::Walk if self.walk_through == WalkThrough::BelowL1 => None,
            _ => Some(Side::Data),
        }
    }

    pub(crate) fn walks_below_l1(&self) -> bool {
        self.walk_through == WalkThrough::BelowL1
    }

    #[inline]
    pub(crate) fn mmu(&mut self, hart: HartId) -> &mut Mmu {
        &mut self.harts[hart.index()].mmu
    }
}

/// In [`Hierarchy::watched_from`], the place of requests that begin below both first-level caches.
const BELOW_L1: usize = 2;

/// See [`Hierarchy::watched_from`].
fn watched_from(caches: &CachesConfig) -> [Option<Level>; 3] {
    let has = |cache: &CacheConfig| cache.prefetcher.is_some();
    let llc = caches.llc.as_ref().filter(|llc| has(llc)).map(|_| Level::Llc);
    let below_l1 = caches.l2.as_ref().filter(|l2| has(l2)).map(|_| Level::L2).or(llc);
    let from = |l1: &CacheConfig| if has(l1) { Some(Level::L1) } else { below_l1 };
    [from(&caches.l1i), from(&caches.l1d), below_l1]
}

impl Private {
    fn stats(&self) -> PrivateStats {
        let (itlb, dtlb, l2_tlb) = self.mmu.tlb_stats();
        PrivateStats {
            l1i: self.l1[Side::Instruction as usize].stats.clone(),
            l1d: self.l1[Side::Data as usize].stats.clone(),
            l2: self.l2.as_ref().map(|l2| l2.stats.clone()),
            itlb,
            dtlb,
            l2_tlb,
            walker: self.mmu.walker.clone(),
            walk_cache: self.mmu.walk_cache_stats(),
            restored: self.restored_stats(),
        }
    }
}

#[cfg(test)]
mod tests;
