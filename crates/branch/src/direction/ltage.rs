//! L-TAGE: tagged tables of geometrically growing history lengths over a bimodal table, with a loop
//! predictor beside them (Seznec, "A 256 Kbits L-TAGE branch predictor", JILP 2007).
//!
//! The longest history that matches gives the guess, unless its entry is new and a counter says that
//! new entries are worse than the next match. The default sizes are those of the paper; gem5's
//! Skylake-like systems use `max_history = 34`.
//!
//! Differences: the hash of the path into an index is our own, and a counter is not trained if
//! another branch took its entry between guess and commit.

mod config;
mod hash;

use super::loops::{LoopToken, Loops};
use super::shared_bimodal::SharedBimodal;
use super::{BranchSite, DirectionPredictor, Moved, Origin, Provider, SecondLevel};
use crate::bits::{low, step_signed, step_unsigned, strength};
use crate::lanes::{LANES, Lanes};
use crate::lfsr::Lfsr;
use crate::{FoldSpec, History, HistorySpec, Problems};
use hash::{Hash, hashes};
use stream::VirtAddr;

pub use config::{LtageConfig, TaggedTableConfig};

const MAX_TABLES: usize = 16;
/// Blocks of tables that are looked up side by side.
const BLOCKS: usize = MAX_TABLES / LANES;
const COUNTER_BITS: u32 = 3;
const USEFUL_BITS: u32 = 2;
const USE_ALTERNATE_BITS: u32 = 4;
const WITH_LOOP_BITS: u32 = 7;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    tag: u16,
    counter: i8,
    useful: u8,
}

/// What L-TAGE remembers from a guess.
#[derive(Clone, Copy, Debug, Default)]
pub struct LtageToken {
    base: u32,
    /// The place of each table's row among all entries.
    place: [[u32; LANES]; BLOCKS],
    /// The tag there, in the upper bits.
    tag: [Lanes; BLOCKS],
    provider: Option<u8>,
    alternate: Option<u8>,
    provider_guess: bool,
    alternate_guess: bool,
    tage_guess: bool,
    /// The guess of TAGE is the alternate's.
    used_alternate: bool,
    /// The guess is the loop predictor's.
    from_loop: bool,
    guess: bool,
    loops: LoopToken,
}

impl LtageToken {
    fn place(&self, table: usize) -> usize {
        self.place[table / LANES][table % LANES] as usize
    }

    fn tag(&self, table: usize) -> u16 {
        self.tag[table / LANES].0[table % LANES]
    }
}

/// L-TAGE.
#[derive(Clone, Debug)]
pub struct Ltage {
    config: LtageConfig,
    hashes: Vec<Hash>,
    lengths: Vec<u32>,
    base: SharedBimodal,
    /// The entries of all tables, one table after the other.
    entries: Vec<Entry>,
    /// Where each table starts.
    starts: [[u32; LANES]; BLOCKS],
    use_alternate: i8,
    with_loop: i8,
    trained: u64,
    loops: Loops,
    lfsr: Lfsr,
}

impl DirectionPredictor for Ltage {
    type Config = LtageConfig;
    type Token = LtageToken;

    fn validate(config: &Self::Config, problems: &mut Problems) {
        problems.range("min_history", config.min_history, 1, 4096);
        problems.range("max_history", config.max_history, config.min_history, 4096);
        problems.range("bimodal_log2_entries", config.bimodal_log2_entries, 2, 24);
        problems.range("tables", config.tables.len() as u32, 1, MAX_TABLES as u32);
        problems.range("useful_reset_log2", config.useful_reset_log2, 1, 32);
        for (number, table) in config.tables.iter().enumerate() {
            let path = |field| format!("tables[{number}].{field}");
            problems.range(&path("log2_entries"), table.log2_entries, 1, 16);
            problems.range(&path("tag_bits"), table.tag_bits, 2, 16);
        }
        config.loops.validate(problems);
    }

    fn new(config: &Self::Config) -> Self {
        let lengths = config.lengths();
        let (mut entries, mut starts) = (0, [[0; LANES]; BLOCKS]);
        for (start, table) in starts.as_flattened_mut().iter_mut().zip(&config.tables) {
            *start = entries;
            entries += 1 << table.log2_entries;
        }
        Self {
            hashes: hashes(&config.tables, &lengths),
            lengths,
            base: SharedBimodal::new(config.bimodal_log2_entries),
            starts,
            entries: vec![Entry::default(); entries as usize],
            use_alternate: 0,
            with_loop: -1,
            trained: 0,
            loops: Loops::new(&config.loops),
            lfsr: Lfsr::new(),
            config: config.clone(),
        }
    }

    fn history(&self) -> HistorySpec {
        let tables = self.config.tables.iter().zip(&self.lengths);
        let registers = tables.map(|(table, length)| {
            (*length, [table.log2_entries, table.tag_bits, table.tag_bits - 1])
        });
        let folds = FoldSpec::eights(&registers.collect::<Vec<_>>());
        HistorySpec { folds, ..HistorySpec::default() }
    }

    fn predict(&self, site: BranchSite, history: &History, token: &mut LtageToken) -> bool {
        let hits = self.look_up(site, history, token);
        let provider = hits.checked_ilog2();
        let alternate = provider.and_then(|table| (hits & !(1 << table)).checked_ilog2());
        token.provider = provider.map(|table| table as u8);
        token.alternate = alternate.map(|table| table as u8);
        self.decide(token);
        token.guess
    }

    fn speculate(&mut self, token: &LtageToken, taken: bool) {
        self.loops.speculate(&token.loops, taken);
    }

    fn repair(&mut self, token: &LtageToken) {
        self.loops.repair(&token.loops);
    }

    fn set_base(&mut self, pc: VirtAddr, taken: bool) -> bool {
        self.base.set(self.base.index(pc), taken);
        true
    }

    fn train(&mut self, token: &LtageToken, actual: bool) {
        if let Some(guess) = token.loops.guess().filter(|guess| *guess != token.tage_guess) {
            self.with_loop = step_signed(self.with_loop, guess == actual, WITH_LOOP_BITS);
        }
        self.loops.train(&token.loops, actual, token.tage_guess, token.guess != actual);
        if self.should_allocate(token, actual) {
            self.allocate(token, actual);
        }
        self.train_counters(token, actual);
        self.age();
    }

    fn origin(token: &LtageToken) -> Option<Origin> {
        Some(Origin {
            provider: Provider::of(token.provider.map(usize::from)),
            alternate: token.used_alternate,
            from_loop: token.from_loop,
            reverted: false,
            guess: token.guess,
            second_level: SecondLevel::Silent,
            moved: Moved::default(),
        })
    }

    fn storage_bits(&self) -> u64 {
        let bits = |table: &TaggedTableConfig| {
            u64::from(table.tag_bits + COUNTER_BITS + USEFUL_BITS) << table.log2_entries
        };
        let tagged: u64 = self.config.tables.iter().map(bits).sum();
        let counters = u64::from(USE_ALTERNATE_BITS + WITH_LOOP_BITS);
        let registers = counters + u64::from(self.config.useful_reset_log2) + 1 + Lfsr::BITS;
        self.base.storage_bits() + tagged + self.loops.storage_bits() + registers
    }
}

impl Ltage {
    /// Where all parts have the branch; a bit for each table whose entry has the tag.
    #[inline]
    fn look_up(&self, site: BranchSite, history: &History, token: &mut LtageToken) -> u32 {
        token.base = self.base.index(site.pc);
        token.loops = self.loops.predict(site.pc);
        let mut rows = [Lanes::default(); BLOCKS];
        let folds: [_; BLOCKS] = history.eights();
        for (block, (hash, folds)) in self.hashes.iter().zip(folds).enumerate() {
            (rows[block], token.tag[block]) = hash.look(site.pc, history.path(), folds);
        }
        let mut found = [Lanes::default(); BLOCKS];
        self.read_tags(&rows, &mut token.place, &mut found);
        let mut hits = 0;
        for (block, (found, tag)) in found.iter().zip(&token.tag).enumerate() {
            hits |= u32::from(found.equal(*tag)) << (block * LANES);
        }
        // The last block can have fewer tables than lanes, or none.
        hits & ((1 << self.config.tables.len()) - 1)
    }

    /// Works out the places of rows and reads the tags there. It is a function of its own so that
    /// rows are hashed and tags compared side by side.
    #[inline(never)]
    fn read_tags(
        &self,
        rows: &[Lanes; BLOCKS],
        places: &mut [[u32; LANES]; BLOCKS],
        found: &mut [Lanes; BLOCKS],
    ) {
        for ((places, rows), starts) in places.iter_mut().zip(rows).zip(&self.starts) {
            *places = std::array::from_fn(|lane| starts[lane] + u32::from(rows.0[lane]));
        }
        for (found, places) in found.iter_mut().zip(places) {
            for (found, place) in found.0.iter_mut().zip(places) {
                *found = self.entries[*place as usize].tag;
            }
        }
    }

    fn entry(&self, token: &LtageToken, table: u8) -> &Entry {
        &self.entries[token.place(usize::from(table))]
    }

    /// The entry a guess came from, unless another branch has taken it since.
    fn entry_of(&mut self, token: &LtageToken, table: u8) -> Option<&mut Entry> {
        let table = usize::from(table);
        let entry = &mut self.entries[token.place(table)];
        (entry.tag == token.tag(table)).then_some(entry)
    }

    fn decide(&self, token: &mut LtageToken) {
        let base = self.base.counter(token.base) >= 2;
        let provider = token.provider.map(|table| *self.entry(token, table));
        let alternate = token.alternate.map(|table| *self.entry(token, table));
        token.provider_guess = provider.map_or(base, |entry| entry.counter >= 0);
        token.alternate_guess = alternate.map_or(base, |entry| entry.counter >= 0);
        let new = provider.is_some_and(|entry| self.is_new(&entry));
        token.used_alternate = new && self.use_alternate >= 0;
        token.tage_guess =
            if token.used_alternate { token.alternate_guess } else { token.provider_guess };
        let from_loop = token.loops.guess().filter(|_| self.with_loop >= 0);
        token.from_loop = from_loop.is_some();
        token.guess = from_loop.unwrap_or(token.tage_guess);
    }

    fn is_new(&self, entry: &Entry) -> bool {
        strength(entry.counter) == 1 && entry.useful == 0
    }

    fn should_allocate(&mut self, token: &LtageToken, actual: bool) -> bool {
        let longest = self.config.tables.len() as u8 - 1;
        let longer = token.provider.is_none_or(|table| table < longest);
        let mut wanted = token.tage_guess != actual && longer;
        if let Some(table) = token.provider
            && self.is_new(self.entry(token, table))
        {
            wanted &= token.provider_guess != actual;
            if token.provider_guess != token.alternate_guess {
                let better = token.alternate_guess == actual;
                self.use_alternate = step_signed(self.use_alternate, better, USE_ALTERNATE_BITS);
            }
        }
        wanted
    }

    /// Takes a useless entry of a longer history, the shorter ones likelier; if there is none, all
    /// candidates become less useful.
    fn allocate(&mut self, token: &LtageToken, actual: bool) {
        let first = token.provider.map_or(0, |table| usize::from(table) + 1);
        let count = self.config.tables.len();
        let mut start = first;
        while start + 1 < count && self.lfsr.bits(1) == 1 {
            start += 1;
        }
        let free = |at: &usize| self.entries[token.place(*at)].useful == 0;
        let found = (start..count).find(free).or_else(|| (first..start).find(free));
        match found {
            Some(at) => {
                let counter = if actual { 0 } else { -1 };
                let fresh = Entry { tag: token.tag(at), counter, useful: 0 };
                self.entries[token.place(at)] = fresh;
            }
            None => {
                for at in first..count {
                    let entry = &mut self.entries[token.place(at)];
                    entry.useful = step_unsigned(entry.useful, false, USEFUL_BITS);
                }
            }
        }
    }

    fn train_counters(&mut self, token: &LtageToken, actual: bool) {
        let Some(provider) = token.provider else {
            return self.base.train(token.base, actual);
        };
        let Some(entry) = self.entry_of(token, provider) else { return };
        entry.counter = step_signed(entry.counter, actual, COUNTER_BITS);
        let was_useless = entry.useful == 0;
        if token.provider_guess != token.alternate_guess {
            let right = token.provider_guess == actual;
            entry.useful = step_unsigned(entry.useful, right, USEFUL_BITS);
        }
        if was_useless {
            self.train_alternate(token, actual);
        }
    }

    fn train_alternate(&mut self, token: &LtageToken, actual: bool) {
        match token.alternate {
            None => self.base.train(token.base, actual),
            Some(table) => {
                if let Some(entry) = self.entry_of(token, table) {
                    entry.counter = step_signed(entry.counter, actual, COUNTER_BITS);
                }
            }
        }
    }

    /// Clears the higher and the lower useful bit of all entries in turn.
    fn age(&mut self) {
        self.trained += 1;
        let log2 = self.config.useful_reset_log2;
        if low(self.trained, log2) == 0 {
            let kept = if self.trained >> log2 & 1 == 1 { 0b01 } else { 0b10 };
            self.entries.iter_mut().for_each(|entry| entry.useful &= kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::VirtAddr;

    #[test]
    fn the_budget_is_that_of_the_256_kbit_predictor() {
        let ltage = Ltage::new(&LtageConfig::default());
        let base = 16384 + 4096;
        let tagged = 2 * 1024 * 12
            + 2 * 2048 * 13
            + 2048 * (14 + 15)
            + 1024 * (16 + 17 + 17 + 18)
            + 512 * (19 + 20);
        let (loops, registers) = (256 * 52, 4 + 7 + 20 + 32);
        assert_eq!(ltage.storage_bits(), base + tagged + loops + registers);
        assert!(ltage.storage_bits() <= 256 * 1024);
    }

    #[test]
    fn history_lengths_are_a_geometric_series() {
        let lengths = LtageConfig::default().lengths();
        assert_eq!(lengths, [4, 6, 10, 16, 25, 40, 64, 101, 160, 254, 403, 640]);
        let short = LtageConfig { max_history: 34, ..LtageConfig::default() }.lengths();
        assert_eq!((short[0], short[11]), (4, 34));
    }

    #[test]
    fn a_new_entry_yields_to_the_next_match_while_new_entries_are_worse() {
        let mut ltage = Ltage::new(&LtageConfig::default());
        let history = History::new(&ltage.history(), &[]);
        let site = BranchSite { pc: VirtAddr(0x4aaa), oracle: false };
        let mut token = LtageToken::default();
        ltage.look_up(site, &history, &mut token);
        // The base says not taken; a tagged entry says taken, first weakly and then less so.
        let guesses = [(0, 0), (0, -1), (1, 0)].map(|(counter, use_alternate)| {
            let entry = Entry { tag: token.tag(3), counter, useful: 0 };
            ltage.entries[token.place(3)] = entry;
            ltage.use_alternate = use_alternate;
            ltage.predict(site, &history, &mut LtageToken::default())
        });
        assert_eq!(guesses, [false, true, true]);
    }
}
