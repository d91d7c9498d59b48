//! The queue behind its transport, driven by a device that echoes: it writes what it reads.

use super::*;
use crate::Device;
use crate::virtio::testing::{self, BUFFERS, Desc, Driver, INDIRECT, NEXT, WRITE, rings};
use crate::virtio::{Backend, Io, VirtioMmio};
use proptest::prelude::*;
use ram::RAM_BASE;

/// Copies the readable part of each chain to its writable part.
#[derive(Debug)]
struct Echo;

impl Backend for Echo {
    const NAME: &'static str = "echo";
    const DEVICE_ID: u32 = 63;

    fn sample() -> Self {
        Self
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![16; 2]
    }

    fn notify(&mut self, io: &mut Io<'_>, queue: usize) -> Result<(), QueueError> {
        while let Some(chain) = io.queues[queue].pop(io.ram)? {
            let mut bytes = Vec::new();
            chain.gather(io.ram, 0, &mut bytes)?;
            let len = chain.write_at(io.ram, 0, &bytes)?;
            io.queues[queue].push(io.ram, chain.head, len as u32)?;
        }
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, _state: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

const IN: u64 = BUFFERS;
const OUT: u64 = BUFFERS + 0x1000;
const NEEDS_RESET: u32 = 64;

fn echo() -> Driver<Echo> {
    Driver::start(Echo, 0)
}

/// Why the device stopped after `prepare` and a notification.
fn fault_after(prepare: impl FnOnce(&mut Driver<Echo>)) -> String {
    let mut driver = echo();
    prepare(&mut driver);
    driver.notify(0);
    assert_ne!(driver.get(testing::reg::STATUS) & NEEDS_RESET, 0);
    assert_eq!(driver.take_interrupt() & 2, 2);
    assert_eq!(driver.used(0), []);
    driver.bench.device.fault().unwrap().to_owned()
}

#[test]
fn a_chain_of_pieces_is_one_stream_each_way() {
    let mut driver = echo();
    driver.poke(IN, b"abcdefghij");
    let parts = [(IN, 3, false), (IN + 3, 0, false), (IN + 3, 7, false)];
    let room = [(OUT, 1, true), (OUT + 0x100, 8, true), (OUT + 0x200, 8, true)];
    driver.add(0, 1, &[&parts[..], &room].concat());
    driver.notify(0);
    assert_eq!(driver.used(0), [(1, 10)]);
    assert_eq!(driver.peek(OUT, 1), b"a");
    assert_eq!(driver.peek(OUT + 0x100, 8), b"bcdefghi");
    assert_eq!(driver.peek(OUT + 0x200, 2), b"j\0");
}

#[test]
fn an_indirect_table_stands_for_its_chain() {
    let mut driver = echo();
    driver.poke(IN, b"xyz");
    let table = BUFFERS + 0x2000;
    driver.describe(table, 0, Desc { pa: IN, len: 3, flags: NEXT, next: 2 });
    driver.describe(table, 2, Desc { pa: OUT, len: 3, flags: WRITE, next: 0 });
    driver.describe(rings(0), 5, Desc { pa: table, len: 48, flags: INDIRECT, next: 0 });
    driver.offer(0, 5);
    driver.notify(0);
    assert_eq!(driver.used(0), [(5, 3)]);
    assert_eq!(driver.peek(OUT, 3), b"xyz");
}

#[test]
fn rings_wrap_around_any_number_of_times() {
    let mut driver = echo();
    driver.poke(IN, &[9]);
    for _ in 0..70_000 {
        driver.add(0, 0, &[(IN, 1, false), (OUT, 1, true)]);
        driver.notify(0);
        assert_eq!(driver.used(0), [(0, 1)]);
    }
}

#[test]
fn without_event_indices_the_flag_suppresses_the_interrupt() {
    let mut driver = Driver::start(Echo, testing::EVENT_IDX);
    driver.add(0, 0, &[(IN, 1, false)]);
    driver.notify(0);
    assert_eq!(driver.take_interrupt(), 1);
    driver.poke(rings(0) + 0x100, &NO_INTERRUPT.to_le_bytes());
    driver.add(0, 0, &[(IN, 1, false)]);
    driver.notify(0);
    assert_eq!((driver.used(0).len(), driver.take_interrupt()), (2, 0));
}

#[test]
fn with_event_indices_the_interrupt_comes_when_the_index_is_passed() {
    let mut driver = echo();
    let used_event = rings(0) + 0x100 + 4 + 2 * u64::from(testing::QUEUE_SIZE);
    driver.poke(used_event, &2_u16.to_le_bytes());
    let raised: Vec<u32> = (0..5)
        .map(|_| {
            driver.add(0, 0, &[(IN, 1, false)]);
            driver.notify(0);
            driver.take_interrupt()
        })
        .collect();
    assert_eq!(raised, [0, 0, 1, 0, 0]);
}

#[test]
fn the_device_asks_to_be_notified_of_the_next_chain() {
    let mut driver = echo();
    let avail_event = rings(0) + 0x200 + 4 + 8 * u64::from(testing::QUEUE_SIZE);
    for _ in 0..3 {
        driver.add(0, 0, &[(IN, 1, false)]);
    }
    driver.notify(0);
    assert_eq!(driver.peek(avail_event, 2), [3, 0]);
}

#[test]
fn broken_rings_stop_the_device_and_say_why() {
    let loop_ = fault_after(|driver| {
        driver.describe(rings(0), 0, Desc { pa: IN, len: 1, flags: NEXT, next: 0 });
        driver.offer(0, 0);
    });
    assert!(loop_.contains("more than 1024 descriptors"), "{loop_}");
    let head = fault_after(|driver| driver.offer(0, 8));
    assert!(head.contains("descriptor 8 of a table of 8"), "{head}");
    let next = fault_after(|driver| {
        driver.describe(rings(0), 0, Desc { pa: IN, len: 1, flags: NEXT, next: 99 });
        driver.offer(0, 0);
    });
    assert!(next.contains("descriptor 99"), "{next}");
    let order = fault_after(|driver| driver.add(0, 0, &[(OUT, 1, true), (IN, 1, false)]));
    assert!(order.contains("after a device-writable"), "{order}");
    let outside = fault_after(|driver| driver.add(0, 0, &[(RAM_BASE - 1, 2, false)]));
    assert!(outside.contains("not in RAM"), "{outside}");
    let wrapping = fault_after(|driver| driver.add(0, 0, &[(u64::MAX, 2, false)]));
    assert!(wrapping.contains("not in RAM"), "{wrapping}");
    let ahead = fault_after(|driver| driver.poke(rings(0) + 0x102, &9_u16.to_le_bytes()));
    assert!(ahead.contains("9 ahead in a ring of 8"), "{ahead}");
}

#[test]
fn broken_indirect_tables_stop_the_device() {
    let table = BUFFERS + 0x2000;
    for (len, flags) in [(0, INDIRECT), (24, INDIRECT), (16, INDIRECT | NEXT)] {
        let fault = fault_after(|driver| {
            driver.describe(rings(0), 0, Desc { pa: table, len, flags, next: 1 });
            driver.offer(0, 0);
        });
        assert!(fault.contains("indirect"), "{fault}");
    }
    let nested = fault_after(|driver| {
        driver.describe(rings(0), 0, Desc { pa: table, len: 16, flags: INDIRECT, next: 0 });
        driver.describe(table, 0, Desc { pa: table, len: 16, flags: INDIRECT, next: 0 });
        driver.offer(0, 0);
    });
    assert!(nested.contains("indirect"), "{nested}");
}

#[test]
fn a_chain_over_the_same_memory_again_and_again_has_a_limit() {
    let mut driver = echo();
    driver.bench.ram = ram::Ram::new(1 << 25);
    let huge = (RAM_BASE, 1 << 25, false);
    driver.set_up(1);
    driver.add(1, 0, &[huge, huge, huge]);
    driver.notify(1);
    assert!(driver.bench.device.fault().unwrap().contains("more than 67108864"));
}

#[test]
fn a_driver_that_never_rings_again_loses_nothing_when_it_does() {
    let mut driver = echo();
    for head in 0..8 {
        driver.add(0, head, &[(IN, 1, false)]);
    }
    driver.notify(1);
    assert_eq!(driver.used(0), []);
    driver.notify(0);
    assert_eq!(driver.used(0).len(), 8);
}

#[test]
fn a_restored_queue_goes_on_in_the_middle_of_its_rings() {
    let mut driver = echo();
    for _ in 0..11 {
        driver.add(0, 0, &[(IN, 1, false)]);
        driver.notify(0);
    }
    driver.used(0);
    driver.add(0, 3, &[(IN, 1, false)]);
    driver.bench.hand_over(VirtioMmio::new(Echo));
    driver.notify(0);
    assert_eq!(driver.used(0), [(3, 0)]);
}

/// A descriptor mostly right, sometimes far off.
fn any_desc() -> impl Strategy<Value = Desc> {
    let pa = prop_oneof![
        40 => (0..0x1_0000_u64).prop_map(|at| RAM_BASE + at),
        2 => (0xf_ff00..0x10_0100_u64).prop_map(|at| RAM_BASE + at),
        1 => any::<u64>(),
    ];
    let len =
        prop_oneof![20 => 0..600_u32, 5 => (0..64_u32).prop_map(|n| 16 * n), 1 => any::<u32>()];
    let usual = [WRITE, WRITE, WRITE, 0, NEXT, NEXT, NEXT | WRITE, INDIRECT];
    let flags = prop_oneof![20 => prop::sample::select(usual.to_vec()), 1 => any::<u16>()];
    let next = prop_oneof![20 => 0..8_u16, 1 => any::<u16>()];
    (pa, len, flags, next).prop_map(|(pa, len, flags, next)| Desc { pa, len, flags, next })
}

/// Queue, head to offer, where the available index jumps to, a register to write before.
type Kick = (u32, u16, u16, Option<(u64, u32)>);

/// One in four kicks comes after a write to a register, mostly of a value that makes sense.
fn any_kick() -> impl Strategy<Value = Kick> {
    let value = prop_oneof![4 => 0..16_u32, 1 => any::<u32>()];
    let poke = prop::option::weighted(0.25, (0..0x40_u64, value));
    (any::<u32>(), 0..9_u16, any::<u16>(), poke)
}

/// Puts random rings in front of a device and rings it; it must come back, whatever happened.
fn torment<B: Backend>(
    descs: &[Desc],
    tables: &[(u64, Desc)],
    kicks: &[Kick],
    fresh: impl Fn() -> B,
) {
    let mut driver = Driver::start(fresh(), 0);
    let queues = driver.backend().queue_sizes().len() as u32;
    for queue in 0..queues {
        for (index, &desc) in descs.iter().enumerate() {
            driver.describe(rings(queue), index as u16, desc);
        }
    }
    for &(at, desc) in tables {
        driver.describe(RAM_BASE + at, 0, desc);
    }
    for &(queue, head, jump, poke) in kicks {
        let queue = queue % queues;
        if let Some((register, value)) = poke {
            driver.set(4 * register, value);
        }
        driver.offer(queue, head);
        if jump > 60_000 {
            driver.poke(rings(queue) + 0x102, &jump.to_le_bytes());
        }
        driver.notify(queue);
        let soon = driver.bench.now.saturating_add(sim::Picos::from_millis(1));
        driver.run_until(soon);
        let state = driver.bench.device.save();
        driver.bench.device.restore(&state).unwrap();
        if driver.get(testing::reg::STATUS) & NEEDS_RESET != 0 {
            assert!(driver.bench.device.fault().is_some());
            assert_eq!(driver.bench.device.next_event(), None);
            driver.restart();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_ring_makes_a_device_panic_or_hang(
        descs in prop::collection::vec(any_desc(), 8),
        tables in prop::collection::vec((0..0xfff0_u64, any_desc()), 0..40),
        kicks in prop::collection::vec(any_kick(), 1..20),
    ) {
        use crate::virtio::{Blk, Console, Net, Rng};
        torment(&descs, &tables, &kicks, Echo::sample);
        torment(&descs, &tables, &kicks, Blk::sample);
        torment(&descs, &tables, &kicks, Rng::sample);
        torment(&descs, &tables, &kicks, || {
            let mut net = Net::sample();
            for len in 0..50 {
                net.push_rx(vec![7; 30 * len]);
            }
            net
        });
        torment(&descs, &tables, &kicks, || {
            let mut console = Console::sample();
            console.push_input(0, &[65; 5000]);
            console
        });
    }

    /// Chains that obey the rules arrive whole, however they are cut.
    #[test]
    fn any_cut_of_a_stream_arrives_whole(
        bytes in prop::collection::vec(any::<u8>(), 1..400),
        cuts in prop::collection::vec(1..100_u32, 3),
        skip in 0..50_u64,
    ) {
        let segments: Vec<_> = cuts
            .iter()
            .enumerate()
            .map(|(i, &len)| Segment { pa: BUFFERS + 0x1000 * i as u64, len })
            .collect();
        let mut ram = Ram::new(1 << 20);
        let chain = Chain { head: 0, readable: segments.clone(), writable: segments };
        let room = chain.writable_len().saturating_sub(skip) as usize;
        let expected = room.min(bytes.len());
        prop_assert_eq!(chain.write_at(&mut ram, skip, &bytes).unwrap(), expected);
        let mut back = vec![0; bytes.len()];
        prop_assert_eq!(chain.read_at(&mut ram, skip, &mut back).unwrap(), expected);
        prop_assert_eq!(&back[..expected], &bytes[..expected]);
        let mut all = Vec::new();
        chain.gather(&mut ram, skip, &mut all).unwrap();
        prop_assert_eq!(&all[..expected], &bytes[..expected]);
        prop_assert_eq!(all.len(), room);
    }
}
