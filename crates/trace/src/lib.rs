//! Instruction traces: files that hold what harts executed, replayed as [`stream::Source`]s.
//!
//! A trace replaces the live machine at the seam between the functional and the timing side, so one
//! recording can be run on many systems without a guest, and traces of other tools can be run on
//! ours. Two formats:
//!
//! - the [`native`] one keeps all that a [`stream::Instr`] holds, for any number of harts, with the
//!   flushes, waits, page-table walks and window marks around the instructions;
//! - [`champsim`] reads and writes the format of the ChampSim simulator: one hart, virtual addresses
//!   only, and whatever of an instruction its 64 bytes can tell.
//!
//! A [`Recorder`] stands between a timing model and its source and writes what passes.
//!
//! What a trace does not hold: wrong paths. The processor that was recorded executed none, so
//! [`stream::Source::next_wrong`] of a replay has nothing and a front end that mispredicts waits
//! instead of fetching. Nor does timing act back on what is executed: interrupts come where they
//! came when the trace was recorded, whatever the system it is replayed on.
#![forbid(unsafe_code)]

mod any;
pub mod champsim;
mod draft;
mod error;
mod metadata;
pub mod native;
mod pages;
mod recorder;

pub use any::{AnySource, open};
pub use champsim::{ChampSimSource, ChampSimWriter};
pub use error::TraceError;
pub use metadata::{Mark, Metadata, Summary};
pub use native::{TraceSource, Writer};
pub use recorder::{Recorder, Recording, Sink};
