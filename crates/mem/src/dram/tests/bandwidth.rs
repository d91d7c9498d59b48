//! Sustained bandwidths against their closed forms.

use super::{Lines, Xorshift, memory, standards, without_refresh};
use crate::Cycle;
use crate::dram::DramConfig;
use stream::LineAddr;

/// What a memory does that always has more to do than it can.
#[derive(Debug)]
struct Sustained {
    gb_per_s: f64,
    mean_latency_ns: f64,
    row_hit_ratio: f64,
}

/// Keeps the queues full with the requests that `next` makes until `clocks` have passed.
fn sustained(
    config: &DramConfig,
    clocks: u64,
    mut next: impl FnMut() -> (LineAddr, bool),
) -> Sustained {
    let mut dram = memory(config);
    let (mut done, mut now) = (Vec::new(), Cycle(0));
    let mut request = next();
    while now < Cycle(clocks) {
        while dram.can_accept(request.0, request.1) {
            dram.push(now + 1, request.0, request.1, 0);
            request = next();
        }
        now = dram.next_event().expect("requests wait").max(now + 1);
        dram.advance(now, &mut done);
        done.clear();
    }
    let stats = dram.stats();
    let tck = config.timing.tck_ps as f64;
    let bytes = (stats.bytes_read.get() + stats.bytes_written.get()) as f64;
    let derived = stats::derived(stats);
    Sustained {
        gb_per_s: bytes * 1000.0 / (now.0 as f64 * tck),
        mean_latency_ns: derived[1].1.unwrap_or(0.0) * tck / 1000.0,
        row_hit_ratio: derived[0].1.expect("accesses"),
    }
}

fn peak(config: &DramConfig) -> f64 {
    config.peak_bytes_per_second() as f64 / 1e9
}

/// The share of time that refreshes leave to a rank.
fn unrefreshed(config: &DramConfig) -> f64 {
    1.0 - config.timing.rfc_ns as f64 / config.timing.refi_ns as f64
}

fn near(name: &str, sustained: &Sustained, expected: f64, tolerance: f64) {
    println!("{name}: {sustained:.2?}, closed form {expected:.2}");
    let ratio = sustained.gb_per_s / expected;
    // The first refresh comes after a whole interval: a little more than its share is left.
    assert!(ratio <= 1.002, "{name}: {sustained:?} is above {expected}");
    assert!(ratio >= 1.0 - tolerance, "{name}: {sustained:?} is far below {expected}");
}

#[test]
fn peak_bandwidths_are_those_of_the_standards() {
    let expected = [("ddr4_2400", 19.2), ("ddr4_3200", 25.6), ("ddr5_4800", 2.0 * 19.2)];
    for (name, gb_per_s) in expected {
        let peak = peak(&super::standard(name));
        assert!((peak / gb_per_s - 1.0).abs() < 0.002, "{name}: {peak}");
    }
}

#[test]
fn a_stream_of_reads_gets_the_peak_less_refreshes() {
    for (name, mut config) in standards() {
        // A stream in one of two ranks is not held up when the other is refreshed.
        config.organisation.ranks = 1;
        let mut line = 0;
        let reads = sustained(&config, 400_000, || {
            line += 1;
            (LineAddr(line), false)
        });
        near(&format!("{name} stream"), &reads, peak(&config) * unrefreshed(&config), 0.05);
        // Little's law: what waits is what comes in times how long it waits; then follow the data.
        let t = &config.timing;
        let waiting = config.controller.read_queue * config.organisation.channels;
        let data_ns = ((t.cl + t.burst_length / 2) * t.tck_ps) as f64 / 1000.0;
        let latency_ns = f64::from(waiting) * 64.0 / reads.gb_per_s + data_ns;
        let ratio = reads.mean_latency_ns / latency_ns;
        assert!((0.98..1.02).contains(&ratio), "{name}: {reads:?}, by Little's law {latency_ns}");
        assert!(reads.row_hit_ratio > 0.95, "{name}: {reads:?}");
    }
}

#[test]
fn a_stream_of_writes_gets_what_long_write_intervals_allow() {
    for (name, mut config) in standards() {
        config.organisation.ranks = 1;
        let t = &config.timing;
        // Writes go round the bank groups, each of which takes one in tCCD_L_WR.
        let groups = u64::from(config.organisation.bank_groups);
        let burst = t.burst_length / 2;
        let bound = (burst * groups) as f64 / t.ccd_l_wr.max(burst * groups) as f64;
        let mut line = 0;
        let writes = sustained(&config, 400_000, || {
            line += 1;
            (LineAddr(line), true)
        });
        let expected = peak(&config) * unrefreshed(&config) * bound;
        near(&format!("{name} stream of writes"), &writes, expected, 0.05);
    }
}

#[test]
fn a_stream_within_one_bank_group_is_bound_by_the_long_interval() {
    for (name, config) in standards() {
        let config = without_refresh(config);
        let lines = Lines(config.clone());
        let columns = config.organisation.row_bytes / super::LINE_BYTES;
        let mut column = 0;
        let reads = sustained(&config, 100_000, || {
            column = (column + 1) % columns;
            (lines.at(9, 1, 0, column), false)
        });
        let burst = config.timing.burst_length / 2;
        let share = burst as f64 / config.timing.ccd_l as f64;
        let one_channel = peak(&config) / f64::from(config.organisation.channels);
        near(&format!("{name} one group"), &reads, one_channel * share, 0.01);
    }
}

#[test]
fn random_rows_of_one_rank_are_bound_by_the_rate_of_activations() {
    for (name, config) in standards() {
        let mut config = without_refresh(config);
        config.organisation.ranks = 1;
        config.controller.page_policy = crate::dram::PagePolicy::Closed;
        let t = &config.timing;
        // Four activations a window, or one in each short interval; each for one line.
        let clocks = (t.faw as f64 / 4.0).max(t.rrd_s as f64);
        let burst = (t.burst_length / 2) as f64;
        let expected = peak(&config) * (burst / clocks).min(1.0);
        let mut random = Xorshift(0x1234_5678_9abc_def1);
        let lines = config.capacity_bytes() / super::LINE_BYTES;
        let reads = sustained(&config, 200_000, || (LineAddr(random.below(lines)), false));
        near(&format!("{name} random rows"), &reads, expected, 0.05);
        assert!(reads.row_hit_ratio < 0.01);
    }
}

#[test]
fn traffic_on_the_standards_as_they_are_stays_within_bounds() {
    for (name, config) in standards() {
        let lines = config.capacity_bytes() / super::LINE_BYTES;
        let mut random = Xorshift(0x0dd_ba11);
        let mut line = 0;
        let mut stream = || {
            line += 1;
            (LineAddr(line), false)
        };
        let streamed = sustained(&config, 400_000, &mut stream);
        let reads = sustained(&config, 400_000, || (LineAddr(random.below(lines)), false));
        println!("{name} stream: {streamed:.2?}\n{name} random reads: {reads:.2?}");
        let bounds = peak(&config) * unrefreshed(&config) * 0.95..=peak(&config);
        assert!(bounds.contains(&streamed.gb_per_s), "{name}: {streamed:?}");
        assert!(reads.gb_per_s < streamed.gb_per_s, "{name}: {reads:?}");
        assert!(reads.gb_per_s > streamed.gb_per_s / 2.0, "{name}: {reads:?}");
    }
}

#[test]
fn a_mix_of_reads_and_writes_loses_to_turnarounds() {
    for (name, config) in standards() {
        let mut random = Xorshift(0xfeed_beef_0bad_f00d);
        let lines = config.capacity_bytes() / super::LINE_BYTES;
        let mix =
            sustained(&config, 400_000, || (LineAddr(random.below(lines)), random.below(3) == 0));
        println!("{name} random, two reads a write: {mix:.2?}");
        assert!(mix.gb_per_s < peak(&config) * 0.9, "{name}: {mix:?}");
        assert!(mix.gb_per_s > peak(&config) * 0.3, "{name}: {mix:?}");
    }
}
