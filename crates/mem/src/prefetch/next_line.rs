//! Tagged next-line prefetching: a line that misses brings the lines after it, and so does a
//! prefetched line when it is first used, so a stream stays ahead once it has begun.
//!
//! J. D. Gindele, "Buffer block prefetching method", IBM Technical Disclosure Bulletin 20(2), 1977,
//! and A. J. Smith, "Cache memories", ACM Computing Surveys 14(3), 1982, who compares it with
//! prefetching always and on misses alone. The published degree is one line. The tag, one bit a
//! line, lies in the cache, so the prefetcher itself stores nothing.

use super::{Observed, Pages, Prefetcher, Requests};
use crate::Problems;
use serde::{Deserialize, Serialize};

/// Parameters of the next-line prefetcher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NextLineConfig {
    /// Lines to fetch after the one accessed.
    pub degree: u32,
}

impl Default for NextLineConfig {
    fn default() -> Self {
        Self { degree: 1 }
    }
}

/// A next-line prefetcher.
#[derive(Clone, Debug)]
pub struct NextLine {
    degree: i64,
}

impl Prefetcher for NextLine {
    type Config = NextLineConfig;
    const SEES_PLAIN_HITS: bool = false;
    const SEES_FILLS: bool = false;

    fn validate(config: &Self::Config, path: &str, problems: &mut Problems) {
        let fine = (1..=Requests::CAPACITY as u32).contains(&config.degree);
        problems.require(fine, &format!("{path}.degree"), || {
            format!("{} is not from 1 to {}", config.degree, Requests::CAPACITY)
        });
    }

    fn new(config: &Self::Config, _pages: Pages) -> Self {
        Self { degree: i64::from(config.degree) }
    }

    #[inline]
    fn observe(&mut self, access: &Observed, requests: &mut Requests) {
        if access.is_trigger() {
            (1..=self.degree).for_each(|offset| requests.push(offset));
        }
    }

    fn storage_bits(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prefetch::contract::Bench;
    use crate::{AccessKind, Cycle};
    use stream::{LineAddr, VirtAddr};

    const NOTHING: [u64; 0] = [];

    fn asked(degree: u32, line: u64, hit: bool, first_use: bool) -> Vec<u64> {
        let pages = Pages::of_lines(64);
        let mut requests = Requests::new(pages);
        requests.begin(LineAddr(line));
        let (now, pc, kind) = (Cycle(0), VirtAddr(0), AccessKind::Instruction);
        let access = Observed { now, pc, line: LineAddr(line), kind, hit, first_use };
        NextLine::new(&NextLineConfig { degree }, pages).observe(&access, &mut requests);
        requests.lines().iter().map(|line| line.0).collect()
    }

    #[test]
    fn a_miss_and_a_first_use_trigger_and_a_later_hit_does_not() {
        assert_eq!(asked(1, 7, false, false), [8]);
        assert_eq!(asked(1, 7, true, true), [8]);
        assert_eq!(asked(1, 7, true, false), NOTHING);
    }

    #[test]
    fn the_degree_counts_lines_up_to_the_end_of_the_page() {
        assert_eq!(asked(4, 7, false, false), [8, 9, 10, 11]);
        assert_eq!(asked(4, 61, false, false), [62, 63]);
        assert_eq!(asked(4, 63, false, false), NOTHING);
    }

    #[test]
    fn a_stream_misses_once_a_page() {
        let mut bench = Bench::<NextLine>::new(&NextLineConfig::default(), 64, 10);
        (0..640).for_each(|line| drop(bench.load(line * 20, 0, line)));
        assert_eq!(bench.covered, 640 - 10, "ten pages of 64 lines");
    }
}
