//! The history lengths of patterns, and how a branch is found among them.
//!
//! Patterns have 16 of TAGE's tables' histories. Where TAGE has two tables for a length, the second
//! one's patterns are hashed over two bits more. A pattern set has a bucket for each four lengths.

use crate::bits::site_bits;
use crate::direction::tage_sc_l;
use crate::history::Folds;
use crate::lanes::{LANES, Lanes};
use crate::{FoldSpec, History};
use stream::VirtAddr;

/// History lengths of patterns, numbered from the shortest.
pub(super) const LENGTHS: usize = 16;
/// The lengths in a bucket.
pub(super) const LENGTHS_OF_BUCKET: usize = 4;
/// Bits that tell the lengths of a bucket apart.
pub(super) const LENGTH_BITS: u32 = LENGTHS_OF_BUCKET.ilog2();
/// Bits of a pattern's tag.
pub(super) const TAG_BITS: u32 = 13;

/// The logical table of TAGE that has each length.
pub(super) const TABLES: [u8; LENGTHS] =
    [6, 10, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 26, 28, 32, 36];

/// The length of TAGE's logical table `table`, if patterns have it.
pub(super) fn length_of(table: u8) -> Option<usize> {
    TABLES.iter().position(|it| *it == table)
}

/// History bits of a length.
fn history_bits(length: usize) -> u32 {
    let bits = tage_sc_l::history_bits(TABLES[length]);
    let second = length > 0 && tage_sc_l::history_bits(TABLES[length - 1]) == bits;
    bits + if second { 2 } else { 0 }
}

/// The folded registers that tags are made of: each length has one of a tag's bits and one of a bit
/// fewer.
pub(super) fn folds() -> Vec<FoldSpec> {
    let registers: [_; LENGTHS] =
        std::array::from_fn(|length| (history_bits(length), [0, TAG_BITS, TAG_BITS - 1]));
    FoldSpec::eights(&registers)
}

/// What the pattern of each length has to have to be the branch's: its tag and, above that, which
/// length of its bucket it is of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys([u16; LENGTHS]);

impl Keys {
    /// Of the branch at `pc`. The history has [`folds`] behind TAGE's registers.
    #[inline]
    pub(super) fn new(pc: VirtAddr, history: &History) -> Self {
        let mut keys = [0; LENGTHS];
        let folds: [_; tage_sc_l::HISTORY_EIGHTS + LENGTHS / LANES] = history.eights();
        for (keys, folds) in keys.chunks_mut(LANES).zip(&folds[tage_sc_l::HISTORY_EIGHTS..]) {
            keys.copy_from_slice(&tags(site_bits(pc), folds).0);
        }
        for (length, key) in keys.iter_mut().enumerate() {
            *key |= ((length % LENGTHS_OF_BUCKET) as u16) << TAG_BITS;
        }
        Self(keys)
    }

    #[inline]
    pub(super) fn of(&self, length: usize) -> u16 {
        self.0[length]
    }
}

/// The address, the longer register, and the shorter one twice.
#[inline]
fn tags(site: u64, folds: &Folds) -> Lanes {
    let unused = u16::BITS - TAG_BITS;
    (Lanes::all(site as u16) << unused ^ folds.tag) >> unused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::ROLES;
    use crate::workbench::Scatter;
    use crate::{HistorySpec, Insertion};

    #[test]
    fn lengths_are_those_of_the_paper() {
        let lengths: [u32; LENGTHS] = std::array::from_fn(history_bits);
        let expected = [12, 26, 54, 56, 78, 80, 112, 114, 161, 163, 232, 335, 482, 695, 1444, 3000];
        assert_eq!(lengths, expected);
    }

    #[test]
    fn a_key_is_the_address_two_folds_and_the_length() {
        let mut spec =
            HistorySpec { insertion: Insertion::OutcomeAndAddress, ..Default::default() };
        spec.folds = vec![FoldSpec::NONE; tage_sc_l::HISTORY_EIGHTS * LANES * ROLES];
        // The empty registers in front must not be taken for one another.
        spec.folds.iter_mut().enumerate().for_each(|(at, fold)| {
            *fold = FoldSpec { length: 7 + (at / (LANES * ROLES)) as u32, width: 7 };
        });
        let first = spec.folds.len();
        spec.folds.extend(folds());
        let mut history = History::new(&spec, &[]);
        let mut scatter = Scatter::new(3);
        for _ in 0..3000 {
            let (pc, branch) = scatter.branch();
            history.push(pc, &branch);
        }
        let keys = Keys::new(VirtAddr(0x1_2344), &history);
        for length in 0..LENGTHS {
            let block = first + length / LANES * LANES * ROLES;
            let register = |role: usize| history.fold(block + role * LANES + length % LANES);
            let tag = (0x91a2 ^ register(1) ^ register(2) << 1) & 0x1fff;
            assert_eq!(u32::from(keys.of(length)), tag | (length as u32 % 4) << 13, "{length}");
        }
    }
}
