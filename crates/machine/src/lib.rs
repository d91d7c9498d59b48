//! Memory map, harts and devices, SBI, device tree, loader, snapshots, execution modes.
#![forbid(unsafe_code)]

mod board;
mod boot;
mod checkpoint;
mod cpu;
mod digest;
pub mod disk;
pub mod fdt;
mod host;
pub mod htif;
pub mod layout;
pub mod loader;
mod look;
mod run;
pub mod sbi;
pub mod signature;
pub mod snapshot;
mod source;

pub use board::Board;
pub use boot::{BootError, LinuxBoot};
pub use checkpoint::{CheckpointError, SaveTo};
pub use cpu::{Event, Machine, MachineConfig, Power};
pub use run::NOMINAL_STEP;
pub use source::{Pace, Timing};
