//! Drives direction predictors the way a front end does, for tests.

use crate::direction::{BranchSite, DirectionPredictor};
use crate::{Checkpoint, History};
use std::collections::VecDeque;
use stream::{Branch, BranchKind, VirtAddr};

/// A stream of made-up branches (splitmix64; Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Scatter(u64);

impl Scatter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Happens `percent` times in a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// A branch of any kind.
    pub(crate) fn branch(&mut self) -> (VirtAddr, Branch) {
        let kind = match self.next() % 8 {
            0 => BranchKind::Jump,
            1 => BranchKind::IndirectCall,
            2 => BranchKind::Return,
            3 => BranchKind::Call,
            _ => BranchKind::Conditional,
        };
        let taken = kind != BranchKind::Conditional || self.chance(50);
        let near = |bits: u64| VirtAddr(0x1_0000 + (bits & 0x7e));
        (near(self.next()), Branch { kind, taken, target: near(self.next()) })
    }
}

/// A forward conditional branch.
pub(crate) fn ahead(pc: u64, taken: bool) -> (VirtAddr, Branch) {
    let target = VirtAddr(pc + 0x40);
    (VirtAddr(pc), Branch { kind: BranchKind::Conditional, taken, target })
}

/// A backward conditional branch.
pub(crate) fn back(pc: u64, taken: bool) -> (VirtAddr, Branch) {
    let target = VirtAddr(pc - 0x40);
    (VirtAddr(pc), Branch { kind: BranchKind::Conditional, taken, target })
}

/// A predictor with its history, and the branches between guess and commit.
#[derive(Debug)]
pub(crate) struct Workbench<P: DirectionPredictor> {
    pub(crate) predictor: P,
    pub(crate) history: History,
    in_flight: VecDeque<(P::Token, bool)>,
    /// Branches between guess and commit.
    pub(crate) depth: usize,
    /// Branches followed down the wrong path at each misprediction.
    pub(crate) wrong_path: usize,
    scatter: Scatter,
}

impl<P: DirectionPredictor> Workbench<P> {
    pub(crate) fn new() -> Self {
        Self::with(&P::Config::default())
    }

    pub(crate) fn with(config: &P::Config) -> Self {
        let predictor = P::new(config);
        let history = History::new(&predictor.history(), &[]);
        let (in_flight, scatter) = (VecDeque::new(), Scatter::new(7));
        Self { predictor, history, in_flight, depth: 0, wrong_path: 0, scatter }
    }

    /// One branch of the right path; the guess, if it is conditional.
    pub(crate) fn branch(&mut self, pc: VirtAddr, branch: &Branch) -> Option<bool> {
        if branch.kind != BranchKind::Conditional {
            self.history.push(pc, branch);
            return None;
        }
        let checkpoint = self.history.checkpoint();
        let site = BranchSite { pc, oracle: branch.taken };
        let mut token = P::Token::default();
        let guess = self.predictor.predict(site, &self.history, &mut token);
        self.predictor.speculate(&token, guess);
        self.history.push(pc, &Branch { taken: guess, ..*branch });
        if guess != branch.taken {
            self.squash_wrong_path();
            self.predictor.repair(&token);
            self.history.rewind(&checkpoint);
            self.predictor.speculate(&token, branch.taken);
            self.history.push(pc, branch);
        }
        self.in_flight.push_back((token, branch.taken));
        while self.in_flight.len() > self.depth {
            let (token, actual) = self.in_flight.pop_front().expect("it is not empty");
            self.predictor.train(&token, actual);
        }
        Some(guess)
    }

    fn squash_wrong_path(&mut self) {
        let count = self.wrong_path;
        self.detour(count);
    }

    /// Guesses `count` random branches and takes them back.
    pub(crate) fn detour(&mut self, count: usize) {
        let from: Checkpoint = self.history.checkpoint();
        let mut tokens = Vec::new();
        for _ in 0..count {
            let (pc, branch) = self.scatter.branch();
            if branch.kind == BranchKind::Conditional {
                let site = BranchSite { pc, oracle: branch.taken };
                let mut token = P::Token::default();
                self.predictor.predict(site, &self.history, &mut token);
                self.predictor.speculate(&token, branch.taken);
                tokens.push(token);
            }
            self.history.push(pc, &branch);
        }
        tokens.iter().rev().for_each(|token| self.predictor.repair(token));
        self.history.rewind(&from);
    }

    /// Runs branches; the number of wrong guesses.
    pub(crate) fn run(&mut self, branches: impl IntoIterator<Item = (VirtAddr, Branch)>) -> usize {
        let wrong = |(pc, branch): (VirtAddr, Branch)| {
            self.branch(pc, &branch).is_some_and(|guess| guess != branch.taken)
        };
        branches.into_iter().map(wrong).filter(|wrong| *wrong).count()
    }
}
