//! How TAGE's logical tables lie in the banks of two pools.

use crate::bits::low;
use crate::lanes::{LANES, Lanes};

/// The history lengths, a geometric series from 6 to 3000.
pub(super) const LENGTHS: [u32; 18] =
    [6, 9, 12, 18, 26, 37, 54, 78, 112, 161, 232, 335, 482, 695, 1002, 1444, 2081, 3000];
/// Logical tables, numbered from 1; table `i` has length number `ceil(i / 2)`.
pub(super) const LOGICAL: usize = 36;
/// Logical tables of the long pool start here.
pub(super) const FIRST_LONG: usize = 13;
/// Logical tables with an odd number exist from here to below the second.
pub(super) const TWO_WAY: std::ops::Range<usize> = 9..23;
/// Tables without use beside the two-way ones.
pub(super) const LEFT_OUT: [usize; 4] = [4, 8, 30, 34];
/// The logical tables that exist.
pub(super) const TABLES: usize = 21;
/// Eights of them.
pub(super) const TABLE_BLOCKS: usize = TABLES.div_ceil(LANES);
/// The lengths they use; each has a folded register for indices and two for tags.
pub(super) const LENGTHS_USED: usize = 14;
/// Eights of lengths.
pub(super) const LENGTH_BLOCKS: usize = LENGTHS_USED.div_ceil(LANES);
/// Those of the short pool, which come first.
pub(super) const SHORT: usize = 6;
/// Their lengths.
pub(super) const SHORT_LENGTHS: usize = 4;

pub(super) const LOG2_BANK: u32 = 10;
pub(super) const BANK: u32 = 1 << LOG2_BANK;
pub(super) const PATH_BITS: u32 = 27;

pub(super) struct Pool {
    pub(super) banks: u32,
    pub(super) tag_bits: u32,
}

pub(super) const POOLS: [Pool; 2] =
    [Pool { banks: 10, tag_bits: 8 }, Pool { banks: 20, tag_bits: 12 }];

/// A history length in use. One or two tables have it; two make it two-way associative.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Length {
    pub(super) bits: u32,
    /// The number of its first table, which turns and shifts what its index is made of.
    pub(super) first: u32,
}

pub(super) fn exists(logical: usize) -> bool {
    let odd = logical % 2 == 1;
    (!odd || TWO_WAY.contains(&logical)) && !LEFT_OUT.contains(&logical)
}

/// The numbers of the tables that exist.
pub(super) fn logical_tables() -> [u8; TABLES] {
    let mut tables = [0; TABLES];
    let existing = (1..=LOGICAL).filter(|logical| exists(*logical));
    tables.iter_mut().zip(existing).for_each(|(table, logical)| *table = logical as u8);
    tables
}

pub(super) fn lengths(logical: &[u8; TABLES]) -> [Length; LENGTHS_USED] {
    let mut lengths = [Length::default(); LENGTHS_USED];
    let groups = logical.chunk_by(|a, b| a.div_ceil(2) == b.div_ceil(2));
    for (length, tables) in lengths.iter_mut().zip(groups) {
        let bits = LENGTHS[usize::from(tables[0]).div_ceil(2) - 1];
        *length = Length { bits, first: u32::from(tables[0]) };
    }
    lengths
}

/// The number of a logical table's length among those in use.
pub(super) fn number_of(logical: usize) -> usize {
    (1..logical.div_ceil(2)).filter(|length| exists(2 * length)).count()
}

/// The pool of the table at a place.
pub(super) fn pool_of(at: usize) -> usize {
    usize::from(at >= SHORT)
}

/// The bank of each table of a pool, given that of its first, shifted to where indices have it. The
/// banks of the second pool follow those of the first.
pub(super) fn banks(pool: usize, first: u32) -> [Lanes; TABLE_BLOCKS] {
    let mut lanes = [Lanes::default(); TABLE_BLOCKS];
    let mut bank = first;
    for at in (0..TABLES).filter(|at| pool_of(*at) == pool) {
        let before = if pool == 0 { 0 } else { POOLS[0].banks };
        lanes[at / LANES].0[at % LANES] = ((before + bank) << LOG2_BANK) as u16;
        bank = (bank + 1) % POOLS[pool].banks;
    }
    lanes
}

/// The bank of a pool's first table. The path that helps to pick it reaches no further than the
/// pool's shortest history.
#[inline]
pub(super) fn first_bank(pc: u64, path: u32, pool: usize) -> u32 {
    let shortest = if pool == 0 { LENGTHS[0] } else { LENGTHS[FIRST_LONG.div_ceil(2) - 1] };
    let near = low(u64::from(path), shortest.min(6));
    ((pc ^ near) % u64::from(POOLS[pool].banks)) as u32
}
