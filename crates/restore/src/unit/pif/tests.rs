use super::super::contract::Bench;
use super::*;

fn small() -> PifConfig {
    PifConfig { streams: 2, regions_ahead: 2, ..PifConfig::default() }
}

/// The region of a trigger in which lines at these distances from it were executed, too.
fn region(trigger: u64, distances: &[i64]) -> Region {
    let bit = |distance: &i64| 1 << (distance + 2);
    Region { trigger, lines: distances.iter().map(bit).fold(1 << 2, |lines, bit: u16| lines | bit) }
}

/// An address of a line.
fn at(line: u64) -> VirtAddr {
    VirtAddr(line << 6 | 8)
}

/// The first line of a distant part of the program; no two have a region in common.
fn part(number: u64) -> u64 {
    0x4_0000 + number * 100
}

fn retire(unit: &mut Pif, lines: impl IntoIterator<Item = u64>) {
    lines.into_iter().for_each(|line| unit.retired(at(line)));
}

/// Which of these lines an access finds in the first level.
fn present(bench: &mut Bench<Pif>, lines: impl IntoIterator<Item = u64>) -> Vec<bool> {
    let mut found = |line: u64| {
        let pa = stream::PhysAddr(line << 6);
        let mut ports = Ports {
            hart: HartId(0),
            asid: 5,
            can_walk: true,
            predictor: None,
            mem: &mut bench.mem,
            time: crate::Time::Still(&mut |_, _| unreachable!("it is not asked for")),
        };
        ports.restore_to_l1i((VirtAddr(pa.0), pa), 0) == mem::Prefetched::Present
    };
    lines.into_iter().map(&mut found).collect()
}

#[test]
fn the_published_tables_have_the_storage_that_the_evaluation_gives_them() {
    let config = PifConfig::default();
    assert_eq!(RECORD_BITS, 42 + 10, "the trigger, and a bit for each other line");
    assert_eq!(config.regions(), 164 * 8192 / 52 / 2);
    // 12918 places take 14 bits.
    assert_eq!(config.index_bits(), 42 + 14);
    assert_eq!(config.index_entries(), 3584, "49 * 8192 / 56 / 2, which is whole sets");
    let tables = 2 * (12918 * 52 + 3584 * 56);
    let (whole, record) = ((164 + 49) * 8192, 2 * 52);
    assert!(tables <= whole && whole - tables < record, "{tables} of {whole}");
    let beside = 4 * (8 * 52 + 14) + 2 * 5 * 52;
    assert_eq!(Pif::new(&config, HartId(0)).storage_bits(), tables + beside);
}

#[test]
fn retired_lines_near_a_trigger_are_one_region() {
    let mut compactor = Compactor::new(4);
    let lines = [100, 101, 98, 108, 100];
    assert!(lines.iter().all(|&line| compactor.retired(line).is_none()));
    assert_eq!(compactor.retired(109), Some(region(100, &[1, -2, 8])), "nine behind the trigger");
    assert_eq!(compactor.retired(106), Some(region(109, &[])), "three before it");
}

#[test]
fn a_region_that_adds_nothing_to_one_of_the_last_is_not_recorded() {
    let mut compactor = Compactor::new(2);
    let whole = region(100, &[1, 2]);
    assert!(compactor.is_new(whole));
    assert!(!compactor.is_new(region(100, &[1])));
    assert!(compactor.is_new(region(100, &[3])), "a line more");
    assert!(!compactor.is_new(whole), "it is there still");
    assert!(compactor.is_new(region(200, &[])));
    assert!(compactor.is_new(region(100, &[3])), "two others came after it");
}

#[test]
fn a_loop_is_recorded_once() {
    let mut unit = Pif::new(&PifConfig::default(), HartId(0));
    for _ in 0..50 {
        retire(&mut unit, [part(1), part(1) + 1, part(2)]);
    }
    let stats = unit.stats();
    // The last region is not complete.
    assert_eq!((stats.recorded.get(), stats.compacted.get()), (2, 97));
}

#[test]
fn the_history_keeps_the_latest_regions_and_the_index_the_latest_place_of_a_trigger() {
    let mut history = History::new(3, 4);
    for trigger in [1, 2, 1, 3] {
        history.record(region(trigger, &[]));
    }
    assert_eq!((history.find(1), history.find(2), history.find(3)), (Some(2), Some(1), Some(3)));
    assert_eq!((history.get(0), history.get(4)), (None, None), "overwritten; not there yet");
    history.record(region(4, &[]));
    assert_eq!(history.find(2), None, "its place has gone to another");
    // A set of four: the one looked up longest ago leaves.
    history.record(region(5, &[]));
    assert_eq!(history.find(3), Some(3));
    history.clear();
    assert_eq!(history.find(3), None);
}

#[test]
fn a_stream_that_was_executed_before_is_prefetched_ahead() {
    let mut bench = Bench::<Pif>::new(&small());
    retire(&mut bench.unit, (0..6).flat_map(|number| [part(number), part(number) + 1]));
    bench.unit.fetched(at(part(0)), true);
    bench.run();
    // The region that is executed and two ahead, each of two lines.
    let stats = bench.unit.stats();
    assert_eq!((stats.opened.get(), stats.prefetches.get()), (1, 3 * 2));
    let lines: Vec<u64> = (0..6).flat_map(|number| [part(number), part(number) + 1]).collect();
    let expected: Vec<bool> = (0..12).map(|place| place < 6).collect();
    assert_eq!(present(&mut bench, lines), expected);
}

#[test]
fn a_stream_reads_on_as_it_is_followed_and_may_leave_regions_out() {
    let mut bench = Bench::<Pif>::new(&small());
    retire(&mut bench.unit, (0..10).map(part));
    bench.unit.fetched(at(part(0)), true);
    bench.run();
    assert_eq!(bench.unit.stats().prefetches.get(), 3);
    bench.unit.fetched(at(part(0)), false);
    bench.run();
    assert_eq!(bench.unit.stats().prefetches.get(), 3, "it is where it was");
    bench.unit.fetched(at(part(2)), false);
    bench.run();
    let stats = bench.unit.stats();
    assert_eq!((stats.followed.get(), stats.prefetches.get(), stats.opened.get()), (2, 5, 1));
}

#[test]
fn a_line_that_hits_opens_no_stream() {
    let mut bench = Bench::<Pif>::new(&small());
    retire(&mut bench.unit, (0..4).map(part));
    bench.unit.fetched(at(part(0)), false);
    bench.unit.fetched(at(part(7)), true);
    bench.run();
    let stats = bench.unit.stats();
    assert_eq!((stats.opened.get(), stats.unindexed.get(), stats.prefetches.get()), (0, 1, 0));
}

#[test]
fn the_stream_that_was_used_longest_ago_gives_way() {
    let mut bench = Bench::<Pif>::new(&PifConfig { regions_ahead: 1, ..small() });
    // Two executed together, which come before something else each time.
    retire(&mut bench.unit, (0..12).map(part));
    for opened in [0, 4, 8] {
        bench.unit.fetched(at(part(opened)), true);
        bench.run();
    }
    assert_eq!(bench.unit.stats().opened.get(), 3);
    bench.unit.fetched(at(part(5)), false);
    assert_eq!(bench.unit.stats().followed.get(), 1, "the second stream is there");
    bench.unit.fetched(at(part(1)), false);
    assert_eq!(bench.unit.stats().followed.get(), 1, "the first is not");
}

#[test]
fn the_kernel_does_not_interrupt_what_is_recorded_of_the_user() {
    let kernel = 0x3ff_ffff_fe00_0000;
    let mut bench = Bench::<Pif>::new(&small());
    retire(&mut bench.unit, [part(0), kernel, part(0) + 1, kernel + 100, part(1), part(2)]);
    // User: parts 0, of two lines, and 1 are complete; of the kernel its first region.
    assert_eq!(bench.unit.stats().recorded.get(), 3);
    bench.unit.fetched(at(part(0)), true);
    bench.run();
    assert_eq!(bench.unit.stats().prefetches.get(), 3);
    let lines = [part(0), part(0) + 1, part(1), kernel & 0x3f_ffff];
    assert_eq!(present(&mut bench, lines), [true, true, true, false]);
}

#[test]
fn tables_are_lost_with_the_core_unless_they_are_persistent() {
    for persistent in [false, true] {
        let mut bench = Bench::<Pif>::new(&PifConfig { persistent, ..small() });
        retire(&mut bench.unit, (0..10).map(part));
        bench.unit.fetched(at(part(0)), true);
        bench.lose();
        bench.run();
        assert_eq!(bench.unit.stats().prefetches.get(), 0, "the streams are lost in any case");
        bench.unit.fetched(at(part(0)), true);
        bench.run();
        assert_eq!(bench.unit.stats().prefetches.get(), if persistent { 3 } else { 0 });
    }
}

#[test]
fn lines_are_asked_for_one_a_cycle_when_their_page_is_known() {
    let mut bench = Bench::<Pif>::new(&small());
    // One region, at the end of a page and at the beginning of the next.
    let first = 0x4_003e;
    retire(&mut bench.unit, [first, first + 1, first + 2, first + 3, part(5)]);
    bench.unit.fetched(at(first), true);
    let mut issued = Vec::new();
    for cycle in 0..4000 {
        let before = bench.unit.stats.prefetches.get();
        bench.step();
        issued.extend((before < bench.unit.stats.prefetches.get()).then_some(cycle));
        bench.now += 1;
    }
    // A walk of three levels after a TLB of one cycle; its entries lie in memory, behind both data caches.
    let walk = 1 + 3 * (2 + 10 + 20 + 100 + 1 + 1 + 1);
    assert_eq!(issued[..2], [walk, walk + 1]);
    assert_eq!(issued.len(), 4);
    assert!(issued[2] > walk + 2 && issued[3] == issued[2] + 1, "{issued:?}: another page");
}
