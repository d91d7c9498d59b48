//! Numbers by key: a hash table that is only ever added to and asked, never gone through, so that its
//! order is nobody's.

/// Open addressing over entries of a key and a number, at most half of them taken. It allocates when it grows
/// only.
#[derive(Clone, Debug)]
pub(super) struct Table {
    entries: Vec<Entry>,
    taken: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: (u32, u64),
    number: u32,
}

/// No number: the entry is free.
const FREE: u32 = u32::MAX;
const FIRST_ENTRIES: usize = 1 << 14;

impl Default for Table {
    fn default() -> Self {
        Self { entries: vec![Entry { key: (0, 0), number: FREE }; FIRST_ENTRIES], taken: 0 }
    }
}

impl Table {
    /// The number of `key`, which becomes `number` if it has none.
    #[inline]
    pub(super) fn find_or_insert(&mut self, key: (u32, u64), number: u32) -> u32 {
        let place = self.place(key);
        if self.entries[place].number != FREE {
            return self.entries[place].number;
        }
        self.entries[place] = Entry { key, number };
        self.taken += 1;
        if 2 * self.taken > self.entries.len() {
            self.grow();
        }
        number
    }

    /// The number of `key`.
    pub(super) fn find(&self, key: (u32, u64)) -> Option<u32> {
        let number = self.entries[self.place(key)].number;
        (number != FREE).then_some(number)
    }

    /// Where the key is, or would be put.
    #[inline]
    fn place(&self, key: (u32, u64)) -> usize {
        let mask = self.entries.len() - 1;
        // Fibonacci hashing: the upper bits of the product are the well mixed ones.
        let mixed = (key.1 ^ u64::from(key.0) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut place = (mixed >> 32) as usize & mask;
        while self.entries[place].number != FREE && self.entries[place].key != key {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let larger = vec![Entry { key: (0, 0), number: FREE }; 2 * self.entries.len()];
        for entry in std::mem::replace(&mut self.entries, larger) {
            if entry.number != FREE {
                let place = self.place(entry.key);
                self.entries[place] = entry;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_keeps_the_first_number_it_was_given_however_large_the_table_becomes() {
        let mut table = Table::default();
        let key = |n: u32| (n % 7, u64::from(n / 7) << 1);
        let count = 3 * FIRST_ENTRIES as u32;
        for n in 0..count {
            assert_eq!(table.find(key(n)), None);
            assert_eq!(table.find_or_insert(key(n), n), n);
        }
        for n in 0..count {
            assert_eq!(table.find_or_insert(key(n), count), n);
        }
    }
}
