//! Core timing models.
//!
//! A [`Core`] pulls instructions from a `stream::Source`, sends their accesses into a
//! `mem::Hierarchy` and keeps a clock. The in-order core is [`InOrder`]; an out-of-order core will
//! stand beside it behind the same trait. Nothing here knows an instruction set or a device.
#![forbid(unsafe_code)]

mod core;
mod in_order;
mod stats;

pub use core::{Core, CoreConfig, CoreModel, Progress, State};
pub use in_order::InOrder;
pub use stats::{CoreStats, PrivilegeStats, Stall, Stream};
