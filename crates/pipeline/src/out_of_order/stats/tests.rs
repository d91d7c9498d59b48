//! The shares of slots and the stacks close, whatever was counted.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

const WIDTH: u64 = 6;

/// Counters that balance, as a core's do: the last cause takes the slots that make whole cycles.
fn counters() -> impl Strategy<Value = OutOfOrderStats> {
    let lost = vec(0..1_000_000_u64, Lost::ALL.len());
    let spent = vec(0..1_000_u64, Spent::ALL.len());
    let squashes = vec(1..1_000_u64, Cause::ALL.len());
    (lost, spent, squashes, 1..1_000_000_u64, 0..1_000_000_u64, 0..400_u64).prop_map(
        |(lost, spent, squashes, retired, squashed, in_flight)| {
            let mut stats = OutOfOrderStats::default();
            stats.retired.add(retired);
            stats.squashed.add(squashed);
            stats.renamed.add((retired + squashed + in_flight).saturating_sub(200));
            Lost::ALL.iter().zip(lost).for_each(|(cause, slots)| stats.lost[*cause].add(slots));
            Spent::ALL.iter().zip(spent).for_each(|(what, n)| stats.spent[*what].add(n));
            Cause::ALL.iter().zip(squashes).for_each(|(cause, n)| stats.squashes[*cause].add(n));
            let taken = stats.renamed.get() + stats.lost.sum();
            let cycles = taken.max(stats.spent.sum() * WIDTH).div_ceil(WIDTH);
            stats.lost[Lost::Alone].add(cycles * WIDTH - taken);
            let rest = cycles - stats.spent.sum();
            stats.spent[Spent::Latency].add(rest);
            stats.slots.add(cycles * WIDTH);
            stats
        },
    )
}

/// The sum of the derived values at `paths` and below them.
fn sum(stats: &OutOfOrderStats, paths: &[&str]) -> f64 {
    let is_at = |name: &str, path: &str| {
        name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let is_part = |name: &str| paths.iter().any(|path| is_at(name, path));
    let values = stats::derived(stats);
    let parts = values.iter().filter(|(name, _)| is_part(name));
    parts.map(|(name, value)| value.unwrap_or_else(|| panic!("{name} has no value"))).sum()
}

fn assert_sum(stats: &OutOfOrderStats, paths: &[&str], expected: f64) {
    let found = sum(stats, paths);
    assert!((found - expected).abs() < 1e-9, "{paths:?} come to {found}, expected {expected}");
}

proptest! {
    #[test]
    fn both_cpi_stacks_sum_to_the_cpi(stats in counters()) {
        let cpi = stats.spent.sum() as f64 / stats.retired.get() as f64;
        // The parts of a CPI of thousands carry more rounding than those of a real one.
        let scaled = |paths: &[&str]| (sum(&stats, paths) - cpi).abs() < 1e-9 * cpi.max(1.0);
        prop_assert!(scaled(&["cpi_commit"]));
        let dispatch =
            ["cpi_dispatch_base", "cpi_dispatch_squashed", "cpi_dispatch_unfinished", "cpi_dispatch_lost"];
        prop_assert!(scaled(&dispatch));
    }

    #[test]
    fn every_level_sums_to_the_one_above_it(stats in counters()) {
        assert_sum(
            &stats,
            &["topdown_retiring", "topdown_bad_speculation", "topdown_frontend", "topdown_backend"],
            1.0,
        );
        assert_sum(
            &stats,
            &[
                "topdown_retiring",
                "topdown_bad_speculation_with_refill",
                "topdown_frontend_without_refill",
                "topdown_backend",
            ],
            1.0,
        );
        assert_sum(&stats, &["topdown_retiring", "topdown_wrong_path", "topdown_lost"], 1.0);
        let front = ["topdown_frontend_latency", "topdown_frontend_bandwidth"];
        assert_sum(&stats, &front, sum(&stats, &["topdown_frontend"]));
        let front = ["topdown_frontend_latency_without_refill", "topdown_frontend_bandwidth"];
        assert_sum(&stats, &front, sum(&stats, &["topdown_frontend_without_refill"]));
        let speculation =
            ["topdown_bad_speculation_branches", "topdown_bad_speculation_memory_order"];
        assert_sum(&stats, &speculation, sum(&stats, &["topdown_bad_speculation"]));
        let back = sum(&stats, &["topdown_backend"]);
        assert_sum(&stats, &["topdown_backend_memory", "topdown_backend_core"], back);
        assert_sum(&stats, &["topdown_backend_waits"], back);
    }

    #[test]
    fn balanced_counters_pass_the_audit_and_one_more_of_any_does_not(stats in counters()) {
        let (cycles, instructions) = (stats.spent.sum(), stats.retired.get());
        prop_assert_eq!(stats.audit(cycles, instructions), Vec::<String>::new());
        prop_assert!(!stats.audit(cycles + 1, instructions).is_empty());
        prop_assert!(!stats.audit(cycles, instructions + 1).is_empty());
        let spoilt = |spoil: fn(&mut OutOfOrderStats)| {
            let mut spoilt = stats.clone();
            spoil(&mut spoilt);
            !spoilt.audit(cycles, instructions).is_empty()
        };
        prop_assert!(spoilt(|stats| stats.slots.inc()));
        prop_assert!(spoilt(|stats| stats.renamed.inc()));
        prop_assert!(spoilt(|stats| stats.lost[Lost::Itlb].inc()));
        prop_assert!(spoilt(|stats| stats.spent[Spent::Base].inc()));
    }
}

#[test]
fn refilling_moves_from_the_front_end_to_bad_speculation_in_the_other_convention() {
    let mut stats = OutOfOrderStats::default();
    stats.slots.add(80);
    stats.renamed.add(40);
    stats.retired.add(30);
    stats.squashed.add(10);
    stats.lost[Lost::Recovery].add(4);
    stats.lost[Lost::ResteerReturn].add(16);
    stats.lost[Lost::ResteerDecode].add(8);
    stats.lost[Lost::Bandwidth].add(4);
    stats.lost[Lost::RobFull].add(8);
    stats.spent[Spent::Llc].add(3);
    stats.spent[Spent::Execute].add(1);
    let value = |path: &str| sum(&stats, &[path]);
    assert_eq!(value("topdown_retiring"), 0.375);
    assert_eq!(value("topdown_bad_speculation"), 0.175);
    assert_eq!(value("topdown_bad_speculation_with_refill"), 0.375);
    assert_eq!(value("topdown_frontend"), 0.35);
    // A branch that decode found was not guessed wrong: it stays with the front end.
    assert!((value("topdown_frontend_without_refill") - 0.15).abs() < 1e-12);
    assert!((value("topdown_frontend_latency") - 0.3).abs() < 1e-12);
    assert_eq!(value("topdown_backend_memory"), 0.075);
    assert_eq!(value("topdown_backend_waits.llc"), 0.075);
    assert_eq!(value("topdown_backend_core"), 0.025);
}

#[test]
fn nothing_counted_has_no_value_rather_than_one_that_is_no_number() {
    let values = stats::derived(&OutOfOrderStats::default());
    assert!(values.iter().all(|(_, value)| value.is_none()), "{values:?}");
}
