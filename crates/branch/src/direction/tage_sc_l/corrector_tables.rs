//! The corrector's tables of counters: their shapes, their first values, and the rows a guess reads.

use super::opinion::{Confidence, Opinion};
use crate::bits::low;

pub(super) const GROUPS: usize = 8;
pub(super) const BIAS: usize = 3;
pub(super) const HISTORY_TABLES: usize = 17;
pub(super) const COUNTERS: usize = BIAS + HISTORY_TABLES;
pub(super) const COUNTER_BITS: u32 = 6;
pub(super) const BIAS_LOG2: u32 = 8;

/// A history table: its group, history length and the logarithm of its entries.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) group: usize,
    pub(super) length: u32,
    pub(super) log2_entries: u32,
}

/// Where each table starts among all counters, and where the last ends.
pub(super) const STARTS: [u16; COUNTERS + 1] = starts();

pub(super) const fn starts() -> [u16; COUNTERS + 1] {
    let mut starts = [0; COUNTERS + 1];
    let mut table = 0;
    while table < COUNTERS {
        let log2 = if table < BIAS { BIAS_LOG2 } else { SHAPES[table - BIAS].log2_entries };
        starts[table + 1] = starts[table] + (1 << log2);
        table += 1;
    }
    starts
}

pub(super) const fn shape(group: usize, length: u32, log2_entries: u32) -> Shape {
    Shape { group, length, log2_entries }
}

pub(super) const GLOBAL: usize = 1;
pub(super) const PATH: usize = 2;
pub(super) const LOCAL: usize = 3;
pub(super) const LOOP_OUTCOMES: usize = 6;
pub(super) const LOOP_COUNT: usize = 7;

/// The two shortest histories of a group have half the entries.
pub(super) const SHAPES: [Shape; HISTORY_TABLES] = [
    shape(GLOBAL, 40, 10),
    shape(GLOBAL, 24, 9),
    shape(GLOBAL, 10, 9),
    shape(PATH, 25, 9),
    shape(PATH, 16, 8),
    shape(PATH, 9, 8),
    shape(LOCAL, 11, 10),
    shape(LOCAL, 6, 9),
    shape(LOCAL, 3, 9),
    shape(LOCAL + 1, 16, 9),
    shape(LOCAL + 1, 11, 8),
    shape(LOCAL + 1, 6, 8),
    shape(LOCAL + 2, 9, 9),
    shape(LOCAL + 2, 4, 9),
    shape(LOOP_OUTCOMES, 10, 8),
    shape(LOOP_OUTCOMES, 4, 8),
    shape(LOOP_COUNT, 8, 8),
];

/// Counters of histories start undecided, half of them on either side.
pub(super) fn initial_slope(log2_entries: u32) -> Vec<i8> {
    (0..1_u32 << log2_entries).map(|at| if at & 1 == 1 { -1 } else { 0 }).collect()
}

/// Bias counters start on the side of the guess in their index, the first two tables strongly where
/// the index says that TAGE was sure.
pub(super) fn initial_bias(table: usize) -> Vec<i8> {
    let bias = |at: usize| {
        let (toward, flag) = (at & 1 == 1, at >> 1 & 1 == 1);
        let strength: i8 = match (table, flag) {
            (1, false) => 7,
            (1, true) | (_, false) => 31,
            (_, true) => 0,
        };
        if toward { strength } else { -1 - strength }
    };
    (0..1 << BIAS_LOG2).map(bias).collect()
}

pub(super) fn bias_indices(site: u64, opinion: &Opinion, inner: bool) -> [u16; BIAS] {
    let high = opinion.confidence == Confidence::High;
    let low_confidence = opinion.confidence == Confidence::Low;
    let guess = u64::from(inner);
    let doubtful = ((site ^ site >> 2) << 1 ^ u64::from(opinion.doubtful)) << 1 | guess;
    let sure = ((site ^ site >> (BIAS_LOG2 - 2)) << 1 ^ u64::from(high)) << 1 | guess;
    let confidence = u64::from(high) << 1 | u64::from(low_confidence) << 2;
    let tables = u64::from(opinion.has_alternate) << 3 | u64::from((opinion.table + 1) / 4) << 4;
    let provider = guess | confidence | tables;
    let provider = provider.wrapping_add((site ^ site >> 2) << 7);
    let indices = [doubtful, sure, provider];
    std::array::from_fn(|table| STARTS[table] + low(indices[table], BIAS_LOG2) as u16)
}

/// The counter of history table `N`: the address and the history folded over itself. The table's
/// shape is known when this is compiled, so that shifts by more than the history vanish.
#[inline]
pub(super) fn row<const N: usize>(sources: &[(u64, u64); GROUPS]) -> u16 {
    let shape = &SHAPES[N];
    let (from, history) = sources[shape.group];
    let bits = low(history, shape.length);
    let step = shape.log2_entries - N as u32 % 3;
    let folded = bits ^ bits >> step ^ bits >> (2 * step) ^ bits >> (3 * step) ^ bits >> (4 * step);
    STARTS[BIAS + N] + low(from ^ from >> step ^ folded, shape.log2_entries) as u16
}

/// The counter of each history table.
pub(super) fn rows(sources: &[(u64, u64); GROUPS]) -> [u16; HISTORY_TABLES] {
    macro_rules! rows {
        ($($number:literal)*) => { [$(row::<$number>(sources)),*] };
    }
    rows!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

/// The most tables in a group.
pub(super) const MOST_IN_GROUP: usize = 3;

/// The first, second and third table of each group; [`COUNTERS`] where there is none.
pub(super) const TABLE_OF: [[usize; GROUPS]; MOST_IN_GROUP] = {
    let mut tables = [[COUNTERS; GROUPS]; MOST_IN_GROUP];
    let mut table = 0;
    while table < COUNTERS {
        let group = if table < BIAS { 0 } else { SHAPES[table - BIAS].group };
        let mut order = 0;
        while tables[order][group] != COUNTERS {
            order += 1;
        }
        tables[order][group] = table;
        table += 1;
    }
    tables
};
