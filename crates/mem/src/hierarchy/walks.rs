//! Page walks that overlap with everything else: one after the other, each reads its table entries
//! as their predecessors arrive.
//!
//! A hart has a number of walkers. A walk enters its page in the TLBs when it ends, and a lookup of
//! that page before then waits for it instead of walking again. A fence of address translation makes
//! walks under way that it covers end without entering anything.
//!
//! Where memory answers at once a walk is over as soon as it is begun, and only its end lies ahead.

use super::Hierarchy;
use super::fills::{Waiter, Who};
use crate::cache::AccessKind;
use crate::mmu::{Lookup, Query, Translation};
use crate::reply::{Arrival, Reply, Ticket};
use crate::tlb::Entry;
use crate::when::When;
use crate::{Access, Cycle};
use stream::{FlushScope, HartId, Source, Translate, VirtAddr, Walk};

/// Names a walk that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WalkId {
    hart: HartId,
    index: usize,
}

/// The walks of one hart.
#[derive(Clone, Debug)]
pub(crate) struct Walks {
    walks: Vec<Walking>,
    /// By walker, when its walk ends; none while that hangs on memory.
    walkers: Vec<Option<Cycle>>,
    /// Walks whose end hangs on memory.
    open: usize,
    /// When the first of those ends whose end is known.
    first_end: Option<Cycle>,
}

#[derive(Clone, Debug)]
struct Walking {
    stage: Stage,
    query: Query,
    walk: Walk,
    page: Option<Entry>,
    start: Cycle,
    /// Entries it need not read.
    skipped: usize,
    walker: usize,
    /// As it stands after the entries read so far.
    translation: Translation,
    /// Whom the page is for: fetches, loads and stores.
    wanted_by: [bool; 2],
    /// Its page must not be entered in the TLBs any more, nor waited for.
    stale: bool,
    waiters: Vec<Waiting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The slot is free.
    Unused,
    /// Entries are being read.
    Reading,
    /// It ends then, and will be entered in the TLBs.
    Ends(Cycle),
}

/// What a walk has found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// The lookup that began it.
    pub(crate) query: Query,
    pub(crate) walk: Walk,
    pub(crate) page: Option<Entry>,
    /// Whom the page is for: fetches, loads and stores.
    pub(crate) wanted_by: [bool; 2],
}

/// A lookup that waits for a walk.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    ticket: Ticket,
    va: VirtAddr,
    /// When its own TLB lookup ends.
    ready: Cycle,
    /// It began the walk.
    first: bool,
}

impl Walks {
    pub(crate) fn new(walkers: u32) -> Self {
        let walkers = vec![Some(Cycle(0)); walkers as usize];
        Self { walks: Vec::new(), walkers, open: 0, first_end: None }
    }

    /// The first walker that is free at or after `at`, and from when; none if that hangs on memory.
    fn claim(&self, at: Cycle) -> Option<(usize, Cycle)> {
        let ends = self.walkers.iter().enumerate();
        let known = ends.filter_map(|(walker, end)| Some((walker, (*end)?)));
        let (walker, end) = known.min_by_key(|(_, end)| *end)?;
        (self.open == 0 || end <= at).then_some((walker, end.max(at)))
    }

    /// The walk that will find the page of `query`.
    fn find(&self, query: &Query) -> Option<usize> {
        self.walks.iter().position(|walk| {
            walk.stage != Stage::Unused
                && !walk.stale
                && walk.page.is_some_and(|page| page.translates(query.va, query.asid))
        })
    }

    /// Whether a lookup that is ready to walk at `at` has to come again: all walkers are taken, for
    /// other pages, and nobody knows how long.
    #[inline]
    pub(crate) fn refuse(&self, query: &Query, at: Cycle) -> bool {
        self.open > 0 && self.claim(at).is_none() && self.find(query).is_none()
    }

    /// Puts a walk on its way that a walker takes up at `start`, and reads its first entry at `at`.
    fn begin(
        &mut self,
        query: Query,
        walk: Walk,
        (walker, start): (usize, Cycle),
        (skipped, at): (usize, Cycle),
    ) -> usize {
        self.walkers[walker] = None;
        self.open += 1;
        let page = walk.page.map(|page| Entry::new(query.va, page, query.asid));
        let pa = page.map(|page| page.pa(query.va));
        let mut begun = Walking {
            stage: Stage::Reading,
            query,
            walk,
            page,
            start,
            skipped,
            walker,
            translation: Translation::at(at, true, pa),
            wanted_by: [false; 2],
            stale: false,
            waiters: Vec::with_capacity(8),
        };
        let unused = self.walks.iter().position(|walk| walk.stage == Stage::Unused);
        match unused {
            Some(index) => {
                begun.waiters = std::mem::take(&mut self.walks[index].waiters);
                self.walks[index] = begun;
                index
            }
            None => {
                self.walks.push(begun);
                self.walks.len() - 1
            }
        }
    }

    /// Whether a walk has ended by `now` that [`Walks::next_found`] has not told of.
    #[inline]
    pub(crate) fn has_found(&self, now: Cycle) -> bool {
        self.first_end.is_some_and(|end| end <= now)
    }

    /// What the next walk has found, in the order in which they end, that ended by `now`.
    pub(crate) fn next_found(&mut self, now: Cycle) -> Option<Found> {
        while self.has_found(now) {
            let ends = self.walks.iter().enumerate().filter_map(|(index, walk)| match walk.stage {
                Stage::Ends(end) => Some((end, index)),
                Stage::Unused | Stage::Reading => None,
            });
            let (_, first) = ends.min().expect("one of them ends first");
            let walk = &mut self.walks[first];
            walk.stage = Stage::Unused;
            let &mut Walking { query, walk, page, wanted_by, stale, .. } = walk;
            self.first_end = self.earliest_end();
            if !stale {
                return Some(Found { query, walk, page, wanted_by });
            }
        }
        None
    }

    fn earliest_end(&self) -> Option<Cycle> {
        let ends = self.walks.iter().filter_map(|walk| match walk.stage {
            Stage::Ends(end) => Some(end),
            Stage::Unused | Stage::Reading => None,
        });
        ends.min()
    }

    /// Pages in `scope` are no longer what walks under way find.
    pub(crate) fn flush(&mut self, scope: FlushScope) {
        for walk in &mut self.walks {
            walk.stale |= walk.page.is_some_and(|page| page.falls_to(scope));
        }
    }

    /// Whether no walk hangs on memory.
    #[cfg(test)]
    pub(crate) fn is_settled(&self) -> bool {
        self.open == 0
    }
}

impl Walking {
    /// What a lookup is told that the walk, which has ended, answers.
    fn answer(&self, va: VirtAddr, ready: Cycle, first: bool) -> Translation {
        if first {
            return self.translation;
        }
        let pa = self.page.map(|page| page.pa(va));
        Translation::at(ready.max(self.translation.at), true, pa)
    }
}

impl Hierarchy {
    /// Requests the translation of `va` for a lookup that starts at `now`.
    #[inline(always)]
    pub fn demand_translation(
        &mut self,
        now: Cycle,
        hart: HartId,
        (va, asid): (VirtAddr, u16),
        what: Translate,
        source: &mut dyn Source,
    ) -> Reply<Translation> {
        match self.mmu(hart).look_up_guessed(now, (va, asid), what) {
            Some((latency, pa)) => Reply::Done(Translation::at(now + latency, false, Some(pa))),
            None => self.demand_translation_at_length(now, Query { hart, va, asid, what }, source),
        }
    }

    /// The same for a page that is not found where it is guessed, or after the end of a walk.
    #[inline(never)]
    fn demand_translation_at_length(
        &mut self,
        now: Cycle,
        query: Query,
        source: &mut dyn Source,
    ) -> Reply<Translation> {
        let Query { hart, va, asid, what } = query;
        let mmu = self.mmu(hart);
        mmu.enter_found(now);
        if mmu.refuses(&query, now) {
            mmu.walker.turned_away.inc();
            return Reply::Busy;
        }
        match mmu.look_up(va, asid, what) {
            Lookup::L1(latency, pa) => Reply::Done(Translation::at(now + latency, false, Some(pa))),
            Lookup::L2(latency, pa) => Reply::Done(Translation::at(now + latency, true, Some(pa))),
            Lookup::Missed(latency) => self.join_or_walk(query, now + latency, source),
        }
    }

    /// Waits for the walk that will find the page, or begins one; the lookup ended at `ready`.
    fn join_or_walk(
        &mut self,
        query: Query,
        ready: Cycle,
        source: &mut dyn Source,
    ) -> Reply<Translation> {
        let hart = query.hart;
        let under_way = self.mmu(hart).walks.find(&query);
        let index = under_way.unwrap_or_else(|| {
            let walk = source.walk(hart, query.va, query.what);
            let mmu = self.mmu(hart);
            let claim = mmu.walks.claim(ready).expect("lookups without one were turned away");
            let first = mmu.begin_walk(&query, &walk, claim.1);
            let index = mmu.walks.begin(query, walk, claim, first);
            self.walk_on(WalkId { hart, index });
            index
        });
        let ticket = self.overlap.ticket();
        let mmu = self.mmu(hart);
        let walk = &mut mmu.walks.walks[index];
        walk.wanted_by[usize::from(query.what != Translate::Fetch)] = true;
        let first = under_way.is_none();
        match walk.stage {
            Stage::Ends(_) => Reply::Done(walk.answer(query.va, ready, first)),
            Stage::Reading => {
                walk.waiters.push(Waiting { ticket, va: query.va, ready, first });
                Reply::Pending(ticket)
            }
            Stage::Unused => unreachable!("it was found or begun"),
        }
    }

    /// A table entry that `id` waited for has arrived.
    pub(super) fn walk_goes_on(&mut self, id: WalkId, read: Access) {
        self.walking(id).translation.read(read);
        self.walk_on(id);
    }

    /// Lets walks that were turned away try again at `now`.
    pub(super) fn resume_walks(&mut self, now: Cycle) {
        for _ in 0..self.overlap.turned_away.len() {
            let Some(id) = self.overlap.turned_away.pop_front() else { return };
            let translation = &mut self.walking(id).translation;
            translation.at = translation.at.max(now);
            self.walk_on(id);
        }
    }

    /// Reads entries until one of them is not there yet.
    fn walk_on(&mut self, id: WalkId) {
        loop {
            let walk = self.walking(id);
            let at = walk.translation.at;
            let next = walk.skipped + walk.translation.reads().len();
            let Some(&entry) = walk.walk.entries().get(next) else {
                return self.end_walk(id);
            };
            let request = self.request(id.hart, AccessKind::Walk, entry);
            if self.is_turned_away(at, request) {
                self.overlap.turned_away.push_back(id);
                return;
            }
            let below_l1 = u64::from(request.side.is_none());
            let counts = &mut self.mmu(id.hart).walker;
            counts.reads.inc();
            counts.reads_below_l1.add(below_l1);
            let (outcome, when) = self.make(at, request, VirtAddr(0));
            let found = outcome.found;
            match when {
                When::At(at) => self.walking(id).translation.read(Access { at, found }),
                When::After { fill, .. } => {
                    self.overlap.awaits(fill, Waiter { who: Who::Walk(id), found, when });
                    return;
                }
            }
        }
    }

    /// The last entry is there.
    fn end_walk(&mut self, id: WalkId) {
        let walk = self.walking(id);
        let end = walk.translation.at;
        walk.stage = Stage::Ends(end);
        let (walker, busy, fault) = (walk.walker, end - walk.start, walk.page.is_none());
        let mut waiters = std::mem::take(&mut walk.waiters);
        for waiting in waiters.drain(..) {
            let walk = self.walking(id);
            let translation = walk.answer(waiting.va, waiting.ready, waiting.first);
            self.overlap.tell(id.hart, Arrival::Translation(waiting.ticket, translation));
        }
        let mmu = self.mmu(id.hart);
        mmu.walks.walks[id.index].waiters = waiters;
        mmu.walks.walkers[walker] = Some(end);
        mmu.walks.open -= 1;
        mmu.walks.first_end = Some(mmu.walks.first_end.map_or(end, |first| first.min(end)));
        mmu.walker.busy.add(busy);
        mmu.walker.faults.add(u64::from(fault));
    }

    fn walking(&mut self, id: WalkId) -> &mut Walking {
        &mut self.mmu(id.hart).walks.walks[id.index]
    }
}
