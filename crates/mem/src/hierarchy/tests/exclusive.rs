//! Exclusive levels: filled by what leaves the levels above, emptied by what moves up.

use super::coherence::check_invariants;
use super::*;
use crate::cache::State;

fn exclusive_l2() -> HierarchyConfig {
    let mut config = with_l2();
    config.caches.l2.as_mut().expect("configured").inclusion = Inclusion::Exclusive;
    config
}

fn exclusive_llc() -> HierarchyConfig {
    let mut config = small();
    config.caches.llc.as_mut().expect("configured").inclusion = Inclusion::Exclusive;
    config
}

/// The state of a line in the first-level data cache, the second level and the last level.
fn places(mem: &Hierarchy, number: u64) -> [Option<State>; 3] {
    let held =
        |cache: &crate::cache::Cache| cache.find(LineAddr(number)).map(|slot| cache.state(slot));
    let private = &mem.harts[0];
    let l2 = private.l2.as_ref().and_then(held);
    [held(&private.l1[1]), l2, mem.llc.as_ref().and_then(held)]
}

fn warm(mem: &mut Hierarchy, kind: AccessKind, number: u64) -> Level {
    mem.warm(ONE, kind, line(number), PC)
}

/// Makes line 0 leave the first-level data cache.
fn displace_line_0(mem: &mut Hierarchy) {
    for way in 1..=4 {
        warm(mem, AccessKind::Load, way * 16);
    }
}

#[test]
fn a_line_comes_in_when_it_leaves_the_level_above_and_goes_when_it_moves_up() {
    let mut mem = Hierarchy::new(&exclusive_l2());
    warm(&mut mem, AccessKind::Load, 0);
    assert_eq!(places(&mem, 0)[..2], [Some(State::Exclusive), None], "it passed by");
    displace_line_0(&mut mem);
    assert_eq!(places(&mem, 0)[..2], [None, Some(State::Exclusive)], "although unchanged");
    assert_eq!(warm(&mut mem, AccessKind::Load, 0), Level::L2);
    assert_eq!(places(&mem, 0)[..2], [Some(State::Exclusive), None], "it moved up");
    check_invariants(&mem);

    let mut mem = Hierarchy::new(&exclusive_llc());
    warm(&mut mem, AccessKind::Load, 0);
    assert_eq!(places(&mem, 0)[2], None);
    displace_line_0(&mut mem);
    assert_eq!(places(&mem, 0)[2], Some(State::Exclusive));
    assert_eq!(warm(&mut mem, AccessKind::Load, 0), Level::Llc);
    assert_eq!(places(&mem, 0)[2], None);
    check_invariants(&mem);
}

#[test]
fn a_change_moves_up_and_down_with_its_line() {
    for config in [exclusive_l2(), exclusive_llc()] {
        let mut mem = Hierarchy::new(&config);
        warm(&mut mem, AccessKind::Store, 0);
        displace_line_0(&mut mem);
        warm(&mut mem, AccessKind::Load, 0);
        assert_eq!(places(&mem, 0)[0], Some(State::Modified));
        displace_line_0(&mut mem);
        let below = places(&mem, 0);
        assert!(below[1..].contains(&Some(State::Modified)), "{below:?}");
        assert_eq!(mem.stats().memory.writes.get(), 0);
        check_invariants(&mem);
    }
}

#[test]
fn capacities_add_up() {
    // 64 lines in the first level and 128 in the second; each first-level set feeds two sets below.
    // In a loop over 192 lines each of them has 12, which leaves 4 there and 4 in either set below.
    let again = |config: &HierarchyConfig| {
        let mut mem = Hierarchy::new(config);
        let mut misses = Vec::new();
        for _ in 0..4 {
            for number in 0..192 {
                warm(&mut mem, AccessKind::Load, number);
            }
            misses.push(mem.stats().harts[0].l2.as_ref().expect("configured").misses.sum());
        }
        misses[3] - misses[2]
    };
    assert_eq!(again(&exclusive_l2()), 0);
    assert!(again(&with_l2()) > 0, "128 lines are not enough for 192");
}

#[test]
fn one_hart_that_loads_never_has_a_line_twice() {
    let mut config = exclusive_l2();
    config.caches.llc.as_mut().expect("configured").inclusion = Inclusion::Exclusive;
    let mut mem = Hierarchy::new(&config);
    for step in 0..3000_u64 {
        let number = step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        warm(&mut mem, AccessKind::Load, number % 600);
        // The second level and the last one exclude each other too.
        let held = places(&mem, number % 600).iter().flatten().count();
        assert_eq!(held, 1, "step {step}");
    }
    for number in 0..600 {
        assert!(places(&mem, number).iter().flatten().count() <= 1, "line {number}");
    }
    check_invariants(&mem);
}

#[test]
fn a_changed_line_stays_below_an_instruction_cache() {
    let mut mem = Hierarchy::new(&exclusive_l2());
    warm(&mut mem, AccessKind::Store, 0);
    displace_line_0(&mut mem);
    assert_eq!(warm(&mut mem, AccessKind::Instruction, 0), Level::L2);
    assert_eq!(places(&mem, 0)[1], Some(State::Modified));
    check_invariants(&mem);
}

#[test]
fn a_line_stays_in_the_last_level_while_other_harts_hold_it() {
    let mut mem = Hierarchy::new(&exclusive_llc());
    warm(&mut mem, AccessKind::Store, 0);
    assert_eq!(mem.warm(OTHER, AccessKind::Load, line(0), PC), Level::Llc);
    assert_eq!(places(&mem, 0), [Some(State::Shared), None, Some(State::Modified)]);
    assert_eq!(mem.warm(OTHER, AccessKind::Store, line(0), PC), Level::L1);
    assert_eq!(places(&mem, 0)[0], None);
    check_invariants(&mem);
}

#[test]
fn unchanged_lines_on_their_way_down_take_write_buffers() {
    let mut config = exclusive_l2();
    config.caches.l1d.write_buffers = 1;
    // Each of two misses displaces a line for the 4 cycles the second level needs to take it.
    let second_miss_waits = |gap: u64| {
        let mut mem = Hierarchy::new(&config);
        (0..4).for_each(|way| {
            warm(&mut mem, AccessKind::Load, way * 16);
        });
        load(&mut mem, 1000, 100 * 16);
        load(&mut mem, 1000 + gap, 200 * 16);
        mem.stats().harts[0].l1d.write_buffer_full.get()
    };
    assert_eq!(second_miss_waits(3), 1, "blocked one cycle before the buffer is free");
    assert_eq!(second_miss_waits(4), 0, "free");
}
