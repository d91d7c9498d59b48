//! Random traffic: the commands keep every constraint, every read is answered once, and how far
//! time is moved at once changes nothing.

use super::{Dram, DramConfig, LINE_BYTES, PagePolicy, Xorshift, checker, same_clock, standards};
use crate::Cycle;
use crate::dram::command::Command;
use crate::dram::{Direction, DramStats};
use sim::Clock;
use std::collections::BTreeMap;
use stream::LineAddr;

/// How many cycles to move time at once.
type Step<'a> = &'a mut dyn FnMut(&Dram) -> u64;

#[derive(Clone, Copy)]
struct Traffic {
    /// When the request is sent, not after it arrives.
    sent: Cycle,
    at: Cycle,
    line: LineAddr,
    write: bool,
}

/// Requests in bursts and lulls, to few rows that they share and to any, nearly in order.
fn traffic(config: &DramConfig, seed: u64, count: usize) -> Vec<Traffic> {
    let mut random = Xorshift(seed);
    let lines = config.capacity_bytes() / LINE_BYTES;
    let hot: Vec<_> = (0..12).map(|_| random.below(lines)).collect();
    let mut sent = 0;
    let one = |_| {
        sent += match random.below(200) {
            0 => 4000,
            lull if lull < 20 => 60,
            _ => random.below(8),
        };
        let near = hot[random.below(12) as usize] + random.below(40);
        let line = if random.below(4) == 0 { random.below(lines) } else { near % lines };
        let at = Cycle(sent + random.below(90));
        Traffic { sent: Cycle(sent), at, line: LineAddr(line), write: random.below(3) == 0 }
    };
    (0..count).map(one).collect()
}

/// Runs traffic, moving time by the steps that `step` gives until all is done and `end` is reached.
fn run(
    dram: &mut Dram,
    traffic: &[Traffic],
    end: u64,
    mut step: impl FnMut(&Dram) -> u64,
) -> Vec<(u32, Cycle)> {
    let (mut done, mut now, mut next) = (Vec::new(), 0, 0);
    while now < end {
        now = (now + step(dram)).min(end);
        // Requests are known a little ahead of time.
        while next < traffic.len() && traffic[next].sent.0 <= now + 300 {
            let Traffic { at, line, write, .. } = traffic[next];
            dram.push(at, line, write, next as u32);
            next += 1;
        }
        dram.advance(Cycle(now), &mut done);
    }
    assert_eq!(next, traffic.len(), "all was sent");
    assert_eq!(dram.next_event(), None, "all was done");
    done
}

/// A standard with queues that take any traffic, and small limits so that all is exercised.
fn lively(mut config: DramConfig, page_policy: PagePolicy) -> DramConfig {
    let controller = &mut config.controller;
    controller.page_policy = page_policy;
    (controller.read_queue, controller.write_queue) = (4096, 4096);
    (controller.write_low, controller.write_high) = (6, 20);
    controller.starvation_clocks = 600;
    config
}

const POLICIES: [PagePolicy; 3] =
    [PagePolicy::Open, PagePolicy::Closed, PagePolicy::TimeoutClocks(150)];

fn every_case(mut check: impl FnMut(&str, &DramConfig, u64)) {
    for (name, config) in standards() {
        for (index, policy) in POLICIES.into_iter().enumerate() {
            let mut config = lively(config.clone(), policy);
            check(&format!("{name} {policy:?}"), &config, 0x9e37_79b9 + index as u64);
            config.organisation.ranks *= 2;
            check(&format!("{name} {policy:?}, twice the ranks"), &config, 77 + index as u64);
        }
    }
}

/// All books of a run close.
fn check_stats(name: &str, stats: &DramStats, traffic: &[Traffic], burst: u64) {
    let writes = traffic.iter().filter(|request| request.write).count() as u64;
    assert_eq!(stats.writes.get(), writes, "{name}");
    assert_eq!(stats.reads.get() + stats.forwarded.get() + writes, traffic.len() as u64, "{name}");
    for (way, lines) in [(Direction::Read, &stats.reads), (Direction::Write, &stats.writes)] {
        let kinds = [&stats.row_hits, &stats.row_misses, &stats.row_conflicts];
        assert_eq!(kinds.map(|kind| kind[way].get()).iter().sum::<u64>(), lines.get(), "{name}");
    }
    assert_eq!(stats.bus_busy.get(), burst * (stats.reads.get() + writes), "{name}");
    assert_eq!(stats.bytes_read.get(), LINE_BYTES * stats.reads.get(), "{name}");
    assert_eq!(stats.bytes_written.get(), LINE_BYTES * writes, "{name}");
    let turns = stats.read_to_write.get().abs_diff(stats.write_to_read.get());
    assert!(turns <= 8, "{name}: the bus of each channel turns to and fro");
}

/// Each read that was not forwarded has its own RD, in its bank, with its row open.
fn check_rows(
    config: &DramConfig,
    dram: &Dram,
    used: &[BTreeMap<(u16, u64), u32>],
    traffic: &[Traffic],
    done: &[(u32, Cycle)],
) {
    let t = &config.timing;
    let mut own = 0;
    for &(id, at) in done {
        let request = traffic[id as usize];
        let place = dram.map.place(request.line);
        let command = at.0.checked_sub(t.cl + t.burst_length / 2);
        let row = command.and_then(|at| used[place.channel].get(&(place.bank.0, at)));
        own += u64::from(row == Some(&place.row));
        let forwarded = at == request.at + 1;
        assert!(row == Some(&place.row) || forwarded, "read {id} at {at:?} of {row:?}");
    }
    assert!(own >= dram.stats().reads.get());
}

/// Refreshes come when they are due, as soon as the rank can be closed.
fn check_refreshes(name: &str, config: &DramConfig, dram: &Dram) {
    let t = &config.timing;
    let (refi, ranks) = (t.refi_ns * 1000 / t.tck_ps, config.organisation.ranks as usize);
    let mut last = t.cwl + t.burst_length / 2 + t.wr + t.rp;
    last = last.max(t.rc) + 2 * ranks as u64 + 4;
    for channel in &dram.channels {
        for &(at, command) in &channel.trace {
            if let Command::Refresh { rank } = command {
                let late = (at.0 - rank as u64 * (refi / ranks as u64)) % refi;
                assert!(late <= last, "{name}: refresh of rank {rank} {late} clocks late");
            }
        }
    }
}

#[test]
fn random_traffic_keeps_every_constraint_and_every_read_is_answered_once() {
    every_case(|name, config, seed| {
        let traffic = traffic(config, seed, 4000);
        let mut dram = Dram::new(config, same_clock(config), LINE_BYTES);
        let end = traffic.last().expect("some").at.0 + 100_000;
        let done = run(&mut dram, &traffic, end, |_| 50);

        let mut answered: Vec<_> = done.iter().map(|&(id, _)| id).collect();
        answered.sort_unstable();
        let reads = (0..traffic.len() as u32).filter(|&id| !traffic[id as usize].write);
        assert_eq!(answered, reads.collect::<Vec<_>>(), "{name}: every read once");

        let check = |channel: &crate::dram::Channel| checker::check(config, &channel.trace);
        let used: Vec<_> = dram.channels.iter().map(check).collect();
        check_rows(config, &dram, &used, &traffic, &done);
        check_refreshes(name, config, &dram);
        check_stats(name, dram.stats(), &traffic, config.timing.burst_length / 2);
    });
}

#[test]
fn random_traffic_moves_every_counter() {
    let mut runs = Vec::new();
    every_case(|_, config, seed| {
        let traffic = traffic(config, seed, 1500);
        let mut dram = Dram::new(config, same_clock(config), LINE_BYTES);
        run(&mut dram, &traffic, traffic.last().expect("some").at.0 + 100_000, |_| 1000);
        runs.push(dram.stats().clone());
    });
    assert_eq!(stats::never_incremented(&runs), Vec::<String>::new());
}

#[test]
fn big_jumps_and_single_steps_give_the_same_bytes() {
    every_case(|name, config, seed| {
        let traffic = traffic(config, seed, 1500);
        let end = traffic.last().expect("some").at.0 + 100_000;
        let start = || Dram::new(config, Clock::from_mhz(2500), LINE_BYTES);
        let (mut single, mut random) = (start(), Xorshift(seed));
        let expected = run(&mut single, &traffic, end, |_| 1);
        let steps: [(&str, Step<'_>); 3] = [
            ("sevens", &mut |_| 7),
            ("large", &mut |_| 10_000),
            ("random", &mut |_| 1 + random.below(700)),
        ];
        for (steps, step) in steps {
            let mut dram = start();
            let done = run(&mut dram, &traffic, end, step);
            assert_eq!(done, expected, "{name}, {steps}");
            assert_eq!(dram.stats(), single.stats(), "{name}, {steps}");
        }
    });
}

#[test]
fn nothing_happens_before_the_next_event() {
    every_case(|name, config, seed| {
        let traffic = traffic(config, seed, 1000);
        let end = traffic.last().expect("some").at.0 + 100_000;
        let start = || Dram::new(config, Clock::from_mhz(3000), LINE_BYTES);
        let (mut single, mut skipping) = (start(), start());
        let (mut expected, mut done) = (Vec::new(), Vec::new());
        let mut next = 0;
        for now in 0..end {
            while next < traffic.len() && traffic[next].sent.0 <= now {
                let Traffic { at, line, write, .. } = traffic[next];
                single.push(at, line, write, next as u32);
                skipping.push(at, line, write, next as u32);
                next += 1;
            }
            single.advance(Cycle(now), &mut expected);
            if skipping.next_event().is_some_and(|event| event.0 <= now) {
                skipping.advance(Cycle(now), &mut done);
            }
            assert_eq!(done, expected, "{name} at {now}");
            done.clear();
            expected.clear();
        }
    });
}
