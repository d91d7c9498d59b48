//! How L-TAGE finds a branch's row and tag in eight tables at once.

use super::TaggedTableConfig;
use crate::bits::site_bits;
use crate::history::Folds;
use crate::lanes::{LANES, Lanes};
use stream::VirtAddr;

/// Bits of the path that hashes reach.
const PATH_BITS: u32 = 16;

/// A power of two in a lane; 0 if it does not fit.
fn power(exponent: u32) -> u16 {
    (1_u32 << exponent) as u16
}

/// How eight tables hash address and path, worked out once.
#[derive(Clone, Debug, Default)]
pub(super) struct Hash {
    index_masks: Lanes,
    /// Shift an index register down from its lane's upper end, but not those of a whole lane.
    index_scales: Lanes,
    /// All ones where an index has a whole lane.
    index_whole: Lanes,
    /// Shift a path down by the bits of an index.
    index_rights: Lanes,
    /// Shift the address to mix it with itself.
    mixes: Lanes,
    /// The path as far as the history reaches.
    path_masks: Lanes,
    /// Turn the folded path: shift up, and what that pushes out down to the lower end.
    turns: Lanes,
    wraps: Lanes,
    /// Shift a tag up to its lane's upper end.
    tag_rights: Lanes,
}

impl Hash {
    /// Of tables with these lengths, the first of which is number `first`.
    pub(super) fn new(first: u32, tables: &[(TaggedTableConfig, u32)]) -> Self {
        let mut hash = Self::default();
        for (lane, (table, length)) in tables.iter().enumerate() {
            hash.set(lane, first + lane as u32, table, *length);
        }
        hash
    }

    fn set(&mut self, lane: usize, number: u32, table: &TaggedTableConfig, length: u32) {
        let log2_entries = table.log2_entries;
        let (shift, turn) = (log2_entries.abs_diff(number + 1) + 1, number % log2_entries);
        self.index_masks.0[lane] = ((1_u32 << log2_entries) - 1) as u16;
        self.index_scales.0[lane] = power(log2_entries);
        self.index_whole.0[lane] = if log2_entries == u16::BITS { u16::MAX } else { 0 };
        self.index_rights.0[lane] = power(u16::BITS - log2_entries);
        self.mixes.0[lane] = power(u16::BITS - shift);
        self.path_masks.0[lane] = ((1_u32 << length.min(PATH_BITS)) - 1) as u16;
        self.turns.0[lane] = power(turn);
        self.wraps.0[lane] = power(u16::BITS - log2_entries + turn);
        self.tag_rights.0[lane] = power(u16::BITS - table.tag_bits);
    }

    /// The rows of a branch, and its tags in the upper bits of their lanes, where their folded
    /// registers already are.
    #[inline]
    pub(super) fn look(&self, pc: VirtAddr, path: u32, folds: Folds) -> (Lanes, Lanes) {
        let (near, far) =
            (Lanes::all(site_bits(pc) as u16), Lanes::all((site_bits(pc) >> 16) as u16));
        let mixed = near ^ near.high(self.mixes) ^ far.low(self.mixes);
        let fold = folds.index.high(self.index_scales) ^ folds.index & self.index_whole;
        let rows = (mixed ^ fold ^ self.path(path)) & self.index_masks;
        (rows, near.low(self.tag_rights) ^ folds.tag)
    }

    #[inline]
    fn path(&self, path: u32) -> Lanes {
        let path = Lanes::all(path as u16) & self.path_masks;
        let folded = path & self.index_masks ^ path.high(self.index_rights);
        folded.low(self.turns) ^ folded.high(self.wraps)
    }
}

/// Blocks of tables.
pub(super) fn hashes(tables: &[TaggedTableConfig], lengths: &[u32]) -> Vec<Hash> {
    let tables: Vec<_> = tables.iter().copied().zip(lengths.iter().copied()).collect();
    let blocks = tables.chunks(LANES).enumerate();
    blocks.map(|(block, tables)| Hash::new((block * LANES) as u32, tables)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::Scatter;

    /// The same for one table, bit by bit as L-TAGE has it.
    fn row_and_tag(
        (number, table, length): (u32, &TaggedTableConfig, u32),
        (pc, path): (VirtAddr, u32),
        [index_fold, tag_fold, short_fold]: [u32; 3],
    ) -> (u16, u16) {
        let (pc, log2) = (site_bits(pc), table.log2_entries);
        let (index_mask, tag_mask) = ((1 << log2) - 1, (1 << table.tag_bits) - 1);
        let path = path & ((1 << length.min(PATH_BITS)) - 1);
        let folded = path & index_mask ^ path >> log2;
        let turn = number % log2;
        let path = folded << turn ^ folded >> (log2 - turn);
        let shift = log2.abs_diff(number + 1) + 1;
        let row = (pc ^ pc >> shift) as u32 ^ index_fold ^ path;
        let tag = pc as u32 ^ tag_fold ^ short_fold << 1;
        ((row & index_mask) as u16, (tag & tag_mask) as u16)
    }

    #[test]
    fn eight_tables_at_once_are_each_by_itself() {
        let mut scatter = Scatter::new(3);
        for _ in 0..2000 {
            let mut below = |limit: u64| (scatter.next() % limit) as u32;
            let tables: [_; 16] = std::array::from_fn(|_| {
                let (log2_entries, tag_bits) = (1 + below(16), 2 + below(15));
                (TaggedTableConfig { log2_entries, tag_bits }, below(40))
            });
            let folds: [[u32; 3]; 16] = tables.map(|(table, _)| {
                let TaggedTableConfig { log2_entries, tag_bits } = table;
                [log2_entries, tag_bits, tag_bits - 1].map(|width| below(1 << width))
            });
            let (pc, path) = (VirtAddr(scatter.next()), scatter.next() as u32 >> 5);
            for block in 0..2 {
                let at = |lane: usize| block * LANES + lane;
                let hash = Hash::new(at(0) as u32, &tables[at(0)..at(LANES)]);
                let lanes = [0, 1, 2].map(|role| {
                    Lanes(std::array::from_fn(|lane| {
                        let table = &tables[at(lane)].0;
                        let width = [table.log2_entries, table.tag_bits, table.tag_bits - 1][role];
                        (folds[at(lane)][role] << (u16::BITS - width)) as u16
                    }))
                });
                let (rows, tags) = hash.look(pc, path, Folds::new(&lanes));
                for lane in 0..LANES {
                    let (table, length) = &tables[at(lane)];
                    let of = (at(lane) as u32, table, *length);
                    let (row, tag) = row_and_tag(of, (pc, path), folds[at(lane)]);
                    let tag = tag << (u16::BITS - table.tag_bits);
                    assert_eq!((rows.0[lane], tags.0[lane]), (row, tag), "{of:?}");
                }
            }
        }
    }
}
