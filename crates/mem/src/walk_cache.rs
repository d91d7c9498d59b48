//! Caches of upper page-table levels, which let a page walk begin near its end.
//!
//! The split translation caches of T. W. Barr, A. L. Cox and S. Rixner, "Translation caching: skip,
//! don't walk (the page table)", ISCA 2010, which Intel calls paging-structure caches: one small
//! cache a level, looked up side by side with the upper bits of the virtual address. An entry says
//! where the table of the next level lies; the longest match decides what is left to read. Leaf
//! entries are not kept here, TLBs do that.
//!
//! An entry is named by the reach of the table it leads to, counted from the leaves, so that one
//! configuration serves Sv39, Sv48 and Sv57 of the RISC-V privileged architecture: each level
//! translates 9 bits above the 12 of a page. A walk that ends at a large page reads no further
//! and leaves the caches of shorter reach alone.
//!
//! Fences that name a page leave these caches alone: `SFENCE.VMA` with an address orders accesses to
//! leaf entries only (its section of the privileged architecture), and software that changes upper
//! entries has to fence whole address spaces.
//!
//! Left out: caches of table entries by physical address (the page walk caches of AMD; in gem5 a
//! cache in front of the walker); global upper entries, which the walk does not tell from others;
//! ports. A hit among several levels uses only the entry of the shortest reach.

use crate::Problems;
use crate::replacement::{Policy, ReplacementKind};
use serde::{Deserialize, Serialize};
use stats::{Counter, Kind, PerKind, Stats};
use std::ops::Range;
use stream::{FlushScope, Page, VirtAddr, Walk};

/// Caches of upper page-table levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkCacheConfig {
    /// Entries for each table level above the leaves, the root first; the last is for entries that
    /// lead to leaf tables. Zero for a level without a cache, as are those that are not listed.
    pub entries: Vec<u32>,
    /// Entries in a set; caches with fewer entries are fully associative.
    pub ways: u32,
    /// Time a lookup adds to a walk.
    pub latency_cycles: u64,
    /// How a victim is chosen.
    #[serde(default)]
    pub replacement: ReplacementKind,
}

impl WalkCacheConfig {
    /// Notes what is wrong, with paths below `path`.
    pub fn validate(&self, path: &str, problems: &mut Problems) {
        let at = |key: &str| format!("{path}.{key}");
        let levels = self.entries.len();
        problems.require((1..=Reach::COUNT).contains(&levels), &at("entries"), || {
            format!("{levels} levels are not from 1 to {}", Reach::COUNT)
        });
        problems.require((1..=64).contains(&self.ways), &at("ways"), || {
            format!("{} is not from 1 to 64", self.ways)
        });
        for &entries in &self.entries {
            let ways = self.ways.min(entries).max(1);
            let sets = entries / ways;
            let fine = entries == 0 || sets.is_power_of_two() && sets * ways == entries;
            problems.require(fine && entries <= 65_536, &at("entries"), || {
                format!("{entries} entries in {ways} ways do not give a power of two of sets")
            });
            self.replacement.validate(&at("replacement"), ways, problems);
        }
        problems.require(self.latency_cycles <= 10_000, &at("latency_cycles"), || {
            format!("{} is above 10000", self.latency_cycles)
        });
    }
}

/// What the table that an upper entry leads to can map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Kind)]
pub enum Reach {
    /// 2 MiB: a table of leaves for pages of 4 KiB.
    Mib2,
    /// 1 GiB.
    Gib1,
    /// 512 GiB, all of Sv39: the root's entries with Sv48.
    Gib512,
    /// 256 TiB, all of Sv48: the root's entries with Sv57.
    Tib256,
}

impl Reach {
    const COUNT: usize = Walk::MAX_LEVELS - 1;
    const ALL: [Self; Self::COUNT] = [Self::Mib2, Self::Gib1, Self::Gib512, Self::Tib256];
}

/// Counters of the caches of upper page-table levels.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct WalkCacheStats {
    /// Walks that found an upper entry, by the reach of the table it leads to.
    #[stat(unit = "walks")]
    pub hits: PerKind<Reach>,
    /// Walks that found none and began at the root.
    #[stat(unit = "walks")]
    pub misses: Counter,
    /// Entries dropped by fences of address translation.
    #[stat(unit = "entries")]
    pub flushed: Counter,
}

/// An upper table entry, named by what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// The upper bits of the virtual addresses it translates.
    prefix: u64,
    asid: u16,
    valid: bool,
}

/// The cache of one level.
#[derive(Clone, Debug)]
struct LevelCache {
    entries: Vec<Entry>,
    ways: usize,
    policy: Policy,
}

impl LevelCache {
    fn new(entries: u32, config: &WalkCacheConfig) -> Self {
        let ways = config.ways.min(entries).max(1) as usize;
        let sets = entries as usize / ways;
        Self {
            entries: vec![Entry { prefix: 0, asid: 0, valid: false }; entries as usize],
            ways,
            policy: Policy::new(config.replacement, sets, ways),
        }
    }

    fn set(&self, prefix: u64) -> usize {
        prefix as usize & (self.entries.len() / self.ways - 1)
    }

    /// Looks an entry up and uses it if it is there.
    fn look_up(&mut self, wanted: Entry) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        let set = self.set(wanted.prefix);
        let held = &self.entries[set * self.ways..][..self.ways];
        let way = held.iter().position(|entry| *entry == wanted);
        way.inspect(|way| self.policy.touch(set, *way)).is_some()
    }

    /// Puts an entry in unless it is there.
    fn insert(&mut self, new: Entry) {
        if self.entries.is_empty() {
            return;
        }
        let set = self.set(new.prefix);
        let held = &mut self.entries[set * self.ways..][..self.ways];
        if held.contains(&new) {
            return;
        }
        let unused = held.iter().position(|entry| !entry.valid);
        let way = unused.unwrap_or_else(|| self.policy.victim(set));
        held[way] = new;
        self.policy.fill(set, way);
    }

    /// Drops entries of one address space, or all; returns how many.
    fn flush(&mut self, asid: Option<u16>) -> u64 {
        let mut dropped = 0;
        for entry in &mut self.entries {
            if entry.valid && asid.is_none_or(|asid| entry.asid == asid) {
                entry.valid = false;
                dropped += 1;
            }
        }
        dropped
    }
}

/// The caches of upper page-table levels of one hart.
#[derive(Clone, Debug)]
pub struct WalkCache {
    /// By reach, the shortest first.
    levels: [LevelCache; Reach::COUNT],
    latency: u64,
    /// Levels of the tables in use, as the latest walk that found a page showed.
    depth: usize,
    stats: WalkCacheStats,
}

impl WalkCache {
    /// Empty caches. The configuration is valid.
    #[must_use]
    pub fn new(config: &WalkCacheConfig) -> Self {
        let from_leaves = |level| config.entries.iter().rev().nth(level).copied().unwrap_or(0);
        Self {
            levels: std::array::from_fn(|level| LevelCache::new(from_leaves(level), config)),
            latency: config.latency_cycles,
            depth: 0,
            stats: WalkCacheStats::default(),
        }
    }

    /// Time a lookup adds to a walk.
    #[must_use]
    pub fn latency_cycles(&self) -> u64 {
        self.latency
    }

    /// What it counted.
    #[must_use]
    pub fn stats(&self) -> &WalkCacheStats {
        &self.stats
    }

    /// Looks up what is left to read of a walk, and counts it: the index in [`Walk::entries`] of the
    /// first entry that must be read.
    pub fn first_read(&mut self, va: VirtAddr, asid: u16, walk: &Walk) -> usize {
        let reads = walk.entries().len();
        for level in self.upper_levels(walk) {
            if self.levels[level - 1].look_up(Self::entry(va, asid, level)) {
                self.stats.hits[Reach::ALL[level - 1]].inc();
                return reads - (level - self.last_level(walk));
            }
        }
        self.stats.misses.inc();
        0
    }

    /// Remembers the upper entries of a walk. Called when it has read them.
    pub fn insert(&mut self, va: VirtAddr, asid: u16, walk: &Walk) {
        for level in self.upper_levels(walk) {
            self.levels[level - 1].insert(Self::entry(va, asid, level));
        }
    }

    /// Drops entries.
    pub fn flush(&mut self, scope: FlushScope) {
        let asid = match scope {
            FlushScope::All => None,
            FlushScope::Asid(asid) => Some(asid),
            // These order leaf entries only.
            FlushScope::Page(_) | FlushScope::PageAsid(..) => return,
        };
        let dropped: u64 = self.levels.iter_mut().map(|level| level.flush(asid)).sum();
        self.stats.flushed.add(dropped);
    }

    /// The entry that `va` goes through at a level, leaves being level 0.
    fn entry(va: VirtAddr, asid: u16, level: usize) -> Entry {
        Entry { prefix: va.0 >> (12 + 9 * level), asid, valid: true }
    }

    /// The levels of the entries that a walk reads on its way to the last one, the longest prefix
    /// first; none of a walk into a fault before the depth of the tables is known.
    fn upper_levels(&mut self, walk: &Walk) -> Range<usize> {
        let reads = walk.entries().len();
        if let Some(page) = walk.page {
            self.depth = (reads + Self::leaf_level(page)).min(Walk::MAX_LEVELS);
        }
        if self.depth == 0 {
            return 1..1;
        }
        let last = self.last_level(walk);
        last + 1..(last + reads).min(Walk::MAX_LEVELS)
    }

    /// The level of the last entry that a walk reads: above 0 if it ends at a large page. A walk that
    /// ends in a fault does not show it, so the tables are taken to be as deep as before.
    fn last_level(&self, walk: &Walk) -> usize {
        match walk.page {
            Some(page) => Self::leaf_level(page),
            None => self.depth.saturating_sub(walk.entries().len()),
        }
    }

    fn leaf_level(page: Page) -> usize {
        usize::from(page.size_log2.saturating_sub(12)) / 9
    }
}

#[cfg(test)]
mod tests;
