//! The predictors that a front end moves ahead with: all but the branch target buffer, which looking
//! at does not change.

use super::BranchConfig;
use super::in_flight::{Guess, Predicted};
use crate::direction::{BranchSite, Direction};
use crate::indirect::{Indirect, IndirectSite};
use crate::{ConfigError, History, ReturnStack};
use stream::{Branch, BranchKind, VirtAddr};

#[derive(Clone, Debug)]
pub(super) struct Front {
    pub(super) history: History,
    pub(super) direction: Direction,
    pub(super) indirect: Indirect,
    pub(super) ras: ReturnStack,
}

impl Front {
    pub(super) fn new(config: &BranchConfig) -> Result<Self, ConfigError> {
        let direction = Direction::new(&config.direction)?;
        let indirect = Indirect::new(&config.indirect)?;
        Ok(Self {
            history: History::new(&direction.history(), &indirect.folds()),
            direction,
            indirect,
            ras: ReturnStack::new(config.ras_entries),
        })
    }

    /// The guess of the component that knows this kind of branch; what it remembers of it goes to
    /// `guess`, in place because it is large.
    #[inline]
    pub(super) fn ask(
        &self,
        pc: VirtAddr,
        kind: BranchKind,
        btb_target: VirtAddr,
        oracle: Option<&Branch>,
        guess: &mut Guess,
    ) -> Branch {
        let certain = Branch { kind, taken: true, target: btb_target };
        match kind {
            BranchKind::Conditional => {
                let site = BranchSite { pc, oracle: oracle.is_some_and(|branch| branch.taken) };
                let (taken, token) = self.direction.predict(site, &self.history);
                *guess = Guess::Direction(token);
                Branch { taken, ..certain }
            }
            BranchKind::Jump | BranchKind::Call => {
                *guess = Guess::None;
                certain
            }
            BranchKind::IndirectJump | BranchKind::IndirectCall => {
                let site = IndirectSite { pc, oracle: oracle.map(|branch| branch.target) };
                let (target, token) = self.indirect.predict(site, &self.history);
                *guess = Guess::Indirect(token);
                Branch { target: target.unwrap_or(btb_target), ..certain }
            }
            BranchKind::Return | BranchKind::ReturnAndCall => {
                *guess = Guess::None;
                Branch { target: self.ras.peek().unwrap_or(btb_target), ..certain }
            }
        }
    }

    /// Moves everything speculative by the outcome the front end goes by.
    #[inline]
    pub(super) fn go(
        &mut self,
        pc: VirtAddr,
        fall_through: VirtAddr,
        branch: &Branch,
        guess: &Guess,
    ) {
        if let Guess::Direction(token) = guess {
            self.direction.speculate(token, branch.taken);
        }
        match branch.kind {
            BranchKind::Call | BranchKind::IndirectCall => self.ras.push(fall_through),
            BranchKind::Return => drop(self.ras.pop()),
            BranchKind::ReturnAndCall => {
                self.ras.pop();
                self.ras.push(fall_through);
            }
            BranchKind::Conditional | BranchKind::Jump | BranchKind::IndirectJump => {}
        }
        self.history.push(pc, branch);
    }

    /// Goes by `branch`, and notes in `place`, which has the guess, how to come back.
    #[inline]
    pub(super) fn go_by(
        &mut self,
        place: &mut Predicted,
        pc: VirtAddr,
        fall_through: VirtAddr,
        branch: Branch,
    ) {
        (place.pc, place.fall_through, place.branch) = (pc, fall_through, branch);
        (place.history, place.stack) = (self.history.checkpoint(), self.ras.checkpoint());
        self.go(pc, fall_through, &branch, &place.guess);
    }

    /// Goes back to before `predicted`.
    pub(super) fn go_back(&mut self, predicted: &Predicted) {
        self.history.rewind(&predicted.history);
        self.ras.restore(&predicted.stack);
    }
}
