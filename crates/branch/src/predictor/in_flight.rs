//! The branches between prediction and commit, oldest first.

use crate::direction::DirectionToken;
use crate::indirect::IndirectToken;
use crate::ras::StackCheckpoint;
use crate::{Checkpoint, MAX_IN_FLIGHT};
use stream::{Branch, BranchKind, VirtAddr};

/// A branch that was predicted, for recovery and training. It names a place among the branches in
/// flight, so copies are cheap; it ends with the branch's commit or squash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record(u32);

/// Which predictor was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing had to be guessed, or the return stack did.
    Nobody,
    Direction,
    Indirect,
}

/// What a predictor remembers of its guess. Tokens are large, so each has a place that it is written
/// in; what is in the place of a predictor that was not asked is left over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    pub(super) asked: Asked,
    pub(super) direction: DirectionToken,
    pub(super) indirect: IndirectToken,
}

impl Guess {
    /// The token of the direction predictor, if that was asked.
    #[inline]
    pub(super) fn direction(&self) -> Option<&DirectionToken> {
        (self.asked == Asked::Direction).then_some(&self.direction)
    }
}

/// A branch in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Predicted {
    pub(super) pc: VirtAddr,
    pub(super) fall_through: VirtAddr,
    /// The outcome the front end goes by.
    pub(super) branch: Branch,
    /// History and return stack before the branch.
    pub(super) history: Checkpoint,
    pub(super) stack: StackCheckpoint,
    pub(super) guess: Guess,
}

impl Predicted {
    /// What an unused place holds.
    fn none(direction: DirectionToken, indirect: IndirectToken) -> Self {
        Self {
            pc: VirtAddr(0),
            fall_through: VirtAddr(0),
            branch: Branch { kind: BranchKind::Jump, taken: false, target: VirtAddr(0) },
            history: Checkpoint::START,
            stack: StackCheckpoint::START,
            guess: Guess { asked: Asked::Nobody, direction, indirect },
        }
    }
}

/// A ring that grows to the most branches that were ever in flight, so that what most cores need stays
/// in the host's nearest cache.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    ring: Vec<Predicted>,
    oldest: u32,
    next: u32,
}

/// Enough for the presets: growing takes memory from the host.
const INITIAL: usize = 256;

impl InFlight {
    /// For guesses that leave tokens of these kinds.
    pub(super) fn new(direction: DirectionToken, indirect: IndirectToken) -> Self {
        let none = Predicted::none(direction, indirect);
        Self { ring: vec![none; INITIAL], oldest: 0, next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.next.wrapping_sub(self.oldest) as usize
    }

    fn place(&self, number: u32) -> usize {
        number as usize & (self.ring.len() - 1)
    }

    /// Where the next branch goes. What it holds is left over.
    #[inline]
    pub(super) fn next_place(&mut self) -> &mut Predicted {
        if self.len() == self.ring.len() {
            self.grow();
        }
        let place = self.place(self.next);
        &mut self.ring[place]
    }

    /// The branch in the next place is the youngest.
    #[inline]
    pub(super) fn enter(&mut self) -> Record {
        let record = Record(self.next);
        self.next = self.next.wrapping_add(1);
        record
    }

    #[cold]
    fn grow(&mut self) {
        let larger = 2 * self.ring.len();
        assert!(larger <= MAX_IN_FLIGHT, "more than {MAX_IN_FLIGHT} branches in flight");
        let mut ring = vec![self.ring[0]; larger];
        for offset in 0..self.len() as u32 {
            let number = self.oldest.wrapping_add(offset);
            ring[number as usize & (larger - 1)] = self.ring[self.place(number)];
        }
        self.ring = ring;
    }

    fn holds(&self, record: &Record) -> bool {
        (record.0.wrapping_sub(self.oldest) as usize) < self.len()
    }

    /// How many branches are younger. Panics if it is not in flight.
    pub(super) fn younger(&self, record: &Record) -> u32 {
        assert!(self.holds(record), "branch {record:?} is not in flight");
        self.next.wrapping_sub(record.0.wrapping_add(1))
    }

    pub(super) fn is_oldest(&self, record: &Record) -> bool {
        self.len() > 0 && record.0 == self.oldest
    }

    /// The youngest branch.
    pub(super) fn youngest(&mut self) -> &mut Predicted {
        assert!(self.len() > 0, "no branch is in flight");
        let place = self.place(self.next.wrapping_sub(1));
        &mut self.ring[place]
    }

    /// The oldest branch.
    pub(super) fn oldest(&self) -> &Predicted {
        assert!(self.len() > 0, "no branch is in flight");
        let place = self.place(self.oldest);
        &self.ring[place]
    }

    pub(super) fn drop_youngest(&mut self) {
        self.next = self.next.wrapping_sub(1);
    }

    pub(super) fn drop_oldest(&mut self) {
        self.oldest = self.oldest.wrapping_add(1);
    }
}
