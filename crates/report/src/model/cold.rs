//! A cold start: what happened from the call for a container to its first request.

use serde::{Deserialize, Serialize};

/// A phase of a cold start, over all harts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// What was done: `pull`, `create`, `start`, `ready`.
    pub name: String,
    /// How long it took in virtual time, most of which passes at fast mode's nominal rate.
    pub duration_ns: u64,
    /// Instructions executed.
    pub instructions: u64,
    /// Those of them on the function's hart.
    pub function_hart_instructions: u64,
    /// Busy cycles per instruction, estimated from a sample.
    pub cpi: Option<Estimate>,
    /// Busy cycles, estimated: [`cpi`](Self::cpi) times the instructions.
    pub cycles: Option<f64>,
}

/// The mean of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Half the width of its 95 % confidence interval; none with a single unit.
    pub half_width: Option<f64>,
    /// Units in the sample.
    pub units: u64,
    /// Instructions in them.
    pub instructions: u64,
}
