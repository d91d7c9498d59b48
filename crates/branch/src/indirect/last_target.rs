//! No predictor beside the branch target buffer: an indirect branch is guessed to go where it went
//! last (Lee and Smith, IEEE Computer, 1984).

use super::{IndirectPredictor, IndirectSite};
use crate::{FoldSpec, History, Problems};
use serde::{Deserialize, Serialize};
use stream::VirtAddr;

/// Nothing to configure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastTargetConfig {}

/// Never has a guess of its own.
#[derive(Clone, Debug)]
pub struct LastTarget;

impl IndirectPredictor for LastTarget {
    type Config = LastTargetConfig;
    type Token = ();

    fn validate(_config: &Self::Config, _problems: &mut Problems) {}

    fn new(_config: &Self::Config) -> Self {
        Self
    }

    fn folds(&self) -> Vec<FoldSpec> {
        Vec::new()
    }

    fn predict(
        &self,
        _site: IndirectSite,
        _history: &History,
        _token: &mut (),
    ) -> Option<VirtAddr> {
        None
    }

    fn train(&mut self, _token: &(), _actual: VirtAddr) {}

    fn storage_bits(&self) -> u64 {
        0
    }
}
