//! A bench for one device: RAM, a clock, and register accesses the way a bus makes them.

use crate::{Context, Device};
use ram::{CHUNK, Ram};
use sim::Picos;

/// A device under test with 1 MiB of RAM.
#[derive(Debug)]
pub(crate) struct Bench<D: ?Sized> {
    pub(crate) ram: Ram,
    pub(crate) now: Picos,
    pub(crate) device: Box<D>,
}

impl<D: Device> Bench<D> {
    pub(crate) fn new(device: D) -> Self {
        Self { ram: Ram::new(16 * CHUNK), now: Picos::ZERO, device: Box::new(device) }
    }

    pub(crate) fn read(&mut self, offset: u64, size: u8) -> u64 {
        self.device.read(&mut Context { ram: &mut self.ram, now: self.now }, offset, size)
    }

    pub(crate) fn write(&mut self, offset: u64, size: u8, value: u64) {
        self.device.write(&mut Context { ram: &mut self.ram, now: self.now }, offset, size, value);
    }

    pub(crate) fn poll(&mut self) {
        self.device.poll(&mut Context { ram: &mut self.ram, now: self.now });
    }

    /// Polls at every event up to `until`.
    pub(crate) fn run_until(&mut self, until: Picos) {
        while let Some(at) = self.device.next_event().filter(|&at| at <= until) {
            self.now = self.now.max(at);
            self.poll();
        }
        self.now = until;
    }

    /// Goes on with `fresh`, restored from the state of the device so far.
    pub(crate) fn hand_over(&mut self, fresh: D) {
        let state = self.device.save();
        *self.device = fresh;
        self.device.restore(&state).unwrap();
        assert_eq!(self.device.save(), state);
    }
}
