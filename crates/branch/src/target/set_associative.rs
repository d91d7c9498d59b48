//! A set-associative branch target buffer with least-recently-used replacement (Lee and Smith,
//! "Branch prediction strategies and branch target buffer design", IEEE Computer, 1984).
//!
//! The default is that of "Warming Up a Cold Front-End with Ignite" (MICRO 2023): 12288 entries in
//! sets of six, 12-bit tags. A use is a prediction that follows a hit, or an insertion.

use super::table::Table;
use super::{BtbHit, LevelConfig, TargetBuffer, first_in_maps};
use crate::Problems;
use serde::{Deserialize, Serialize};
use stream::{BranchKind, VirtAddr};

/// Parameters of the set-associative buffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SetAssociativeConfig {
    /// The number of entries.
    pub entries: u32,
    /// Entries in a set; the number of sets is a power of two.
    pub ways: u32,
    /// Bits of a tag.
    pub tag_bits: u32,
    /// Idle cycles of the front end after a hit.
    pub latency_cycles: u32,
}

impl Default for SetAssociativeConfig {
    fn default() -> Self {
        Self { entries: 12288, ways: 6, tag_bits: 12, latency_cycles: 0 }
    }
}

impl SetAssociativeConfig {
    fn level(&self) -> LevelConfig {
        let Self { entries, ways, tag_bits, latency_cycles } = *self;
        LevelConfig { entries, ways, tag_bits, latency_cycles }
    }
}

/// A table of several ways.
#[derive(Clone, Debug)]
pub struct SetAssociative(Table);

impl TargetBuffer for SetAssociative {
    type Config = SetAssociativeConfig;

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

    fn touch(&mut self, pc: VirtAddr) {
        self.0.touch(pc);
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
