//! The hierarchy over DRAM.

use super::overlap::{assert_quiescent, drain};
use super::*;
use crate::dram::{Dram, DramConfig};
use crate::reply::{Arrival, Reply};

fn ddr4() -> DramConfig {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/dram/ddr4_2400.toml");
    let text = std::fs::read_to_string(file).expect("it is part of the project");
    toml::from_str(&text).expect("it is valid")
}

pub(super) fn over_dram(mut config: HierarchyConfig) -> HierarchyConfig {
    config.memory = MemoryConfig::Dram(Box::new(ddr4()));
    config
}

/// When the DRAM alone has a line that is asked for at `at`.
fn alone(at: u64, number: u64) -> u64 {
    let mut dram = Dram::new(&ddr4(), small().clock, 64);
    dram.push(Cycle(at), LineAddr(number), false, 0);
    let mut done = Vec::new();
    while done.is_empty() {
        let event = dram.next_event().expect("a read is under way");
        dram.advance(event, &mut done);
    }
    done[0].1.0
}

#[test]
fn a_miss_takes_what_the_dram_takes_and_the_caches_on_the_way() {
    let mut mem = Hierarchy::new(&over_dram(small()));
    let expected = alone(1000 + 1 + 10, 7) + 5 + 3;
    assert_eq!(load(&mut mem.clone(), 1000, 7), (expected, Level::Memory), "waited for");
    let reply = mem.demand(Cycle(1000), ONE, AccessKind::Load, line(7), PC);
    let Reply::Pending(ticket) = reply else { panic!("not pending: {reply:?}") };
    drain(&mut mem);
    match mem.next_arrival(ONE) {
        Some(Arrival::Access(arrived, access)) => {
            assert_eq!((arrived, access.at.0), (ticket, expected));
        }
        other => panic!("{other:?}"),
    }
    assert_quiescent(&mem);
}

#[test]
fn reads_that_overlap_are_faster_than_one_after_the_other() {
    let mut config = over_dram(small());
    config.caches.l1d.mshrs = 16;
    config.caches.llc.as_mut().expect("configured").mshrs = 16;
    let mut mem = Hierarchy::new(&config);
    for number in 0..16 {
        let reply = mem.demand(Cycle(1000), ONE, AccessKind::Load, line(number), PC);
        assert!(matches!(reply, Reply::Pending(_)));
    }
    drain(&mut mem);
    let mut last = 0;
    while let Some(Arrival::Access(_, access)) = mem.next_arrival(ONE) {
        last = last.max(access.at.0);
    }
    // One row miss in each of four bank groups, then bursts of 4 clocks of 0.833 ns back to back.
    let one = alone(1011, 0) + 8 - 1000;
    let bursts = 15 * 4 * 833 / 1000;
    assert!(last - 1000 <= one + bursts + 20, "{} cycles", last - 1000);
    let stats = mem.stats();
    let dram = stats.dram.expect("configured");
    assert_eq!((dram.reads.get(), dram.bytes_read.get()), (16, 16 * 64));
}

#[test]
fn what_the_last_level_writes_back_is_written_to_the_dram() {
    let mut mem = Hierarchy::new(&over_dram(small()));
    for number in 0..2000 {
        let store = mem.access(Cycle(number * 200), ONE, AccessKind::Store, line(number), PC);
        assert!(store.at > Cycle(number * 200));
    }
    drain(&mut mem);
    let stats = mem.stats();
    let dram = stats.dram.as_ref().expect("configured");
    assert_eq!(dram.writes.get(), stats.memory.writes.get());
    assert!(stats.memory.writes.get() > 2000 - 256 - 64 - 1, "all but what the caches hold");
    assert_eq!(stats.audit(), Vec::<String>::new());
}

#[test]
fn warming_leaves_the_dram_alone() {
    let mut mem = Hierarchy::new(&over_dram(small()));
    for number in 0..2000 {
        mem.warm(ONE, AccessKind::Store, line(number), PC);
    }
    assert_eq!(mem.next_event(), None);
    assert_eq!(mem.stats().dram.expect("configured").writes.get(), 0);
}

#[test]
fn a_request_after_a_long_time_finds_the_dram_where_cycle_by_cycle_would_have_brought_it() {
    for at in [50_000_000, 50_007_321, 50_019_500] {
        let mut mem = Hierarchy::new(&over_dram(small()));
        // Memory alone, which is pushed to without being advanced, makes its refreshes one by one.
        let expected = alone(at + 1 + 10, 7) + 5 + 3;
        assert_eq!(load(&mut mem, at, 7), (expected, Level::Memory), "at {at}");
        let ours = mem.stats().dram.expect("configured");
        let mut dram = Dram::new(&ddr4(), small().clock, 64);
        dram.push(Cycle(at), LineAddr(7), false, 0);
        dram.advance(Cycle(expected), &mut Vec::new());
        let refreshes = |of: &crate::dram::DramStats| of.refreshes.get();
        assert!(refreshes(&ours) > 1000, "{}", refreshes(&ours));
        assert_eq!(refreshes(&ours), refreshes(dram.stats()), "at {at}");
    }
}
