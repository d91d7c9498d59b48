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
    /// Ones where bytes were stored.
    mask: u64,
    /// The bytes, each in its place.
    bytes: u64,
}

const FREE: Slot = Slot { word: 0, path: 0, mask: 0, bytes: 0 };

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
        if self.is_empty() {
            return;
        }
        for (word, range) in words(offset, bytes.len()) {
            let slot = &self.slots[self.find(word)];
            if slot.path != self.path {
                continue;
            }
            let first = (offset + range.start) % 8;
            let part = &mut bytes[range];
            let read = from_bytes(part) << (8 * first);
            let patched = (read & !slot.mask | slot.bytes) >> (8 * first);
            part.copy_from_slice(&patched.to_le_bytes()[..part.len()]);
        }
    }

    /// `value`, which was read at `offset` and does not leave its word of eight, with what was stored
    /// since. Its bytes above those read are of no meaning.
    #[inline]
    pub(crate) fn patched(&self, offset: usize, value: u64) -> u64 {
        if self.is_empty() {
            return value;
        }
        let slot = &self.slots[self.find(offset / 8)];
        if slot.path != self.path {
            return value;
        }
        let shift = offset % 8 * 8;
        value & !(slot.mask >> shift) | slot.bytes >> shift
    }

    /// Stores `bytes` at RAM offset `offset`; stores nothing if there is no room for all.
    pub(crate) fn store(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Full> {
        self.make_room(bytes.len())?;
        for (word, range) in words(offset, bytes.len()) {
            let first = (offset + range.start) % 8;
            let part = &bytes[range];
            self.put(word, from_bytes(part) << (8 * first), ones(part.len()) << (8 * first));
        }
        Ok(())
    }

    /// Stores the low `size` bytes of `value` at RAM offset `offset`, which do not leave their word of
    /// eight; the others are zero. As [`Overlay::store`].
    #[inline]
    pub(crate) fn store_in_word(
        &mut self,
        offset: usize,
        value: u64,
        size: usize,
    ) -> Result<(), Full> {
        self.make_room(size)?;
        let shift = offset % 8 * 8;
        self.put(offset / 8, value << shift, ones(size) << shift);
        Ok(())
    }

    fn make_room(&self, bytes: usize) -> Result<(), Full> {
        if self.used + bytes / 8 + 2 > MOST { Err(Full) } else { Ok(()) }
    }

    /// Stores in `word` the `bytes` that `mask` names.
    fn put(&mut self, word: usize, bytes: u64, mask: u64) {
        let slot = self.find(word);
        let slot = &mut self.slots[slot];
        if slot.path != self.path {
            *slot = Slot { word, path: self.path, ..FREE };
            self.used += 1;
        }
        slot.mask |= mask;
        slot.bytes = slot.bytes & !mask | bytes;
    }
}

/// The words of eight that `len` bytes at `offset` lie in, with which of the bytes those are.
fn words(offset: usize, len: usize) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    (offset / 8..(offset + len).div_ceil(8)).filter(move |_| len > 0).map(move |word| {
        let first = (word * 8).max(offset) - offset;
        let end = (word * 8 + 8).min(offset + len) - offset;
        (word, first..end)
    })
}

/// A mask of the low `bytes` bytes, of which there are one to eight.
#[inline]
fn ones(bytes: usize) -> u64 {
    u64::MAX >> (64 - 8 * bytes)
}

/// Up to eight bytes, the first the lowest.
fn from_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
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
    fn what_stays_in_a_word_is_the_same_word_by_word_and_byte_by_byte() {
        let (mut words, mut bytes) = (Overlay::new(), Overlay::new());
        for (offset, value, size) in
            [(8, 0x1122_3344, 4), (10, 0x55, 1), (14, 0x6677, 2), (16, 1, 8)]
        {
            words.store_in_word(offset, value, size).unwrap();
            bytes.store(offset, &value.to_le_bytes()[..size]).unwrap();
        }
        assert_eq!(read(&words, 4, 24), read(&bytes, 4, 24));
        assert_eq!(words.used, bytes.used);
        assert_eq!(words.patched(8, u64::MAX), 0x6677_ffff_1155_3344);
        assert_eq!(words.patched(10, 0xffff) as u16, 0x1155);
        assert_eq!(words.patched(13, 0xee) as u8, 0xee);
        assert_eq!(words.patched(32, 7), 7);
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
