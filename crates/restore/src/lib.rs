//! Units that restore the instruction state of a core when a function is scheduled on it again.
//!
//! A serverless function finds caches, TLBs and predictors as others left them, and spends most of its
//! time waiting for instructions (D. Schall et al., "Lukewarm serverless functions: characterization and
//! optimization", ISCA 2022). What it executes hardly differs from one invocation to the next, so a unit
//! can record what was missing in one and bring it back at the beginning of the next.
//!
//! A [`Restoration`] is what a core has of it: one unit of the registry in [`mod@unit`], and the trigger that
//! tells when the function runs. Units that only make the front end perfect are upper bounds.
//!
//! Left out: the operating system's part. It keeps the place of the metadata for each process and loads
//! it with the process's registers; here there is one function a core, whose address space is learned
//! ([`Trigger`]), and its metadata lies outside the memory that the guest has.
#![forbid(unsafe_code)]

mod metadata;
mod ports;
mod restoration;
mod trigger;
pub mod unit;

pub use metadata::{Metadata, MetadataStats};
pub use ports::{Asked, Ports, Time};
pub use restoration::Restoration;
pub use trigger::Trigger;
pub use unit::{Perfect, RestorationConfig, RestorationStats, Surroundings};
