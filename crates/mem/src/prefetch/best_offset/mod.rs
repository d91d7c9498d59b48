//! Best-offset prefetching: after an access to line X, fetch X + D, where D is the offset that would
//! have made the most of the latest prefetches both useful and timely.
//!
//! P. Michaud, "Best-offset hardware prefetching", HPCA 2016. Each triggering access to a line X tests
//! one offset d of a list: had X - d been the base of a prefetch that is complete by now, d would
//! have covered X in time, so d scores if X - d is in a table of recent requests, into which a line Y
//! that a prefetch brings puts its base Y - D when it arrives. A learning phase ends with the round
//! through the list in which a score reaches `score_max`, or after `round_max` rounds; the offset
//! with the best score becomes D. If that score is no better than `bad_score`, prefetching pauses,
//! and all arriving lines go into the table as if D were zero, so that learning goes on.
//!
//! The default is the design of that paper. [`BestOffsetConfig::dpc2`] is its forerunner, P. Michaud,
//! "A best-offset prefetcher", 2nd Data Prefetching Championship, 2015, with negative offsets and a
//! delay queue: every trigger itself enters a second bank of the table a fixed time later, so that a
//! short offset can win although it is late.
//!
//! Different from the papers: of offsets with the same score the first in the list wins (the code of
//! 2015 takes the last); prefetching for the L1 and the throttling by miss registers are not part of
//! this; a fill that is told of ahead of time enters the table when its time has come.

mod learning;
mod recent;

use super::{Observed, Pages, Prefetcher, Requests};
use crate::{Cycle, Problems};
use learning::Learning;
use recent::{Bank, RecentRequests, Waiting};
use serde::{Deserialize, Serialize};
use stream::LineAddr;

/// Parameters of the best-offset prefetcher, under the names of the papers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BestOffsetConfig {
    /// The offsets to choose from, in lines.
    pub offsets: Vec<i32>,
    /// The score that ends a learning phase.
    pub score_max: u32,
    /// Rounds through the offsets after which a learning phase ends.
    pub round_max: u32,
    /// The best score at which prefetching pauses.
    pub bad_score: u32,
    /// Entries of the table of recent requests, of each of its banks if there is a delay queue.
    pub rr_entries: u32,
    /// Bits of a line's number that an entry holds, beside its place.
    pub rr_tag_bits: u32,
    /// Triggers that can wait to enter the table; none leaves the second bank out.
    pub delay_queue_entries: u32,
    /// How long they wait.
    pub delay_queue_cycles: u64,
}

impl Default for BestOffsetConfig {
    /// HPCA 2016, table 2: of 1 to 256, the 52 numbers without a prime factor above 5.
    fn default() -> Self {
        let smooth = |offset: &i32| {
            let without = |number: i32, factor: i32| {
                (0..8).fold(number, |n, _| if n % factor == 0 { n / factor } else { n })
            };
            [2, 3, 5].into_iter().fold(*offset, without) == 1
        };
        Self {
            offsets: (1..=256).filter(smooth).collect(),
            score_max: 31,
            round_max: 100,
            bad_score: 1,
            rr_entries: 256,
            rr_tag_bits: 12,
            delay_queue_entries: 0,
            delay_queue_cycles: 0,
        }
    }
}

impl BestOffsetConfig {
    /// The design of 2015: 46 offsets of both signs, 2 x 64 entries, a delay queue. Its bad score is
    /// 1, or 10 where the last-level cache is small.
    #[must_use]
    pub fn dpc2() -> Self {
        let sizes = (1..=16).chain([18, 20, 24, 30, 32, 36, 40]);
        Self {
            offsets: sizes.flat_map(|offset| [offset, -offset]).collect(),
            rr_entries: 64,
            delay_queue_entries: 15,
            delay_queue_cycles: 60,
            ..Self::default()
        }
    }

    /// Bits of an offset of the list: magnitude, and sign if there are negative ones.
    fn offset_bits(&self) -> u64 {
        let largest = self.offsets.iter().map(|offset| offset.unsigned_abs()).max().unwrap_or(0);
        u64::from(self.offsets.iter().any(|&offset| offset < 0)) + bits_of(largest)
    }
}

/// Bits that numbers up to `largest` need.
fn bits_of(largest: u32) -> u64 {
    u64::from(u32::BITS - largest.leading_zeros())
}

/// A best-offset prefetcher.
#[derive(Clone, Debug)]
pub struct BestOffset {
    config: BestOffsetConfig,
    pages: Pages,
    /// D; zero while prefetching pauses.
    offset: i64,
    learning: Learning,
    recent: RecentRequests,
    delay_queue: Waiting,
    /// Bases whose prefetches have yet to arrive. Hardware learns of them when they do.
    arriving: Waiting,
}

impl BestOffset {
    /// Lines on their way that are remembered: more than caches have miss registers for.
    const ARRIVING: usize = 64;
    /// Bits of a time in the delay queue (the code of 2015).
    const TIME_BITS: u64 = 12;
}

impl Prefetcher for BestOffset {
    type Config = BestOffsetConfig;
    const SEES_PLAIN_HITS: bool = false;

    fn validate(config: &Self::Config, path: &str, problems: &mut Problems) {
        let offsets = &config.offsets;
        problems.require((1..=256).contains(&offsets.len()), &format!("{path}.offsets"), || {
            format!("{} offsets are not from 1 to 256", offsets.len())
        });
        for offset in offsets {
            let fine = *offset != 0 && offset.unsigned_abs() <= 256;
            problems.require(fine, &format!("{path}.offsets"), || {
                format!("{offset} is not from 1 to 256 or from -256 to -1")
            });
        }
        for (key, value, from, to) in [
            ("score_max", config.score_max, 1, 255),
            ("round_max", config.round_max, 1, 10_000),
            ("bad_score", config.bad_score, 0, config.score_max.saturating_sub(1)),
            ("rr_tag_bits", config.rr_tag_bits, 1, 31),
            ("delay_queue_entries", config.delay_queue_entries, 0, 256),
        ] {
            problems.require((from..=to).contains(&value), &format!("{path}.{key}"), || {
                format!("{value} is not from {from} to {to}")
            });
        }
        let entries = config.rr_entries;
        let fine = entries.is_power_of_two() && (2..=65_536).contains(&entries);
        problems.require(fine, &format!("{path}.rr_entries"), || {
            format!("{entries} is not a power of two from 2 to 65536")
        });
    }

    fn new(config: &Self::Config, pages: Pages) -> Self {
        let banks = if config.delay_queue_entries > 0 { 2 } else { 1 };
        Self {
            config: config.clone(),
            pages,
            offset: 1,
            learning: Learning::new(config.offsets.len()),
            recent: RecentRequests::new(banks, config.rr_entries, config.rr_tag_bits),
            delay_queue: Waiting::new(config.delay_queue_entries as usize),
            arriving: Waiting::new(Self::ARRIVING),
        }
    }

    #[inline]
    fn observe(&mut self, access: &Observed, requests: &mut Requests) {
        if !access.is_trigger() {
            return;
        }
        while let Some(base) = self.arriving.due(access.now) {
            self.recent.insert(Bank::Bases, base);
        }
        while let Some(trigger) = self.delay_queue.due(access.now) {
            self.recent.insert(Bank::Triggers, trigger);
        }
        self.learn(access.line);
        requests.push(self.offset);
        if self.config.delay_queue_entries > 0 {
            let at = access.now + self.config.delay_queue_cycles;
            if let Some(oldest) = self.delay_queue.push(at, access.line) {
                self.recent.insert(Bank::Triggers, oldest);
            }
        }
    }

    fn filled(&mut self, line: LineAddr, at: Cycle, prefetched: bool) {
        if !prefetched && self.offset != 0 {
            return;
        }
        if let Some(base) = self.pages.step(line, -self.offset)
            && let Some(oldest) = self.arriving.push(at, base)
        {
            self.recent.insert(Bank::Bases, oldest);
        }
    }

    fn storage_bits(&self) -> u64 {
        let config = &self.config;
        let (score, offset) = (bits_of(config.score_max), config.offset_bits());
        let list = config.offsets.len() as u32;
        let learning = u64::from(list) * score + score + offset;
        let counters = bits_of(config.round_max) + bits_of(list - 1);
        let place = u64::from(config.rr_entries.ilog2() + config.rr_tag_bits);
        let queue = config.delay_queue_entries;
        let (valid, ends) = (1, 2 * bits_of(queue));
        let waiting = u64::from(queue) * (valid + place + Self::TIME_BITS) + ends;
        offset + learning + counters + self.recent.storage_bits() + waiting
    }
}

impl BestOffset {
    /// Tests the next offset against an access, and ends the learning phase when it is time.
    #[inline]
    fn learn(&mut self, line: LineAddr) {
        let offset = i64::from(self.config.offsets[self.learning.turn()]);
        let base = self.pages.step(line, -offset);
        let scores = base.is_some_and(|base| self.recent.holds(base));
        if let Some((best, score)) = self.learning.test(scores, &self.config) {
            let good = score > self.config.bad_score;
            self.offset = if good { i64::from(self.config.offsets[best]) } else { 0 };
        }
    }
}

#[cfg(test)]
mod tests;
