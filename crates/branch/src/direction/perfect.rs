//! The perfect predictor: it is told the outcome. For limit studies.

use super::{BranchSite, DirectionPredictor};
use crate::{History, HistorySpec, Problems};
use serde::{Deserialize, Serialize};

/// The perfect predictor has no parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerfectConfig {}

/// Guesses what will be.
#[derive(Clone, Debug)]
pub struct Perfect;

impl DirectionPredictor for Perfect {
    type Config = PerfectConfig;
    type Token = ();

    fn validate(_config: &Self::Config, _problems: &mut Problems) {}

    fn new(_config: &Self::Config) -> Self {
        Self
    }

    fn history(&self) -> HistorySpec {
        HistorySpec::default()
    }

    fn predict(&self, site: BranchSite, _history: &History, _token: &mut ()) -> bool {
        site.oracle
    }

    fn train(&mut self, _token: &(), _actual: bool) {}

    fn storage_bits(&self) -> u64 {
        0
    }
}
