//! A branch target buffer that never forgets and tells all addresses apart, for limit studies: only
//! branches that were never taken are unknown to it.
//!
//! A front end that knows what comes can teach it branches ahead of their first execution, which
//! makes it perfect.

use super::{BtbHit, TargetBuffer, first_in_maps};
use crate::Problems;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stream::{BranchKind, VirtAddr};

/// The unlimited buffer has no parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlimitedConfig {}

/// Everything that was ever inserted, by block of 16 halfwords.
#[derive(Clone, Debug)]
pub struct Unlimited {
    blocks: BTreeMap<u64, Block>,
}

#[derive(Clone, Debug, Default)]
struct Block {
    map: u16,
    hits: [Option<BtbHit>; 16],
}

fn place(pc: VirtAddr) -> (u64, usize) {
    (pc.0 >> 5, (pc.0 >> 1) as usize & 15)
}

impl TargetBuffer for Unlimited {
    type Config = UnlimitedConfig;

    fn validate(_config: &Self::Config, _problems: &mut Problems) {}

    fn new(_config: &Self::Config) -> Self {
        Self { blocks: BTreeMap::new() }
    }

    fn look_up(&self, pc: VirtAddr) -> Option<BtbHit> {
        let (block, at) = place(pc);
        self.blocks.get(&block).and_then(|block| block.hits[at])
    }

    fn next_branch(&self, start: VirtAddr, end: VirtAddr) -> Option<(VirtAddr, BtbHit)> {
        let map = |halfword: u64| self.blocks.get(&(halfword >> 4)).map_or(0, |block| block.map);
        let pc = first_in_maps(start, end, map)?;
        Some((pc, self.look_up(pc)?))
    }

    fn insert(&mut self, pc: VirtAddr, kind: BranchKind, target: VirtAddr, length: u8) {
        let (block, at) = place(pc);
        let block = self.blocks.entry(block).or_default();
        block.map |= 1 << at;
        block.hits[at] = Some(BtbHit { target, kind, length, latency_cycles: 0 });
    }

    fn remove(&mut self, pc: VirtAddr) {
        let (block, at) = place(pc);
        if let Some(block) = self.blocks.get_mut(&block) {
            block.map &= !(1 << at);
            block.hits[at] = None;
        }
    }

    fn flush(&mut self) {
        self.blocks.clear();
    }

    fn storage_bits(&self) -> u64 {
        0
    }
}
