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
    /// What is known of the line in each place.
    known: Vec<Known>,
    /// How many lines were prefetched and not used yet, so that caches without a prefetcher never look.
    unused: usize,
    sets: Vec<Set>,
    policy: Policy,
}

/// What is known of a line.
#[derive(Clone, Copy, Debug)]
struct Known {
    state: State,
    /// It was prefetched and not used yet.
    mark: Mark,
}

/// What is known of a set.
#[derive(Clone, Copy, Debug)]
struct Set {
    /// The line that was used last, in the upper bits, and whether it was changed, if its next use changes
    /// nothing; else [`NOTHING`]. Saves looking for the way, its state and its mark.
    repeating: u64,
    /// The way that was used last or, with [`FILLED`], filled since: where a search in a first level begins,
    /// because most end there, and what the policy need not be told of again.
    latest: u16,
    /// How many lines it has: a full one need not be searched for room.
    held: u16,
}

/// The line in [`Set::latest`] has not been used since it was put in.
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
            known: vec![Known { state: State::Shared, mark: Mark::None }; sets * ways],
            unused: 0,
            sets: vec![Set { repeating: NOTHING, latest: FILLED, held: 0 }; sets],
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
        let known = self.sets[self.set(line)].repeating;
        let changed = line.0 << 1 | 1;
        if writes { known == changed } else { known | 1 == changed }
    }

    /// The state of the line in `slot` if it is not marked.
    #[inline(always)]
    pub(crate) fn unmarked(&self, slot: Slot) -> Option<State> {
        let Known { state, mark } = self.known[slot.index as usize];
        (mark == Mark::None).then_some(state)
    }

    /// Uses `line`, which lies in `slot`, is not marked and is in `state`: to use it again changes nothing,
    /// until something else happens in its set.
    #[inline(always)]
    pub(crate) fn touch_to_repeat(&mut self, slot: Slot, line: LineAddr, state: State) {
        self.touch(slot);
        let changed = state == State::Modified;
        self.sets[slot.set as usize].repeating = line.0 << 1 | u64::from(changed);
    }

    /// Whether `line` may be there; it is not if not. Saves most searches for what is not.
    #[inline(always)]
    pub(crate) fn may_hold(&self, line: LineAddr) -> bool {
        self.hints.may_hold(self.set(line), line)
    }

    /// `line` will be looked for soon: has the host bring what that reads nearer, all at once.
    #[inline(always)]
    pub(crate) fn expect(&self, line: LineAddr) {
        let set = self.set(line);
        hint::prefetch(&self.sets[set]);
        self.hints.expect(set);
        hint::prefetch_all(&self.lines[set * self.ways..][..self.ways]);
    }

    /// Where `line` is, if it is there: most often the line that was used last in its set.
    #[inline(always)]
    pub(crate) fn find(&self, line: LineAddr) -> Option<Slot> {
        let set = self.set(line);
        let latest = set * self.ways + usize::from(self.sets[set].latest & !FILLED);
        if self.lines[latest] == line {
            return Some(Slot { index: latest as u32, set: set as u32 });
        }
        self.find_another(line)
    }

    /// The same where that is most often another line.
    #[inline(always)]
    pub(crate) fn find_another(&self, line: LineAddr) -> Option<Slot> {
        let set = self.set(line);
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
        if usize::from(self.sets[set].latest) != way {
            self.touch_another(set, way);
        }
    }

    #[inline(never)]
    fn touch_another(&mut self, set: usize, way: usize) {
        let state = &mut self.sets[set];
        (state.latest, state.repeating) = (way as u16, NOTHING);
        self.policy.touch(set, way);
    }

    #[inline]
    pub(crate) fn state(&self, slot: Slot) -> State {
        self.known[slot.index as usize].state
    }

    #[inline]
    pub(crate) fn set_state(&mut self, slot: Slot, state: State) {
        self.known[slot.index as usize].state = state;
        self.sets[slot.set as usize].repeating = NOTHING;
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
        let mark = std::mem::take(&mut self.known[index].mark);
        self.unused -= usize::from(mark != Mark::None);
        mark
    }

    /// Puts in a line that is not present, into an unused way if there is one.
    pub(crate) fn insert(&mut self, line: LineAddr, state: State, mark: Mark) -> Option<Victim> {
        let number = self.set(line);
        let first = number * self.ways;
        let set = &mut self.sets[number];
        set.repeating = NOTHING;
        let way = if usize::from(set.held) < self.ways {
            set.held += 1;
            let mut ways = self.lines[first..][..self.ways].iter();
            let empty = ways.position(|held| *held == EMPTY);
            let way = empty.expect("fewer are held than there are ways");
            self.policy.fill(number, way);
            way
        } else {
            self.policy.replace(number)
        };
        set.latest = way as u16 | FILLED;
        self.hints.put(number, way, line);
        let index = first + way;
        let line_there = std::mem::replace(&mut self.lines[index], line);
        let there = std::mem::replace(&mut self.known[index], Known { state, mark });
        self.unused += usize::from(mark != Mark::None);
        self.unused -= usize::from(there.mark != Mark::None);
        let victim = Victim { line: line_there, state: there.state, mark: there.mark };
        (victim.line != EMPTY).then_some(victim)
    }

    /// Empties a slot; returns what was in it.
    pub(crate) fn remove(&mut self, slot: Slot) -> Victim {
        let set = &mut self.sets[slot.set as usize];
        (set.held, set.repeating) = (set.held - 1, NOTHING);
        let slot = slot.index as usize;
        let mark = self.unmark(slot);
        let line = std::mem::replace(&mut self.lines[slot], EMPTY);
        Victim { line, state: self.known[slot].state, mark }
    }

    /// Lines that were prefetched and not used yet.
    #[cfg(test)]
    pub(crate) fn unused(&self) -> usize {
        self.unused
    }

    /// Every line with its state, set by set.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (LineAddr, State)> {
        let held = self.lines.iter().copied().zip(self.known.iter().map(|known| known.state));
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
                    let state = tags.unmarked(slot).expect("its use would take the mark off");
                    assert!(!writes || state == State::Modified);
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
        assert!(tags.may_hold(line), "it is there");
        match random.bits() % 8 {
            0 => drop(tags.remove(slot)),
            1 => tags.set_state(slot, state),
            2 => tags.touch(slot),
            _ => {
                tags.first_use(slot);
                tags.touch_to_repeat(slot, line, tags.state(slot));
            }
        }
    }
}
