//! What each predictor learns that the simpler ones cannot.

use super::bimodal::Bimodal;
use super::gshare::Gshare;
use super::ltage::Ltage;
use super::perfect::Perfect;
use super::tage_sc_l::TageScL;
use super::{Direction, DirectionConfig, DirectionPredictor, LtageConfig, TageScLConfig};
use crate::workbench::{Scatter, Workbench, ahead, back};
use stream::{Branch, VirtAddr};

type Program = Vec<(VirtAddr, Branch)>;

/// Wrong guesses in a hundred, after as many branches of warming.
fn rate<P: DirectionPredictor>(program: &[(VirtAddr, Branch)]) -> f64 {
    let mut bench = Workbench::<P>::new();
    (bench.depth, bench.wrong_path) = (20, 10);
    let (warm, measured) = program.split_at(program.len() / 2);
    bench.run(warm.iter().copied());
    100.0 * bench.run(measured.iter().copied()) as f64 / measured.len() as f64
}

fn alternating() -> Program {
    (0..4000).map(|step| ahead(0x4000, step % 2 == 0)).collect()
}

fn loops_of(trip: usize, count: usize) -> Program {
    (0..count).map(|step| back(0x4000, step % trip != trip - 1)).collect()
}

/// The branch of [`echo`] that could be known. Its address shares no local history with the first
/// branch's, through which a statistical corrector would know it at any distance.
const ECHO: u64 = 0x4936;

/// A branch that repeats the outcome of another one, `distance` branches ago.
fn echo(distance: usize, count: usize) -> Program {
    let mut scatter = Scatter::new(3);
    let mut program = Program::new();
    for _ in 0..count {
        let taken = scatter.chance(50);
        program.push(ahead(0x4000, taken));
        program.extend((1..distance).map(|step| ahead(0x5000 + step as u64 * 8, step % 3 == 0)));
        program.push(ahead(ECHO, taken));
    }
    program
}

/// Loops of a constant count around bodies with a random branch, so that no history repeats.
fn noisy_loop(trip: usize, count: usize) -> Program {
    let mut scatter = Scatter::new(5);
    let mut program = Program::new();
    for step in 0..count {
        program.push(ahead(0x4000, scatter.chance(50)));
        program.push(back(0x4040, step % trip != trip - 1));
    }
    program
}

fn mix() -> Program {
    let mut scatter = Scatter::new(11);
    let mut program = Program::new();
    for round in 0..700 {
        program.extend(
            (0..40).map(|site| ahead(0x1_0000 + site * 12, scatter_bias(&mut scatter, site))),
        );
        let taken = scatter.chance(50);
        program.push(ahead(0x4000, taken));
        program.extend((0..8).map(|step| back(0x5000, step != 7)));
        program.push(ahead(0x6000, taken));
        program.extend((0..30).map(|step| ahead(0x7000 + step * 8, (step + round) % 3 == 0)));
        program.push(ahead(0x8000, taken));
        for step in 0..25 {
            program.push(ahead(0x9000, scatter.chance(50)));
            program.push(back(0x9040, step != 24));
        }
        program.extend((0..4).map(|step| ahead(0xa000, (round + step) % 2 == 0)));
    }
    program
}

fn scatter_bias(scatter: &mut Scatter, site: u64) -> bool {
    if site.is_multiple_of(10) { scatter.chance(97) } else { site.is_multiple_of(2) }
}

#[test]
fn only_history_learns_an_alternating_branch() {
    let program = alternating();
    assert!(rate::<Bimodal>(&program) > 40.0);
    assert!(rate::<Gshare>(&program) < 1.0);
    assert!(rate::<Ltage>(&program) < 1.0);
    assert!(rate::<TageScL>(&program) < 1.0);
}

#[test]
fn a_loop_costs_bimodal_its_exit_and_gshare_nothing_within_its_history() {
    let program = loops_of(8, 8000);
    let bimodal = rate::<Bimodal>(&program);
    assert!((12.0..13.0).contains(&bimodal), "{bimodal}");
    assert!(rate::<Gshare>(&program) < 0.5);
}

#[test]
fn a_loop_beyond_gshares_history_is_learned_by_both_tages() {
    let program = loops_of(40, 20_000);
    let gshare = rate::<Gshare>(&program);
    assert!((2.0..3.5).contains(&gshare), "{gshare}");
    assert!(rate::<Ltage>(&program) < 0.3);
    assert!(rate::<TageScL>(&program) < 0.3);
}

#[test]
fn a_correlation_beyond_gshares_history_is_learned_by_both_tages() {
    let program = echo(30, 3000);
    // Of 31 branches, one cannot be known and one only through long history.
    let (gshare, ltage, tage) =
        (rate::<Gshare>(&program), rate::<Ltage>(&program), rate::<TageScL>(&program));
    assert!(gshare > 2.8, "gshare {gshare}");
    assert!(ltage < 2.1, "ltage {ltage}");
    assert!(tage < 2.1, "tage {tage}");
}

#[test]
fn loop_predictors_count_where_no_history_repeats() {
    let program = noisy_loop(60, 30_000);
    // Half of the branches are random: 25 in a hundred cannot be known; exits are 0.8 more.
    let gshare = rate::<Gshare>(&program);
    let (ltage, tage) = (rate::<Ltage>(&program), rate::<TageScL>(&program));
    assert!(ltage < gshare - 0.5, "ltage {ltage}, gshare {gshare}");
    assert!(tage < gshare - 0.5, "tage {tage}, gshare {gshare}");
    let exits = |wrong: f64| wrong - 25.0;
    assert!(exits(ltage) < 0.8 && exits(tage) < 0.8, "ltage {ltage}, tage {tage}");
}

/// Wrong guesses in a hundred at the branch at `pc`, in the second half of a program.
fn rate_at<P: DirectionPredictor>(config: &P::Config, program: &Program, pc: u64) -> f64 {
    let mut bench = Workbench::<P>::with(config);
    (bench.depth, bench.wrong_path) = (20, 10);
    let (warm, measured) = program.split_at(program.len() / 2);
    bench.run(warm.iter().copied());
    let (mut count, mut wrong) = (0, 0);
    for (at, branch) in measured {
        let guess = bench.branch(*at, branch);
        if at.0 == pc {
            count += 1;
            wrong += usize::from(guess != Some(branch.taken));
        }
    }
    100.0 * wrong as f64 / f64::from(count)
}

#[test]
fn ltage_learns_a_correlation_within_its_longest_history_and_none_beyond() {
    let long = LtageConfig::default();
    let short = LtageConfig { max_history: 34, ..long.clone() };
    let wrong = |config, distance| rate_at::<Ltage>(config, &echo(distance, 1000), ECHO);
    assert!(wrong(&long, 60) < 10.0, "{}", wrong(&long, 60));
    assert!(wrong(&short, 25) < 10.0, "{}", wrong(&short, 25));
    assert!(wrong(&short, 60) > 35.0, "{}", wrong(&short, 60));
}

#[test]
fn tage_sc_l_learns_a_correlation_that_only_its_histories_reach() {
    // A branch leaves two bits: 3000 bits are 1500 branches, and L-TAGE's 640 are as many.
    let config = TageScLConfig::default();
    let wrong = |program| rate_at::<TageScL>(&config, program, ECHO);
    let (within, beyond) = (echo(700, 300), echo(1600, 200));
    assert!(wrong(&within) < 20.0, "{}", wrong(&within));
    let ltage = rate_at::<Ltage>(&LtageConfig::default(), &within, ECHO);
    assert!(ltage > 35.0, "{ltage}");
    assert!(wrong(&beyond) > 35.0, "{}", wrong(&beyond));
}

/// A loop of a varying count whose body has a random branch and one that does in each iteration what
/// it did in the same iteration of the last loop.
fn by_iteration(loops: usize) -> Program {
    let mut scatter = Scatter::new(13);
    let outcomes: Vec<bool> = (0..64).map(|_| scatter.chance(50)).collect();
    let mut program = Program::new();
    for _ in 0..loops {
        let count = 40 + scatter.next() as usize % 20;
        for (iteration, outcome) in outcomes[..count].iter().enumerate() {
            program.push(ahead(0x4000, scatter.chance(50)));
            program.push(ahead(0x4010, *outcome));
            program.push(back(0x4020, iteration + 1 < count));
        }
    }
    program
}

#[test]
fn the_corrector_knows_a_branch_by_the_iteration_of_its_loop() {
    let program = by_iteration(400);
    let wrong = |corrector| {
        let config = TageScLConfig { corrector, loops: true };
        rate_at::<TageScL>(&config, &program, 0x4010)
    };
    let (with, without) = (wrong(true), wrong(false));
    assert!(without > 25.0, "{without}");
    assert!(with < 10.0, "{with}");
}

#[test]
fn the_loop_predictor_of_tage_sc_l_is_what_knows_a_noisy_loops_exit() {
    let program = noisy_loop(60, 30_000);
    let exits = |loops| {
        let config = TageScLConfig { corrector: false, loops };
        let wrong = rate_at::<TageScL>(&config, &program, 0x4040);
        // One occurrence in sixty is an exit.
        wrong * 60.0
    };
    let (with, without) = (exits(true), exits(false));
    assert!(without > 80.0, "{without} of a hundred exits");
    assert!(with < 5.0, "{with} of a hundred exits");
}

#[test]
fn better_predictors_are_better_on_a_mix() {
    let program = mix();
    let rates = [
        rate::<Bimodal>(&program),
        rate::<Gshare>(&program),
        rate::<Ltage>(&program),
        rate::<TageScL>(&program),
        rate::<Perfect>(&program),
    ];
    println!("bimodal, gshare, ltage, tage_sc_l, perfect: {rates:?}");
    for pair in rates.windows(2) {
        assert!(pair[1] < pair[0] * 0.97, "{rates:?}");
    }
}

#[test]
fn the_registry_builds_every_predictor_from_its_name() {
    for config in DirectionConfig::all() {
        let text = serde_json::to_string(&config).expect("it is plain data");
        let read: DirectionConfig = serde_json::from_str(&text).expect("it was just written");
        assert_eq!(read, config);
        let short = format!(r#"{{"kind": "{}"}}"#, config.name());
        assert_eq!(serde_json::from_str::<DirectionConfig>(&short).expect("defaults"), config);
        Direction::new(&config).expect("defaults are valid");
    }
}

#[test]
fn unknown_parameters_and_kinds_are_refused() {
    for text in [r#"{"kind": "gshare", "log2_entry": 3}"#, r#"{"kind": "oracle"}"#] {
        assert!(serde_json::from_str::<DirectionConfig>(text).is_err(), "{text}");
    }
}

#[test]
fn all_that_is_wrong_with_a_configuration_is_told_at_once() {
    let text = r#"{"kind": "ltage", "min_history": 0, "tables": []}"#;
    let config: DirectionConfig = serde_json::from_str(text).expect("it reads");
    let error = Direction::new(&config).expect_err("it is impossible");
    let paths: Vec<_> = error.problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["min_history", "tables"]);
}

#[test]
fn simple_predictors_report_their_tables() {
    let bits = |config| Direction::new(&config).expect("valid").storage_bits();
    assert_eq!(bits(DirectionConfig::Bimodal(Default::default())), 2 * 4096);
    assert_eq!(bits(DirectionConfig::Gshare(Default::default())), 2 * 16384);
    assert_eq!(bits(DirectionConfig::Perfect(Default::default())), 0);
}
