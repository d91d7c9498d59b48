//! The pattern buffer: the pattern sets that are near enough to TAGE to predict from.
//!
//! It keeps which contexts are held, in what order they were used and which are changed; the patterns
//! themselves have one place, the store. Sets are taken in and written back at commit, in program
//! order, so that wrong paths leave it alone.

use super::is_before;
use super::patterns::PatternSet;
use crate::bits::low;
use crate::direction::Moved;

#[derive(Clone, Copy, Debug, Default)]
struct Held {
    in_use: bool,
    /// It differs from what the store of the hardware has.
    changed: bool,
    context: u16,
    /// The number of the first branch that can be predicted from it, if it was fetched.
    arrival: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Buffer {
    log2_sets: u32,
    tag_bits: u32,
    ways: usize,
    /// The sets one after the other, in each the last used first.
    held: Vec<Held>,
}

impl Buffer {
    pub(super) fn new(context_bits: u32, log2_sets: u32, ways: u32) -> Self {
        let held = vec![Held::default(); (ways as usize) << log2_sets];
        Self { log2_sets, tag_bits: context_bits - log2_sets, ways: ways as usize, held }
    }

    fn first_of(&self, context: u16) -> usize {
        low(u64::from(context), self.log2_sets) as usize * self.ways
    }

    fn find(&self, context: u16) -> Option<usize> {
        let first = self.first_of(context);
        let mut ways = first..first + self.ways;
        ways.find(|at| self.held[*at].in_use && self.held[*at].context == context)
    }

    /// The pattern set of a context is here for the branch with the number `now`.
    #[inline]
    pub(super) fn has(&self, context: u16, now: u32) -> bool {
        self.find(context).is_some_and(|at| {
            let arrival = self.held[at].arrival;
            arrival.is_none_or(|arrival| !is_before(now, arrival))
        })
    }

    /// Uses the pattern set of a context; fetches it first, to arrive for the branch with the number
    /// `arrival`, if it is not here.
    pub(super) fn take_in(&mut self, context: u16, arrival: u32) -> Moved {
        let first = self.first_of(context);
        if let Some(at) = self.find(context) {
            self.held[first..=at].rotate_right(1);
            return Moved::default();
        }
        let arrival = Some(arrival);
        let written_bits = self.replace(Held { in_use: true, changed: false, context, arrival });
        Moved { read_bits: PatternSet::BITS, written_bits }
    }

    /// Begins the pattern set of a context that the store has not seen yet.
    pub(super) fn begin(&mut self, context: u16) -> Moved {
        let new = Held { in_use: true, changed: true, context, arrival: None };
        Moved { read_bits: 0, written_bits: self.replace(new) }
    }

    /// Puts a pattern set in the place that was not used for longest; the bits that are written back.
    fn replace(&mut self, new: Held) -> u32 {
        let first = self.first_of(new.context);
        let set = &mut self.held[first..first + self.ways];
        set.rotate_right(1);
        let old = std::mem::replace(&mut set[0], new);
        if old.in_use && old.changed { PatternSet::BITS } else { 0 }
    }

    /// The pattern set of a context was changed, if it is here.
    pub(super) fn change(&mut self, context: u16) {
        if let Some(at) = self.find(context) {
            self.held[at].changed = true;
        }
    }

    /// The context is no more.
    pub(super) fn drop(&mut self, context: u16) {
        if let Some(at) = self.find(context) {
            let last = self.first_of(context) + self.ways - 1;
            self.held[at] = Held::default();
            self.held[at..=last].rotate_left(1);
        }
    }

    /// Bits of the patterns held.
    pub(super) fn pattern_bits(&self) -> u64 {
        self.held.len() as u64 * u64::from(PatternSet::BITS)
    }

    /// Bits that tell what is held: tag, in use, changed, and the order of use.
    pub(super) fn tag_bits(&self) -> u64 {
        let rank = self.ways.next_power_of_two().ilog2();
        self.held.len() as u64 * u64::from(self.tag_bits + 2 + rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Moved = Moved { read_bits: 288, written_bits: 0 };

    #[test]
    fn only_what_is_not_here_is_fetched_and_the_longest_unused_goes() {
        let mut buffer = Buffer::new(14, 1, 2);
        let moved = [2, 4, 2, 6, 2, 4].map(|context| buffer.take_in(context, 0));
        // 6 takes the place of 4, which then takes that of 6.
        assert_eq!(moved, [READ, READ, Moved::default(), READ, Moved::default(), READ]);
        assert_eq!([2, 4, 6].map(|context| buffer.has(context, 0)), [true, true, false]);
    }

    #[test]
    fn a_set_is_here_from_its_arrival_on_even_when_numbers_begin_again() {
        let mut buffer = Buffer::new(14, 0, 2);
        for arrival in [100, u32::MAX - 1] {
            buffer.take_in(1, arrival);
            let at = |after: i32| buffer.has(1, arrival.wrapping_add_signed(after));
            assert_eq!([-3, -1, 0, 5].map(at), [false, false, true, true]);
            // Using it again while it is under way does not bring it forward.
            buffer.take_in(1, arrival - 50);
            assert!(!buffer.has(1, arrival - 1));
            buffer.drop(1);
        }
    }

    #[test]
    fn only_what_was_changed_is_written_back() {
        let mut buffer = Buffer::new(14, 1, 2);
        assert_eq!(buffer.begin(2), Moved::default());
        buffer.take_in(4, 0);
        let both = Moved { written_bits: 288, ..READ };
        assert_eq!([buffer.take_in(6, 0), buffer.take_in(8, 0)], [both, READ]);
    }

    #[test]
    fn a_dropped_context_leaves_its_place_and_is_not_written() {
        let mut buffer = Buffer::new(14, 0, 3);
        (1..=3).for_each(|context| _ = buffer.begin(context));
        buffer.drop(2);
        assert!(!buffer.has(2, 0));
        assert_eq!(buffer.take_in(4, 0), READ);
        assert!(buffer.has(1, 0) && buffer.has(3, 0));
    }
}
