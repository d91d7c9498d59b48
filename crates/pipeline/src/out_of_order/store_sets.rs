//! Memory dependence prediction by store sets (Chrysos and Emer, "Memory dependence prediction using
//! store sets", ISCA 1998).
//!
//! A load and a store that once met out of order are put into one set; a load waits for the store of
//! its set that was renamed last. Sets are forgotten after a number of memory instructions, as the
//! paper proposes. Left out: order among the stores of one set, which write in program order anyway.

use super::config::LoadStoreConfig;
use super::slot::Name;
use stream::VirtAddr;

const NO_SET: u32 = u32::MAX;

/// The two tables of the predictor.
#[derive(Clone, Debug)]
pub(super) struct StoreSets {
    /// The set of each instruction, by a hash of its address (SSIT).
    sets: Vec<u32>,
    /// The store of each set that was renamed last (LFST).
    last: Vec<Option<Name>>,
    clear_after: u32,
    seen: u32,
    next: u32,
}

impl StoreSets {
    pub(super) fn new(config: &LoadStoreConfig) -> Self {
        Self {
            sets: vec![NO_SET; config.store_set_instructions as usize],
            last: vec![None; config.store_sets as usize],
            clear_after: config.store_set_clear,
            seen: 0,
            next: 0,
        }
    }

    fn index(&self, pc: VirtAddr) -> usize {
        // Instructions are two bytes at least.
        (pc.0 >> 1) as usize & (self.sets.len() - 1)
    }

    fn count(&mut self) {
        self.seen += 1;
        if self.seen >= self.clear_after {
            self.seen = 0;
            self.sets.fill(NO_SET);
            self.last.fill(None);
        }
    }

    /// The store that the load at `pc` should wait for.
    pub(super) fn load(&mut self, pc: VirtAddr) -> Option<Name> {
        self.count();
        match self.sets[self.index(pc)] {
            NO_SET => None,
            set => self.last[set as usize],
        }
    }

    /// The store at `pc` was renamed.
    pub(super) fn store(&mut self, pc: VirtAddr, name: Name) {
        self.count();
        let set = self.sets[self.index(pc)];
        if set != NO_SET {
            self.last[set as usize] = Some(name);
        }
    }

    /// A load went before a store it depended on: both go into the set of the one that has one, or the
    /// lower of two, or a new one.
    pub(super) fn violated(&mut self, load: VirtAddr, store: VirtAddr) {
        let (load, store) = (self.index(load), self.index(store));
        let set = match (self.sets[load], self.sets[store]) {
            (NO_SET, NO_SET) => {
                self.next = (self.next + 1) % self.last.len() as u32;
                self.next
            }
            (set, NO_SET) | (NO_SET, set) => set,
            (one, other) => one.min(other),
        };
        self.sets[load] = set;
        self.sets[store] = set;
    }

    /// Bits of storage, with positions in the store queue for the stores.
    pub(super) fn storage_bits(&self, store_queue: u32) -> u64 {
        let set = u64::from(usize::BITS - (self.last.len() - 1).leading_zeros());
        let store = u64::from(u32::BITS - (store_queue - 1).leading_zeros());
        self.sets.len() as u64 * (set + 1) + self.last.len() as u64 * (store + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(clear: u32) -> StoreSets {
        StoreSets::new(&LoadStoreConfig {
            load_queue: 8,
            store_queue: 8,
            forward_cycles: 1,
            stores_per_cycle: 1,
            store_set_instructions: 64,
            store_sets: 4,
            store_set_clear: clear,
        })
    }

    #[test]
    fn a_load_waits_for_its_store_only_after_they_met() {
        let mut sets = sets(1000);
        let (load, store) = (VirtAddr(0x100), VirtAddr(0x204));
        let name = Name { place: 7, serial: 9 };
        sets.store(store, name);
        assert_eq!(sets.load(load), None);
        sets.violated(load, store);
        sets.store(store, name);
        assert_eq!(sets.load(load), Some(name));
        assert_eq!(sets.load(VirtAddr(0x102)), None, "another load");
    }

    #[test]
    fn sets_that_meet_become_one() {
        let mut sets = sets(1000);
        let pcs = [0x10, 0x12, 0x14, 0x16].map(VirtAddr);
        sets.violated(pcs[0], pcs[1]);
        sets.violated(pcs[2], pcs[3]);
        sets.violated(pcs[0], pcs[3]);
        let name = Name { place: 1, serial: 1 };
        sets.store(pcs[3], name);
        assert_eq!(sets.load(pcs[0]), Some(name));
    }

    #[test]
    fn sets_are_forgotten_after_the_interval() {
        let mut sets = sets(4);
        let (load, store) = (VirtAddr(0x100), VirtAddr(0x204));
        sets.violated(load, store);
        let name = Name { place: 1, serial: 1 };
        sets.store(store, name);
        assert_eq!(sets.load(load), Some(name), "two seen");
        sets.store(store, name);
        assert_eq!(sets.load(load), None, "the fourth clears");
    }
}
