//! What each indirect predictor learns that the simpler ones cannot.

use super::contract::Bench;
use super::ittage::Ittage;
use super::path::Path;
use super::perfect::Perfect;
use super::{Indirect, IndirectConfig, IndirectPredictor};
use crate::workbench::Scatter;
use stream::VirtAddr;

/// Guesses wrong or missing in a hundred jumps of the second half.
fn rate<P: IndirectPredictor>(program: &[(u64, u64)]) -> f64 {
    let mut bench = Bench::<P>::new();
    let half = program.len() / 2;
    let mut wrong = 0;
    for (step, (pc, target)) in program.iter().enumerate() {
        let guess = bench.jump(*pc, *target);
        wrong += usize::from(step >= half && guess != Some(VirtAddr(*target)));
    }
    100.0 * wrong as f64 / half as f64
}

/// One jump through a table of handlers, in a repeating order of a given length.
fn dispatch(period: usize, count: usize) -> Vec<(u64, u64)> {
    let mut scatter = Scatter::new(21);
    let order: Vec<u64> = (0..period).map(|_| 0x8000 + scatter.next() % 12 * 0x80).collect();
    (0..count).map(|step| (0x1000, order[step % period])).collect()
}

/// A jump that repeats the target of another one, `distance` jumps ago.
fn echo(distance: usize, count: usize) -> Vec<(u64, u64)> {
    let mut scatter = Scatter::new(22);
    let mut program = Vec::new();
    for _ in 0..count {
        let target = 0x8000 + scatter.next() % 2 * 0x1240;
        program.push((0x1000, target));
        program.extend((1..distance).map(|step| (0x2000 + step as u64 * 8, 0x3000)));
        program.push((0x1800, target));
    }
    program
}

#[test]
fn a_dispatch_loop_is_learned_from_the_path() {
    let (short, long) = (dispatch(5, 3000), dispatch(100, 12_000));
    assert!(rate::<Path>(&short) < 1.0);
    assert!(rate::<Ittage>(&short) < 1.0);
    assert!(rate::<Ittage>(&long) < 1.0);
    // The simple predictor's tags hold no path: of a hundred paths in 128 sets, many share an entry.
    let path = rate::<Path>(&long);
    assert!((20.0..90.0).contains(&path), "{path}");
}

#[test]
fn a_path_beyond_the_simple_predictors_reach_is_learned_by_ittage_alone() {
    // Of each 41 jumps one is random and one is known only from 40 jumps ago.
    let program = echo(40, 2000);
    let (path, ittage) = (rate::<Path>(&program), rate::<Ittage>(&program));
    assert!(path > 100.0 / 41.0 * 0.9, "path {path}");
    assert!(ittage < 100.0 / 41.0 * 0.75, "ittage {ittage}");
}

#[test]
fn a_path_beyond_the_longest_history_is_learned_by_nobody() {
    // 450 jumps are 4500 bits; the longest table covers 3881.
    let program = echo(450, 400);
    let second = |rate: f64| rate * 451.0 / 100.0;
    let ittage = second(rate::<Ittage>(&program));
    assert!(
        ittage > 0.8,
        "{ittage} wrong of 2 a round, of which 1 cannot be known by chance alone"
    );
    assert_eq!(rate::<Perfect>(&program), 0.0);
}

#[test]
fn every_predictor_is_built_from_its_name() {
    for config in IndirectConfig::all() {
        let short = format!(r#"{{"kind": "{}"}}"#, config.name());
        assert_eq!(serde_json::from_str::<IndirectConfig>(&short).expect("defaults"), config);
        Indirect::new(&config).expect("defaults are valid");
    }
    for text in [r#"{"kind": "path", "set": 3}"#, r#"{"kind": "oracle"}"#] {
        assert!(serde_json::from_str::<IndirectConfig>(text).is_err(), "{text}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = r#"{"kind": "path", "sets": 3, "ways": 0, "tag_bits": 17}"#;
    let config: IndirectConfig = serde_json::from_str(text).expect("it reads");
    let error = Indirect::new(&config).expect_err("it is impossible");
    let paths: Vec<_> = error.problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["sets", "ways", "tag_bits"]);
}
