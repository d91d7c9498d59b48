//! Which requests can be made now: those that need nothing whose end hangs on an answer of memory.
//!
//! A request changes tags at once, so whether it can be made is decided before: the same lookups and
//! claims that `transit` and `timing` will make, without their effects. It is careful: a miss is
//! turned away when it might need a write buffer, like a cache that blocks when those are full, and
//! so is a miss whose line another cache of the hart is about to hand over.

use super::fills::Place;
use super::transit::Request;
use super::{Hierarchy, Side};
use crate::Cycle;
use crate::cache::{Cache, Slot, State};
use stream::LineAddr;

/// What a request would have to wait for, nobody knows how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A miss register of a cache, or room for another target in it.
    Cache(Place),
    /// A queue of the memory controller.
    Memory,
}

/// What a lookup will come to.
enum Lookup {
    Served,
    Refused,
    GoesOn(Cycle),
}

/// Looks `line` up at `at`.
fn look_up(cache: &Cache, line: LineAddr, at: Cycle) -> Lookup {
    look_up_from(cache, (line, cache.find(line)), at)
}

/// The same for a line that was found there.
#[inline(always)]
fn look_up_from(cache: &Cache, (line, slot): (LineAddr, Option<Slot>), at: Cycle) -> Lookup {
    let at = cache.bank_free(line, at);
    if slot.is_none() {
        return match cache.mshrs.claim(at + cache.latency.tag) {
            Some(claim) => Lookup::GoesOn(claim.from),
            None => Lookup::Refused,
        };
    }
    if cache.mshrs.refuses(line, at) { Lookup::Refused } else { Lookup::Served }
}

impl Hierarchy {
    /// What keeps `request` from being made at `now`.
    #[inline]
    pub(super) fn obstacle(&self, now: Cycle, request: Request) -> Option<Obstacle> {
        self.obstacle_from(now, request, self.find_in_l1(request))
    }

    /// The same for a line that is [there](Self::find_in_l1) in the first level.
    #[inline(always)]
    pub(super) fn obstacle_from(
        &self,
        now: Cycle,
        request: Request,
        slot: Option<Slot>,
    ) -> Option<Obstacle> {
        let Some(side) = request.side else { return self.obstacle_below(now, request) };
        let l1 = &self.harts[request.hart.index()].l1[side as usize];
        let place = Place::L1(request.hart, side);
        match look_up_from(l1, (request.line, slot), now) {
            Lookup::Served if request.writes() => self.obstacle_to_writing(now, request, side),
            Lookup::Served => None,
            Lookup::Refused => Some(Obstacle::Cache(place)),
            Lookup::GoesOn(at) => self.obstacle_below(at, request),
        }
    }

    /// A store to a shared line holds a register while it asks for permission, unless it waits in
    /// that of the line itself.
    fn obstacle_to_writing(&self, now: Cycle, request: Request, side: Side) -> Option<Obstacle> {
        let l1 = &self.harts[request.hart.index()].l1[side as usize];
        let at = l1.bank_free(request.line, now);
        let slot = l1.find(request.line)?;
        let needs_register =
            l1.state(slot) == State::Shared && !l1.mshrs.is_outstanding(request.line, at);
        let has_one = || l1.mshrs.claim(at + l1.latency.tag).is_some();
        (needs_register && !has_one()).then_some(Obstacle::Cache(Place::L1(request.hart, side)))
    }

    pub(super) fn obstacle_below(&self, at: Cycle, request: Request) -> Option<Obstacle> {
        let mut at = at;
        if let Some(l2) = &self.harts[request.hart.index()].l2 {
            match look_up(l2, request.line, at) {
                Lookup::Served => return self.obstacle_at_memory(None),
                Lookup::Refused => return Some(Obstacle::Cache(Place::L2(request.hart))),
                Lookup::GoesOn(from) => at = from,
            }
        }
        self.obstacle_shared(at, request.line)
    }

    pub(super) fn obstacle_shared(&self, at: Cycle, line: LineAddr) -> Option<Obstacle> {
        let read = match self.llc.as_ref().map(|llc| look_up(llc, line, at)) {
            Some(Lookup::Refused) => return Some(Obstacle::Cache(Place::Llc)),
            Some(Lookup::Served) => None,
            Some(Lookup::GoesOn(_)) | None => Some(line),
        };
        self.obstacle_at_memory(read)
    }

    pub(super) fn obstacle_at_memory(&self, read: Option<LineAddr>) -> Option<Obstacle> {
        (!self.memory.has_room(read)).then_some(Obstacle::Memory)
    }

    /// Counts a request that was turned away.
    pub(super) fn turn_away(&mut self, obstacle: Obstacle) {
        match obstacle {
            Obstacle::Cache(place) => self.cache(place).stats.turned_away.inc(),
            Obstacle::Memory => self.memory.stats.turned_away.inc(),
        }
    }
}
