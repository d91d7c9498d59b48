//! Latencies, proven tight: each of them by its exact cycle, each limit one cycle before and after.

use super::*;

#[test]
fn a_first_level_hit_takes_the_slower_of_tag_and_data() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(ONE, AccessKind::Load, line(1), PC);
    assert_eq!(load(&mut mem, 1000, 1), (1000 + 2, Level::L1));
}

#[test]
fn sequential_access_adds_tag_and_data() {
    let mut config = small();
    config.caches.l1d.sequential_access = true;
    let mut mem = Hierarchy::new(&config);
    mem.warm(ONE, AccessKind::Load, line(1), PC);
    assert_eq!(load(&mut mem, 1000, 1), (1000 + 1 + 2, Level::L1));
}

#[test]
fn a_last_level_hit_adds_tag_and_response_of_the_first() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(OTHER, AccessKind::Load, line(1), PC);
    assert_eq!(load(&mut mem, 1000, 1), (1000 + 1 + 20 + 3, Level::Llc));
}

#[test]
fn memory_adds_tags_on_the_way_down_and_responses_on_the_way_up() {
    let mut mem = Hierarchy::new(&small());
    assert_eq!(load(&mut mem, 1000, 1), (1000 + 1 + 10 + 100 + 5 + 3, Level::Memory));
}

#[test]
fn a_second_level_adds_its_own() {
    let mut mem = Hierarchy::new(&with_l2());
    assert_eq!(load(&mut mem, 1000, 1), (1000 + 1 + 4 + 10 + 100 + 5 + 2 + 3, Level::Memory));
    mem.warm(ONE, AccessKind::Instruction, line(2), PC);
    assert_eq!(load(&mut mem, 2000, 2), (2000 + 1 + 6 + 3, Level::L2));
    mem.warm(OTHER, AccessKind::Load, line(3), PC);
    assert_eq!(load(&mut mem, 3000, 3), (3000 + 1 + 4 + 20 + 2 + 3, Level::Llc));
}

#[test]
fn without_a_last_level_misses_go_to_memory() {
    let mut config = small();
    config.caches.llc = None;
    let mut mem = Hierarchy::new(&config);
    assert_eq!(load(&mut mem, 1000, 1), (1000 + 1 + 100 + 3, Level::Memory));
    assert!(mem.stats().audit().is_empty());
}

#[test]
fn a_line_another_hart_changed_takes_that_caches_hit_time_more() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(OTHER, AccessKind::Store, line(1), PC);
    assert_eq!(load(&mut mem, 1000, 1), (1000 + 1 + 20 + 2 + 3, Level::Llc));
}

#[test]
fn a_store_to_a_shared_line_asks_the_shared_level_for_permission() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(ONE, AccessKind::Load, line(1), PC);
    mem.warm(OTHER, AccessKind::Load, line(1), PC);
    let store = mem.access(Cycle(1000), ONE, AccessKind::Store, line(1), PC);
    assert_eq!((store.at.0, store.found), (1000 + 1 + 10 + 3, Level::L1));
    let again = mem.access(Cycle(2000), ONE, AccessKind::Store, line(1), PC);
    assert_eq!(again.at.0, 2000 + 2, "now it is the only copy");
}

#[test]
fn a_device_answers_after_its_latency() {
    let mem = Hierarchy::new(&small());
    assert_eq!(mem.uncached(Cycle(7)), Cycle(57));
}

#[test]
fn a_fifth_miss_waits_for_the_first_of_four_registers() {
    let mut mem = Hierarchy::new(&small());
    for number in 0..4 {
        assert_eq!(load(&mut mem, 1000 + number, number).0, 1000 + number + 119);
    }
    // The first register is free again at 1119. A miss asks for one when its tag lookup ends.
    let before = mem.clone();
    let (late, _) = load(&mut mem, 1117, 9);
    assert_eq!(late, 1119 + 118, "blocked at 1118");
    assert_eq!(mem.stats().harts[0].l1d.mshr_full.get(), 1);
    let mut mem = before;
    assert_eq!(load(&mut mem, 1118, 9).0, 1119 + 118, "ready at 1119");
    assert_eq!(mem.stats().harts[0].l1d.mshr_full.get(), 0);
}

#[test]
fn an_access_to_an_outstanding_line_waits_for_it_and_no_longer() {
    let mut mem = Hierarchy::new(&small());
    let (arrival, _) = load(&mut mem, 1000, 1);
    assert_eq!(load(&mut mem, arrival - 3, 1).0, arrival, "it has not arrived yet");
    assert_eq!(load(&mut mem, arrival - 1, 1).0, arrival + 1, "its own lookup takes longer");
    assert_eq!(mem.stats().harts[0].l1d.merged.get(), 2);
    assert_eq!(load(&mut mem, arrival, 1).0, arrival + 2);
    assert_eq!(mem.stats().harts[0].l1d.merged.get(), 2, "an ordinary hit");
}

#[test]
fn targets_run_out() {
    let mut mem = Hierarchy::new(&small());
    let (arrival, _) = load(&mut mem, 1000, 1);
    for _ in 0..3 {
        assert_eq!(load(&mut mem, 1001, 1).0, arrival);
    }
    assert_eq!(load(&mut mem, 1001, 1).0, arrival + 2, "a fifth one starts over at its arrival");
    assert_eq!(mem.stats().harts[0].l1d.targets_full.get(), arrival - 1001);
}

#[test]
fn harts_that_miss_the_same_line_share_one_memory_read() {
    let mut mem = Hierarchy::new(&small());
    load(&mut mem, 1000, 1);
    let other = mem.access(Cycle(1010), OTHER, AccessKind::Load, line(1), PC);
    // The last level passes the line on at 1116; the second hart's own response comes on top.
    assert_eq!(other.at.0, 1116 + 3);
    let stats = mem.stats();
    assert_eq!(stats.memory.reads.get(), 1);
    assert_eq!(stats.llc.expect("configured").merged.get(), 1);
}

#[test]
fn a_full_write_buffer_holds_up_the_miss_that_needs_it() {
    let mut config = small();
    config.caches.l1d.write_buffers = 1;
    let fill_set = |mem: &mut Hierarchy| {
        for way in 0..4 {
            mem.warm(ONE, AccessKind::Store, line(way * 16), PC);
        }
    };
    // Each of these misses displaces a changed line into the only buffer, for the 10 cycles the
    // last level needs to take it.
    let second_miss_at = |gap: u64| {
        let mut mem = Hierarchy::new(&config);
        fill_set(&mut mem);
        load(&mut mem, 1000, 100 * 16);
        let (done, _) = load(&mut mem, 1000 + gap, 200 * 16);
        (done - 1000 - gap, mem.stats().harts[0].l1d.write_buffer_full.get())
    };
    assert_eq!(second_miss_at(9), (119 + 1, 1), "blocked one cycle before the buffer is free");
    assert_eq!(second_miss_at(10), (119, 0), "free");
}

#[test]
fn memory_bandwidth_spaces_misses() {
    let mut config = small();
    // 64 bytes in 20 ns.
    config.memory = MemoryConfig::Fixed { latency_ns: 100, bandwidth_mb_per_s: 3200 };
    let mut mem = Hierarchy::new(&config);
    assert_eq!(load(&mut mem, 1000, 1).0, 1119);
    assert_eq!(load(&mut mem, 1001, 2).0, 1119 + 20);
    assert_eq!(load(&mut mem, 1060, 3).0, 1060 + 119, "the port is idle again");
    assert_eq!(mem.stats().memory.port_wait.get(), 19);
}

#[test]
fn a_flush_pays_for_memory_only_when_something_changed() {
    let mut mem = Hierarchy::new(&small());
    mem.warm(ONE, AccessKind::Store, line(1), PC);
    let flush =
        |mem: &mut Hierarchy| mem.maintain(Cycle(1000), ONE, stream::CacheOp::Flush, line(1)).0;
    assert_eq!(flush(&mut mem), 1000 + 1 + 10 + 100 + 3);
    assert_eq!(flush(&mut mem), 1000 + 1 + 10 + 3);
    assert_eq!(load(&mut mem, 2000, 1).1, Level::Memory);
    assert!(mem.stats().audit().is_empty());
}
