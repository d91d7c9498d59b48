//! One study: from a function's name to measured invocations.
//!
//! [`run`] builds what is missing (guest, images), brings a machine into the state asked for by way
//! of the snapshots *booted*, *deployed* and *warm*, sends requests and measures each in a window of
//! its own. [`record`] does the same and keeps a trace, [`replay`] runs a system from one,
//! [`verify`] compares what the guest computed with functional execution, [`check_function`] calls a function in every
//! way it has. It prints nothing; an [`Observer`] is told what goes on.
#![forbid(unsafe_code)]

pub mod bare;
mod condition;
mod error;
mod function_check;
mod guest_link;
pub mod guest_program;
mod layers;
mod measure;
mod pipeline_log;
mod prepare;
mod record;
mod replay;
mod requests;
mod results;
mod rig;
mod stages;
mod statistics;
mod study;
mod tape;
mod timing;
mod verify;

pub use condition::Condition;
pub use error::StudyError;
pub use function_check::{FunctionCheck, RequestCheck, Turns, check_function};
pub use pipeline_log::PipelineLog;
pub use record::{Recorded, TraceFormat, record};
pub use replay::{Replay, replay};
pub use results::{ResultsError, write_results};
pub use rig::Rig;
pub use study::{Observer, Outcome, Study, console, run};
pub use timing::{Detailed, Warming};
pub use verify::{Verified, verify};
