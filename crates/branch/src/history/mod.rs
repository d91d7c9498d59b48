//! The speculative history of a front end.
//!
//! One [`History`] belongs to each front end. Every branch of every kind is pushed on it when it is
//! predicted, with the predicted outcome; a squash rewinds it to a [`Checkpoint`]. Predictors only
//! read it. What it keeps follows two published designs: the single outcome bit of L-TAGE (Seznec,
//! "A 256 Kbits L-TAGE branch predictor", JILP 2007) and the two or three bits of outcome and
//! address per branch of TAGE-SC-L (Seznec, "TAGE-SC-L branch predictors again", CBP-5, 2016),
//! beside a history of indirect targets (Seznec, "A 64-Kbytes ITTAGE indirect branch predictor",
//! CBP-3, 2011), of inner loops (Seznec, San Miguel and Albericio, "The inner most loop iteration
//! counter", MICRO 2015) and of program contexts (Schall et al., "The last-level branch predictor",
//! MICRO 2024).

mod contexts;
mod folded;
mod sequence;
mod short;

pub use contexts::{Context, ContextSpec};
use contexts::{Contexts, Place};
pub use folded::FoldSpec;
pub(crate) use folded::{Folds, ROLES};
use sequence::{Sequence, Stand};

use crate::bits::{low, site_bits};
use stream::{Branch, BranchKind, VirtAddr};

/// What a direction predictor wants of the history; by default, the latest outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistorySpec {
    /// The bits a branch adds.
    pub insertion: Insertion,
    /// The folded registers it reads, by number.
    pub folds: Vec<FoldSpec>,
    /// The program contexts it tells apart, if it does.
    pub contexts: Option<ContextSpec>,
}

/// The bits a branch adds to the global history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Insertion {
    /// Its outcome; one address bit goes into the path.
    #[default]
    Outcome,
    /// Two bits of outcome and address, three of indirect branches and returns, with the target.
    OutcomeAndAddress,
}

/// A place in the history to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    global: Stand,
    targets: Stand,
    path: u32,
    backward: u64,
    inner_loop: u8,
    contexts: Place,
}

impl Checkpoint {
    /// The place of an empty history.
    pub(crate) const START: Self = Self {
        global: Stand::START,
        targets: Stand::START,
        path: 0,
        backward: 0,
        inner_loop: 0,
        contexts: Place::START,
    };
}

/// The branches that the front end went by, as predictors remember them.
#[derive(Clone, Debug)]
pub struct History {
    insertion: Insertion,
    global: Sequence,
    targets: Sequence,
    contexts: Option<Contexts>,
    now: Checkpoint,
}

/// Bits an indirect branch adds to the history of targets.
pub(crate) const TARGET_BITS: u32 = 10;
/// Bits of the path.
const PATH_BITS: u32 = 27;

impl History {
    /// An empty history with what a direction predictor and an indirect predictor read.
    #[must_use]
    pub fn new(direction: &HistorySpec, indirect: &[FoldSpec]) -> Self {
        Self {
            insertion: direction.insertion,
            global: Sequence::new(&direction.folds),
            targets: Sequence::new(indirect),
            contexts: direction.contexts.map(Contexts::new),
            now: Checkpoint::START,
        }
    }

    /// Adds the branch at `pc`, of any kind, with the outcome the front end goes by.
    #[inline(always)]
    pub fn push(&mut self, pc: VirtAddr, branch: &Branch) {
        match self.insertion {
            Insertion::Outcome => {
                self.global.push(&mut self.now.global, u32::from(branch.taken), 1);
                self.push_path((site_bits(pc) ^ site_bits(pc) >> 1) as u32 & 1);
            }
            Insertion::OutcomeAndAddress => self.push_outcome_and_address(pc, branch),
        }
        if let Some(contexts) = &mut self.contexts {
            contexts.push(pc, branch.kind == BranchKind::Conditional);
        }
        match branch.kind {
            BranchKind::Conditional => self.push_loop(pc, branch),
            BranchKind::IndirectJump | BranchKind::IndirectCall => {
                self.push_target(pc, branch.target);
            }
            _ => {}
        }
    }

    fn push_path(&mut self, bits: u32) {
        self.now.path = (self.now.path << 1 ^ bits) & ((1 << PATH_BITS) - 1);
    }

    #[inline(never)]
    fn push_outcome_and_address(&mut self, pc: VirtAddr, branch: &Branch) {
        let (site, target) = (site_bits(pc), site_bits(branch.target));
        let mut bits = site ^ site >> 2 ^ u64::from(branch.taken);
        let mut path = site ^ site >> 2 ^ site >> 4;
        let count = match branch.kind {
            BranchKind::Conditional | BranchKind::Jump | BranchKind::Call => 2,
            _ => {
                bits ^= target >> 2;
                path ^= target >> 2 ^ target >> 4;
                3
            }
        };
        self.global.push(&mut self.now.global, low(bits, count) as u32, count);
        (0..count).for_each(|step| self.push_path((path >> step) as u32 & 0x7f));
    }

    /// Counts the iterations of the innermost loop: a backward branch closes one.
    fn push_loop(&mut self, pc: VirtAddr, branch: &Branch) {
        let backward = branch.target < pc;
        self.now.backward = self.now.backward << 1 | u64::from(branch.taken && backward);
        if backward {
            self.now.inner_loop =
                if branch.taken { self.now.inner_loop.saturating_add(1) } else { 0 };
        }
    }

    fn push_target(&mut self, pc: VirtAddr, target: VirtAddr) {
        let bits = site_bits(target) ^ site_bits(target) >> 3 ^ site_bits(pc);
        self.targets.push(&mut self.now.targets, low(bits, TARGET_BITS) as u32, TARGET_BITS);
    }

    /// Where the history stands.
    #[must_use]
    #[inline]
    pub fn checkpoint(&mut self) -> Checkpoint {
        self.global.mark(&mut self.now.global);
        self.targets.mark(&mut self.now.targets);
        if let Some(contexts) = &self.contexts {
            self.now.contexts = contexts.place();
        }
        self.now
    }

    /// Forgets every branch since `checkpoint`. Panics if that is far more than
    /// [`MAX_IN_FLIGHT`](crate::MAX_IN_FLIGHT) branches.
    pub fn rewind(&mut self, checkpoint: &Checkpoint) {
        self.global.rewind(checkpoint.global);
        self.targets.rewind(checkpoint.targets);
        self.now = *checkpoint;
        if let Some(contexts) = &mut self.contexts {
            contexts.rewind(&checkpoint.contexts);
        }
    }

    /// The latest `count` bits (up to 64) of the global history, the latest lowest.
    #[must_use]
    pub fn recent(&self, count: u32) -> u64 {
        self.global.recent(self.now.global, count)
    }

    /// A folded register of the direction predictor, by its place among those it asked for.
    #[must_use]
    #[inline]
    pub fn fold(&self, number: usize) -> u32 {
        self.global.fold(self.now.global, number)
    }

    /// Those of the first so many eights of lengths; where there are fewer, the others are 0.
    #[inline]
    pub(crate) fn eights<const EIGHTS: usize>(&self) -> [Folds; EIGHTS] {
        self.global.eights(self.now.global)
    }

    /// A folded register of the indirect predictor, over the targets of indirect jumps and calls.
    #[must_use]
    #[inline]
    pub fn target_fold(&self, number: usize) -> u32 {
        self.targets.fold(self.now.targets, number)
    }

    /// Address bits of the latest branches, 27 bits.
    #[must_use]
    pub fn path(&self) -> u32 {
        self.now.path
    }

    /// A bit per conditional branch: it was taken, and backward. The latest is lowest.
    #[must_use]
    pub fn backward(&self, count: u32) -> u64 {
        low(self.now.backward, count)
    }

    /// Iterations of the innermost loop so far, at most 255.
    #[must_use]
    pub fn inner_loop(&self) -> u8 {
        self.now.inner_loop
    }

    /// The program context, for a predictor that asked for them.
    #[must_use]
    #[inline]
    pub fn context(&self) -> Option<Context> {
        self.contexts.as_ref().map(Contexts::current)
    }

    /// Bits of storage, without what recovery needs.
    #[must_use]
    pub fn storage_bits(&self) -> u64 {
        let plain = PATH_BITS + u64::BITS + u8::BITS;
        let contexts = self.contexts.as_ref().map_or(0, Contexts::storage_bits);
        self.global.storage_bits() + self.targets.storage_bits() + u64::from(plain) + contexts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::Scatter;
    use proptest::prelude::*;

    fn history(insertion: Insertion) -> History {
        let folds = vec![FoldSpec { length: 300, width: 11 }, FoldSpec { length: 12, width: 7 }];
        let contexts = Some(ContextSpec { window: 8, ahead: 4, bits: 14 });
        let spec = HistorySpec { insertion, folds, contexts };
        History::new(&spec, &[FoldSpec { length: 70, width: 9 }])
    }

    type Seen = (u32, u32, u32, u64, u32, u64, u8, Option<Context>);

    fn seen(history: &History) -> Seen {
        let folds = (history.fold(0), history.fold(1), history.target_fold(0));
        let rest = (history.recent(64), history.path(), history.backward(63), history.inner_loop());
        (folds.0, folds.1, folds.2, rest.0, rest.1, rest.2, rest.3, history.context())
    }

    proptest! {
        #[test]
        fn a_rewound_history_is_the_one_that_was(seed: u64, before in 0_usize..500, squashed in 0_usize..800) {
            for insertion in [Insertion::Outcome, Insertion::OutcomeAndAddress] {
                let mut history = history(insertion);
                let mut scatter = Scatter::new(seed);
                for _ in 0..before {
                    let (pc, branch) = scatter.branch();
                    history.push(pc, &branch);
                }
                let (then, checkpoint) = (seen(&history), history.checkpoint());
                for _ in 0..squashed {
                    let (pc, branch) = scatter.branch();
                    history.push(pc, &branch);
                }
                history.rewind(&checkpoint);
                prop_assert_eq!(seen(&history), then);
            }
        }
    }

    fn position(history: &mut History) -> u64 {
        let Sequence::Long(bits) = &mut history.global else { panic!("it is long") };
        bits.mark().position()
    }

    #[test]
    fn every_kind_of_branch_leaves_a_mark() {
        let kinds = [
            BranchKind::Conditional,
            BranchKind::Jump,
            BranchKind::IndirectJump,
            BranchKind::Call,
            BranchKind::IndirectCall,
            BranchKind::Return,
            BranchKind::ReturnAndCall,
        ];
        for kind in kinds {
            for insertion in [Insertion::Outcome, Insertion::OutcomeAndAddress] {
                let mut history = history(insertion);
                let before = position(&mut history);
                let branch = Branch { kind, taken: true, target: VirtAddr(0x40) };
                history.push(VirtAddr(0x1000), &branch);
                assert!(position(&mut history) > before, "{kind:?}");
            }
        }
    }

    #[test]
    fn the_inner_loop_counts_backward_branches_until_one_falls_through() {
        let mut history = history(Insertion::Outcome);
        let back = |taken| Branch { kind: BranchKind::Conditional, taken, target: VirtAddr(0x10) };
        let ahead = Branch { target: VirtAddr(0x90), ..back(false) };
        for branch in [back(true), ahead, back(true), back(true)] {
            history.push(VirtAddr(0x40), &branch);
        }
        assert_eq!((history.inner_loop(), history.backward(4)), (3, 0b1011));
        history.push(VirtAddr(0x40), &back(false));
        assert_eq!(history.inner_loop(), 0);
    }
}
