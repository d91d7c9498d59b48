use super::*;
use crate::virtio::testing::{BUFFERS, Driver};

fn bytes(driver: &mut Driver<Rng>, len: u32) -> Vec<u8> {
    driver.add(0, 0, &[(BUFFERS, len, true)]);
    driver.notify(0);
    assert_eq!(driver.used(0), [(0, len)]);
    assert_eq!(driver.take_interrupt(), 1);
    driver.peek(BUFFERS, len as usize)
}

fn start(seed: u64) -> Driver<Rng> {
    // Without event indices every returned chain raises the interrupt.
    Driver::start(Rng::new(seed), crate::virtio::testing::EVENT_IDX)
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let first = bytes(&mut start(5), 64);
    assert_eq!(bytes(&mut start(5), 64), first);
    assert_ne!(bytes(&mut start(6), 64), first);
    assert_ne!(first[..32], first[32..]);
}

#[test]
fn a_restored_stream_goes_on_where_it_was() {
    let mut straight = start(5);
    let mut restored = start(5);
    bytes(&mut straight, 37);
    bytes(&mut restored, 37);
    restored.bench.hand_over(VirtioMmio::new(Rng::new(5)));
    assert_eq!(bytes(&mut restored, 64), bytes(&mut straight, 64));
}

#[test]
fn a_request_gets_at_most_64_kib() {
    let mut driver = start(1);
    driver.add(0, 0, &[(BUFFERS, 0x9000, true), (BUFFERS, 0x9000, true)]);
    driver.notify(0);
    assert_eq!(driver.used(0), [(0, 0x1_0000)]);
}
