//! The fetch target queue: what the branch predictor says is to be fetched, and how far that is.
//!
//! A ring like that of the instructions: every target has a position, and what was asked for of them in
//! order are boundaries between positions.
//!
//! ```text
//!   first           requested          translated          end
//!    | bytes asked for | translation asked for | predicted   |
//! ```

use super::slot::NEVER;
use branch::Record;
use mem::{Cycle, Level, Ticket};
use stream::{BranchKind, PhysAddr, VirtAddr};

/// A fetch target: instruction bytes that the branch predictor says follow each other.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// What of it instructions can begin in: not after its branch began.
    stretch: Stretch,
    /// The first byte that is not in it.
    pub(super) end: VirtAddr,
    /// The branch that ends it, if the branch target buffer knows one.
    pub(super) guess: Option<Guess>,
    /// Where the next target starts.
    pub(super) next: VirtAddr,
    pub(super) translation: Translating,
    /// Its translation took a walk.
    pub(super) walked: bool,
    pub(super) line: Line,
    /// Its line was on its way when it was asked for.
    pub(super) in_flight: bool,
}

impl Target {
    /// One that no branch ends, of which nothing was asked for.
    #[inline]
    pub(super) fn new(start: VirtAddr, end: VirtAddr) -> Self {
        Self::ending(Stretch { start, size: end.0.wrapping_sub(start.0), guessed: false }, end, end)
    }

    /// One that the branch of `guess`, which ends at `end`, leaves for `next`.
    #[inline]
    pub(super) fn guessed(start: VirtAddr, end: VirtAddr, next: VirtAddr, guess: Guess) -> Self {
        let size = guess.pc.0.wrapping_sub(start.0) + 1;
        let stretch = Stretch { start, size, guessed: true };
        Self { guess: Some(guess), ..Self::ending(stretch, end, next) }
    }

    #[inline]
    fn ending(stretch: Stretch, end: VirtAddr, next: VirtAddr) -> Self {
        Self {
            stretch,
            end,
            guess: None,
            next,
            translation: Translating::No,
            walked: false,
            line: Line::No,
            in_flight: false,
        }
    }

    #[inline]
    pub(super) fn start(&self) -> VirtAddr {
        self.stretch.start
    }

    /// When its bytes are there, if that is known.
    #[inline]
    pub(super) fn line_at(&self) -> Cycle {
        match self.line {
            Line::Known(at, _) => at,
            Line::No | Line::Pending(_) => NEVER,
        }
    }

    /// Whether an instruction at `pc` begins in it, not after its branch began.
    #[inline]
    pub(super) fn holds(&self, pc: VirtAddr) -> bool {
        self.stretch.holds(pc)
    }

    /// What of it instructions can begin in.
    #[inline]
    pub(super) fn stretch(&self) -> Stretch {
        self.stretch
    }

    /// Whether an instruction at `pc` begins after the branch that it was to end with.
    pub(super) fn is_behind_guess(&self, pc: VirtAddr) -> bool {
        let offset = pc.0.wrapping_sub(self.start().0);
        let guess = self.guess.map(|guess| guess.pc.0.wrapping_sub(self.start().0));
        guess.is_some_and(|guess| offset > guess && offset <= 1 << 12)
    }
}

/// A branch as the predictor sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    pub(super) pc: VirtAddr,
    pub(super) kind: BranchKind,
    pub(super) record: Record,
}

/// How far the translation of a target is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Translating {
    /// It has not been asked for.
    No,
    /// Memory has yet to say when a page-table entry is there.
    Pending(Ticket),
    /// The physical address is known then; none if there is no page.
    Known(Cycle, Option<PhysAddr>),
}

impl Translating {
    pub(super) fn is_pending(self) -> bool {
        matches!(self, Self::Pending(_))
    }
}

/// How far the fetch of a target's bytes is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    /// It has not been asked for.
    No,
    /// Memory has yet to say when the line is there.
    Pending(Ticket),
    /// The bytes are there then, from that level.
    Known(Cycle, Level),
}

/// The bytes of a target that instructions can begin in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    start: VirtAddr,
    size: u64,
    /// A branch begins with the last of them.
    guessed: bool,
}

impl Stretch {
    /// Whether an instruction at `pc` begins in it.
    #[inline]
    pub(super) fn holds(self, pc: VirtAddr) -> bool {
        pc.0.wrapping_sub(self.start.0) < self.size
    }

    /// Whether an instruction of `length` bytes at `pc`, which begins in it, is the branch that ends
    /// it or reaches over its begin.
    #[inline]
    pub(super) fn ends_within(self, pc: VirtAddr, length: u64) -> bool {
        self.guessed && pc.0.wrapping_sub(self.start.0) + length >= self.size
    }
}

/// A position in the order of prediction.
pub(super) type Place = u64;

/// Places there are room for; the configuration allows half as many targets. A number that is known
/// when this is compiled spares looking whether a place is one.
const PLACES: usize = 1 << u8::BITS;

/// The queue.
#[derive(Clone, Debug)]
pub(super) struct Targets {
    ring: Box<[Target; PLACES]>,
    /// Leaves of a position its place: no more are used than the queue needs, so that they stay within
    /// few cache lines of the host.
    mask: u8,
    /// The one that is fetched.
    first: Place,
    /// The first whose translation was not asked for.
    pub(super) translated: Place,
    /// The first whose bytes were not asked for.
    pub(super) requested: Place,
    /// One more than the youngest.
    end: Place,
}

impl Targets {
    /// A queue for `capacity` targets.
    pub(super) fn new(capacity: u32) -> Self {
        assert!(capacity as usize <= PLACES, "a queue of {capacity} targets was validated");
        let ring = vec![Target::new(VirtAddr(0), VirtAddr(0)); PLACES].into_boxed_slice();
        Self {
            ring: ring.try_into().expect("that many were made"),
            mask: (capacity.next_power_of_two() - 1) as u8,
            first: 0,
            translated: 0,
            requested: 0,
            end: 0,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        (self.end - self.first) as usize
    }

    #[inline]
    pub(super) fn get(&self, place: Place) -> &Target {
        &self.ring[usize::from(place as u8 & self.mask)]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: Place) -> &mut Target {
        &mut self.ring[usize::from(place as u8 & self.mask)]
    }

    #[inline]
    pub(super) fn first(&self) -> Option<&Target> {
        (self.first != self.end).then(|| self.get(self.first))
    }

    /// The target before that at `place`, if it is still there.
    #[inline]
    pub(super) fn before(&self, place: Place) -> Option<&Target> {
        (place > self.first).then(|| self.get(place - 1))
    }

    /// The next whose translation is to be asked for.
    #[inline]
    pub(super) fn untranslated(&self) -> Option<&Target> {
        (self.translated != self.end).then(|| self.get(self.translated))
    }

    /// All from the first on.
    fn iter(&self) -> impl Iterator<Item = &Target> {
        (self.first..self.end).map(|place| self.get(place))
    }

    /// The first that `is` so.
    pub(super) fn find_mut(&mut self, is: impl Fn(&Target) -> bool) -> Option<&mut Target> {
        let found = (self.first..self.end).find(|&place| is(self.get(place)))?;
        Some(self.get_mut(found))
    }

    /// The record of the oldest branch predicted.
    pub(super) fn oldest_record(&self) -> Option<Record> {
        self.iter().find_map(|target| target.guess.map(|guess| guess.record))
    }

    /// Puts one in; there must be room.
    #[inline]
    pub(super) fn push(&mut self, target: Target) {
        debug_assert!(self.len() <= usize::from(self.mask), "predict sees that there is room");
        let end = self.end;
        *self.get_mut(end) = target;
        self.end += 1;
    }

    /// Takes the first out.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.first += 1;
        self.translated = self.translated.max(self.first);
        self.requested = self.requested.max(self.first);
    }

    /// Takes all out.
    pub(super) fn clear(&mut self) {
        self.first = self.end;
        self.translated = self.end;
        self.requested = self.end;
    }

    /// When translation and bytes that have been asked for let something go on, as far as that is known.
    pub(super) fn next_times(&self) -> [Cycle; 3] {
        let line = |target: Option<&Target>| target.map_or(NEVER, Target::line_at);
        let next = (self.requested != self.end).then(|| self.get(self.requested));
        let translation = match next.map(|next| next.translation) {
            Some(Translating::Known(at, _)) => at,
            _ => NEVER,
        };
        [line(self.first()), line(self.before(self.requested)), translation]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(start: u64) -> Target {
        Target::new(VirtAddr(start), VirtAddr(start.wrapping_add(16)))
    }

    #[test]
    fn what_was_asked_for_is_never_behind_the_first() {
        let mut targets = Targets::new(3);
        for round in 0..5 {
            (0..3).for_each(|index| targets.push(target(round * 48 + index * 16)));
            targets.translated += 1;
            targets.pop();
            assert_eq!(targets.untranslated().map(|next| next.start().0), Some(round * 48 + 16));
            targets.pop();
            assert_eq!(targets.untranslated().map(|next| next.start().0), Some(round * 48 + 32));
            assert_eq!(targets.requested, targets.translated);
            assert!(targets.before(targets.requested).is_none(), "it is the first");
            targets.pop();
            assert!(targets.untranslated().is_none() && targets.first().is_none());
        }
    }

    #[test]
    fn nothing_is_found_among_what_was_taken_out() {
        let mut targets = Targets::new(4);
        targets.push(target(0x40));
        targets.push(target(0x80));
        let at = |start| move |target: &Target| target.start() == VirtAddr(start);
        assert!(targets.find_mut(at(0x80)).is_some());
        targets.pop();
        assert!(targets.find_mut(at(0x40)).is_none());
        targets.clear();
        assert!(targets.find_mut(at(0x80)).is_none());
        assert_eq!((targets.len(), targets.next_times()), (0, [NEVER; 3]));
    }

    #[test]
    fn a_branch_is_met_by_the_instruction_that_its_first_byte_belongs_to() {
        let stretch = Stretch { start: VirtAddr(0x100), size: 9, guessed: true };
        assert!(stretch.holds(VirtAddr(0x108)) && !stretch.holds(VirtAddr(0x10a)));
        assert!(!stretch.ends_within(VirtAddr(0x104), 4));
        assert!(stretch.ends_within(VirtAddr(0x106), 4), "it reaches over the branch's first byte");
        assert!(stretch.ends_within(VirtAddr(0x108), 2));
        let open = target(u64::MAX - 0xf).stretch();
        assert!(open.holds(VirtAddr(u64::MAX - 1)) && !open.holds(VirtAddr(0)));
        assert!(!open.ends_within(VirtAddr(u64::MAX - 1), 4), "no branch ends it");
    }
}
