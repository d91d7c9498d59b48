//! The bimodal predictor: a table of two-bit counters indexed by the branch's address (J. E. Smith,
//! "A study of branch prediction strategies", ISCA 1981).

use super::{BranchSite, DirectionPredictor};
use crate::bits::{low, site_bits, step_unsigned};
use crate::{History, HistorySpec, Problems};
use serde::{Deserialize, Serialize};
use stream::VirtAddr;

/// Parameters of the bimodal predictor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BimodalConfig {
    /// The logarithm of the number of counters.
    pub log2_entries: u32,
    /// Bits of a counter.
    pub counter_bits: u32,
}

impl Default for BimodalConfig {
    fn default() -> Self {
        Self { log2_entries: 12, counter_bits: 2 }
    }
}

/// A table of saturating counters.
#[derive(Clone, Debug)]
pub struct Bimodal {
    config: BimodalConfig,
    counters: Vec<u8>,
}

impl DirectionPredictor for Bimodal {
    type Config = BimodalConfig;
    type Token = u32;

    fn validate(config: &Self::Config, problems: &mut Problems) {
        problems.range("log2_entries", config.log2_entries, 1, 24);
        problems.range("counter_bits", config.counter_bits, 1, 8);
    }

    fn new(config: &Self::Config) -> Self {
        let weakly_not_taken = ((1_u16 << (config.counter_bits - 1)) - 1) as u8;
        let counters = vec![weakly_not_taken; 1 << config.log2_entries];
        Self { config: config.clone(), counters }
    }

    fn history(&self) -> HistorySpec {
        HistorySpec::default()
    }

    fn predict(&self, site: BranchSite, _history: &History, token: &mut u32) -> bool {
        *token = low(site_bits(site.pc), self.config.log2_entries) as u32;
        self.counters[*token as usize] >> (self.config.counter_bits - 1) == 1
    }

    fn train(&mut self, token: &u32, actual: bool) {
        let counter = &mut self.counters[*token as usize];
        *counter = step_unsigned(*counter, actual, self.config.counter_bits);
    }

    fn set_base(&mut self, pc: VirtAddr, taken: bool) -> bool {
        let weakly_taken = 1_u8 << (self.config.counter_bits - 1);
        let index = low(site_bits(pc), self.config.log2_entries) as usize;
        self.counters[index] = weakly_taken - u8::from(!taken);
        true
    }

    fn storage_bits(&self) -> u64 {
        u64::from(self.config.counter_bits) << self.config.log2_entries
    }
}
