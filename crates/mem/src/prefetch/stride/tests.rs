use super::*;
use crate::Cycle;

const PC: u64 = 0x1_0000;
const NOTHING: [u64; 0] = [];

struct Table(Stride);

impl Table {
    fn new(config: StrideConfig) -> Self {
        Self(Stride::new(&config, Pages::of_lines(64)))
    }

    /// An access; returns the lines asked for.
    fn access(&mut self, pc: u64, line: u64, kind: AccessKind) -> Vec<u64> {
        let (now, pc, line) = (Cycle(0), VirtAddr(pc), LineAddr(line));
        let mut requests = Requests::new(Pages::of_lines(64));
        requests.begin(line);
        let access = Observed { now, pc, line, kind, hit: true, first_use: false };
        self.0.observe(&access, &mut requests);
        requests.lines().iter().map(|line| line.0).collect()
    }

    fn load(&mut self, line: u64) -> Vec<u64> {
        self.access(PC, line, AccessKind::Load)
    }

    /// What is asked for after loads of `lines`.
    fn after(&mut self, lines: &[u64]) -> Vec<u64> {
        lines.iter().fold(Vec::new(), |_, &line| self.load(line))
    }
}

fn one() -> StrideConfig {
    StrideConfig { degree: 1, ..StrideConfig::default() }
}

#[test]
fn the_second_equal_step_is_trusted_and_the_first_is_not() {
    let mut table = Table::new(StrideConfig { degree: 3, ..one() });
    assert_eq!(table.load(0), NOTHING);
    assert_eq!(table.load(5), NOTHING, "one step");
    assert_eq!(table.load(10), [15, 20, 25], "two equal steps");
}

#[test]
fn strides_can_be_negative() {
    assert_eq!(Table::new(one()).after(&[60, 58, 56]), [54]);
}

#[test]
fn the_distance_leaves_strides_out() {
    let config = StrideConfig { degree: 2, distance: 3, ..one() };
    assert_eq!(Table::new(config).after(&[0, 2, 4]), [4 + 8, 4 + 10]);
}

#[test]
fn a_trusted_stride_outlives_three_odd_steps_and_the_fourth_replaces_it() {
    // From 4 the counter goes down to 3 with the first step and up to 7 with four repetitions.
    let steady = [0, 1, 2, 3, 4, 5];
    assert_eq!(Table::new(one()).after(&[&steady[..], &[10]].concat()), [11]);
    assert_eq!(Table::new(one()).after(&[&steady[..], &[10, 20, 40]].concat()), [41], "at 4");
    assert_eq!(
        Table::new(one()).after(&[&steady[..], &[10, 20, 40, 47]].concat()),
        NOTHING,
        "at 3"
    );
    assert_eq!(Table::new(one()).after(&[&steady[..], &[10, 20, 40, 47, 54]].concat()), [61]);
}

#[test]
fn further_loads_from_the_same_line_say_nothing() {
    let mut table = Table::new(one());
    assert_eq!(table.after(&[0, 0, 1, 1, 1, 2]), [3]);
    assert_eq!(table.load(2), NOTHING, "asked for already");
    assert_eq!(table.load(3), [4]);
}

#[test]
fn a_step_to_another_page_is_no_stride() {
    assert_eq!(Table::new(one()).after(&[0, 64, 128]), NOTHING);
    assert_eq!(
        Table::new(one()).after(&[0, 63, 126]),
        NOTHING,
        "the next line lies in another page"
    );
    assert_eq!(Table::new(one()).after(&[64, 64 + 31, 64 + 62]), NOTHING);
    assert_eq!(Table::new(one()).after(&[1, 32, 63 + 64, 63 + 95]), NOTHING);
}

#[test]
fn instructions_have_strides_of_their_own() {
    let mut table = Table::new(one());
    for step in 0..2 {
        assert_eq!(table.access(PC, step * 3, AccessKind::Load), NOTHING);
        assert_eq!(table.access(PC + 4, 63 - step, AccessKind::Store), NOTHING);
    }
    assert_eq!(table.access(PC, 6, AccessKind::Load), [9]);
    assert_eq!(table.access(PC + 4, 61, AccessKind::Store), [60]);
}

#[test]
fn fetches_and_walks_are_not_looked_at() {
    for kind in [AccessKind::Instruction, AccessKind::Walk] {
        let mut table = Table::new(one());
        for step in 0..5 {
            assert_eq!(table.access(PC, step, kind), NOTHING, "{kind:?}");
        }
    }
}

#[test]
fn one_instruction_more_than_a_set_holds_makes_one_be_forgotten() {
    let lru = ReplacementKind::Lru;
    let mut table = Table::new(StrideConfig { entries: 2, ways: 2, replacement: lru, ..one() });
    let load = |table: &mut Table, pc, line| table.access(pc, line, AccessKind::Load);
    for line in 0..2 {
        load(&mut table, 0x100, line);
        load(&mut table, 0x200, line);
    }
    assert_eq!(load(&mut table, 0x200, 2), [3], "two fit");
    load(&mut table, 0x300, 0);
    assert_eq!(load(&mut table, 0x100, 2), NOTHING, "it was the one used longest ago");
    assert_eq!(load(&mut table, 0x300, 1), NOTHING);
}

#[test]
fn the_storage_is_that_of_its_fields() {
    // Valid, 16 of tag, 3 of confidence, a sign and 6 of stride, 56 - 6 of line number.
    let bits = Table::new(StrideConfig::default()).0.storage_bits();
    assert_eq!(bits, 64 * (1 + 16 + 3 + 7 + 50));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let config = StrideConfig {
        ways: 3,
        confidence_threshold: 8,
        initial_confidence: 8,
        degree: 0,
        ..StrideConfig::default()
    };
    let mut problems = Problems::default();
    Stride::validate(&config, "l1d.prefetcher", &mut problems);
    let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    let keys = ["initial_confidence", "confidence_threshold", "degree", "ways"];
    assert_eq!(paths, keys.map(|key| format!("l1d.prefetcher.{key}")));
    let ways = StrideConfig { ways: 0, entries: 0, ..StrideConfig::default() };
    Stride::validate(&ways, "l1d.prefetcher", &mut problems);
}
