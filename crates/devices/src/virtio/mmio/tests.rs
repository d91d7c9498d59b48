//! Registers of the transport, with the entropy device behind it.

use crate::virtio::testing::{Driver, EVENT_IDX, reg, rings};
use crate::virtio::{Backend, Net, Rng, VirtioMmio, VirtioNet};
use crate::{Device, Model, testing::Bench};

const VERSION_1_HIGH: u32 = 1;

fn bench() -> Bench<VirtioNet> {
    Bench::new(VirtioNet::sample())
}

#[test]
fn identity_registers_hold_what_linux_looks_for() {
    let mut device = bench();
    assert_eq!([0, 4, 8].map(|at| device.read(at, 4)), [0x7472_6976, 2, 1]);
    assert_eq!(device.read(0xb0, 4), 0xffff_ffff);
    assert_eq!((device.read(0, 1), device.read(0, 8), device.read(0xfc, 4)), (0, 0, 0));
}

#[test]
fn features_outside_the_offer_are_refused() {
    let mut device = bench();
    device.write(reg::STATUS, 4, 3);
    device.write(reg::DRIVER_FEATURES_SEL, 4, 1);
    device.write(reg::DRIVER_FEATURES, 4, u64::from(VERSION_1_HIGH));
    device.write(reg::DRIVER_FEATURES_SEL, 4, 0);
    device.write(reg::DRIVER_FEATURES, 4, 1);
    device.write(reg::STATUS, 4, 11);
    assert_eq!(device.read(reg::STATUS, 4), 3);
    device.write(reg::DRIVER_FEATURES, 4, 0);
    device.write(reg::STATUS, 4, 11);
    assert_eq!(device.read(reg::STATUS, 4), 11);
}

#[test]
fn a_driver_without_version_1_is_refused() {
    let mut device = bench();
    device.write(reg::STATUS, 4, 11);
    assert_eq!(device.read(reg::STATUS, 4), 3);
}

#[test]
fn configuration_is_readable_in_any_width() {
    let mut device = bench();
    let bytes: Vec<u64> = (0..12).map(|at| device.read(reg::CONFIG + at, 1)).collect();
    assert_eq!(bytes, [2, 0x76, 0x73, 0x77, 0, 1, 1, 0, 1, 0, 0xdc, 5]);
    assert_eq!(device.read(reg::CONFIG + 10, 2), 1500);
    assert_eq!(device.read(reg::CONFIG + 8, 8), 0x05dc_0001);
    assert_eq!(device.read(reg::CONFIG + 0xe00, 8), 0);
}

#[test]
fn a_queue_that_does_not_exist_reads_as_absent() {
    let mut device = bench();
    device.write(reg::QUEUE_SEL, 4, 2);
    assert_eq!((device.read(0x34, 4), device.read(reg::QUEUE_READY, 4)), (0, 0));
    device.write(reg::QUEUE_READY, 4, 1);
    device.write(reg::QUEUE_NOTIFY, 4, 77);
    assert_eq!(device.read(reg::QUEUE_READY, 4), 0);
}

#[test]
fn a_bad_queue_size_or_place_needs_a_reset() {
    for (size, desc_high) in [(0, 0), (3, 0), (512, 0), (0x1_0008, 0), (8, 0xffff_ffff)] {
        let mut driver = Driver::start(Rng::new(1), 0);
        driver.set(reg::QUEUE_READY, 0);
        driver.set_up(0);
        driver.set(reg::QUEUE_READY, 0);
        driver.set(reg::QUEUE_NUM, size);
        driver.set(reg::QUEUE_DESC_LOW, rings(0) as u32);
        driver.set(reg::QUEUE_DESC_LOW + 4, desc_high);
        driver.set(reg::QUEUE_READY, 1);
        assert_eq!(driver.get(reg::QUEUE_READY), 0);
        assert_eq!((driver.get(reg::STATUS), driver.take_interrupt()), (64 | 15, 2));
        assert!(driver.bench.device.fault().is_some());
        driver.set(reg::STATUS, 0);
        assert_eq!((driver.get(reg::STATUS), driver.bench.device.fault()), (0, None));
    }
}

#[test]
fn a_reset_device_works_again() {
    let mut driver = Driver::start(Rng::new(1), 0);
    driver.offer(0, 99);
    driver.notify(0);
    assert_ne!(driver.get(reg::STATUS) & 64, 0);
    driver.set(reg::STATUS, 0);
    driver.poke(rings(0), &[0; 0x400]);
    driver.negotiate(EVENT_IDX);
    driver.set_up(0);
    driver.set(reg::STATUS, 15);
    driver.add(0, 0, &[(crate::virtio::testing::BUFFERS, 16, true)]);
    driver.notify(0);
    assert_eq!((driver.used(0), driver.take_interrupt()), (vec![(0, 16)], 1));
}

#[test]
fn nothing_moves_before_the_driver_is_up_and_then_everything_does() {
    let mut driver = Driver::new(Rng::new(1));
    driver.negotiate(0);
    driver.set_up(0);
    driver.add(0, 0, &[(crate::virtio::testing::BUFFERS, 16, true)]);
    driver.notify(0);
    assert_eq!(driver.used(0), []);
    driver.set(reg::STATUS, 15);
    assert_eq!(driver.used(0), [(0, 16)]);
}

#[test]
fn a_state_of_another_device_is_refused() {
    let net = VirtioMmio::new(<Net as Backend>::sample()).save();
    let error = VirtioMmio::new(Rng::new(1)).restore(&net).unwrap_err();
    assert!(error.contains("virtio-rng"), "{error}");
}
