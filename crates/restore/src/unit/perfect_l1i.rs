//! A perfect first-level instruction cache: every fetch finds its line in the time of a hit.
//!
//! The upper bound of D. Schall et al., "Lukewarm serverless functions", ISCA 2022, section 5.2 ("perfect
//! I-cache"), of everything that brings instructions closer. Fetches are translated as without it, and
//! ask nothing of the levels below, which so have more room for data.

use super::{Perfect, RestorationUnit, Surroundings};
use mem::Problems;
use serde::{Deserialize, Serialize};
use stats::{About, Path, Stats, Visitor};
use stream::HartId;

/// Parameters of the perfect instruction cache: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PerfectL1iConfig {}

/// A perfect instruction cache.
#[derive(Clone, Debug)]
pub struct PerfectL1i;

/// Nothing is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoStats;

impl Stats for NoStats {
    fn visit(&self, _: &mut Path, _: &About, _: &mut Visitor<'_>) {}

    fn since(&self, _: &Self) -> Self {
        Self
    }

    fn plus(&self, _: &Self) -> Self {
        Self
    }
}

impl RestorationUnit for PerfectL1i {
    type Config = PerfectL1iConfig;
    type Stats = NoStats;

    const PERFECT: Perfect = Perfect::L1i;

    fn validate(_: &Self::Config, _: &Surroundings, _: &str, _: &mut Problems) {}

    fn new(_: &Self::Config, _: HartId) -> Self {
        Self
    }

    fn stats(&self) -> NoStats {
        NoStats
    }

    fn storage_bits(&self) -> u64 {
        0
    }
}
