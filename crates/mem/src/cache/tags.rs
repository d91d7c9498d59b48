//! The tag array.

use super::hints::Hints;
use crate::replacement::Policy;
use stream::LineAddr;

/// The state of a line, as in the MESI protocol; an invalid line has no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Unchanged; others may have it.
    Shared,
    /// Unchanged; no other private cache has it.
    Exclusive,
    /// Changed; no other private cache has it.
    Modified,
}

/// Whether a line was prefetched and has not been used since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It was not, or has been.
    #[default]
    None,
    /// It was, from a level below.
    Unused,
    /// It was, from memory.
    UnusedFromMemory,
    /// A restoration unit had it fetched, from a level below.
    Restored,
    /// A restoration unit had it fetched, from memory.
    RestoredFromMemory,
}

impl Mark {
    /// A restoration unit had the line fetched.
    pub(crate) fn is_restored(self) -> bool {
        matches!(self, Self::Restored | Self::RestoredFromMemory)
    }
}

/// A line that had to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Victim {
    pub(crate) line: LineAddr,
    pub(crate) state: State,
    pub(crate) mark: Mark,
}

/// The place of a line that is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    index: u32,
    set: u32,
}

/// Tags, states and replacement of all sets.
#[derive(Clone, Debug)]
pub(crate) struct Tags {
    ways: usize,
    set_mask: u64,
    lines: Vec<LineAddr>,
    /// Where in its set a line can be: a search looks at few others.
    hints: Hints,
    states: Vec<State>,
    /// Lines that were prefetched and not used yet.
    prefetched: Vec<Mark>,
    /// How many of them there are, so that caches without a prefetcher never look.
    unused: usize,
    /// For each set, the way that was used last or, with [`FILLED`], filled since: where a search
    /// begins, because most end there, and what the policy need not be told of again.
    latest: Vec<u16>,
    /// For each set, the line that was used last, in the upper bits, and whether it was changed, if its next
    /// use changes nothing; else [`NOTHING`]. Saves looking for the way, its state and its mark.
    repeating: Vec<u64>,
    /// Lines in each set: a full one need not be searched for room.
    held: Vec<u16>,
    policy: Policy,
}

/// The line in [`Tags::latest`] has not been used since it was put in.
const FILLED: u16 = 1 << 15;

/// No use of a line in the set is known to change nothing. No line has this number.
const NOTHING: u64 = u64::MAX;

/// No memory has a line of this number, so an unused way never matches.
const EMPTY: LineAddr = LineAddr(u64::MAX);

impl Tags {
    pub(crate) fn new(sets: usize, ways: usize, policy: Policy) -> Self {
        Self {
            ways,
            set_mask: sets as u64 - 1,
            lines: vec![EMPTY; sets * ways],
            hints: Hints::new(sets, ways),
            states: vec![State::Shared; sets * ways],
            prefetched: vec![Mark::None; sets * ways],
            unused: 0,
            latest: vec![FILLED; sets],
            repeating: vec![NOTHING; sets],
            held: vec![0; sets],
            policy,
        }
    }

    #[inline]
    fn set(&self, line: LineAddr) -> usize {
        (line.0 & self.set_mask) as usize
    }

    /// Whether to use `line` (`writes`: for a store) is known to change nothing. It may do so and not be
    /// known.
    #[inline(always)]
    pub(crate) fn repeats(&self, line: LineAddr, writes: bool) -> bool {
        let known = self.repeating[self.set(line)];
        let changed = line.0 << 1 | 1;
        if writes { known == changed } else { known | 1 == changed }
    }

    /// `line`, which lies in `slot`, was used and is not marked: using it again changes nothing, until
    /// something else happens in its set.
    #[inline]
    pub(crate) fn let_repeat(&mut self, slot: Slot, line: LineAddr) {
        let changed = self.state(slot) == State::Modified;
        self.repeating[slot.set as usize] = line.0 << 1 | u64::from(changed);
    }

    #[inline(always)]
    pub(crate) fn find(&self, line: LineAddr) -> Option<Slot> {
        let set = self.set(line);
        let latest = set * self.ways + usize::from(self.latest[set] & !FILLED);
        if self.lines[latest] == line {
            return Some(Slot { index: latest as u32, set: set as u32 });
        }
        let index = self.search(set, line)?;
        Some(Slot { index: index as u32, set: set as u32 })
    }

    /// Where in `set` a line lies, if it does. What the hints say of ways beyond the set's does not
    /// matter: they are other sets', which no line of this one lies in.
    #[inline(never)]
    fn search(&self, set: usize, line: LineAddr) -> Option<usize> {
        if !self.hints.has_one_word() {
            return self.search_wide(set, line);
        }
        let first = set * self.ways;
        let way = self.hints.find_in_word(set, line, |way| self.holds(first + way, line))?;
        Some(first + way)
    }

    #[inline(never)]
    fn search_wide(&self, set: usize, line: LineAddr) -> Option<usize> {
        let first = set * self.ways;
        let way = self.hints.find(set, line, |way| self.holds(first + way, line))?;
        Some(first + way)
    }

    #[inline(always)]
    fn holds(&self, index: usize, line: LineAddr) -> bool {
        self.lines.get(index) == Some(&line)
    }

    /// Uses a line. A second use in a row changes nothing, as replacement policies promise.
    #[inline(always)]
    pub(crate) fn touch(&mut self, slot: Slot) {
        let set = slot.set as usize;
        let way = slot.index as usize - set * self.ways;
        if usize::from(self.latest[set]) != way {
            self.touch_another(set, way);
        }
    }

    #[inline(never)]
    fn touch_another(&mut self, set: usize, way: usize) {
        self.latest[set] = way as u16;
        self.repeating[set] = NOTHING;
        self.policy.touch(set, way);
    }

    #[inline]
    pub(crate) fn state(&self, slot: Slot) -> State {
        self.states[slot.index as usize]
    }

    #[inline]
    pub(crate) fn set_state(&mut self, slot: Slot, state: State) {
        self.states[slot.index as usize] = state;
        self.repeating[slot.set as usize] = NOTHING;
    }

    /// Whether the line was prefetched and has not been used.
    #[inline]
    pub(crate) fn is_marked(&self, slot: Slot) -> bool {
        self.unused != 0 && self.prefetched[slot.index as usize] != Mark::None
    }

    /// How the line was prefetched, if this is its first use: says so once.
    #[inline]
    pub(crate) fn first_use(&mut self, slot: Slot) -> Mark {
        self.unmark(slot.index as usize)
    }

    /// Takes the mark of a prefetched line off.
    #[inline]
    fn unmark(&mut self, index: usize) -> Mark {
        if self.unused == 0 {
            return Mark::None;
        }
        let mark = std::mem::take(&mut self.prefetched[index]);
        self.unused -= usize::from(mark != Mark::None);
        mark
    }

    /// Puts in a line that is not present, into an unused way if there is one.
    pub(crate) fn insert(&mut self, line: LineAddr, state: State, mark: Mark) -> Option<Victim> {
        let set = self.set(line);
        let first = set * self.ways;
        let way = if usize::from(self.held[set]) < self.ways {
            self.held[set] += 1;
            let mut ways = self.lines[first..][..self.ways].iter();
            ways.position(|held| *held == EMPTY).expect("fewer are held than there are ways")
        } else {
            self.policy.victim(set)
        };
        let index = first + way;
        let (line_there, state_there) = (self.lines[index], self.states[index]);
        let mark_there = self.unmark(index);
        self.lines[index] = line;
        self.hints.put(set, way, line);
        self.states[index] = state;
        if mark != Mark::None {
            self.prefetched[index] = mark;
            self.unused += 1;
        }
        self.policy.fill(set, way);
        self.latest[set] = way as u16 | FILLED;
        self.repeating[set] = NOTHING;
        let victim = Victim { line: line_there, state: state_there, mark: mark_there };
        (victim.line != EMPTY).then_some(victim)
    }

    /// Empties a slot; returns what was in it.
    pub(crate) fn remove(&mut self, slot: Slot) -> Victim {
        self.held[slot.set as usize] -= 1;
        self.repeating[slot.set as usize] = NOTHING;
        let slot = slot.index as usize;
        let mark = self.unmark(slot);
        let line = std::mem::replace(&mut self.lines[slot], EMPTY);
        Victim { line, state: self.states[slot], mark }
    }

    /// Lines that were prefetched and not used yet.
    #[cfg(test)]
    pub(crate) fn unused(&self) -> usize {
        self.unused
    }

    /// Every line with its state, set by set.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (LineAddr, State)> {
        let held = self.lines.iter().copied().zip(self.states.iter().copied());
        held.filter(|(line, _)| *line != EMPTY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replacement::ReplacementKind;
    use sim::SplitMix64;

    #[test]
    fn a_line_that_repeats_is_there_as_it_must_be_and_its_use_changes_nothing() {
        for &kind in ReplacementKind::ALL {
            let mut tags = Tags::new(4, 8, Policy::new(kind, 4, 8));
            let (mut random, mut repeated) = (SplitMix64::new(5), 0);
            let mut line = LineAddr(0);
            for _ in 0..20_000 {
                if random.bits() % 3 != 0 {
                    line = LineAddr(random.bits() % 48);
                }
                let writes = random.bits() % 3 == 0;
                if tags.repeats(line, writes) {
                    repeated += 1;
                    let slot = tags.find(line).expect("it is said to be there");
                    assert!(
                        !tags.is_marked(slot) && tags.prefetched[slot.index as usize] == Mark::None
                    );
                    assert!(!writes || tags.state(slot) == State::Modified);
                    let before = format!("{tags:?}");
                    tags.touch(slot);
                    assert_eq!(format!("{tags:?}"), before);
                } else {
                    disturb(&mut tags, line, &mut random);
                }
            }
            assert!(repeated > 1000, "{kind:?}: {repeated}");
        }
    }

    /// Does something that can happen to `line`.
    fn disturb(tags: &mut Tags, line: LineAddr, random: &mut SplitMix64) {
        let state = [State::Shared, State::Exclusive, State::Modified][random.bits() as usize % 3];
        let Some(slot) = tags.find(line) else {
            let mark = [Mark::None, Mark::Unused][random.bits() as usize % 2];
            tags.insert(line, state, mark);
            return;
        };
        match random.bits() % 8 {
            0 => drop(tags.remove(slot)),
            1 => tags.set_state(slot, state),
            2 => tags.touch(slot),
            _ => {
                tags.touch(slot);
                tags.first_use(slot);
                tags.let_repeat(slot, line);
            }
        }
    }
}
