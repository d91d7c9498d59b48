//! What hangs on reads of memory that have no time yet: miss registers at every level they pass, and
//! whoever waits for the line.

use super::walks::WalkId;
use super::{Hierarchy, Level, Side};
use crate::occupancy::Purpose;
use crate::reply::{Arrival, Ticket};
use crate::when::{FillId, When};
use crate::{Access, Cycle};
use std::collections::VecDeque;
use stream::HartId;

/// A cache of the hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    L1(HartId, Side),
    L2(HartId),
    Llc,
}

impl Place {
    pub(super) fn level(self) -> Level {
        match self {
            Self::L1(..) => Level::L1,
            Self::L2(_) => Level::L2,
            Self::Llc => Level::Llc,
        }
    }
}

/// Who waits for a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    /// A core, which goes by its ticket.
    Core(HartId, Ticket),
    /// A page walk that reads a table entry.
    Walk(WalkId),
    /// The caller of a blocking access.
    Caller,
}

/// Someone who waits, for what is found where and will be there when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) who: Who,
    pub(super) found: Level,
    pub(super) when: When,
}

/// All that is under way and has no time yet.
#[derive(Clone, Debug)]
pub(super) struct Overlap {
    fills: Vec<Fill>,
    unused: Vec<FillId>,
    tickets: u32,
    /// By hart, what is to be told.
    arrivals: Vec<VecDeque<Arrival>>,
    /// The answer to the blocking access being made.
    pub(super) answer: Option<Cycle>,
    /// Walks that were turned away and have to ask again.
    pub(super) turned_away: VecDeque<WalkId>,
    /// Kept for its capacity.
    answers: Vec<(u32, Cycle)>,
}

/// One read of memory.
#[derive(Clone, Debug, Default)]
struct Fill {
    registers: Vec<(Place, usize)>,
    waiters: Vec<Waiter>,
}

impl Fill {
    /// With room for a register at each level, and for as many waiters as one line has as a rule.
    fn new() -> Self {
        Self { registers: Vec::with_capacity(4), waiters: Vec::with_capacity(16) }
    }
}

/// Reads of memory that there is room for from the start: most systems have no more on their way.
const USUAL: usize = 128;

impl Overlap {
    pub(super) fn new(harts: u32) -> Self {
        Self {
            fills: (0..USUAL).map(|_| Fill::new()).collect(),
            unused: (0..USUAL as u32).rev().map(FillId::new).collect(),
            tickets: 0,
            arrivals: (0..harts).map(|_| VecDeque::with_capacity(USUAL)).collect(),
            answer: None,
            turned_away: VecDeque::with_capacity(USUAL),
            answers: Vec::with_capacity(USUAL),
        }
    }

    /// Names a read of memory.
    pub(super) fn begin_fill(&mut self) -> FillId {
        self.unused.pop().unwrap_or_else(|| {
            self.fills.push(Fill::new());
            FillId::new(self.fills.len() as u32 - 1)
        })
    }

    /// A miss register is held until the answer to `fill`.
    pub(super) fn holds(&mut self, fill: FillId, place: Place, register: usize) {
        self.fills[fill.index()].registers.push((place, register));
    }

    /// Someone waits for the answer to `fill`.
    pub(super) fn awaits(&mut self, fill: FillId, waiter: Waiter) {
        self.fills[fill.index()].waiters.push(waiter);
    }

    /// A ticket that no pending request has.
    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets = self.tickets.wrapping_add(1);
        Ticket(self.tickets)
    }

    pub(super) fn tell(&mut self, hart: HartId, arrival: Arrival) {
        self.arrivals[hart.index()].push_back(arrival);
    }

    #[inline]
    pub(super) fn next_arrival(&mut self, hart: HartId) -> Option<Arrival> {
        self.arrivals[hart.index()].pop_front()
    }

    /// Whether nothing waits and nothing is left to be told.
    #[cfg(test)]
    pub(super) fn is_quiescent(&self) -> bool {
        self.unused.len() == self.fills.len()
            && self.turned_away.is_empty()
            && self.arrivals.iter().all(VecDeque::is_empty)
    }
}

impl Hierarchy {
    /// Lets memory act, one event after the other up to and including `now`, and what waited for it
    /// go on.
    pub(super) fn run_memory(&mut self, now: Cycle) {
        let mut reached = None;
        // What one answer sets off can ask for something that is due before the next one.
        while let Some(event) = self.memory.next_event().filter(|event| *event < now) {
            if reached.is_some_and(|reached| event <= reached) {
                break;
            }
            self.run_memory_once(event);
            reached = Some(event);
        }
        self.run_memory_once(now);
    }

    fn run_memory_once(&mut self, now: Cycle) {
        let mut answers = std::mem::take(&mut self.overlap.answers);
        self.memory.advance(now, &mut answers);
        for (fill, at) in answers.drain(..) {
            self.settle(FillId::new(fill), at);
        }
        self.overlap.answers = answers;
        self.resume_walks(now);
    }

    /// Memory answered `id` at `answer`.
    fn settle(&mut self, id: FillId, answer: Cycle) {
        let mut fill = std::mem::take(&mut self.overlap.fills[id.index()]);
        for (place, register) in fill.registers.drain(..) {
            let cache = self.cache(place);
            let (line, at, purpose) = cache.mshrs.settle(register, answer);
            cache.filled(line, at, purpose == Purpose::Prefetch);
        }
        for waiter in fill.waiters.drain(..) {
            let access = Access { at: waiter.when.given(answer), found: waiter.found };
            match waiter.who {
                Who::Core(hart, ticket) => {
                    self.overlap.tell(hart, Arrival::Access(ticket, access));
                }
                Who::Walk(walk) => self.walk_goes_on(walk, access),
                Who::Caller => self.overlap.answer = Some(access.at),
            }
        }
        self.overlap.fills[id.index()] = fill;
        self.overlap.unused.push(id);
    }
}
