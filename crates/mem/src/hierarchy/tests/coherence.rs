//! Copies in several caches.

use super::super::Side;
use super::*;
use crate::cache::State;
use std::collections::BTreeSet;
use stream::CacheOp;

/// Every private cache of a hart.
fn private(mem: &Hierarchy, hart: usize) -> Vec<BTreeSet<(LineAddr, State)>> {
    let private = &mem.harts[hart];
    private.l1.iter().chain(&private.l2).map(|cache| cache.lines().collect()).collect()
}

/// What must hold of any state of any hierarchy.
pub(super) fn check_invariants(mem: &Hierarchy) {
    for hart in 0..mem.harts.len() {
        let own = private(mem, hart);
        for cache in &own {
            for &(line, state) in cache {
                // A private copy that is not shared is the only one outside its own hart.
                for remote in (0..mem.harts.len()).filter(|remote| *remote != hart) {
                    let copy = private(mem, remote).concat_find(line);
                    assert!(
                        copy.is_none() || state == State::Shared,
                        "{line:?} is {state:?} in hart {hart} and {copy:?} in hart {remote}"
                    );
                }
                check_inclusion(mem, hart, line);
            }
        }
        // Two first-level caches of one hart never hold a changed line both.
        for &(line, state) in &own[0] {
            let sibling = own[1].iter().find(|(other, _)| *other == line);
            let alone =
                sibling.is_none_or(|(_, other)| (state, *other) == (State::Shared, State::Shared));
            assert!(alone, "{line:?}: {state:?} beside {sibling:?}");
        }
    }
    assert_eq!(mem.stats().audit(), Vec::<String>::new());
}

fn check_inclusion(mem: &Hierarchy, hart: usize, line: LineAddr) {
    if let Some(l2) = mem.harts[hart].l2.as_ref().filter(|l2| l2.inclusive) {
        assert!(l2.find(line).is_some(), "{line:?} left the inclusive second level alone");
    }
    if let Some(llc) = mem.llc.as_ref().filter(|llc| llc.inclusive) {
        assert!(llc.find(line).is_some(), "{line:?} left the inclusive last level alone");
    }
}

trait ConcatFind {
    fn concat_find(&self, line: LineAddr) -> Option<State>;
}

impl ConcatFind for Vec<BTreeSet<(LineAddr, State)>> {
    fn concat_find(&self, line: LineAddr) -> Option<State> {
        self.iter().flatten().find(|(held, _)| *held == line).map(|(_, state)| *state)
    }
}

fn state(mem: &Hierarchy, hart: HartId, side: Side, number: u64) -> Option<State> {
    let cache = &mem.harts[hart.index()].l1[side as usize];
    cache.find(LineAddr(number)).map(|slot| cache.state(slot))
}

#[test]
fn a_lone_reader_may_write_without_asking() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(ONE, AccessKind::Load, line(1), PC);
    assert_eq!(state(&mem, ONE, Side::Data, 1), Some(State::Exclusive));
    mem.warm(ONE, AccessKind::Store, line(1), PC);
    assert_eq!(mem.stats().harts[0].l1d.upgrades.get(), 0);
}

#[test]
fn readers_share_and_a_writer_takes_all() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(ONE, AccessKind::Load, line(1), PC);
    mem.warm(OTHER, AccessKind::Load, line(1), PC);
    assert_eq!(state(&mem, ONE, Side::Data, 1), Some(State::Shared));
    mem.warm(OTHER, AccessKind::Store, line(1), PC);
    assert_eq!(state(&mem, ONE, Side::Data, 1), None);
    assert_eq!(state(&mem, OTHER, Side::Data, 1), Some(State::Modified));
    let stats = mem.stats();
    assert_eq!(stats.harts[0].l1d.invalidations.get(), 1);
    assert_eq!(stats.harts[1].l1d.upgrades.get(), 1);
}

#[test]
fn a_reader_gets_a_changed_line_through_the_last_level() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(ONE, AccessKind::Store, line(1), PC);
    assert_eq!(mem.warm(OTHER, AccessKind::Load, line(1), PC), Level::Llc);
    assert_eq!(state(&mem, ONE, Side::Data, 1), Some(State::Shared));
    let stats = mem.stats();
    assert_eq!(stats.harts[0].l1d.supplied.get(), 1);
    assert_eq!(stats.harts[0].l1d.downgrades.get(), 1);
    assert!(stats.audit().is_empty());
}

#[test]
fn code_that_a_hart_writes_leaves_its_own_instruction_cache() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(ONE, AccessKind::Instruction, line(1), PC);
    mem.warm(ONE, AccessKind::Store, line(1), PC);
    assert_eq!(state(&mem, ONE, Side::Instruction, 1), None);
    assert_eq!(mem.warm(ONE, AccessKind::Instruction, line(1), PC), Level::Llc);
    assert_eq!(state(&mem, ONE, Side::Data, 1), Some(State::Shared));
}

#[test]
fn an_inclusive_last_level_takes_private_copies_with_it() {
    let mut config = small();
    config.caches.llc.as_mut().expect("configured").inclusion = Inclusion::Inclusive;
    let mut mem = Hierarchy::new(&config);
    mem.warm(ONE, AccessKind::Store, line(0), PC);
    for way in 1..=4 {
        mem.warm(OTHER, AccessKind::Load, line(way * 64), PC);
    }
    assert_eq!(state(&mem, ONE, Side::Data, 0), None);
    let stats = mem.stats();
    assert_eq!(stats.memory.writes.get(), 1, "the changed copy was not lost");
    check_invariants(&mem);
}

#[test]
fn a_non_inclusive_last_level_leaves_private_copies_alone() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(ONE, AccessKind::Load, line(0), PC);
    for way in 1..=4 {
        mem.warm(OTHER, AccessKind::Load, line(way * 64), PC);
    }
    assert_eq!(mem.warm(ONE, AccessKind::Load, line(0), PC), Level::L1);
}

#[test]
fn cleaning_keeps_copies_and_flushing_drops_them() {
    for (op, found) in [(CacheOp::Clean, Level::L1), (CacheOp::Flush, Level::Memory)] {
        for config in [small(), with_l2()] {
            let mut mem = Hierarchy::new(&config);
            mem.warm(ONE, AccessKind::Store, line(1), PC);
            mem.warm_maintain(op, line(1));
            assert_eq!(mem.stats().memory.writes.get(), 1, "{op:?}");
            check_invariants(&mem);
            assert_eq!(mem.warm(ONE, AccessKind::Load, line(1), PC), found, "{op:?}");
        }
    }
}
