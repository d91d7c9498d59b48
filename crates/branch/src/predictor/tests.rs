use super::*;
use crate::direction::DirectionConfig;
use crate::indirect::IndirectConfig;
use crate::target::BtbConfig;
use crate::workbench::Scatter;
use std::collections::VecDeque;

fn config() -> BranchConfig {
    BranchConfig {
        direction: DirectionConfig::TageScL(Default::default()),
        btb: BtbConfig::SetAssociative(Default::default()),
        indirect: IndirectConfig::Ittage(Default::default()),
        ras_entries: 8,
    }
}

/// Every combination of direction, target and indirect predictor.
fn all() -> Vec<BranchConfig> {
    let mut configs = Vec::new();
    for direction in DirectionConfig::all() {
        for btb in BtbConfig::all() {
            for indirect in IndirectConfig::all() {
                let (direction, btb) = (direction.clone(), btb.clone());
                configs.push(BranchConfig { direction, btb, indirect, ras_entries: 8 });
            }
        }
    }
    configs
}

fn next(pc: VirtAddr) -> VirtAddr {
    VirtAddr(pc.0 + 4)
}

/// A pipeline that follows a list of branches and, at mispredictions, a wrong path of random ones.
struct Pipeline {
    predictor: Predictor,
    committing: VecDeque<(Record, VirtAddr, Branch)>,
    depth: usize,
    wrong_path: usize,
    scatter: Scatter,
}

impl Pipeline {
    fn new(config: &BranchConfig, depth: usize, wrong_path: usize) -> Self {
        let predictor = Predictor::new(config).expect("valid");
        Self { predictor, committing: VecDeque::new(), depth, wrong_path, scatter: Scatter::new(9) }
    }

    /// Fetches a branch of the right path; whether the front end went elsewhere.
    fn branch(&mut self, pc: VirtAddr, actual: &Branch) -> bool {
        let hit = self.predictor.look_up(pc);
        let (wrong, record) = match hit {
            None if !actual.taken => return false,
            None => {
                self.go_wrong(None);
                (true, self.predictor.enter(pc, actual, next(pc)))
            }
            Some(hit) => {
                let (kind, target) = (hit.kind, hit.target);
                let guess = self.predictor.predict(pc, kind, target, next(pc), Some(actual));
                let wrong =
                    guess.taken != actual.taken || (actual.taken && guess.target != actual.target);
                // Decode corrects what the buffer had wrong, even if the front end was right.
                let known = Branch { kind, taken: guess.taken, target: guess.target };
                if known != *actual {
                    self.go_wrong(Some((guess.record, *actual)));
                }
                (wrong, guess.record)
            }
        };
        self.committing.push_back((record, pc, *actual));
        while self.committing.len() > self.depth {
            let (record, pc, actual) = self.committing.pop_front().expect("it is not empty");
            self.predictor.commit(&record, pc, &actual);
        }
        wrong
    }

    /// Follows a wrong path and comes back.
    fn go_wrong(&mut self, wrong: Option<(Record, Branch)>) {
        let mut first = None;
        for _ in 0..self.wrong_path {
            let (pc, branch) = self.scatter.branch();
            let guess =
                self.predictor.predict(pc, branch.kind, branch.target, next(pc), Some(&branch));
            first.get_or_insert(guess.record);
        }
        match wrong {
            Some((record, actual)) => self.predictor.squash_to(&record, Some(&actual)),
            None => first.into_iter().for_each(|record| self.predictor.squash_to(&record, None)),
        }
    }
}

/// Loops, calls from several places, a dispatch and noise.
fn program(count: usize) -> Vec<(VirtAddr, Branch)> {
    let mut scatter = Scatter::new(33);
    let mut branches = Vec::new();
    let mut add = |pc: u64, kind, taken, target: u64| {
        branches.push((VirtAddr(pc), Branch { kind, taken, target: VirtAddr(target) }));
    };
    for step in 0..count as u64 {
        let site = 0x1000 + step % 7 * 0x20;
        add(site, BranchKind::Call, true, 0x8000);
        add(0x8010, BranchKind::Conditional, step % 3 == 0, 0x8040);
        add(0x8050, BranchKind::IndirectCall, true, 0x9000 + step % 4 * 0x100);
        add(0x9000 + step % 4 * 0x100 + 0x20, BranchKind::Return, true, 0x8054);
        add(0x8060, BranchKind::Return, true, site + 4);
        add(0x1200, BranchKind::Conditional, scatter.chance(60), 0x1100);
        add(0x1210, BranchKind::IndirectJump, true, 0xa000 + step * step % 5 * 0x40);
    }
    branches
}

#[test]
fn a_program_is_learned_whole() {
    let mut pipeline = Pipeline::new(&config(), 20, 10);
    let branches = program(3000);
    let (learn, measure) = branches.split_at(branches.len() - 1400);
    learn.iter().for_each(|(pc, branch)| _ = pipeline.branch(*pc, branch));
    let wrong: Vec<_> = measure.iter().filter(|(pc, it)| pipeline.branch(*pc, it)).collect();
    let random = wrong.iter().filter(|(pc, _)| pc.0 == 0x1200).count();
    assert!((30..140).contains(&random), "{random} of 200 random outcomes");
    assert!(wrong.len() - random < 14, "{} of 1200 others", wrong.len() - random);
}

#[test]
fn wrong_paths_of_any_length_leave_no_trace_but_in_the_order_of_use() {
    for mut config in all() {
        // In a direct-mapped buffer there is no order of use.
        config.btb = BtbConfig::DirectMapped(Default::default());
        let mut none = Pipeline::new(&config, 30, 0);
        let mut some = Pipeline::new(&config, 30, 50);
        for (pc, branch) in program(300) {
            assert_eq!(none.branch(pc, &branch), some.branch(pc, &branch), "{config:?}");
        }
    }
}

#[test]
fn warming_leaves_what_a_pipeline_of_no_depth_leaves() {
    for config in all() {
        let mut pipeline = Pipeline::new(&config, 0, 0);
        let mut warmed = Predictor::new(&config).expect("valid");
        let mut scatter = Scatter::new(12);
        for (step, (pc, branch)) in program(300).into_iter().enumerate() {
            let (pc, branch) = if step % 9 == 0 { scatter.branch() } else { (pc, branch) };
            let wrong = warmed.warm(pc, &branch, next(pc));
            assert_eq!(pipeline.branch(pc, &branch), wrong, "{config:?} at {pc:?}");
        }
        assert_eq!(warmed.in_flight(), 0);
    }
}

#[test]
fn a_return_goes_to_its_call_even_from_many_sites_and_after_wrong_paths() {
    let mut pipeline = Pipeline::new(&config(), 20, 40);
    let mut wrong = 0;
    for (step, (pc, branch)) in program(600).into_iter().enumerate() {
        let missed = pipeline.branch(pc, &branch);
        wrong += usize::from(missed && pc.0 == 0x8060 && step > 700);
    }
    assert_eq!(wrong, 0);
}

#[test]
fn perfect_predictors_with_a_buffer_that_knows_all_are_never_wrong() {
    let config = BranchConfig {
        direction: DirectionConfig::Perfect(Default::default()),
        btb: BtbConfig::Unlimited(Default::default()),
        indirect: IndirectConfig::Perfect(Default::default()),
        ras_entries: 16,
    };
    let mut pipeline = Pipeline::new(&config, 20, 10);
    for (pc, branch) in program(400) {
        pipeline.predictor.learn_target(pc, branch.kind, branch.target, VirtAddr(pc.0 + 4));
        assert!(!pipeline.branch(pc, &branch), "{pc:?} {branch:?}");
    }
}

#[test]
fn a_branch_the_buffer_took_for_another_kind_is_learned_as_what_it_is() {
    let mut predictor = Predictor::new(&config()).expect("valid");
    let pc = VirtAddr(0x1000);
    predictor.learn_target(pc, BranchKind::Call, VirtAddr(0x2000), VirtAddr(pc.0 + 4));
    let actual = Branch { kind: BranchKind::Conditional, taken: false, target: VirtAddr(0x3000) };
    for _ in 0..50 {
        let hit = predictor.look_up(pc).expect("it was taught");
        let guess = predictor.predict(pc, hit.kind, hit.target, next(pc), None);
        assert!(guess.taken);
        predictor.squash_to(&guess.record, Some(&actual));
        assert_eq!(
            predictor.front.ras.peek(),
            None,
            "the push of the call that was none is undone"
        );
        predictor.commit(&guess.record, pc, &actual);
    }
    let guess = predictor.predict(pc, BranchKind::Conditional, actual.target, next(pc), None);
    assert!(!guess.taken);
    predictor.squash_to(&guess.record, None);
    predictor.forget_target(pc);
    assert_eq!(predictor.look_up(pc), None);
}

#[test]
fn each_flush_makes_its_component_cold_and_no_other() {
    let conditional = (VirtAddr(0x100), BranchKind::Conditional);
    let branch = |kind, target| Branch { kind, taken: true, target: VirtAddr(target) };
    let mut warm = Predictor::new(&config()).expect("valid");
    for _ in 0..40 {
        warm.warm(conditional.0, &branch(conditional.1, 0x200), next(conditional.0));
        warm.warm(VirtAddr(0x300), &branch(BranchKind::IndirectJump, 0x400), VirtAddr(0x304));
    }
    warm.warm(VirtAddr(0x500), &branch(BranchKind::Call, 0x600), VirtAddr(0x504));
    let nowhere = VirtAddr(0xbad0);
    let state = |predictor: &Predictor| {
        let mut guess = predictor.in_flight.clone().next_place().guess;
        let mut ask = |pc, kind| predictor.front.ask(pc, kind, nowhere, None, &mut guess);
        let taken = ask(conditional.0, conditional.1).taken;
        let jump = ask(VirtAddr(0x300), BranchKind::IndirectJump).target;
        let known = predictor.look_up(conditional.0).is_some();
        (taken, known, jump != nowhere, predictor.front.ras.peek().is_some())
    };
    assert_eq!(state(&warm), (true, true, true, true));
    let flushed = |flush: fn(&mut Predictor)| {
        let mut cold = warm.clone();
        flush(&mut cold);
        state(&cold)
    };
    assert_eq!(flushed(Predictor::flush_direction), (false, true, true, true));
    assert_eq!(flushed(Predictor::flush_btb), (true, false, true, true));
    assert_eq!(flushed(Predictor::flush_indirect), (true, true, false, true));
    assert_eq!(flushed(Predictor::flush_ras), (true, true, true, false));
}

fn jump(predictor: &mut Predictor, pc: u64) -> Record {
    let pc = VirtAddr(pc);
    predictor.predict(pc, BranchKind::Jump, VirtAddr(0x40), next(pc), None).record
}

#[test]
fn a_thousand_branches_can_be_in_flight_and_come_back() {
    let mut predictor = Predictor::new(&config()).expect("valid");
    let records: Vec<_> = (0..MAX_BRANCHES).map(|pc| jump(&mut predictor, pc * 4)).collect();
    assert_eq!(predictor.in_flight(), records.len());
    predictor.squash_to(&records[1], None);
    assert_eq!(predictor.in_flight(), 1);
}

const MAX_BRANCHES: u64 = crate::MAX_IN_FLIGHT as u64;

#[test]
#[should_panic(expected = "more than 1024 branches in flight")]
fn one_branch_more_than_can_be_in_flight_is_refused() {
    let mut predictor = Predictor::new(&config()).expect("valid");
    (0..=MAX_BRANCHES).for_each(|pc| _ = jump(&mut predictor, pc * 4));
}

#[test]
#[should_panic(expected = "branches commit in order")]
fn a_branch_does_not_commit_before_an_older_one() {
    let mut predictor = Predictor::new(&config()).expect("valid");
    let records = [jump(&mut predictor, 0), jump(&mut predictor, 4)];
    let actual = Branch { kind: BranchKind::Jump, taken: true, target: VirtAddr(0x40) };
    predictor.commit(&records[1], VirtAddr(4), &actual);
}

#[test]
#[should_panic(expected = "is not in flight")]
fn a_committed_branch_cannot_be_squashed() {
    let mut predictor = Predictor::new(&config()).expect("valid");
    let record = jump(&mut predictor, 0);
    let actual = Branch { kind: BranchKind::Jump, taken: true, target: VirtAddr(0x40) };
    predictor.commit(&record, VirtAddr(0), &actual);
    predictor.squash_to(&record, None);
}

#[test]
#[should_panic(expected = "flushed with 1 branches in flight")]
fn predictors_are_flushed_only_when_drained() {
    let mut predictor = Predictor::new(&config()).expect("valid");
    jump(&mut predictor, 0);
    predictor.flush_btb();
}

#[test]
fn records_are_small() {
    assert!(size_of::<Record>() <= 4);
    println!("a branch in flight: {} bytes", size_of::<Predicted>());
}

#[test]
fn storage_is_told_by_component() {
    let storage = Predictor::new(&config()).expect("valid").storage_bits();
    let parts = [storage.direction, storage.btb, storage.indirect, storage.ras, storage.history];
    assert_eq!(storage.total(), parts.iter().sum::<u64>());
    assert_eq!(storage.ras, 8 * 48 + 3 + 4);
    assert!(storage.direction > 63 * 8192 && storage.indirect > 63 * 8192);
}

#[test]
fn everything_wrong_with_a_configuration_is_told_with_its_path() {
    let text = r#"{"direction": {"kind": "gshare", "log2_entries": 0},
        "btb": {"kind": "direct_mapped", "entries": 3000},
        "indirect": {"kind": "path", "sets": 1}, "ras_entries": 0}"#;
    let config: BranchConfig = serde_json::from_str(text).expect("it reads");
    let error = Predictor::new(&config).expect_err("it is impossible");
    let paths: Vec<_> = error.problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["direction.log2_entries", "btb.entries", "indirect.sets", "ras_entries"]);
    let unknown = text.replace("ras_entries", "ras");
    assert!(serde_json::from_str::<BranchConfig>(&unknown).is_err());
}
