//! The `simple` system against arithmetic: where a workload's time is known in closed form, the
//! simulated time is within 1 % of it.

mod common;

use common::{HART, at, steady, timing, touching, translated};
use stream::{HartId, Instr, MemKind, Synthetic, VirtAddr};
use system::Timing;

const L1_HIT: f64 = 1.0;
const LLC_HIT: f64 = 1.0 + 12.0 + 2.0;
/// 30 ns are 75 cycles of 400 ps.
const MEMORY: f64 = 1.0 + 12.0 + 75.0 + 12.0 + 2.0;

fn assert_close(measured: f64, expected: f64, what: &str) {
    let off = (measured - expected).abs() / expected;
    assert!(off < 0.01, "{what}: measured {measured}, expected {expected}");
}

/// A chain of loads, each from the next of `kib` KiB of lines.
fn chase(kib: u64) -> Vec<Instr> {
    (0..kib * 16).map(|line| touching(MemKind::Load, 0x10_0000 + line * 64)).collect()
}

#[test]
fn a_pointer_chase_costs_the_latency_of_the_level_it_fits() {
    for (kib, latency) in [(16, L1_HIT), (96, LLC_HIT), (512, MEMORY)] {
        let (_, cpi) = steady(&mut timing("simple", &[]), &chase(kib), 4);
        assert_close(cpi, 1.0 + latency, &format!("{kib} KiB"));
    }
}

#[test]
fn straight_line_code_costs_one_fetch_a_line() {
    for (kib, latency) in [(16, L1_HIT), (96, LLC_HIT), (512, MEMORY)] {
        let code: Vec<_> = (0..kib * 256).map(|index| at(0x10_0000 + index * 4)).collect();
        let (_, cpi) = steady(&mut timing("simple", &[]), &code, 2);
        assert_close(cpi, 1.0 + latency / 16.0, &format!("{kib} KiB"));
    }
}

#[test]
fn a_page_walk_costs_three_reads_in_the_data_cache() {
    // 128 pages thrash 64 entries; one line of each page lies in a different set.
    let loads: Vec<_> = (0..128)
        .map(|page| translated(touching(MemKind::Load, page * 4096 + page % 64 * 64)))
        .collect();
    let (window, cpi) = steady(&mut timing("simple", &[]), &loads, 4);
    assert_close(cpi, 1.0 + 3.0 * L1_HIT + L1_HIT, "every load walks");
    assert_eq!(window.mem.harts[0].dtlb.hits.get(), 0);
    let (window, cpi) = steady(&mut timing("simple", &[]), &loads[..64], 4);
    assert_close(cpi, 1.0 + L1_HIT, "64 pages fit");
    assert_eq!(window.mem.harts[0].dtlb.misses.get(), 0);
}

#[test]
fn streaming_stores_write_every_line_back_once() {
    let stores: Vec<_> =
        (0..8192).map(|line| touching(MemKind::Store, 0x10_0000 + line * 64)).collect();
    let (window, cpi) = steady(&mut timing("simple", &[]), &stores, 2);
    assert_close(cpi, 1.0 + MEMORY, "write-backs hide behind the next miss");
    let (reads, writes) = (window.mem.memory.reads.get(), window.mem.memory.writes.get());
    assert_eq!((reads, writes), (2 * 8192, 2 * 8192));
}

#[test]
fn a_line_that_two_harts_write_in_turn_moves_between_their_caches() {
    let mut timing = timing("simple", &[]);
    let mut source = Synthetic::new(2);
    let harts = [HartId(0), HartId(1)];
    for hart in harts {
        source.push(hart, [touching(MemKind::Store, 0x8000)]);
        source.repeat(hart);
    }
    let turns = |timing: &mut Timing, source: &mut Synthetic| {
        for turn in 0..2000 {
            timing.step(harts[turn % 2], source);
        }
    };
    turns(&mut timing, &mut source);
    let before = timing.stats();
    turns(&mut timing, &mut source);
    let window = timing.window(&before);
    for hart in 0..2 {
        let core = window.cores[hart].total();
        let cpi = core.cycles.get() as f64 / core.instructions.get() as f64;
        assert_close(cpi, 1.0 + LLC_HIT + L1_HIT, "the other cache hands the line over");
        assert_eq!(window.mem.harts[hart].l1d.invalidations.get(), 1000);
    }
}

#[test]
fn misses_of_two_harts_share_the_memory_port() {
    // One line every 20 ns is 50 cycles; two chases of 103 cycles each need 2 x 50 in 103, so they
    // nearly fill the port but do not wait on average; with 40 ns they are bound by it.
    let mut timing = timing("simple", &["memory.bandwidth_mb_per_s=1600"]);
    let mut source = Synthetic::new(2);
    let harts = [HartId(0), HartId(1)];
    for hart in harts {
        let base = u64::from(hart.0) << 30;
        let chase = (0..8192).map(|line| touching(MemKind::Load, base + line * 64));
        source.push(hart, chase);
        source.repeat(hart);
    }
    let before = timing.stats();
    for _ in 0..20_000 {
        let hart = timing.earliest(harts).expect("there are two");
        timing.step(hart, &mut source);
    }
    let window = timing.window(&before);
    let cycles = window.elapsed_cycles.iter().map(|cycles| cycles.get()).max().expect("two");
    let lines = window.mem.memory.reads.get();
    assert_close(cycles as f64 / lines as f64, 100.0, "40 ns a line");
}

#[test]
fn idle_time_is_no_part_of_cpi() {
    let mut timing = timing("simple", &[]);
    let before = timing.stats();
    timing.idle(HART, 5000);
    let window = timing.window(&before);
    assert_eq!(window.cores[0].idle_cycles.get(), 5000);
    assert_eq!(window.cores[0].total().cycles.get(), 0);
    assert_eq!(timing.now(HART).0, 5000 * 400);
}

#[test]
fn resuming_aligns_a_hart_with_virtual_time() {
    let mut timing = timing("simple", &[]);
    timing.resume_at(HART, sim::Picos(1001));
    assert_eq!(timing.now(HART).0, 1200, "the next edge of the clock");
    timing.resume_at(HART, sim::Picos(500));
    assert_eq!(timing.now(HART).0, 1200, "never back");
    assert_eq!(timing.earliest([HartId(0), HartId(1)]), Some(HartId(1)));
}

#[test]
fn walks_of_code_and_data_meet_in_the_data_cache() {
    let instr = Instr { pc: VirtAddr(0x4000), ..translated(touching(MemKind::Load, 0x4040)) };
    let (mut timing, mut source) = (timing("simple", &[]), Synthetic::new(2));
    source.push(HART, [instr]);
    timing.step(HART, &mut source);
    let stats = timing.stats();
    assert_eq!(stats.mem.harts[0].walker.walks.get(), 2);
    let walks = &stats.mem.harts[0].l1d;
    assert_eq!(walks.misses[mem::AccessKind::Walk].get(), 3);
    assert_eq!(walks.hits[mem::AccessKind::Walk].get(), 3, "the data's walk finds the fetch's");
}
