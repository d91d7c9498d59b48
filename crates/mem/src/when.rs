//! Points in time that may hang on an answer of main memory.
//!
//! A controller that reorders its queue cannot say when a read will be done until it has chosen it.
//! What waits for the line still knows its own share: so many cycles after the answer, and not
//! before some time of its own. Adding latencies and taking the later of two times keeps that form,
//! as long as one answer is awaited; nothing in the hierarchy awaits two.

use crate::Cycle;
use std::num::NonZeroU32;
use std::ops::Add;

/// Names a read of main memory that is under way. It is not zero, so that a [`When`] has two words and is
/// handed on in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FillId(NonZeroU32);

impl FillId {
    /// The name of the read that is kept at `index`.
    #[inline]
    pub(crate) fn new(index: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(index))
    }

    /// Where the read is kept.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.number() as usize
    }

    /// The same as a number.
    #[inline]
    pub(crate) fn number(self) -> u32 {
        self.0.get() - 1
    }
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// It is known.
    At(Cycle),
    /// `delay` cycles after memory has answered `fill`, but not before `least`.
    After { fill: FillId, delay: u32, least: Cycle },
}

impl When {
    /// When memory has answered `fill`.
    #[inline]
    pub(crate) fn answer_to(fill: FillId) -> Self {
        Self::After { fill, delay: 0, least: Cycle(0) }
    }

    /// The later of this and `least`.
    #[inline]
    pub(crate) fn no_earlier_than(self, earliest: Cycle) -> Self {
        match self {
            Self::At(at) => Self::At(at.max(earliest)),
            Self::After { fill, delay, least } => {
                Self::After { fill, delay, least: least.max(earliest) }
            }
        }
    }

    /// The time, once the answer it hangs on came at `answer`.
    #[inline]
    pub(crate) fn given(self, answer: Cycle) -> Cycle {
        match self {
            Self::At(at) => at,
            Self::After { delay, least, .. } => least.max(answer + u64::from(delay)),
        }
    }
}

impl Add<u64> for When {
    type Output = Self;

    #[inline]
    fn add(self, cycles: u64) -> Self {
        match self {
            Self::At(at) => Self::At(at + cycles),
            Self::After { fill, delay, least } => {
                let more = u32::try_from(cycles).expect("latencies and waits are short");
                Self::After { fill, delay: delay + more, least: least + cycles }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_has_two_words_and_a_read_keeps_its_number() {
        assert_eq!(size_of::<When>(), 16);
        assert_eq!([0, 1, 77].map(|number| FillId::new(number).index()), [0, 1, 77]);
    }

    #[test]
    fn sums_and_maxima_mean_the_same_before_and_after_the_answer() {
        let open = ((When::answer_to(FillId::new(3)) + 5).no_earlier_than(Cycle(120)) + 7)
            .no_earlier_than(Cycle(90));
        for (answer, expected) in [(100, 127), (115, 127), (116, 128), (200, 212)] {
            assert_eq!(open.given(Cycle(answer)), Cycle(expected));
            let closed = ((When::At(Cycle(answer)) + 5).no_earlier_than(Cycle(120)) + 7)
                .no_earlier_than(Cycle(90));
            assert_eq!(closed, When::At(Cycle(expected)));
        }
    }
}
