//! Page walks that overlap.

use super::overlap::{STEADY, assert_quiescent, drain, over};
use super::*;
use crate::mmu::Translation;
use crate::reply::{Arrival, Reply, Ticket};
use stream::{FlushScope, Synthetic, Translate};

const ASID: u16 = 3;
/// Three entries from memory.
const COLD: u64 = 3 * 119;

struct Rig {
    mem: Hierarchy,
    source: Synthetic,
}

impl Rig {
    fn over(mem: Hierarchy) -> Self {
        Self { mem, source: Synthetic::new(2) }
    }

    fn with_walkers(walkers: u32) -> Self {
        let mut config = small();
        config.tlbs.walkers = walkers;
        Self::over(over(&config, STEADY))
    }

    fn ask(&mut self, now: u64, va: u64, what: Translate) -> Reply<Translation> {
        self.mem.advance(Cycle(now));
        let place = (VirtAddr(va), ASID);
        self.mem.demand_translation(Cycle(now), ONE, place, what, &mut self.source)
    }

    fn pending(&mut self, now: u64, va: u64) -> Ticket {
        match self.ask(now, va, Translate::Load) {
            Reply::Pending(ticket) => ticket,
            other => panic!("not pending: {other:?}"),
        }
    }

    fn done(&mut self, now: u64, va: u64) -> (u64, bool) {
        match self.ask(now, va, Translate::Load) {
            Reply::Done(translation) => (translation.at.0, translation.missed),
            other => panic!("not done: {other:?}"),
        }
    }

    fn arrival(&mut self, ticket: Ticket) -> Translation {
        drain(&mut self.mem);
        match self.mem.next_arrival(ONE) {
            Some(Arrival::Translation(arrived, translation)) if arrived == ticket => translation,
            other => panic!("not the arrival of {ticket:?}: {other:?}"),
        }
    }

    fn walks(&self) -> u64 {
        self.mem.stats().harts[0].walker.walks.get()
    }
}

#[test]
fn a_walk_goes_on_as_its_entries_arrive_and_takes_as_long_as_one_that_is_waited_for() {
    let mut rig = Rig::with_walkers(1);
    let ticket = rig.pending(1000, 0x1234);
    let translation = rig.arrival(ticket);
    assert_eq!((translation.at.0, translation.missed), (1000 + COLD, true));
    assert_eq!(translation.pa, Some(PhysAddr(0x1234)));
    assert_eq!(translation.reads(), [Level::Memory; 3]);
    let stats = rig.mem.stats();
    let walker = &stats.harts[0].walker;
    assert_eq!([walker.walks.get(), walker.reads.get(), walker.busy.get()], [1, 3, COLD]);
    assert_quiescent(&rig.mem);
}

#[test]
fn the_page_is_in_the_tlb_when_the_walk_ends_and_not_before() {
    for mem in [Hierarchy::new(&small()), over(&small(), STEADY)] {
        let mut rig = Rig::over(mem);
        let end = 1000 + COLD;
        let _ = rig.ask(1000, 0x1000, Translate::Load);
        drain(&mut rig.mem);
        assert_eq!(rig.done(1100, 0x1000), (end, true), "it waits for the walk");
        assert_eq!(rig.done(end - 1, 0x1000), (end, true));
        assert_eq!(rig.done(end, 0x1000), (end, false));
        assert_eq!(rig.walks(), 1);
    }
}

#[test]
fn lookups_of_one_page_share_its_walk() {
    let mut rig = Rig::with_walkers(1);
    let first = rig.pending(1000, 0x1000);
    let second = rig.pending(1100, 0x1abc);
    let Reply::Pending(fetch) = rig.ask(1200, 0x1004, Translate::Fetch) else {
        panic!("the fetch did not join")
    };
    assert_eq!(rig.arrival(first).at.0, 1000 + COLD);
    let joined = rig.arrival(second);
    assert_eq!((joined.at.0, joined.pa), (1000 + COLD, Some(PhysAddr(0x1abc))));
    assert!(joined.missed && joined.reads().is_empty());
    assert_eq!(rig.arrival(fetch).at.0, 1000 + COLD);
    assert_eq!(rig.walks(), 1);
    for what in [Translate::Fetch, Translate::Load] {
        let reply = rig.ask(2000, 0x1000, what);
        assert!(matches!(reply, Reply::Done(Translation { missed: false, .. })), "{what:?}");
    }
}

#[test]
fn a_walk_of_another_page_is_turned_away_while_all_walkers_wait_for_memory() {
    let mut rig = Rig::with_walkers(1);
    let first = rig.pending(1000, 0x1000);
    let before = rig.mem.stats();
    assert!(matches!(rig.ask(1001, 0x20_0000, Translate::Load), Reply::Busy));
    let mut expected = before.clone();
    expected.harts[0].walker.turned_away.inc();
    assert_eq!(rig.mem.stats(), expected, "it was not even looked up");
    assert_eq!(rig.arrival(first).at.0, 1000 + COLD);
    // The end of the first walk is known now, so the second can wait for it.
    let second = rig.pending(1330, 0x20_0000);
    // Its first two entries lie beside those of the first walk.
    assert_eq!(rig.arrival(second).at.0, 1000 + COLD + 2 + 2 + 119);
}

#[test]
fn each_walker_walks_for_itself() {
    let mut rig = Rig::with_walkers(2);
    let first = rig.pending(1000, 0x1000);
    let second = rig.pending(1001, 0x4000_0000_0000);
    assert!(matches!(rig.ask(1002, 0x2000_0000_0000, Translate::Load), Reply::Busy));
    drain(&mut rig.mem);
    assert_eq!(rig.arrival(first).at.0, 1000 + COLD);
    assert_eq!(rig.arrival(second).at.0, 1001 + COLD);
}

#[test]
fn over_a_fixed_latency_a_walk_waits_for_a_walker() {
    let mut rig = Rig::over(Hierarchy::new(&small()));
    assert_eq!(rig.done(1000, 0x1000).0, 1000 + COLD);
    assert_eq!(rig.done(1001, 0x4000_0000_0000).0, 1000 + 2 * COLD);
}

#[test]
fn a_walk_that_is_turned_away_by_a_cache_goes_on_when_it_can() {
    let mut rig = Rig::with_walkers(1);
    for number in 0..4 {
        let reply = rig.mem.demand(Cycle(1000), ONE, AccessKind::Load, line(number), PC);
        assert!(matches!(reply, Reply::Pending(_)));
    }
    let ticket = rig.pending(1001, 0x1000);
    drain(&mut rig.mem);
    let mut arrived = None;
    while let Some(arrival) = rig.mem.next_arrival(ONE) {
        if let Arrival::Translation(of, translation) = arrival {
            assert_eq!(of, ticket);
            arrived = Some(translation.at.0);
        }
    }
    // The registers are free at 1119, the first entry's lookup ends by then.
    assert_eq!(arrived, Some(1119 + 118 + 2 * 119));
    assert!(rig.mem.stats().harts[0].l1d.turned_away.get() > 0);
    assert_quiescent(&rig.mem);
}

#[test]
fn a_fence_during_a_walk_keeps_its_page_out_of_the_tlb() {
    let mut rig = Rig::with_walkers(2);
    let stale = rig.pending(1000, 0x1000);
    rig.mem.flush_tlb(ONE, FlushScope::Asid(ASID));
    let fresh = rig.pending(1001, 0x1000);
    assert_eq!(rig.walks(), 2, "the walk begun before the fence is not joined");
    assert_eq!(rig.arrival(stale).at.0, 1000 + COLD);
    assert!(rig.arrival(fresh).at.0 >= 1000 + COLD);
    rig.mem.flush_tlb(ONE, FlushScope::All);
    assert!(rig.done(5000, 0x1000).1, "neither page is entered after the second fence");
}

#[test]
fn warming_finds_what_overlapping_walks_found() {
    let mut rig = Rig::with_walkers(1);
    let ticket = rig.pending(1000, 0x1000);
    rig.arrival(ticket);
    let place = (VirtAddr(0x1000), ASID);
    rig.mem.warm_translate(ONE, place, Translate::Load, &mut |va, what| {
        stream::Source::walk(&mut rig.source, ONE, va, what)
    });
    assert_eq!(rig.walks(), 1);
}
