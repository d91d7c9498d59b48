//! Parameters of the last-level branch predictor.

use crate::direction::TageScLConfig;
use crate::{ContextSpec, Problems};
use serde::{Deserialize, Serialize};

/// Parameters of the last-level branch predictor; the default is the paper's. Its released code has
/// `ahead = 8` and `latency_branches = 5`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlbpConfig {
    /// Unconditional branches that make a context, W in the paper.
    pub window: u32,
    /// The latest unconditional branches, which are left out of it, D in the paper: so many before the
    /// context begins its patterns are fetched.
    pub ahead: u32,
    /// Bits of a context's name.
    pub context_bits: u32,
    /// The logarithm of the number of sets of the context directory.
    pub log2_sets: u32,
    /// Contexts in a set of the directory; each has a pattern set in the pattern store.
    pub ways: u32,
    /// The logarithm of the number of sets of the pattern buffer.
    pub buffer_log2_sets: u32,
    /// Pattern sets in a set of the pattern buffer.
    pub buffer_ways: u32,
    /// How long fetching a pattern set takes, in branches the front end goes by. The paper's 6 cycles
    /// are as many branches for a front end that goes by one a cycle.
    pub latency_branches: u32,
    /// The predictor below.
    pub base: TageScLConfig,
}

impl Default for LlbpConfig {
    fn default() -> Self {
        Self {
            window: 8,
            ahead: 4,
            context_bits: 14,
            log2_sets: 11,
            ways: 7,
            buffer_log2_sets: 4,
            buffer_ways: 4,
            latency_branches: 6,
            base: TageScLConfig::default(),
        }
    }
}

/// The most bits of a name that the directory keeps as a tag.
const MAX_TAG_BITS: u32 = 8;

impl LlbpConfig {
    pub(super) fn contexts(&self) -> ContextSpec {
        ContextSpec { window: self.window, ahead: self.ahead, bits: self.context_bits }
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.range("window", self.window, 1, 64);
        problems.range("ahead", self.ahead, 0, 64);
        problems.range("context_bits", self.context_bits, 1, 16);
        let fewest = self.context_bits.saturating_sub(MAX_TAG_BITS);
        problems.range("log2_sets", self.log2_sets, fewest, self.context_bits.min(16));
        problems.range("ways", self.ways, 1, 64);
        problems.range("buffer_log2_sets", self.buffer_log2_sets, 0, self.context_bits.min(12));
        problems.range("buffer_ways", self.buffer_ways, 1, 64);
        problems.range("latency_branches", self.latency_branches, 0, 1_000_000);
    }
}
