//! Branch target buffers of several levels: small ones that answer at once before large ones that
//! cost bubbles, as server cores have had since Bonanno et al., "Two level bulk preload branch
//! prediction" (HPCA 2013), without the bulk.
//!
//! The fastest level that knows a branch answers, with its latency. A branch that is used or inserted
//! is copied into all levels before the one that knew it. Levels are neither inclusive nor exclusive.
//! The default has the sizes and latencies measured on Zen 4 (chipsandcheese.com): 3072 entries
//! without a bubble and 8192 with one.

use super::table::Table;
use super::{BtbHit, TargetBuffer, first_in_maps};
use crate::Problems;
use serde::{Deserialize, Serialize};
use stream::{BranchKind, VirtAddr};

/// One level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelConfig {
    /// The number of entries.
    pub entries: u32,
    /// Entries in a set; the number of sets is a power of two.
    pub ways: u32,
    /// Bits of a tag.
    pub tag_bits: u32,
    /// Idle cycles of the front end after a hit here.
    pub latency_cycles: u32,
}

/// Parameters of a buffer of several levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MultiLevelConfig {
    /// The levels, fastest first; at most 4.
    pub levels: Vec<LevelConfig>,
}

impl Default for MultiLevelConfig {
    fn default() -> Self {
        let level = |entries, ways, latency_cycles| LevelConfig {
            entries,
            ways,
            tag_bits: 16,
            latency_cycles,
        };
        Self { levels: vec![level(3072, 6, 0), level(8192, 8, 1)] }
    }
}

/// Tables one behind the other.
#[derive(Clone, Debug)]
pub struct MultiLevel(Vec<Table>);

impl TargetBuffer for MultiLevel {
    type Config = MultiLevelConfig;

    fn validate(config: &Self::Config, problems: &mut Problems) {
        problems.range("levels", config.levels.len() as u32, 1, 4);
        for (number, level) in config.levels.iter().enumerate() {
            Table::validate(level, &format!("levels[{number}]."), problems);
        }
    }

    fn new(config: &Self::Config) -> Self {
        Self(config.levels.iter().map(Table::new).collect())
    }

    #[inline]
    fn look_up(&self, pc: VirtAddr) -> Option<BtbHit> {
        self.0.iter().find_map(|level| level.look_up(pc))
    }

    #[inline]
    fn next_branch(&self, start: VirtAddr, end: VirtAddr) -> Option<(VirtAddr, BtbHit)> {
        let map = |halfword| self.0.iter().fold(0, |map, level| map | level.map(halfword));
        let pc = first_in_maps(start, end, map)?;
        Some((pc, self.look_up(pc)?))
    }

    fn touch(&mut self, pc: VirtAddr) {
        let Some(at) = self.0.iter_mut().position(|level| level.touch(pc)) else { return };
        let Some(hit) = self.0[at].look_up(pc) else { return };
        self.0[..at]
            .iter_mut()
            .for_each(|level| level.insert(pc, hit.kind, hit.target, hit.length));
    }

    fn insert(&mut self, pc: VirtAddr, kind: BranchKind, target: VirtAddr, length: u8) {
        self.0.iter_mut().for_each(|level| level.insert(pc, kind, target, length));
    }

    fn remove(&mut self, pc: VirtAddr) {
        self.0.iter_mut().for_each(|level| level.remove(pc));
    }

    fn flush(&mut self) {
        self.0.iter_mut().for_each(Table::flush);
    }

    fn storage_bits(&self) -> u64 {
        self.0.iter().map(Table::storage_bits).sum()
    }
}
