//! The stores of a wrong path: bytes that it sees in the place of those in RAM.
//!
//! A hash table of 8-byte words by their place in RAM, with a mask of the bytes stored. Words carry
//! the number of the path that stored them, so that forgetting all is counting one up: paths are
//! short and frequent (one every hundred instructions or so), and most store next to nothing.

/// Words the table has room for; a power of two.
const SLOTS: usize = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 10;
/// Most words a path may store to: no reorder buffer holds more stores, and chains stay short.
const MOST: usize = SLOTS * 3 / 4;

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// RAM offset of the word divided by eight.
    word: usize,
    /// The path that stored here; another's slot is free.
    path: u32,
    /// Which of the bytes were stored.
    mask: u8,
    bytes: [u8; 8],
}

const FREE: Slot = Slot { word: 0, path: 0, mask: 0, bytes: [0; 8] };

/// A path stored to more words than an [`Overlay`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// What a wrong path stored.
#[derive(Debug)]
pub(crate) struct Overlay {
    slots: Vec<Slot>,
    /// The current path, from 1 on.
    path: u32,
    used: usize,
}

impl Overlay {
    pub(crate) fn new() -> Self {
        Self { slots: vec![FREE; SLOTS], path: 1, used: 0 }
    }

    /// Forgets all stores.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
        self.path = self.path.wrapping_add(1);
        if self.path == 0 {
            // Slots of as many paths ago would come back to life.
            self.slots.fill(FREE);
            self.path = 1;
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The slot of `word`, or the free one where it would be put.
    fn find(&self, word: usize) -> usize {
        let hash = (word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOT_BITS);
        let mut at = hash as usize;
        // Ends: a quarter of the slots is always free.
        while self.slots[at].path == self.path && self.slots[at].word != word {
            at = (at + 1) % SLOTS;
        }
        at
    }

    /// Replaces in `bytes`, read from RAM at `offset`, what was stored since.
    pub(crate) fn patch(&self, offset: usize, bytes: &mut [u8]) {
        if self.is_empty() || bytes.is_empty() {
            return;
        }
        for word in offset / 8..=(offset + bytes.len() - 1) / 8 {
            let slot = &self.slots[self.find(word)];
            if slot.path != self.path {
                continue;
            }
            for byte in (0..8).filter(|byte| slot.mask >> byte & 1 != 0) {
                let target = (word * 8 + byte).checked_sub(offset);
                if let Some(target) = target.and_then(|at| bytes.get_mut(at)) {
                    *target = slot.bytes[byte];
                }
            }
        }
    }

    /// Stores `bytes` at RAM offset `offset`; stores nothing if there is no room for all.
    pub(crate) fn store(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Full> {
        if self.used + bytes.len() / 8 + 2 > MOST {
            return Err(Full);
        }
        for (at, &byte) in (offset..).zip(bytes) {
            let slot = self.find(at / 8);
            let slot = &mut self.slots[slot];
            if slot.path != self.path {
                *slot = Slot { word: at / 8, path: self.path, ..FREE };
                self.used += 1;
            }
            slot.mask |= 1 << (at % 8);
            slot.bytes[at % 8] = byte;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(overlay: &Overlay, offset: usize, len: usize) -> Vec<u8> {
        let mut bytes = vec![0xee; len];
        overlay.patch(offset, &mut bytes);
        bytes
    }

    #[test]
    fn a_load_sees_exactly_the_bytes_stored() {
        let mut overlay = Overlay::new();
        overlay.store(0x1006, &[1, 2, 3]).unwrap();
        assert_eq!(read(&overlay, 0x1004, 8), [0xee, 0xee, 1, 2, 3, 0xee, 0xee, 0xee]);
        overlay.store(0x1007, &[9]).unwrap();
        assert_eq!(read(&overlay, 0x1007, 1), [9]);
        assert_eq!(read(&overlay, 0x1006, 2), [1, 9]);
        assert_eq!(read(&overlay, 0x1000, 6), [0xee; 6]);
        assert_eq!(read(&overlay, 0x1006 + 8 * SLOTS, 2), [0xee; 2]);
    }

    #[test]
    fn nothing_is_left_after_clearing_even_when_path_numbers_run_out() {
        let mut overlay = Overlay::new();
        overlay.store(64, &[1]).unwrap();
        overlay.clear();
        assert_eq!(read(&overlay, 64, 1), [0xee]);
        overlay.path = u32::MAX;
        overlay.store(72, &[2]).unwrap();
        overlay.clear();
        assert_eq!(overlay.path, 1, "the number of the first path again");
        assert_eq!(read(&overlay, 64, 16), [0xee; 16]);
    }

    #[test]
    fn as_many_words_fit_as_promised_and_then_none_is_stored_in_part() {
        let mut overlay = Overlay::new();
        // A stride of the table's size makes all words collide if the hash were the low bits.
        let stride = 8 * SLOTS;
        let mut stored = 0;
        while overlay.store(stored * stride, &(stored as u64).to_le_bytes()).is_ok() {
            stored += 1;
        }
        assert!((MOST - 3..=MOST).contains(&stored), "{stored}");
        assert_eq!(read(&overlay, stored * stride, 8), [0xee; 8]);
        for at in 0..stored {
            assert_eq!(read(&overlay, at * stride, 8), (at as u64).to_le_bytes());
        }
    }
}
