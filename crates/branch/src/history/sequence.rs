//! A sequence of bits with registers that hold it folded, kept the cheaper way.

use super::folded::{FoldSpec, FoldedBits, Folds};
use super::short::ShortBits;
use crate::bits::low;

/// A sequence of bits that grows at one end and can be taken back from it. Where it stands is beside
/// it, so that a checkpoint copies all that there is of a history at once.
#[derive(Clone, Debug)]
pub(super) enum Sequence {
    Short(ShortBits),
    Long(Box<FoldedBits>),
}

/// Where a sequence stands: the latest bits of a short one; the latest mark of a long one, which knows
/// by itself where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand(u128);

impl Stand {
    /// Where an empty sequence stands.
    pub(super) const START: Self = Self(0);
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
    pub(super) fn push(&mut self, stand: &mut Stand, bits: u32, count: u32) {
        match self {
            Self::Short(_) => stand.0 = stand.0 << count | u128::from(bits),
            Self::Long(it) => it.push(bits, count),
        }
    }

    /// Makes `stand` a place to go back to.
    #[inline]
    pub(super) fn mark(&mut self, stand: &mut Stand) {
        if let Self::Long(it) = self {
            *stand = Stand(it.mark().into());
        }
    }

    /// Takes bits back until `stand`, which was marked since they were taken back farther.
    #[inline]
    pub(super) fn rewind(&mut self, stand: Stand) {
        if let Self::Long(it) = self {
            it.rewind(&stand.0.into());
        }
    }

    /// The registers of the first so many eights of lengths, in the order they were asked for; where
    /// there are fewer, the others are 0.
    #[inline]
    pub(super) fn eights<const EIGHTS: usize>(&self, stand: Stand) -> [Folds; EIGHTS] {
        let mut eights = [Folds::default(); EIGHTS];
        match self {
            Self::Short(it) => {
                let own = it.eights(stand.0);
                eights.iter_mut().zip(&own).for_each(|(room, own)| *room = *own);
            }
            Self::Long(it) => it.read_eights(&mut eights),
        }
        eights
    }

    /// One register.
    #[inline]
    pub(super) fn fold(&self, stand: Stand, number: usize) -> u32 {
        match self {
            Self::Short(it) => it.fold(stand.0, number),
            Self::Long(it) => it.fold(number),
        }
    }

    /// The latest `count` bits (up to 64), the latest lowest.
    #[inline]
    pub(super) fn recent(&self, stand: Stand, count: u32) -> u64 {
        let bits = match self {
            Self::Short(_) => stand.0 as u64,
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

    /// A sequence and where it stands.
    struct Standing(Sequence, Stand);

    impl Standing {
        fn mark(&mut self) -> Stand {
            self.0.mark(&mut self.1);
            self.1
        }

        fn rewind(&mut self, stand: Stand) {
            self.0.rewind(stand);
            self.1 = stand;
        }

        fn push(&mut self, bits: u32, count: u32) {
            self.0.push(&mut self.1, low(u64::from(bits), count) as u32, count);
        }

        fn seen(&self, registers: usize) -> ([Folds; 3], [Folds; 1], Vec<u32>, u64, u64) {
            let Self(sequence, stand) = self;
            let (all, some) = (sequence.eights(*stand), sequence.eights(*stand));
            let folds = (0..registers).map(|number| sequence.fold(*stand, number)).collect();
            (all, some, folds, sequence.recent(*stand, 64), sequence.storage_bits())
        }
    }

    proptest! {
        #[test]
        fn a_short_sequence_is_like_a_long_one(
            specs in specs(),
            steps in prop::collection::vec((any::<u32>(), 1..=16_u32, 0..8_u32), 1..300),
        ) {
            let mut short = Standing(Sequence::Short(ShortBits::new(&specs)), Stand::START);
            let mut long = Standing(Sequence::Long(FoldedBits::new(&specs).into()), Stand::START);
            let mut marks = Vec::new();
            for (bits, count, what) in steps {
                match (what, marks.pop()) {
                    (0, Some((one, other))) => {
                        short.rewind(one);
                        long.rewind(other);
                    }
                    (_, last) => {
                        marks.extend(last);
                        marks.push((short.mark(), long.mark()));
                        short.push(bits, count);
                        long.push(bits, count);
                    }
                }
            }
            prop_assert_eq!(short.seen(specs.len()), long.seen(specs.len()));
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
