//! Requests that overlap over a memory that answers late: times, limits, and what being turned away
//! leaves behind.

use super::*;
use crate::memory::double::Behaviour;
use crate::reply::{Arrival, Reply, Ticket};
use crate::{Access, CacheStats};

/// As fast as the fixed memory of [`small`]; tells 40 cycles before a line is there.
pub(super) const STEADY: Behaviour =
    Behaviour { latency: 100, spread: 0, notice: 40, reads: 64, writes: 64 };

/// Puts a memory that answers late in the place of the one there is.
pub(super) fn put_in(mem: &mut Hierarchy, behaviour: Behaviour, write_buffers: u32) {
    mem.memory.double(behaviour, write_buffers);
    mem.plain = false;
}

pub(super) fn over(config: &HierarchyConfig, behaviour: Behaviour) -> Hierarchy {
    let mut mem = Hierarchy::new(config);
    put_in(&mut mem, behaviour, 4);
    mem
}

fn ask(
    mem: &mut Hierarchy,
    now: u64,
    hart: HartId,
    kind: AccessKind,
    number: u64,
) -> Reply<Access> {
    mem.advance(Cycle(now));
    mem.demand(Cycle(now), hart, kind, line(number), PC)
}

fn ask_load(mem: &mut Hierarchy, now: u64, number: u64) -> Reply<Access> {
    ask(mem, now, ONE, AccessKind::Load, number)
}

fn pending(reply: Reply<Access>) -> Ticket {
    match reply {
        Reply::Pending(ticket) => ticket,
        other => panic!("not pending: {other:?}"),
    }
}

fn done(reply: Reply<Access>) -> u64 {
    match reply {
        Reply::Done(access) => access.at.0,
        other => panic!("not done: {other:?}"),
    }
}

fn is_busy(reply: Reply<Access>) -> bool {
    matches!(reply, Reply::Busy)
}

/// Takes the only arrival of `hart`, which is that of `ticket`.
fn arrival(mem: &mut Hierarchy, hart: HartId, ticket: Ticket) -> (u64, Level) {
    match mem.next_arrival(hart) {
        Some(Arrival::Access(arrived, access)) if arrived == ticket => (access.at.0, access.found),
        other => panic!("not the arrival of {ticket:?}: {other:?}"),
    }
}

/// Runs memory until it has nothing more to do.
pub(super) fn drain(mem: &mut Hierarchy) {
    while let Some(event) = mem.next_event() {
        mem.advance(event);
    }
}

/// Asserts that nothing is under way and the books balance.
pub(super) fn assert_quiescent(mem: &Hierarchy) {
    assert_eq!(mem.next_event(), None);
    assert!(mem.overlap.is_quiescent(), "{:?}", mem.overlap);
    for private in &mem.harts {
        for cache in private.l1.iter().chain(&private.l2) {
            assert!(cache.mshrs.is_settled());
        }
        assert!(private.mmu.walks.is_settled());
    }
    assert!(mem.llc.as_ref().is_none_or(|llc| llc.mshrs.is_settled()));
    assert_eq!(mem.stats().audit(), Vec::<String>::new());
}

#[test]
fn over_a_fixed_latency_a_demand_is_an_access() {
    for config in [small(), with_l2()] {
        let (mut one, mut other) = (Hierarchy::new(&config), Hierarchy::new(&config));
        for step in 0..200 {
            let (now, number) = (step * 9, step * 7 % 60);
            let reply = ask_load(&mut one, now, number);
            assert_eq!(done(reply), load(&mut other, now, number).0, "step {step}");
        }
        assert_eq!(one.stats(), other.stats());
        assert_eq!(one.next_event(), None);
    }
}

#[test]
fn the_time_of_a_miss_is_told_when_memory_knows_it() {
    for (config, path) in [(small(), 1 + 10), (with_l2(), 1 + 4 + 10)] {
        let mut mem = over(&config, STEADY);
        let ticket = pending(ask_load(&mut mem, 1000, 1));
        let known = 1000 + path + 60;
        assert_eq!(mem.next_event(), Some(Cycle(known)));
        mem.advance(Cycle(known - 1));
        assert!(mem.next_arrival(ONE).is_none(), "not known yet");
        mem.advance(Cycle(known));
        let up = if config.caches.l2.is_some() { 5 + 2 + 3 } else { 5 + 3 };
        let expected = (1000 + path + 100 + up, Level::Memory);
        assert_eq!(arrival(&mut mem, ONE, ticket), expected);
        assert!(mem.next_arrival(ONE).is_none(), "told once");
        assert_quiescent(&mem);
    }
}

#[test]
fn a_blocking_access_takes_as_long_as_over_a_fixed_latency() {
    let (mut fixed, mut late) = (Hierarchy::new(&with_l2()), over(&with_l2(), STEADY));
    for step in 0..200 {
        let (now, number) = (step * 300, step * 7 % 60);
        let kind =
            [AccessKind::Load, AccessKind::Store, AccessKind::Instruction][step as usize % 3];
        let hart = HartId(step as u32 / 5 % 2);
        let expected = fixed.access(Cycle(now), hart, kind, line(number), PC);
        assert_eq!(late.access(Cycle(now), hart, kind, line(number), PC), expected, "step {step}");
    }
    assert_eq!(fixed.stats(), late.stats());
}

#[test]
fn an_access_joins_the_line_in_the_same_cache() {
    let mut mem = over(&small(), STEADY);
    let first = pending(ask_load(&mut mem, 1000, 1));
    let second = pending(ask_load(&mut mem, 1005, 1));
    drain(&mut mem);
    assert_eq!(arrival(&mut mem, ONE, first), (1119, Level::Memory));
    assert_eq!(arrival(&mut mem, ONE, second), (1119, Level::L1));
    assert_eq!(done(ask_load(&mut mem, 1118, 1)), 1120, "its own lookup takes longer");
    assert_eq!(done(ask_load(&mut mem, 1119, 1)), 1121, "an ordinary hit");
    let stats = mem.stats();
    assert_eq!((stats.memory.reads.get(), stats.harts[0].l1d.merged.get()), (1, 2));
}

#[test]
fn an_access_joins_the_line_where_its_path_meets_it() {
    // Without a second level paths meet in the last one, which has the line at 1116.
    for (hart, kind) in [(ONE, AccessKind::Instruction), (OTHER, AccessKind::Load)] {
        let mut mem = over(&small(), STEADY);
        pending(ask_load(&mut mem, 1000, 1));
        let joined = pending(ask(&mut mem, 1010, hart, kind, 1));
        drain(&mut mem);
        if hart == ONE {
            assert!(mem.next_arrival(ONE).is_some());
        }
        assert_eq!(arrival(&mut mem, hart, joined), (1116 + 3, Level::Llc), "{kind:?}");
        assert_eq!(mem.stats().memory.reads.get(), 1);
    }
    // The second level has the line at 1000 + 1 + 4 + 10 + 100 + 5 + 2.
    let mut mem = over(&with_l2(), STEADY);
    pending(ask_load(&mut mem, 1000, 1));
    let joined = pending(ask(&mut mem, 1010, ONE, AccessKind::Instruction, 1));
    drain(&mut mem);
    assert!(mem.next_arrival(ONE).is_some());
    assert_eq!(arrival(&mut mem, ONE, joined), (1122 + 3, Level::L2));
}

#[test]
fn a_line_another_hart_is_still_waiting_to_write_comes_after_it_got_it() {
    let mut mem = over(&small(), STEADY);
    pending(ask(&mut mem, 1000, OTHER, AccessKind::Store, 1));
    let ticket = pending(ask_load(&mut mem, 1010, 1));
    drain(&mut mem);
    assert_eq!(arrival(&mut mem, ONE, ticket), (1116 + 2 + 3, Level::Llc));
}

#[test]
fn a_store_to_a_line_that_is_shared_and_outstanding_waits_for_it() {
    let mut mem = over(&small(), STEADY);
    mem.warm(OTHER, AccessKind::Load, line(1), PC);
    mem.llc.as_mut().and_then(|llc| llc.find(LineAddr(1)).map(|slot| llc.invalidate(slot)));
    let read = pending(ask_load(&mut mem, 1000, 1));
    let written = pending(ask(&mut mem, 1001, ONE, AccessKind::Store, 1));
    drain(&mut mem);
    assert_eq!(arrival(&mut mem, ONE, read).0, 1119);
    assert_eq!(arrival(&mut mem, ONE, written).0, 1119, "not when it was allowed to, at 1015");
    assert_eq!(mem.stats().harts[0].l1d.upgrades.get(), 1);
}

/// Checks that `request` is turned away at each time before `free`, is not at `free`, and that
/// being turned away changes nothing but the counters of it.
fn assert_busy_until(
    mem: &mut Hierarchy,
    times: [u64; 2],
    request: impl Fn(&mut Hierarchy, u64) -> bool,
) {
    let [last_busy, free] = times;
    assert_eq!(last_busy + 1, free);
    mem.advance(Cycle(last_busy));
    let before = format!("{:?}", without_turned_away(mem));
    assert!(request(mem, last_busy), "blocked at {last_busy}");
    assert_eq!(format!("{:?}", without_turned_away(mem)), before, "it left something behind");
    mem.advance(Cycle(free));
    assert!(!request(mem, free), "ready at {free}");
}

fn without_turned_away(mem: &Hierarchy) -> Hierarchy {
    let mut mem = mem.clone();
    let forget = |stats: &mut CacheStats| stats.turned_away = stats::Counter::default();
    for private in &mut mem.harts {
        private.l1.iter_mut().chain(&mut private.l2).for_each(|cache| forget(&mut cache.stats));
        private.mmu.walker.turned_away = stats::Counter::default();
    }
    mem.llc.iter_mut().for_each(|llc| forget(&mut llc.stats));
    mem.memory.stats.turned_away = stats::Counter::default();
    mem
}

#[test]
fn a_miss_is_turned_away_while_all_registers_hang_on_memory() {
    let mut mem = over(&small(), STEADY);
    for number in 0..4 {
        pending(ask_load(&mut mem, 1000 + number, number));
    }
    // The first read is told of at 1071: its register is free at 1119, which can be waited for once
    // the others are told of too, at 1074.
    let fifth = |mem: &mut Hierarchy, now| is_busy(ask_load(mem, now, 9));
    assert_busy_until(&mut mem.clone(), [1073, 1074], fifth);
    assert!(is_busy(ask_load(&mut mem, 1010, 9)));
    assert_eq!(mem.stats().harts[0].l1d.turned_away.get(), 1);
    mem.advance(Cycle(1074));
    let ticket = pending(ask_load(&mut mem, 1074, 9));
    drain(&mut mem);
    while let Some(Arrival::Access(arrived, access)) = mem.next_arrival(ONE) {
        if arrived == ticket {
            assert_eq!(access.at, Cycle(1119 + 118), "it started when the register was free");
        }
    }
    assert_eq!(mem.stats().harts[0].l1d.mshr_full.get(), 1119 - 1075);
}

#[test]
fn misses_of_any_cache_are_limited_by_the_registers_below_it() {
    let mut config = with_l2();
    config.caches.l2.as_mut().expect("configured").mshrs = 2;
    let mut by_l2 = over(&config, STEADY);
    pending(ask_load(&mut by_l2, 1000, 1));
    pending(ask(&mut by_l2, 1000, ONE, AccessKind::Instruction, 2));
    assert!(is_busy(ask_load(&mut by_l2, 1001, 3)));
    assert!(!is_busy(ask(&mut by_l2, 1001, OTHER, AccessKind::Load, 3)), "it has its own");
    assert_eq!(by_l2.stats().harts[0].l2.as_ref().expect("configured").turned_away.get(), 1);

    let mut config = small();
    config.caches.llc.as_mut().expect("configured").mshrs = 2;
    let mut by_llc = over(&config, STEADY);
    pending(ask_load(&mut by_llc, 1000, 1));
    pending(ask(&mut by_llc, 1000, OTHER, AccessKind::Load, 2));
    assert!(is_busy(ask_load(&mut by_llc, 1001, 3)));
    assert_eq!(by_llc.stats().llc.expect("configured").turned_away.get(), 1);
}

#[test]
fn a_register_takes_its_number_of_targets() {
    let mut mem = over(&small(), STEADY);
    for now in 1000..1004 {
        pending(ask_load(&mut mem, now, 1));
    }
    // Known at 1071, the fifth can wait for 1119 and look up again.
    let fifth = |mem: &mut Hierarchy, now| is_busy(ask_load(mem, now, 1));
    assert_busy_until(&mut mem.clone(), [1070, 1071], fifth);
    mem.advance(Cycle(1071));
    assert_eq!(done(ask_load(&mut mem, 1071, 1)), 1119 + 2);
}

#[test]
fn a_miss_is_turned_away_while_the_read_queue_is_full() {
    let mut mem = over(&small(), Behaviour { reads: 2, ..STEADY });
    pending(ask_load(&mut mem, 1000, 1));
    pending(ask_load(&mut mem, 1000, 2));
    let third = |mem: &mut Hierarchy, now| is_busy(ask_load(mem, now, 3));
    assert_busy_until(&mut mem.clone(), [1070, 1071], third);
    assert!(third(&mut mem, 1010));
    assert!(!is_busy(ask_load(&mut mem, 1010, 2)), "a line under way needs no room");
    assert_eq!(mem.stats().memory.turned_away.get(), 1);
}

#[test]
fn a_miss_is_turned_away_while_write_buffers_cannot_be_emptied() {
    let mut mem = Hierarchy::new(&small());
    // Eight changed lines of one set of the last level, four of them still there.
    for way in 0..8 {
        mem.warm(ONE, AccessKind::Store, line(way * 64), PC);
        mem.warm_maintain(stream::CacheOp::Clean, line(way * 64));
    }
    for way in 4..8 {
        let llc = mem.llc.as_mut().expect("configured");
        let slot = llc.find(LineAddr(way * 64)).expect("the latest four");
        llc.set_state(slot, crate::cache::State::Modified);
    }
    // The memory writes a line in 100 cycles, one at a time, and there is one write buffer.
    put_in(&mut mem, Behaviour { notice: 0, writes: 1, ..STEADY }, 1);
    pending(ask_load(&mut mem, 1000, 20 * 64));
    pending(ask_load(&mut mem, 1001, 21 * 64));
    // The first line went to memory at 1011 and leaves the queue at 1111, for the second one.
    let third = |mem: &mut Hierarchy, now| is_busy(ask_load(mem, now, 5));
    assert_busy_until(&mut mem, [1110, 1111], third);
    assert_eq!(mem.stats().memory.writes.get(), 2 + 8);
}

/// Loads of ever new lines, as many as are let through, until `count` are done; returns the time of
/// the last.
fn stream_of_loads(mem: &mut Hierarchy, count: u64) -> u64 {
    let (mut now, mut next, mut last) = (1000, 0, 0);
    let mut left = count;
    while left > 0 {
        mem.advance(Cycle(now));
        while next < count && !is_busy(ask_load(mem, now, next)) {
            next += 1;
        }
        while let Some(Arrival::Access(_, access)) = mem.next_arrival(ONE) {
            last = last.max(access.at.0);
            left -= 1;
        }
        now += 1;
    }
    last - 1000
}

#[test]
fn memory_level_parallelism_is_that_of_the_scarcest_registers() {
    // What memory tells when it happens lets the next batch begin then. With 4 registers in the last
    // level it asks memory 1 + 4 + 10 cycles later. With 2 in the second level it waits there until
    // the line has passed, 5 + 2 cycles later, and asks memory 10 cycles after that.
    let behaviour = Behaviour { notice: 0, ..STEADY };
    for (l2, llc, batch, held) in [(16, 4, 4, 1 + 4 + 10 + 100), (2, 16, 2, 5 + 2 + 10 + 100)] {
        let mut config = with_l2();
        config.caches.l1d.mshrs = 32;
        config.caches.l2.as_mut().expect("configured").mshrs = l2;
        config.caches.llc.as_mut().expect("configured").mshrs = llc;
        let took = stream_of_loads(&mut over(&config, behaviour), 400);
        let bound = 400 / batch * held;
        assert!(took.abs_diff(bound) * 100 < bound, "{took} cycles, not about {bound}");
    }
}
