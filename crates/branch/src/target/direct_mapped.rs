//! A direct-mapped branch target buffer, as gem5's `SimpleBTB` (gem5 v24.0,
//! `src/cpu/pred/simple_btb.cc`): 4096 entries with 16-bit tags by default.
//!
//! Difference: gem5 drops two address bits, so that two compressed branches of a word share an entry;
//! here each halfword has its own.

use super::table::Table;
use super::{BtbHit, LevelConfig, TargetBuffer, first_in_maps};
use crate::Problems;
use serde::{Deserialize, Serialize};
use stream::{BranchKind, VirtAddr};

/// Parameters of the direct-mapped buffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectMappedConfig {
    /// The number of entries, a power of two.
    pub entries: u32,
    /// Bits of a tag.
    pub tag_bits: u32,
    /// Idle cycles of the front end after a hit.
    pub latency_cycles: u32,
}

impl Default for DirectMappedConfig {
    fn default() -> Self {
        Self { entries: 4096, tag_bits: 16, latency_cycles: 0 }
    }
}

impl DirectMappedConfig {
    fn level(&self) -> LevelConfig {
        let Self { entries, tag_bits, latency_cycles } = *self;
        LevelConfig { entries, ways: 1, tag_bits, latency_cycles }
    }
}

/// A table of one way.
#[derive(Clone, Debug)]
pub struct DirectMapped(Table);

impl TargetBuffer for DirectMapped {
    type Config = DirectMappedConfig;

    fn validate(config: &Self::Config, problems: &mut Problems) {
        Table::validate(&config.level(), "", problems);
    }

    fn new(config: &Self::Config) -> Self {
        Self(Table::new(&config.level()))
    }

    #[inline]
    fn look_up(&self, pc: VirtAddr) -> Option<BtbHit> {
        self.0.look_up(pc)
    }

    #[inline]
    fn next_branch(&self, start: VirtAddr, end: VirtAddr) -> Option<(VirtAddr, BtbHit)> {
        let pc = first_in_maps(start, end, |halfword| self.0.map(halfword))?;
        Some((pc, self.0.look_up(pc)?))
    }

    fn insert(&mut self, pc: VirtAddr, kind: BranchKind, target: VirtAddr, length: u8) {
        self.0.insert(pc, kind, target, length);
    }

    fn remove(&mut self, pc: VirtAddr) {
        self.0.remove(pc);
    }

    fn flush(&mut self) {
        self.0.flush();
    }

    fn storage_bits(&self) -> u64 {
        self.0.storage_bits()
    }
}
