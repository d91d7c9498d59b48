//! TLBs and page walks.

use super::*;
use crate::mmu::Translation;
use crate::reply::Reply;
use crate::walk_cache::WalkCacheConfig;
use stream::{FlushScope, Synthetic, Translate, VirtAddr};

const ASID: u16 = 3;

fn translate(mem: &mut Hierarchy, source: &mut Synthetic, now: u64, page: u64) -> Translation {
    mem.translate(Cycle(now), ONE, (VirtAddr(page << 12), ASID), Translate::Load, source)
}

#[test]
fn a_walk_costs_its_table_reads_one_after_the_other() {
    let (mut mem, mut source) = (Hierarchy::new(&small()), Synthetic::new(2));
    let cold = translate(&mut mem, &mut source, 1000, 1);
    assert_eq!(cold.at.0, 1000 + 3 * 119, "three entries from memory");
    assert_eq!(cold.reads(), [Level::Memory; 3]);
    let neighbour = translate(&mut mem, &mut source, 2000, 2);
    assert_eq!(neighbour.at.0, 2000 + 3 * 2, "the same lines of entries, in the data cache");
    let again = translate(&mut mem, &mut source, 3000, 1);
    assert_eq!((again.at.0, again.missed), (3000, false), "a TLB hit takes no time");
}

#[test]
fn a_walker_can_go_past_the_first_level() {
    let mut config = small();
    config.tlbs.walk_through = WalkThrough::BelowL1;
    let (mut mem, mut source) = (Hierarchy::new(&config), Synthetic::new(2));
    assert_eq!(translate(&mut mem, &mut source, 1000, 1).at.0, 1000 + 3 * (10 + 100 + 5));
    assert_eq!(translate(&mut mem, &mut source, 2000, 2).at.0, 2000 + 3 * 20);
    let stats = mem.stats();
    assert_eq!(stats.harts[0].l1d.misses.sum(), 0);
    assert_eq!(stats.audit(), Vec::<String>::new());
}

#[test]
fn a_second_level_tlb_saves_the_walk() {
    let mut config = small();
    let l2_tlb = TlbConfig { entries: 16, ways: 4, latency_cycles: 7, ..config.tlbs.dtlb.clone() };
    config.tlbs.l2_tlb = Some(l2_tlb);
    let (mut mem, mut source) = (Hierarchy::new(&config), Synthetic::new(2));
    for page in 0..5 {
        translate(&mut mem, &mut source, 1000, page);
    }
    let evicted = translate(&mut mem, &mut source, 9000, 0);
    assert_eq!((evicted.at.0, evicted.missed), (9000 + 7, true));
    assert!(evicted.reads().is_empty());
    assert_eq!(translate(&mut mem, &mut source, 9100, 0).at.0, 9100, "it moved up again");
}

#[test]
fn a_walk_cache_saves_the_upper_reads_of_neighbouring_pages() {
    let mut config = small();
    config.tlbs.walk_cache = Some(WalkCacheConfig {
        entries: vec![2, 4],
        ways: 4,
        latency_cycles: 1,
        replacement: ReplacementKind::Lru,
    });
    let (mut mem, mut source) = (Hierarchy::new(&config), Synthetic::new(2));
    assert_eq!(translate(&mut mem, &mut source, 1000, 1).at.0, 1000 + 1 + 3 * 119);
    let place = (VirtAddr(2 << 12), ASID);
    let mut overlapped = mem.clone();
    for what in [Translate::Load, Translate::Fetch] {
        let neighbour = overlapped.demand_translation(Cycle(2000), ONE, place, what, &mut source);
        let Reply::Done(neighbour) = neighbour else { panic!("{neighbour:?}") };
        let reads: &[Level] = if what == Translate::Load { &[Level::L1] } else { &[] };
        assert_eq!((neighbour.at.0, neighbour.reads()), (2000 + 1 + 2, reads), "the leaf only");
    }
    let neighbour = translate(&mut mem, &mut source, 2000, 2);
    assert_eq!((neighbour.at.0, neighbour.reads()), (2000 + 1 + 2, &[Level::L1][..]));
    let stats = mem.stats();
    assert_eq!(stats.harts[0].walker.reads.get(), 3 + 1);
    assert_eq!(stats.harts[0].walk_cache.as_ref().expect("configured").hits.sum(), 1);
    mem.flush_tlb(ONE, FlushScope::All);
    assert_eq!(translate(&mut mem, &mut source, 3000, 3).at.0, 3000 + 1 + 3 * 2);
}

#[test]
fn an_overlapping_walk_fills_the_walk_cache_when_it_ends() {
    let mut config = small();
    config.tlbs.walkers = 2;
    config.tlbs.walk_cache = Some(WalkCacheConfig {
        entries: vec![4],
        ways: 4,
        latency_cycles: 0,
        replacement: ReplacementKind::Lru,
    });
    let (mut mem, mut source) = (Hierarchy::new(&config), Synthetic::new(2));
    let mut reads = |now: u64, page: u64| {
        let place = (VirtAddr(page << 12), ASID);
        let load = Translate::Load;
        match mem.demand_translation(Cycle(now), ONE, place, load, &mut source) {
            Reply::Done(translation) => translation.reads().len(),
            other => panic!("not done: {other:?}"),
        }
    };
    assert_eq!(reads(1000, 1), 3);
    assert_eq!(reads(1000 + 3 * 119 - 1, 2), 3, "it has not ended");
    assert_eq!(reads(1000 + 3 * 119, 3), 1, "it has");
}

#[test]
fn tlbs_with_a_latency_charge_it_on_hits_and_misses() {
    let mut config = small();
    config.tlbs.dtlb.latency_cycles = 1;
    let (mut mem, mut source) = (Hierarchy::new(&config), Synthetic::new(2));
    assert_eq!(translate(&mut mem, &mut source, 1000, 1).at.0, 1001 + 3 * 119);
    assert_eq!(translate(&mut mem, &mut source, 2000, 1).at.0, 2001);
}

#[test]
fn fetches_and_loads_have_tlbs_of_their_own_and_harts_do_too() {
    let (mut mem, mut source) = (Hierarchy::new(&small()), Synthetic::new(2));
    translate(&mut mem, &mut source, 1000, 1);
    let place = (VirtAddr(1 << 12), ASID);
    let fetch = mem.translate(Cycle(2000), ONE, place, Translate::Fetch, &mut source);
    assert!(fetch.missed);
    let other = mem.translate(Cycle(3000), OTHER, place, Translate::Load, &mut source);
    assert!(other.missed);
}

#[test]
fn a_flush_makes_the_next_access_walk_again() {
    let (mut mem, mut source) = (Hierarchy::new(&small()), Synthetic::new(2));
    translate(&mut mem, &mut source, 1000, 1);
    mem.flush_tlb(ONE, FlushScope::Asid(ASID + 1));
    assert!(!translate(&mut mem, &mut source, 2000, 1).missed);
    mem.flush_tlb(ONE, FlushScope::Asid(ASID));
    assert!(translate(&mut mem, &mut source, 3000, 1).missed);
    assert_eq!(mem.stats().harts[0].walker.walks.get(), 2);
}

#[test]
fn warming_translates_like_timing() {
    let (mut mem, mut source) = (Hierarchy::new(&small()), Synthetic::new(2));
    mem.warm_translate(ONE, (VirtAddr(1 << 12), ASID), Translate::Load, &mut |va, what| {
        stream::Source::walk(&mut source, ONE, va, what)
    });
    assert!(!translate(&mut mem, &mut source, 1000, 1).missed);
    assert_eq!(mem.stats().harts[0].walker.reads.get(), 3);
}
