//! Prefetches: lines that a cache asks for because its prefetcher, or the front end, expects them.
//!
//! A prefetcher is shown the demand accesses its cache looks up, in the timed modes and in warming;
//! not page walks, and not the prefetches of other caches. What it asks for is fetched like a miss,
//! from the moment of the access, but gives way: it is dropped if the line is there or on its way, if
//! no miss register is free at once, or if something on the path hangs on memory. A second-level
//! cache also drops what the first-level caches above it hold, and the last level what any
//! cache holds.
//!
//! Left out: a queue of prefetches that wait for a register; registers kept for demand misses.

use super::fills::Place;
use super::transit::{Outcome, Request};
use super::{BELOW_L1, Hierarchy, Level, Private, Side};
use crate::Cycle;
use crate::cache::{AccessKind, Cache};
use crate::prefetch::Observed;
use stream::{HartId, LineAddr, PhysAddr, VirtAddr};

/// What came of a prefetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefetched {
    /// The line is on its way.
    Issued,
    /// The line is there, or was on its way already.
    Present,
    /// It could not be asked for now, and will not be.
    Dropped,
}

impl Hierarchy {
    /// Asks for the line of `pa` for the instruction cache at `now`, as fetch-directed prefetching
    /// does (G. Reinman, B. Calder and T. Austin, "Fetch directed instruction prefetching", MICRO
    /// 1999). `va` is where `pa` was translated from. Nobody waits for it.
    pub fn prefetch_instruction(
        &mut self,
        now: Cycle,
        hart: HartId,
        pa: PhysAddr,
        va: VirtAddr,
    ) -> Prefetched {
        let line = self.line(pa);
        let place = Place::L1(hart, Side::Instruction);
        self.prefetch(Some(now), hart, (place, line), va)
    }

    /// What follows from an access without time beside the lines it moves.
    pub(super) fn warm_rest(&mut self, request: Request, outcome: &Outcome, pc: VirtAddr) {
        if self.is_watched(request, outcome) {
            self.show(Cycle(0), request, outcome, pc);
            self.fill_untimed(request, outcome.found);
            self.prefetch_wanted(None, request, outcome.found, pc);
        }
        self.memory.forget();
    }

    /// Whether a cache that looked `request` up has a prefetcher to which that means anything. Most
    /// accesses hit in a first-level cache without one.
    #[inline]
    pub(super) fn is_watched(&self, request: Request, outcome: &Outcome) -> bool {
        let found = outcome.found;
        if let (Level::L1, false, Some(side)) = (found, outcome.first_use, request.side)
            && !self.plain_hits_watched[side as usize]
        {
            return false;
        }
        let from = self.watched_from[request.side.map_or(BELOW_L1, |side| side as usize)];
        from.is_some_and(|from| found >= from)
    }

    /// Comes to the prefetchers of the caches that looked `request` up, which was found at `found`: with
    /// where they are and how much later the lookup was than the request.
    #[inline]
    fn each_asked(
        &mut self,
        request: Request,
        found: Level,
        mut each: impl FnMut(&mut Self, Place, u64),
    ) {
        let mut later = 0;
        if let Some(side) = request.side {
            let l1 = &self.harts[request.hart.index()].l1[side as usize];
            later = l1.latency.tag;
            if l1.has_prefetcher() {
                each(self, Place::L1(request.hart, side), 0);
            }
        }
        if found != Level::L1 && self.watched_from[BELOW_L1].is_some() {
            self.each_asked_below(request, found, later, each);
        }
    }

    /// The same below the first level, which was left so much `later`.
    fn each_asked_below(
        &mut self,
        request: Request,
        found: Level,
        mut later: u64,
        mut each: impl FnMut(&mut Self, Place, u64),
    ) {
        let goes_on = |level| found >= level && request.comes_to(level);
        if let Some(l2) = &self.harts[request.hart.index()].l2 {
            let to_llc = later + l2.latency.tag;
            if goes_on(Level::L2) && l2.has_prefetcher() {
                each(self, Place::L2(request.hart), later);
            }
            later = to_llc;
        }
        if goes_on(Level::Llc) && self.llc.as_ref().is_some_and(Cache::has_prefetcher) {
            each(self, Place::Llc, later);
        }
    }

    /// Shows an access that is [watched](Self::is_watched) to the prefetchers of the caches that looked it up.
    pub(super) fn show(&mut self, now: Cycle, request: Request, outcome: &Outcome, pc: VirtAddr) {
        let Request { line, kind, .. } = request;
        if kind == AccessKind::Walk {
            return;
        }
        self.each_asked(request, outcome.found, |hierarchy, place, later| {
            let hit = outcome.found == place.level();
            let first_use = hit && outcome.first_use;
            let access = Observed { now: now + later, pc, line, kind, hit, first_use };
            hierarchy.cache(place).show(&access);
        });
    }

    /// Asks for what the prefetchers that were shown an access want, with or without time.
    pub(super) fn prefetch_wanted(
        &mut self,
        now: Option<Cycle>,
        request: Request,
        found: Level,
        pc: VirtAddr,
    ) {
        if request.kind == AccessKind::Walk {
            return;
        }
        self.each_asked(request, found, |hierarchy, place, later| {
            hierarchy.prefetch_each(now.map(|now| now + later), request.hart, place, pc);
        });
    }

    /// Asks for what the prefetcher of the cache at `place` wants.
    #[inline]
    fn prefetch_each(&mut self, now: Option<Cycle>, hart: HartId, place: Place, pc: VirtAddr) {
        let mut next = 0;
        while let Some(line) = self.cache(place).wanted(next) {
            self.prefetch(now, hart, (place, line), pc);
            next += 1;
        }
    }

    /// Tells prefetchers of the lines that came in without time.
    pub(super) fn fill_untimed(&mut self, request: Request, found: Level) {
        if !self.fills_watched {
            return;
        }
        self.each_asked(request, found, |hierarchy, place, _| {
            if found != place.level() {
                let prefetched = request.prefetch == Some(place.level());
                hierarchy.cache(place).filled(request.line, Cycle(0), prefetched);
            }
        });
    }

    /// Fetches `line` for the cache at `place`, which lies on the path of `hart`. `pc` is a virtual address
    /// in the page of the line, if it is for the instruction cache.
    pub(super) fn prefetch(
        &mut self,
        now: Option<Cycle>,
        hart: HartId,
        (place, line): (Place, LineAddr),
        pc: VirtAddr,
    ) -> Prefetched {
        let (side, kind) = match place {
            Place::L1(_, Side::Instruction) => (Some(Side::Instruction), AccessKind::Instruction),
            Place::L1(_, Side::Data) => (Some(Side::Data), AccessKind::Load),
            Place::L2(_) | Place::Llc => (None, AccessKind::Load),
        };
        let prefetch = Some(place.level());
        let request = Request { hart, side, kind, prefetch, restores: false, line };
        let refused = if self.is_held(hart, place, line) || self.hits_anyway(request) {
            Some(Prefetched::Present)
        } else if now.is_some_and(|now| !self.can_prefetch(now, place, request)) {
            Some(Prefetched::Dropped)
        } else {
            None
        };
        let counts = &mut self.cache(place).stats.prefetch;
        if let Some(refused) = refused {
            counts.dropped.inc();
            return refused;
        }
        counts.issued.inc();
        let outcome = self.make_prefetch(now, place, request);
        self.note_fetch(request, &outcome, pc);
        Prefetched::Issued
    }

    /// Whether the cache at `place` need not ask for `line`.
    #[inline(always)]
    pub(super) fn is_held(&self, hart: HartId, place: Place, line: LineAddr) -> bool {
        let private = &self.harts[hart.index()];
        let holds = |cache: &Cache| cache.holds(line);
        let hart_holds = |private: &Private| private.l1.iter().chain(&private.l2).any(holds);
        match place {
            Place::L1(_, side) => private.l1[side as usize].holds(line),
            Place::L2(_) => hart_holds(private),
            Place::Llc => self.llc.as_ref().is_some_and(holds) || self.harts.iter().any(hart_holds),
        }
    }

    /// Whether the cache at `place`, which does not have the line, can ask for it at `now`.
    #[inline(always)]
    pub(super) fn can_prefetch(&mut self, now: Cycle, place: Place, request: Request) -> bool {
        let cache = self.cache(place);
        let asked = cache.bank_free(request.line, now) + cache.latency.tag;
        if !cache.mshrs.has_free(asked) {
            return false;
        }
        if !self.memory.answers_later() {
            return true;
        }
        debug_assert!(!self.cache(place).holds(request.line), "nothing is to be asked for");
        // What the whole search of the path would find, from where the line is known to be missed.
        let obstacle = match place {
            Place::L1(..) => self.obstacle_below(asked, request),
            Place::L2(_) => self.obstacle_shared(asked, request.line),
            Place::Llc => self.obstacle_at_memory(Some(request.line)),
        };
        debug_assert!(place == Place::Llc || obstacle == self.obstacle(now, request));
        obstacle.is_none()
    }

    #[inline(always)]
    pub(super) fn make_prefetch(
        &mut self,
        now: Option<Cycle>,
        place: Place,
        request: Request,
    ) -> Outcome {
        let outcome = match place {
            Place::L1(_, side) => self.miss(request, side),
            Place::L2(_) => self.transit(request),
            Place::Llc => self.transit_to_llc(request.line),
        };
        match (now, place) {
            (None, _) => self.fill_untimed(request, outcome.found),
            (Some(now), Place::Llc) => {
                self.shared(now, request, &outcome);
            }
            (Some(now), _) => {
                self.completion(now, request, &outcome);
            }
        }
        outcome
    }
}
