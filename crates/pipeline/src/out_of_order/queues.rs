//! The load and store queues, and what they know of the memory that their accesses touch.
//!
//! A store is looked for by its number: the stores in the queue are numbered in program order, and so
//! are the loads. Whether an access meets any in a queue is asked of a count by granules first: of few
//! addresses is there one.

use super::slot::{NEVER, Name, Position};
use mem::{Cycle, Hierarchy};
use std::collections::VecDeque;
use stream::{Instr, MemAccess, PhysAddr};

/// Bytes of memory: a start and a size for each of at most two parts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bytes {
    parts: [(u64, u64); 2],
}

impl Bytes {
    #[inline]
    pub(super) fn of(instr: &Instr) -> Self {
        let part = |access: &Option<MemAccess>| match access {
            Some(access) => (access.pa.0, u64::from(access.size)),
            None => (0, 0),
        };
        Self { parts: [part(&instr.mem), part(&instr.mem_tail)] }
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let meet = |a: (u64, u64), b: (u64, u64)| a.0 < b.0 + b.1 && b.0 < a.0 + a.1;
        self.parts.iter().any(|a| other.parts.iter().any(|b| meet(*a, *b)))
    }

    /// Whether one part of this holds all of `other`.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let holds = |a: (u64, u64), b: (u64, u64)| a.0 <= b.0 && b.0 + b.1 <= a.0 + a.1;
        other.parts[1].1 == 0 && self.parts.iter().any(|a| holds(*a, other.parts[0]))
    }
}

/// How many accesses of a queue touch each granule of memory, by the low bits of its address.
#[derive(Clone, Debug)]
struct Granules {
    counts: [u16; Self::COUNT],
}

impl Granules {
    const COUNT: usize = 1024;
    /// log2 of the bytes of a granule: most accesses lie in one.
    const SHIFT: u32 = 3;

    fn new() -> Self {
        Self { counts: [0; Self::COUNT] }
    }

    #[inline]
    fn add(&mut self, bytes: &Bytes) {
        Self::each(bytes, |granule| self.counts[granule] += 1);
    }

    #[inline]
    fn remove(&mut self, bytes: &Bytes) {
        Self::each(bytes, |granule| self.counts[granule] -= 1);
    }

    /// Whether an access that was added may overlap with `bytes`; none does if not.
    #[inline]
    fn may_meet(&self, bytes: &Bytes) -> bool {
        let mut may = false;
        Self::each(bytes, |granule| may |= self.counts[granule] > 0);
        may
    }

    #[inline]
    fn each(bytes: &Bytes, mut what: impl FnMut(usize)) {
        for (start, size) in bytes.parts {
            if size == 0 {
                return;
            }
            let first = start >> Self::SHIFT;
            what(first as usize % Self::COUNT);
            for granule in first + 1..=(start + size - 1) >> Self::SHIFT {
                what(granule as usize % Self::COUNT);
            }
        }
    }
}

/// The load queue.
#[derive(Clone, Debug)]
pub(super) struct Loads {
    queue: VecDeque<Position>,
    /// The number of the oldest.
    first: u64,
    granules: Granules,
}

impl Loads {
    pub(super) fn new(entries: u32) -> Self {
        let queue = VecDeque::with_capacity(entries as usize);
        Self { queue, first: 0, granules: Granules::new() }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The number of the next load.
    #[inline]
    pub(super) fn next(&self) -> u64 {
        self.first + self.queue.len() as u64
    }

    #[inline]
    pub(super) fn push(&mut self, at: Position, instr: &Instr) {
        self.granules.add(&Bytes::of(instr));
        self.queue.push_back(at);
    }

    /// The oldest commits.
    #[inline]
    pub(super) fn pop_oldest(&mut self, instr: &Instr) {
        self.granules.remove(&Bytes::of(instr));
        self.queue.pop_front();
        self.first += 1;
    }

    #[inline]
    pub(super) fn pop_youngest(&mut self, instr: &Instr) {
        self.granules.remove(&Bytes::of(instr));
        self.queue.pop_back();
    }

    /// The position of the first load from the given number on that `is` so, of those that may touch `bytes`.
    #[inline]
    pub(super) fn find(
        &self,
        number: u64,
        bytes: &Bytes,
        is: impl Fn(Position) -> bool,
    ) -> Option<Position> {
        if !self.granules.may_meet(bytes) {
            return None;
        }
        // A loop: most of the queue is gone through, and an iterator's calls are not inlined here.
        for index in number.saturating_sub(self.first) as usize..self.queue.len() {
            let load = self.queue[index];
            if is(load) {
                return Some(load);
            }
        }
        None
    }

    /// All, the oldest first.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Position> {
        self.queue.iter()
    }
}

/// A store between rename and its write to the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreEntry {
    pub(super) name: Name,
    at: Position,
    pub(super) bytes: Bytes,
    pub(super) pc: stream::VirtAddr,
    /// Address and data are there.
    known: bool,
    committed: bool,
    /// Lines of it that have been requested, and that memory has yet to give a time for.
    pub(super) requested: u8,
    pub(super) outstanding: u8,
    pub(super) written_at: Cycle,
}

impl StoreEntry {
    /// All its lines are requested and have a time.
    fn is_requested(&self) -> bool {
        self.requested == ALL_REQUESTED && self.outstanding == 0
    }

    /// A line is written then.
    pub(super) fn part_written(&mut self, at: Cycle) {
        self.written_at = if self.written_at == NEVER { at } else { self.written_at.max(at) };
    }
}

/// All lines of a store have been requested.
pub(super) const ALL_REQUESTED: u8 = u8::MAX;

/// What a load finds among the older stores.
pub(super) enum Older {
    None,
    /// A store that writes all its bytes.
    Covers(Position),
    /// A store that writes some of them.
    Overlaps,
}

/// The store queue.
#[derive(Clone, Debug)]
pub(super) struct Stores {
    queue: VecDeque<StoreEntry>,
    /// The number of the oldest.
    first: u64,
    /// How many have committed: the oldest.
    committed: usize,
    /// How many of those are requested without a gap.
    requested: usize,
    granules: Granules,
}

impl Stores {
    pub(super) fn new(entries: u32) -> Self {
        Self {
            queue: VecDeque::with_capacity(entries as usize),
            first: 0,
            committed: 0,
            requested: 0,
            granules: Granules::new(),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The number of the next store.
    #[inline]
    pub(super) fn next(&self) -> u64 {
        self.first + self.queue.len() as u64
    }

    #[inline]
    pub(super) fn push(&mut self, name: Name, at: Position, instr: &Instr) {
        let bytes = Bytes::of(instr);
        self.granules.add(&bytes);
        self.queue.push_back(StoreEntry {
            name,
            at,
            bytes,
            pc: instr.pc,
            known: false,
            committed: false,
            requested: 0,
            outstanding: 0,
            written_at: NEVER,
        });
    }

    pub(super) fn pop_youngest(&mut self) {
        let Some(entry) = self.queue.pop_back() else { return };
        debug_assert!(!entry.committed, "a committed store stays");
        self.granules.remove(&entry.bytes);
    }

    /// Takes out the oldest if it is written.
    pub(super) fn pop_written(&mut self, now: Cycle) -> bool {
        if self.next_retirement() > now {
            return false;
        }
        let Some(entry) = self.queue.pop_front() else { return false };
        self.granules.remove(&entry.bytes);
        self.first += 1;
        self.committed -= 1;
        self.requested = self.requested.saturating_sub(1);
        true
    }

    /// The stores that have not committed, the oldest first.
    #[cfg(test)]
    pub(super) fn uncommitted(&self) -> impl Iterator<Item = Position> {
        self.queue.range(self.committed..).map(|entry| entry.at)
    }

    /// Whether stores that have committed are still on their way to the cache.
    #[inline]
    pub(super) fn has_committed(&self) -> bool {
        self.committed > 0
    }

    /// When the oldest store leaves the queue, if that is known.
    #[inline]
    pub(super) fn next_retirement(&self) -> Cycle {
        match self.queue.front() {
            Some(entry) if self.committed > 0 && entry.is_requested() => entry.written_at,
            _ => NEVER,
        }
    }

    /// Where the oldest committed store is whose lines are not all requested.
    pub(super) fn next_to_request(&mut self) -> Option<usize> {
        while self.requested < self.committed
            && self.queue[self.requested].requested == ALL_REQUESTED
        {
            self.requested += 1;
        }
        (self.requested < self.committed).then_some(self.requested)
    }

    pub(super) fn entry(&mut self, index: usize) -> &mut StoreEntry {
        &mut self.queue[index]
    }

    pub(super) fn committed(&mut self, name: Name) -> Option<&mut StoreEntry> {
        self.queue.iter_mut().find(|entry| entry.name == name)
    }

    /// The store with that number has its address and data.
    pub(super) fn is_known(&mut self, number: u64) -> &mut StoreEntry {
        let entry = &mut self.queue[(number - self.first) as usize];
        entry.known = true;
        entry
    }

    /// The oldest store that has not committed does now.
    #[inline]
    pub(super) fn commit(&mut self) {
        let entry = &mut self.queue[self.committed];
        entry.committed = true;
        self.committed += 1;
    }

    /// The youngest store before the one with that number that writes some of `bytes`, if its address
    /// is known.
    #[inline]
    pub(super) fn older(&self, number: u64, bytes: &Bytes) -> Older {
        if !self.granules.may_meet(bytes) {
            return Older::None;
        }
        let older = number.saturating_sub(self.first) as usize;
        for entry in self.queue.range(..older).rev() {
            if entry.known && entry.bytes.overlaps(bytes) {
                let covers = entry.bytes.covers(bytes);
                return if covers { Older::Covers(entry.at) } else { Older::Overlaps };
            }
        }
        Older::None
    }
}

/// The lines that an access touches: four at most, two for each part.
pub(super) struct Lines {
    addresses: [PhysAddr; 4],
    count: u8,
}

impl Lines {
    #[inline]
    pub(super) fn of(bytes: &Bytes, mem: &Hierarchy) -> Self {
        let mut lines = Self { addresses: [PhysAddr(0); 4], count: 0 };
        for (start, size) in bytes.parts.into_iter().filter(|(_, size)| *size > 0) {
            lines.add(PhysAddr(start));
            let last = PhysAddr(start + size - 1);
            if mem.line(last) != mem.line(PhysAddr(start)) {
                lines.add(last);
            }
        }
        lines
    }

    fn add(&mut self, pa: PhysAddr) {
        self.addresses[usize::from(self.count)] = pa;
        self.count += 1;
    }

    #[inline]
    pub(super) fn get(&self, part: u8) -> Option<PhysAddr> {
        (part < self.count).then(|| self.addresses[usize::from(part)])
    }

    #[inline]
    pub(super) fn count(&self) -> u8 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::{Class, MemKind, VirtAddr};

    fn access(pa: u64, size: u8) -> Instr {
        let mem = MemAccess {
            va: VirtAddr(pa),
            pa: PhysAddr(pa),
            size,
            kind: MemKind::Store,
            io: false,
            translated: false,
        };
        Instr { class: Class::Store, mem: Some(mem), ..Instr::default() }
    }

    #[test]
    fn counting_by_granules_never_hides_an_overlap() {
        for start in 0..40 {
            for size in [1, 2, 4, 8, 16, 64] {
                let store = Bytes::of(&access(0x1000 + start, size));
                let mut granules = Granules::new();
                granules.add(&store);
                for at in 0..80 {
                    let load = Bytes::of(&access(0x1000 + at, 4));
                    let met = granules.may_meet(&load);
                    assert!(met || !load.overlaps(&store), "{size} at {start}, 4 at {at}");
                }
                assert!(!granules.may_meet(&Bytes::of(&access(0x1100, 8))));
                granules.remove(&store);
                assert_eq!(granules.counts, [0; Granules::COUNT]);
            }
        }
    }

    #[test]
    fn a_load_sees_the_stores_before_it_and_no_others() {
        let mut stores = Stores::new(4);
        for at in 0..3 {
            let name = Name { place: at as u32, serial: at as u32 };
            stores.push(name, at, &access(0x1000, 8));
            stores.is_known(at);
        }
        let bytes = Bytes::of(&access(0x1000, 8));
        let found = |stores: &Stores, number| match stores.older(number, &bytes) {
            Older::Covers(at) => Some(at),
            _ => None,
        };
        assert_eq!([0, 1, 2, 3].map(|n| found(&stores, n)), [None, Some(0), Some(1), Some(2)]);
        stores.commit();
        let entry = stores.entry(0);
        entry.requested = ALL_REQUESTED;
        entry.part_written(Cycle(5));
        assert!(!stores.pop_written(Cycle(4)));
        assert!(stores.pop_written(Cycle(5)));
        assert_eq!([1, 2, 3].map(|n| found(&stores, n)), [None, Some(1), Some(2)]);
        stores.pop_youngest();
        assert_eq!(stores.next(), 2);
    }
}
