//! The predictors that a front end moves ahead with: all but the branch target buffer, which looking
//! at does not change.

use super::BranchConfig;
use super::in_flight::{Asked, Guess, Predicted};
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
    #[inline(always)]
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
                guess.asked = Asked::Direction;
                let taken = self.direction.predict(site, &self.history, &mut guess.direction);
                Branch { taken, ..certain }
            }
            BranchKind::Jump | BranchKind::Call => {
                guess.asked = Asked::Nobody;
                certain
            }
            BranchKind::IndirectJump | BranchKind::IndirectCall => {
                let site = IndirectSite { pc, oracle: oracle.map(|branch| branch.target) };
                guess.asked = Asked::Indirect;
                let target = self.indirect.predict(site, &self.history, &mut guess.indirect);
                Branch { target: target.unwrap_or(btb_target), ..certain }
            }
            BranchKind::Return | BranchKind::ReturnAndCall => {
                guess.asked = Asked::Nobody;
                Branch { target: self.ras.peek().unwrap_or(btb_target), ..certain }
            }
        }
    }

    /// Moves everything speculative by the outcome the front end goes by.
    #[inline(always)]
    pub(super) fn go(
        &mut self,
        pc: VirtAddr,
        fall_through: VirtAddr,
        branch: &Branch,
        guess: &Guess,
    ) {
        if let Some(token) = guess.direction() {
            self.direction.speculate(token, branch.taken);
        }
        // Most branches leave the stack alone.
        if branch.kind != BranchKind::Conditional {
            self.move_stack(fall_through, branch.kind);
        }
        self.history.push(pc, branch);
    }

    #[inline]
    fn move_stack(&mut self, fall_through: VirtAddr, kind: BranchKind) {
        match kind {
            BranchKind::Call | BranchKind::IndirectCall => self.ras.push(fall_through),
            BranchKind::Return => drop(self.ras.pop()),
            BranchKind::ReturnAndCall => {
                self.ras.pop();
                self.ras.push(fall_through);
            }
            BranchKind::Conditional | BranchKind::Jump | BranchKind::IndirectJump => {}
        }
    }

    /// Goes by `branch`, and notes in `place`, which has the guess, how to come back.
    #[inline(always)]
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
