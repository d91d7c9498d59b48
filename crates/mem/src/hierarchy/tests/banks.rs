//! Banks: which lookups meet, and for how long.

use super::*;

/// Four banks in the first-level data cache, and lines 0 to 7 in it.
fn banked() -> Hierarchy {
    let mut config = small();
    config.caches.l1d.banks = Some(4);
    let mut mem = Hierarchy::new(&config);
    for number in 0..8 {
        mem.warm(ONE, AccessKind::Load, line(number), PC);
    }
    mem
}

#[test]
fn lookups_of_one_bank_in_one_cycle_follow_each_other() {
    let mut mem = banked();
    assert_eq!(load(&mut mem, 1000, 0).0, 1002);
    assert_eq!(load(&mut mem, 1000, 4).0, 1003, "line 4 lies in the bank of line 0");
    assert_eq!(load(&mut mem, 1000, 0).0, 1004);
    assert_eq!(load(&mut mem, 1000, 1).0, 1002, "line 1 does not");
    assert_eq!(load(&mut mem, 1003, 4).0, 1005, "nor does another cycle");
    assert_eq!(mem.stats().harts[0].l1d.bank_conflicts.get(), 1 + 2);
}

#[test]
fn a_miss_waits_for_its_bank_too_and_asks_the_next_level_later() {
    let mut mem = banked();
    load(&mut mem, 1000, 0);
    assert_eq!(load(&mut mem, 1000, 16).0, 1000 + 1 + 119);
}

#[test]
fn without_banks_lookups_never_meet() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(ONE, AccessKind::Load, line(0), PC);
    for _ in 0..10 {
        assert_eq!(load(&mut mem, 1000, 0).0, 1002);
    }
    assert_eq!(mem.stats().harts[0].l1d.bank_conflicts.get(), 0);
}
