//! Structures that lose what they held.

use super::super::{LostMemory, Side};
use super::coherence::check_invariants;
use super::prefetch::{assert_prefetches_accounted_for, next_line};
use super::reference::steps;
use super::traffic::configs;
use super::*;
use crate::prefetch::{PrefetcherConfig, StrideConfig};
use proptest::prelude::*;
use stream::{Synthetic, Translate};

const NOTHING: LostMemory = LostMemory {
    l1i: false,
    l1d: false,
    l2: false,
    llc: false,
    itlb: false,
    dtlb: false,
    l2_tlb: false,
    prefetchers: false,
};

/// Where hart `ONE` finds line 1, which it had used for `kind`, after losing `what`.
fn found_after(what: LostMemory, kind: AccessKind) -> Level {
    let mut mem = Hierarchy::new(&with_l2());
    mem.warm(ONE, kind, line(1), PC);
    mem.lose(ONE, &what);
    check_invariants(&mem);
    mem.warm(ONE, kind, line(1), PC)
}

#[test]
fn each_cache_loses_its_lines_and_no_other_does() {
    let (code, load) = (AccessKind::Instruction, AccessKind::Load);
    let l1i = LostMemory { l1i: true, ..NOTHING };
    let l1d = LostMemory { l1d: true, ..NOTHING };
    let l2 = LostMemory { l2: true, ..NOTHING };
    let llc = LostMemory { llc: true, ..NOTHING };
    assert_eq!([code, load].map(|kind| found_after(NOTHING, kind)), [Level::L1; 2]);
    assert_eq!([code, load].map(|kind| found_after(l1i, kind)), [Level::L2, Level::L1]);
    assert_eq!([code, load].map(|kind| found_after(l1d, kind)), [Level::L1, Level::L2]);
    assert_eq!([l2, llc].map(|what| found_after(what, load)), [Level::L1; 2]);
    let private = LostMemory { l1d: true, l2: true, ..NOTHING };
    assert_eq!(found_after(private, load), Level::Llc);
    assert_eq!(found_after(LostMemory { llc: true, ..private }, load), Level::Memory);
}

#[test]
fn changed_lines_go_to_the_level_below_and_to_memory_in_the_end() {
    let mut mem = Hierarchy::new(&with_l2());
    mem.warm(ONE, AccessKind::Store, line(1), PC);
    mem.lose(ONE, &LostMemory { l1d: true, ..NOTHING });
    assert_eq!(mem.stats().harts[0].l1d.write_backs.get(), 1);
    assert_eq!(mem.stats().memory.writes.get(), 0);
    mem.lose(ONE, &LostMemory { l2: true, llc: true, ..NOTHING });
    assert_eq!(mem.stats().memory.writes.get(), 1);
    mem.lose(ONE, &LostMemory { l1d: true, l2: true, llc: true, ..NOTHING });
    assert_eq!(mem.stats().memory.writes.get(), 1, "there was nothing any more");
}

#[test]
fn other_harts_keep_what_is_theirs_unless_an_inclusive_last_level_goes() {
    for (inclusion, kept) in [(Inclusion::NonInclusive, true), (Inclusion::Inclusive, false)] {
        let mut config = with_l2();
        config.caches.llc.as_mut().expect("configured").inclusion = inclusion;
        let mut mem = Hierarchy::new(&config);
        mem.warm(OTHER, AccessKind::Load, line(1), PC);
        let all = LostMemory { l1i: true, l1d: true, l2: true, llc: true, ..NOTHING };
        mem.lose(ONE, &LostMemory { llc: false, ..all });
        assert!(mem.harts[1].l1[Side::Data as usize].find(LineAddr(1)).is_some());
        mem.lose(ONE, &all);
        let held = mem.harts[1].l1[Side::Data as usize].find(LineAddr(1)).is_some();
        assert_eq!(held, kept, "{inclusion:?}");
    }
}

#[test]
fn a_line_that_was_lost_takes_all_the_time_of_one_that_never_was_there() {
    let all = LostMemory { l1i: true, l1d: true, l2: true, llc: true, ..NOTHING };
    let (mut mem, mut cold) = (Hierarchy::new(&with_l2()), Hierarchy::new(&with_l2()));
    load(&mut mem, 0, 1);
    mem.lose(ONE, &all);
    assert_eq!(load(&mut mem, 1000, 1), load(&mut cold, 1000, 1));
}

#[test]
fn each_tlb_loses_its_pages_and_no_other_does() {
    let mut config = with_l2();
    config.tlbs.l2_tlb =
        Some(TlbConfig { entries: 8, latency_cycles: 7, ..config.tlbs.dtlb.clone() });
    let after = |what: LostMemory| {
        let (mut mem, mut source) = (Hierarchy::new(&config), Synthetic::new(2));
        let kinds = [Translate::Fetch, Translate::Load];
        let mut translate = |mem: &mut Hierarchy, now, what| {
            mem.translate(Cycle(now), ONE, (VirtAddr(1 << 12), 3), what, &mut source)
        };
        let _ = kinds.map(|kind| translate(&mut mem, 0, kind));
        mem.lose(ONE, &what);
        let again = kinds.map(|kind| translate(&mut mem, 10_000, kind));
        again.map(|it| (it.at.0 - 10_000, it.reads().len()))
    };
    let walk = |(_, reads): (u64, usize)| reads == 3;
    assert_eq!(after(NOTHING), [(0, 0); 2]);
    assert_eq!(after(LostMemory { itlb: true, ..NOTHING }), [(7, 0), (0, 0)]);
    assert_eq!(after(LostMemory { dtlb: true, ..NOTHING }), [(0, 0), (7, 0)]);
    assert_eq!(after(LostMemory { l2_tlb: true, ..NOTHING }), [(0, 0); 2]);
    let both = after(LostMemory { dtlb: true, l2_tlb: true, ..NOTHING });
    assert!(both[0] == (0, 0) && walk(both[1]), "{both:?}");
}

#[test]
fn a_prefetcher_that_lost_what_it_learned_learns_anew() {
    let mut config = with_l2();
    config.caches.l1d.prefetcher = Some(PrefetcherConfig::Stride(StrideConfig::default()));
    let issued = |lose: bool| {
        let mut mem = Hierarchy::new(&config);
        for number in 0..8 {
            mem.warm(ONE, AccessKind::Load, line(number * 2), PC);
        }
        let before = mem.stats().harts[0].l1d.prefetch.issued.get();
        assert!(before > 0, "it has learned");
        mem.lose(ONE, &LostMemory { prefetchers: lose, ..NOTHING });
        mem.warm(ONE, AccessKind::Load, line(16), PC);
        mem.stats().harts[0].l1d.prefetch.issued.get() - before
    };
    assert!(issued(false) > 0);
    assert_eq!(issued(true), 0);
}

#[test]
fn prefetched_lines_that_are_lost_were_useless() {
    let mut config = with_l2();
    config.caches.l1d.prefetcher = next_line();
    let mut mem = Hierarchy::new(&config);
    mem.warm(ONE, AccessKind::Load, line(1), PC);
    mem.lose(ONE, &LostMemory { l1d: true, ..NOTHING });
    assert_eq!(mem.stats().harts[0].l1d.prefetch.useless.get(), 1);
    assert_prefetches_accounted_for(&mem);
}

fn losses() -> impl Strategy<Value = LostMemory> {
    any::<[bool; 8]>().prop_map(|[l1i, l1d, l2, llc, itlb, dtlb, l2_tlb, prefetchers]| LostMemory {
        l1i,
        l1d,
        l2,
        llc,
        itlb,
        dtlb,
        l2_tlb,
        prefetchers,
    })
}

proptest! {
    #[test]
    fn whatever_is_lost_copies_stay_coherent_and_the_books_balance(
        config in configs(), steps in steps(200), losses in proptest::collection::vec(losses(), 8)
    ) {
        let mut mem = Hierarchy::new(&config);
        for (number, step) in steps.iter().enumerate() {
            // Table entries that are read past the first level are counted by who reads them.
            let kind = match step.kind {
                AccessKind::Walk if mem.walks_below_l1() => AccessKind::Load,
                kind => kind,
            };
            mem.warm(HartId(step.hart), kind, line(step.line), PC);
            if number % 25 == 24 {
                let lost = &losses[number / 25];
                mem.lose(ONE, lost);
                let l1 = &mem.harts[0].l1;
                for (side, is_lost) in [(Side::Instruction, lost.l1i), (Side::Data, lost.l1d)] {
                    prop_assert!(!is_lost || l1[side as usize].held().is_empty());
                }
                let level = |cache: &Option<crate::cache::Cache>| {
                    cache.as_ref().is_some_and(|cache| !cache.held().is_empty())
                };
                prop_assert!(!lost.l2 || !level(&mem.harts[0].l2));
                prop_assert!(!lost.llc || !level(&mem.llc));
                check_invariants(&mem);
            }
        }
        assert_prefetches_accounted_for(&mem);
        check_invariants(&mem);
    }
}
