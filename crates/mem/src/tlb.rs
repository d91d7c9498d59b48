//! One translation lookaside buffer: pages of any size, tagged with their address space.
//!
//! A set-associative TLB that holds pages of several sizes is looked up once per size in
//! use, as if in parallel; a fully associative one compares every entry under its own size.

use crate::TlbConfig;
use crate::replacement::Policy;
use stats::{Counter, Derived, Stats};
use stream::{FlushScope, Page, PhysAddr, VirtAddr};

/// Counters of one TLB.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct TlbStats {
    /// Lookups that found their page.
    #[stat(unit = "accesses")]
    pub hits: Counter,
    /// Lookups that did not.
    #[stat(unit = "accesses")]
    pub misses: Counter,
    /// Share of lookups that did not find their page.
    #[stat(unit = "ratio", formula = "misses / (hits + misses)")]
    pub miss_ratio: Derived,
    /// Entries dropped by fences of address translation.
    #[stat(unit = "entries")]
    pub flushed: Counter,
}

/// A page, as an entry remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Virtual address divided by the page size.
    number: u64,
    /// Physical address of its first byte.
    base: PhysAddr,
    size_log2: u8,
    asid: u16,
    global: bool,
    valid: bool,
}

impl Entry {
    const UNUSED: Self =
        Self { number: 0, base: PhysAddr(0), size_log2: 0, asid: 0, global: false, valid: false };

    /// The translation of `va` to `page`.
    pub(crate) fn new(va: VirtAddr, page: Page, asid: u16) -> Self {
        let Page { base, size_log2, global } = page;
        Self { number: va.0 >> size_log2, base, size_log2, asid, global, valid: true }
    }

    /// The virtual address of its first byte.
    fn va(&self) -> VirtAddr {
        VirtAddr(self.number << self.size_log2)
    }

    /// The physical address of `va`, which lies in the page.
    #[inline]
    pub(crate) fn pa(&self, va: VirtAddr) -> PhysAddr {
        PhysAddr(self.base.0 | (va.0 & ((1 << self.size_log2) - 1)))
    }

    #[inline]
    pub(crate) fn translates(&self, va: VirtAddr, asid: u16) -> bool {
        self.valid && va.0 >> self.size_log2 == self.number && (self.global || self.asid == asid)
    }

    pub(crate) fn falls_to(&self, scope: FlushScope) -> bool {
        let covers = |va: VirtAddr| va.0 >> self.size_log2 == self.number;
        match scope {
            FlushScope::All => true,
            FlushScope::Asid(asid) => !self.global && self.asid == asid,
            FlushScope::Page(va) => covers(va),
            FlushScope::PageAsid(va, asid) => !self.global && self.asid == asid && covers(va),
        }
    }
}

/// A TLB.
#[derive(Clone, Debug)]
pub(crate) struct Tlb {
    entries: Vec<Entry>,
    ways: usize,
    set_mask: u64,
    /// Bit n: pages of `1 << n` bytes may be present.
    sizes: u64,
    /// Valid entries of each set: a full one need not be searched for room.
    held: Vec<u32>,
    /// Of a TLB with one set.
    presence: Option<Box<Presence>>,
    policy: Policy,
    /// Where the page of an address was last found or put. Only a guess that saves the search on the
    /// host: the entry it names is checked like any other.
    guess: Box<[u16; Self::GUESSES]>,
    /// Where the entry is that was used last, with nothing put in since: using it again changes nothing,
    /// as replacement policies promise. [`NOBODY`](Self::NOBODY) if there is none.
    latest: u16,
    pub(crate) latency: u64,
    pub(crate) stats: TlbStats,
}

impl Tlb {
    const GUESSES: usize = 1024;
    /// No entry has this index.
    const NOBODY: u16 = u16::MAX;

    pub(crate) fn new(config: &TlbConfig) -> Self {
        let (entries, ways) = (config.entries as usize, config.ways as usize);
        let sets = entries / ways;
        Self {
            entries: vec![Entry::UNUSED; entries],
            ways,
            set_mask: sets as u64 - 1,
            sizes: 0,
            held: vec![0; sets],
            presence: (sets == 1).then(Box::default),
            policy: Policy::new(config.replacement, sets, ways),
            guess: Box::new([0; Self::GUESSES]),
            latest: Self::NOBODY,
            latency: config.latency_cycles,
            stats: TlbStats::default(),
        }
    }

    /// Looks `va` up, counts it, and uses the entry if it is there.
    pub(crate) fn look_up(&mut self, va: VirtAddr, asid: u16) -> Option<&Entry> {
        let guessed = self.guessed(va);
        let index = if self.entries[guessed].translates(va, asid) {
            guessed
        } else {
            self.search(va, asid)?
        };
        self.use_entry(index);
        Some(&self.entries[index])
    }

    /// Looks `va` up, counts it and uses its entry if that is where one was last found or put; does
    /// nothing if not.
    #[inline(always)]
    pub(crate) fn use_guessed(&mut self, va: VirtAddr, asid: u16) -> Option<Entry> {
        let index = self.guessed(va);
        let entry = self.entries[index];
        if !entry.translates(va, asid) {
            return None;
        }
        self.use_entry(index);
        Some(entry)
    }

    /// Looks for a page that is not where it was guessed; counts it if it is nowhere.
    #[inline(never)]
    fn search(&mut self, va: VirtAddr, asid: u16) -> Option<usize> {
        let Some(index) = self.find(va, asid) else {
            self.stats.misses.inc();
            return None;
        };
        self.guess[Self::place_of_guess(va)] = index as u16;
        Some(index)
    }

    /// Where the page of `va` is, if it is where one was last found or put.
    #[inline(always)]
    fn guessed(&self, va: VirtAddr) -> usize {
        usize::from(self.guess[Self::place_of_guess(va)])
    }

    #[inline(always)]
    fn place_of_guess(va: VirtAddr) -> usize {
        (va.0 >> 12 ^ va.0 >> 22) as usize % Self::GUESSES
    }

    /// A lookup has hit the entry at `index`.
    #[inline(always)]
    fn use_entry(&mut self, index: usize) {
        self.stats.hits.inc();
        if usize::from(self.latest) != index {
            self.use_another(index);
        }
    }

    #[inline(never)]
    fn use_another(&mut self, index: usize) {
        self.latest = index as u16;
        let set = self.set(&self.entries[index]);
        self.policy.touch(set, index - set * self.ways);
    }

    /// Whether it has the page of `va`, without using it.
    pub(crate) fn holds(&self, va: VirtAddr, asid: u16) -> bool {
        self.find(va, asid).is_some()
    }

    fn find(&self, va: VirtAddr, asid: u16) -> Option<usize> {
        if let Some(presence) = &self.presence {
            if !presence.may_hold(self.sizes, va) {
                return None;
            }
            return self.entries.iter().position(|entry| entry.translates(va, asid));
        }
        let mut sizes = self.sizes;
        while sizes != 0 {
            let size_log2 = sizes.trailing_zeros();
            sizes &= sizes - 1;
            let first = (va.0 >> size_log2 & self.set_mask) as usize * self.ways;
            let set = &self.entries[first..][..self.ways];
            let hit = |entry: &Entry| {
                u32::from(entry.size_log2) == size_log2 && entry.translates(va, asid)
            };
            if let Some(way) = set.iter().position(hit) {
                return Some(first + way);
            }
        }
        None
    }

    #[inline]
    fn set(&self, entry: &Entry) -> usize {
        (entry.number & self.set_mask) as usize
    }

    /// Puts in a translation that was not found.
    pub(crate) fn insert(&mut self, entry: Entry) {
        let set = self.set(&entry);
        let first = set * self.ways;
        let way = if (self.held[set] as usize) < self.ways {
            self.held[set] += 1;
            let ways = &self.entries[first..][..self.ways];
            ways.iter().position(|entry| !entry.valid).expect("fewer are held than there are ways")
        } else {
            let victim = self.policy.victim(set);
            self.let_go(first + victim);
            victim
        };
        self.entries[first + way] = entry;
        self.guess[Self::place_of_guess(entry.va())] = (first + way) as u16;
        if let Some(presence) = &mut self.presence {
            presence.enter(&entry);
        }
        self.policy.fill(set, way);
        self.sizes |= 1 << entry.size_log2;
        // It has not been used, and the other is not the latest any more.
        self.latest = Self::NOBODY;
    }

    /// Drops entries.
    pub(crate) fn flush(&mut self, scope: FlushScope) {
        for index in 0..self.entries.len() {
            let entry = self.entries[index];
            if entry.valid && entry.falls_to(scope) {
                self.entries[index].valid = false;
                let set = self.set(&entry);
                self.held[set] -= 1;
                self.let_go(index);
                self.stats.flushed.inc();
            }
        }
    }

    /// The entry at `index` is not valid any more.
    fn let_go(&mut self, index: usize) {
        if let Some(presence) = &mut self.presence {
            presence.leave(&self.entries[index]);
        }
    }
}

/// How many pages an associative search could find, by their numbers hashed: where there is none it
/// need not begin. Only saves the search on the host.
#[derive(Clone, Debug)]
struct Presence([u32; Self::PLACES]);

impl Default for Presence {
    fn default() -> Self {
        Self([0; Self::PLACES])
    }
}

impl Presence {
    const PLACES: usize = 1024;

    #[inline]
    fn place(number: u64, size_log2: u32) -> usize {
        (number ^ number >> 10 ^ u64::from(size_log2) << 4) as usize % Self::PLACES
    }

    fn place_of(entry: &Entry) -> usize {
        Self::place(entry.number, u32::from(entry.size_log2))
    }

    fn enter(&mut self, entry: &Entry) {
        self.0[Self::place_of(entry)] += 1;
    }

    fn leave(&mut self, entry: &Entry) {
        self.0[Self::place_of(entry)] -= 1;
    }

    /// Whether a page of one of the `sizes` (bit n for `1 << n` bytes) that holds `va` may be there.
    fn may_hold(&self, sizes: u64, va: VirtAddr) -> bool {
        let mut left = sizes;
        while left != 0 {
            let size_log2 = left.trailing_zeros();
            left &= left - 1;
            if self.0[Self::place(va.0 >> size_log2, size_log2)] != 0 {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replacement::ReplacementKind;
    use sim::SplitMix64;

    fn tlb(entries: u32, ways: u32) -> Tlb {
        let replacement = ReplacementKind::Lru;
        Tlb::new(&TlbConfig { entries, ways, latency_cycles: 0, replacement })
    }

    fn entry(va: VirtAddr, size_log2: u8, asid: u16, global: bool) -> Entry {
        let base = PhysAddr((va.0 | 1 << 32) >> size_log2 << size_log2);
        Entry::new(va, Page { base, size_log2, global }, asid)
    }

    fn page(number: u64) -> VirtAddr {
        VirtAddr(number << 12)
    }

    #[test]
    fn the_page_used_longest_ago_leaves() {
        let mut tlb = tlb(4, 4);
        for number in 0..4 {
            tlb.insert(entry(page(number), 12, 1, false));
        }
        assert!(tlb.look_up(page(0), 1).is_some());
        tlb.insert(entry(page(9), 12, 1, false));
        assert!(tlb.look_up(page(1), 1).is_none(), "page 1 was the oldest");
        assert!(tlb.look_up(page(0), 1).is_some());
    }

    #[test]
    fn one_entry_covers_a_large_page_at_any_associativity() {
        for ways in [2, 8] {
            let mut tlb = tlb(8, ways);
            tlb.insert(entry(VirtAddr(0x40_0000), 21, 1, false));
            tlb.insert(entry(VirtAddr(0x1000), 12, 1, false));
            let held = tlb.look_up(VirtAddr(0x5f_ffff), 1).expect("the page is held");
            assert_eq!(held.pa(VirtAddr(0x5f_ffff)), PhysAddr(0x1_005f_ffff));
            assert!(tlb.look_up(VirtAddr(0x60_0000), 1).is_none());
            assert!(tlb.look_up(VirtAddr(0x1abc), 1).is_some());
        }
    }

    #[test]
    fn address_spaces_are_apart_except_for_global_pages() {
        let mut tlb = tlb(4, 4);
        tlb.insert(entry(page(1), 12, 1, false));
        tlb.insert(entry(page(2), 12, 1, true));
        assert!(tlb.look_up(page(1), 2).is_none());
        assert!(tlb.look_up(page(2), 2).is_some());
    }

    #[test]
    fn a_flush_takes_what_its_scope_says() {
        let left_after = |scope| {
            let mut tlb = tlb(8, 8);
            tlb.insert(entry(page(1), 12, 1, false));
            tlb.insert(entry(page(1), 12, 2, false));
            tlb.insert(entry(page(2), 12, 1, true));
            tlb.insert(entry(page(3), 12, 1, false));
            tlb.flush(scope);
            [(1, 1), (1, 2), (2, 1), (3, 1)].map(|(n, asid)| tlb.look_up(page(n), asid).is_some())
        };
        assert_eq!(left_after(FlushScope::All), [false; 4]);
        assert_eq!(left_after(FlushScope::Asid(1)), [false, true, true, false]);
        assert_eq!(left_after(FlushScope::Page(page(1))), [false, false, true, true]);
        assert_eq!(left_after(FlushScope::PageAsid(page(1), 1)), [false, true, true, true]);
        assert_eq!(left_after(FlushScope::PageAsid(page(2), 1)), [true; 4], "page 2 is global");
    }

    #[test]
    fn what_is_guessed_is_what_a_search_finds() {
        for ways in [1, 4, 16] {
            let mut tlb = tlb(16, ways);
            let (mut random, mut hits) = (SplitMix64::new(9), 0);
            for _ in 0..20_000 {
                // Pages that share places of the guess, and large ones that have several.
                let (region, number) = (random.bits() % 5, random.bits() % 3);
                let va = page(region * 1024 + number);
                let asid = (random.bits() % 2) as u16;
                let searched = tlb.find(va, asid).map(|index| tlb.entries[index]);
                if random.bits() % 2 == 0
                    && let Some(guessed) = tlb.use_guessed(va, asid)
                {
                    assert_eq!(Some(guessed), searched);
                } else {
                    assert_eq!(tlb.look_up(va, asid).copied(), searched);
                }
                hits += u32::from(searched.is_some());
                if searched.is_none() {
                    let size_log2 = if va.0 >> 22 == 4 { 21 } else { 12 };
                    tlb.insert(entry(va, size_log2, asid, false));
                }
                if random.bits() % 512 == 0 {
                    tlb.flush(FlushScope::Asid(asid));
                }
            }
            assert!(hits > 1000, "{ways} ways: {hits}");
        }
    }
}
