//! Core timing models.
//!
//! A [`Core`] pulls instructions from a `stream::Source`, sends their accesses into a
//! `mem::Hierarchy` and keeps a clock: [`InOrder`], which does one thing at a time, and
//! [`OutOfOrder`], which overlaps. Nothing here knows an instruction set or a device.
#![forbid(unsafe_code)]

mod core;
mod footprint;
mod in_order;
mod out_of_order;
mod profile;
mod restoring;
mod stats;
mod warming;

pub use core::{Core, CoreConfig, LostPredictors, NoPipeline, Progress, State};
pub use in_order::InOrder;
pub use out_of_order::{
    Cause, FrontConfig, Guess, IssueSlot, LoadStoreConfig, Lost, OutOfOrder, OutOfOrderConfig,
    OutOfOrderStats, SchedulerConfig, Spent, Viewer, Wait,
};
pub use profile::{Context, Contexts, Place, Profile, Reading, Spending};
pub use stats::{CoreStats, FootprintStats, PrivilegeStats, Stall, Stream, Touched};
