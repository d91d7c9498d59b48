//! Fast functional execution: pre-decoded block cache and software TLB.
//!
//! [`FastPort`] is the memory of all harts with a software TLB that leads straight into RAM;
//! [`Code`] holds instructions decoded once, as blocks of threaded code built around their semantics;
//! [`run`] dispatches block after block. [`Stepper`] executes one instruction at a time through the same
//! semantics and tells what it touched, for the warming and timing modes, and goes down wrong paths
//! without a trace.
//!
//! Nothing here is architectural state: dropping every cache changes no result.
#![forbid(unsafe_code)]

mod bus;
mod chain;
mod code;
mod known;
mod lockup;
mod note;
mod overlay;
mod port;
mod run;
mod skip;
mod speculate;
mod step;
mod threaded;
mod tlb;

pub use bus::{Bus, NoBus};
pub use chain::{Start, Witness};
pub use code::Code;
pub use known::{CodePage, Describe};
pub use note::StepAccess;
pub use port::FastPort;
pub use run::{Stop, run};
pub use step::{Step, Stepper};
pub use tlb::Tlb;
