//! A tagged table of targets indexed by address, latest outcomes and the path of latest indirect
//! targets, as gem5's `SimpleIndirectPredictor` (gem5 v24.0, `src/cpu/pred/simple_indirect.cc`), after
//! Chang, Hao and Patt, "Target prediction for indirect jumps" (ISCA 1997).
//!
//! Sizes are those of vSwarm-u's Skylake-like systems: 128 sets of 4 ways, 16-bit tags, 7 targets.
//!
//! Differences: gem5 shifts each target by its age and keeps them whole; here the path is the folded
//! history of targets, ten bits each. The outcomes are those of the direction predictor's history,
//! which may hold address bits too. Replacement is pseudo-random in both.

use super::{IndirectPredictor, IndirectSite};
use crate::bits::{low, site_bits};
use crate::history::TARGET_BITS as BITS_OF_A_TARGET;
use crate::lfsr::Lfsr;
use crate::target::TARGET_BITS;
use crate::{FoldSpec, History, Problems};
use serde::{Deserialize, Serialize};
use stream::VirtAddr;

/// Parameters of the path predictor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PathConfig {
    /// The number of sets, a power of two.
    pub sets: u32,
    /// Entries in a set.
    pub ways: u32,
    /// Bits of a tag.
    pub tag_bits: u32,
    /// Indirect targets in the index.
    pub path_length: u32,
    /// Bits of the global history in the index.
    pub history_bits: u32,
}

impl Default for PathConfig {
    fn default() -> Self {
        Self { sets: 128, ways: 4, tag_bits: 16, path_length: 7, history_bits: 13 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u16,
    target: VirtAddr,
}

/// What the path predictor remembers from a guess.
#[derive(Clone, Copy, Debug, Default)]
pub struct PathToken {
    set: u32,
    tag: u16,
}

/// A set-associative table of targets.
#[derive(Clone, Debug)]
pub struct Path {
    config: PathConfig,
    entries: Vec<Option<Entry>>,
    lfsr: Lfsr,
}

impl IndirectPredictor for Path {
    type Config = PathConfig;
    type Token = PathToken;

    fn validate(config: &Self::Config, problems: &mut Problems) {
        problems.range("sets", config.sets, 2, 1 << 16);
        problems.require(config.sets.is_power_of_two(), "sets", || {
            format!("is {}, must be a power of two", config.sets)
        });
        problems.range("ways", config.ways, 1, 64);
        problems.range("tag_bits", config.tag_bits, 1, 16);
        problems.range("path_length", config.path_length, 0, 64);
        problems.range("history_bits", config.history_bits, 0, 63);
    }

    fn new(config: &Self::Config) -> Self {
        let entries = vec![None; (config.sets * config.ways) as usize];
        Self { config: config.clone(), entries, lfsr: Lfsr::new() }
    }

    fn folds(&self) -> Vec<FoldSpec> {
        let length = self.config.path_length * BITS_OF_A_TARGET;
        vec![FoldSpec { length, width: self.config.sets.ilog2() }]
    }

    fn predict(
        &self,
        site: IndirectSite,
        history: &History,
        token: &mut PathToken,
    ) -> Option<VirtAddr> {
        let pc = site_bits(site.pc);
        let path = u64::from(history.target_fold(0));
        let hashed = pc ^ path ^ history.recent(self.config.history_bits);
        let set = low(hashed, self.config.sets.ilog2()) as u32;
        *token = PathToken { set, tag: low(pc, self.config.tag_bits) as u16 };
        let entry = self.find(token).and_then(|at| self.entries[at]);
        entry.map(|entry| entry.target)
    }

    fn train(&mut self, token: &PathToken, target: VirtAddr) {
        let at = self.find(token).unwrap_or_else(|| {
            let way = self.lfsr.bits(6) % self.config.ways;
            (token.set * self.config.ways + way) as usize
        });
        self.entries[at] = Some(Entry { tag: token.tag, target });
    }

    fn storage_bits(&self) -> u64 {
        let entry = 1 + u64::from(self.config.tag_bits) + TARGET_BITS;
        entry * u64::from(self.config.sets * self.config.ways) + Lfsr::BITS
    }
}

impl Path {
    #[inline]
    fn find(&self, token: &PathToken) -> Option<usize> {
        let first = (token.set * self.config.ways) as usize;
        let ways = &self.entries[first..first + self.config.ways as usize];
        let is_it = |entry: &Option<Entry>| entry.is_some_and(|entry| entry.tag == token.tag);
        Some(first + ways.iter().position(is_it)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_valid_bit_tag_and_target() {
        let path = Path::new(&PathConfig::default());
        assert_eq!(path.storage_bits(), 512 * (1 + 16 + 48) + 32);
    }
}
