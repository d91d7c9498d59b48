//! Prefetches: what they bring, when they give way, and what becomes of them.

use super::overlap::{STEADY, drain, over};
use super::*;
use crate::PrefetchStats;
use crate::cache::Cache;
use crate::hierarchy::Prefetched;
use crate::prefetch::{NextLineConfig, PrefetcherConfig};
use stream::{Synthetic, Translate};

pub(super) fn next_line() -> Option<PrefetcherConfig> {
    Some(PrefetcherConfig::NextLine(NextLineConfig { degree: 1 }))
}

/// [`with_l2`] with a next-line prefetcher at one level.
fn prefetching(level: Level) -> HierarchyConfig {
    let mut config = with_l2();
    let caches = &mut config.caches;
    match level {
        Level::L1 => caches.l1d.prefetcher = next_line(),
        Level::L2 => caches.l2.as_mut().expect("configured").prefetcher = next_line(),
        Level::Llc => caches.llc.as_mut().expect("configured").prefetcher = next_line(),
        Level::Memory => panic!("memory has no prefetcher"),
    }
    config
}

fn of(mem: &Hierarchy, level: Level) -> PrefetchStats {
    let stats = mem.stats();
    match level {
        Level::L1 => stats.harts[0].l1d.prefetch.clone(),
        Level::L2 => stats.harts[0].l2.clone().expect("configured").prefetch,
        Level::Llc => stats.llc.expect("configured").prefetch,
        Level::Memory => panic!("memory has no prefetcher"),
    }
}

/// Issued, useful, late, useless.
fn counts(mem: &Hierarchy, level: Level) -> [u64; 4] {
    let stats = of(mem, level);
    [stats.issued.get(), stats.useful.get(), stats.late.get(), stats.useless.get()]
}

/// Every prefetched line was used, left unused, or is still there.
pub(super) fn assert_prefetches_accounted_for(mem: &Hierarchy) {
    let check = |cache: &Cache| {
        let stats = &cache.stats.prefetch;
        let known = stats.useful.get() + stats.useless.get() + cache.unused_prefetches();
        assert_eq!(stats.issued.get(), known, "{stats:?}");
        assert!(stats.late.get() <= stats.useful.get());
    };
    for private in &mem.harts {
        private.l1.iter().chain(&private.l2).for_each(check);
    }
    mem.llc.iter().for_each(check);
}

#[test]
fn a_miss_brings_the_next_line_into_the_cache_of_the_prefetcher() {
    for (level, latency) in [(Level::L1, 2), (Level::L2, 1 + 6 + 3), (Level::Llc, 1 + 4 + 20 + 5)] {
        let mut mem = Hierarchy::new(&prefetching(level));
        load(&mut mem, 1000, 8);
        assert_eq!(counts(&mem, level), [1, 0, 0, 0], "{level:?}");
        assert_eq!(load(&mut mem, 9000, 9), (9000 + latency, level));
        assert_eq!(counts(&mem, level), [2, 1, 0, 0], "the first use asks for line 10");
        load(&mut mem, 9500, 9);
        assert_eq!(counts(&mem, level), [2, 1, 0, 0], "the second use is an ordinary hit");
        assert_eq!(mem.stats().audit(), Vec::<String>::new());
    }
}

#[test]
fn a_prefetched_line_that_is_still_on_its_way_is_waited_for_and_late() {
    let arrival = 1000 + 1 + 4 + 10 + 100 + 5 + 2 + 3;
    for mem in [Hierarchy::new(&prefetching(Level::L1)), over(&prefetching(Level::L1), STEADY)] {
        for (now, done, late) in [(arrival - 3, arrival, 1), (arrival, arrival + 2, 0)] {
            let mut mem = mem.clone();
            assert_eq!(load(&mut mem, 1000, 8).0, arrival);
            assert_eq!(load(&mut mem, now, 9), (done, Level::L1));
            assert_eq!(counts(&mem, Level::L1), [2, 1, late, 0]);
        }
    }
}

#[test]
fn a_prefetch_gives_way() {
    let mut config = prefetching(Level::L1);
    config.caches.l1d.mshrs = 1;
    let mut mem = Hierarchy::new(&config);
    load(&mut mem, 1000, 8);
    assert_eq!(of(&mem, Level::L1).dropped.get(), 1, "the miss has the only register");
    let mut mem = Hierarchy::new(&prefetching(Level::L1));
    mem.warm(ONE, AccessKind::Load, line(10), PC);
    load(&mut mem, 1000, 9);
    assert_eq!(of(&mem, Level::L1).dropped.get(), 1, "line 10 is there");
    assert_eq!(of(&mem, Level::L1).issued.get(), 1, "and line 11 was asked for by its miss");
    assert_prefetches_accounted_for(&mem);
}

#[test]
fn lower_levels_do_not_fetch_what_the_caches_above_hold() {
    for level in [Level::L2, Level::Llc] {
        let mut mem = Hierarchy::new(&prefetching(level));
        mem.warm(ONE, AccessKind::Store, line(9), PC);
        let l2 = mem.harts[0].l2.as_mut().expect("configured");
        l2.find(LineAddr(9)).map(|slot| l2.invalidate(slot));
        let llc = mem.llc.as_mut().expect("configured");
        llc.find(LineAddr(9)).map(|slot| llc.invalidate(slot));
        let before = of(&mem, level).issued.get();
        load(&mut mem, 1000, 8);
        assert_eq!(of(&mem, level).issued.get(), before, "{level:?}");
    }
}

#[test]
fn a_prefetched_line_that_leaves_unused_was_useless() {
    let mut mem = Hierarchy::new(&prefetching(Level::L1));
    load(&mut mem, 1000, 8);
    // Four lines of the set of line 9, the ends of their pages: nothing is prefetched for them.
    for tag in 1..=4 {
        mem.warm(ONE, AccessKind::Walk, line(9 + 16 * tag), PC);
    }
    assert_eq!(counts(&mem, Level::L1), [1, 0, 0, 1]);
    assert_prefetches_accounted_for(&mem);
}

/// Brings lines of the set of line 9 into the first level: the ends of their pages, and page walks,
/// for which nothing is prefetched.
fn fill_set(mem: &mut Hierarchy, tags: std::ops::RangeInclusive<u64>) {
    for tag in tags {
        mem.warm(ONE, AccessKind::Walk, line(9 + 16 * tag), PC);
    }
}

#[test]
fn a_useless_prefetch_says_whether_its_line_came_from_memory() {
    for (held_below, from_memory) in [(false, 1), (true, 0)] {
        let mut mem = Hierarchy::new(&prefetching(Level::L1));
        if held_below {
            fill_set(&mut mem, 0..=4);
        }
        load(&mut mem, 1000, 8);
        fill_set(&mut mem, 5..=8);
        let stats = of(&mem, Level::L1);
        assert_eq!((stats.useless.get(), stats.useless_from_memory.get()), (1, from_memory));
    }
}

#[test]
fn a_miss_on_a_line_that_left_for_a_prefetched_one_is_pollution() {
    let polluting = |mem: &Hierarchy| of(mem, Level::L1).polluting.get();
    let mut mem = Hierarchy::new(&prefetching(Level::L1));
    fill_set(&mut mem, 1..=4);
    load(&mut mem, 1000, 8);
    assert_eq!(polluting(&mem), 0, "line 25 has left for line 9");
    fill_set(&mut mem, 1..=1);
    assert_eq!(polluting(&mem), 1);
    fill_set(&mut mem, 5..=5);
    fill_set(&mut mem, 2..=2);
    assert_eq!(polluting(&mem), 1, "line 41 left for one that was asked for");
    let mut mem = Hierarchy::new(&with_l2());
    fill_set(&mut mem, 0..=4);
    fill_set(&mut mem, 0..=4);
    assert_eq!(polluting(&mem), 0, "nothing is prefetched");
}

#[test]
fn lines_from_memory_are_counted_by_what_they_are_for() {
    use crate::ReadFor::{Instruction, Load, Prefetch, Store, Walk};
    let mut mem = Hierarchy::new(&prefetching(Level::L1));
    load(&mut mem, 1000, 8);
    fill_set(&mut mem, 1..=1);
    mem.warm(ONE, AccessKind::Store, line(63), PC);
    mem.warm(ONE, AccessKind::Instruction, line(640), PC);
    mem.warm(ONE, AccessKind::Load, line(63), PC);
    let memory = mem.stats().memory;
    let counts = [Instruction, Load, Store, Walk, Prefetch].map(|what| memory.read_for[what].get());
    assert_eq!((counts, memory.reads.get()), ([1, 1, 1, 1, 1], 5));
}

#[test]
fn shares_of_prefetches_are_of_what_they_say() {
    let mut stats = crate::CacheStats::default();
    stats.misses[AccessKind::Load].add(6);
    let prefetch = &mut stats.prefetch;
    prefetch.issued.add(20);
    prefetch.useful.add(4);
    prefetch.late.add(1);
    prefetch.useless.add(12);
    let values = stats::derived(&stats);
    for (path, expected) in [
        ("prefetch.accuracy", 0.25),
        ("prefetch.timeliness", 0.75),
        ("prefetch_coverage", 0.4),
        ("prefetch_uncovered", 0.6),
        ("prefetch_overpredicted", 1.2),
    ] {
        assert!(values.contains(&(path.to_owned(), Some(expected))), "{path}: {values:?}");
    }
}

#[test]
fn a_prefetch_stays_in_its_page_and_page_walks_cause_none() {
    let mut mem = Hierarchy::new(&prefetching(Level::L1));
    load(&mut mem, 1000, 63);
    let (mut source, place) = (Synthetic::new(2), (VirtAddr(0x5000), 3));
    mem.translate(Cycle(2000), ONE, place, Translate::Load, &mut source);
    assert_eq!(mem.stats().harts[0].walker.reads.get(), 3);
    assert_eq!(counts(&mem, Level::L1), [0, 0, 0, 0]);
}

#[test]
fn a_prefetch_of_the_level_above_counts_as_a_use_and_is_not_an_access() {
    let mut config = prefetching(Level::L1);
    config.caches.l2.as_mut().expect("configured").prefetcher = next_line();
    let mut mem = Hierarchy::new(&config);
    load(&mut mem, 1000, 8);
    // The first level asked for line 9 first, so that the second had nothing to fetch.
    assert_eq!((of(&mem, Level::L1).issued.get(), of(&mem, Level::L2).issued.get()), (1, 0));
    let l2 = mem.stats().harts[0].l2.clone().expect("configured");
    assert_eq!((l2.misses.sum(), l2.prefetch.misses.get()), (1, 1));
    assert_eq!(mem.stats().audit(), Vec::<String>::new());
}

#[test]
fn the_front_end_can_prefetch_instructions() {
    let mut config = small();
    config.caches.l1i.mshrs = 2;
    for mut mem in [Hierarchy::new(&config), over(&config, STEADY)] {
        let fetch = |mem: &mut Hierarchy, now, number| {
            mem.prefetch_instruction(Cycle(now), ONE, line(number), VirtAddr(0))
        };
        assert_eq!(fetch(&mut mem, 1000, 1), Prefetched::Issued);
        assert_eq!(fetch(&mut mem, 1001, 1), Prefetched::Present);
        assert_eq!(fetch(&mut mem, 1002, 2), Prefetched::Issued);
        assert_eq!(fetch(&mut mem, 1003, 3), Prefetched::Dropped);
        drain(&mut mem);
        assert_eq!(fetch(&mut mem, 1117, 3), Prefetched::Dropped, "taken until 1119");
        assert_eq!(fetch(&mut mem, 1118, 3), Prefetched::Issued, "free when its lookup ends");
        let used = mem.access(Cycle(1200), ONE, AccessKind::Instruction, line(1), PC);
        assert_eq!((used.at.0, used.found), (1202, Level::L1));
        let stats = mem.stats().harts[0].l1i.prefetch.clone();
        assert_eq!([stats.issued.get(), stats.dropped.get(), stats.useful.get()], [3, 3, 1]);
    }
}

#[test]
fn a_stream_that_is_prefetched_far_enough_ahead_hits() {
    let mut config = prefetching(Level::L1);
    config.caches.l1d.prefetcher = Some(PrefetcherConfig::NextLine(NextLineConfig { degree: 4 }));
    let CachesConfig { l1d, l2, llc, .. } = &mut config.caches;
    for cache in [l1d].into_iter().chain(l2).chain(llc) {
        cache.mshrs = 16;
    }
    let mut mem = Hierarchy::new(&config);
    // A page, a line every 50 cycles: four lines ahead are 200 cycles, more than the 125 to memory.
    let mut hits = 0;
    for number in 0..64 {
        let now = 1000 + number * 50;
        hits += u64::from(load(&mut mem, now, number).0 == now + 2);
    }
    // The first line misses at 1000 and brings the next four then, two of which are needed by 1100.
    assert_eq!(hits, 64 - 3);
    assert_eq!(counts(&mem, Level::L1), [63, 63, 2, 0]);
}
