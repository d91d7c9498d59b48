//! A perfect front end: the first-level instruction cache and TLB have everything, the branch target buffer
//! knows every branch, and directions, indirect targets and returns are foreseen.
//!
//! The upper bound of everything that restores the front end, as the ideal of D. Schall et al., "Warming up
//! a cold front-end with Ignite", MICRO 2023, section 3.1. What is left are the widths and depths of the
//! front end, instructions that must be alone, traps, and loads that were executed too early.

use super::perfect_l1i::NoStats;
use super::{Perfect, RestorationUnit, Surroundings};
use mem::Problems;
use serde::{Deserialize, Serialize};
use stream::HartId;

/// Parameters of the perfect front end: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PerfectFrontEndConfig {}

/// A perfect front end.
#[derive(Clone, Debug)]
pub struct PerfectFrontEnd;

impl RestorationUnit for PerfectFrontEnd {
    type Config = PerfectFrontEndConfig;
    type Stats = NoStats;

    const PERFECT: Perfect = Perfect::FrontEnd;

    fn validate(_: &Self::Config, system: &Surroundings, path: &str, problems: &mut Problems) {
        system.require_out_of_order("a perfect front end", path, problems);
    }

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
