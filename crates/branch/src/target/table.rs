//! A set-associative table of branches, the building block of the branch target buffers here.
//!
//! A halfword address selects a set by its low bits and is told from others by the tag bits above
//! them. Addresses that differ only higher up are the same to it: a hit may belong to another
//! branch, or to no branch at all, as in hardware. Entries are not tagged with address spaces.

use super::presence::{BLOCK_LOG2, Presence};
use super::{BtbHit, LevelConfig, TARGET_BITS};
use crate::Problems;
use crate::bits::{low, site_bits};
use stream::{BranchKind, VirtAddr};

const KIND_BITS: u64 = 3;
/// Two or four bytes.
const LENGTH_BITS: u64 = 1;
/// The tag of an entry that holds nothing; no tag is that wide.
const FREE: u32 = u32::MAX;
const MAX_TAG_BITS: u32 = 30;
const MIN_TAG_BITS: u32 = 4;

#[derive(Clone, Copy, Debug)]
struct Entry {
    target: VirtAddr,
    kind: BranchKind,
    length: u8,
    /// When it was used last, in uses of the table.
    used: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    set_bits: u32,
    tag_bits: u32,
    /// The address bits that the table knows, set and tag.
    known_mask: u64,
    set_mask: u64,
    ways: usize,
    latency_cycles: u32,
    tags: Box<[u32]>,
    entries: Box<[Entry]>,
    uses: u64,
    presence: Presence,
}

impl Table {
    /// Notes what cannot be; `path` is what precedes the parameters' names.
    pub(super) fn validate(config: &LevelConfig, path: &str, problems: &mut Problems) {
        let at = |name: &str| format!("{path}{name}");
        problems.range(&at("entries"), config.entries, 1, 1 << 20);
        problems.range(&at("ways"), config.ways, 1, config.entries.clamp(1, 1024));
        problems.range(&at("tag_bits"), config.tag_bits, MIN_TAG_BITS, MAX_TAG_BITS);
        problems.range(&at("latency_cycles"), config.latency_cycles, 0, 64);
        let sets = config.entries / config.ways.max(1);
        let whole = config.ways * sets == config.entries && sets.is_power_of_two();
        problems.require(whole || config.ways == 0, &at("entries"), || {
            format!("is {}, must be a power of two of sets of {}", config.entries, config.ways)
        });
        let known = config.tag_bits.saturating_add(sets.max(1).ilog2());
        problems.require(known <= u32::BITS + BLOCK_LOG2, &at("tag_bits"), || {
            format!("is {}, must tell at most 36 bits with the set's", config.tag_bits)
        });
    }

    pub(super) fn new(config: &LevelConfig) -> Self {
        let count = config.entries as usize;
        let free = Entry { target: VirtAddr(0), kind: BranchKind::Jump, length: 0, used: 0 };
        let set_bits = (config.entries / config.ways).ilog2();
        Self {
            set_bits,
            tag_bits: config.tag_bits,
            known_mask: low(u64::MAX, set_bits + config.tag_bits),
            set_mask: low(u64::MAX, set_bits),
            ways: config.ways as usize,
            latency_cycles: config.latency_cycles,
            tags: vec![FREE; count].into(),
            entries: vec![free; count].into(),
            uses: 0,
            presence: Presence::new(count),
        }
    }

    /// The address bits that the table knows, set and tag.
    #[inline]
    fn known(&self, halfword: u64) -> u64 {
        halfword & self.known_mask
    }

    #[inline]
    fn first_way(&self, known: u64) -> usize {
        (known & self.set_mask) as usize * self.ways
    }

    #[inline]
    fn find(&self, pc: VirtAddr) -> Option<usize> {
        let known = self.known(site_bits(pc));
        let (first, tag) = (self.first_way(known), (known >> self.set_bits) as u32);
        let way = self.tags[first..first + self.ways].iter().position(|it| *it == tag)?;
        Some(first + way)
    }

    #[inline]
    pub(super) fn look_up(&self, pc: VirtAddr) -> Option<BtbHit> {
        let entry = &self.entries[self.find(pc)?];
        let latency_cycles = self.latency_cycles;
        Some(BtbHit {
            target: entry.target,
            kind: entry.kind,
            length: entry.length,
            latency_cycles,
        })
    }

    /// The halfwords around `halfword` at which it hits: bit 0 is that of the aligned 32 bytes' start.
    #[inline]
    pub(super) fn map(&self, halfword: u64) -> u16 {
        self.presence.map((self.known(halfword) >> BLOCK_LOG2) as u32)
    }

    /// Makes the entry of `pc` the latest used of its set; whether there is one.
    pub(super) fn touch(&mut self, pc: VirtAddr) -> bool {
        let Some(at) = self.find(pc) else { return false };
        self.uses += 1;
        self.entries[at].used = self.uses;
        true
    }

    pub(super) fn insert(&mut self, pc: VirtAddr, kind: BranchKind, target: VirtAddr, length: u8) {
        self.uses += 1;
        let fresh = Entry { target, kind, length, used: self.uses };
        match self.find(pc) {
            Some(at) => self.entries[at] = fresh,
            None => self.insert_new(pc, fresh),
        }
    }

    #[inline(never)]
    fn insert_new(&mut self, pc: VirtAddr, fresh: Entry) {
        let known = self.known(site_bits(pc));
        let at = self.victim(self.first_way(known));
        self.free(at);
        self.presence.add((known >> BLOCK_LOG2) as u32, low(known, BLOCK_LOG2) as u32);
        self.tags[at] = (known >> self.set_bits) as u32;
        self.entries[at] = fresh;
    }

    /// A free way of a set, or the one that was not used for longest.
    fn victim(&self, first: usize) -> usize {
        let ways = first..first + self.ways;
        let free = ways.clone().find(|at| self.tags[*at] == FREE);
        free.or_else(|| ways.min_by_key(|at| self.entries[*at].used)).expect("a set has a way")
    }

    fn free(&mut self, at: usize) {
        if self.tags[at] != FREE {
            let known = u64::from(self.tags[at]) << self.set_bits | (at / self.ways) as u64;
            self.presence.remove((known >> BLOCK_LOG2) as u32, low(known, BLOCK_LOG2) as u32);
            self.tags[at] = FREE;
        }
    }

    pub(super) fn remove(&mut self, pc: VirtAddr) {
        if let Some(at) = self.find(pc) {
            self.free(at);
        }
    }

    pub(super) fn flush(&mut self) {
        self.tags.fill(FREE);
        self.presence.clear();
        self.uses = 0;
    }

    /// Valid bit, tag, kind, target and rank among the ways of each entry.
    pub(super) fn storage_bits(&self) -> u64 {
        let rank = u64::from(self.ways.next_power_of_two().trailing_zeros());
        let entry = 1 + u64::from(self.tag_bits) + KIND_BITS + LENGTH_BITS + TARGET_BITS + rank;
        entry * self.entries.len() as u64
    }
}
