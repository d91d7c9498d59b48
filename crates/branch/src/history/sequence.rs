//! A sequence of bits with registers that hold it folded, kept the cheaper way.

use super::folded::{self, FoldSpec, FoldedBits, ROLES};
use super::short::ShortBits;
use crate::bits::low;
use crate::lanes::Lanes;

/// A sequence of bits that grows at one end and can be taken back from it.
#[derive(Clone, Debug)]
pub(super) enum Sequence {
    Short(ShortBits),
    Long(Box<FoldedBits>),
}

/// A place in the sequence to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The latest bits there.
    Short(u128),
    Long(folded::Mark),
}

impl Mark {
    /// The place of an empty sequence.
    pub(super) const START: Self = Self::Short(0);
}

impl Sequence {
    pub(super) fn new(folds: &[FoldSpec]) -> Self {
        let longest = folds.iter().map(|fold| fold.length).max().unwrap_or(0);
        if longest <= ShortBits::REACH {
            Self::Short(ShortBits::new(folds))
        } else {
            Self::Long(FoldedBits::new(folds).into())
        }
    }

    /// Adds `count` bits (up to 31), of which the lowest becomes the youngest.
    #[inline]
    pub(super) fn push(&mut self, bits: u32, count: u32) {
        match self {
            Self::Short(it) => it.push(bits, count),
            Self::Long(it) => it.push(bits, count),
        }
    }

    /// Marks the place where the sequence stands.
    #[inline]
    pub(super) fn mark(&mut self) -> Mark {
        match self {
            Self::Short(it) => Mark::Short(it.bits()),
            Self::Long(it) => Mark::Long(it.mark()),
        }
    }

    /// Takes bits back until `mark`, which was made since they were taken back farther.
    #[inline]
    pub(super) fn rewind(&mut self, mark: &Mark) {
        match (self, mark) {
            (Self::Short(it), Mark::Short(bits)) => it.set_bits(*bits),
            (Self::Long(it), Mark::Long(mark)) => it.rewind(mark),
            _ => panic!("a mark of another history"),
        }
    }

    /// The registers of eight lengths, by the order they were asked for, each in the upper bits of its
    /// lane.
    #[inline]
    pub(super) fn eight(&self, number: usize) -> [Lanes; ROLES] {
        match self {
            Self::Short(it) => it.eight(number),
            Self::Long(it) => it.eight(number),
        }
    }

    /// One register.
    #[inline]
    pub(super) fn fold(&self, number: usize) -> u32 {
        match self {
            Self::Short(it) => it.fold(number),
            Self::Long(it) => it.fold(number),
        }
    }

    /// The latest `count` bits (up to 64), the latest lowest.
    #[inline]
    pub(super) fn recent(&self, count: u32) -> u64 {
        let bits = match self {
            Self::Short(it) => it.bits() as u64,
            Self::Long(it) => it.recent(),
        };
        if count == u64::BITS { bits } else { low(bits, count) }
    }

    /// Bits of storage: as many as the longest fold covers, and the folds.
    pub(super) fn storage_bits(&self) -> u64 {
        let specs = match self {
            Self::Short(it) => it.specs(),
            Self::Long(it) => it.specs(),
        };
        let longest = specs.iter().map(|spec| spec.length).max().unwrap_or(0);
        let widths: u32 = specs.iter().map(|spec| spec.width).sum();
        u64::from(longest + widths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::LANES;
    use proptest::prelude::*;

    fn spec() -> impl Strategy<Value = FoldSpec> {
        let length = prop_oneof![0..24_u32, 0..=ShortBits::REACH];
        (length, 0..=16_u32).prop_map(|(length, width)| FoldSpec { length, width })
    }

    /// Some lengths have several widths, as those of tables do.
    fn specs() -> impl Strategy<Value = Vec<FoldSpec>> {
        let registers = prop::collection::vec((spec(), 1..=16_u32), 1..20);
        (registers, prop::collection::vec(spec(), 0..10)).prop_map(|(tables, others)| {
            let table = |(spec, width): (FoldSpec, u32)| {
                let narrow = width.div_ceil(2);
                (spec.length, if spec.width > 0 { [spec.width, width, narrow] } else { [0; ROLES] })
            };
            let mut specs = FoldSpec::eights(&tables.into_iter().map(table).collect::<Vec<_>>());
            specs.extend(others);
            specs
        })
    }

    fn seen(sequence: &Sequence, registers: usize) -> (Vec<[Lanes; ROLES]>, Vec<u32>, u64) {
        let Sequence::Long(it) = sequence else { panic!("the other one is to be like it") };
        let eights = (0..it.eights()).map(|number| sequence.eight(number)).collect();
        (eights, (0..registers).map(|number| sequence.fold(number)).collect(), sequence.recent(64))
    }

    proptest! {
        #[test]
        fn a_short_sequence_is_like_a_long_one(
            specs in specs(),
            steps in prop::collection::vec((any::<u32>(), 1..=16_u32, 0..8_u32), 1..300),
        ) {
            let mut short = Sequence::Short(ShortBits::new(&specs));
            let mut long = Sequence::Long(FoldedBits::new(&specs).into());
            let mut marks = Vec::new();
            for (bits, count, what) in steps {
                match (what, marks.pop()) {
                    (0, Some((one, other))) => {
                        short.rewind(&one);
                        long.rewind(&other);
                    }
                    (_, last) => {
                        marks.extend(last);
                        marks.push((short.mark(), long.mark()));
                        let bits = low(u64::from(bits), count) as u32;
                        short.push(bits, count);
                        long.push(bits, count);
                    }
                }
            }
            let (eights, folds, recent) = seen(&long, specs.len());
            prop_assert_eq!(short.recent(64), recent);
            for (number, fold) in folds.into_iter().enumerate() {
                prop_assert_eq!(short.fold(number), fold, "{:?}", specs[number]);
            }
            for (number, eight) in eights.into_iter().enumerate() {
                prop_assert_eq!(short.eight(number), eight);
            }
            prop_assert_eq!(short.storage_bits(), long.storage_bits());
        }
    }

    #[test]
    fn lengths_beyond_reach_make_a_sequence_long() {
        let of = |length| Sequence::new(&[FoldSpec { length, width: LANES as u32 }]);
        assert!(matches!(of(ShortBits::REACH), Sequence::Short(_)));
        assert!(matches!(of(ShortBits::REACH + 1), Sequence::Long(_)));
    }
}
