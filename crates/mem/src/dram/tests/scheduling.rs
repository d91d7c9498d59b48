//! What the controller does first, and when it does nothing.

use super::{
    Dram, DramConfig, Lines, PagePolicy, Tick, commands, drain, memory, standard, standards,
    without_refresh,
};
use crate::Cycle;
use crate::dram::command::Command;
use stream::LineAddr;

fn ids(done: &[(u32, Cycle)]) -> Vec<u32> {
    done.iter().map(|&(id, _)| id).collect()
}

/// The column commands of channel 0 as runs of reads and writes, such as `R60 W7`.
fn runs(dram: &Dram) -> String {
    let mut runs: Vec<(char, u32)> = Vec::new();
    for command in commands(dram, 0) {
        let kind = match command {
            Command::Read { .. } => 'R',
            Command::Write { .. } => 'W',
            _ => continue,
        };
        match runs.last_mut() {
            Some((last, count)) if *last == kind => *count += 1,
            _ => runs.push((kind, 1)),
        }
    }
    runs.iter().map(|(kind, count)| format!("{kind}{count}")).collect::<Vec<_>>().join(" ")
}

/// The times of the commands of channel 0 that `wanted` picks.
fn times(dram: &Dram, wanted: impl Fn(Command) -> bool) -> Vec<Tick> {
    let trace = dram.channels[0].trace.iter();
    trace.filter(|&&(_, command)| wanted(command)).map(|&(at, _)| at).collect()
}

fn is_precharge(command: Command) -> bool {
    matches!(command, Command::Precharge { .. })
}

/// A memory without refreshes and a way to name lines.
fn quiet(mut config: DramConfig, change: impl FnOnce(&mut DramConfig)) -> (Dram, Lines) {
    config = without_refresh(config);
    change(&mut config);
    (memory(&config), Lines(config))
}

#[test]
fn a_row_hit_goes_before_an_older_conflict() {
    for (name, config) in standards() {
        let (mut dram, lines) = quiet(config, |_| {});
        dram.push(Cycle(0), lines.at(5, 0, 0, 0), false, 0);
        dram.push(Cycle(1000), lines.at(6, 0, 0, 0), false, 1);
        dram.push(Cycle(1000), lines.at(5, 0, 0, 1), false, 2);
        assert_eq!(ids(&drain(&mut dram)), [0, 2, 1], "{name}");
    }
}

#[test]
fn among_conflicts_the_oldest_goes_first() {
    for (name, config) in standards() {
        let (mut dram, lines) = quiet(config, |_| {});
        for (id, row) in [(0, 5), (1, 6), (2, 7), (3, 6)] {
            dram.push(Cycle(0), lines.at(row, 0, 0, 0), false, id);
        }
        assert_eq!(ids(&drain(&mut dram)), [0, 1, 3, 2], "{name}: 3 hits the row of 1");
        assert_eq!(dram.stats().row_conflicts.sum(), 2);
    }
}

#[test]
fn banks_work_at_the_same_time() {
    for (name, config) in standards() {
        let t = config.timing.clone();
        let (mut dram, lines) = quiet(config, |_| {});
        dram.push(Cycle(0), lines.at(5, 0, 0, 0), false, 0);
        dram.push(Cycle(0), lines.at(5, 1, 0, 0), false, 1);
        let done = drain(&mut dram);
        let apart = t.rrd_s.max(t.ccd_s).max(t.burst_length / 2);
        assert_eq!(done[1].1 - done[0].1, apart, "{name}: the second waits for the buses alone");
    }
}

/// A stream of row hits from clock 1000 on, and one older read of another row. Returns when the row
/// was closed for it, and all completions.
fn hits_against_a_conflict(config: DramConfig, limit: u64) -> (Tick, Vec<(u32, Cycle)>) {
    let every = config.timing.ccd_l;
    let (mut dram, lines) = quiet(config, |config| config.controller.starvation_clocks = limit);
    dram.push(Cycle(0), lines.at(5, 0, 0, 0), false, 0);
    let mut done = Vec::new();
    dram.advance(Cycle(999), &mut done);
    dram.push(Cycle(1000), lines.at(6, 0, 0, 0), false, 1);
    for hit in 0..500 {
        let at = Cycle(1000 + hit * every);
        dram.push(at, lines.at(5, 0, 0, hit % 64), false, 2);
        dram.advance(at, &mut done);
    }
    done.extend(drain(&mut dram));
    (times(&dram, is_precharge)[0], done)
}

#[test]
fn the_oldest_read_starves_no_longer_than_the_limit() {
    for (name, config) in standards() {
        let t = config.timing.clone();
        let (closed, done) = hits_against_a_conflict(config, 300);
        // The hit under way when the limit is reached is the last.
        let last = 1300 + t.ccd_l + t.rtp;
        assert!((1300..=last).contains(&closed.0), "{name}: closed at {closed:?}");
        let (_, at) = done.iter().find(|(id, _)| *id == 1).expect("answered");
        assert_eq!(at.0, closed.0 + t.rp + t.rcd + t.cl + t.burst_length / 2, "{name}");
    }
}

#[test]
fn without_a_limit_row_hits_starve_a_conflict() {
    for (name, config) in standards() {
        let (_, done) = hits_against_a_conflict(config, 1 << 30);
        assert_eq!(done.last().expect("answers").0, 1, "{name}: last of all");
    }
}

#[test]
fn writes_wait_until_the_high_watermark_and_drain_to_the_low_one() {
    for (name, config) in standards() {
        for (writes, expected) in [(7, "R40 W7"), (8, "W4 R40 W4"), (11, "W7 R40 W4")] {
            let (mut dram, lines) = quiet(config.clone(), |config| {
                config.controller.write_high = 8;
                config.controller.write_low = 4;
            });
            for write in 0..writes {
                dram.push(Cycle(0), lines.at(8, 1, 1, write), true, 0);
            }
            for read in 0..40 {
                dram.push(Cycle(0), lines.at(5, 0, 0, read), false, 1);
            }
            drain(&mut dram);
            assert_eq!(runs(&dram), expected, "{name}, {writes} writes");
            let turns = (dram.stats().read_to_write.get(), dram.stats().write_to_read.get());
            let drains = u64::from(writes >= 8);
            assert_eq!(turns, (1, drains), "{name}: turns of the bus");
        }
    }
}

#[test]
fn a_starving_read_ends_a_drain() {
    for (name, config) in standards() {
        let (mut dram, lines) = quiet(config, |config| {
            config.controller.write_high = 8;
            config.controller.write_low = 1;
            config.controller.starvation_clocks = 500;
        });
        let mut done = Vec::new();
        let mut write = 0;
        // Writes arrive faster than they can go, so the drain alone would not end.
        for now in 0..4000 {
            if dram.can_accept(lines.at(8, 0, 0, 0), true) {
                dram.push(Cycle(now), lines.at(8, write / 32 % 2, 0, write % 32), true, 0);
                write += 1;
            }
            if now == 1000 {
                dram.push(Cycle(now), lines.at(5, 1, 1, 0), false, 7);
            }
            dram.advance(Cycle(now), &mut done);
        }
        assert_eq!(ids(&done), [7], "{name}");
        let t = &lines.0.timing;
        let turn = t.cwl + t.burst_length / 2 + t.wtr_l + t.rcd + t.cl + t.burst_length / 2;
        let at = done[0].1.0;
        assert!((1500..=1500 + turn + t.rtp).contains(&at), "{name}: done at {at}");
    }
}

#[test]
fn a_read_of_a_line_that_waits_to_be_written_is_forwarded() {
    for (name, config) in standards() {
        let (mut dram, lines) = quiet(config, |_| {});
        let line = lines.at(5, 0, 0, 3);
        dram.push(Cycle(10), line, true, 0);
        dram.push(Cycle(10), line, false, 1);
        dram.push(Cycle(10), lines.at(5, 0, 0, 4), false, 2);
        let done = drain(&mut dram);
        assert_eq!(done[0], (1, Cycle(11)), "{name}: a clock later");
        assert_eq!(ids(&done), [1, 2], "{name}: another line of the row is not");
        assert_eq!((dram.stats().forwarded.get(), dram.stats().reads.get()), (1, 1));
        // Now the write is done, and the devices have the line.
        dram.push(Cycle(5000), line, false, 3);
        drain(&mut dram);
        assert_eq!((dram.stats().forwarded.get(), dram.stats().reads.get()), (1, 2));
    }
}

#[test]
fn a_read_before_the_write_is_not_forwarded() {
    let (mut dram, lines) = quiet(standard("ddr4_2400"), |_| {});
    dram.push(Cycle(10), lines.at(5, 0, 0, 3), true, 0);
    dram.push(Cycle(9), lines.at(5, 0, 0, 3), false, 1);
    drain(&mut dram);
    assert_eq!((dram.stats().forwarded.get(), dram.stats().reads.get()), (0, 1));
}

#[test]
fn a_request_of_the_future_is_seen_when_it_arrives() {
    for (name, config) in standards() {
        let (mut dram, lines) = quiet(config, |_| {});
        dram.push(Cycle(0), lines.at(5, 0, 0, 0), false, 0);
        dram.push(Cycle(700), lines.at(5, 0, 0, 1), false, 1);
        dram.push(Cycle(400), lines.at(5, 0, 0, 2), false, 2);
        let done = drain(&mut dram);
        assert_eq!(ids(&done), [0, 2, 1], "{name}");
        let t = &lines.0.timing;
        let hit = t.command_clocks - 1 + t.cl + t.burst_length / 2;
        assert_eq!((done[1].1, done[2].1), (Cycle(400 + hit), Cycle(700 + hit)), "{name}");
    }
}

#[test]
fn a_full_queue_accepts_nothing_until_a_column_command_is_issued() {
    let (mut dram, lines) = quiet(standard("ddr4_2400"), |config| {
        config.controller.read_queue = 2;
    });
    let line = |column| lines.at(5, 0, 0, column);
    dram.push(Cycle(0), line(0), false, 0);
    dram.push(Cycle(100), line(1), false, 1);
    assert!(!dram.can_accept(line(2), false), "one on its way takes a place");
    assert!(dram.can_accept(line(2), true), "writes have their own queue");
    let mut done = Vec::new();
    // ACT at 0, RD tRCD later.
    dram.advance(Cycle(15), &mut done);
    assert!(!dram.can_accept(line(2), false));
    dram.advance(Cycle(16), &mut done);
    assert!(dram.can_accept(line(2), false));
    assert_eq!(done, [(0, Cycle(16 + 16 + 4))], "told as soon as it is certain");
}

#[test]
#[should_panic(expected = "is full")]
fn pushing_into_a_full_queue_is_a_bug() {
    let (mut dram, _) = quiet(standard("ddr4_2400"), |config| config.controller.read_queue = 1);
    dram.push(Cycle(0), LineAddr(0), false, 0);
    dram.push(Cycle(0), LineAddr(1), false, 1);
}

#[test]
fn the_closed_policy_closes_a_row_with_its_last_access() {
    for (name, config) in standards() {
        let (mut dram, lines) = quiet(config, |config| {
            config.controller.page_policy = PagePolicy::Closed;
        });
        dram.push(Cycle(0), lines.at(5, 0, 0, 0), false, 0);
        dram.push(Cycle(0), lines.at(5, 0, 0, 1), false, 1);
        dram.push(Cycle(1000), lines.at(5, 0, 0, 2), true, 2);
        drain(&mut dram);
        let auto: Vec<_> = commands(&dram, 0)
            .into_iter()
            .filter_map(|command| match command {
                Command::Read { auto_precharge, .. } | Command::Write { auto_precharge, .. } => {
                    Some(auto_precharge)
                }
                _ => None,
            })
            .collect();
        assert_eq!(auto, [false, true, true], "{name}");
        assert_eq!((dram.stats().activates.get(), dram.stats().precharges.get()), (2, 2));
    }
}

#[test]
fn the_timeout_policy_closes_a_row_that_nothing_uses() {
    for (name, config) in standards() {
        let (mut dram, lines) = quiet(config, |config| {
            config.controller.page_policy = PagePolicy::TimeoutClocks(500);
        });
        let mut done = Vec::new();
        dram.push(Cycle(0), lines.at(5, 0, 0, 0), false, 0);
        dram.push(Cycle(300), lines.at(5, 0, 0, 1), false, 1);
        let used = 300 + lines.0.timing.command_clocks - 1;
        dram.advance(Cycle(used + 499), &mut done);
        assert_eq!(times(&dram, is_precharge), [], "{name}: blocked a clock before");
        dram.advance(Cycle(used + 500), &mut done);
        assert_eq!(times(&dram, is_precharge), [Tick(used + 500)], "{name}");
        dram.push(Cycle(2000), lines.at(6, 0, 0, 1), false, 2);
        drain(&mut dram);
        assert_eq!(dram.stats().row_conflicts.sum(), 0, "{name}");
    }
}

#[test]
fn the_open_policy_leaves_a_row_open_until_refresh() {
    let (mut dram, lines) = quiet(standard("ddr4_2400"), |_| {});
    dram.push(Cycle(0), lines.at(5, 0, 0, 0), false, 0);
    dram.push(Cycle(900_000), lines.at(5, 0, 0, 1), false, 1);
    drain(&mut dram);
    assert_eq!(dram.stats().row_hits.sum(), 1);
    // A refresh, every millisecond here, comes in between.
    dram.push(Cycle(1_300_000), lines.at(5, 0, 0, 1), false, 1);
    drain(&mut dram);
    assert_eq!((dram.stats().row_hits.sum(), dram.stats().row_misses.sum()), (1, 2));
}

#[test]
fn a_refresh_blocks_its_rank_for_its_duration() {
    for (name, config) in standards() {
        let lines = Lines(config.clone());
        let t = &config.timing;
        let due = t.refi_ns * 1000 / t.tck_ps;
        let rfc = (t.rfc_ns * 1000).div_ceil(t.tck_ps);
        let read = t.rcd + t.cl + t.burst_length / 2;
        for (at, expected, why) in [
            (due, due + rfc + read, "it arrives when the refresh is due"),
            (due + rfc / 2, due + rfc + read, "it arrives during the refresh"),
            (due + 1000, due + 1000 + t.command_clocks - 1 + read, "the refresh is over"),
        ] {
            let mut dram = memory(&config);
            dram.push(Cycle(at), lines.at(5, 0, 0, 0), false, 0);
            assert_eq!(drain(&mut dram), [(0, Cycle(expected))], "{name}: {why}");
        }
        if config.organisation.ranks > 1 {
            let mut dram = memory(&config);
            dram.push(Cycle(due), lines.in_rank(1, 5, 0, 0, 0), false, 0);
            // REF of the other rank takes the command bus for a clock.
            let expected = Cycle(due + 1 + t.command_clocks - 1 + read);
            assert_eq!(drain(&mut dram), [(0, expected)], "{name}: another rank works");
        }
    }
}

#[test]
fn a_refresh_that_is_due_closes_rows_first() {
    for (name, config) in standards() {
        let lines = Lines(config.clone());
        let t = &config.timing;
        let due = t.refi_ns * 1000 / t.tck_ps;
        let rfc = (t.rfc_ns * 1000).div_ceil(t.tck_ps);
        let mut dram = memory(&config);
        dram.push(Cycle(100), lines.at(5, 0, 0, 0), false, 0);
        dram.push(Cycle(due), lines.at(5, 0, 0, 1), false, 1);
        let done = drain(&mut dram);
        // PREA, tRP, REF, tRFC, and the row has to be opened again.
        let expected = due + t.rp + rfc + t.rcd + t.cl + t.burst_length / 2;
        assert_eq!(done[1], (1, Cycle(expected)), "{name}");
        assert_eq!(dram.stats().row_misses.sum(), 2, "{name}: no hit, and no conflict either");
    }
}

#[test]
fn an_idle_second_is_over_at_once_and_holds_all_its_refreshes() {
    for (name, config) in standards() {
        let mut dram = memory(&config);
        let t = &config.timing;
        assert_eq!(dram.next_event(), None, "{name}: nothing to wait for");
        let second = 1_000_000_000_000 / t.tck_ps;
        let (mut done, refi) = (Vec::new(), t.refi_ns * 1000 / t.tck_ps);
        dram.advance(Cycle(second), &mut done);
        let (ranks, o) = (u64::from(config.organisation.ranks), &config.organisation);
        let of_rank = |rank: u64| (second - refi - rank * (refi / ranks)) / refi + 1;
        let expected = u64::from(o.channels) * (0..ranks).map(of_rank).sum::<u64>();
        assert_eq!(dram.stats().refreshes.get(), expected, "{name}");
        let simulated: usize = dram.channels.iter().map(|channel| channel.trace.len()).sum();
        assert!(simulated < 20, "{name}: {simulated} commands simulated one by one");
    }
}
