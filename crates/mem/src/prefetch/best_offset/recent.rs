//! The table of recent requests, and lines that wait to enter it.

use crate::Cycle;
use stream::LineAddr;

/// Where a line enters the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bank {
    /// Bases of prefetches that have arrived.
    Bases,
    /// Triggers from the delay queue.
    Triggers,
}

/// Partial tags of lines, direct-mapped, in one bank or two. The hashes of two banks differ, so that
/// lines which meet in one need not meet in the other.
#[derive(Clone, Debug)]
pub(super) struct RecentRequests {
    tags: Vec<u32>,
    banks: u32,
    entries_log2: u32,
    tag_bits: u32,
}

/// No partial tag has this value.
const EMPTY: u32 = u32::MAX;

impl RecentRequests {
    pub(super) fn new(banks: u32, entries: u32, tag_bits: u32) -> Self {
        let tags = vec![EMPTY; (banks * entries) as usize];
        Self { tags, banks, entries_log2: entries.ilog2(), tag_bits }
    }

    /// The lowest bits of the line's number exclusive-ored with the next ones, or, for the bases of
    /// the two-bank table, with those after.
    #[inline]
    fn index(&self, bank: Bank, line: LineAddr) -> usize {
        let (width, number) = (self.entries_log2, line.0);
        let low = |hash: u64| hash as usize & ((1 << width) - 1);
        match bank {
            Bank::Bases if self.banks == 1 => low(number ^ number >> width),
            Bank::Bases => low(number ^ number >> (2 * width)),
            Bank::Triggers => low(number ^ number >> width) + (1 << width),
        }
    }

    #[inline]
    fn tag(&self, line: LineAddr) -> u32 {
        (line.0 >> self.entries_log2) as u32 & ((1 << self.tag_bits) - 1)
    }

    #[inline]
    pub(super) fn insert(&mut self, bank: Bank, line: LineAddr) {
        let index = self.index(bank, line);
        self.tags[index] = self.tag(line);
    }

    #[inline]
    pub(super) fn holds(&self, line: LineAddr) -> bool {
        let tag = self.tag(line);
        let in_bank = |bank| self.tags[self.index(bank, line)] == tag;
        in_bank(Bank::Bases) || self.banks == 2 && in_bank(Bank::Triggers)
    }

    pub(super) fn storage_bits(&self) -> u64 {
        u64::from(self.banks * self.tag_bits) << self.entries_log2
    }
}

/// Lines with the time at which they are due; a bounded number.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    lines: Vec<(Cycle, LineAddr)>,
    capacity: usize,
    /// No line is due before.
    earliest: Cycle,
}

impl Waiting {
    pub(super) fn new(capacity: usize) -> Self {
        Self { lines: Vec::with_capacity(capacity), capacity, earliest: Cycle(u64::MAX) }
    }

    /// Adds a line. If there is no room, the one due first goes and is returned, as in the code of
    /// 2015: nothing waits for ever where time stands still.
    pub(super) fn push(&mut self, at: Cycle, line: LineAddr) -> Option<LineAddr> {
        let full = self.lines.len() == self.capacity;
        let gone = if full { self.due(self.earliest) } else { None };
        self.lines.push((at, line));
        self.earliest = self.earliest.min(at);
        gone
    }

    /// Takes out the line that is due first, if it is due by `now`.
    #[inline]
    pub(super) fn due(&mut self, now: Cycle) -> Option<LineAddr> {
        if now < self.earliest || self.lines.is_empty() {
            return None;
        }
        let (first, _) = self.lines.iter().enumerate().min_by_key(|(_, (at, _))| *at)?;
        let (_, line) = self.lines.remove(first);
        let next = self.lines.iter().map(|(at, _)| *at).min();
        self.earliest = next.unwrap_or(Cycle(u64::MAX));
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_tag_until_another_takes_its_place() {
        let mut recent = RecentRequests::new(1, 256, 12);
        recent.insert(Bank::Bases, LineAddr(0x12_3456));
        assert!(recent.holds(LineAddr(0x12_3456)));
        assert!(!recent.holds(LineAddr(0x12_3457)));
        // 0x34 ^ 0x56 = 0x62: the place of line 0x62 too, whose tag is another.
        recent.insert(Bank::Bases, LineAddr(0x62));
        assert!(!recent.holds(LineAddr(0x12_3456)));
        assert!(recent.holds(LineAddr(0x62)));
    }

    #[test]
    fn lines_alike_in_twenty_bits_are_taken_for_each_other() {
        let mut recent = RecentRequests::new(1, 256, 12);
        recent.insert(Bank::Bases, LineAddr(0x5_4321));
        assert!(recent.holds(LineAddr(0xff5_4321)), "8 bits of place and 12 of tag");
        assert!(!recent.holds(LineAddr(0xd_4321)), "bit 19 is the last of the tag");
    }

    #[test]
    fn lines_that_meet_in_one_bank_need_not_meet_in_the_other() {
        // 0x41 is hashed to 1 ^ 1 among the triggers, where it meets 0, and to 1 among the bases.
        let mut recent = RecentRequests::new(2, 64, 12);
        recent.insert(Bank::Triggers, LineAddr(0x41));
        recent.insert(Bank::Bases, LineAddr(0));
        assert!(recent.holds(LineAddr(0x41)) && recent.holds(LineAddr(0)));
        recent.insert(Bank::Bases, LineAddr(0x41));
        recent.insert(Bank::Triggers, LineAddr(0));
        assert!(recent.holds(LineAddr(0x41)), "it is among the bases");
        recent.insert(Bank::Bases, LineAddr(1));
        assert!(!recent.holds(LineAddr(0x41)));
    }

    #[test]
    fn a_line_is_due_at_its_time_and_not_before() {
        let mut waiting = Waiting::new(4);
        waiting.push(Cycle(20), LineAddr(2));
        waiting.push(Cycle(10), LineAddr(1));
        assert_eq!(waiting.due(Cycle(9)), None);
        assert_eq!(waiting.due(Cycle(10)), Some(LineAddr(1)));
        assert_eq!(waiting.due(Cycle(19)), None);
        assert_eq!(waiting.due(Cycle(20)), Some(LineAddr(2)));
        assert_eq!(waiting.due(Cycle(u64::MAX)), None);
    }

    #[test]
    fn the_line_due_first_makes_room() {
        let mut waiting = Waiting::new(2);
        assert_eq!(waiting.push(Cycle(20), LineAddr(2)), None);
        assert_eq!(waiting.push(Cycle(10), LineAddr(1)), None);
        assert_eq!(waiting.push(Cycle(30), LineAddr(3)), Some(LineAddr(1)));
        assert_eq!(waiting.due(Cycle(20)), Some(LineAddr(2)));
    }
}
