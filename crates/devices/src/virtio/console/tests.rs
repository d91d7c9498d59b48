use super::*;
use crate::Device;
use crate::virtio::testing::{BUFFERS, Driver, EVENT_IDX};

const REPLY: u64 = BUFFERS + 0x1000;
const COMMAND_RX: u32 = 4;
const COMMAND_TX: u32 = 5;

fn start(without: u64) -> Driver<Console> {
    Driver::start(Console::sample(), EVENT_IDX | without)
}

/// Sends a control message.
fn tell(driver: &mut Driver<Console>, port: u32, event: u16, value: u16) {
    let word = u64::from(port) | u64::from(event) << 32 | u64::from(value) << 48;
    driver.poke(BUFFERS, &word.to_le_bytes());
    driver.add(CONTROL_TX as u32, 0, &[(BUFFERS, 8, false)]);
    driver.notify(CONTROL_TX as u32);
    assert_eq!(driver.used(CONTROL_TX as u32), [(0, 0)]);
}

/// Takes `count` control messages.
fn hear(driver: &mut Driver<Console>, count: u16) -> Vec<Vec<u8>> {
    for head in 0..count {
        driver.add(CONTROL_RX as u32, head, &[(REPLY + 0x100 * u64::from(head), 256, true)]);
    }
    driver.notify(CONTROL_RX as u32);
    let used = driver.used(CONTROL_RX as u32);
    used.iter()
        .map(|&(head, len)| driver.peek(REPLY + 0x100 * u64::from(head), len as usize))
        .collect()
}

/// Goes through what Linux does when it finds the device.
fn greet(driver: &mut Driver<Console>) {
    tell(driver, u32::MAX, event::DEVICE_READY, 1);
    let adds = hear(driver, 2);
    assert_eq!(adds, [[0, 0, 0, 0, 1, 0, 1, 0], [1, 0, 0, 0, 1, 0, 1, 0]]);
    for port in 0..2 {
        tell(driver, port, event::PORT_READY, 1);
    }
    let described = hear(driver, 4);
    assert_eq!(described[0], [0, 0, 0, 0, 4, 0, 1, 0]);
    assert_eq!(described[1], [0, 0, 0, 0, 6, 0, 1, 0]);
    assert_eq!(described[2], b"\x01\0\0\0\x07\0\x01\0vswarm.command");
    assert_eq!(described[3], [1, 0, 0, 0, 6, 0, 1, 0]);
}

fn offer_input_buffer(driver: &mut Driver<Console>, queue: u32, len: u32) {
    driver.add(queue, 0, &[(REPLY, len, true)]);
    driver.notify(queue);
}

#[test]
fn the_guest_learns_of_a_terminal_and_a_named_stream() {
    greet(&mut start(0));
}

#[test]
fn output_is_taken_port_by_port() {
    let mut driver = start(0);
    greet(&mut driver);
    driver.poke(BUFFERS, b"to the host");
    driver.add(COMMAND_TX, 0, &[(BUFFERS, 6, false), (BUFFERS + 6, 5, false)]);
    driver.notify(COMMAND_TX);
    assert_eq!(driver.used(COMMAND_TX), [(0, 0)]);
    assert_eq!(driver.take_interrupt(), 1);
    assert_eq!(driver.backend().take_output(COMMAND_PORT), b"to the host");
    assert_eq!(driver.backend().take_output(COMMAND_PORT), b"");
    assert_eq!(driver.backend().take_output(CONSOLE_PORT), b"");
}

#[test]
fn input_waits_until_a_program_opens_the_port() {
    let mut driver = start(0);
    greet(&mut driver);
    offer_input_buffer(&mut driver, COMMAND_RX, 4);
    driver.backend().push_input(COMMAND_PORT, b"run it");
    driver.run_until(Picos::from_nanos(1));
    assert_eq!((driver.used(COMMAND_RX), driver.bench.device.next_event()), (vec![], None));
    tell(&mut driver, 1, event::PORT_OPEN, 1);
    assert!(driver.backend().is_open(COMMAND_PORT));
    assert_eq!(driver.used(COMMAND_RX), [(0, 4)]);
    assert_eq!(driver.peek(REPLY, 4), b"run ");
    offer_input_buffer(&mut driver, COMMAND_RX, 4);
    assert_eq!((driver.used(COMMAND_RX), driver.peek(REPLY, 2)), (vec![(0, 2)], b"it".to_vec()));
}

#[test]
fn a_closed_port_keeps_its_input() {
    let mut driver = start(0);
    greet(&mut driver);
    tell(&mut driver, 1, event::PORT_OPEN, 1);
    tell(&mut driver, 1, event::PORT_OPEN, 0);
    driver.backend().push_input(COMMAND_PORT, b"later");
    offer_input_buffer(&mut driver, COMMAND_RX, 16);
    assert_eq!(driver.used(COMMAND_RX), []);
    tell(&mut driver, 1, event::PORT_OPEN, 1);
    assert_eq!(driver.used(COMMAND_RX), [(0, 5)]);
}

#[test]
fn a_reset_closes_the_ports() {
    let mut driver = start(0);
    greet(&mut driver);
    tell(&mut driver, 1, event::PORT_OPEN, 1);
    driver.restart();
    assert!(!driver.backend().is_open(COMMAND_PORT));
}

#[test]
fn a_driver_without_ports_talks_to_port_0() {
    let mut driver = start(MULTIPORT);
    driver.backend().push_input(CONSOLE_PORT, b"hi");
    offer_input_buffer(&mut driver, 0, 16);
    assert_eq!(driver.used(0), [(0, 2)]);
}

#[test]
fn a_stream_interrupted_by_a_restore_loses_no_byte() {
    let mut driver = start(0);
    greet(&mut driver);
    tell(&mut driver, 1, event::PORT_OPEN, 1);
    driver.backend().push_input(COMMAND_PORT, b"0123456789");
    offer_input_buffer(&mut driver, COMMAND_RX, 4);
    driver.used(COMMAND_RX);
    driver.poke(BUFFERS, b"abc");
    driver.add(COMMAND_TX, 0, &[(BUFFERS, 3, false)]);
    driver.notify(COMMAND_TX);
    driver.bench.hand_over(VirtioMmio::new(Console::sample()));
    assert_eq!(driver.backend().take_output(COMMAND_PORT), b"abc");
    offer_input_buffer(&mut driver, COMMAND_RX, 16);
    assert_eq!(
        (driver.used(COMMAND_RX), driver.peek(REPLY, 6)),
        (vec![(0, 6)], b"456789".to_vec())
    );
}

#[test]
fn bogus_messages_are_ignored_and_short_ones_stop_the_device() {
    let mut driver = start(0);
    tell(&mut driver, 7, event::PORT_READY, 1);
    tell(&mut driver, 7, event::PORT_OPEN, 1);
    tell(&mut driver, 0, 99, 1);
    assert_eq!(hear(&mut driver, 1), Vec::<Vec<u8>>::new());
    driver.add(CONTROL_TX as u32, 0, &[(BUFFERS, 7, false)]);
    driver.notify(CONTROL_TX as u32);
    assert!(driver.bench.device.fault().unwrap().contains("less than 8"));
}

#[test]
fn a_state_with_another_number_of_ports_is_refused() {
    let one = Console::new(vec![Port { console: true, name: String::new() }]);
    assert!(Console::sample().restore(&Backend::save(&one)).unwrap_err().contains("1 ports"));
}
