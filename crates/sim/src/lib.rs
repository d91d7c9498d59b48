//! Virtual time and seeded randomness: everything that is allowed to vary a simulation.
//!
//! One clock in picoseconds drives the whole simulation (timers, links, DRAM, request schedules).
//! Nothing here, and nothing built on it, reads the host's clock or entropy: the same inputs give
//! the same bytes. This crate knows no instruction set and no device.
#![forbid(unsafe_code)]

mod random;
mod time;

pub use random::SplitMix64;
pub use time::{Clock, Picos};
