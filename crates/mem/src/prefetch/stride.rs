//! Stride prefetching by instruction: a table remembers for each load and store the line it touched
//! last and the distance it moved, and once the distance repeats, the lines further on are fetched.
//!
//! The reference prediction table of J.-L. Baer and T.-F. Chen, "An effective on-chip preloading
//! scheme to reduce data access penalty", Supercomputing 1991, and the stride prefetcher of J. W. C.
//! Fu, J. H. Patel and B. L. Janssens, "Stride directed prefetching in scalar processors", MICRO
//! 1992. Table and confidence counter have the sizes and rules of gem5's `StridePrefetcher` (64
//! entries, 4 ways, random replacement; 3 bits, from 4; degree 4), which trains a new stride below
//! the confidence at which it prefetches.
//!
//! Different from gem5: strides count lines; an access to the line the instruction touched last says
//! nothing about its stride and is ignored, so that hits can be shown too; after a single odd step
//! the prefetches go on along the stride that is trusted, not along the odd one; tags are partial;
//! one table serves all requesters. A step beyond a page counts as no stride, because nothing that
//! far can be fetched. Instruction fetches and page walks are not looked at.

use super::{Observed, Pages, Prefetcher, Requests};
use crate::replacement::{self, ReplacementKind};
use crate::{AccessKind, Problems};
use serde::{Deserialize, Serialize};
use stream::{LineAddr, VirtAddr};

/// Parameters of the stride prefetcher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StrideConfig {
    /// Instructions the table holds.
    pub entries: u32,
    /// Entries in a set.
    pub ways: u32,
    /// How a victim is chosen.
    pub replacement: ReplacementKind,
    /// Bits of the instruction's address that an entry is told by, beside its set.
    pub tag_bits: u32,
    /// Bits of the counter of repeated strides.
    pub confidence_bits: u32,
    /// Where the counter begins.
    pub initial_confidence: u32,
    /// The least value at which prefetches are made; below it a new stride is learned.
    pub confidence_threshold: u32,
    /// Lines to fetch for an access.
    pub degree: u32,
    /// Strides to leave out before the first line that is fetched.
    pub distance: u32,
}

impl Default for StrideConfig {
    fn default() -> Self {
        Self {
            entries: 64,
            ways: 4,
            replacement: ReplacementKind::Random,
            tag_bits: 16,
            confidence_bits: 3,
            initial_confidence: 4,
            confidence_threshold: 4,
            degree: 4,
            distance: 0,
        }
    }
}

impl StrideConfig {
    fn top_confidence(&self) -> u32 {
        (1 << self.confidence_bits.min(8)) - 1
    }

    fn sets(&self) -> u32 {
        self.entries / self.ways
    }
}

/// What is known of one instruction.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// No partial tag is [`Entry::UNUSED`].
    tag: u32,
    confidence: u8,
    /// In lines, within a page; zero for none.
    stride: i16,
    last: LineAddr,
}

impl Entry {
    const UNUSED: u32 = u32::MAX;
}

/// A table of strides by instruction.
#[derive(Clone, Debug)]
pub struct Stride {
    config: StrideConfig,
    pages: Pages,
    entries: Vec<Entry>,
    policy: replacement::Policy,
}

impl Prefetcher for Stride {
    type Config = StrideConfig;
    const SEES_FILLS: bool = false;

    fn validate(config: &Self::Config, path: &str, problems: &mut Problems) {
        let top = config.top_confidence();
        for (key, value, from, to) in [
            ("entries", config.entries, 1, 65_536),
            ("tag_bits", config.tag_bits, 1, 31),
            ("confidence_bits", config.confidence_bits, 1, 8),
            ("initial_confidence", config.initial_confidence, 0, top),
            ("confidence_threshold", config.confidence_threshold, 1, top),
            ("degree", config.degree, 1, Requests::CAPACITY as u32),
            ("distance", config.distance, 0, 255),
        ] {
            problems.require((from..=to).contains(&value), &format!("{path}.{key}"), || {
                format!("{value} is not from {from} to {to}")
            });
        }
        let (entries, ways) = (config.entries, config.ways);
        let divides = (1..=entries).contains(&ways)
            && entries.is_multiple_of(ways)
            && (entries / ways).is_power_of_two();
        problems.require(divides, &format!("{path}.ways"), || {
            format!("{entries} entries in {ways} ways do not give a power of two of sets")
        });
        config.replacement.validate(&format!("{path}.replacement"), ways, problems);
    }

    fn new(config: &Self::Config, pages: Pages) -> Self {
        let unused = Entry { tag: Entry::UNUSED, confidence: 0, stride: 0, last: LineAddr(0) };
        let (sets, ways) = (config.sets() as usize, config.ways as usize);
        Self {
            config: config.clone(),
            pages,
            entries: vec![unused; config.entries as usize],
            policy: replacement::Policy::new(config.replacement, sets, ways),
        }
    }

    #[inline]
    fn observe(&mut self, access: &Observed, requests: &mut Requests) {
        if !matches!(access.kind, AccessKind::Load | AccessKind::Store) {
            return;
        }
        let (set, tag) = self.place(access.pc);
        let ways = self.config.ways as usize;
        let first = set * ways;
        let found = self.entries[first..][..ways].iter().position(|entry| entry.tag == tag);
        let Some(way) = found else { return self.begin(set, tag, access.line) };
        if self.entries[first + way].last == access.line {
            return;
        }
        self.policy.touch(set, way);
        let stride = i64::from(self.train(first + way, access.line));
        let skipped = i64::from(self.config.distance);
        (1..=i64::from(self.config.degree)).for_each(|n| requests.push((skipped + n) * stride));
    }

    /// Without the state of the replacement policy.
    fn storage_bits(&self) -> u64 {
        let stride = 1 + u64::from(self.pages.lines().ilog2());
        let counters = u64::from(self.config.tag_bits + self.config.confidence_bits);
        let valid = 1;
        u64::from(self.config.entries) * (valid + counters + stride + self.pages.line_bits())
    }
}

impl Stride {
    /// The set of an instruction, hashed as in gem5, and its tag.
    #[inline]
    fn place(&self, pc: VirtAddr) -> (usize, u32) {
        let sets = self.config.sets();
        let number = pc.0 >> 1;
        let above = number >> sets.ilog2();
        let set = (number ^ above) & u64::from(sets - 1);
        (set as usize, (above & ((1 << self.config.tag_bits) - 1)) as u32)
    }

    /// Starts to follow an instruction.
    fn begin(&mut self, set: usize, tag: u32, last: LineAddr) {
        let ways = self.config.ways as usize;
        let held = &self.entries[set * ways..][..ways];
        let unused = held.iter().position(|entry| entry.tag == Entry::UNUSED);
        let way = unused.unwrap_or_else(|| self.policy.victim(set));
        let confidence = self.config.initial_confidence as u8;
        self.entries[set * ways + way] = Entry { tag, confidence, stride: 0, last };
        self.policy.fill(set, way);
    }

    /// Takes in the next line of an instruction; returns the stride that is trusted, else zero.
    #[inline]
    fn train(&mut self, index: usize, line: LineAddr) -> i16 {
        let threshold = self.config.confidence_threshold;
        let top = self.config.top_confidence() as u8;
        let entry = &mut self.entries[index];
        let step = line.0.wrapping_sub(entry.last.0).cast_signed();
        let near = step.unsigned_abs() < self.pages.lines().unsigned_abs();
        let step = if near { step as i16 } else { 0 };
        entry.last = line;
        if step == entry.stride && step != 0 {
            entry.confidence = (entry.confidence + 1).min(top);
        } else {
            entry.confidence = entry.confidence.saturating_sub(1);
            if u32::from(entry.confidence) < threshold {
                entry.stride = step;
            }
        }
        if u32::from(entry.confidence) >= threshold { entry.stride } else { 0 }
    }
}

#[cfg(test)]
mod tests;
