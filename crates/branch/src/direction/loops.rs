//! The loop predictor: branches that go one way a constant number of times and then the other.
//!
//! A set-associative table holds, for each such branch, the trip count it had last, a confidence
//! that grows with every loop of the same count, and the iterations of the current loop (Seznec,
//! "A 256 Kbits L-TAGE branch predictor", JILP 2007; Seznec, "TAGE-SC-L branch predictors again",
//! CBP-5, 2016). The current count is speculative: it moves with the guess, and a token carries the
//! old one. An entry that is replaced while its branch is in flight starts at zero and is exact from
//! the loop's next exit on.
//!
//! Differences: both users allocate on a misprediction at which the branch left the loop.

use crate::Problems;
use crate::bits::{low, site_bits, step_unsigned};
use crate::lfsr::Lfsr;
use serde::{Deserialize, Serialize};
use stream::VirtAddr;

/// Parameters of the loop predictor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopConfig {
    /// The logarithm of the number of entries.
    pub log2_entries: u32,
    /// The logarithm of the entries in a set.
    pub log2_ways: u32,
    /// Bits of a tag.
    pub tag_bits: u32,
    /// Bits of a trip count.
    pub iteration_bits: u32,
    /// Bits of the confidence; the guess counts when they are all set.
    pub confidence_bits: u32,
    /// Bits of the age.
    pub age_bits: u32,
    /// The age of a new entry.
    pub initial_age: u32,
    /// An entry remembers which way its loop goes; without it, all go on when taken.
    pub direction_bit: bool,
    /// The guess counts too when confidence times trip count is above this; 0 for never.
    pub trusted_product: u32,
    /// An entry is allocated in one of `1 << this` occasions.
    pub allocate_log2: u32,
}

impl LoopConfig {
    /// Of the 256 Kbit L-TAGE.
    #[must_use]
    pub fn ltage() -> Self {
        Self {
            log2_entries: 8,
            log2_ways: 2,
            tag_bits: 14,
            iteration_bits: 14,
            confidence_bits: 2,
            age_bits: 8,
            initial_age: 255,
            direction_bit: false,
            trusted_product: 0,
            allocate_log2: 0,
        }
    }

    /// Of the 64 KB TAGE-SC-L.
    #[must_use]
    pub fn tage_sc_l() -> Self {
        Self {
            log2_entries: 5,
            log2_ways: 2,
            tag_bits: 10,
            iteration_bits: 10,
            confidence_bits: 4,
            age_bits: 4,
            initial_age: 7,
            direction_bit: true,
            trusted_product: 128,
            allocate_log2: 2,
        }
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.range("loops.log2_entries", self.log2_entries, 1, 16);
        problems.range("loops.log2_ways", self.log2_ways, 0, self.log2_entries);
        problems.range("loops.tag_bits", self.tag_bits, 1, 16);
        problems.range("loops.iteration_bits", self.iteration_bits, 2, 16);
        problems.range("loops.confidence_bits", self.confidence_bits, 1, 8);
        problems.range("loops.age_bits", self.age_bits, 1, 8);
        problems.range("loops.initial_age", self.initial_age, 1, (1 << self.age_bits.min(8)) - 1);
        problems.range("loops.allocate_log2", self.allocate_log2, 0, 8);
    }

    fn entry_bits(&self) -> u32 {
        let counts = 2 * self.iteration_bits + self.confidence_bits + self.age_bits;
        self.tag_bits + counts + u32::from(self.direction_bit)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    tag: u16,
    /// Occurrences of the branch in a whole loop, its exit included; 0 while unknown.
    trip: u16,
    current: u16,
    confidence: u8,
    age: u8,
    direction: bool,
}

/// What the loop predictor remembers from a guess.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoopToken {
    set: u32,
    tag: u16,
    hit: Option<Hit>,
}

#[derive(Clone, Copy, Debug)]
struct Hit {
    at: u32,
    current: u16,
    guess: bool,
    trusted: bool,
}

impl LoopToken {
    /// The guess, if it is to be trusted.
    pub(super) fn guess(&self) -> Option<bool> {
        self.hit.filter(|hit| hit.trusted).map(|hit| hit.guess)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Loops {
    config: LoopConfig,
    set_bits: u32,
    set_mask: u32,
    tag_mask: u16,
    ways: usize,
    entries: Vec<Entry>,
    lfsr: Lfsr,
}

impl Loops {
    pub(super) fn new(config: &LoopConfig) -> Self {
        let set_bits = config.log2_entries - config.log2_ways;
        Self {
            set_bits,
            set_mask: (1 << set_bits) - 1,
            tag_mask: low(u64::MAX, config.tag_bits) as u16,
            ways: 1 << config.log2_ways,
            entries: vec![Entry::default(); 1 << config.log2_entries],
            lfsr: Lfsr::new(),
            config: config.clone(),
        }
    }

    #[inline]
    fn ways(&self, set: u32) -> std::ops::Range<usize> {
        let first = set as usize * self.ways;
        first..first + self.ways
    }

    #[inline]
    pub(super) fn predict(&self, pc: VirtAddr) -> LoopToken {
        let site = site_bits(pc);
        let (set, tag) =
            (site as u32 & self.set_mask, (site >> self.set_bits) as u16 & self.tag_mask);
        let ways = self.ways(set);
        let first = ways.start;
        for (way, entry) in self.entries[ways].iter().enumerate() {
            if entry.tag == tag && entry.age > 0 {
                return LoopToken { set, tag, hit: Some(self.look((first + way) as u32, entry)) };
            }
        }
        LoopToken { set, tag, hit: None }
    }

    fn look(&self, at: u32, entry: &Entry) -> Hit {
        let leaves = entry.trip != 0 && entry.current + 1 == entry.trip;
        let product = u32::from(entry.confidence) * u32::from(entry.trip);
        let full = u32::from(entry.confidence) == (1 << self.config.confidence_bits) - 1;
        let trusted =
            full || (self.config.trusted_product > 0 && product > self.config.trusted_product);
        Hit { at, current: entry.current, guess: entry.direction ^ leaves, trusted }
    }

    /// The entry of a token, if it still belongs to its branch.
    #[inline]
    fn entry(&mut self, token: &LoopToken) -> Option<(&mut Entry, Hit)> {
        let hit = token.hit?;
        let entry = &mut self.entries[hit.at as usize];
        (entry.tag == token.tag && entry.age > 0).then_some((entry, hit))
    }

    #[inline]
    pub(super) fn speculate(&mut self, token: &LoopToken, taken: bool) {
        if token.hit.is_none() {
            return;
        }
        let most = self.most_iterations();
        if let Some((entry, _)) = self.entry(token) {
            let stays = taken == entry.direction;
            entry.current = if stays { (entry.current + 1).min(most - 1) } else { 0 };
        }
    }

    pub(super) fn repair(&mut self, token: &LoopToken) {
        if let Some((entry, hit)) = self.entry(token) {
            entry.current = hit.current;
        }
    }

    fn most_iterations(&self) -> u16 {
        ((1_u32 << self.config.iteration_bits) - 1) as u16
    }

    /// Trains with the outcome, and with what the predictor would have said without the loop's.
    #[inline]
    pub(super) fn train(&mut self, token: &LoopToken, actual: bool, without: bool, wrong: bool) {
        match token.hit {
            Some(_) => self.train_hit(token, actual, without),
            None if wrong => self.allocate(token, actual),
            None => {}
        }
    }

    fn train_hit(&mut self, token: &LoopToken, actual: bool, without: bool) {
        let most = self.most_iterations();
        let LoopConfig { age_bits, confidence_bits, .. } = self.config;
        let Some((entry, hit)) = self.entry(token) else { return };
        if hit.trusted && hit.guess != actual {
            *entry = Entry { age: 0, current: 0, trip: 0, confidence: 0, ..*entry };
            return;
        }
        if hit.trusted && without != actual {
            entry.age = step_unsigned(entry.age, true, age_bits);
        }
        entry.learn(hit.current + 1, actual, most, confidence_bits);
    }

    fn allocate(&mut self, token: &LoopToken, actual: bool) {
        let leaves_taken_loop = !actual;
        if self.lfsr.bits(self.config.allocate_log2) != 0
            || (!self.config.direction_bit && !leaves_taken_loop)
        {
            return;
        }
        let ways = self.ways(token.set);
        let same =
            ways.clone().any(|at| self.entries[at].age > 0 && self.entries[at].tag == token.tag);
        if same {
            return;
        }
        match ways.clone().find(|at| self.entries[*at].age == 0) {
            Some(at) => {
                let age = self.config.initial_age as u8;
                let fresh = Entry { tag: token.tag, age, direction: !actual, ..Entry::default() };
                self.entries[at] = fresh;
            }
            None => ways.for_each(|at| self.entries[at].age -= 1),
        }
    }

    pub(super) fn storage_bits(&self) -> u64 {
        u64::from(self.config.entry_bits()) << self.config.log2_entries
    }
}

impl Entry {
    /// The branch occurred for the `count`th time in this loop.
    fn learn(&mut self, count: u16, actual: bool, most: u16, confidence_bits: u32) {
        let leaves = actual != self.direction;
        if !leaves && count >= most {
            *self = Self { age: 0, trip: 0, confidence: 0, ..*self };
        } else if !leaves && self.trip != 0 && count >= self.trip {
            *self = Self { trip: 0, confidence: 0, ..*self };
        } else if leaves && count == self.trip {
            self.confidence = step_unsigned(self.confidence, true, confidence_bits);
            if self.trip < 3 {
                *self = Self { age: 0, trip: 0, confidence: 0, ..*self };
            }
        } else if leaves && self.trip == 0 {
            *self = Self { trip: count, confidence: 0, ..*self };
        } else if leaves {
            *self = Self { trip: 0, confidence: 0, ..*self };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PC: VirtAddr = VirtAddr(0x1234);

    /// Runs loops of `trip` occurrences and returns the wrong trusted guesses and the untrusted ones.
    fn run(loops: &mut Loops, trip: u32, times: u32) -> (u32, u32) {
        let (mut wrong, mut silent) = (0, 0);
        for step in 0..trip * times {
            let actual = step % trip + 1 != trip;
            let token = loops.predict(PC);
            match token.guess() {
                Some(guess) => wrong += u32::from(guess != actual),
                None => silent += 1,
            }
            loops.speculate(&token, actual);
            loops.train(&token, actual, true, !actual && token.guess().is_none());
        }
        (wrong, silent)
    }

    #[test]
    fn a_constant_trip_count_is_learned_and_then_never_missed() {
        for config in [LoopConfig::ltage(), LoopConfig::tage_sc_l()] {
            let mut loops = Loops::new(&config);
            run(&mut loops, 100, 40);
            assert_eq!(run(&mut loops, 100, 20), (0, 0), "{config:?}");
        }
    }

    #[test]
    fn a_changed_trip_count_ends_the_trust() {
        let mut loops = Loops::new(&LoopConfig::ltage());
        run(&mut loops, 50, 20);
        assert_eq!(run(&mut loops, 60, 1).0, 1);
        run(&mut loops, 60, 10);
        assert_eq!(run(&mut loops, 60, 10), (0, 0));
    }

    #[test]
    fn a_branch_without_a_loop_is_never_trusted() {
        let mut loops = Loops::new(&LoopConfig::tage_sc_l());
        for trip in [3, 17, 9, 30, 5, 21, 4, 11].into_iter().cycle().take(200) {
            assert_eq!(run(&mut loops, trip, 1).0, 0, "trip {trip}");
        }
    }

    #[test]
    fn repair_brings_the_iteration_back() {
        let mut loops = Loops::new(&LoopConfig::ltage());
        run(&mut loops, 10, 30);
        let mut tokens = Vec::new();
        for step in 0..25 {
            let token = loops.predict(PC);
            loops.speculate(&token, step % 7 != 3);
            tokens.push(token);
        }
        tokens.iter().rev().for_each(|token| loops.repair(token));
        assert_eq!(run(&mut loops, 10, 5), (0, 0));
    }

    #[test]
    fn storage_is_that_of_the_published_designs() {
        assert_eq!(Loops::new(&LoopConfig::ltage()).storage_bits(), 256 * (14 * 3 + 2 + 8));
        assert_eq!(Loops::new(&LoopConfig::tage_sc_l()).storage_bits(), 32 * 39);
    }
}
