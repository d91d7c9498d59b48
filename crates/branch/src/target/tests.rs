//! What sets the buffers apart.

use super::*;

fn btb(text: &str) -> Btb {
    Btb::new(&serde_json::from_str(text).expect("it reads")).expect("it is valid")
}

fn insert(btb: &mut Btb, pc: u64) {
    btb.insert(VirtAddr(pc), BranchKind::Conditional, VirtAddr(pc + 0x100), 4);
}

fn knows(btb: &Btb, pc: u64) -> bool {
    btb.look_up(VirtAddr(pc)).is_some()
}

#[test]
fn a_direct_mapped_entry_gives_way_to_the_next_of_its_index() {
    let mut btb = btb(r#"{"kind": "direct_mapped", "entries": 64, "tag_bits": 8}"#);
    insert(&mut btb, 0x1000);
    insert(&mut btb, 0x1002);
    insert(&mut btb, 0x107e);
    assert!(knows(&btb, 0x1000) && knows(&btb, 0x1002) && knows(&btb, 0x107e));
    // 64 halfwords further is the same index.
    insert(&mut btb, 0x1080);
    assert!(!knows(&btb, 0x1000) && knows(&btb, 0x1002) && knows(&btb, 0x1080));
}

#[test]
fn addresses_beyond_the_tag_are_taken_for_each_other() {
    let mut btb = btb(r#"{"kind": "direct_mapped", "entries": 64, "tag_bits": 8}"#);
    insert(&mut btb, 0x1000);
    // The table sees 1 + 6 + 8 bits of the address.
    assert!(knows(&btb, 0x1000 + (1 << 15)));
    assert!(!knows(&btb, 0x1000 + (1 << 14)));
    let block = (VirtAddr(0x8ff0), VirtAddr(0x9010));
    assert_eq!(btb.next_branch(block.0, block.1).map(|found| found.0), Some(VirtAddr(0x9000)));
}

#[test]
fn the_least_recently_used_way_is_replaced_and_a_prediction_is_a_use() {
    let text = r#"{"kind": "set_associative", "entries": 8, "ways": 2, "tag_bits": 16}"#;
    let (first, second, third) = (0x1000, 0x1008, 0x1010);
    let mut untouched = btb(text);
    insert(&mut untouched, first);
    insert(&mut untouched, second);
    let mut touched = untouched.clone();
    insert(&mut untouched, third);
    assert!(!knows(&untouched, first) && knows(&untouched, second));
    touched.touch(VirtAddr(first));
    insert(&mut touched, third);
    assert!(knows(&touched, first) && !knows(&touched, second));
}

#[test]
fn a_level_answers_with_its_latency_until_a_use_brings_the_branch_forward() {
    let mut btb = btb(r#"{"kind": "multi_level", "levels": [
        {"entries": 2, "ways": 2, "tag_bits": 20, "latency_cycles": 0},
        {"entries": 64, "ways": 4, "tag_bits": 16, "latency_cycles": 2}]}"#);
    insert(&mut btb, 0x1000);
    insert(&mut btb, 0x2000);
    insert(&mut btb, 0x3000);
    let latency = |btb: &Btb, pc| btb.look_up(VirtAddr(pc)).map(|hit| hit.latency_cycles);
    assert_eq!([0x1000, 0x2000, 0x3000].map(|pc| latency(&btb, pc)), [Some(2), Some(0), Some(0)]);
    btb.touch(VirtAddr(0x1000));
    assert_eq!([0x1000, 0x2000, 0x3000].map(|pc| latency(&btb, pc)), [Some(0), Some(2), Some(0)]);
    let hit = btb.look_up(VirtAddr(0x1000)).expect("it is there");
    assert_eq!((hit.kind, hit.target), (BranchKind::Conditional, VirtAddr(0x1100)));
}

#[test]
fn an_unlimited_buffer_knows_everything_it_was_told() {
    let mut btb = btb(r#"{"kind": "unlimited"}"#);
    (0..50_000).for_each(|branch| insert(&mut btb, branch << 20));
    assert!((0..50_000).all(|branch| knows(&btb, branch << 20)));
    assert!(!knows(&btb, 50_000 << 20));
}

#[test]
fn storage_counts_valid_bit_tag_kind_length_target_and_rank() {
    let bits = |config| Btb::new(&config).expect("valid").storage_bits();
    assert_eq!(bits(BtbConfig::DirectMapped(Default::default())), 4096 * (1 + 16 + 3 + 1 + 48));
    assert_eq!(
        bits(BtbConfig::SetAssociative(Default::default())),
        12288 * (1 + 12 + 3 + 1 + 48 + 3)
    );
    let levels = 3072 * (1 + 16 + 3 + 1 + 48 + 3) + 8192 * (1 + 16 + 3 + 1 + 48 + 3);
    assert_eq!(bits(BtbConfig::MultiLevel(Default::default())), levels);
}

#[test]
fn every_buffer_is_built_from_its_name() {
    for config in BtbConfig::all() {
        let short = format!(r#"{{"kind": "{}"}}"#, config.name());
        assert_eq!(serde_json::from_str::<BtbConfig>(&short).expect("defaults"), config);
        Btb::new(&config).expect("defaults are valid");
    }
    for text in [r#"{"kind": "set_associative", "way": 3}"#, r#"{"kind": "fully"}"#] {
        assert!(serde_json::from_str::<BtbConfig>(text).is_err(), "{text}");
    }
}

#[test]
fn impossible_sizes_are_told_with_their_place() {
    let paths = |text: &str| {
        let config: BtbConfig = serde_json::from_str(text).expect("it reads");
        let error = Btb::new(&config).expect_err("it is impossible");
        error.problems.0.into_iter().map(|problem| problem.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(r#"{"kind": "set_associative", "entries": 24, "ways": 2}"#), ["entries"]);
    assert_eq!(
        paths(r#"{"kind": "set_associative", "entries": 0, "ways": 0}"#),
        ["entries", "ways"]
    );
    assert_eq!(paths(r#"{"kind": "direct_mapped", "tag_bits": 31}"#), ["tag_bits", "tag_bits"]);
    let levels = r#"{"kind": "multi_level", "levels": [
        {"entries": 4, "ways": 2, "tag_bits": 9, "latency_cycles": 0},
        {"entries": 4, "ways": 3, "tag_bits": 3, "latency_cycles": 99}]}"#;
    let expected = ["levels[1].tag_bits", "levels[1].latency_cycles", "levels[1].entries"];
    assert_eq!(paths(levels), expected);
}
