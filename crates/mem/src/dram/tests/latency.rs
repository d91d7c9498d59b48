//! Unloaded latencies against their closed forms.

use super::{LINE_BYTES, Lines, drain, memory, standards, without_refresh};
use crate::Cycle;
use crate::dram::{Dram, DramConfig};
use sim::Clock;
use stream::LineAddr;

/// Reads `line` at `at` with nothing else under way; returns how many cycles it took.
fn alone(dram: &mut Dram, at: u64, line: LineAddr) -> u64 {
    dram.push(Cycle(at), line, false, 1);
    let done = drain(dram);
    assert_eq!((done.len(), done[0].0), (1, 1));
    done[0].1.0 - at
}

/// Clocks of a read whose row is open, whose bank is closed, and whose bank has another row open.
/// A command of two clocks takes effect in its second, and every read has one such wait: the
/// commands before the first one under way.
fn closed_forms(config: &DramConfig) -> [u64; 3] {
    let t = &config.timing;
    let hit = t.cl + t.burst_length / 2;
    let address = t.command_clocks - 1;
    // PRE takes one clock, so it is the interval to ACT that hides the second clock of that.
    [address + hit, address + t.rcd + hit, t.rp + t.rcd + hit]
}

#[test]
fn unloaded_reads_take_exactly_the_closed_form_in_device_clocks() {
    for (name, config) in standards() {
        let config = without_refresh(config);
        let lines = Lines(config.clone());
        let mut dram = memory(&config);
        let [hit, closed, conflict] = closed_forms(&config);
        assert_eq!(alone(&mut dram, 0, lines.at(5, 0, 0, 0)), closed, "{name}: closed bank");
        assert_eq!(alone(&mut dram, 1000, lines.at(5, 0, 0, 1)), hit, "{name}: row hit");
        assert_eq!(alone(&mut dram, 2000, lines.at(6, 0, 0, 0)), conflict, "{name}: conflict");
        let stats = dram.stats();
        assert_eq!(stats.read_latency.get(), hit + closed + conflict);
        let sum = [&stats.row_hits, &stats.row_misses, &stats.row_conflicts].map(|n| n.sum());
        assert_eq!(sum, [1, 1, 1], "{name}");
    }
}

#[test]
fn unloaded_reads_are_within_a_core_cycle_and_a_clock_of_the_closed_form() {
    for (name, config) in standards() {
        let config = without_refresh(config);
        let (lines, tck) = (Lines(config.clone()), config.timing.tck_ps);
        for mhz in [1000, 2500, 3700] {
            let clock = Clock::from_mhz(mhz);
            let mut dram = Dram::new(&config, clock, LINE_BYTES);
            let [hit, closed, conflict] = closed_forms(&config);
            // At 0 a request meets an edge of the devices' clock; later it may wait for the next.
            for (at, line, clocks, edge) in [
                (0, lines.at(5, 0, 0, 0), closed, 0),
                (10_007, lines.at(5, 0, 0, 1), hit, 1),
                (20_003, lines.at(6, 0, 0, 1), conflict, 1),
            ] {
                let took = alone(&mut dram, at, line) * clock.period().0;
                let (least, most) = (clocks * tck, (clocks + edge) * tck + clock.period().0);
                assert!((least..most).contains(&took), "{name} {mhz}: {took} ps for {least} ps");
            }
        }
    }
}

#[test]
fn a_line_of_two_bursts_takes_two_column_commands_of_one_bank() {
    for (name, config) in standards() {
        let config = without_refresh(config);
        let mut dram = Dram::new(&config, super::same_clock(&config), 128);
        let [_, closed, _] = closed_forms(&config);
        let second = config.timing.ccd_l.max(config.timing.burst_length / 2);
        assert_eq!(alone(&mut dram, 0, LineAddr(0)), closed + second, "{name}");
        assert_eq!(dram.stats().bytes_read.get(), 128);
        assert_eq!((dram.stats().reads.get(), dram.stats().row_misses.sum()), (1, 1));
    }
}
