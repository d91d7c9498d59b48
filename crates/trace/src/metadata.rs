//! What a trace says about itself.

use serde::{Deserialize, Serialize};

/// Where a trace comes from. It holds no time of day: the same recording gives the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The function or program that was executed.
    pub function: String,
    /// The system whose timing placed interrupts, requests and the turns of harts.
    pub system: String,
    /// The seed of the run.
    pub seed: u64,
    /// The program that recorded it, with its version.
    pub creator: String,
    /// The number of harts.
    pub harts: u32,
}

/// A place where the recording changed what it did: mostly the boundary of a measuring window. The
/// marks of a trace are seen by every hart at its own place in its own instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The window of invocation `n` opens.
    Begin(u64),
    /// The window of invocation `n` closes.
    End(u64),
    /// The window that is open closes here, if [`Mark::EndedAt`] says so with the same number. While
    /// a function is recorded nobody knows yet which frame completes its reply.
    MayEnd(u64),
    /// The window that is open has closed where [`Mark::MayEnd`] has the number.
    EndedAt(u64),
    /// What follows was executed to warm caches and predictors, in no time worth measuring.
    Warming,
    /// What follows was executed with its time.
    Detailed,
}

/// What a finished trace holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Instructions of all harts.
    pub instructions: u64,
    /// Records of all kinds.
    pub records: u64,
    /// Bytes of records before compression.
    pub raw_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}
