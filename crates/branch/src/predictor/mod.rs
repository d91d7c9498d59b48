//! All predictors of a front end in one piece: what a pipeline talks to.
//!
//! [`Predictor`] keeps the branches between prediction and commit in a ring, with their tokens and
//! checkpoints, and hands out a small [`Record`] for each. A pipeline calls
//!
//! 1. [`Predictor::next_branch`] for the branches of a fetch block and [`Predictor::predict`] for
//!    each, in the order it goes by them;
//! 2. [`Predictor::squash_to`] when a branch turns out otherwise, or when something else than a
//!    branch drops the younger ones;
//! 3. [`Predictor::commit`] for each record that was not squashed, in program order.
//!
//! A branch that the branch target buffer did not know has no record. If decode finds it, the
//! pipeline squashes what is younger, teaches the buffer ([`Predictor::learn_target`]) and predicts
//! it then. If it turns out taken only later, the pipeline squashes and enters it with its
//! outcome ([`Predictor::enter`]). One that falls through unseen leaves no mark, as in hardware.
//!
//! A target buffer may also know a branch where there is none, by a tag that other addresses share.
//! Decode then squashes it ([`Predictor::squash_to`] without an outcome) and must make the buffer forget
//! it ([`Predictor::forget_target`]), or the front end will find it again.
//!
//! Left out: the time a prediction takes, beyond what a hit in the buffer says; the pipeline charges
//! it.

mod config;
mod front;
mod in_flight;
mod restored;
mod tables;

pub use config::BranchConfig;
pub use in_flight::Record;
pub use restored::{KnownBranch, Learned};
pub use tables::Storage;

use crate::ConfigError;
use crate::direction::{Direction, Origin};
use crate::target::{Btb, BtbHit};
use front::Front;
use in_flight::{Asked, InFlight, Predicted};
use restored::Watched;
use stream::{Branch, BranchKind, VirtAddr};

/// What the front end is to do at a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// It leaves the sequential path.
    pub taken: bool,
    /// Where it goes if it does.
    pub target: VirtAddr,
    /// For recovery and training.
    pub record: Record,
}

/// The predictors of a front end with their speculative state.
#[derive(Clone, Debug)]
pub struct Predictor {
    config: BranchConfig,
    front: Front,
    btb: Btb,
    in_flight: InFlight,
    /// What a restoration unit sees of the branch target buffer, if there is one.
    watched: Option<Box<Watched>>,
}

impl Predictor {
    /// Builds the predictors, unless their parameters cannot be.
    pub fn new(config: &BranchConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let front = Front::new(config)?;
        Ok(Self {
            btb: Btb::new(&config.btb)?,
            in_flight: InFlight::new(front.direction.token(), front.indirect.token()),
            front,
            watched: None,
            config: config.clone(),
        })
    }

    /// What the branch target buffer knows of a branch at `pc`.
    #[must_use]
    #[inline]
    pub fn look_up(&self, pc: VirtAddr) -> Option<BtbHit> {
        self.btb.look_up(pc)
    }

    /// The first branch the branch target buffer knows from `start` to below `end`, in steps of two
    /// bytes.
    #[must_use]
    #[inline]
    pub fn next_branch(&self, start: VirtAddr, end: VirtAddr) -> Option<(VirtAddr, BtbHit)> {
        self.btb.next_branch(start, end)
    }

    /// Guesses the branch at `pc` and goes by the guess. `btb_target` is where it goes if nothing
    /// knows better; `oracle` what it will do, if that is known: only perfect predictors look.
    pub fn predict(
        &mut self,
        pc: VirtAddr,
        kind: BranchKind,
        btb_target: VirtAddr,
        fall_through: VirtAddr,
        oracle: Option<&Branch>,
    ) -> Prediction {
        self.btb.touch(pc);
        let length = length(pc, fall_through);
        self.note_use(KnownBranch { pc, target: btb_target, kind, length });
        let place = self.in_flight.next_place();
        let branch = self.front.ask(pc, kind, btb_target, oracle, &mut place.guess);
        self.front.go_by(place, pc, fall_through, branch);
        let record = self.in_flight.enter();
        Prediction { taken: branch.taken, target: branch.target, record }
    }

    /// Enters a branch that was not predicted with its true outcome, after everything older in
    /// flight; what is younger has been squashed.
    pub fn enter(&mut self, pc: VirtAddr, actual: &Branch, fall_through: VirtAddr) -> Record {
        let place = self.in_flight.next_place();
        self.front.ask(pc, actual.kind, actual.target, Some(actual), &mut place.guess);
        self.front.go_by(place, pc, fall_through, *actual);
        self.in_flight.enter()
    }

    /// Takes every branch younger than `record` back. With `actual`, the branch of `record` then
    /// goes that way and stays in flight; without, it is taken back too. Panics if it is not in
    /// flight.
    pub fn squash_to(&mut self, record: &Record, actual: Option<&Branch>) {
        for _ in 0..self.in_flight.younger(record) {
            self.repair_youngest();
            self.in_flight.drop_youngest();
        }
        self.repair_youngest();
        let predicted = self.in_flight.youngest();
        self.front.go_back(predicted);
        let Some(actual) = actual else { return self.in_flight.drop_youngest() };
        let Predicted { pc, fall_through, .. } = *predicted;
        if predicted.branch.kind != actual.kind {
            // The buffer had the kind wrong: another component has to learn the branch.
            self.front.ask(pc, actual.kind, actual.target, Some(actual), &mut predicted.guess);
        }
        self.front.go_by(predicted, pc, fall_through, *actual);
    }

    fn repair_youngest(&mut self) {
        if let Some(token) = self.in_flight.youngest().guess.direction() {
            self.front.direction.repair(token);
        }
    }

    /// The oldest branch in flight is done: trains its predictors and, if it was taken, the branch
    /// target buffer. Returns where the guess of a conditional branch came from, if its predictor has
    /// parts. Panics if `record` is not the oldest.
    pub fn commit(&mut self, record: &Record, pc: VirtAddr, actual: &Branch) -> Option<Origin> {
        assert!(self.in_flight.is_oldest(record), "branches commit in order: {record:?}");
        let predicted = self.in_flight.oldest();
        debug_assert_eq!(predicted.pc, pc);
        let mut origin = None;
        match predicted.guess.asked {
            Asked::Direction if actual.kind == BranchKind::Conditional => {
                let token = &predicted.guess.direction;
                origin = Direction::origin(token);
                self.front.direction.train(token, actual.taken);
                if let Some(origin) = &mut origin {
                    origin.moved = self.front.direction.moved();
                }
            }
            Asked::Indirect => self.front.indirect.train(&predicted.guess.indirect, actual.target),
            Asked::Direction | Asked::Nobody => {}
        }
        let length = length(pc, predicted.fall_through);
        self.in_flight.drop_oldest();
        if actual.taken {
            let (target, kind) = (actual.target, actual.kind);
            self.insert_target(KnownBranch { pc, target, kind, length });
        }
        origin
    }

    /// Teaches the branch target buffer a branch ahead of its commit, as decode does.
    pub fn learn_target(
        &mut self,
        pc: VirtAddr,
        kind: BranchKind,
        target: VirtAddr,
        fall_through: VirtAddr,
    ) {
        self.insert_target(KnownBranch { pc, target, kind, length: length(pc, fall_through) });
    }

    /// Makes the branch target buffer forget `pc`, where decode found no branch.
    pub fn forget_target(&mut self, pc: VirtAddr) {
        self.btb.remove(pc);
    }

    /// Predicts, resolves and trains a branch at once, for warming; whether the front end would have
    /// gone elsewhere, for want of an entry in the branch target buffer or by a wrong guess.
    ///
    /// It leaves everything as a pipeline would that commits each branch before the next.
    pub fn warm(&mut self, pc: VirtAddr, actual: &Branch, fall_through: VirtAddr) -> bool {
        let hit = self.btb.look_up(pc);
        if hit.is_none() && !actual.taken {
            return false;
        }
        let (mut wrong, mut known) = (true, false);
        let length = length(pc, fall_through);
        if let Some(hit) = hit {
            self.note_use(KnownBranch { pc, target: hit.target, kind: hit.kind, length });
        }
        // What the guess leaves has its place there, though the branch is never in flight.
        let guess = &mut self.in_flight.next_place().guess;
        if let Some(hit) = hit {
            let branch = self.front.ask(pc, hit.kind, hit.target, Some(actual), guess);
            wrong =
                branch.taken != actual.taken || (actual.taken && branch.target != actual.target);
            known = hit.kind == actual.kind;
        }
        if !known {
            self.front.ask(pc, actual.kind, actual.target, Some(actual), guess);
        }
        self.front.go(pc, fall_through, actual, guess);
        match guess.asked {
            Asked::Direction => self.front.direction.train(&guess.direction, actual.taken),
            Asked::Indirect => self.front.indirect.train(&guess.indirect, actual.target),
            Asked::Nobody => {}
        }
        // Inserting a branch is a use of its entry, too.
        match actual.taken {
            true => {
                let (target, kind) = (actual.target, actual.kind);
                self.insert_target(KnownBranch { pc, target, kind, length });
            }
            false => self.btb.touch(pc),
        }
        wrong
    }

    /// Branches between prediction and commit.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }
}

/// The length of a branch from where it begins and ends.
fn length(pc: VirtAddr, fall_through: VirtAddr) -> u8 {
    fall_through.0.wrapping_sub(pc.0) as u8
}

#[cfg(test)]
mod digest;
#[cfg(test)]
mod tests;
