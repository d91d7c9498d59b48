//! The predictor of the guide `docs/howto/add-a-branch-predictor.md`, in a registry of its own: what
//! the guide shows compiles and meets the contract.
#![expect(unreachable_patterns, reason = "in a registry of one there are no tokens of others")]

use super::*;

mod gselect;

direction_predictors! {
    /// A counter per address beside the latest outcomes.
    Gselect => gselect::Gselect = "gselect";
}

#[test]
fn the_guide_shows_the_file_and_the_line_that_are_tested_here() {
    let guide = include_str!("../../../../../docs/howto/add-a-branch-predictor.md");
    assert!(guide.contains(include_str!("gselect.rs")), "the guide's file is not gselect.rs");
    let line = r#"    Gselect => gselect::Gselect = "gselect";"#;
    assert!(guide.contains(line) && include_str!("mod.rs").contains(line));
}

#[test]
fn the_added_predictor_is_built_from_its_name_and_predicts() {
    let config: DirectionConfig = serde_json::from_str(r#"{"kind": "gselect"}"#).expect("it reads");
    assert_eq!((config.name(), DirectionConfig::all()), ("gselect", vec![config.clone()]));
    let mut direction = Direction::new(&config).expect("its defaults are valid");
    let history = History::new(&direction.history(), &[]);
    let site = BranchSite { pc: VirtAddr(0x40), oracle: false };
    let mut token = direction.token();
    let before = direction.predict(site, &history, &mut token);
    direction.speculate(&token, before);
    direction.repair(&token);
    direction.train(&token, true);
    assert_eq!(Direction::origin(&token), None, "it has no parts");
    assert_eq!(direction.moved(), Moved::default(), "it has one level");
    assert_eq!((before, direction.predict(site, &history, &mut token)), (false, true));
    assert!(!direction.set_base(site.pc, true), "it has no base table");
    assert_eq!(direction.storage_bits(), 2 << 14);
}
