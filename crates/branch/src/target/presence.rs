//! Which instructions of a 32-byte block a table of branches knows: an index on the host's side, so
//! that a front end finds the first branch of a fetch block without asking for each halfword.
//!
//! It models no hardware and changes no result. Blocks are named as the table sees them, by the
//! address bits that its sets and tags tell apart. Open addressing with linear probing; a block
//! that is emptied closes its gap at once, so lookups stay short for ever.

/// Halfwords of a block, one bit each in a map.
pub(super) const BLOCK_LOG2: u32 = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    block: u32,
    /// The halfwords at which a branch is known; 0 in a free slot.
    map: u16,
}

#[derive(Clone, Debug)]
pub(super) struct Presence {
    slots: Box<[Slot]>,
    /// Leaves as many bits of a hash as number the slots.
    shift: u32,
}

impl Presence {
    /// An empty index that has room for `blocks` of them.
    pub(super) fn new(blocks: usize) -> Self {
        let slots = (2 * blocks).next_power_of_two().max(2);
        let shift = u32::BITS - slots.trailing_zeros();
        Self { slots: vec![Slot::default(); slots].into(), shift }
    }

    /// Where a block would stand if nothing were in its way (multiplicative hashing; Knuth, The Art
    /// of Computer Programming 3, section 6.4).
    #[inline]
    fn home(&self, block: u32) -> usize {
        (block.wrapping_mul(0x9e37_79b1) >> self.shift) as usize
    }

    /// The slot of a block, or the free one where it would go.
    #[inline]
    fn find(&self, block: u32) -> usize {
        let mut at = self.home(block);
        while self.slots[at].map != 0 && self.slots[at].block != block {
            at = self.after(at);
        }
        at
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// The halfwords of a block at which a branch is known.
    #[inline]
    pub(super) fn map(&self, block: u32) -> u16 {
        self.slots[self.find(block)].map
    }

    pub(super) fn add(&mut self, block: u32, halfword: u32) {
        let slot = &mut self.slots[self.find(block)];
        *slot = Slot { block, map: slot.map | 1 << halfword };
    }

    pub(super) fn remove(&mut self, block: u32, halfword: u32) {
        let at = self.find(block);
        let slot = &mut self.slots[at];
        slot.map &= !(1 << halfword);
        if slot.map == 0 {
            self.close(at);
        }
    }

    /// Moves slots that a free one separates from their home into it.
    fn close(&mut self, mut hole: usize) {
        let mask = self.slots.len() - 1;
        let mut at = self.after(hole);
        while self.slots[at].map != 0 {
            let home = self.home(self.slots[at].block);
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[at];
                self.slots[at].map = 0;
                hole = at;
            }
            at = self.after(at);
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(Slot::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::Scatter;
    use std::collections::BTreeMap;

    #[test]
    fn the_index_follows_a_map_through_additions_and_removals() {
        let mut presence = Presence::new(64);
        let mut model: BTreeMap<u32, u16> = BTreeMap::new();
        let mut scatter = Scatter::new(17);
        for _ in 0..50_000 {
            let (block, halfword) = (scatter.next() as u32 % 100 * 77, scatter.next() as u32 % 4);
            let known = model.get(&block).is_some_and(|map| map >> halfword & 1 == 1);
            if known {
                presence.remove(block, halfword);
                *model.entry(block).or_default() &= !(1 << halfword);
                model.retain(|_, map| *map != 0);
            } else if model.len() < 64 {
                presence.add(block, halfword);
                *model.entry(block).or_default() |= 1 << halfword;
            }
            let probe = scatter.next() as u32 % 100 * 77;
            assert_eq!(presence.map(probe), model.get(&probe).copied().unwrap_or(0));
        }
        presence.clear();
        assert!((0..100).all(|block| presence.map(block * 77) == 0));
    }
}
