//! Regions of code, and what becomes of the lines that retire: few regions, and few that come again.
//!
//! - **Spatial compaction.** A line opens a region around it, its trigger. Lines near it are marks of that
//!   region; one further away opens the next.
//! - **Temporal compaction.** A region that adds nothing to one of the last few, as in a loop, is not recorded.

use std::collections::VecDeque;

/// Lines before the trigger.
pub(super) const BEFORE: u64 = 2;
/// Lines after it.
pub(super) const AFTER: u64 = 8;

/// A region: the trigger, and which of its neighbours were executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Region {
    /// The number of the line: its virtual address by its size.
    pub(super) trigger: u64,
    /// A bit for each line, the first before the trigger the lowest. That of the trigger is set.
    pub(super) lines: u16,
}

impl Region {
    /// Bits of a record beside the trigger: one for each other line.
    pub(super) const NEIGHBOURS: u64 = BEFORE + AFTER;

    pub(super) fn of(trigger: u64) -> Self {
        Self { trigger, lines: 1 << BEFORE }
    }

    /// The bit of a line that lies in the region.
    fn bit(self, line: u64) -> Option<u16> {
        let place = line.wrapping_sub(self.first());
        (place <= BEFORE + AFTER).then(|| 1 << place)
    }

    /// The first line that may be marked.
    pub(super) fn first(self) -> u64 {
        self.trigger.wrapping_sub(BEFORE)
    }

    /// Whether the line is marked.
    pub(super) fn has(self, line: u64) -> bool {
        self.bit(line).is_some_and(|bit| self.lines & bit != 0)
    }

    /// Whether `other` has nothing that this one lacks.
    fn covers(self, other: Self) -> bool {
        self.trigger == other.trigger && other.lines & !self.lines == 0
    }
}

/// The compactor of one trap level.
#[derive(Clone, Debug)]
pub(super) struct Compactor {
    current: Option<Region>,
    /// The regions recorded or met last, the latest last.
    recent: VecDeque<Region>,
    entries: usize,
}

impl Compactor {
    pub(super) fn new(entries: u32) -> Self {
        let entries = entries as usize;
        Self { current: None, recent: VecDeque::with_capacity(entries + 1), entries }
    }

    /// A line retires; returns the region that is complete with that.
    pub(super) fn retired(&mut self, line: u64) -> Option<Region> {
        if let Some(current) = &mut self.current
            && let Some(bit) = current.bit(line)
        {
            current.lines |= bit;
            return None;
        }
        self.current.replace(Region::of(line))
    }

    /// Whether a complete region is to be recorded.
    pub(super) fn is_new(&mut self, region: Region) -> bool {
        let known = self.recent.iter().position(|recent| recent.covers(region));
        let latest = match known {
            Some(place) => self.recent.remove(place).unwrap_or(region),
            None => region,
        };
        self.recent.push_back(latest);
        if self.recent.len() > self.entries {
            self.recent.pop_front();
        }
        known.is_none()
    }

    pub(super) fn clear(&mut self) {
        self.current = None;
        self.recent.clear();
    }
}
