//! The gselect predictor: a table of two-bit counters indexed by the branch's address beside the
//! latest outcomes (S. McFarling, "Combining branch predictors", DEC WRL TN-36, 1993).

use super::{BranchSite, DirectionPredictor};
use crate::bits::{low, site_bits, step_unsigned};
use crate::{History, HistorySpec, Problems};
use serde::{Deserialize, Serialize};

/// Parameters of the gselect predictor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GselectConfig {
    /// Address bits in the index.
    pub address_bits: u32,
    /// Outcomes in the index.
    pub history_bits: u32,
}

impl Default for GselectConfig {
    fn default() -> Self {
        Self { address_bits: 8, history_bits: 6 }
    }
}

/// A table of two-bit counters.
#[derive(Clone, Debug)]
pub struct Gselect {
    config: GselectConfig,
    counters: Vec<u8>,
}

impl DirectionPredictor for Gselect {
    type Config = GselectConfig;
    type Token = u32;

    fn validate(config: &Self::Config, problems: &mut Problems) {
        problems.range("address_bits", config.address_bits, 0, 12);
        problems.range("history_bits", config.history_bits, 0, 12);
    }

    fn new(config: &Self::Config) -> Self {
        let counters = vec![1; 1 << (config.address_bits + config.history_bits)];
        Self { config: config.clone(), counters }
    }

    fn history(&self) -> HistorySpec {
        HistorySpec::default()
    }

    fn predict(&self, site: BranchSite, history: &History, token: &mut u32) -> bool {
        let address = low(site_bits(site.pc), self.config.address_bits);
        let outcomes = history.recent(self.config.history_bits);
        *token = (address << self.config.history_bits | outcomes) as u32;
        self.counters[*token as usize] >= 2
    }

    fn train(&mut self, token: &u32, actual: bool) {
        let counter = &mut self.counters[*token as usize];
        *counter = step_unsigned(*counter, actual, 2);
    }

    fn storage_bits(&self) -> u64 {
        2 * self.counters.len() as u64
    }
}
