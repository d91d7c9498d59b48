//! One study: from a function's name to measured invocations.
//!
//! [`run`] builds what is missing (guest, images), brings a machine into the state asked for by way
//! of the snapshots *booted*, *deployed* and *warm*, sends requests and measures each in a window of
//! its own. [`record`] does the same and keeps a trace, [`replay`] runs a system from one,
//! [`verify`] compares what the guest computed with functional execution, [`check_function`] calls a function in every
//! way it has, and [`sweep`] expands a whole matrix of studies. It prints nothing; an [`Observer`] is told what goes on.
#![forbid(unsafe_code)]

pub mod bare;
mod cold;
mod condition;
mod error;
mod function_check;
mod guest_link;
pub mod guest_program;
mod interleave;
mod layers;
mod measure;
mod pipeline_log;
mod prepare;
mod record;
mod replay;
mod requests;
mod results;
mod rig;
mod sampling;
mod stages;
mod statistics;
mod study;
pub mod sweep;
mod tape;
mod timing;
mod turn;
mod verify;

pub use condition::Condition;
pub use error::StudyError;
pub use function_check::{FunctionCheck, RequestCheck, check_function};
pub use interleave::{CoRunners, Interleaving, Until};
pub use pipeline_log::PipelineLog;
pub use record::{Recorded, TraceFormat, record};
pub use replay::{Replay, replay};
pub use results::{ResultsError, write_results, write_results_as};
pub use rig::Rig;
pub use sampling::Sampling;
pub use study::{Observer, Outcome, Study, check_input, co_runners, console, run};
pub use timing::{Detailed, Warming};
pub use verify::{Verified, verify};
