//! What a restoration unit needs of the memory system: the fetches that no private cache could serve,
//! lines fetched into the second level ahead of their use, and a path to memory for its metadata.
//!
//! Metadata passes the caches by, as its writers do (D. Schall et al., "Lukewarm serverless functions:
//! characterization and optimization", ISCA 2022, section 3.2: recording costs memory bandwidth only):
//! a line of it is written by one invocation and read once by the next. A read takes the way through the
//! last level, which does not have it.
//!
//! Left out: contention for the path between the unit and the last level.

use super::fills::Place;
use super::prefetching::Prefetched;
use super::transit::{Outcome, Request};
use super::{Access, Hierarchy, Level, Private, Side};
use crate::Cycle;
use crate::cache::{AccessKind, RestoredStats};
use crate::reply::Reply;
use std::collections::VecDeque;
use stream::{HartId, PhysAddr, VirtAddr};

/// Fetches that a restoration unit has not been told of.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    missed: VecDeque<VirtAddr>,
}

/// Misses that there is room for from the start: a unit looks every cycle.
const USUAL: usize = 16;

/// Bits of an address within the smallest page.
const IN_PAGE: u64 = 0xfff;

impl Hierarchy {
    /// Lets every fetch of `hart` find its line in the first level, which is how a perfect instruction
    /// cache looks to the core. Nothing is fetched from below any more.
    pub fn make_fetches_hit(&mut self, hart: HartId) {
        self.harts[hart.index()].fetches_hit = true;
    }

    /// Remembers fetches of `hart` from now on, for [`Hierarchy::next_missed_fetch`].
    pub fn watch_fetches(&mut self, hart: HartId) {
        let missed = VecDeque::with_capacity(USUAL);
        self.harts[hart.index()].watched = Some(Box::new(Watched { missed }));
    }

    /// Takes the next instruction line of `hart`, by an address in it, that a fetch or a prefetch of the
    /// first level asked for and that no private cache had, or had only because it was
    /// [restored](Self::restore_line) and not used since.
    #[inline]
    pub fn next_missed_fetch(&mut self, hart: HartId) -> Option<VirtAddr> {
        self.harts[hart.index()].watched.as_mut()?.missed.pop_front()
    }

    /// Fetches the line of `pa` into the second level of `hart`, at `now` or without time. Nobody waits
    /// for it. It is not asked for now ([`Prefetched::Dropped`]; nothing is counted, the caller comes
    /// again) unless miss registers are free at once, more than `spare` of them in each cache on its way.
    pub fn restore_line(
        &mut self,
        now: Option<Cycle>,
        hart: HartId,
        pa: PhysAddr,
        spare: u32,
    ) -> Prefetched {
        let (place, line) = (Place::L2(hart), self.line(pa));
        if self.is_held(hart, place, line) {
            self.cache(place).restored.present.inc();
            return Prefetched::Present;
        }
        let request = Request {
            hart,
            side: None,
            kind: AccessKind::Instruction,
            prefetch: Some(Level::L2),
            restores: true,
            line,
        };
        if now.is_some_and(|now| {
            !self.has_spare(now, hart, spare) || !self.can_prefetch(now, place, request)
        }) {
            return Prefetched::Dropped;
        }
        self.cache(place).stats.prefetch.issued.inc();
        let outcome = self.make_prefetch(now, place, request);
        if now.is_none() {
            self.memory.forget();
        }
        let restored = &mut self.cache(place).restored;
        restored.lines.inc();
        restored.from_memory.add(u64::from(outcome.found == Level::Memory));
        Prefetched::Issued
    }

    /// Fetches the line of `pa`, where `va` was translated to, into the instruction cache of `hart`, at
    /// `now` or without time: as [`Hierarchy::prefetch_instruction`], but with more than `spare` of that
    /// cache's miss registers free, and what is not asked for now ([`Prefetched::Dropped`]) or not
    /// needed is not counted.
    pub fn restore_to_l1i(
        &mut self,
        now: Option<Cycle>,
        hart: HartId,
        (va, pa): (VirtAddr, PhysAddr),
        spare: u32,
    ) -> Prefetched {
        let (place, line) = (Place::L1(hart, Side::Instruction), self.line(pa));
        if self.is_held(hart, place, line) {
            return Prefetched::Present;
        }
        let request = Request {
            hart,
            side: Some(Side::Instruction),
            kind: AccessKind::Instruction,
            prefetch: Some(Level::L1),
            restores: false,
            line,
        };
        if now.is_some_and(|now| {
            !self.l1i_has_spare(now, hart, spare) || !self.can_prefetch(now, place, request)
        }) {
            return Prefetched::Dropped;
        }
        let asked = self.prefetch(now, hart, (place, line), va);
        if now.is_none() {
            self.memory.forget();
        }
        asked
    }

    fn l1i_has_spare(&self, now: Cycle, hart: HartId, spare: u32) -> bool {
        let l1i = &self.harts[hart.index()].l1[Side::Instruction as usize];
        l1i.mshrs.has_more_free_than(spare as usize, now)
    }

    /// Whether the lower caches of `hart` have more than `spare` miss registers free at `now`.
    fn has_spare(&self, now: Cycle, hart: HartId, spare: u32) -> bool {
        let l2 = self.harts[hart.index()].l2.iter();
        l2.chain(&self.llc).all(|cache| cache.mshrs.has_more_free_than(spare as usize, now))
    }

    /// Reads a line of metadata from memory for a unit of `hart`.
    pub fn read_metadata(&mut self, now: Cycle, hart: HartId, pa: PhysAddr) -> Reply<Access> {
        let line = self.line(pa);
        if !self.memory.has_room(Some(line)) {
            return Reply::Busy;
        }
        self.memory.stats.read_metadata();
        let (to, from) =
            self.llc.as_ref().map_or((0, 0), |llc| (llc.latency.tag, llc.latency.response));
        let when = self.memory.read(now + to, line, || self.overlap.begin_fill()) + from;
        self.answer(hart, Level::Memory, when)
    }

    /// The same without time.
    pub fn warm_read_metadata(&mut self) {
        self.memory.stats.read_metadata();
    }

    /// Writes a line of metadata to memory, if it takes one at `now`; returns whether it does.
    pub fn write_metadata(&mut self, now: Cycle, pa: PhysAddr) -> bool {
        if !self.memory.has_room(None) {
            return false;
        }
        self.memory.stats.write_metadata();
        self.memory.is_to_be_written(self.line(pa));
        self.memory.write(now);
        true
    }

    /// The same without time.
    pub fn warm_write_metadata(&mut self) {
        self.memory.stats.write_metadata();
    }

    /// Remembers what an access says to a restoration unit, if there is one. `pc` is the address of the
    /// instruction, or for a prefetch one in the page of its line.
    #[inline]
    pub(super) fn note_fetch(&mut self, request: Request, outcome: &Outcome, pc: VirtAddr) {
        if outcome.found != Level::L1 && request.side == Some(Side::Instruction) {
            self.note_fetch_below_l1(request, outcome, pc);
        }
    }

    #[inline(never)]
    fn note_fetch_below_l1(&mut self, request: Request, outcome: &Outcome, pc: VirtAddr) {
        let missed = outcome.found > Level::L2;
        let private = &mut self.harts[request.hart.index()];
        let Some(watched) = private.watched.as_mut().filter(|_| missed || outcome.restored) else {
            return;
        };
        // The last byte of the line, which does not lie before an instruction that begins in it.
        let pa = PhysAddr(((request.line.0 + 1) << self.line_shift) - 1);
        watched.missed.push_back(virtual_address(request, pa, pc));
        if let Some(l2) = private.l2.as_mut().filter(|_| missed) {
            l2.restored.uncovered.inc();
        }
    }

    /// Whether `request` is a prefetch for a cache in which fetches hit anyway.
    #[inline]
    pub(super) fn hits_anyway(&self, request: Request) -> bool {
        request.side == Some(Side::Instruction) && self.harts[request.hart.index()].fetches_hit
    }

    /// A fetch where all of them hit, at `now`.
    #[inline]
    pub(super) fn perfect_fetch(&mut self, now: Cycle, request: Request) -> Option<Access> {
        if !self.hits_anyway(request) {
            return None;
        }
        let l1i = &mut self.harts[request.hart.index()].l1[Side::Instruction as usize];
        l1i.stats.hits[AccessKind::Instruction].inc();
        Some(Access { at: now + l1i.latency.hit, found: Level::L1 })
    }
}

impl Private {
    /// What became of restored lines, where there is a unit that restores some.
    pub(super) fn restored_stats(&self) -> Option<RestoredStats> {
        let l2 = self.l2.as_ref().filter(|_| self.watched.is_some())?;
        Some(l2.restored.clone())
    }
}

/// A virtual address in the line at `pa`. An instruction at `pc` may reach into the next page; a prefetch
/// stays in the page of `pc`.
fn virtual_address(request: Request, pa: PhysAddr, pc: VirtAddr) -> VirtAddr {
    let (page, offset) = (pc.0 & !IN_PAGE, pa.0 & IN_PAGE);
    let reaches_over = request.prefetch.is_none() && offset < pc.0 & IN_PAGE;
    VirtAddr(page.wrapping_add(if reaches_over { IN_PAGE + 1 } else { 0 }) | offset)
}
