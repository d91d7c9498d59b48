//! Access for cores that have many requests under way: nothing here waits.
//!
//! Calls come in the order of their times, harts interleaved, after [`Hierarchy::advance`] to that
//! time. With memory that answers at once every
//! request is done when it is made; else it may hang on an answer, for which `fills` keeps the
//! waiters, or be turned away by `admission`.

use super::fills::{Waiter, Who};
use super::transit::{Outcome, Request};
use super::{Access, Hierarchy, Level};
use crate::Cycle;
use crate::cache::{AccessKind, Slot};
use crate::reply::{Arrival, Reply};
use crate::when::When;
use stream::{HartId, PhysAddr, VirtAddr};

impl Hierarchy {
    /// Requests the line of `pa` at `now` for the instruction at `pc`. Page walks make their own.
    ///
    /// Most requests hit the line that was used last in its set, with nothing to wait for and nothing to
    /// follow from it: what they come to is what the long way would find in more steps.
    #[inline(always)]
    pub fn demand(
        &mut self,
        now: Cycle,
        hart: HartId,
        kind: AccessKind,
        pa: PhysAddr,
        pc: VirtAddr,
    ) -> Reply<Access> {
        let request = self.request(hart, kind, pa);
        match self.repeats_plainly(&request, Some(now)) {
            Some(hit) => Reply::Done(Access { at: now + hit, found: Level::L1 }),
            None => self.demand_another(now, &request, pc),
        }
    }

    /// The same for another line than was used last, or for more than a hit.
    #[inline(never)]
    fn demand_another(&mut self, now: Cycle, request: &Request, pc: VirtAddr) -> Reply<Access> {
        match self.hits_plainly(request, Some(now)) {
            Ok(hit) => Reply::Done(Access { at: now + hit, found: Level::L1 }),
            Err(slot) => self.demand_at_length(now, *request, slot, pc),
        }
    }

    /// The same for more than a hit that nothing follows from, on a line that is
    /// [there](Self::find_in_l1) in the first level.
    #[inline(always)]
    fn demand_at_length(
        &mut self,
        now: Cycle,
        request: Request,
        slot: Option<Slot>,
        pc: VirtAddr,
    ) -> Reply<Access> {
        if let Some(access) = self.perfect_fetch(now, request) {
            return Reply::Done(access);
        }
        if self.is_turned_away_from(now, request, slot) {
            return Reply::Busy;
        }
        let outcome = self.transit_from(request, slot);
        let when = self.follow(now, request, &outcome, pc);
        self.answer(request.hart, outcome.found, when)
    }

    /// What `hart` is told of a line that was `found` there and comes at `when`.
    #[inline]
    pub(super) fn answer(&mut self, hart: HartId, found: Level, when: When) -> Reply<Access> {
        match when {
            When::At(at) => Reply::Done(Access { at, found }),
            When::After { fill, .. } => {
                let ticket = self.overlap.ticket();
                self.overlap.awaits(fill, Waiter { who: Who::Core(hart, ticket), found, when });
                Reply::Pending(ticket)
            }
        }
    }

    /// Lets main memory act up to and including `now`.
    #[inline]
    pub fn advance(&mut self, now: Cycle) {
        if self.memory.acts_by(now) {
            self.run_memory(now);
        }
    }

    /// When main memory will next act by itself, if it will.
    #[must_use]
    #[inline]
    pub fn next_event(&self) -> Option<Cycle> {
        self.memory.next_event()
    }

    /// Takes the next request of `hart` that was pending and now has its time.
    #[inline]
    pub fn next_arrival(&mut self, hart: HartId) -> Option<Arrival> {
        self.overlap.next_arrival(hart)
    }

    /// Whether a request has to come again later; counts it if so, and does nothing else.
    #[inline]
    pub(super) fn is_turned_away(&mut self, now: Cycle, request: Request) -> bool {
        self.is_turned_away_from(now, request, self.find_in_l1(request))
    }

    /// The same for a line that is [there](Self::find_in_l1) in the first level.
    #[inline(always)]
    fn is_turned_away_from(&mut self, now: Cycle, request: Request, slot: Option<Slot>) -> bool {
        if !self.memory.answers_later() {
            return false;
        }
        let obstacle = self.obstacle_from(now, request, slot);
        if let Some(obstacle) = obstacle {
            self.turn_away(obstacle);
        }
        obstacle.is_some()
    }

    /// Makes a request that nothing stands in the way of, and what prefetchers make of it.
    #[inline]
    pub(super) fn make(&mut self, now: Cycle, request: Request, pc: VirtAddr) -> (Outcome, When) {
        let outcome = self.transit(request);
        let when = self.follow(now, request, &outcome, pc);
        (outcome, when)
    }

    /// What follows from an access beside the lines it moves; returns when it is done.
    #[inline(always)]
    fn follow(&mut self, now: Cycle, request: Request, outcome: &Outcome, pc: VirtAddr) -> When {
        self.note_fetch(request, outcome, pc);
        let watched = self.is_watched(request, outcome);
        if watched {
            self.show(now, request, outcome, pc);
        }
        let when = self.completion(now, request, outcome);
        if watched {
            self.prefetch_wanted(Some(now), request, outcome.found, pc);
        }
        when
    }

    /// Makes a request for a caller who waits, and runs memory until it has answered.
    #[inline(never)]
    pub(super) fn make_and_wait(&mut self, now: Cycle, request: Request, pc: VirtAddr) -> Access {
        while self.memory.answers_later() && self.obstacle(now, request).is_some() {
            self.wait_for_memory();
        }
        let (outcome, when) = self.make(now, request, pc);
        let found = outcome.found;
        let at = match when {
            When::At(at) => at,
            When::After { fill, .. } => {
                self.overlap.awaits(fill, Waiter { who: Who::Caller, found, when });
                loop {
                    self.wait_for_memory();
                    if let Some(at) = self.overlap.answer.take() {
                        break at;
                    }
                }
            }
        };
        Access { at, found }
    }

    fn wait_for_memory(&mut self) {
        let event = self.next_event().expect("what hangs on memory is under way there");
        self.run_memory(event);
    }
}
