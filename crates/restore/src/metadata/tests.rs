use super::*;
use crate::Time;
use mem::Hierarchy;
use stream::Synthetic;

/// Two lines and a bit: eight records of 150 bits, the least that the buffer is made for.
const BITS: u64 = 150;

fn recorded(count: u32) -> Metadata<u32> {
    let mut metadata = Metadata::new(HartId(0), 1, BITS);
    metadata.begin();
    (0..count).for_each(|record| assert!(metadata.record(record, BITS)));
    metadata.finish();
    metadata
}

/// Steps `metadata` at `now`.
fn step(metadata: &mut Metadata<u32>, mem: &mut Hierarchy, now: u64) -> bool {
    let mut source = Synthetic::new(1);
    let time = Time::At(Cycle(now), &mut source);
    let (hart, asid, can_walk, predictor) = (HartId(0), 0, true, None);
    metadata.step(&mut Ports { hart, asid, can_walk, predictor, mem, time })
}

#[test]
fn a_line_is_written_when_it_is_full_and_the_last_at_the_end() {
    let mut mem = crate::unit::contract::memory();
    let mut metadata = Metadata::new(HartId(0), 1, BITS);
    metadata.begin();
    for (record, lines) in [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (5, 1), (6, 2)] {
        metadata.record(record, BITS);
        step(&mut metadata, &mut mem, 1000);
        assert_eq!(metadata.stats.written_bytes.get(), 64 * lines, "after record {record}");
    }
    metadata.finish();
    assert!(step(&mut metadata, &mut mem, 1000));
    assert!(!step(&mut metadata, &mut mem, 1000));
    assert_eq!(metadata.stats.written_bytes.get(), 3 * 64, "1050 bits");
    assert_eq!(mem.stats().memory.metadata_writes.get(), 3);
}

#[test]
fn a_record_is_there_when_the_line_it_ends_in_has_arrived() {
    let mut mem = crate::unit::contract::memory();
    let mut metadata = recorded(8);
    while step(&mut metadata, &mut mem, 1000) {}
    metadata.begin();
    // A line a cycle; the tags and the response of the last level, and memory: 121 cycles.
    assert!(step(&mut metadata, &mut mem, 2000) && step(&mut metadata, &mut mem, 2001));
    assert!(!step(&mut metadata, &mut mem, 2002), "two lines are read ahead");
    assert_eq!(metadata.next_at(Cycle(2002)), Some(Cycle(2121)));
    assert_eq!(metadata.next_record(Cycle(2120)), None);
    for record in 0..3 {
        assert_eq!(metadata.next_record(Cycle(2121)), Some(record));
        metadata.advance();
    }
    assert_eq!(metadata.next_record(Cycle(2121)), None, "it reaches into the second line");
    assert_eq!(metadata.next_record(Cycle(2122)), Some(3));
    metadata.advance();
    assert!(step(&mut metadata, &mut mem, 2122), "the first line is used up: the third is read");
    assert_eq!(metadata.next_at(Cycle(2122)), Some(Cycle(2122 + 121)));
    for record in 4..8 {
        assert_eq!(metadata.next_record(Cycle(2243)), Some(record));
        metadata.advance();
    }
    assert!(!metadata.is_replaying());
    assert!(!step(&mut metadata, &mut mem, 3000));
}

#[test]
fn a_full_buffer_takes_nothing_more_not_even_what_would_fit() {
    let mut metadata = Metadata::new(HartId(0), 1, 100);
    metadata.begin();
    (0..81).for_each(|record| assert!(metadata.record(record, 100)));
    assert!(!metadata.record(81, 100));
    assert!(!metadata.record(82, 92));
    assert_eq!(metadata.stats.recorded.get(), 81, "8100 of 8192 bits");
    assert_eq!(metadata.stats.over_limit.get(), 2);
}

#[test]
fn the_buffers_of_harts_lie_apart_and_above_all_memory() {
    let place = |hart, base: u64| {
        let metadata = Metadata::<u32>::new(HartId(hart), 1024, BITS);
        let buffers = [metadata.recording.base.0, metadata.replaying.base.0];
        assert_eq!(buffers, [base, base + (1 << 20)]);
    };
    place(0, 1 << 39);
    place(1, (1 << 39) + (1 << 28));
}
