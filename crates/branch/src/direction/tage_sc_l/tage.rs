//! The TAGE part: 21 logical tables of 18 history lengths, laid over two pools of banks.
//!
//! Short histories use a pool of narrow tags, long ones a pool of wide tags. Each guess picks a first
//! bank by address and path and gives the following tables the following banks, so that no bank is
//! read twice. The middle lengths have two tables, which makes them two-way associative.

use super::super::shared_bimodal::SharedBimodal;
use crate::bits::{low, site_bits, step_signed, strength};
use crate::lfsr::Lfsr;
use crate::{FoldSpec, History, HistorySpec, Insertion};
use stream::VirtAddr;

/// The history lengths, a geometric series from 6 to 3000.
const LENGTHS: [u32; 18] =
    [6, 9, 12, 18, 26, 37, 54, 78, 112, 161, 232, 335, 482, 695, 1002, 1444, 2081, 3000];
/// Logical tables, numbered from 1; table `i` has length number `ceil(i / 2)`.
const LOGICAL: usize = 36;
/// Logical tables of the long pool start here.
const FIRST_LONG: usize = 13;
/// Logical tables with an odd number exist from here to below the second.
const TWO_WAY: std::ops::Range<usize> = 9..23;
/// Tables without use beside the two-way ones.
const LEFT_OUT: [usize; 4] = [4, 8, 30, 34];
/// The logical tables that exist.
pub(super) const TABLES: usize = 21;

const LOG2_BANK: u32 = 10;
const BIMODAL_LOG2: u32 = 13;
const COUNTER_BITS: u32 = 3;
const USE_ALTERNATE: usize = 16;
const USE_ALTERNATE_BITS: u32 = 5;
const TICK_BITS: u32 = 10;

struct Pool {
    banks: u32,
    tag_bits: u32,
}

const POOLS: [Pool; 2] = [Pool { banks: 10, tag_bits: 8 }, Pool { banks: 20, tag_bits: 12 }];

/// A logical table that exists.
#[derive(Clone, Copy, Debug)]
struct Table {
    logical: usize,
    pool: usize,
    /// Its place among the tables of its pool.
    order: u32,
    /// It is the second of two tables of a length.
    second: bool,
    length: u32,
    /// The number of its first folded register.
    fold: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    tag: u16,
    counter: i8,
    useful: bool,
}

/// How sure TAGE is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    fn of(counter: i8) -> Self {
        match strength(counter) {
            7.. => Self::High,
            3.. => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// What TAGE remembers from a guess.
#[derive(Clone, Copy, Debug)]
pub(super) struct TageToken {
    base: u32,
    index: [u16; TABLES],
    tag: [u16; TABLES],
    /// The longest table that matched, by its place among the existing ones.
    provider: Option<u8>,
    alternate: Option<u8>,
    provider_guess: bool,
    provider_low: bool,
    pub(super) alternate_guess: bool,
    alternate_confidence: Confidence,
    pub(super) guess: bool,
    pub(super) confidence: Confidence,
    /// The provider's logical number, 0 for the bimodal table.
    pub(super) hit: u8,
}

impl TageToken {
    /// The longest match was the guess of an unsure entry that the next match contradicts.
    pub(super) fn doubtful(&self) -> bool {
        self.confidence == Confidence::Low && self.provider_guess != self.alternate_guess
    }

    /// A shorter tagged table matched too.
    pub(super) fn has_alternate(&self) -> bool {
        self.alternate.is_some()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Tage {
    tables: Vec<Table>,
    base: SharedBimodal,
    pools: [Vec<Entry>; 2],
    use_alternate: [i8; USE_ALTERNATE],
    tick: u32,
    lfsr: Lfsr,
}

fn exists(logical: usize) -> bool {
    let odd = logical % 2 == 1;
    (!odd || TWO_WAY.contains(&logical)) && !LEFT_OUT.contains(&logical)
}

fn layout() -> Vec<Table> {
    let mut order = [0; 2];
    let mut tables: Vec<Table> = Vec::new();
    for logical in (1..=LOGICAL).filter(|logical| exists(*logical)) {
        let pool = usize::from(logical >= FIRST_LONG);
        let length = LENGTHS[logical.div_ceil(2) - 1];
        let second = tables.last().is_some_and(|last| last.length == length);
        let fold = tables.last().map_or(0, |last| last.fold + if second { 0 } else { 3 });
        tables.push(Table { logical, pool, order: order[pool], second, length, fold });
        order[pool] += 1;
    }
    tables
}

impl Tage {
    pub(super) fn new() -> Self {
        let pool = |pool: &Pool| vec![Entry::default(); (pool.banks << LOG2_BANK) as usize];
        Self {
            tables: layout(),
            base: SharedBimodal::new(BIMODAL_LOG2),
            pools: [pool(&POOLS[0]), pool(&POOLS[1])],
            use_alternate: [0; USE_ALTERNATE],
            tick: 0,
            lfsr: Lfsr::new(),
        }
    }

    pub(super) fn history(&self) -> HistorySpec {
        let firsts = self.tables.iter().filter(|table| !table.second);
        let folds = firsts.flat_map(|table| {
            let tag_bits = POOLS[table.pool].tag_bits;
            [LOG2_BANK, tag_bits, tag_bits - 1]
                .map(|width| FoldSpec { length: table.length, width })
        });
        HistorySpec { insertion: Insertion::OutcomeAndAddress, folds: folds.collect() }
    }

    pub(super) fn predict(&self, pc: VirtAddr, history: &History) -> TageToken {
        let (index, tag) = self.look_up(pc, history);
        let base = self.base.index(pc);
        let counter = self.base.counter(base);
        let base_confidence =
            if matches!(counter, 0 | 3) { Confidence::High } else { Confidence::Low };
        let hit = |at: &usize| self.pools[self.tables[*at].pool][usize::from(index[*at])];
        let mut hits = (0..TABLES).rev().filter(|at| hit(at).tag == tag[*at]);
        let (provider, alternate) = (hits.next(), hits.next());
        let look = |at: Option<usize>| match at {
            None => (counter >= 2, base_confidence),
            Some(at) => (hit(&at).counter >= 0, Confidence::of(hit(&at).counter)),
        };
        let (provider_guess, confidence) = look(provider);
        let (alternate_guess, alternate_confidence) = look(alternate);
        let mut token = TageToken {
            base,
            index,
            tag,
            provider: provider.map(|at| at as u8),
            alternate: alternate.map(|at| at as u8),
            provider_guess,
            provider_low: provider.is_some() && confidence == Confidence::Low,
            alternate_guess,
            alternate_confidence,
            guess: provider_guess,
            confidence,
            hit: provider.map_or(0, |at| self.tables[at].logical as u8),
        };
        if token.provider_low && self.use_alternate[self.use_alternate_index(&token)] >= 0 {
            token.guess = alternate_guess;
        }
        token
    }

    fn use_alternate_index(&self, token: &TageToken) -> usize {
        let sure = usize::from(token.alternate_confidence != Confidence::Low);
        (2 * (usize::from(token.hit.max(1) - 1) / 8) + sure) % (USE_ALTERNATE - 1)
    }

    fn look_up(&self, pc: VirtAddr, history: &History) -> ([u16; TABLES], [u16; TABLES]) {
        let (mut index, mut tag) = ([0; TABLES], [0; TABLES]);
        let pc = site_bits(pc);
        let path = history.path();
        for (at, table) in self.tables.iter().enumerate() {
            let pool = &POOLS[table.pool];
            let fold = |number| u64::from(history.fold(table.fold + number));
            let own = low(pc ^ fold(1) ^ fold(2) << 1, pool.tag_bits);
            let shift = LOG2_BANK.abs_diff(table.logical as u32) + 1;
            let mut row = pc ^ pc >> shift ^ fold(0) ^ path_hash(path, table);
            if table.second {
                // The tag, with the length's index, gives the second table another row.
                row = u64::from(index[at - 1]) ^ own;
            }
            let near = low(u64::from(path), first_length(table.pool).min(6));
            let first = (pc ^ near) % u64::from(pool.banks);
            let bank = (first + u64::from(table.order)) % u64::from(pool.banks);
            index[at] = (bank << LOG2_BANK | low(row, LOG2_BANK)) as u16;
            tag[at] = own as u16;
        }
        (index, tag)
    }

    fn entry(&self, token: &TageToken, at: usize) -> &Entry {
        &self.pools[self.tables[at].pool][usize::from(token.index[at])]
    }

    fn entry_mut(&mut self, token: &TageToken, at: usize) -> &mut Entry {
        &mut self.pools[self.tables[at].pool][usize::from(token.index[at])]
    }

    /// The entry a guess came from, unless another branch has taken it since.
    fn entry_of(&mut self, token: &TageToken, at: u8) -> Option<&mut Entry> {
        let at = usize::from(at);
        let tag = token.tag[at];
        Some(self.entry_mut(token, at)).filter(|entry| entry.tag == tag)
    }

    /// Trains with the outcome; `overall_wrong` tells that the whole predictor missed.
    pub(super) fn train(&mut self, token: &TageToken, actual: bool, overall_wrong: bool) {
        let longer = token.provider.is_none_or(|at| usize::from(at) + 1 < TABLES);
        let mut allocate = token.guess != actual && longer;
        if token.provider_low {
            allocate &= token.provider_guess != actual;
            if token.provider_guess != token.alternate_guess {
                let counter = &mut self.use_alternate[self.use_alternate_index(token)];
                *counter =
                    step_signed(*counter, token.alternate_guess == actual, USE_ALTERNATE_BITS);
            }
        }
        // When something else got it right, a longer history is rarely worth an entry.
        if allocate && !overall_wrong {
            allocate = self.lfsr.bits(5) == 0;
        }
        if allocate {
            self.allocate(token, actual);
        }
        self.train_counters(token, actual);
    }

    /// Takes up to two entries of longer histories, trying both tables of each length in turn.
    fn allocate(&mut self, token: &TageToken, actual: bool) {
        let step = if self.lfsr.bits(7) < 32 { 2 } else { 1 };
        let hit = i32::from(token.hit);
        let start = ((hit - 1 + 2 * step) & !1) ^ self.lfsr.bits(1) as i32;
        let (mut taken, mut refused) = (0, 0);
        let mut logical = start.max(0) as usize;
        while logical < LOGICAL && taken < 2 {
            let pair = [logical + 1, (logical ^ 1) + 1];
            let got = pair.into_iter().any(|number| self.take(token, number, actual, &mut refused));
            taken += u32::from(got);
            logical += if got { 4 } else { 2 };
        }
        self.tick = (self.tick + refused).saturating_sub(2 * taken);
        if self.tick >= 1 << TICK_BITS {
            self.pools.iter_mut().flatten().for_each(|entry| entry.useful = false);
            self.tick = 0;
        }
    }

    fn take(&mut self, token: &TageToken, logical: usize, actual: bool, refused: &mut u32) -> bool {
        let Some(at) = self.tables.iter().position(|table| table.logical == logical) else {
            return false;
        };
        if logical <= usize::from(token.hit) {
            return false;
        }
        let tag = token.tag[at];
        let entry = self.entry_mut(token, at);
        if entry.useful {
            *refused += 1;
            false
        } else if strength(entry.counter) > 3 {
            entry.counter += if entry.counter >= 0 { -1 } else { 1 };
            false
        } else {
            *entry = Entry { tag, counter: if actual { 0 } else { -1 }, useful: false };
            true
        }
    }

    fn train_counters(&mut self, token: &TageToken, actual: bool) {
        let Some(provider) = token.provider else {
            return self.base.train(token.base, actual);
        };
        if token.provider_low && token.provider_guess != actual {
            self.train_alternate(token, actual);
        }
        let alternate_sure = token.alternate.is_some_and(|at| {
            Confidence::of(self.entry(token, usize::from(at)).counter) == Confidence::High
        });
        let Some(entry) = self.entry_of(token, provider) else { return };
        entry.counter = step_signed(entry.counter, actual, COUNTER_BITS);
        let turned = strength(entry.counter) == 1 && (entry.counter >= 0) == actual;
        if turned {
            entry.useful = false;
        }
        if token.provider_guess == actual {
            if token.alternate_guess != actual {
                entry.useful = true;
            } else if alternate_sure {
                entry.useful = false;
            }
        }
    }

    fn train_alternate(&mut self, token: &TageToken, actual: bool) {
        match token.alternate {
            None => self.base.train(token.base, actual),
            Some(at) => {
                if let Some(entry) = self.entry_of(token, at) {
                    entry.counter = step_signed(entry.counter, actual, COUNTER_BITS);
                }
            }
        }
    }

    pub(super) fn storage_bits(&self) -> u64 {
        let pool = |pool: &Pool| {
            u64::from(pool.tag_bits + COUNTER_BITS + 1) * u64::from(pool.banks << LOG2_BANK)
        };
        let alternates = USE_ALTERNATE as u64 * u64::from(USE_ALTERNATE_BITS);
        let registers = alternates + u64::from(TICK_BITS) + Lfsr::BITS;
        POOLS.iter().map(pool).sum::<u64>() + self.base.storage_bits() + registers
    }
}

/// The shortest history of a pool: the path that picks the first bank reaches no further.
fn first_length(pool: usize) -> u32 {
    if pool == 0 { LENGTHS[0] } else { LENGTHS[FIRST_LONG.div_ceil(2) - 1] }
}

/// The path as far as the table's history reaches, turned by the table's number.
fn path_hash(path: u32, table: &Table) -> u64 {
    let path = low(u64::from(path), table.length.min(27));
    let folded = low(path, LOG2_BANK) ^ path >> LOG2_BANK;
    let turn = table.logical as u32 % LOG2_BANK;
    folded << turn ^ folded >> (LOG2_BANK - turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_banks_are_those_of_the_64_kb_design() {
        let tables = layout();
        assert_eq!(tables.len(), TABLES);
        let short = tables.iter().filter(|table| table.pool == 0).count();
        assert_eq!((short, TABLES - short), (6, 15));
        assert_eq!(tables.iter().filter(|table| table.second).count(), 7);
        assert_eq!((tables[0].length, tables[TABLES - 1].length), (6, 3000));
    }

    #[test]
    fn storage_is_two_pools_a_bimodal_table_and_registers() {
        let (short, long) = (10 * 1024 * (8 + 3 + 1), 20 * 1024 * (12 + 3 + 1));
        let base = 8192 + 2048;
        assert_eq!(Tage::new().storage_bits(), short + long + base + 16 * 5 + 10 + 32);
    }

    #[test]
    fn no_bank_is_read_twice_for_one_guess() {
        let tage = Tage::new();
        let history = History::new(&tage.history(), &[]);
        let token = tage.predict(VirtAddr(0xdead_beec), &history);
        let banks = |pool| {
            let tables = tage.tables.iter().enumerate().filter(move |(_, it)| it.pool == pool);
            let mut banks: Vec<_> = tables.map(|(at, _)| token.index[at] >> LOG2_BANK).collect();
            banks.sort_unstable();
            let all = banks.len();
            banks.dedup();
            (banks.len(), all)
        };
        assert_eq!((banks(0), banks(1)), ((6, 6), (15, 15)));
    }
}
