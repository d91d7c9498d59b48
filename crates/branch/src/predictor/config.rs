//! Parameters of a front end's predictors.

use crate::direction::DirectionConfig;
use crate::indirect::IndirectConfig;
use crate::target::BtbConfig;
use crate::{ConfigError, Problems};
use serde::{Deserialize, Serialize};

/// The predictors of a front end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchConfig {
    /// Whether conditional branches are taken.
    pub direction: DirectionConfig,
    /// Where branches are and where they go.
    pub btb: BtbConfig,
    /// Where indirect jumps and calls go.
    pub indirect: IndirectConfig,
    /// Addresses on the return stack.
    pub ras_entries: u32,
}

impl BranchConfig {
    /// Everything that is wrong, with paths below the predictors' table.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        problems.below("direction", |problems| self.direction.validate(problems));
        problems.below("btb", |problems| self.btb.validate(problems));
        problems.below("indirect", |problems| self.indirect.validate(problems));
        problems.range("ras_entries", self.ras_entries, 1, 4096);
        problems.into_result()
    }
}
