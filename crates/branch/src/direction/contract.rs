//! What every direction predictor must do, whatever its idea.

use super::{BranchSite, DirectionPredictor};
use crate::workbench::{Scatter, Workbench, ahead, back};
use crate::{History, Problems};
use stream::{Branch, VirtAddr};

/// Branches with something to learn for everyone, and noise.
fn program(count: usize) -> Vec<(VirtAddr, Branch)> {
    let mut scatter = Scatter::new(42);
    let mut branches = Vec::new();
    for step in 0..count {
        branches.push(ahead(0x1_0040, step % 3 == 0));
        branches.push(back(0x1_0050, step % 11 != 10));
        branches.push(scatter.branch());
    }
    branches
}

fn guesses<P: DirectionPredictor>(detour: usize) -> Vec<Option<bool>> {
    let mut bench = Workbench::<P>::new();
    let mut guesses = Vec::new();
    for (step, (pc, branch)) in program(1500).into_iter().enumerate() {
        if step % 5 == 0 {
            bench.detour(detour);
        }
        guesses.push(bench.branch(pc, &branch));
    }
    guesses
}

pub(super) fn a_branch_that_always_goes_one_way_is_learned<P: DirectionPredictor>() {
    for taken in [true, false] {
        let mut bench = Workbench::<P>::new();
        bench.run((0..200).map(|_| ahead(0x4000, taken)));
        assert_eq!(bench.run((0..500).map(|_| ahead(0x4000, taken))), 0, "taken: {taken}");
    }
}

pub(super) fn the_same_branches_give_the_same_guesses<P: DirectionPredictor>() {
    assert_eq!(guesses::<P>(0), guesses::<P>(0));
}

pub(super) fn squashed_guesses_leave_no_trace<P: DirectionPredictor>() {
    assert_eq!(guesses::<P>(0), guesses::<P>(40));
}

pub(super) fn the_outcome_decides_only_if<P: DirectionPredictor>(perfect: bool) {
    let mut bench = Workbench::<P>::new();
    bench.run(program(300));
    let mut differ = false;
    for (pc, _) in program(50) {
        let guess = |oracle| {
            let site = BranchSite { pc, oracle };
            bench.predictor.predict(site, &bench.history, &mut P::Token::default())
        };
        differ |= guess(true) != guess(false);
    }
    assert_eq!(differ, perfect);
}

pub(super) fn late_training_with_wrong_paths_still_learns<P: DirectionPredictor>() {
    let mut bench = Workbench::<P>::new();
    (bench.depth, bench.wrong_path) = (64, 30);
    let biased = |count| (0..count).map(|step| back(0x8000 + step % 8 * 16, step % 8 != 3));
    bench.run(biased(4000));
    assert!(bench.run(biased(1000)) <= 20);
}

pub(super) fn a_base_table_guesses_what_it_was_set_to<P: DirectionPredictor>() {
    for taken in [true, false] {
        let mut predictor = P::new(&P::Config::default());
        let history = History::new(&predictor.history(), &[]);
        let site = BranchSite { pc: VirtAddr(0x4_0042), oracle: !taken };
        if !predictor.set_base(site.pc, taken) {
            continue;
        }
        let mut token = P::Token::default();
        let guess = predictor.predict(site, &history, &mut token);
        assert_eq!(guess, taken);
        predictor.train(&token, !taken);
        assert_eq!(predictor.predict(site, &history, &mut token), !taken, "it was set weakly");
    }
}

pub(super) fn the_default_configuration_is_valid<P: DirectionPredictor>() {
    let mut problems = Problems::default();
    P::validate(&P::Config::default(), &mut problems);
    assert_eq!(problems, Problems::default());
    let predictor = P::new(&P::Config::default());
    let history = History::new(&predictor.history(), &[]);
    let site = BranchSite { pc: VirtAddr(u64::MAX), oracle: false };
    let mut token = P::Token::default();
    predictor.predict(site, &history, &mut token);
    predictor.clone().train(&token, true);
}
