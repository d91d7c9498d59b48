//! Parameters of L-TAGE.

use crate::direction::LoopConfig;
use serde::{Deserialize, Serialize};

/// One tagged table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaggedTableConfig {
    /// The logarithm of the number of entries.
    pub log2_entries: u32,
    /// Bits of a tag.
    pub tag_bits: u32,
}

/// Parameters of L-TAGE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LtageConfig {
    /// The history length of the first tagged table.
    pub min_history: u32,
    /// The history length of the last tagged table.
    pub max_history: u32,
    /// The logarithm of the number of bimodal directions; four share a hysteresis bit.
    pub bimodal_log2_entries: u32,
    /// The tagged tables, shortest history first; at most 16.
    pub tables: Vec<TaggedTableConfig>,
    /// The logarithm of the number of branches after which one useful bit of all entries is cleared.
    pub useful_reset_log2: u32,
    /// The loop predictor.
    pub loops: LoopConfig,
}

impl Default for LtageConfig {
    fn default() -> Self {
        let sizes = [
            (10, 7),
            (10, 7),
            (11, 8),
            (11, 8),
            (11, 9),
            (11, 10),
            (10, 11),
            (10, 12),
            (10, 12),
            (10, 13),
            (9, 14),
            (9, 15),
        ];
        let table = |(log2_entries, tag_bits)| TaggedTableConfig { log2_entries, tag_bits };
        Self {
            min_history: 4,
            max_history: 640,
            bimodal_log2_entries: 14,
            tables: sizes.map(table).to_vec(),
            useful_reset_log2: 19,
            loops: LoopConfig::ltage(),
        }
    }
}

impl LtageConfig {
    /// The history length of each table, a geometric series.
    pub(super) fn lengths(&self) -> Vec<u32> {
        let (first, last) = (f64::from(self.min_history), f64::from(self.max_history));
        let steps = (self.tables.len() - 1).max(1) as f64;
        let length = |table: usize| first * (last / first).powf(table as f64 / steps);
        (0..self.tables.len()).map(|table| (length(table) + 0.5) as u32).collect()
    }
}
