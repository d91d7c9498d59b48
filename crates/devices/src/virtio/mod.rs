//! virtio devices: a queue, a transport, and one backend file per device type.
//!
//! Source: Virtual I/O Device (VIRTIO) Version 1.2 (OASIS, July 2022). Everything the guest supplies
//! is checked; a ring that breaks the rules stops the device with `DEVICE_NEEDS_RESET`.

mod blk;
mod console;
mod mmio;
mod net;
mod overlay;
mod queue;
mod rng;
#[cfg(test)]
mod testing;

pub use blk::{Blk, BlkConfig, BlkCounters, BlockError, BlockStore, SECTOR, VirtioBlk};
pub use console::{COMMAND_PORT, CONSOLE_PORT, Console, Port, VirtioConsole};
pub use mmio::{Backend, Io, VirtioMmio};
pub use net::{Frame, Net, NetConfig, NetCounters, VirtioNet};
pub use overlay::{CLUSTER, ClusterSource, Overlay, OverlayError};
pub use queue::{Chain, Queue, QueueError, Segment};
pub use rng::{Rng, VirtioRng};
