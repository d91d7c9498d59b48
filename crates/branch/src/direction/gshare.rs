//! The gshare predictor: a table of two-bit counters indexed by the branch's address exclusive-ored
//! with the latest outcomes (S. McFarling, "Combining branch predictors", DEC WRL TN-36, 1993).

use super::{BranchSite, DirectionPredictor};
use crate::bits::{low, site_bits, step_unsigned};
use crate::{FoldSpec, History, HistorySpec, Problems};
use serde::{Deserialize, Serialize};

/// Parameters of the gshare predictor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GshareConfig {
    /// The logarithm of the number of two-bit counters.
    pub log2_entries: u32,
    /// Outcomes in the index.
    pub history_bits: u32,
}

impl Default for GshareConfig {
    fn default() -> Self {
        Self { log2_entries: 14, history_bits: 14 }
    }
}

/// A table of two-bit counters.
#[derive(Clone, Debug)]
pub struct Gshare {
    config: GshareConfig,
    counters: Vec<u8>,
}

impl DirectionPredictor for Gshare {
    type Config = GshareConfig;
    type Token = u32;

    fn validate(config: &Self::Config, problems: &mut Problems) {
        problems.range("log2_entries", config.log2_entries, 1, 24);
        problems.range("history_bits", config.history_bits, 0, 64);
    }

    fn new(config: &Self::Config) -> Self {
        Self { config: config.clone(), counters: vec![1; 1 << config.log2_entries] }
    }

    fn history(&self) -> HistorySpec {
        let kept = FoldSpec { length: self.config.history_bits, width: 0 };
        HistorySpec { folds: vec![kept], ..HistorySpec::default() }
    }

    fn predict(&self, site: BranchSite, history: &History, token: &mut u32) -> bool {
        let mut outcomes = history.recent(self.config.history_bits);
        let mut hashed = site_bits(site.pc);
        while outcomes != 0 {
            hashed ^= outcomes;
            outcomes >>= self.config.log2_entries;
        }
        *token = low(hashed, self.config.log2_entries) as u32;
        self.counters[*token as usize] >= 2
    }

    fn train(&mut self, token: &u32, actual: bool) {
        let counter = &mut self.counters[*token as usize];
        *counter = step_unsigned(*counter, actual, 2);
    }

    fn storage_bits(&self) -> u64 {
        2 << self.config.log2_entries
    }
}
