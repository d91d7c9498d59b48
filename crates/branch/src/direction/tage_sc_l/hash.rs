//! How TAGE finds a branch's rows and tags, eight history lengths at once, and spreads them over the
//! tables of each length.

use super::layout::{
    BANK, LENGTH_BLOCKS, LENGTHS_USED, LOG2_BANK, Length, PATH_BITS, POOLS, SHORT_LENGTHS,
    TABLE_BLOCKS, TABLES,
};
use crate::history::Folds;
use crate::lanes::{LANES, Lanes};

const LANE: u32 = u16::BITS;

/// How eight lengths hash address and path, worked out once.
#[derive(Clone, Copy, Debug, Default)]
struct Hash {
    /// Where the address is shifted by up to 16 to mix it with itself, and where by more.
    near: Lanes,
    far: Lanes,
    /// Shift it by what is left.
    mixes: Lanes,
    /// The path as far as the length reaches: its lowest bits as many as an index has, and the next.
    path_low: Lanes,
    path_high: Lanes,
    /// Turn the folded path: shift up, and what that pushes out down to the lower end.
    turns: Lanes,
    wraps: Lanes,
    /// Shift a tag up to its lane's upper end, and back down.
    tag_rights: Lanes,
    tag_scales: Lanes,
}

impl Hash {
    fn set(&mut self, lane: usize, length: &Length, tag_bits: u32) {
        let shift = LOG2_BANK.abs_diff(length.first) + 1;
        let turn = length.first % LOG2_BANK;
        let path = (1_u32 << length.bits.min(PATH_BITS)) - 1;
        let reached = if shift <= LANE { &mut self.near } else { &mut self.far };
        reached.0[lane] = u16::MAX;
        self.mixes.0[lane] = 1 << (LANE - 1 - (shift - 1) % LANE);
        self.path_low.0[lane] = (path & (BANK - 1)) as u16;
        self.path_high.0[lane] = (path >> LOG2_BANK & (BANK - 1)) as u16;
        self.turns.0[lane] = 1 << turn;
        self.wraps.0[lane] = 1 << (LANE - LOG2_BANK + turn);
        self.tag_rights.0[lane] = 1 << (LANE - tag_bits);
        self.tag_scales.0[lane] = 1 << tag_bits;
    }

    /// The rows, with bits above them, and the tags.
    #[inline]
    fn look(&self, pc: u64, path: u32, folds: Folds) -> (Lanes, Lanes) {
        let [first, second, third] = [0, 16, 32].map(|bit| Lanes::all((pc >> bit) as u16));
        let lower = first & self.near | second & self.far;
        let upper = second & self.near | third & self.far;
        let mixed = first ^ lower.high(self.mixes) ^ upper.low(self.mixes);
        let rows = mixed ^ folds.index >> (LANE - LOG2_BANK) ^ self.path(path);
        let tags = first.low(self.tag_rights) ^ folds.tag;
        (rows, tags.high(self.tag_scales))
    }

    /// A hash of the path as far as the history reaches, turned by the table's number.
    #[inline]
    fn path(&self, path: u32) -> Lanes {
        let (lower, upper) = (Lanes::all(path as u16), Lanes::all((path >> LOG2_BANK) as u16));
        let folded = lower & self.path_low ^ upper & self.path_high;
        folded.low(self.turns) ^ folded.high(self.wraps)
    }
}

/// The hashes of all lengths.
#[derive(Clone, Debug)]
pub(super) struct Hashes([Hash; LENGTH_BLOCKS]);

/// A row and a tag of each table.
pub(super) struct Rows {
    pub(super) rows: [Lanes; TABLE_BLOCKS],
    pub(super) tags: [Lanes; TABLE_BLOCKS],
}

impl Hashes {
    pub(super) fn new(lengths: &[Length; LENGTHS_USED]) -> Self {
        let mut hashes = [Hash::default(); LENGTH_BLOCKS];
        for (number, length) in lengths.iter().enumerate() {
            let tag_bits = POOLS[usize::from(number >= SHORT_LENGTHS)].tag_bits;
            hashes[number / LANES].set(number % LANES, length, tag_bits);
        }
        Self(hashes)
    }

    #[inline]
    pub(super) fn look(&self, pc: u64, path: u32, folds: &[Folds; LENGTH_BLOCKS]) -> Rows {
        let (mut rows, mut tags) = ([0; LENGTH_BLOCKS * LANES], [0; LENGTH_BLOCKS * LANES]);
        for (block, (hash, folds)) in self.0.iter().zip(folds).enumerate() {
            let (row, tag) = hash.look(pc, path, *folds);
            rows[block * LANES..][..LANES].copy_from_slice(&row.0);
            tags[block * LANES..][..LANES].copy_from_slice(&tag.0);
        }
        let spread = |of: &[u16; LENGTH_BLOCKS * LANES]| -> [Lanes; TABLE_BLOCKS] {
            std::array::from_fn(|block| {
                Lanes(std::array::from_fn(|lane| of[LENGTH_OF[block * LANES + lane]]))
            })
        };
        let (rows, tags) = (spread(&rows), spread(&tags));
        let masks = Lanes::all(BANK as u16 - 1);
        // The tag, with the length's index, gives the second table another row.
        let row = |block: usize| (rows[block] ^ tags[block] & SECOND[block]) & masks;
        Rows { rows: std::array::from_fn(row), tags }
    }
}

/// Lengths whose two tables exist, by their number.
const PAIRED: std::ops::Range<usize> = 2..9;

/// The number of the length of each table.
pub(super) const LENGTH_OF: [usize; TABLE_BLOCKS * LANES] = {
    let mut lengths = [0; TABLE_BLOCKS * LANES];
    let (mut at, mut length) = (0, 0);
    while at < TABLES {
        lengths[at] = length;
        at += 1;
        if length >= PAIRED.start && length < PAIRED.end {
            lengths[at] = length;
            at += 1;
        }
        length += 1;
    }
    lengths
};

/// All ones for the second table of a length.
const SECOND: [Lanes; TABLE_BLOCKS] = {
    let mut lanes = [Lanes([0; LANES]); TABLE_BLOCKS];
    let mut at = 1;
    while at < TABLES {
        if LENGTH_OF[at] == LENGTH_OF[at - 1] {
            lanes[at / LANES].0[at % LANES] = u16::MAX;
        }
        at += 1;
    }
    lanes
};

#[cfg(test)]
mod tests {
    use super::super::layout::{lengths, logical_tables, number_of};
    use super::*;
    use crate::workbench::Scatter;

    #[test]
    fn the_tables_of_each_length_are_those_of_the_layout() {
        let tables = logical_tables();
        let lengths = tables.chunk_by(|a, b| a.div_ceil(2) == b.div_ceil(2)).enumerate();
        assert_eq!(lengths.clone().filter(|(_, tables)| tables.len() == 2).count(), PAIRED.len());
        let tables = lengths.flat_map(|(at, tables)| vec![at; tables.len()]);
        assert_eq!(tables.collect::<Vec<_>>(), LENGTH_OF[..TABLES]);
    }

    #[test]
    fn a_logical_tables_length_has_the_number_of_its_place() {
        let numbers = logical_tables().map(|logical| number_of(usize::from(logical)));
        assert_eq!(numbers, LENGTH_OF[..TABLES]);
    }

    /// The row and tag of a length as TAGE has them, one at a time.
    fn row_and_tag(
        number: usize,
        length: &Length,
        (pc, path): (u64, u32),
        [index_fold, tag_fold, short_fold]: [u32; 3],
    ) -> (u16, u16) {
        let tag_bits = POOLS[usize::from(number >= SHORT_LENGTHS)].tag_bits;
        let tag = (pc as u32 ^ tag_fold ^ short_fold << 1) & ((1 << tag_bits) - 1);
        let path = path & ((1 << length.bits.min(PATH_BITS)) - 1);
        let folded = (path ^ path >> LOG2_BANK) & (BANK - 1);
        let path = (folded << LOG2_BANK | folded) >> (LOG2_BANK - length.first % LOG2_BANK);
        let row = (pc ^ pc >> (LOG2_BANK.abs_diff(length.first) + 1)) as u32 ^ index_fold ^ path;
        ((row & (BANK - 1)) as u16, tag as u16)
    }

    #[test]
    fn eight_lengths_at_once_are_each_by_itself() {
        let lengths = lengths(&logical_tables());
        let hashes = Hashes::new(&lengths);
        let mut scatter = Scatter::new(5);
        for _ in 0..2000 {
            let (pc, path) = (scatter.next() >> 1, scatter.next() as u32 >> 5);
            let mut folds = [[Lanes::default(); 3]; LENGTH_BLOCKS];
            let values: [[u32; 3]; LENGTHS_USED] = std::array::from_fn(|number| {
                let tag_bits = POOLS[usize::from(number >= SHORT_LENGTHS)].tag_bits;
                std::array::from_fn(|role| {
                    let width = [LOG2_BANK, tag_bits, tag_bits - 1][role];
                    let value = scatter.next() as u32 & ((1 << width) - 1);
                    let lane = &mut folds[number / LANES][role].0[number % LANES];
                    *lane = (value << (LANE - width)) as u16;
                    value
                })
            });
            let Rows { rows, tags } = hashes.look(pc, path, &folds.map(|folds| Folds::new(&folds)));
            for at in 0..TABLES {
                let number = LENGTH_OF[at];
                let (row, tag) = row_and_tag(number, &lengths[number], (pc, path), values[number]);
                let second = SECOND[at / LANES].0[at % LANES];
                let row = (row ^ tag & second) & (BANK as u16 - 1);
                let lane = |lanes: &[Lanes]| lanes[at / LANES].0[at % LANES];
                assert_eq!((lane(&rows), lane(&tags)), (row, tag), "table {at}");
            }
        }
    }
}
