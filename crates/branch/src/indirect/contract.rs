//! What every indirect predictor must do.

use super::{IndirectPredictor, IndirectSite};
use crate::workbench::Scatter;
use crate::{History, HistorySpec, Problems};
use stream::{Branch, BranchKind, VirtAddr};

/// A predictor with its history.
pub(super) struct Bench<P: IndirectPredictor> {
    predictor: P,
    history: History,
}

impl<P: IndirectPredictor> Bench<P> {
    pub(super) fn new() -> Self {
        let predictor = P::new(&P::Config::default());
        let spec = HistorySpec::default();
        let history = History::new(&spec, &predictor.folds());
        Self { predictor, history }
    }

    /// A conditional branch, which only the history sees.
    pub(super) fn outcome(&mut self, pc: u64, taken: bool) {
        let target = VirtAddr(pc + 8);
        let branch = Branch { kind: BranchKind::Conditional, taken, target };
        self.history.push(VirtAddr(pc), &branch);
    }

    /// An indirect jump; the guess before it is known.
    pub(super) fn jump(&mut self, pc: u64, target: u64) -> Option<VirtAddr> {
        let (pc, target) = (VirtAddr(pc), VirtAddr(target));
        let site = IndirectSite { pc, oracle: Some(target) };
        let mut token = P::Token::default();
        let guess = self.predictor.predict(site, &self.history, &mut token);
        let branch = Branch { kind: BranchKind::IndirectJump, taken: true, target };
        self.history.push(pc, &branch);
        self.predictor.train(&token, target);
        guess
    }

    /// Guesses branches down a wrong path and takes them back.
    fn detour(&mut self, scatter: &mut Scatter) {
        let from = self.history.checkpoint();
        for _ in 0..30 {
            let (pc, branch) = scatter.branch();
            let site = IndirectSite { pc, oracle: None };
            self.predictor.predict(site, &self.history, &mut P::Token::default());
            self.history.push(pc, &branch);
        }
        self.history.rewind(&from);
    }
}

fn guesses<P: IndirectPredictor>(detours: bool) -> Vec<Option<VirtAddr>> {
    let mut bench = Bench::<P>::new();
    let (mut program, mut wrong) = (Scatter::new(4), Scatter::new(5));
    let mut guesses = Vec::new();
    for step in 0..6000 {
        bench.outcome(0x900, step % 3 == 0);
        if detours {
            bench.detour(&mut wrong);
        }
        guesses.push(bench.jump(0x1000, 0x2000 + step % 5 * 0x40));
        guesses
            .push(bench.jump(0x1100 + program.next() % 16 * 4, 0x5000 + program.next() % 8 * 32));
    }
    guesses
}

pub(super) fn a_branch_with_one_target_is_left_to_the_buffer_or_guessed<P: IndirectPredictor>() {
    let mut bench = Bench::<P>::new();
    (0..100).for_each(|_| _ = bench.jump(0x1000, 0x2000));
    for _ in 0..100 {
        assert!(matches!(bench.jump(0x1000, 0x2000), None | Some(VirtAddr(0x2000))));
    }
}

pub(super) fn the_same_branches_give_the_same_guesses<P: IndirectPredictor>() {
    assert_eq!(guesses::<P>(false), guesses::<P>(false));
}

pub(super) fn squashed_guesses_leave_no_trace<P: IndirectPredictor>() {
    assert_eq!(guesses::<P>(false), guesses::<P>(true));
}

pub(super) fn the_outcome_decides_only_if<P: IndirectPredictor>(perfect: bool) {
    let mut bench = Bench::<P>::new();
    (0..200).for_each(|step| _ = bench.jump(0x1000, 0x2000 + step % 4 * 16));
    let guess = |target| {
        let site = IndirectSite { pc: VirtAddr(0x1000), oracle: Some(VirtAddr(target)) };
        bench.predictor.predict(site, &bench.history, &mut P::Token::default())
    };
    assert_eq!(guess(0x2000) != guess(0x2010), perfect);
}

pub(super) fn the_default_configuration_is_valid<P: IndirectPredictor>() {
    let mut problems = Problems::default();
    P::validate(&P::Config::default(), &mut problems);
    assert_eq!(problems, Problems::default());
    let mut bench = Bench::<P>::new();
    bench.jump(u64::MAX - 1, u64::MAX - 1);
}
