//! Devices as the harts see them: loads and stores by physical address outside RAM.

use ram::Ram;
use sim::Picos;

/// Memory-mapped devices.
pub trait Bus {
    /// Reads `size` bytes at `pa`; `None` where nothing answers.
    fn read(&mut self, ram: &mut Ram, now: Picos, pa: u64, size: u8) -> Option<u64>;

    /// Writes the low `size` bytes of `value` at `pa`; `None` where nothing answers.
    fn write(&mut self, ram: &mut Ram, now: Picos, pa: u64, size: u8, value: u64) -> Option<()>;

    /// Whether an access made a device want the machine's attention (an interrupt line moved, a
    /// frame was sent). Asked after every access; clears the wish.
    fn take_attention(&mut self) -> bool {
        false
    }
}

/// A bus without devices.
#[derive(Debug)]
pub struct NoBus;

impl Bus for NoBus {
    fn read(&mut self, _: &mut Ram, _: Picos, _: u64, _: u8) -> Option<u64> {
        None
    }

    fn write(&mut self, _: &mut Ram, _: Picos, _: u64, _: u8, _: u64) -> Option<()> {
        None
    }
}
