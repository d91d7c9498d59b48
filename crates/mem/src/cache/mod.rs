//! One set-associative, write-back, write-allocate cache: tags and line states, no data.

mod hints;
mod pollution;
mod stats;
mod tags;

pub use stats::{AccessKind, CacheStats, PrefetchStats, RestoredStats};
pub(crate) use tags::{Mark, Slot, State, Victim};

use pollution::Displaced;

use crate::occupancy::{Mshrs, Port};
use crate::prefetch::{Observed, Pages, Policy as Prefetcher, Requests};
use crate::replacement::Policy;
use crate::{CacheConfig, Cycle, Inclusion};
use ::stream::LineAddr;
use tags::Tags;

/// A cache of one level.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    tags: Tags,
    pub(crate) latency: Latency,
    /// It holds all that the levels above it hold.
    pub(crate) inclusive: bool,
    /// It is filled by what leaves the levels above it, and gives up a line that moves up.
    pub(crate) exclusive: bool,
    /// Outstanding misses.
    pub(crate) mshrs: Mshrs,
    /// Changed lines on their way to the next level; they never merge.
    pub(crate) write_buffer: Mshrs,
    /// The lookups of each bank, neighbouring lines in different ones; none where lookups never
    /// meet.
    banks: Vec<Port>,
    prefetcher: Option<Box<Attached>>,
    /// Lines that prefetches displaced.
    displaced: Displaced,
    pub(crate) stats: CacheStats,
    /// Lines that a restoration unit had fetched.
    pub(crate) restored: RestoredStats,
}

/// A prefetcher and what it asked for last.
#[derive(Clone, Debug)]
struct Attached {
    policy: Prefetcher,
    requests: Requests,
    /// The policy when it had seen nothing.
    fresh: Prefetcher,
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
            inclusive: config.inclusion == Inclusion::Inclusive,
            exclusive: config.inclusion == Inclusion::Exclusive,
            mshrs: Mshrs::new(config.mshrs, config.mshr_targets),
            write_buffer: Mshrs::buffers(config.write_buffers),
            // Each made anew: a copy would not have the room that its list begins with.
            banks: (0..config.banks.unwrap_or(0)).map(|_| Port::new(1)).collect(),
            prefetcher: config.prefetcher.as_ref().map(|prefetcher| {
                let requests = Requests::new(Pages::of_lines(line_bytes));
                let fresh = Prefetcher::new(prefetcher, line_bytes);
                Box::new(Attached { policy: fresh.clone(), requests, fresh })
            }),
            displaced: Displaced::default(),
            stats: CacheStats::default(),
            restored: RestoredStats::default(),
        }
    }

    /// Looks `line` up for a demand access that comes from above, counts it, and uses it if it is there.
    #[inline(always)]
    pub(crate) fn look_up(&mut self, line: LineAddr, kind: AccessKind) -> Option<Slot> {
        let slot = self.tags.find_another(line);
        self.count_look_up(line, kind, slot);
        slot
    }

    /// Counts a look-up of `line` for a demand access, and uses the slot it was found in.
    #[inline]
    pub(crate) fn count_look_up(&mut self, line: LineAddr, kind: AccessKind, found: Option<Slot>) {
        match found {
            Some(slot) => {
                self.stats.hits[kind].inc();
                self.tags.touch(slot);
            }
            None => {
                self.stats.misses[kind].inc();
                self.stats.prefetch.polluting.add(u64::from(self.displaced.take(line)));
            }
        }
    }

    /// Uses `line`, which lies in `slot`, if it is not on its way at `now`, may be used as it is, and its
    /// use says nothing to prefetchers; returns whether it does, and does nothing if not. Where no time
    /// passes there is no `now`, and nothing is on its way.
    #[inline(always)]
    pub(crate) fn plain_hit(
        &mut self,
        (line, slot): (LineAddr, Slot),
        kind: AccessKind,
        now: Option<Cycle>,
    ) -> bool {
        let Some(state) = self.plain_state(slot, kind) else { return false };
        let there =
            now.is_none_or(|now| self.banks.is_empty() && !self.mshrs.is_outstanding(line, now));
        if there {
            self.stats.hits[kind].inc();
            self.tags.touch_to_repeat(slot, line, state);
        }
        there
    }

    /// The same for a line whose use in this way changes nothing any more, and that is known not to be on
    /// its way without a search.
    #[inline(always)]
    pub(crate) fn plain_repeat(
        &mut self,
        line: LineAddr,
        kind: AccessKind,
        now: Option<Cycle>,
    ) -> bool {
        let there = |now| self.banks.is_empty() && !self.mshrs.may_be_outstanding(line, now);
        let repeats = self.repeats(line, kind) && now.is_none_or(there);
        if repeats {
            self.stats.hits[kind].inc();
        }
        repeats
    }

    #[inline(always)]
    fn repeats(&self, line: LineAddr, kind: AccessKind) -> bool {
        self.tags.repeats(line, kind == AccessKind::Store)
    }

    /// The state of the line in `slot` if it may be used as it is and its use says nothing to prefetchers.
    #[inline(always)]
    fn plain_state(&self, slot: Slot, kind: AccessKind) -> Option<State> {
        let may_be = |state: &State| kind != AccessKind::Store || *state == State::Modified;
        self.tags.unmarked(slot).filter(may_be)
    }

    /// [`Cache::look_up`] for a prefetch of the level above.
    #[inline(always)]
    pub(crate) fn look_up_prefetch(&mut self, line: LineAddr) -> Option<Slot> {
        let slot = self.tags.find_another(line);
        match slot {
            Some(slot) => {
                self.stats.prefetch.hits.inc();
                self.tags.touch(slot);
            }
            None => self.stats.prefetch.misses.inc(),
        }
        slot
    }

    /// Whether this is the first use of a line that was prefetched; counts it.
    #[inline]
    pub(crate) fn first_use(&mut self, slot: Slot) -> bool {
        self.take_mark(slot) != Mark::None
    }

    /// How the line was prefetched, if this is its first use; counts it.
    #[inline]
    pub(crate) fn take_mark(&mut self, slot: Slot) -> Mark {
        let mark = self.tags.first_use(slot);
        if mark != Mark::None {
            self.stats.prefetch.useful.inc();
            self.restored.used(mark);
        }
        mark
    }

    /// When a lookup of `line` that comes at `at` gets its bank, without taking it.
    #[inline]
    pub(crate) fn bank_free(&self, line: LineAddr, at: Cycle) -> Cycle {
        if self.banks.is_empty() {
            return at;
        }
        self.banks[line.0 as usize & (self.banks.len() - 1)].earliest(at)
    }

    /// Takes the bank of `line` for a lookup that comes at `at`; returns when it gets it.
    #[inline]
    pub(crate) fn take_bank(&mut self, line: LineAddr, at: Cycle) -> Cycle {
        if self.banks.is_empty() {
            return at;
        }
        let bank = line.0 as usize & (self.banks.len() - 1);
        let start = self.banks[bank].transfer(at);
        self.stats.bank_conflicts.add(start - at);
        start
    }

    /// `line` will be looked up soon.
    #[inline(always)]
    pub(crate) fn expect(&self, line: LineAddr) {
        self.tags.expect(line);
    }

    /// The place of `line`, without using it, where that is most often another than was used last.
    #[inline(always)]
    pub(crate) fn find_another(&self, line: LineAddr) -> Option<Slot> {
        self.tags.find_another(line)
    }

    /// The place of `line`, without using it.
    #[inline]
    pub(crate) fn find(&self, line: LineAddr) -> Option<Slot> {
        self.tags.find(line)
    }

    /// Whether `line` may be there, as far as can be told without a search.
    #[inline(always)]
    pub(crate) fn may_hold(&self, line: LineAddr) -> bool {
        self.tags.may_hold(line)
    }

    /// Whether `line` is there.
    #[inline(always)]
    pub(crate) fn holds(&self, line: LineAddr) -> bool {
        self.may_hold(line) && self.find(line).is_some()
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
    pub(crate) fn fill(&mut self, line: LineAddr, state: State, mark: Mark) -> Option<Victim> {
        let victim = self.tags.insert(line, state, mark);
        if mark != Mark::None {
            self.displaced.take(line);
        }
        if let Some(victim) = &victim {
            self.stats.evictions.inc();
            self.count_unused(victim.mark);
            if mark != Mark::None && victim.mark == Mark::None {
                self.displaced.put(victim.line);
            }
        }
        victim
    }

    /// Counts a line that leaves as what its mark says.
    #[inline]
    fn count_unused(&mut self, mark: Mark) {
        if mark != Mark::None {
            self.count_useless(mark);
        }
    }

    fn count_useless(&mut self, mark: Mark) {
        let from_memory = matches!(mark, Mark::UnusedFromMemory | Mark::RestoredFromMemory);
        self.stats.prefetch.useless.inc();
        self.stats.prefetch.useless_from_memory.add(u64::from(from_memory));
        self.restored.unused.add(u64::from(mark.is_restored()));
    }

    /// Takes a changed line from the level above; returns the line that had to leave for it.
    pub(crate) fn receive(&mut self, line: LineAddr) -> Option<Victim> {
        self.stats.write_backs_received.inc();
        match self.tags.find_another(line) {
            Some(slot) => {
                self.tags.touch(slot);
                self.tags.set_state(slot, State::Modified);
                None
            }
            None => self.fill(line, State::Modified, Mark::None),
        }
    }

    /// Takes an unchanged line from the level above, which it left; returns the line that had to
    /// leave for it.
    pub(crate) fn receive_clean(&mut self, line: LineAddr, state: State) -> Option<Victim> {
        self.stats.clean_victims_received.inc();
        match self.tags.find_another(line) {
            Some(slot) => {
                self.tags.touch(slot);
                None
            }
            None => self.fill(line, state, Mark::None),
        }
    }

    #[inline]
    pub(crate) fn has_prefetcher(&self) -> bool {
        self.prefetcher.is_some()
    }

    /// Shows an access to the prefetcher, if there is one.
    #[inline]
    pub(crate) fn show(&mut self, access: &Observed) {
        if let Some(prefetcher) = &mut self.prefetcher {
            prefetcher.policy.observe(access, &mut prefetcher.requests);
        }
    }

    /// The line that the prefetcher asked for in this place when it was shown an access.
    #[inline]
    pub(crate) fn wanted(&self, place: usize) -> Option<LineAddr> {
        self.prefetcher.as_ref()?.requests.lines().get(place).copied()
    }

    /// Tells the prefetcher, if there is one, that a line arrives at `at`.
    #[inline]
    pub(crate) fn filled(&mut self, line: LineAddr, at: Cycle, prefetched: bool) {
        if let Some(prefetcher) = &mut self.prefetcher {
            prefetcher.policy.filled(line, at, prefetched);
        }
    }

    /// Drops a line because another cache needs it gone; returns its state.
    pub(crate) fn invalidate(&mut self, slot: Slot) -> State {
        self.stats.invalidations.inc();
        let line = self.tags.remove(slot);
        self.count_unused(line.mark);
        line.state
    }

    /// Gives up a line that moves to a level above; returns its state.
    pub(crate) fn move_up(&mut self, slot: Slot) -> State {
        self.tags.remove(slot).state
    }

    /// The lines it holds, set by set.
    pub(crate) fn held(&self) -> Vec<LineAddr> {
        self.tags.lines().map(|(line, _)| line).collect()
    }

    /// Gives up a line, if it holds it, as one that had to leave.
    pub(crate) fn give_up(&mut self, line: LineAddr) -> Option<Victim> {
        let slot = self.tags.find(line)?;
        let victim = self.tags.remove(slot);
        self.count_unused(victim.mark);
        Some(victim)
    }

    /// Makes the prefetcher, if there is one, forget all accesses.
    pub(crate) fn forget_accesses(&mut self) {
        if let Some(prefetcher) = &mut self.prefetcher {
            prefetcher.policy = prefetcher.fresh.clone();
        }
    }

    /// Prefetched lines that have not been used.
    #[cfg(test)]
    pub(crate) fn unused_prefetches(&self) -> u64 {
        self.tags.unused() as u64
    }

    /// Every line with its state, set by set.
    #[cfg(test)]
    pub(crate) fn lines(&self) -> impl Iterator<Item = (LineAddr, State)> {
        self.tags.lines()
    }
}
