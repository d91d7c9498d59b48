//! The statistical corrector: adds up counters that know other histories than TAGE and overrules
//! TAGE where their sum is against it by enough.
//!
//! Eight groups of tables: bias (the guess of TAGE itself), global history of backward branches,
//! path, three sets of local histories, outcomes by iteration of the inner loop, and that iteration.
//! A group whose weight is not negative counts double. The threshold adapts to how often the
//! corrector is wrong.

use super::corrector_tables::{
    BIAS, COUNTER_BITS, COUNTERS, GLOBAL, GROUPS, LOCAL, LOOP_COUNT, LOOP_OUTCOMES, PATH, SHAPES,
    STARTS, TABLE_OF, bias_indices, initial_bias, initial_slope, rows,
};
use super::opinion::{Confidence, Opinion};
use crate::History;
use crate::bits::{low, site_bits, step_signed};
use stream::VirtAddr;

const WEIGHT_BITS: u32 = 6;
const WEIGHTS_LOG2: u32 = 3;
const LOCAL_THRESHOLD_BITS: u32 = 8;
const LOCAL_THRESHOLDS_LOG2: u32 = 6;
const THRESHOLD_BITS: u32 = 12;
const CHOICE_BITS: u32 = 7;
const LOCALS: usize = 3;

/// Every group counts double at first.
const INITIAL_WEIGHTS: [i8; GROUPS] = [4, 7, 7, 7, 7, 7, 0, 7];

/// Registers of a set of local histories and their width.
const LOCAL_SETS: [(usize, u32); LOCALS] = [(256, 11), (16, 16), (16, 9)];
const LOOP_REGISTERS: usize = 256;
const LOOP_OUTCOME_BITS: u32 = 10;

/// What the corrector remembers from a guess.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CorrectorToken {
    site: u32,
    counters: [u16; COUNTERS],
    sums: [i16; GROUPS],
    total: i32,
    threshold: i32,
    guess_of_sum: bool,
    /// The local histories before the branch, and where they are.
    local: [(u16, u16); LOCALS],
    loop_outcomes: (u16, u16),
}

#[derive(Clone, Debug)]
pub(super) struct Corrector {
    /// The counters of all tables, one table after the other, and then as many as 16 bits can name,
    /// so that no index can be out of bounds.
    counters: Box<[i8; 1 << u16::BITS]>,
    /// The weights of all groups, by address.
    weights: [[i8; GROUPS]; 1 << WEIGHTS_LOG2],
    threshold: i32,
    local_thresholds: [i8; 1 << LOCAL_THRESHOLDS_LOG2],
    /// Whether TAGE is to be believed when it is less sure, and when it is sure.
    choice: [i8; 2],
    local: [Vec<u16>; LOCALS],
    loop_outcomes: Vec<u16>,
}

impl Corrector {
    pub(super) fn new() -> Self {
        let counters = (0..COUNTERS).flat_map(|table| match table {
            0..BIAS => initial_bias(table),
            _ => initial_slope(SHAPES[table - BIAS].log2_entries),
        });
        let counters = counters.chain(std::iter::repeat(0)).take(1 << u16::BITS);
        let counters = counters.collect::<Vec<_>>().into_boxed_slice();
        Self {
            counters: counters.try_into().expect("it has that many"),
            weights: [INITIAL_WEIGHTS; 1 << WEIGHTS_LOG2],
            threshold: 35 << 3,
            local_thresholds: [0; 1 << LOCAL_THRESHOLDS_LOG2],
            choice: [0; 2],
            local: LOCAL_SETS.map(|(registers, _)| vec![0; registers]),
            loop_outcomes: vec![0; LOOP_REGISTERS],
        }
    }

    /// Checks an opinion, or what the loop predictor made of it, `inner`; the guess.
    pub(super) fn predict(
        &self,
        pc: VirtAddr,
        history: &History,
        opinion: &Opinion,
        inner: bool,
        token: &mut CorrectorToken,
    ) -> bool {
        let site = site_bits(pc);
        token.site = site as u32;
        token.threshold = self.threshold_of(site);
        token.local = self.local_registers(site);
        let inner_loop = u16::from(history.inner_loop());
        token.loop_outcomes = (inner_loop, self.loop_outcomes[usize::from(inner_loop)]);
        token.counters[..BIAS].copy_from_slice(&bias_indices(site, opinion, inner));
        // What each group hashes: an address and a history.
        let mut sources = [(site, 0); GROUPS];
        sources[GLOBAL] = (site << 1 | u64::from(inner), history.backward(40));
        sources[PATH].1 = u64::from(history.path());
        (0..LOCALS).for_each(|set| sources[LOCAL + set].1 = u64::from(token.local[set].1));
        sources[LOOP_OUTCOMES].1 = u64::from(token.loop_outcomes.1);
        sources[LOOP_COUNT].1 = u64::from(inner_loop);
        token.counters[BIAS..].copy_from_slice(&rows(&sources));
        self.add_up(token);
        self.choose(token, opinion.confidence, inner)
    }

    fn local_registers(&self, site: u64) -> [(u16, u16); LOCALS] {
        let at = [low(site ^ site >> 2, 8), low(site ^ site >> 5, 4), low(site ^ site >> 3, 4)];
        std::array::from_fn(|set| (at[set] as u16, self.local[set][at[set] as usize]))
    }

    fn weights(&self, site: u64) -> &[i8; GROUPS] {
        &self.weights[low(site ^ site >> 3, WEIGHTS_LOG2) as usize]
    }

    fn threshold_of(&self, site: u64) -> i32 {
        let local = low(site ^ site >> 2, LOCAL_THRESHOLDS_LOG2) as usize;
        let doubled = self.weights(site).iter().map(|weight| i32::from(*weight >= 0)).sum::<i32>();
        (self.threshold >> 3) + i32::from(self.local_thresholds[local]) + 12 * doubled
    }

    #[inline]
    fn add_up(&self, token: &mut CorrectorToken) {
        let value = |table: usize| match token.counters.get(table) {
            Some(index) => 2 * i16::from(self.counters[usize::from(*index)]) + 1,
            None => 0,
        };
        let nth = |tables: &[usize; GROUPS]| -> [i16; GROUPS] {
            std::array::from_fn(|group| value(tables[group]))
        };
        let (first, second, third) = (nth(&TABLE_OF[0]), nth(&TABLE_OF[1]), nth(&TABLE_OF[2]));
        let weights = self.weights(u64::from(token.site));
        // Small numbers: their sums stay far within 16 bits.
        let mut total = 0_i16;
        for group in 0..GROUPS {
            let sum = first[group] + second[group] + third[group];
            token.sums[group] = sum;
            total += sum + if weights[group] >= 0 { sum } else { 0 };
        }
        token.total = i32::from(total);
        token.guess_of_sum = total >= 0;
    }

    /// TAGE is kept against a small sum where it is sure, as far as that has been right.
    fn choose(&self, token: &CorrectorToken, confidence: Confidence, inner: bool) -> bool {
        if token.guess_of_sum == inner {
            return inner;
        }
        let size = token.total.abs();
        let keep = match confidence {
            Confidence::High if size < token.threshold / 4 => true,
            Confidence::High if size < token.threshold / 2 => self.choice[1] >= 0,
            Confidence::Medium if size < token.threshold / 4 => self.choice[0] >= 0,
            _ => false,
        };
        if keep { inner } else { token.guess_of_sum }
    }

    pub(super) fn speculate(&mut self, token: &CorrectorToken, taken: bool) {
        for (set, (at, old)) in token.local.iter().enumerate() {
            let width = LOCAL_SETS[set].1;
            let site = if set == 1 { token.site as u64 & 15 } else { 0 };
            let new = (u64::from(*old) << 1 | u64::from(taken)) ^ site;
            self.local[set][usize::from(*at)] = low(new, width) as u16;
        }
        let (at, old) = token.loop_outcomes;
        let new = u64::from(old) << 1 | u64::from(taken);
        self.loop_outcomes[usize::from(at)] = low(new, LOOP_OUTCOME_BITS) as u16;
    }

    pub(super) fn repair(&mut self, token: &CorrectorToken) {
        for (set, (at, old)) in token.local.iter().enumerate() {
            self.local[set][usize::from(*at)] = *old;
        }
        self.loop_outcomes[usize::from(token.loop_outcomes.0)] = token.loop_outcomes.1;
    }

    pub(super) fn train(
        &mut self,
        token: &CorrectorToken,
        confidence: Confidence,
        inner: bool,
        actual: bool,
    ) {
        self.train_choice(token, confidence, inner, actual);
        let wrong = token.guess_of_sum != actual;
        if !wrong && token.total.abs() >= token.threshold {
            return;
        }
        let site = u64::from(token.site);
        let most = (1 << (THRESHOLD_BITS - 1)) - 1;
        self.threshold = (self.threshold + if wrong { 1 } else { -1 }).clamp(-most, most);
        let local = low(site ^ site >> 2, LOCAL_THRESHOLDS_LOG2) as usize;
        let local = &mut self.local_thresholds[local];
        *local = step_signed(*local, wrong, LOCAL_THRESHOLD_BITS);
        self.train_weights(token, actual);
        for index in token.counters {
            let counter = &mut self.counters[usize::from(index)];
            *counter = step_signed(*counter, actual, COUNTER_BITS);
        }
    }

    fn train_choice(
        &mut self,
        token: &CorrectorToken,
        confidence: Confidence,
        inner: bool,
        actual: bool,
    ) {
        let size = token.total.abs();
        let (quarter, half) = (token.threshold / 4, token.threshold / 2);
        let choice = match confidence {
            Confidence::High if size >= quarter && size < half => 1,
            Confidence::Medium if size < quarter => 0,
            _ => return,
        };
        if token.guess_of_sum != inner {
            self.choice[choice] = step_signed(self.choice[choice], inner == actual, CHOICE_BITS);
        }
    }

    /// A weight moves where doubling its group decides the sign of the total.
    fn train_weights(&mut self, token: &CorrectorToken, actual: bool) {
        let site = u64::from(token.site);
        for group in 0..GROUPS {
            let sum = i32::from(token.sums[group]);
            let doubled = if self.weights(site)[group] >= 0 { sum } else { 0 };
            let single = token.total - doubled;
            if (single >= 0) != (single + sum >= 0) {
                let weight = &mut self.weights[low(site ^ site >> 3, WEIGHTS_LOG2) as usize][group];
                *weight = step_signed(*weight, (sum >= 0) == actual, WEIGHT_BITS);
            }
        }
    }

    pub(super) fn storage_bits(&self) -> u64 {
        let counters = u64::from(STARTS[COUNTERS]);
        let weights = (GROUPS as u64) << WEIGHTS_LOG2;
        let thresholds = u64::from(LOCAL_THRESHOLD_BITS) << LOCAL_THRESHOLDS_LOG2;
        let local = LOCAL_SETS.map(|(registers, width)| registers as u64 * u64::from(width));
        let loops = LOOP_REGISTERS as u64 * u64::from(LOOP_OUTCOME_BITS);
        counters * u64::from(COUNTER_BITS)
            + weights * u64::from(WEIGHT_BITS)
            + thresholds
            + u64::from(THRESHOLD_BITS + 2 * CHOICE_BITS)
            + local.iter().sum::<u64>()
            + loops
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_counters_weights_thresholds_and_local_histories() {
        let bias = 3 * 256;
        let (global, path) = (1024 + 512 + 512, 512 + 256 + 256);
        let local = (1024 + 512 + 512) + (512 + 256 + 256) + (512 + 512);
        let loops = 256 + 256 + 256;
        let counters = 6 * (bias + global + path + local + loops);
        let registers = 8 * 8 * 6 + 64 * 8 + 12 + 14;
        let histories = 256 * 11 + 16 * 16 + 16 * 9 + 256 * 10;
        assert_eq!(Corrector::new().storage_bits(), counters + registers + histories);
    }
}
