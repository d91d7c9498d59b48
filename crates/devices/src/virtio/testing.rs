//! A driver for tests: it brings a device up and exchanges chains with it, through MMIO and RAM only.

use super::{Backend, VirtioMmio};
use crate::{Device, testing::Bench};
use ram::RAM_BASE;
use sim::Picos;

/// Registers (specification 4.2.2), kept apart from the device's own list on purpose.
pub(crate) mod reg {
    pub(crate) const DEVICE_FEATURES: u64 = 0x10;
    pub(crate) const DEVICE_FEATURES_SEL: u64 = 0x14;
    pub(crate) const DRIVER_FEATURES: u64 = 0x20;
    pub(crate) const DRIVER_FEATURES_SEL: u64 = 0x24;
    pub(crate) const QUEUE_SEL: u64 = 0x30;
    pub(crate) const QUEUE_NUM: u64 = 0x38;
    pub(crate) const QUEUE_READY: u64 = 0x44;
    pub(crate) const QUEUE_NOTIFY: u64 = 0x50;
    pub(crate) const INTERRUPT_STATUS: u64 = 0x60;
    pub(crate) const INTERRUPT_ACK: u64 = 0x64;
    pub(crate) const STATUS: u64 = 0x70;
    pub(crate) const QUEUE_DESC_LOW: u64 = 0x80;
    pub(crate) const CONFIG: u64 = 0x100;
}

pub(crate) const EVENT_IDX: u64 = 1 << 29;
pub(crate) const QUEUE_SIZE: u16 = 8;
/// Ring memory of a queue: descriptors, available ring at +0x100, used ring at +0x200.
const QUEUE_BYTES: u64 = 0x400;

/// Where the rings of `queue` are.
pub(crate) fn rings(queue: u32) -> u64 {
    RAM_BASE + QUEUE_BYTES * u64::from(queue)
}

/// Buffers for the tests start here.
pub(crate) const BUFFERS: u64 = RAM_BASE + 0x1_0000;

/// A descriptor as a test writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desc {
    pub(crate) pa: u64,
    pub(crate) len: u32,
    pub(crate) flags: u16,
    pub(crate) next: u16,
}

pub(crate) const NEXT: u16 = 1;
pub(crate) const WRITE: u16 = 2;
pub(crate) const INDIRECT: u16 = 4;

/// A device with its driver.
#[derive(Debug)]
pub(crate) struct Driver<B> {
    pub(crate) bench: Bench<VirtioMmio<B>>,
    /// Used entries seen on each queue.
    seen: Vec<u16>,
}

impl<B: Backend> Driver<B> {
    /// A driver that has not begun.
    pub(crate) fn new(backend: B) -> Self {
        let seen = vec![0; backend.queue_sizes().len()];
        Self { bench: Bench::new(VirtioMmio::new(backend)), seen }
    }

    /// Brings `backend` up with all features it offers except `without`.
    pub(crate) fn start(backend: B, without: u64) -> Self {
        let mut driver = Self::new(backend);
        driver.bring_up(without);
        driver
    }

    fn bring_up(&mut self, without: u64) {
        self.negotiate(without);
        (0..self.seen.len() as u32).for_each(|queue| self.set_up(queue));
        self.set(reg::STATUS, 15);
    }

    /// Resets the device and begins anew with empty rings and the same descriptors.
    pub(crate) fn restart(&mut self) {
        self.set(reg::STATUS, 0);
        for queue in 0..self.seen.len() {
            self.poke(rings(queue as u32) + 0x100, &[0; 0x300]);
            self.seen[queue] = 0;
        }
        self.bring_up(0);
    }

    pub(crate) fn set(&mut self, register: u64, value: u32) {
        self.bench.write(register, 4, value.into());
    }

    pub(crate) fn get(&mut self, register: u64) -> u32 {
        self.bench.read(register, 4) as u32
    }

    pub(crate) fn negotiate(&mut self, without: u64) {
        self.set(reg::STATUS, 3);
        for half in 0..2 {
            self.set(reg::DEVICE_FEATURES_SEL, half);
            self.set(reg::DRIVER_FEATURES_SEL, half);
            let offered = self.get(reg::DEVICE_FEATURES);
            self.set(reg::DRIVER_FEATURES, offered & !((without >> (32 * half)) as u32));
        }
        self.set(reg::STATUS, 11);
        assert_eq!(self.get(reg::STATUS), 11);
    }

    pub(crate) fn set_up(&mut self, queue: u32) {
        self.set(reg::QUEUE_SEL, queue);
        self.set(reg::QUEUE_NUM, QUEUE_SIZE.into());
        for part in 0..3_u64 {
            let at = rings(queue) + 0x100 * part;
            self.set(reg::QUEUE_DESC_LOW + 0x10 * part, at as u32);
            self.set(reg::QUEUE_DESC_LOW + 0x10 * part + 4, (at >> 32) as u32);
        }
        self.set(reg::QUEUE_READY, 1);
    }

    pub(crate) fn poke(&mut self, pa: u64, bytes: &[u8]) {
        self.bench.ram.write(pa, bytes).unwrap();
    }

    pub(crate) fn peek(&mut self, pa: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.bench.ram.read(pa, &mut bytes).unwrap();
        bytes
    }

    pub(crate) fn describe(&mut self, table: u64, index: u16, desc: Desc) {
        let Desc { pa, len, flags, next } = desc;
        let rest = u64::from(len) | u64::from(flags) << 32 | u64::from(next) << 48;
        self.poke(table + 16 * u64::from(index), &[pa.to_le_bytes(), rest.to_le_bytes()].concat());
    }

    /// Makes the chain at `head` available, without a notification.
    pub(crate) fn offer(&mut self, queue: u32, head: u16) {
        let avail = rings(queue) + 0x100;
        let index = self.bench.ram.read_u16(avail + 2).unwrap();
        self.poke(avail + 4 + 2 * u64::from(index % QUEUE_SIZE), &head.to_le_bytes());
        self.poke(avail + 2, &index.wrapping_add(1).to_le_bytes());
    }

    /// Offers a chain of (address, length, device writes) from descriptor `head` on.
    pub(crate) fn add(&mut self, queue: u32, head: u16, parts: &[(u64, u32, bool)]) {
        for (step, &(pa, len, write)) in parts.iter().enumerate() {
            let last = step + 1 == parts.len();
            let index = head + step as u16;
            let flags = if write { WRITE } else { 0 } | if last { 0 } else { NEXT };
            self.describe(rings(queue), index, Desc { pa, len, flags, next: index + 1 });
        }
        self.offer(queue, head);
    }

    pub(crate) fn notify(&mut self, queue: u32) {
        self.set(reg::QUEUE_NOTIFY, queue);
    }

    /// The chains returned on `queue` since the last call: head and length.
    pub(crate) fn used(&mut self, queue: u32) -> Vec<(u32, u32)> {
        let used = rings(queue) + 0x200;
        let index = self.bench.ram.read_u16(used + 2).unwrap();
        let mut done = Vec::new();
        while self.seen[queue as usize] != index {
            let at = used + 4 + 8 * u64::from(self.seen[queue as usize] % QUEUE_SIZE);
            let mut word = |at| self.bench.ram.read_u32(at).unwrap();
            done.push((word(at), word(at + 4)));
            self.seen[queue as usize] = self.seen[queue as usize].wrapping_add(1);
        }
        done
    }

    /// Whether the interrupt is raised; answers it.
    pub(crate) fn take_interrupt(&mut self) -> u32 {
        let status = self.get(reg::INTERRUPT_STATUS);
        assert_eq!(self.bench.device.interrupt(), status != 0);
        self.set(reg::INTERRUPT_ACK, status);
        assert!(!self.bench.device.interrupt());
        status
    }

    pub(crate) fn backend(&mut self) -> &mut B {
        self.bench.device.backend_mut()
    }

    pub(crate) fn run_until(&mut self, until: Picos) {
        self.bench.run_until(until);
    }
}
