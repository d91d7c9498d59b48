//! Points in time that may hang on an answer of main memory.
//!
//! A controller that reorders its queue cannot say when a read will be done until it has chosen it.
//! What waits for the line still knows its own share: so many cycles after the answer, and not
//! before some time of its own. Adding latencies and taking the later of two times keeps that form,
//! as long as one answer is awaited; nothing in the hierarchy awaits two.

use crate::Cycle;
use std::ops::Add;

/// Names a read of main memory that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FillId(pub(crate) u32);

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// It is known.
    At(Cycle),
    /// `delay` cycles after memory has answered `fill`, but not before `least`.
    After { fill: FillId, delay: u64, least: Cycle },
}

impl When {
    /// When memory has answered `fill`.
    pub(crate) fn answer_to(fill: FillId) -> Self {
        Self::After { fill, delay: 0, least: Cycle(0) }
    }

    /// The later of this and `least`.
    pub(crate) fn no_earlier_than(self, earliest: Cycle) -> Self {
        match self {
            Self::At(at) => Self::At(at.max(earliest)),
            Self::After { fill, delay, least } => {
                Self::After { fill, delay, least: least.max(earliest) }
            }
        }
    }

    /// The time, once the answer it hangs on came at `answer`.
    pub(crate) fn given(self, answer: Cycle) -> Cycle {
        match self {
            Self::At(at) => at,
            Self::After { delay, least, .. } => least.max(answer + delay),
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
                Self::After { fill, delay: delay + cycles, least: least + cycles }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_maxima_mean_the_same_before_and_after_the_answer() {
        let open = ((When::answer_to(FillId(3)) + 5).no_earlier_than(Cycle(120)) + 7)
            .no_earlier_than(Cycle(90));
        for (answer, expected) in [(100, 127), (115, 127), (116, 128), (200, 212)] {
            assert_eq!(open.given(Cycle(answer)), Cycle(expected));
            let closed = ((When::At(Cycle(answer)) + 5).no_earlier_than(Cycle(120)) + 7)
                .no_earlier_than(Cycle(90));
            assert_eq!(closed, When::At(Cycle(expected)));
        }
    }
}
