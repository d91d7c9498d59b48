//! How lines move: the state change an access makes, without any time.
//!
//! Everything that decides which line is where lies here and in `coherence`; the warming mode and
//! the timed modes all come through [`Hierarchy::transit`].
//!
//! An exclusive level takes what leaves the level above, changed or not, and gives a line up when it
//! moves up. A line that comes from further below passes it by. It keeps a line that the level above
//! cannot take for its own: because other copies are up there, which would have to be told that one
//! of them is to be written back some day, or because it is changed and the taker would be an
//! instruction cache (N. Jouppi and S. Wilton, "Tradeoffs in two-level on-chip caching", ISCA 1994,
//! for one first-level cache, where neither happens).

use super::{Hierarchy, Level, Side};
use crate::cache::{AccessKind, Cache, Mark, Slot, State, Victim};
use stream::{HartId, LineAddr};

/// An access to one line: two words, which are handed down in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) hart: HartId,
    /// The first-level cache that is asked; none when the request begins below them.
    pub(super) side: Option<Side>,
    pub(super) kind: AccessKind,
    /// Nobody needs the line yet: it is for the cache of this level.
    pub(super) prefetch: Option<Level>,
    /// It is a restoration unit's prefetch.
    pub(super) restores: bool,
    pub(super) line: LineAddr,
}

const _: () = assert!(size_of::<Request>() == 16);

impl Request {
    pub(super) fn writes(&self) -> bool {
        self.kind == AccessKind::Store
    }

    /// Whether it comes to `level`, if it is not served before.
    pub(super) fn comes_to(&self, level: Level) -> bool {
        self.prefetch.is_none_or(|prefetched| prefetched <= level)
    }

    /// The mark of the line in the cache of `level`, which gets it from where it was `found`.
    fn mark(&self, level: Level, found: Level) -> Mark {
        let from_memory = found == Level::Memory;
        match (self.prefetch == Some(level), self.restores) {
            (false, _) => Mark::None,
            (true, false) if from_memory => Mark::UnusedFromMemory,
            (true, false) => Mark::Unused,
            (true, true) if from_memory => Mark::RestoredFromMemory,
            (true, true) => Mark::Restored,
        }
    }

    /// Looks the line up in a cache the request comes to from above.
    #[inline(always)]
    fn look_up(&self, cache: &mut Cache) -> Option<Slot> {
        if self.prefetch.is_some() {
            cache.look_up_prefetch(self.line)
        } else {
            cache.look_up(self.line, self.kind)
        }
    }
}

/// What an access did to the hierarchy: all that its timing depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// The level that had the line.
    pub(super) found: Level,
    /// It had it because of a prefetch, and this is the first use.
    pub(super) first_use: bool,
    /// The prefetch was a restoration unit's.
    pub(super) restored: bool,
    /// A store had to make other copies go before it could write its own: how far it had to ask.
    pub(super) upgrade: Option<Level>,
    /// Another private cache had changed the line and handed it over.
    pub(super) supplied: bool,
    /// No other first-level cache of the hart keeps a copy.
    alone: bool,
    /// The line moves up changed, out of an exclusive level.
    changed: bool,
    /// Lines that left the first-level cache, the second level and the last level for the next.
    pub(super) write_backs: [u8; 3],
}

impl Outcome {
    pub(super) const fn found(found: Level) -> Self {
        Self {
            found,
            first_use: false,
            restored: false,
            upgrade: None,
            supplied: false,
            alone: true,
            changed: false,
            write_backs: [0; 3],
        }
    }
}

impl Hierarchy {
    /// Makes one access: finds the line, moves it up, makes room for it, keeps copies coherent.
    ///
    /// Hits are most of what a simulation does, so they are decided where the caller is.
    #[inline(always)]
    pub(super) fn transit(&mut self, request: Request) -> Outcome {
        self.transit_from(request, self.find_in_l1(request))
    }

    /// Where the first-level cache that is asked has the line, if one is and does.
    #[inline(always)]
    pub(super) fn find_in_l1(&self, request: Request) -> Option<Slot> {
        let side = request.side?;
        self.harts[request.hart.index()].l1[side as usize].find(request.line)
    }

    /// [`Hierarchy::transit`] for a line that is [there](Self::find_in_l1) in the first level.
    #[inline(always)]
    pub(super) fn transit_from(&mut self, request: Request, slot: Option<Slot>) -> Outcome {
        let Some(side) = request.side else { return self.transit_past_l1(request) };
        let l1 = &mut self.harts[request.hart.index()].l1[side as usize];
        l1.count_look_up(request.line, request.kind, slot);
        let Some(slot) = slot else { return self.miss(request, side) };
        let mut outcome = Outcome::found(Level::L1);
        outcome.first_use = l1.first_use(slot);
        if request.writes() {
            let state = l1.state(slot);
            if state != State::Modified {
                l1.set_state(slot, State::Modified);
            }
            if state == State::Shared {
                l1.stats.upgrades.inc();
                outcome.upgrade = Some(self.own(request));
            }
        }
        outcome
    }

    /// A first-level miss: gets the line from below and puts it in.
    #[inline(never)]
    pub(super) fn miss(&mut self, request: Request, side: Side) -> Outcome {
        self.expect_below_l1(request);
        let mut outcome = Outcome::found(Level::L1);
        let exclusive = self.below_l1(request, &mut outcome);
        let state = match request.kind {
            AccessKind::Store => State::Modified,
            _ if outcome.changed => State::Modified,
            AccessKind::Load | AccessKind::Walk if exclusive => State::Exclusive,
            _ => State::Shared,
        };
        let l1 = &mut self.harts[request.hart.index()].l1[side as usize];
        if let Some(victim) = l1.fill(request.line, state, request.mark(Level::L1, outcome.found)) {
            self.leave_l1(request.hart.index(), side, victim, &mut outcome);
        }
        outcome
    }

    /// Has the host bring what the look-ups below the first level will read nearer.
    #[inline(always)]
    fn expect_below_l1(&self, request: Request) {
        let l2 = self.harts[request.hart.index()].l2.as_ref();
        if let Some(l2) = l2 {
            l2.expect(request.line);
        }
        if let Some(llc) = &self.llc
            && !l2.is_some_and(|l2| l2.may_hold(request.line))
        {
            llc.expect(request.line);
        }
    }

    fn transit_past_l1(&mut self, request: Request) -> Outcome {
        let mut outcome = Outcome::found(Level::L1);
        self.below_l1(request, &mut outcome);
        outcome
    }

    /// Brings a line into the last level that is in no cache.
    pub(super) fn transit_to_llc(&mut self, line: LineAddr) -> Outcome {
        let mut outcome = Outcome::found(Level::Memory);
        self.memory.stats.read(AccessKind::Load, true);
        let llc = self.llc.as_mut().expect("its prefetcher asks");
        if let Some(victim) = llc.fill(line, State::Exclusive, Mark::UnusedFromMemory) {
            self.leave_llc(victim, &mut outcome);
        }
        outcome
    }

    /// Finds the line below the first level; returns whether no other first-level cache has it.
    #[inline(always)]
    fn below_l1(&mut self, request: Request, outcome: &mut Outcome) -> bool {
        let alone = self.snoop_siblings(request, outcome);
        outcome.alone = alone;
        let exclusive = if self.harts[request.hart.index()].l2.is_some() {
            self.through_l2(request, outcome)
        } else {
            self.beyond_private(request, outcome)
        };
        alone && exclusive
    }

    #[inline(always)]
    fn through_l2(&mut self, request: Request, outcome: &mut Outcome) -> bool {
        let l2 = self.harts[request.hart.index()].l2.as_mut().expect("the caller saw it");
        let own_prefetch = request.prefetch == Some(Level::L2);
        // What a level prefetches for itself it has counted as issued.
        let slot = if own_prefetch { l2.find(request.line) } else { request.look_up(l2) };
        if let Some(slot) = slot {
            return self.hit_l2(request, slot, outcome);
        }
        let exclusive = self.beyond_private(request, outcome);
        let l2 = self.harts[request.hart.index()].l2.as_mut().expect("the caller saw it");
        if l2.exclusive && request.side.is_some() {
            return exclusive;
        }
        let state = match (std::mem::take(&mut outcome.changed), exclusive) {
            (true, _) => State::Modified,
            (false, true) => State::Exclusive,
            (false, false) => State::Shared,
        };
        if let Some(victim) = l2.fill(request.line, state, request.mark(Level::L2, outcome.found)) {
            self.leave_l2(request.hart.index(), victim, outcome);
        }
        exclusive
    }

    #[inline(always)]
    fn hit_l2(&mut self, request: Request, slot: Slot, outcome: &mut Outcome) -> bool {
        let l2 = self.harts[request.hart.index()].l2.as_mut().expect("the caller saw it");
        outcome.found = Level::L2;
        let mark = l2.take_mark(slot);
        (outcome.first_use, outcome.restored) = (mark != Mark::None, mark.is_restored());
        let state = l2.state(slot);
        let shared = state == State::Shared;
        if shared && request.writes() {
            l2.set_state(slot, State::Exclusive);
            l2.stats.upgrades.inc();
            outcome.upgrade = Some(Level::Llc);
        }
        let can_leave = match request.side {
            Some(side) => state != State::Modified || side == Side::Data && outcome.alone,
            None => false,
        };
        if l2.exclusive && can_leave {
            outcome.changed = l2.move_up(slot) == State::Modified;
        }
        if outcome.upgrade.is_some() {
            self.drop_remote_copies(request);
        }
        !shared || request.writes()
    }

    /// Finds the line in the shared part; returns whether no other hart has it (any more).
    fn beyond_private(&mut self, request: Request, outcome: &mut Outcome) -> bool {
        let exclusive = self.snoop_remote(request, outcome);
        let l2 = self.harts[request.hart.index()].l2.as_ref();
        let to_l2 = l2.is_some_and(|l2| !l2.exclusive || request.side.is_none());
        let to_l1 = request.side.is_some();
        let takes_changed = to_l2 || request.side == Some(Side::Data) && outcome.alone;
        let Some(llc) = &mut self.llc else {
            outcome.found = Level::Memory;
            self.memory.stats.read(request.kind, request.prefetch.is_some());
            return exclusive;
        };
        if let Some(slot) = request.look_up(llc) {
            outcome.found = Level::Llc;
            outcome.first_use = llc.first_use(slot);
            let changed = llc.state(slot) == State::Modified;
            let can_leave = exclusive && if changed { takes_changed } else { to_l1 || to_l2 };
            if llc.exclusive && can_leave {
                outcome.changed = llc.move_up(slot) == State::Modified;
            }
            return exclusive;
        }
        outcome.found = Level::Memory;
        self.memory.stats.read(request.kind, request.prefetch.is_some());
        if llc.exclusive && (to_l1 || to_l2) {
            return exclusive;
        }
        if let Some(victim) = llc.fill(request.line, State::Exclusive, Mark::None) {
            self.leave_llc(victim, outcome);
        }
        exclusive
    }

    /// Passes a changed line of a first-level cache to the next level.
    pub(super) fn write_back_below_l1(
        &mut self,
        hart: usize,
        line: LineAddr,
        outcome: &mut Outcome,
    ) {
        match &mut self.harts[hart].l2 {
            Some(l2) => {
                if let Some(victim) = l2.receive(line) {
                    self.leave_l2(hart, victim, outcome);
                }
            }
            None => self.write_back_to_shared(line, outcome),
        }
    }

    /// Passes a changed line to the last level, or to memory where there is none.
    pub(super) fn write_back_to_shared(&mut self, line: LineAddr, outcome: &mut Outcome) {
        match &mut self.llc {
            Some(llc) => {
                if let Some(victim) = llc.receive(line) {
                    self.leave_llc(victim, outcome);
                }
            }
            None => self.memory.leaves(line),
        }
    }

    /// A line leaves a first-level cache.
    pub(super) fn leave_l1(
        &mut self,
        hart: usize,
        side: Side,
        victim: Victim,
        outcome: &mut Outcome,
    ) {
        let private = &mut self.harts[hart];
        let l1 = &mut private.l1[side as usize];
        if victim.state == State::Modified {
            l1.stats.write_backs.inc();
            outcome.write_backs[0] += 1;
            return self.write_back_below_l1(hart, victim.line, outcome);
        }
        match (&mut private.l2, &self.llc) {
            (Some(l2), _) if l2.exclusive => {
                l1.stats.clean_victims.inc();
                outcome.write_backs[0] += 1;
                if let Some(victim) = l2.receive_clean(victim.line, victim.state) {
                    self.leave_l2(hart, victim, outcome);
                }
            }
            (None, Some(llc)) if llc.exclusive => {
                l1.stats.clean_victims.inc();
                outcome.write_backs[0] += 1;
                self.pass_clean_to_llc(victim.line, outcome);
            }
            _ => {}
        }
    }

    /// A line leaves a second level: an inclusive one takes the copies above with it.
    pub(super) fn leave_l2(&mut self, hart: usize, victim: Victim, outcome: &mut Outcome) {
        let private = &mut self.harts[hart];
        let l2 = private.l2.as_mut().expect("a line left it");
        let mut changed = victim.state == State::Modified;
        if l2.inclusive {
            for l1 in &mut private.l1 {
                if let Some(slot) = l1.find(victim.line) {
                    changed |= l1.invalidate(slot) == State::Modified;
                }
            }
        }
        if changed {
            l2.stats.write_backs.inc();
            outcome.write_backs[1] += 1;
            self.write_back_to_shared(victim.line, outcome);
        } else if self.llc.as_ref().is_some_and(|llc| llc.exclusive) {
            l2.stats.clean_victims.inc();
            outcome.write_backs[1] += 1;
            self.pass_clean_to_llc(victim.line, outcome);
        }
    }

    fn pass_clean_to_llc(&mut self, line: LineAddr, outcome: &mut Outcome) {
        let llc = self.llc.as_mut().expect("it is exclusive");
        if let Some(victim) = llc.receive_clean(line, State::Exclusive) {
            self.leave_llc(victim, outcome);
        }
    }

    /// A line leaves the last level: an inclusive one takes all private copies with it.
    pub(super) fn leave_llc(&mut self, victim: Victim, outcome: &mut Outcome) {
        let llc = self.llc.as_mut().expect("a line left it");
        let mut changed = victim.state == State::Modified;
        if llc.inclusive {
            for private in &mut self.harts {
                for cache in private.l1.iter_mut().chain(&mut private.l2) {
                    if let Some(slot) = cache.find(victim.line) {
                        changed |= cache.invalidate(slot) == State::Modified;
                    }
                }
            }
        }
        if changed {
            llc.stats.write_backs.inc();
            outcome.write_backs[2] += 1;
            self.memory.leaves(victim.line);
        }
    }
}
