use super::*;
use crate::AccessKind;
use crate::prefetch::contract::Bench;
use stream::VirtAddr;

const T: u64 = 20;
const NOTHING: [u64; 0] = [];

/// Offsets 1 to 15 and phases of 128 rounds: 15 being odd, each offset is tested twice at each of
/// the 64 places in a page. In a sequential stream an offset d that is in time scores at all places
/// but the first d, so 2 * (64 - d), and the shortest that is in time wins.
fn even() -> BestOffsetConfig {
    BestOffsetConfig {
        offsets: (1..=15).collect(),
        score_max: 255,
        round_max: 128,
        ..BestOffsetConfig::default()
    }
}

/// The offset after loads of every `stride`-th line, one each `T` cycles.
fn learned(config: &BestOffsetConfig, latency: u64, stride: u64) -> i64 {
    let mut bench = Bench::<BestOffset>::new(config, 64, latency);
    (0..12_000).for_each(|step| drop(bench.load(step * T, 0, 0x1_0000 + step * stride)));
    bench.prefetcher.offset
}

fn look(prefetcher: &mut BestOffset, now: u64, line: u64) -> Vec<u64> {
    let (now, line) = (Cycle(now), LineAddr(line));
    let (pc, kind) = (VirtAddr(0), AccessKind::Load);
    let mut requests = Requests::new(Pages::of_lines(64));
    requests.begin(line);
    let access = Observed { now, pc, line, kind, hit: false, first_use: false };
    prefetcher.observe(&access, &mut requests);
    requests.lines().iter().map(|line| line.0).collect()
}

fn new(config: &BestOffsetConfig) -> BestOffset {
    BestOffset::new(config, Pages::of_lines(64))
}

#[test]
fn the_published_lists_of_offsets_have_52_and_46_entries() {
    let hpca = BestOffsetConfig::default().offsets;
    assert_eq!((hpca.len(), hpca[51]), (52, 256));
    assert_eq!(hpca[..12], [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16]);
    let dpc2 = BestOffsetConfig::dpc2().offsets;
    assert_eq!((dpc2.len(), &dpc2[..4], dpc2[45]), (46, &[1, -1, 2, -2][..], -40));
}

#[test]
fn the_storage_is_that_of_the_design_of_2015() {
    // Its code counts: offset 7, table 1536, scores 255, delay queue 473; without the tags in the
    // cache and the throttling.
    assert_eq!(new(&BestOffsetConfig::dpc2()).storage_bits(), 7 + 1536 + 255 + 473);
}

#[test]
fn the_shortest_offset_that_is_in_time_is_learned() {
    for lines in 1..=14 {
        let latency = lines * T;
        assert_eq!(learned(&even(), latency, 1), lines as i64, "arrives {lines} loads later");
        assert_eq!(learned(&even(), latency + 1, 1), lines as i64 + 1, "arrives after that load");
    }
}

#[test]
fn a_stream_of_every_third_line_is_learned() {
    assert_eq!(learned(&even(), T, 3), 3);
    assert_eq!(learned(&even(), 2 * T, 3), 6);
    assert_eq!(learned(&even(), 2 * T + 1, 3), 9);
}

#[test]
fn a_falling_stream_needs_negative_offsets() {
    let falling = |config: &BestOffsetConfig| {
        let mut bench = Bench::<BestOffset>::new(config, 64, T);
        (0..12_000).for_each(|step| drop(bench.load(step * T, 0, 0x1_0000 - step)));
        bench.prefetcher.offset
    };
    assert_eq!(falling(&even()), 0, "nothing to choose from: it pauses");
    assert_eq!(falling(&BestOffsetConfig { offsets: vec![1, -1, -2], ..even() }), -1);
}

#[test]
fn the_delay_queue_lets_a_short_offset_win_that_is_late() {
    let delayed = |delay_queue_cycles| {
        let queue = BestOffsetConfig { delay_queue_entries: 15, delay_queue_cycles, ..even() };
        learned(&queue, 100 * T, 1)
    };
    assert_eq!(delayed(3 * T), 3);
    assert_eq!(delayed(3 * T + 1), 4);
    assert_eq!(learned(&even(), 100 * T, 1), 0, "without it no offset is in time");
}

#[test]
fn the_published_designs_cover_a_stream_that_memory_is_slow_for() {
    for config in [BestOffsetConfig::default(), BestOffsetConfig::dpc2()] {
        let mut bench = Bench::<BestOffset>::new(&config, 64, 7 * T);
        (0..12_800).for_each(|step| drop(bench.load(step * T, 0, step)));
        let (offset, covered) = (bench.prefetcher.offset as usize, bench.covered);
        assert!(covered >= 190 * (64 - offset), "{covered} of 200 pages with offset {offset}");
    }
    // The list of 2016 has no 7.
    assert_eq!(learned(&BestOffsetConfig::default(), 7 * T, 1), 8);
}

#[test]
fn it_pauses_at_the_end_of_a_phase_without_a_good_score() {
    let config = BestOffsetConfig { offsets: vec![1, 2], round_max: 4, ..even() };
    let mut prefetcher = new(&config);
    for step in 0..7 {
        assert_eq!(look(&mut prefetcher, 0, step * 1000), [step * 1000 + 1]);
    }
    assert_eq!(look(&mut prefetcher, 0, 7000), NOTHING, "the eighth test ends four rounds");
}

/// Four loads end a phase; of these the ones after a prefetched line score.
fn offset_after(lines: [u64; 4], bad_score: u32) -> i64 {
    let config = BestOffsetConfig { offsets: vec![1], round_max: 4, bad_score, ..even() };
    let mut bench = Bench::<BestOffset>::new(&config, 64, 0);
    lines.iter().for_each(|&line| drop(bench.load(0, 0, line)));
    bench.prefetcher.offset
}

#[test]
fn a_score_above_the_bad_one_is_needed() {
    assert_eq!(offset_after([0, 1, 1000, 2000], 1), 0);
    assert_eq!(offset_after([0, 1, 2, 2000], 1), 1);
    assert_eq!(offset_after([0, 1, 1000, 2000], 0), 1);
}

#[test]
fn learning_goes_on_during_a_pause_with_all_lines_that_arrive() {
    let config = BestOffsetConfig { offsets: vec![1], round_max: 4, ..even() };
    let mut bench = Bench::<BestOffset>::new(&config, 64, 0);
    (0..4).for_each(|step| drop(bench.load(0, 0, step * 1000)));
    for line in 64..67 {
        assert_eq!(bench.load(0, 0, line).len(), 0, "paused");
    }
    assert_eq!(bench.load(0, 0, 67), [LineAddr(68)], "three of four lines scored");
}

#[test]
fn only_prefetched_lines_enter_the_table_unless_it_pauses() {
    let mut prefetcher = new(&even());
    prefetcher.filled(LineAddr(31), Cycle(0), false);
    prefetcher.filled(LineAddr(11), Cycle(0), true);
    look(&mut prefetcher, 0, 1000);
    assert!(prefetcher.recent.holds(LineAddr(10)), "the base of line 11");
    assert!(!prefetcher.recent.holds(LineAddr(30)) && !prefetcher.recent.holds(LineAddr(31)));
    prefetcher.offset = 0;
    prefetcher.filled(LineAddr(31), Cycle(0), false);
    look(&mut prefetcher, 0, 1000);
    assert!(prefetcher.recent.holds(LineAddr(31)));
}

#[test]
fn a_base_in_another_page_does_not_enter_the_table() {
    let mut prefetcher = new(&even());
    prefetcher.filled(LineAddr(64), Cycle(0), true);
    prefetcher.filled(LineAddr(65), Cycle(0), true);
    look(&mut prefetcher, 0, 1000);
    assert!(!prefetcher.recent.holds(LineAddr(63)));
    assert!(prefetcher.recent.holds(LineAddr(64)));
}

#[test]
fn a_fill_told_of_ahead_of_time_counts_when_it_takes_place() {
    let mut prefetcher = new(&even());
    prefetcher.filled(LineAddr(11), Cycle(100), true);
    look(&mut prefetcher, 99, 1000);
    assert!(!prefetcher.recent.holds(LineAddr(10)));
    look(&mut prefetcher, 100, 2000);
    assert!(prefetcher.recent.holds(LineAddr(10)));
}

#[test]
fn hits_on_lines_in_use_neither_teach_nor_trigger() {
    let mut prefetcher = new(&even());
    let mut requests = Requests::new(Pages::of_lines(64));
    let (now, pc, line) = (Cycle(0), VirtAddr(0), LineAddr(5));
    let hit = Observed { now, pc, line, kind: AccessKind::Load, hit: true, first_use: false };
    requests.begin(line);
    prefetcher.observe(&hit, &mut requests);
    assert_eq!((requests.lines(), prefetcher.learning.turn()), (&[][..], 0));
    prefetcher.observe(&Observed { first_use: true, ..hit }, &mut requests);
    assert_eq!((requests.lines(), prefetcher.learning.turn()), (&[LineAddr(6)][..], 1));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let config = BestOffsetConfig {
        offsets: vec![0, 5, 300],
        score_max: 0,
        rr_entries: 100,
        ..BestOffsetConfig::default()
    };
    let mut problems = Problems::default();
    BestOffset::validate(&config, "l2.prefetcher", &mut problems);
    let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    let keys = ["offsets", "offsets", "score_max", "bad_score", "rr_entries"];
    assert_eq!(paths, keys.map(|key| format!("l2.prefetcher.{key}")));
}
