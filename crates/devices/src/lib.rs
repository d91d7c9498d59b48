//! UART, PLIC, timers and virtio-mmio devices; each emits its own device-tree node.
//!
//! A device is one file: register map, `Config`, `State` (plain data, serialisable), `read`/`write`
//! by offset, `fdt_node`, and tests that drive it through MMIO only. It raises interrupts by the
//! level it shows in [`Device::interrupt`] and knows no bus, no hart and no PLIC. It acts on guest
//! memory only through the [`Ram`] it is handed, and on time only through the `now` it is told.
//!
//! The owner keeps devices as `Box<dyn Device>` and reaches the host side of one (console output,
//! frames, input) by its type: `device.downcast_mut::<Uart>()`. Addresses and interrupt numbers are
//! the owner's; the window a device needs is in the [`catalogue`].
#![forbid(unsafe_code)]

mod catalogue;
mod clint;
#[cfg(test)]
mod contract;
mod dma;
mod fdt;
mod finisher;
mod plic;
mod rtc;
mod state;
#[cfg(test)]
mod testing;
mod uart;
pub mod virtio;

pub use catalogue::{Entry, Model, catalogue, entry};
pub use clint::{Clint, TICK};
pub use finisher::{Finish, Finisher};
pub use plic::{MAX_SOURCES, Plic};
pub use rtc::{DEFAULT_EPOCH_SECS, Rtc};
pub use uart::Uart;

use ram::Ram;
use sim::Picos;
use std::any::Any;

/// What a device needs from the world during one call.
#[derive(Debug)]
pub struct Context<'a> {
    /// Guest RAM, for DMA.
    pub ram: &'a mut Ram,
    /// Virtual time of the access.
    pub now: Picos,
}

/// Where a device is wired: what it needs to write its device-tree node.
#[derive(Clone, Copy, Debug)]
pub struct Wiring {
    /// Physical address of the first register.
    pub base: u64,
    /// Size of the register window in bytes.
    pub size: u64,
    /// PLIC source number, 0 for none.
    pub irq: u32,
    /// phandle of the PLIC.
    pub plic_phandle: u32,
}

/// A memory-mapped device.
///
/// Offsets are inside the device's window; anything a guest does there must end without a panic
/// and in bounded time. Interrupts are levels: the owner samples [`Device::interrupt`] after every
/// call that takes a [`Context`] and passes it on to the PLIC.
pub trait Device: Any + Send + std::fmt::Debug {
    /// Name of the device's kind, as in the [`catalogue`].
    fn name(&self) -> &'static str;

    /// Reads `size` (1, 2, 4 or 8) bytes at `offset`. Unimplemented registers read as zero.
    fn read(&mut self, ctx: &mut Context<'_>, offset: u64, size: u8) -> u64;

    /// Writes the low `size` bytes of `value` at `offset`. Unimplemented registers ignore it.
    fn write(&mut self, ctx: &mut Context<'_>, offset: u64, size: u8, value: u64);

    /// Lets the device act at `ctx.now`: complete what has become due, move host-side input in.
    fn poll(&mut self, _ctx: &mut Context<'_>) {}

    /// When the device next wants to be polled, if it has something under way. A time that has
    /// passed (host input arrived: [`Picos::ZERO`]) means at once; a poll then moves it on.
    fn next_event(&self) -> Option<Picos> {
        None
    }

    /// The level of the interrupt line, sampled after every access and poll.
    fn interrupt(&self) -> bool {
        false
    }

    /// Appends the device-tree node, below a parent with two address and two size cells.
    fn fdt_node(&self, fdt: &mut vm_fdt::FdtWriter, wiring: &Wiring) -> Result<(), vm_fdt::Error>;

    /// The state as bytes (serialised by the device; the format is private to one version).
    fn save(&self) -> Vec<u8>;

    /// Takes back a state written by [`Device::save`]; an error text if it does not fit.
    fn restore(&mut self, state: &[u8]) -> Result<(), String>;
}

impl dyn Device {
    /// The device as its concrete type, if it is one.
    #[must_use]
    pub fn downcast_ref<T: Device>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }

    /// The device as its concrete type, if it is one, to reach its host side.
    pub fn downcast_mut<T: Device>(&mut self) -> Option<&mut T> {
        (self as &mut dyn Any).downcast_mut()
    }
}
