//! Address translation of one hart: two first-level TLBs, an optional second level, a page walker.
//!
//! A walker reads table entries one after the other through the caches, from where a cache of upper
//! levels sends it if there is one, and never writes: accessed and dirty bits were set when the
//! instruction was executed. A translation that ends in a fault is not remembered.
//!
//! Here is translation for those who wait for it; `hierarchy::walks` has walks that overlap.

use crate::cache::AccessKind;
use crate::hierarchy::{Found, Hierarchy, Level, LostMemory, Walks};
use crate::tlb::{Entry, Tlb, TlbStats};
use crate::walk_cache::{WalkCache, WalkCacheStats};
use crate::{Access, Cycle, TlbsConfig};
use stats::{Counter, Derived, Stats};
use stream::{FlushScope, HartId, PhysAddr, Source, Translate, VirtAddr, Walk, Walker};

/// Counters of one page walker.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct WalkerStats {
    /// Walks begun.
    #[stat(unit = "walks")]
    pub walks: Counter,
    /// Walks that found no valid translation.
    #[stat(unit = "walks")]
    pub faults: Counter,
    /// Table entries read.
    #[stat(unit = "accesses")]
    pub reads: Counter,
    /// Table entries read past the first-level caches.
    #[stat(unit = "accesses")]
    pub reads_below_l1: Counter,
    /// Cycles from the start of a walk to its last entry.
    #[stat(unit = "cycles")]
    pub busy: Counter,
    /// Lookups turned away, to be made again, because every walker waited for memory.
    #[stat(unit = "requests")]
    pub turned_away: Counter,
    /// Mean time from the start of a walk to its last entry.
    #[stat(unit = "cycles", formula = "busy / walks")]
    pub mean_walk: Derived,
}

/// When a translation is there, and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Translation {
    /// The physical address is known.
    pub at: Cycle,
    /// The first-level TLB did not have it.
    pub missed: bool,
    /// The physical address; none if the walk ended in a fault.
    pub pa: Option<PhysAddr>,
    reads: [Level; Walk::MAX_LEVELS],
    read_count: u8,
}

impl Translation {
    #[inline]
    pub(crate) fn at(at: Cycle, missed: bool, pa: Option<PhysAddr>) -> Self {
        Self { at, missed, pa, reads: [Level::L1; Walk::MAX_LEVELS], read_count: 0 }
    }

    /// Another table entry was read.
    pub(crate) fn read(&mut self, read: Access) {
        self.at = read.at;
        self.reads[usize::from(self.read_count)] = read.found;
        self.read_count += 1;
    }

    /// Where the table entries that were read were found, root first.
    #[must_use]
    #[inline]
    pub fn reads(&self) -> &[Level] {
        &self.reads[..usize::from(self.read_count)]
    }
}

/// The translation hardware of one hart.
#[derive(Clone, Debug)]
pub(crate) struct Mmu {
    itlb: Tlb,
    dtlb: Tlb,
    l2_tlb: Option<Tlb>,
    walk_cache: Option<WalkCache>,
    /// Walks that overlap.
    pub(crate) walks: Walks,
    pub(crate) walker: WalkerStats,
}

/// Whether the TLBs had a translation, and what the lookups took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    L1(u64, PhysAddr),
    L2(u64, PhysAddr),
    Missed(u64),
}

impl Mmu {
    pub(crate) fn new(config: &TlbsConfig) -> Self {
        Self {
            itlb: Tlb::new(&config.itlb),
            dtlb: Tlb::new(&config.dtlb),
            l2_tlb: config.l2_tlb.as_ref().map(Tlb::new),
            walk_cache: config.walk_cache.as_ref().map(WalkCache::new),
            walks: Walks::new(config.walkers),
            walker: WalkerStats::default(),
        }
    }

    pub(crate) fn flush(&mut self, scope: FlushScope) {
        self.itlb.flush(scope);
        self.dtlb.flush(scope);
        if let Some(l2_tlb) = &mut self.l2_tlb {
            l2_tlb.flush(scope);
        }
        if let Some(walk_cache) = &mut self.walk_cache {
            walk_cache.flush(scope);
        }
        self.walks.flush(scope);
    }

    /// Lets some TLBs lose what they hold; what walks have found goes with them.
    pub(crate) fn lose(&mut self, what: &LostMemory) {
        let &LostMemory { itlb, dtlb, l2_tlb, .. } = what;
        for (tlb, lost) in [(&mut self.itlb, itlb), (&mut self.dtlb, dtlb)] {
            if lost {
                tlb.flush(FlushScope::All);
            }
        }
        if l2_tlb {
            self.l2_tlb.iter_mut().for_each(|tlb| tlb.flush(FlushScope::All));
            self.walk_cache.iter_mut().for_each(|cache| cache.flush(FlushScope::All));
        }
        if itlb || dtlb || l2_tlb {
            self.walks.flush(FlushScope::All);
        }
    }

    pub(crate) fn tlb_stats(&self) -> (TlbStats, TlbStats, Option<TlbStats>) {
        let l2_tlb = self.l2_tlb.as_ref().map(|tlb| tlb.stats.clone());
        (self.itlb.stats.clone(), self.dtlb.stats.clone(), l2_tlb)
    }

    pub(crate) fn walk_cache_stats(&self) -> Option<WalkCacheStats> {
        self.walk_cache.as_ref().map(|walk_cache| walk_cache.stats().clone())
    }

    #[inline]
    pub(crate) fn look_up(&mut self, va: VirtAddr, asid: u16, what: Translate) -> Lookup {
        let first = match what {
            Translate::Fetch => &mut self.itlb,
            Translate::Load | Translate::Store => &mut self.dtlb,
        };
        let latency = first.latency;
        if let Some(entry) = first.look_up(va, asid) {
            return Lookup::L1(latency, entry.pa(va));
        }
        let Some(second) = &mut self.l2_tlb else { return Lookup::Missed(latency) };
        let latency = latency + second.latency;
        match second.look_up(va, asid) {
            Some(entry) => {
                first.insert(*entry);
                Lookup::L2(latency, entry.pa(va))
            }
            None => Lookup::Missed(latency),
        }
    }

    /// A lookup at `now` that finds the page where its first-level TLB guesses it: what it takes, and the
    /// physical address. Does nothing if there is more to it.
    #[inline(always)]
    pub(crate) fn look_up_guessed(
        &mut self,
        now: Cycle,
        (va, asid): (VirtAddr, u16),
        what: Translate,
    ) -> Option<(u64, PhysAddr)> {
        let first = match what {
            Translate::Fetch => &mut self.itlb,
            Translate::Load | Translate::Store => &mut self.dtlb,
        };
        if self.walks.has_found(now) {
            return None;
        }
        let latency = first.latency;
        let entry = first.use_guessed(va, asid)?;
        Some((latency, entry.pa(va)))
    }

    fn insert(&mut self, entry: Entry, what: Translate) {
        match what {
            Translate::Fetch => self.itlb.insert(entry),
            Translate::Load | Translate::Store => self.dtlb.insert(entry),
        }
        if let Some(second) = &mut self.l2_tlb {
            second.insert(entry);
        }
    }

    /// Begins a walk: returns how many entries it need not read, and when it knows.
    pub(crate) fn begin_walk(&mut self, query: &Query, walk: &Walk, at: Cycle) -> (usize, Cycle) {
        self.walker.walks.inc();
        let Some(walk_cache) = &mut self.walk_cache else { return (0, at) };
        let first = walk_cache.first_read(query.va, query.asid, walk);
        (first, at + walk_cache.latency_cycles())
    }

    fn remember_upper_levels(&mut self, query: &Query, walk: &Walk) {
        if let Some(walk_cache) = &mut self.walk_cache {
            walk_cache.insert(query.va, query.asid, walk);
        }
    }

    /// Enters what overlapping walks have found by `now`.
    #[inline]
    pub(crate) fn enter_found(&mut self, now: Cycle) {
        if self.walks.has_found(now) {
            self.enter_each_found(now);
        }
    }

    #[cold]
    fn enter_each_found(&mut self, now: Cycle) {
        while let Some(found) = self.walks.next_found(now) {
            let Found { query, walk, page, wanted_by: [fetched, accessed] } = found;
            self.remember_upper_levels(&query, &walk);
            let Some(page) = page else { continue };
            let wanting = [(fetched, &mut self.itlb), (accessed, &mut self.dtlb)];
            let first = wanting.into_iter().filter_map(|(wanted, tlb)| wanted.then_some(tlb));
            for tlb in first.chain(&mut self.l2_tlb) {
                // Someone who waited may have walked on his own.
                if !tlb.holds(query.va, query.asid) {
                    tlb.insert(page);
                }
            }
        }
    }

    /// Whether a lookup at `now` has to come again: it will miss, and cannot be walked for.
    #[inline]
    pub(crate) fn refuses(&self, query: &Query, now: Cycle) -> bool {
        let first = match query.what {
            Translate::Fetch => &self.itlb,
            Translate::Load | Translate::Store => &self.dtlb,
        };
        let second = self.l2_tlb.as_ref();
        let ready = now + first.latency + second.map_or(0, |second| second.latency);
        self.walks.refuse(query, ready)
            && !first.holds(query.va, query.asid)
            && !second.is_some_and(|second| second.holds(query.va, query.asid))
    }
}

/// An address to translate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub(crate) hart: HartId,
    pub(crate) va: VirtAddr,
    pub(crate) asid: u16,
    pub(crate) what: Translate,
}

/// A walker reads on its own account.
const NOT_AN_INSTRUCTION: VirtAddr = VirtAddr(0);

impl Hierarchy {
    /// Timed translation of `va` for a lookup that starts at `now`.
    #[inline]
    pub fn translate(
        &mut self,
        now: Cycle,
        hart: HartId,
        (va, asid): (VirtAddr, u16),
        what: Translate,
        source: &mut dyn Source,
    ) -> Translation {
        let mmu = self.mmu(hart);
        mmu.enter_found(now);
        match mmu.look_up(va, asid, what) {
            Lookup::L1(latency, pa) => Translation::at(now + latency, false, Some(pa)),
            Lookup::L2(latency, pa) => Translation::at(now + latency, true, Some(pa)),
            Lookup::Missed(latency) => {
                let query = Query { hart, va, asid, what };
                let walk = source.walk(hart, va, what);
                self.walk(query, &walk, now + latency, |hierarchy, at, entry| {
                    hierarchy.access(at, hart, AccessKind::Walk, entry, NOT_AN_INSTRUCTION)
                })
            }
        }
    }

    /// The same without time.
    #[inline(always)]
    pub fn warm_translate(
        &mut self,
        hart: HartId,
        (va, asid): (VirtAddr, u16),
        what: Translate,
        walk: &mut Walker<'_>,
    ) {
        if self.mmu(hart).look_up_guessed(Cycle(u64::MAX), (va, asid), what).is_none() {
            self.warm_translate_at_length(Query { hart, va, asid, what }, walk);
        }
    }

    #[inline(never)]
    fn warm_translate_at_length(&mut self, query: Query, walk: &mut Walker<'_>) {
        let Query { hart, va, asid, what } = query;
        let mmu = self.mmu(hart);
        mmu.enter_found(Cycle(u64::MAX));
        if let Lookup::Missed(_) = mmu.look_up(va, asid, what) {
            self.walk(query, &walk(va, what), Cycle(0), |hierarchy, at, entry| Access {
                at,
                found: hierarchy.warm(hart, AccessKind::Walk, entry, NOT_AN_INSTRUCTION),
            });
        }
    }

    /// Reads the table entries of `walk` one after the other with `read` and remembers the page.
    fn walk(
        &mut self,
        query: Query,
        walk: &Walk,
        start: Cycle,
        read: impl Fn(&mut Self, Cycle, PhysAddr) -> Access,
    ) -> Translation {
        let below_l1 = self.walks_below_l1();
        let (first, begun) = self.mmu(query.hart).begin_walk(&query, walk, start);
        let mut translation = Translation::at(begun, true, None);
        for &entry in &walk.entries()[first..] {
            translation.read(read(self, translation.at, entry));
        }
        let mmu = self.mmu(query.hart);
        let entries = (walk.entries().len() - first) as u64;
        mmu.remember_upper_levels(&query, walk);
        mmu.walker.reads.add(entries);
        mmu.walker.reads_below_l1.add(if below_l1 { entries } else { 0 });
        mmu.walker.busy.add(translation.at - start);
        match walk.page {
            Some(page) => {
                let entry = Entry::new(query.va, page, query.asid);
                translation.pa = Some(entry.pa(query.va));
                mmu.insert(entry, query.what);
            }
            None => mmu.walker.faults.inc(),
        }
        translation
    }
}
