//! How lines move: the state change an access makes, without any time.
//!
//! Everything that decides which line is where lies here and in `coherence`; the warming mode and
//! the timed mode both come through [`Hierarchy::transit`].

use super::{Hierarchy, Level, Side};
use crate::cache::{AccessKind, State, Victim};
use stream::LineAddr;

/// An access to one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) hart: usize,
    /// The first-level cache that is asked; none when the walker goes past them.
    pub(super) side: Option<Side>,
    pub(super) kind: AccessKind,
    pub(super) line: LineAddr,
}

impl Request {
    pub(super) fn writes(&self) -> bool {
        self.kind == AccessKind::Store
    }
}

/// What an access did to the hierarchy: all that its timing depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// The level that had the line.
    pub(super) found: Level,
    /// A store had to make other copies go before it could write its own: how far it had to ask.
    pub(super) upgrade: Option<Level>,
    /// Another private cache had changed the line and handed it over.
    pub(super) supplied: bool,
    /// Changed lines that left the first-level cache, the second level and the last level.
    pub(super) write_backs: [u8; 3],
}

impl Outcome {
    pub(super) const fn found(found: Level) -> Self {
        Self { found, upgrade: None, supplied: false, write_backs: [0; 3] }
    }
}

impl Hierarchy {
    /// Makes one access: finds the line, moves it up, makes room for it, keeps copies coherent.
    #[inline]
    pub(super) fn transit(&mut self, request: Request) -> Outcome {
        let Some(side) = request.side else { return self.transit_past_l1(request) };
        let l1 = &mut self.harts[request.hart].l1[side as usize];
        let Some(slot) = l1.look_up(request.line, request.kind) else {
            return self.miss(request, side);
        };
        let mut outcome = Outcome::found(Level::L1);
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
    fn miss(&mut self, request: Request, side: Side) -> Outcome {
        let mut outcome = Outcome::found(Level::L1);
        let exclusive = self.below_l1(request, &mut outcome);
        let state = match request.kind {
            AccessKind::Store => State::Modified,
            AccessKind::Load | AccessKind::Walk if exclusive => State::Exclusive,
            _ => State::Shared,
        };
        let l1 = &mut self.harts[request.hart].l1[side as usize];
        if let Some(victim) = l1.fill(request.line, state)
            && victim.state == State::Modified
        {
            l1.stats.write_backs.inc();
            outcome.write_backs[0] += 1;
            self.write_back_below_l1(request.hart, victim.line, &mut outcome);
        }
        outcome
    }

    fn transit_past_l1(&mut self, request: Request) -> Outcome {
        let mut outcome = Outcome::found(Level::L1);
        self.below_l1(request, &mut outcome);
        outcome
    }

    /// Finds the line below the first level; returns whether no other first-level cache has it.
    fn below_l1(&mut self, request: Request, outcome: &mut Outcome) -> bool {
        let alone = self.snoop_siblings(request, outcome);
        let exclusive = if self.harts[request.hart].l2.is_some() {
            self.through_l2(request, outcome)
        } else {
            self.beyond_private(request, outcome)
        };
        alone && exclusive
    }

    fn through_l2(&mut self, request: Request, outcome: &mut Outcome) -> bool {
        let l2 = self.harts[request.hart].l2.as_mut().expect("the caller saw it");
        if let Some(slot) = l2.look_up(request.line, request.kind) {
            outcome.found = Level::L2;
            let shared = l2.state(slot) == State::Shared;
            if shared && request.writes() {
                l2.set_state(slot, State::Exclusive);
                l2.stats.upgrades.inc();
                outcome.upgrade = Some(Level::Llc);
                self.drop_remote_copies(request);
            }
            return !shared || request.writes();
        }
        let exclusive = self.beyond_private(request, outcome);
        let l2 = self.harts[request.hart].l2.as_mut().expect("the caller saw it");
        let state = if exclusive { State::Exclusive } else { State::Shared };
        if let Some(victim) = l2.fill(request.line, state) {
            self.leave_l2(request.hart, victim, outcome);
        }
        exclusive
    }

    /// Finds the line in the shared part; returns whether no other hart has it (any more).
    fn beyond_private(&mut self, request: Request, outcome: &mut Outcome) -> bool {
        let exclusive = self.snoop_remote(request, outcome);
        let Some(llc) = &mut self.llc else {
            outcome.found = Level::Memory;
            self.memory.stats.reads.inc();
            return exclusive;
        };
        if llc.look_up(request.line, request.kind).is_some() {
            outcome.found = Level::Llc;
            return exclusive;
        }
        outcome.found = Level::Memory;
        self.memory.stats.reads.inc();
        if let Some(victim) = llc.fill(request.line, State::Exclusive) {
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
            None => self.memory.stats.writes.inc(),
        }
    }

    /// A line leaves a second level: an inclusive one takes the copies above with it.
    fn leave_l2(&mut self, hart: usize, victim: Victim, outcome: &mut Outcome) {
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
        }
    }

    /// A line leaves the last level: an inclusive one takes all private copies with it.
    fn leave_llc(&mut self, victim: Victim, outcome: &mut Outcome) {
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
            self.memory.stats.writes.inc();
        }
    }
}
