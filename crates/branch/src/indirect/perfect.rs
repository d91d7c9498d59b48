//! The perfect predictor: it is told the target. For limit studies.

use super::{IndirectPredictor, IndirectSite};
use crate::{FoldSpec, History, Problems};
use serde::{Deserialize, Serialize};
use stream::VirtAddr;

/// The perfect predictor has no parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerfectConfig {}

/// Guesses what will be; where that is unknown, on a wrong path, the branch target buffer does.
#[derive(Clone, Debug)]
pub struct Perfect;

impl IndirectPredictor for Perfect {
    type Config = PerfectConfig;
    type Token = ();

    fn validate(_config: &Self::Config, _problems: &mut Problems) {}

    fn new(_config: &Self::Config) -> Self {
        Self
    }

    fn folds(&self) -> Vec<FoldSpec> {
        Vec::new()
    }

    fn predict(&self, site: IndirectSite, _history: &History, _token: &mut ()) -> Option<VirtAddr> {
        site.oracle
    }

    fn train(&mut self, _token: &(), _actual: VirtAddr) {}

    fn storage_bits(&self) -> u64 {
        0
    }
}
