//! What made a run. A result without its manifest is not a result.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything a run depends on, and, kept apart, what its host saw of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// The program's version.
    pub version: String,
    /// The revision it was built from, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_revision: Option<String>,
    /// The command line.
    pub command: Vec<String>,
    /// The seed of all randomness.
    pub seed: u64,
    /// Hash of the effective configuration.
    pub config_hash: String,
    /// Hashes of what the guest is made of, by part: kernel, root file system, function image.
    pub guest: BTreeMap<String, String>,
    /// Versions of the guest's packages, by name.
    pub packages: BTreeMap<String, String>,
    /// What differs from one repetition of the run to the next.
    pub host: Host,
}

/// The run as its host saw it. Nothing outside this part depends on the host or the time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// When the run started, in UTC (RFC 3339).
    pub started: Option<String>,
    /// How long it took, from the start of the program until its results were there.
    pub wall_seconds: Option<f64>,
    /// How much of that passed before the first measured invocation: building or waiting for what was missing,
    /// restoring a snapshot, settling.
    pub preparing_seconds: Option<f64>,
    /// How long processors worked for it, all threads together, programs it called left out.
    pub processor_seconds: Option<f64>,
    /// Simulated instructions per second of wall time, all harts and modes.
    pub instructions_per_second: Option<f64>,
    /// Largest resident memory, with the parts of mapped files that were touched.
    pub peak_resident_bytes: Option<u64>,
    /// The processor.
    pub processor: Option<String>,
}
