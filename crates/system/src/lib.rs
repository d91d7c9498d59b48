//! From a configuration to a wired system.
//!
//! [`load`] turns the name of a built-in system or the path of a TOML file, plus overrides, into a
//! checked [`SystemConfig`] that knows where each of its values came from. [`Timing`] wires the
//! cores and the memory system it describes, and runs them in detailed or warming mode from a
//! `stream::Source`.
//!
//! ```
//! let overrides = ["caches.llc.size_kib=256".to_owned()];
//! let system = system::load("simple", &overrides)?;
//! let timing = system::Timing::new(&system.config)?;
//! assert_eq!(timing.clock().period().0, 400);
//! # Ok::<(), system::ConfigError>(())
//! ```
#![forbid(unsafe_code)]

mod builtin;
mod config;
mod effective;
mod error;
mod layers;
mod load;
mod lost;
mod overrides;
mod place;
mod shape;
mod timing;

pub use builtin::{Builtin, builtins, dram_builtins};
pub use config::SystemConfig;
pub use effective::Origin;
pub use error::ConfigError;
pub use load::{LoadedSystem, load};
pub use lost::{Lost, LostError};
pub use timing::{StepOutcome, Timing, TimingStats};
