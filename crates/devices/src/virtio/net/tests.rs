use super::*;
use crate::Device;
use crate::virtio::testing::{BUFFERS, Driver, EVENT_IDX};

fn start() -> Driver<Net> {
    Driver::start(Net::sample(), EVENT_IDX)
}

fn send(driver: &mut Driver<Net>, header: [u8; 12], frame: &[u8]) {
    driver.poke(BUFFERS, &[&header[..], frame].concat());
    let len = frame.len() as u32;
    driver.add(1, 0, &[(BUFFERS, 5, false), (BUFFERS + 5, 7 + len, false)]);
    driver.notify(1);
    assert_eq!(driver.used(1), [(0, 0)]);
}

#[test]
fn a_frame_leaves_with_the_time_it_was_handed_over() {
    let mut driver = start();
    driver.bench.now = Picos::from_nanos(77);
    let frame: Vec<u8> = (0..200).collect();
    send(&mut driver, [0; 12], &frame);
    assert_eq!(driver.take_interrupt(), 1);
    assert!(driver.backend().has_tx());
    assert_eq!(driver.backend().take_tx(), [Frame { at: Picos::from_nanos(77), bytes: frame }]);
    assert_eq!(driver.backend().take_tx(), []);
    assert_eq!(
        (driver.backend().counters().tx_frames, driver.backend().counters().tx_bytes),
        (1, 200)
    );
}

#[test]
fn frames_of_wrong_size_or_with_offloads_do_not_leave() {
    let mut driver = start();
    send(&mut driver, [0; 12], &[0; 13]);
    send(&mut driver, [0; 12], &[0; 1519]);
    send(&mut driver, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0; 60]);
    send(&mut driver, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0; 60]);
    assert!(!driver.backend().has_tx());
    assert_eq!(driver.backend().counters().tx_dropped, 4);
    send(&mut driver, [0; 12], &[0; 1514]);
    assert!(driver.backend().has_tx());
}

#[test]
fn a_frame_for_the_guest_arrives_behind_its_header() {
    let mut driver = start();
    driver.add(0, 2, &[(BUFFERS, 20, true), (BUFFERS + 0x1000, 1600, true)]);
    driver.notify(0);
    let frame: Vec<u8> = (0..100).collect();
    assert!(driver.backend().push_rx(frame.clone()));
    assert_eq!(driver.bench.device.next_event(), Some(Picos::ZERO));
    driver.run_until(Picos::from_nanos(1));
    assert_eq!(driver.bench.device.next_event(), None);
    assert_eq!((driver.used(0), driver.take_interrupt()), (vec![(2, 112)], 1));
    assert_eq!(driver.peek(BUFFERS, 12), RX_HEADER);
    assert_eq!(driver.peek(BUFFERS + 12, 8), frame[..8]);
    assert_eq!(driver.peek(BUFFERS + 0x1000, 92), frame[8..]);
}

#[test]
fn frames_wait_for_buffers_in_order_and_the_backlog_is_bounded() {
    let config = NetConfig { backlog_frames: 2, ..NetConfig::default() };
    let mut driver = Driver::start(Net::new(config), EVENT_IDX);
    let pushed: Vec<bool> = (1..4).map(|i| driver.backend().push_rx(vec![i; 60])).collect();
    assert_eq!(pushed, [true, true, false]);
    driver.run_until(Picos::from_nanos(1));
    assert_eq!(driver.bench.device.next_event(), None);
    for head in [0, 1] {
        driver.add(0, head, &[(BUFFERS + 0x1000 * u64::from(head), 1600, true)]);
    }
    driver.notify(0);
    assert_eq!(driver.used(0), [(0, 72), (1, 72)]);
    assert_eq!(
        (driver.peek(BUFFERS + 12, 1), driver.peek(BUFFERS + 0x100c, 1)),
        (vec![1], vec![2])
    );
    let counters = driver.backend().counters();
    assert_eq!((counters.rx_frames, counters.rx_bytes, counters.rx_dropped), (2, 120, 1));
}

#[test]
fn a_buffer_that_is_too_small_costs_the_frame_only() {
    let mut driver = start();
    driver.add(0, 0, &[(BUFFERS, 71, true)]);
    driver.add(0, 1, &[(BUFFERS, 1600, true)]);
    driver.notify(0);
    driver.backend().push_rx(vec![1; 60]);
    driver.backend().push_rx(vec![2; 60]);
    assert!(!driver.backend().push_rx(vec![3; 1519]));
    driver.run_until(Picos::from_nanos(1));
    assert_eq!(driver.used(0), [(0, 0), (1, 72)]);
    assert_eq!(driver.backend().counters().rx_dropped, 2);
}

#[test]
fn traffic_under_way_survives_a_restore() {
    let mut driver = start();
    send(&mut driver, [0; 12], &[9; 60]);
    driver.backend().push_rx(vec![4; 60]);
    driver.bench.hand_over(VirtioMmio::new(Net::sample()));
    assert_eq!(driver.backend().take_tx()[0].bytes, [9; 60]);
    driver.add(0, 0, &[(BUFFERS, 1600, true)]);
    driver.run_until(Picos::from_nanos(1));
    assert_eq!(driver.used(0), [(0, 72)]);
}
