//! What restoration units are told and what they can ask for.

use super::overlap::{STEADY, drain, over};
use super::*;
use crate::{Access, Prefetched, Reply, RestoredStats};

/// From a request at the second level of [`with_l2`] to a line from memory: its tags, those of the last
/// level, memory, and both responses.
const FROM_MEMORY: u64 = 4 + 10 + 100 + 5 + 2;

fn watched() -> Hierarchy {
    let mut mem = Hierarchy::new(&with_l2());
    mem.watch_fetches(ONE);
    mem
}

fn fetch(mem: &mut Hierarchy, now: u64, number: u64) -> Access {
    mem.access(Cycle(now), ONE, AccessKind::Instruction, line(number), VirtAddr(number * 64))
}

fn restore(mem: &mut Hierarchy, now: u64, number: u64, spare: u32) -> Prefetched {
    mem.restore_line(Some(Cycle(now)), ONE, line(number), spare)
}

fn restored(mem: &Hierarchy) -> RestoredStats {
    mem.stats().harts[0].restored.clone().expect("a unit watches")
}

fn told(mem: &mut Hierarchy) -> Vec<u64> {
    std::iter::from_fn(|| mem.next_missed_fetch(ONE)).map(|va| va.0 / 64).collect()
}

#[test]
fn fetches_that_no_private_cache_serves_are_told_and_others_are_not() {
    let mut mem = watched();
    for number in [1, 2, 1] {
        fetch(&mut mem, 1000, number);
    }
    mem.access(Cycle(1000), ONE, AccessKind::Load, line(9), PC);
    mem.access(Cycle(1000), OTHER, AccessKind::Instruction, line(5), PC);
    // The lines of one set of the first level: the second level still has the first of them.
    for way in 0..5 {
        fetch(&mut mem, 2000, 16 * way + 3);
    }
    assert_eq!(fetch(&mut mem, 3000, 3).found, Level::L2);
    assert_eq!(told(&mut mem), [1, 2, 3, 19, 35, 51, 67]);
    assert_eq!(restored(&mem).uncovered.get(), 7);
    assert_eq!(mem.stats().harts[1].restored, None, "nobody watches the other");
}

#[test]
fn an_instruction_that_reaches_into_another_page_is_told_by_where_it_does() {
    let mut mem = watched();
    let pc = VirtAddr(0x7_fffe);
    mem.warm(ONE, AccessKind::Instruction, PhysAddr(0x2_3ffe), pc);
    mem.warm(ONE, AccessKind::Instruction, PhysAddr(0x5_5001), pc);
    assert_eq!(told(&mut mem), [0x7_ffc0 / 64, 0x8_0000 / 64]);
}

#[test]
fn a_restored_line_hits_the_second_level_once_it_has_arrived_and_is_late_before() {
    let arrives = 1000 + FROM_MEMORY;
    // A fetch reaches the second level after the tags of the first and hits there in 6; response 3.
    for (now, late) in [(arrives - 8, 1), (arrives - 1, 0)] {
        let mut mem = watched();
        assert_eq!(restore(&mut mem, 1000, 1, 0), Prefetched::Issued);
        let access = fetch(&mut mem, now, 1);
        assert_eq!(access.found, Level::L2);
        assert_eq!(access.at.0, (now + 1 + 6).max(arrives) + 3, "asked at {now}");
        fetch(&mut mem, 5000, 1);
        let counts = restored(&mem);
        let of = [&counts.lines, &counts.from_memory, &counts.used, &counts.used_from_memory];
        assert_eq!(of.map(|count| count.get()), [1; 4]);
        assert_eq!((counts.late.get(), counts.uncovered.get()), (late, 0));
        assert_eq!(told(&mut mem), [1], "it would have been a miss");
        assert_eq!(mem.stats().audit(), [""; 0]);
    }
}

#[test]
fn what_is_held_is_not_restored_and_what_leaves_unused_is_counted() {
    let mut mem = watched();
    fetch(&mut mem, 0, 1);
    assert_eq!(restore(&mut mem, 1000, 1, 0), Prefetched::Present);
    // Six lines of one set of four ways.
    for way in 0..6 {
        assert_eq!(restore(&mut mem, 2000 + 1000 * way, 32 * way + 7, 0), Prefetched::Issued);
    }
    let counts = restored(&mem);
    assert_eq!((counts.present.get(), counts.lines.get(), counts.unused.get()), (1, 6, 2));
}

#[test]
fn spare_miss_registers_are_left_to_others() {
    // Four registers: three are taken, and free again when their lines have passed.
    for mut mem in [watched(), over(&with_l2(), STEADY)] {
        mem.watch_fetches(ONE);
        for number in 1..4 {
            assert_eq!(restore(&mut mem, 1000, number, 1), Prefetched::Issued);
        }
        assert_eq!(restore(&mut mem, 1001, 4, 1), Prefetched::Dropped);
        assert_eq!(restore(&mut mem, 1001, 4, 0), Prefetched::Issued, "the last one");
        let issued = mem.stats().harts[0].l2.as_ref().map(|l2| l2.prefetch.dropped.get());
        assert_eq!(issued, Some(0), "it comes again");
    }
    let mut mem = watched();
    for number in 1..4 {
        restore(&mut mem, 1000, number, 1);
    }
    assert_eq!(restore(&mut mem, 1000 + FROM_MEMORY - 1, 4, 1), Prefetched::Dropped);
    assert_eq!(restore(&mut mem, 1000 + FROM_MEMORY, 4, 1), Prefetched::Issued);
}

#[test]
fn lines_for_the_first_level_leave_registers_to_fetches_and_are_not_counted_where_they_are_not_asked_for()
 {
    let mut config = small();
    config.caches.l1i.mshrs = 2;
    for mut mem in [Hierarchy::new(&config), over(&config, STEADY)] {
        let restore = |mem: &mut Hierarchy, now, number, spare| {
            let place = (VirtAddr(number * 64), line(number));
            mem.restore_to_l1i(Some(Cycle(now)), ONE, place, spare)
        };
        assert_eq!(restore(&mut mem, 1000, 1, 1), Prefetched::Issued);
        assert_eq!(restore(&mut mem, 1001, 1, 1), Prefetched::Present);
        assert_eq!(restore(&mut mem, 1001, 2, 1), Prefetched::Dropped, "the other is for fetches");
        drain(&mut mem);
        // The register is taken until the line is there, as for a prefetch of the front end's.
        assert_eq!(restore(&mut mem, 1118, 2, 1), Prefetched::Dropped);
        assert_eq!(restore(&mut mem, 1119, 2, 1), Prefetched::Issued);
        let used = mem.access(Cycle(1200), ONE, AccessKind::Instruction, line(1), PC);
        assert_eq!((used.at.0, used.found), (1202, Level::L1));
        let stats = mem.stats().harts[0].l1i.prefetch.clone();
        assert_eq!([stats.issued.get(), stats.dropped.get(), stats.useful.get()], [2, 0, 1]);
    }
}

#[test]
fn metadata_passes_the_caches_by() {
    let mut mem = watched();
    for _ in 0..2 {
        let Reply::Done(access) = mem.read_metadata(Cycle(1000), ONE, line(1 << 30)) else {
            panic!("this memory answers at once");
        };
        assert_eq!(access.at.0, 1000 + 10 + 100 + 5, "no cache keeps it");
    }
    assert!(mem.write_metadata(Cycle(1000), line(1 << 30)));
    let memory = mem.stats().memory;
    assert_eq!((memory.reads.get(), memory.writes.get(), memory.metadata_writes.get()), (2, 1, 1));
    assert_eq!(mem.stats().audit(), [""; 0]);
}

#[test]
fn perfect_fetches_hit_and_ask_nothing_of_others() {
    let mut mem = Hierarchy::new(&with_l2());
    mem.make_fetches_hit(ONE);
    for number in 0..500 {
        assert_eq!(fetch(&mut mem, number, number).at.0, number + 2, "the data latency");
        let reply = mem.demand(Cycle(number), ONE, AccessKind::Instruction, line(number), PC);
        assert!(matches!(reply, Reply::Done(access) if access.at.0 == number + 2));
        assert_eq!(mem.warm(ONE, AccessKind::Instruction, line(number), PC), Level::L1);
        let prefetched = mem.prefetch_instruction(Cycle(number), ONE, line(number), PC);
        assert_eq!(prefetched, Prefetched::Present);
    }
    let stats = mem.stats();
    assert_eq!(stats.harts[0].l1i.hits.sum(), 1500);
    assert_eq!((stats.harts[0].l1i.misses.sum(), stats.memory.reads.get()), (0, 0));
    let missed = mem.access(Cycle(0), OTHER, AccessKind::Instruction, line(1), PC);
    assert_eq!(missed.found, Level::Memory, "the other hart's are as they were");
}
