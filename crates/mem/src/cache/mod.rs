//! One set-associative, write-back, write-allocate cache: tags and line states, no data.

mod stats;
mod tags;

pub use stats::{AccessKind, CacheStats};
pub(crate) use tags::{State, Victim};

use crate::CacheConfig;
use crate::occupancy::Mshrs;
use crate::replacement::Policy;
use ::stream::LineAddr;
use tags::{Slot, Tags};

/// A cache of one level.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    tags: Tags,
    pub(crate) latency: Latency,
    pub(crate) inclusive: bool,
    /// Outstanding misses.
    pub(crate) mshrs: Mshrs,
    /// Changed lines on their way to the next level; they never merge.
    pub(crate) write_buffer: Mshrs,
    pub(crate) stats: CacheStats,
}

/// What a cache's arrays and paths take, in cycles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    /// From the request to the data on a hit.
    pub(crate) hit: u64,
    /// From the request to the request of the next level on a miss.
    pub(crate) tag: u64,
    /// From the next level's data to the requester.
    pub(crate) response: u64,
}

impl Cache {
    pub(crate) fn new(config: &CacheConfig, line_bytes: u64) -> Self {
        let (tag, data) = (config.tag_latency_cycles, config.data_latency_cycles);
        let hit = if config.sequential_access { tag + data } else { tag.max(data) };
        let (sets, ways) = (config.sets(line_bytes) as usize, config.ways as usize);
        Self {
            tags: Tags::new(sets, ways, Policy::new(config.replacement, sets, ways)),
            latency: Latency { hit, tag, response: config.response_latency_cycles },
            inclusive: config.inclusion == crate::Inclusion::Inclusive,
            mshrs: Mshrs::new(config.mshrs, config.mshr_targets),
            write_buffer: Mshrs::new(config.write_buffers, 1),
            stats: CacheStats::default(),
        }
    }

    /// Looks `line` up for a demand access, counts it, and uses it if it is there.
    #[inline]
    pub(crate) fn look_up(&mut self, line: LineAddr, kind: AccessKind) -> Option<Slot> {
        let slot = self.tags.find(line);
        match slot {
            Some(slot) => {
                self.stats.hits[kind].inc();
                self.tags.touch(slot);
            }
            None => self.stats.misses[kind].inc(),
        }
        slot
    }

    /// The place of `line`, without using it.
    #[inline]
    pub(crate) fn find(&self, line: LineAddr) -> Option<Slot> {
        self.tags.find(line)
    }

    #[inline]
    pub(crate) fn state(&self, slot: Slot) -> State {
        self.tags.state(slot)
    }

    #[inline]
    pub(crate) fn set_state(&mut self, slot: Slot, state: State) {
        self.tags.set_state(slot, state);
    }

    /// Puts in a line that is not there; returns the line that had to leave.
    pub(crate) fn fill(&mut self, line: LineAddr, state: State) -> Option<Victim> {
        let victim = self.tags.insert(line, state);
        if victim.is_some() {
            self.stats.evictions.inc();
        }
        victim
    }

    /// Takes a changed line from the level above; returns the line that had to leave for it.
    pub(crate) fn receive(&mut self, line: LineAddr) -> Option<Victim> {
        self.stats.write_backs_received.inc();
        match self.tags.find(line) {
            Some(slot) => {
                self.tags.touch(slot);
                self.tags.set_state(slot, State::Modified);
                None
            }
            None => self.fill(line, State::Modified),
        }
    }

    /// Drops a line because another cache needs it gone; returns its state.
    pub(crate) fn invalidate(&mut self, slot: Slot) -> State {
        self.stats.invalidations.inc();
        self.tags.remove(slot)
    }

    /// Every line with its state, set by set.
    #[cfg(test)]
    pub(crate) fn lines(&self) -> impl Iterator<Item = (LineAddr, State)> {
        self.tags.lines()
    }
}
