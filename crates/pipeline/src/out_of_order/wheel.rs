//! Things that will happen at a known cycle: a ring of buckets for the near future, a heap beyond.

use mem::Cycle;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Cycles the ring covers: as long as a last-level hit takes, and so short that its buckets stay in
/// the host's nearest cache.
const SPAN: u64 = 128;
/// Events for which a bucket has room from the start: buckets that grow one by one would still do so
/// after millions of cycles.
const USUAL: usize = 64;
const WORDS: usize = SPAN as usize / 64;

/// A calendar of events. Those of one cycle come out in the order they were put in.
#[derive(Clone, Debug)]
pub(super) struct Wheel<E> {
    buckets: Box<[Vec<E>; SPAN as usize]>,
    /// A bit for each bucket that holds something.
    occupied: [u64; WORDS],
    /// With the order they were put in.
    far: BinaryHeap<Reverse<(u64, u64, E)>>,
    /// Events ever put in there.
    put_far: u64,
    /// The cycle whose events were taken last: all in the ring are later, by less than the span.
    taken: u64,
}

impl<E: Copy + Ord> Wheel<E> {
    pub(super) fn new() -> Self {
        Self {
            buckets: Box::new(std::array::from_fn(|_| Self::list())),
            occupied: [0; WORDS],
            far: BinaryHeap::with_capacity(USUAL),
            put_far: 0,
            taken: 0,
        }
    }

    /// An empty list of events, for [`Self::take`].
    pub(super) fn list() -> Vec<E> {
        Vec::with_capacity(USUAL)
    }

    /// Puts in an event for `at`, which is later than the cycle taken last.
    #[inline]
    pub(super) fn put(&mut self, at: Cycle, event: E) {
        debug_assert!(at.0 > self.taken, "an event at {} after {} was taken", at.0, self.taken);
        if at.0 - self.taken >= SPAN {
            return self.put_far(at, event);
        }
        let bucket = (at.0 % SPAN) as usize;
        self.buckets[bucket].push(event);
        self.occupied[bucket / 64] |= 1 << (bucket % 64);
    }

    #[cold]
    #[inline(never)]
    fn put_far(&mut self, at: Cycle, event: E) {
        self.put_far += 1;
        self.far.push(Reverse((at.0, self.put_far, event)));
    }

    /// Moves the events of `now` to `out`, which is empty and has room for as many as a bucket. Cycles
    /// must be taken in order, and none with events in it may be left out.
    #[inline]
    pub(super) fn take(&mut self, now: Cycle, out: &mut Vec<E>) {
        self.taken = now.0;
        while let Some(Reverse((at, _, event))) = self.far.peek().copied() {
            if at.saturating_sub(now.0) >= SPAN {
                break;
            }
            self.far.pop();
            let bucket = (at % SPAN) as usize;
            self.buckets[bucket].push(event);
            self.occupied[bucket / 64] |= 1 << (bucket % 64);
        }
        let bucket = (now.0 % SPAN) as usize;
        if self.occupied[bucket / 64] & 1 << (bucket % 64) != 0 {
            debug_assert!(out.is_empty(), "events taken and not looked at");
            std::mem::swap(out, &mut self.buckets[bucket]);
            self.occupied[bucket / 64] &= !(1 << (bucket % 64));
        }
    }

    /// The cycle of the earliest event.
    pub(super) fn next(&self) -> Option<Cycle> {
        let first = self.taken + 1;
        for step in 0..=WORDS as u64 {
            let from = if step == 0 { first } else { (first / 64 + step) * 64 };
            let bucket = from % SPAN;
            let word = self.occupied[bucket as usize / 64] >> (bucket % 64);
            if word != 0 {
                let at = from + u64::from(word.trailing_zeros());
                // The last word wraps round to buckets before the first.
                if at - self.taken < SPAN {
                    return Some(Cycle(at));
                }
            }
        }
        self.far.peek().map(|Reverse((at, ..))| Cycle(*at))
    }

    /// Forgets the events up to and including `now`, by way of `scratch`.
    pub(super) fn pass(&mut self, now: Cycle, scratch: &mut Vec<E>) {
        while let Some(at) = self.next().filter(|at| *at <= now) {
            self.take(at, scratch);
            scratch.clear();
        }
        self.take(now, scratch);
        scratch.clear();
    }

    /// Forgets everything and goes on from `now`.
    pub(super) fn clear(&mut self, now: Cycle) {
        self.buckets.iter_mut().for_each(Vec::clear);
        self.occupied = [0; WORDS];
        self.far.clear();
        self.taken = now.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_at_their_cycle_and_not_before() {
        let mut wheel = Wheel::new();
        for at in [3, 64, SPAN - 1, SPAN, 5000] {
            wheel.put(Cycle(at), at);
        }
        let mut out = Vec::new();
        let mut seen = Vec::new();
        while let Some(at) = wheel.next() {
            wheel.take(at, &mut out);
            seen.push((at.0, out.clone()));
            out.clear();
        }
        let expected: Vec<_> = [3, 64, SPAN - 1, SPAN, 5000].map(|at| (at, vec![at])).into();
        assert_eq!(seen, expected);
    }

    #[test]
    fn events_of_a_cycle_keep_their_order_however_far_ahead_they_were_put_in() {
        let mut wheel = Wheel::new();
        let mut out = Vec::new();
        for event in [9, 2, 7] {
            wheel.put(Cycle(1000), event);
        }
        wheel.put(Cycle(1000 - SPAN + 1), 0);
        wheel.take(Cycle(1000 - SPAN + 1), &mut out);
        assert_eq!(out, [0]);
        out.clear();
        wheel.put(Cycle(1000), 1);
        wheel.take(Cycle(1000), &mut out);
        assert_eq!(out, [9, 2, 7, 1]);
    }

    #[test]
    fn what_is_passed_is_forgotten_and_what_lies_beyond_is_kept() {
        let mut wheel = Wheel::new();
        for at in [3, 64, 1023, 1024, 3000, 5000] {
            wheel.put(Cycle(at), at);
        }
        let mut out = Vec::new();
        wheel.pass(Cycle(1024), &mut out);
        assert!(out.is_empty());
        assert_eq!(wheel.next(), Some(Cycle(3000)));
        wheel.put(Cycle(1025), 7);
        assert_eq!(wheel.next(), Some(Cycle(1025)));
        wheel.pass(Cycle(3500), &mut out);
        assert_eq!(wheel.next(), Some(Cycle(5000)));
    }

    #[test]
    fn the_next_event_is_found_across_the_end_of_the_ring() {
        let mut wheel = Wheel::new();
        let mut out = Vec::new();
        wheel.take(Cycle(1000), &mut out);
        wheel.put(Cycle(1001 + 100), 1);
        assert_eq!(wheel.next(), Some(Cycle(1101)));
        wheel.put(Cycle(1030), 2);
        assert_eq!(wheel.next(), Some(Cycle(1030)));
        wheel.clear(Cycle(2000));
        assert_eq!(wheel.next(), None);
    }
}
