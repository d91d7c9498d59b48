//! What was recorded of a trap level: a circular history of regions, and where in it a trigger was last.

use super::regions::Region;

/// Ways of a set of the index.
pub(super) const WAYS: usize = 4;

/// History and index.
#[derive(Clone, Debug)]
pub(super) struct History {
    capacity: usize,
    /// Grows to its capacity, and wraps then.
    regions: Vec<Region>,
    /// Regions that were ever recorded: where the next one goes.
    recorded: u64,
    index: Index,
}

impl History {
    pub(super) fn new(regions: u64, index: u64) -> Self {
        let capacity = regions as usize;
        Self { capacity, regions: Vec::new(), recorded: 0, index: Index::new(index as usize) }
    }

    pub(super) fn record(&mut self, region: Region) {
        let place = (self.recorded % self.capacity as u64) as usize;
        match self.regions.get_mut(place) {
            Some(old) => *old = region,
            None => self.regions.push(region),
        }
        self.index.insert(region.trigger, self.recorded);
        self.recorded += 1;
    }

    /// The position of the region that `trigger` last began.
    pub(super) fn find(&mut self, trigger: u64) -> Option<u64> {
        let position = self.index.find(trigger)?;
        self.get(position).map(|_| position)
    }

    /// The region at a position, while it is not overwritten.
    pub(super) fn get(&self, position: u64) -> Option<Region> {
        let oldest = self.recorded.saturating_sub(self.capacity as u64);
        let there = (oldest..self.recorded).contains(&position);
        there.then(|| self.regions[(position % self.capacity as u64) as usize])
    }

    pub(super) fn clear(&mut self) {
        self.regions.clear();
        self.recorded = 0;
        self.index.clear();
    }
}

/// Set-associative, least recently used.
#[derive(Clone, Debug)]
struct Index {
    /// For each set its entries, the latest first.
    entries: Vec<Option<Entry>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    trigger: u64,
    position: u64,
}

impl Index {
    fn new(entries: usize) -> Self {
        Self { entries: vec![None; entries.next_multiple_of(WAYS)] }
    }

    fn set(&mut self, trigger: u64) -> &mut [Option<Entry>] {
        let sets = (self.entries.len() / WAYS) as u64;
        let set = (trigger % sets) as usize;
        &mut self.entries[set * WAYS..][..WAYS]
    }

    fn find(&mut self, trigger: u64) -> Option<u64> {
        let set = self.set(trigger);
        let way = set.iter().position(|entry| entry.is_some_and(|it| it.trigger == trigger))?;
        set[..=way].rotate_right(1);
        set[0].map(|entry| entry.position)
    }

    fn insert(&mut self, trigger: u64, position: u64) {
        let set = self.set(trigger);
        let known = set.iter().position(|entry| entry.is_some_and(|it| it.trigger == trigger));
        let way = known.unwrap_or(WAYS - 1);
        set[..=way].rotate_right(1);
        set[0] = Some(Entry { trigger, position });
    }

    fn clear(&mut self) {
        self.entries.fill(None);
    }
}
