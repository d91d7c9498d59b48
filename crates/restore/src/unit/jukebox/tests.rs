use super::super::contract::Bench;
use super::*;

/// From a request of the unit to a line that comes from memory: the tags of both lower levels, memory, and
/// both responses, as the bench has them.
const LINE_FROM_MEMORY: u64 = 10 + 20 + 100 + 1 + 1;
/// To a line of metadata: past the second level.
const METADATA: u64 = 20 + 100 + 1;

fn bench(config: JukeboxConfig) -> Bench<Jukebox> {
    Bench::new(&config)
}

fn stats(bench: &Bench<Jukebox>) -> JukeboxStats {
    bench.unit.stats()
}

/// The number of the first line of a region.
fn line_of(region: u64) -> u64 {
    region * 16
}

#[test]
fn the_published_unit_has_the_storage_that_the_paper_says() {
    let unit = Jukebox::new(&JukeboxConfig::default(), HartId(0));
    assert_eq!(unit.config.record_bits(), 54, "38 bits of region and one for each of 16 lines");
    assert_eq!(unit.storage_bits(), 192 + 864 + 64 + 1024);
}

#[test]
fn addresses_of_user_and_kernel_come_back_as_they_were() {
    let config = JukeboxConfig::default();
    for va in [0x3f_ffff_ffc0, 0xffff_ffff_8020_0440, 0, 0xffff_8000_0000_0000_u64] {
        let (number, line) = config.place(VirtAddr(va));
        let base = config.base(Region { number, lines: 1 << line });
        assert_eq!(base.0 + u64::from(line) * 64, va);
    }
}

#[test]
fn what_an_invocation_missed_is_restored_for_the_next_and_recorded_again() {
    let mut bench = bench(JukeboxConfig::default());
    let program: Vec<u64> = (0..40).map(|region| line_of(region) + region % 16).collect();
    for invocation in 0..4 {
        bench.invoke(program.iter().copied());
        bench.lose();
        let stats = stats(&bench);
        assert_eq!(stats.recorded_lines.get(), 40 * (invocation + 1));
        assert_eq!(stats.metadata.recorded.get(), 40 * (invocation + 1));
        assert_eq!(stats.prefetches.get(), 40 * invocation, "all but the first replay");
        let restored = bench.stats().harts[0].restored.clone().unwrap();
        assert_eq!((restored.used.get(), restored.uncovered.get()), (40 * invocation, 40));
        assert_eq!(restored.unused.get(), 0);
    }
    // 40 records of 54 bits are 2160: five lines, the last one in part.
    let memory = bench.stats().memory;
    assert_eq!(memory.metadata_writes.get(), 4 * 5);
    assert_eq!(stats(&bench).metadata.read_bytes.get(), 3 * 5 * 64);
}

#[test]
fn what_is_not_used_any_more_drops_out() {
    let mut bench = bench(JukeboxConfig::default());
    bench.invoke([1, 100, 200, 300]);
    bench.lose();
    bench.invoke([1, 300]);
    bench.lose();
    bench.invoke([1, 300]);
    bench.lose();
    assert_eq!(stats(&bench).prefetches.get(), 4 + 2);
    assert_eq!(bench.stats().harts[0].restored.as_ref().unwrap().unused.get(), 2);
}

#[test]
fn a_region_that_is_met_again_late_is_recorded_twice() {
    let mut bench = bench(JukeboxConfig { crrb_entries: 2, ..JukeboxConfig::default() });
    bench.invoke([line_of(1), line_of(2), line_of(1) + 1, line_of(3), line_of(1) + 2]);
    // 1 (two lines), 2, 3, 1 (one line).
    assert_eq!(stats(&bench).metadata.recorded.get(), 4);
    bench.lose();
    bench.invoke([]);
    assert_eq!(stats(&bench).prefetches.get(), 5);
}

#[test]
fn recording_stops_at_the_limit() {
    let mut bench = bench(JukeboxConfig { metadata_kib: 1, ..JukeboxConfig::default() });
    bench.invoke((0..200).map(line_of));
    // 8192 bits take 151 records of 54.
    let counts = stats(&bench).metadata;
    assert_eq!((counts.recorded.get(), counts.over_limit.get()), (151, 200 - 151));
    assert_eq!(counts.written_bytes.get(), 1024);
    bench.lose();
    bench.invoke([]);
    assert_eq!(stats(&bench).prefetches.get(), 151);
}

/// The cycles in which each line is asked for in the replay of `lines`, after its beginning.
fn issued_at(bench: &mut Bench<Jukebox>) -> Vec<u64> {
    bench.unit.begin();
    let (start, mut at) = (bench.now, Vec::new());
    for _ in 0..4000 {
        let before = bench.unit.stats.prefetches.get();
        bench.step();
        let more = bench.unit.stats.prefetches.get() - before;
        assert!(more <= 1, "one a cycle");
        at.extend((0..more).map(|_| bench.now - start));
        bench.now += 1;
    }
    at
}

#[test]
fn the_first_line_is_asked_for_when_metadata_and_translation_are_there_and_others_follow() {
    let mut bench = bench(JukeboxConfig::default());
    bench.invoke((0..5).map(|line| line_of(7) + line));
    bench.lose();
    let at = issued_at(&mut bench);
    // A walk of three levels after a TLB of one cycle; its entries lie in memory, behind both data caches.
    let walk = 1 + 3 * (2 + 10 + 20 + 100 + 1 + 1 + 1);
    let first = METADATA + walk;
    assert_eq!(at, (0..5).map(|line| first + line).collect::<Vec<_>>());
}

#[test]
fn replay_is_never_faster_than_the_miss_registers_and_leaves_some_to_others() {
    let mut bench = bench(JukeboxConfig { spare_mshrs: 2, ..JukeboxConfig::default() });
    bench.invoke((0..16).map(|line| line_of(7) + line));
    bench.lose();
    let at = issued_at(&mut bench);
    // Six of eight registers, each held from the tag lookup of the second level to its response.
    let start = at[0];
    for (number, at) in at.iter().enumerate() {
        let turn = number as u64 / 6;
        assert_eq!(*at, start + turn * LINE_FROM_MEMORY + number as u64 % 6, "line {number}");
    }
    assert!(stats(&bench).stalled_cycles.get() > 0);
}

#[test]
fn what_others_displace_while_it_is_replayed_is_asked_for_again() {
    let mut bench = bench(JukeboxConfig::default());
    bench.invoke((0..60).map(line_of));
    bench.lose();
    bench.unit.begin();
    for _ in 0..METADATA + 200 {
        bench.step();
        bench.now += 1;
        bench.unit.forget_under_way();
    }
    bench.run();
    assert_eq!(stats(&bench).metadata.replayed.get(), 60);
}
