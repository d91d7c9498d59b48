//! virtio over MMIO, version 2.
//!
//! Source: VIRTIO 1.2 sections 2.1 (status), 2.2 (features) and 4.2 (register layout). One
//! [`VirtioMmio`] carries one [`Backend`]. Offered to every driver: `VERSION_1`, indirect
//! descriptors, event indices. Left out: shared memory regions (their length reads as all ones, which
//! means none), `RING_RESET`, writable configuration fields.
//!
//! A broken ring sets `DEVICE_NEEDS_RESET` and raises a configuration interrupt; until the driver
//! resets the device nothing moves. [`VirtioMmio::fault`] tells the host why.

use super::{Queue, QueueError};
use crate::{Context, Device, Model, Wiring, fdt, state};
use ram::Ram;
use serde::{Deserialize, Serialize};
use sim::Picos;
use std::fmt::Debug;

mod reg {
    pub const MAGIC: u64 = 0x000;
    pub const VERSION: u64 = 0x004;
    pub const DEVICE_ID: u64 = 0x008;
    pub const VENDOR_ID: u64 = 0x00c;
    pub const DEVICE_FEATURES: u64 = 0x010;
    pub const DEVICE_FEATURES_SEL: u64 = 0x014;
    pub const DRIVER_FEATURES: u64 = 0x020;
    pub const DRIVER_FEATURES_SEL: u64 = 0x024;
    pub const QUEUE_SEL: u64 = 0x030;
    pub const QUEUE_NUM_MAX: u64 = 0x034;
    pub const QUEUE_NUM: u64 = 0x038;
    pub const QUEUE_READY: u64 = 0x044;
    pub const QUEUE_NOTIFY: u64 = 0x050;
    pub const INTERRUPT_STATUS: u64 = 0x060;
    pub const INTERRUPT_ACK: u64 = 0x064;
    pub const STATUS: u64 = 0x070;
    pub const QUEUE_DESC: u64 = 0x080;
    pub const QUEUE_DRIVER: u64 = 0x090;
    pub const QUEUE_DEVICE: u64 = 0x0a0;
    pub const SHM_FIRST: u64 = 0x0b0;
    pub const SHM_LAST: u64 = 0x0bc;
    pub const CONFIG_GENERATION: u64 = 0x0fc;
    pub const CONFIG: u64 = 0x100;
}

const MAGIC: u32 = u32::from_le_bytes(*b"virt");
const VENDOR: u32 = u32::from_le_bytes(*b"vSwu");

pub(super) mod status {
    pub const DRIVER_OK: u32 = 4;
    pub const FEATURES_OK: u32 = 8;
    pub const NEEDS_RESET: u32 = 64;
}

const INTERRUPT_USED: u32 = 1;
const INTERRUPT_CONFIG: u32 = 2;

const INDIRECT_DESC: u64 = 1 << 28;
const EVENT_IDX: u64 = 1 << 29;
const VERSION_1: u64 = 1 << 32;
const COMMON_FEATURES: u64 = VERSION_1 | EVENT_IDX | INDIRECT_DESC;

/// What a backend acts on during one call.
#[derive(Debug)]
pub struct Io<'a> {
    /// Guest RAM.
    pub ram: &'a mut Ram,
    /// Virtual time.
    pub now: Picos,
    /// The queues, in the order of [`Backend::queue_sizes`].
    pub queues: &'a mut [Queue],
    /// The features that were negotiated.
    pub features: u64,
}

/// A virtio device type. It is called only while the driver is up (`DRIVER_OK`), and moves chains
/// from and to [`Io::queues`]; the transport raises interrupts. An error stops the device.
pub trait Backend: Debug + Send + Sized + 'static {
    /// Name of the device's kind.
    const NAME: &'static str;
    /// Device type (specification, section 5).
    const DEVICE_ID: u32;

    /// A small working instance, for tests.
    fn sample() -> Self;

    /// Feature bits beyond the transport's own.
    fn features(&self) -> u64 {
        0
    }

    /// Largest size of each queue, powers of two.
    fn queue_sizes(&self) -> Vec<u16>;

    /// The configuration space; bytes beyond it read as zero.
    fn config(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The driver goes away: forget what concerns it.
    fn reset(&mut self) {}

    /// The driver added chains to `queue`.
    fn notify(&mut self, io: &mut Io<'_>, queue: usize) -> Result<(), QueueError>;

    /// Time has passed or host input has come.
    fn poll(&mut self, _io: &mut Io<'_>) -> Result<(), QueueError> {
        Ok(())
    }

    /// As [`Device::next_event`].
    fn next_event(&self) -> Option<Picos> {
        None
    }

    /// As [`Device::save`].
    fn save(&self) -> Vec<u8>;

    /// As [`Device::restore`].
    fn restore(&mut self, state: &[u8]) -> Result<(), String>;
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    status: u32,
    device_features_sel: u32,
    driver_features_sel: u32,
    driver_features: u64,
    queue_sel: u32,
    interrupt: u32,
    queues: Vec<Queue>,
    fault: Option<String>,
}

impl State {
    fn new(queue_sizes: &[u16]) -> Self {
        Self {
            status: 0,
            device_features_sel: 0,
            driver_features_sel: 0,
            driver_features: 0,
            queue_sel: 0,
            interrupt: 0,
            queues: queue_sizes.iter().map(|&size| Queue::new(size)).collect(),
            fault: None,
        }
    }

    fn running(&self) -> bool {
        use status::{DRIVER_OK, FEATURES_OK, NEEDS_RESET};
        self.status & (DRIVER_OK | FEATURES_OK | NEEDS_RESET) == DRIVER_OK | FEATURES_OK
    }

    fn queue(&self) -> Option<&Queue> {
        self.queues.get(self.queue_sel as usize)
    }

    /// The selected queue, while the driver may still change it.
    fn open_queue(&mut self) -> Option<&mut Queue> {
        self.queues.get_mut(self.queue_sel as usize).filter(|queue| !queue.ready)
    }

    fn fail(&mut self, error: &QueueError) {
        self.status |= status::NEEDS_RESET;
        if self.status & status::DRIVER_OK != 0 {
            self.interrupt |= INTERRUPT_CONFIG;
        }
        self.fault.get_or_insert_with(|| error.to_string());
    }

    fn signal(&mut self, ram: &mut Ram) -> Result<(), QueueError> {
        for queue in &mut self.queues {
            if queue.take_signal(ram)? {
                self.interrupt |= INTERRUPT_USED;
            }
        }
        Ok(())
    }
}

/// The transport with its device.
#[derive(Debug)]
pub struct VirtioMmio<B> {
    state: State,
    backend: B,
}

impl<B: Backend> VirtioMmio<B> {
    /// A device after reset.
    #[must_use]
    pub fn new(backend: B) -> Self {
        Self { state: State::new(&backend.queue_sizes()), backend }
    }

    /// The device behind the transport.
    #[must_use]
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The device behind the transport, to reach its host side.
    pub fn backend_mut(&mut self) -> &mut B {
        &mut self.backend
    }

    /// Why the device stopped, if it did since the last reset.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.state.fault.as_deref()
    }

    fn offered(&self) -> u64 {
        COMMON_FEATURES | self.backend.features()
    }

    /// Lets the backend act, then raises the interrupts it earned.
    fn drive(
        &mut self,
        ctx: &mut Context<'_>,
        act: impl FnOnce(&mut B, &mut Io<'_>) -> Result<(), QueueError>,
    ) {
        if !self.state.running() {
            return;
        }
        self.state.queues.iter_mut().for_each(Queue::visit);
        let mut io = Io {
            ram: &mut *ctx.ram,
            now: ctx.now,
            queues: &mut self.state.queues,
            features: self.state.driver_features,
        };
        let done = act(&mut self.backend, &mut io).and_then(|()| self.state.signal(ctx.ram));
        if let Err(error) = done {
            self.state.fail(&error);
        }
    }

    fn notify(&mut self, ctx: &mut Context<'_>, queue: usize) {
        if self.state.queues.get(queue).is_some_and(|queue| queue.ready) {
            self.drive(ctx, |backend, io| backend.notify(io, queue));
        }
    }

    fn set_status(&mut self, ctx: &mut Context<'_>, value: u32) {
        if value == 0 {
            self.backend.reset();
            self.state = State::new(&self.backend.queue_sizes());
            return;
        }
        let was_running = self.state.running();
        let features = self.state.driver_features;
        let acceptable = features & VERSION_1 != 0 && features & !self.offered() == 0;
        let refused = if acceptable { 0 } else { status::FEATURES_OK };
        self.state.status |= value & 0xff & !status::NEEDS_RESET & !refused;
        if self.state.running() && !was_running {
            self.start(ctx);
        }
    }

    /// The driver is up. It may have filled queues before.
    fn start(&mut self, ctx: &mut Context<'_>) {
        for queue in 0..self.state.queues.len() {
            self.notify(ctx, queue);
        }
    }

    fn set_driver_features(&mut self, value: u32) {
        let state = &mut self.state;
        let open = state.status & status::FEATURES_OK == 0;
        if open && state.driver_features_sel < 2 {
            let shift = 32 * state.driver_features_sel;
            state.driver_features &= !(u64::from(u32::MAX) << shift);
            state.driver_features |= u64::from(value) << shift;
        }
    }

    fn set_queue_ready(&mut self, ram: &Ram, ready: bool) {
        let event_idx = self.state.driver_features & EVENT_IDX != 0;
        let Some(queue) = self.state.queues.get_mut(self.state.queue_sel as usize) else { return };
        if !ready {
            *queue = Queue::new(queue.max_size());
        } else if !queue.ready {
            match queue.check(ram) {
                Ok(()) => (queue.ready, queue.event_idx) = (true, event_idx),
                Err(error) => self.state.fail(&error),
            }
        }
    }

    fn register(&self, offset: u64) -> u32 {
        let state = &self.state;
        match offset {
            reg::MAGIC => MAGIC,
            reg::VERSION => 2,
            reg::DEVICE_ID => B::DEVICE_ID,
            reg::VENDOR_ID => VENDOR,
            reg::DEVICE_FEATURES if state.device_features_sel < 2 => {
                (self.offered() >> (32 * state.device_features_sel)) as u32
            }
            reg::QUEUE_NUM_MAX => state.queue().map_or(0, |queue| queue.max_size().into()),
            reg::QUEUE_READY => state.queue().is_some_and(|queue| queue.ready).into(),
            reg::INTERRUPT_STATUS => state.interrupt,
            reg::STATUS => state.status,
            reg::SHM_FIRST..=reg::SHM_LAST => u32::MAX,
            reg::CONFIG_GENERATION => 0,
            _ => 0,
        }
    }

    fn set_register(&mut self, ctx: &mut Context<'_>, offset: u64, value: u32) {
        let state = &mut self.state;
        match offset {
            reg::DEVICE_FEATURES_SEL => state.device_features_sel = value,
            reg::DRIVER_FEATURES_SEL => state.driver_features_sel = value,
            reg::DRIVER_FEATURES => self.set_driver_features(value),
            reg::QUEUE_SEL => state.queue_sel = value,
            reg::QUEUE_READY => self.set_queue_ready(ctx.ram, value & 1 != 0),
            reg::QUEUE_NOTIFY => self.notify(ctx, value as usize),
            reg::INTERRUPT_ACK => state.interrupt &= !value,
            reg::STATUS => self.set_status(ctx, value),
            _ => {
                if let Some(queue) = state.open_queue() {
                    set_queue_register(queue, offset, value);
                }
            }
        }
    }

    fn config(&self, offset: u64, size: u8) -> u64 {
        let config = self.backend.config();
        let byte = |at: u64| usize::try_from(at).ok().and_then(|at| config.get(at)).copied();
        let mut bytes = [0; 8];
        for (into, at) in bytes.iter_mut().zip(offset..offset + u64::from(size)) {
            *into = byte(at).unwrap_or(0);
        }
        u64::from_le_bytes(bytes)
    }
}

fn set_queue_register(queue: &mut Queue, offset: u64, value: u32) {
    let address = match offset & !4 {
        reg::QUEUE_DESC => &mut queue.desc,
        reg::QUEUE_DRIVER => &mut queue.avail,
        reg::QUEUE_DEVICE => &mut queue.used,
        _ => {
            if offset == reg::QUEUE_NUM {
                // A size beyond 16 bits is refused like every other bad one, when it is used.
                queue.size = u16::try_from(value).unwrap_or(0);
            }
            return;
        }
    };
    let shift = 8 * (offset & 4);
    *address &= !(u64::from(u32::MAX) << shift);
    *address |= u64::from(value) << shift;
}

impl<B: Backend> Model for VirtioMmio<B> {
    const NAME: &'static str = B::NAME;
    const WINDOW: u64 = 0x1000;
    const INTERRUPTS: bool = true;

    fn sample() -> Self {
        Self::new(B::sample())
    }
}

impl<B: Backend> Device for VirtioMmio<B> {
    fn name(&self) -> &'static str {
        B::NAME
    }

    fn read(&mut self, _ctx: &mut Context<'_>, offset: u64, size: u8) -> u64 {
        match offset {
            reg::CONFIG.. => self.config(offset - reg::CONFIG, size),
            _ if size == 4 => u64::from(self.register(offset)),
            _ => 0,
        }
    }

    fn write(&mut self, ctx: &mut Context<'_>, offset: u64, size: u8, value: u64) {
        if size == 4 && offset < reg::CONFIG {
            self.set_register(ctx, offset, value as u32);
        }
    }

    fn poll(&mut self, ctx: &mut Context<'_>) {
        self.drive(ctx, Backend::poll);
    }

    fn next_event(&self) -> Option<Picos> {
        self.backend.next_event().filter(|_| self.state.running())
    }

    fn interrupt(&self) -> bool {
        self.state.interrupt != 0
    }

    fn fdt_node(&self, fdt: &mut vm_fdt::FdtWriter, wiring: &Wiring) -> Result<(), vm_fdt::Error> {
        let node = fdt::begin(fdt, "virtio", &["virtio,mmio"], wiring)?;
        fdt.end_node(node)
    }

    fn save(&self) -> Vec<u8> {
        state::save(&(&self.state, self.backend.save()))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let (fresh, backend): (State, Vec<u8>) = state::load(B::NAME, state)?;
        let fits = |(queue, max): (&Queue, &u16)| {
            queue.max_size() == *max
                && (!queue.ready || (queue.size.is_power_of_two() && queue.size <= *max))
        };
        let sizes = self.backend.queue_sizes();
        if fresh.queues.len() != sizes.len() || !fresh.queues.iter().zip(&sizes).all(fits) {
            return Err(format!(
                "restoring {}: the saved queues differ from this device's; \
                 restore with the configuration it was saved with",
                B::NAME
            ));
        }
        self.backend.restore(&backend)?;
        self.state = fresh;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
