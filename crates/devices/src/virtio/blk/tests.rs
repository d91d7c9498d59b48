use super::*;
use crate::virtio::Overlay;
use crate::virtio::testing::{BUFFERS, Driver, EVENT_IDX, reg};
use crate::{Device, virtio::testing};

const HEADER_AT: u64 = BUFFERS;
const STATUS_AT: u64 = BUFFERS + 0x100;
const DATA: u64 = BUFFERS + 0x1_0000;
const LATENCY: Picos = Picos::from_micros(20);

fn disk() -> Blk {
    Blk::new(Box::new(Overlay::empty(1024)), BlkConfig::default())
}

fn start() -> Driver<Blk> {
    Driver::start(disk(), EVENT_IDX)
}

/// Submits a request on descriptors from `head` on, without waiting.
fn submit(driver: &mut Driver<Blk>, head: u16, kind: u32, sector: u64, data: &[(u64, u32, bool)]) {
    let at = HEADER_AT + 16 * u64::from(head);
    driver.poke(at, &[u64::from(kind).to_le_bytes(), sector.to_le_bytes()].concat());
    driver.poke(STATUS_AT + u64::from(head), &[0xff]);
    let status = (STATUS_AT + u64::from(head), 1, true);
    driver.add(0, head, &[&[(at, 16, false)], data, &[status]].concat());
    driver.notify(0);
}

fn status(driver: &mut Driver<Blk>, head: u16) -> u8 {
    driver.peek(STATUS_AT + u64::from(head), 1)[0]
}

/// A whole request; its status.
fn request(driver: &mut Driver<Blk>, kind: u32, sector: u64, data: &[(u64, u32, bool)]) -> u8 {
    submit(driver, 0, kind, sector, data);
    let later = driver.bench.now + Picos::from_millis(1);
    driver.run_until(later);
    assert_eq!(driver.used(0).len(), 1);
    assert_eq!(driver.take_interrupt(), 1);
    status(driver, 0)
}

#[test]
fn what_was_written_is_read_back() {
    let mut driver = start();
    let bytes: Vec<u8> = (0..2048).map(|i| (i % 251) as u8).collect();
    driver.poke(DATA, &bytes);
    let out = [(DATA, 512, false), (DATA + 512, 1536, false)];
    assert_eq!(request(&mut driver, kind::OUT, 126, &out), 0);
    driver.poke(DATA, &[0; 2048]);
    let back = [(DATA, 1536, true), (DATA + 1536, 512, true)];
    assert_eq!(request(&mut driver, kind::IN, 126, &back), 0);
    assert_eq!(driver.peek(DATA, 2048), bytes);
    let counters = driver.backend().counters();
    assert_eq!((counters.reads, counters.bytes_read, counters.bytes_written), (1, 2048, 2048));
}

#[test]
fn buffers_may_be_cut_inside_sectors() {
    let mut driver = start();
    let bytes: Vec<u8> = (0..1024).map(|i| (i % 253) as u8).collect();
    driver.poke(DATA, &bytes);
    let out = [(DATA, 100, false), (DATA + 100, 924, false)];
    assert_eq!(request(&mut driver, kind::OUT, 3, &out), 0);
    driver.poke(DATA, &[0; 1024]);
    let back = [(DATA, 7, true), (DATA + 7, 1017, true)];
    assert_eq!(request(&mut driver, kind::IN, 3, &back), 0);
    assert_eq!(driver.peek(DATA, 1024), bytes);
}

#[test]
fn a_request_is_done_after_latency_and_transfer_and_not_before() {
    let mut driver = start();
    submit(&mut driver, 0, kind::IN, 0, &[(DATA, 0x2000, true)]);
    // 8192 bytes at 2 GB/s are 4.096 us.
    let due = LATENCY + Picos::from_nanos(4096);
    assert_eq!(driver.bench.device.next_event(), Some(due));
    driver.run_until(Picos(due.0 - 1));
    driver.bench.poll();
    assert_eq!(driver.used(0), []);
    driver.run_until(due);
    assert_eq!(driver.used(0), [(0, 0x2001)]);
    assert_eq!(driver.bench.device.next_event(), None);
}

#[test]
fn queued_requests_share_the_medium_and_overlap_their_latencies() {
    let mut driver = start();
    submit(&mut driver, 0, kind::IN, 0, &[(DATA, 0x2000, true)]);
    submit(&mut driver, 3, kind::IN, 64, &[(DATA + 0x2000, 0x2000, true)]);
    let second = LATENCY + Picos::from_nanos(2 * 4096);
    driver.run_until(Picos(second.0 - 1));
    assert_eq!(driver.used(0), [(0, 0x2001)]);
    driver.run_until(second);
    assert_eq!(driver.used(0), [(3, 0x2001)]);
}

#[test]
fn requests_in_flight_survive_a_restore() {
    let mut driver = start();
    driver.poke(DATA, &[0x5a; 512]);
    submit(&mut driver, 0, kind::OUT, 9, &[(DATA, 512, false)]);
    driver.run_until(Picos::from_micros(5));
    driver.bench.hand_over(VirtioMmio::new(disk()));
    assert_eq!(driver.used(0), []);
    driver.run_until(Picos::from_micros(30));
    assert_eq!((driver.used(0), status(&mut driver, 0)), (vec![(0, 1)], 0));
    assert_eq!(driver.take_interrupt(), 1);
    let mut sector = [0; 512];
    driver.backend().store_mut().read(9, &mut sector).unwrap();
    assert_eq!(sector, [0x5a; 512]);
}

#[test]
fn a_reset_forgets_requests_in_flight() {
    let mut driver = start();
    submit(&mut driver, 0, kind::OUT, 9, &[(DATA, 512, false)]);
    driver.set(reg::STATUS, 0);
    driver.run_until(Picos::from_millis(1));
    assert_eq!((driver.used(0), driver.bench.device.next_event()), (vec![], None));
    driver.restart();
    assert_eq!(driver.bench.device.next_event(), None);
}

#[test]
fn a_queue_taken_away_under_a_request_stops_the_device() {
    let mut driver = start();
    submit(&mut driver, 0, kind::IN, 0, &[(DATA, 512, true)]);
    driver.set(reg::QUEUE_SEL, 0);
    driver.set(reg::QUEUE_READY, 0);
    driver.set(reg::QUEUE_NUM, 0);
    driver.run_until(Picos::from_millis(1));
    assert!(driver.bench.device.fault().unwrap().contains("taken away"));
}

#[test]
fn requests_outside_the_disk_or_of_odd_size_fail() {
    let mut driver = start();
    for (sector, len) in [(1024, 512), (1023, 1024), (u64::MAX, 512), (0, 100)] {
        assert_eq!(request(&mut driver, kind::IN, sector, &[(DATA, len, true)]), 1);
        assert_eq!(request(&mut driver, kind::OUT, sector, &[(DATA, len, false)]), 1);
    }
    assert_eq!(driver.backend().counters().errors, 8);
    assert_eq!(request(&mut driver, 77, 0, &[]), 2);
}

#[test]
fn flush_and_identity_are_served() {
    let mut driver = start();
    assert_eq!(request(&mut driver, kind::FLUSH, 0, &[]), 0);
    assert_eq!(request(&mut driver, kind::GET_ID, 0, &[(DATA, 20, true)]), 0);
    assert_eq!(driver.peek(DATA, 20), b"vswarm-u\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(driver.backend().counters().flushes, 1);
}

/// A discard or write-zeroes range.
fn range(driver: &mut Driver<Blk>, kind: u32, sector: u64, count: u32, flags: u32) -> u8 {
    let bytes = [&sector.to_le_bytes()[..], &count.to_le_bytes(), &flags.to_le_bytes()].concat();
    driver.poke(DATA, &bytes);
    request(driver, kind, 0, &[(DATA, 16, false)])
}

#[test]
fn zeroed_ranges_read_as_zeros() {
    let mut driver = start();
    driver.poke(DATA, &[1; 2048]);
    assert_eq!(request(&mut driver, kind::OUT, 0, &[(DATA, 2048, false)]), 0);
    assert_eq!(range(&mut driver, kind::WRITE_ZEROES, 1, 2, 1), 0);
    let mut bytes = [9; 2048];
    driver.backend().store_mut().read(0, &mut bytes).unwrap();
    assert_eq!([0, 511, 512, 1535, 1536].map(|at| bytes[at]), [1, 1, 0, 0, 1]);
    assert_eq!(range(&mut driver, kind::DISCARD, 0, 1024, 0), 0);
    assert_eq!(range(&mut driver, kind::DISCARD, 0, 1, 1), 2);
    assert_eq!(range(&mut driver, kind::WRITE_ZEROES, 1020, 5, 0), 1);
}

#[test]
fn a_read_only_disk_refuses_writes() {
    let config = BlkConfig { read_only: true, ..BlkConfig::default() };
    let blk = Blk::new(Box::new(Overlay::empty(8)), config);
    let mut driver = Driver::start(blk, EVENT_IDX);
    driver.set(reg::DEVICE_FEATURES_SEL, 0);
    assert_eq!(u64::from(driver.get(reg::DEVICE_FEATURES)) & feature::RO, feature::RO);
    assert_eq!(request(&mut driver, kind::OUT, 0, &[(DATA, 512, false)]), 1);
    assert_eq!(request(&mut driver, kind::IN, 0, &[(DATA, 512, true)]), 0);
}

#[test]
fn a_request_without_room_for_a_status_stops_the_device() {
    let mut driver = start();
    driver.add(0, 0, &[(HEADER_AT, 16, false)]);
    driver.notify(0);
    driver.run_until(Picos::from_millis(1));
    assert_eq!(driver.bench.device.fault(), Some("no room for a status"));
    let mut driver = start();
    driver.add(0, 0, &[(HEADER_AT, 15, false), (STATUS_AT, 1, true)]);
    driver.notify(0);
    driver.run_until(Picos::from_millis(1));
    assert!(driver.bench.device.fault().unwrap().contains("header"));
}

#[derive(Debug)]
struct Broken;
impl BlockStore for Broken {
    fn sectors(&self) -> u64 {
        8
    }
    fn read(&mut self, _sector: u64, _into: &mut [u8]) -> Result<(), BlockError> {
        Err(BlockError("the medium is gone".to_owned()))
    }
    fn write(&mut self, _sector: u64, _from: &[u8]) -> Result<(), BlockError> {
        Ok(())
    }
}

#[test]
fn a_failing_store_is_an_io_error_and_the_host_learns_why() {
    let mut driver =
        Driver::start(Blk::new(Box::new(Broken), BlkConfig::default()), testing::EVENT_IDX);
    assert_eq!(request(&mut driver, kind::IN, 0, &[(DATA, 512, true)]), 1);
    let error = driver.backend().take_store_error().unwrap();
    assert_eq!(error.to_string(), "the medium is gone");
    assert!(driver.backend().store().downcast_ref::<Broken>().is_some());
}

#[test]
fn capacity_and_limits_are_in_the_configuration() {
    let mut driver = start();
    let word = |driver: &mut Driver<Blk>, at| driver.get(reg::CONFIG + at);
    assert_eq!([0, 4, 12, 20].map(|at| word(&mut driver, at)), [1024, 0, 254, 512]);
    assert_eq!([36, 40, 44, 48, 52].map(|at| word(&mut driver, at)), [131_072, 1, 128, 131_072, 1]);
}
