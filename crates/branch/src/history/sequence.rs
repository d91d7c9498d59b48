//! A sequence of bits with registers that hold it folded, kept the cheaper way.

use super::folded::{self, FoldSpec, FoldedBits, Folds};
use super::short::ShortBits;
use crate::bits::low;

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
        if ShortBits::can_have(folds) {
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

    /// The registers of each eight lengths from the `first` on, in the order they were asked for. There
    /// can be fewer than there is room for.
    pub(super) fn eights(&self, first: usize, room: &mut [Folds]) {
        match self {
            Self::Short(it) => {
                let eights = it.eights();
                room.iter_mut().zip(&eights[first..]).for_each(|(room, it)| *room = *it);
            }
            Self::Long(it) => it.read_eights(first, room),
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
    use super::super::folded::ROLES;
    use super::*;
    use proptest::prelude::*;

    /// Registers of up to sixteen tables, in eights.
    fn specs() -> impl Strategy<Value = Vec<FoldSpec>> {
        let length = prop_oneof![0..24_u32, 0..=128_u32];
        let table = (length, prop::array::uniform3(0..=16_u32));
        prop::collection::vec(table, 1..=16).prop_map(|tables| FoldSpec::eights(&tables))
    }

    type Seen = (Vec<Folds>, Vec<Folds>, Vec<u32>, u64, u64);

    fn seen(sequence: &Sequence, registers: usize) -> Seen {
        let (mut all, mut some) = (vec![Folds::default(); 3], vec![Folds::default(); 3]);
        sequence.eights(0, &mut all);
        sequence.eights(1, &mut some);
        let folds = (0..registers).map(|number| sequence.fold(number)).collect();
        (all, some, folds, sequence.recent(64), sequence.storage_bits())
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
            prop_assert_eq!(seen(&short, specs.len()), seen(&long, specs.len()));
        }
    }

    #[test]
    fn too_long_registers_and_too_many_make_a_sequence_long() {
        let is_short = |length, tables| {
            let specs = FoldSpec::eights(&vec![(length, [8; ROLES]); tables]);
            matches!(Sequence::new(&specs), Sequence::Short(_))
        };
        assert!(is_short(128, 1) && !is_short(129, 1));
        let lengths: Vec<_> = (1..=17).map(|length| (length, [8; ROLES])).collect();
        let of = |count: usize| Sequence::new(&FoldSpec::eights(&lengths[..count]));
        assert!(matches!(of(16), Sequence::Short(_)) && matches!(of(17), Sequence::Long(_)));
    }
}
