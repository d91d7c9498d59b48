//! The TAGE part: 21 logical tables of 18 history lengths, laid over two pools of banks.
//!
//! Short histories use a pool of narrow tags, long ones a pool of wide tags. Each guess picks a first
//! bank by address and path and gives the following tables the following banks, so that no bank is
//! read twice. The middle lengths have two tables, which makes them two-way associative.

use super::super::Provider;
use super::super::shared_bimodal::SharedBimodal;
use super::hash::{Hashes, LENGTH_OF, Rows};
use super::layout::{
    LENGTHS_USED, LOG2_BANK, LOGICAL, Length, POOLS, Pool, SHORT_LENGTHS, TABLE_BLOCKS, TABLES,
    banks, first_bank, lengths, logical_tables,
};
use super::opinion::{Confidence, Opinion};
use crate::bits::{site_bits, step_signed, strength};
use crate::lanes::{LANES, Lanes};
use crate::lfsr::Lfsr;
use crate::{FoldSpec, History, HistorySpec, Insertion};
use stream::VirtAddr;

const BIMODAL_LOG2: u32 = 13;
const COUNTER_BITS: u32 = 3;
const USE_ALTERNATE: usize = 16;
const USE_ALTERNATE_BITS: u32 = 5;
const TICK_BITS: u32 = 10;

/// As many entries as 16 bits tell apart, so that no index can be out of bounds; the pools use the
/// first ones.
const ENTRIES: usize = 1 << u16::BITS;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    tag: u16,
    counter: i8,
    useful: bool,
}

/// What TAGE remembers from a guess.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::direction) struct TageToken {
    base: u32,
    /// The entry of each table among all, and the tag there.
    index: [Lanes; TABLE_BLOCKS],
    tag: [Lanes; TABLE_BLOCKS],
    /// The longest table that matched, by its place among the existing ones.
    provider: Option<u8>,
    alternate: Option<u8>,
    provider_guess: bool,
    provider_low: bool,
    alternate_guess: bool,
    alternate_confidence: Confidence,
    /// The guess is the alternate's.
    pub(super) used_alternate: bool,
    guess: bool,
    confidence: Confidence,
    /// The provider's logical number, 0 for the bimodal table.
    hit: u8,
}

/// The logical numbers of the tables in which a branch got an entry; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::direction) struct Allocated([u8; Self::MOST]);

impl Allocated {
    /// The most entries for one misprediction.
    const MOST: usize = 2;

    pub(in crate::direction) fn tables(self) -> impl Iterator<Item = u8> {
        self.0.into_iter().filter(|table| *table != 0)
    }
}

impl TageToken {
    /// What TAGE says.
    #[inline]
    pub(in crate::direction) fn opinion(&self) -> Opinion {
        let low = self.confidence == Confidence::Low;
        Opinion {
            guess: self.guess,
            confidence: self.confidence,
            doubtful: low && self.provider_guess != self.alternate_guess,
            has_alternate: self.alternate.is_some(),
            table: self.hit,
        }
    }

    /// The table that provided the guess, by its history length.
    pub(super) fn provider(&self) -> Provider {
        Provider::of(self.provider.map(|at| LENGTH_OF[usize::from(at)]))
    }

    fn index(&self, at: usize) -> usize {
        usize::from(self.index[at / LANES].0[at % LANES])
    }

    fn tag(&self, at: usize) -> u16 {
        self.tag[at / LANES].0[at % LANES]
    }
}

#[derive(Clone, Debug)]
pub(super) struct Tage {
    lengths: [Length; LENGTHS_USED],
    /// The number of each existing table, and the place of each number that exists.
    logical: [u8; TABLES],
    place: [Option<u8>; LOGICAL + 1],
    hashes: Hashes,
    /// The bank of each table, by the bank of the first table of either pool.
    banks: [Vec<[Lanes; TABLE_BLOCKS]>; 2],
    base: SharedBimodal,
    entries: Box<[Entry; ENTRIES]>,
    use_alternate: [i8; USE_ALTERNATE],
    tick: u32,
    lfsr: Lfsr,
}

impl Tage {
    pub(super) fn new() -> Self {
        let logical = logical_tables();
        let lengths = lengths(&logical);
        let banks_of = |pool: usize| (0..POOLS[pool].banks).map(move |first| banks(pool, first));
        let entries = vec![Entry::default(); ENTRIES].into_boxed_slice();
        let mut place = [None; LOGICAL + 1];
        (0..).zip(logical).for_each(|(at, number)| place[usize::from(number)] = Some(at));
        Self {
            hashes: Hashes::new(&lengths),
            lengths,
            logical,
            place,
            banks: [banks_of(0).collect(), banks_of(1).collect()],
            base: SharedBimodal::new(BIMODAL_LOG2),
            entries: entries.try_into().expect("it has that many"),
            use_alternate: [0; USE_ALTERNATE],
            tick: 0,
            lfsr: Lfsr::new(),
        }
    }

    pub(super) fn history(&self) -> HistorySpec {
        let registers: [_; LENGTHS_USED] = std::array::from_fn(|number| {
            let tag_bits = POOLS[usize::from(number >= SHORT_LENGTHS)].tag_bits;
            (self.lengths[number].bits, [LOG2_BANK, tag_bits, tag_bits - 1])
        });
        HistorySpec {
            insertion: Insertion::OutcomeAndAddress,
            folds: FoldSpec::eights(&registers),
            contexts: None,
        }
    }

    pub(super) fn predict(&self, pc: VirtAddr, history: &History, token: &mut TageToken) {
        (token.index, token.tag) = self.look_up(pc, history);
        let hits = self.hits(&token.index, &token.tag);
        token.base = self.base.index(pc);
        let counter = self.base.counter(token.base);
        let base_confidence =
            if matches!(counter, 0 | 3) { Confidence::High } else { Confidence::Low };
        let longest = |hits: u32| hits.checked_ilog2().map(|at| at as usize);
        let provider = longest(hits);
        let alternate = provider.and_then(|at| longest(hits & !(1 << at)));
        let look = |at: Option<usize>| match at {
            None => (counter >= 2, base_confidence),
            Some(at) => {
                let counter = self.entry(token, at).counter;
                (counter >= 0, Confidence::of(counter))
            }
        };
        let (provider_guess, confidence) = look(provider);
        let (alternate_guess, alternate_confidence) = look(alternate);
        token.provider = provider.map(|at| at as u8);
        token.alternate = alternate.map(|at| at as u8);
        (token.provider_guess, token.confidence) = (provider_guess, confidence);
        (token.alternate_guess, token.alternate_confidence) =
            (alternate_guess, alternate_confidence);
        token.provider_low = provider.is_some() && confidence == Confidence::Low;
        token.hit = provider.map_or(0, |at| self.logical[at]);
        token.used_alternate =
            token.provider_low && self.use_alternate[self.use_alternate_index(token)] >= 0;
        token.guess = if token.used_alternate { alternate_guess } else { provider_guess };
    }

    fn use_alternate_index(&self, token: &TageToken) -> usize {
        let sure = usize::from(token.alternate_confidence != Confidence::Low);
        (2 * (usize::from(token.hit.max(1) - 1) / 8) + sure) % (USE_ALTERNATE - 1)
    }

    /// The entry of each table and the tag to look for.
    #[inline]
    fn look_up(
        &self,
        pc: VirtAddr,
        history: &History,
    ) -> ([Lanes; TABLE_BLOCKS], [Lanes; TABLE_BLOCKS]) {
        let (pc, path) = (site_bits(pc), history.path());
        let Rows { rows, tags } = self.hashes.look(pc, path, &history.eights());
        let short = &self.banks[0][first_bank(pc, path, 0) as usize];
        let long = &self.banks[1][first_bank(pc, path, 1) as usize];
        let index = std::array::from_fn(|block| rows[block] | short[block] | long[block]);
        (index, tags)
    }

    /// A bit for each table: its entry has the tag.
    #[inline]
    fn hits(&self, index: &[Lanes; TABLE_BLOCKS], tag: &[Lanes; TABLE_BLOCKS]) -> u32 {
        let mut found = [Lanes::default(); TABLE_BLOCKS];
        self.read_tags(index, &mut found);
        let mut hits = 0;
        for (block, (found, tag)) in found.iter().zip(tag).enumerate() {
            hits |= u32::from(found.equal(*tag)) << (block * LANES);
        }
        // The last block has fewer tables than lanes.
        hits & ((1 << TABLES) - 1)
    }

    /// Reads the tags side by side. It is a function of its own so that they are compared so, too.
    #[inline(never)]
    fn read_tags(&self, index: &[Lanes; TABLE_BLOCKS], found: &mut [Lanes; TABLE_BLOCKS]) {
        for (found, index) in found.iter_mut().zip(index) {
            for (found, index) in found.0.iter_mut().zip(index.0) {
                *found = self.entries[usize::from(index)].tag;
            }
        }
    }

    fn entry(&self, token: &TageToken, at: usize) -> &Entry {
        &self.entries[token.index(at)]
    }

    fn entry_mut(&mut self, token: &TageToken, at: usize) -> &mut Entry {
        &mut self.entries[token.index(at)]
    }

    /// The entry a guess came from, unless another branch has taken it since.
    fn entry_of(&mut self, token: &TageToken, at: u8) -> Option<&mut Entry> {
        let at = usize::from(at);
        let tag = token.tag(at);
        Some(self.entry_mut(token, at)).filter(|entry| entry.tag == tag)
    }

    /// Trains with the outcome; `overall_wrong` tells that the whole predictor missed. Returns where
    /// the branch got new entries.
    pub(super) fn train(
        &mut self,
        token: &TageToken,
        actual: bool,
        overall_wrong: bool,
    ) -> Allocated {
        let mut allocate = token.guess != actual;
        if token.provider_low {
            allocate &= token.provider_guess != actual;
            if token.provider_guess != token.alternate_guess {
                let counter = &mut self.use_alternate[self.use_alternate_index(token)];
                *counter =
                    step_signed(*counter, token.alternate_guess == actual, USE_ALTERNATE_BITS);
            }
        }
        let mut allocated = Allocated::default();
        if allocate {
            allocated = self.allocate_above(token, token.hit, actual, overall_wrong);
        }
        self.train_counters(token, actual);
        allocated
    }

    /// The guess of the table with the number `hit` was wrong: takes entries of longer histories, if
    /// there are any.
    pub(super) fn allocate_above(
        &mut self,
        token: &TageToken,
        hit: u8,
        actual: bool,
        overall_wrong: bool,
    ) -> Allocated {
        // When something else got it right, a longer history is rarely worth an entry.
        if usize::from(hit) == LOGICAL || (!overall_wrong && self.lfsr.bits(5) != 0) {
            return Allocated::default();
        }
        self.allocate(token, hit, actual)
    }

    /// Takes up to two entries of longer histories, trying both tables of each length in turn.
    fn allocate(&mut self, token: &TageToken, hit: u8, actual: bool) -> Allocated {
        let step = if self.lfsr.bits(7) < 32 { 2 } else { 1 };
        let start = ((i32::from(hit) - 1 + 2 * step) & !1) ^ self.lfsr.bits(1) as i32;
        let (mut taken, mut refused) = (0, 0);
        let mut allocated = Allocated::default();
        let mut logical = start.max(0) as usize;
        while logical < LOGICAL && taken < Allocated::MOST {
            let pair = [logical + 1, (logical ^ 1) + 1].into_iter();
            let mut longer = pair.filter(|number| *number > usize::from(hit));
            let got = longer.find(|number| self.take(token, *number, actual, &mut refused));
            if let Some(number) = got {
                allocated.0[taken] = number as u8;
                taken += 1;
            }
            logical += if got.is_some() { 4 } else { 2 };
        }
        self.tick = (self.tick + refused).saturating_sub(2 * taken as u32);
        if self.tick >= 1 << TICK_BITS {
            self.entries.iter_mut().for_each(|entry| entry.useful = false);
            self.tick = 0;
        }
        allocated
    }

    fn take(&mut self, token: &TageToken, logical: usize, actual: bool, refused: &mut u32) -> bool {
        let Some(at) = self.place[logical].map(usize::from) else { return false };
        let tag = token.tag(at);
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

    /// Trains the base table by itself.
    pub(super) fn train_base(&mut self, token: &TageToken, actual: bool) {
        self.base.train(token.base, actual);
    }

    /// Makes the counter of the bimodal table the weakest that goes this way.
    pub(super) fn set_base(&mut self, pc: VirtAddr, taken: bool) {
        self.base.set(self.base.index(pc), taken);
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

#[cfg(test)]
mod tests {
    use super::super::layout::{BANK, FIRST_LONG, SHORT, exists, pool_of};
    use super::*;

    #[test]
    fn tables_and_banks_are_those_of_the_64_kb_design() {
        let tables = logical_tables();
        assert_eq!((1..=LOGICAL).filter(|logical| exists(*logical)).count(), TABLES);
        let short = tables.iter().filter(|table| usize::from(**table) < FIRST_LONG).count();
        assert_eq!((short, TABLES - short), (SHORT, 15));
        let lengths = lengths(&tables);
        assert_eq!(lengths[SHORT_LENGTHS].bits, 54);
        assert_eq!((lengths[0].bits, lengths[LENGTHS_USED - 1].bits), (6, 3000));
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
        let mut token = TageToken::default();
        tage.predict(VirtAddr(0xdead_beec), &history, &mut token);
        let banks = |pool| {
            let tables = (0..TABLES).filter(move |at| pool_of(*at) == pool);
            let mut banks: Vec<_> = tables.map(|at| token.index(at) >> LOG2_BANK).collect();
            banks.sort_unstable();
            let all = banks.len();
            banks.dedup();
            (banks.len(), all)
        };
        assert_eq!((banks(0), banks(1)), ((6, 6), (15, 15)));
    }

    #[test]
    fn the_second_table_of_a_length_has_a_row_of_its_own() {
        let tage = Tage::new();
        let history = History::new(&tage.history(), &[]);
        let mut token = TageToken::default();
        tage.predict(VirtAddr(0xdead_beec), &history, &mut token);
        let row = |at: usize| token.index(at) & (BANK as usize - 1);
        let mut pairs = 0;
        for at in 1..TABLES {
            if tage.logical[at].div_ceil(2) == tage.logical[at - 1].div_ceil(2) {
                assert_eq!(token.tag(at), token.tag(at - 1));
                let tag = usize::from(token.tag(at));
                assert_eq!(row(at), row(at - 1) ^ tag & (BANK as usize - 1));
                assert_ne!(row(at), row(at - 1));
                pairs += 1;
            }
        }
        assert_eq!(pairs, 7);
    }
}
