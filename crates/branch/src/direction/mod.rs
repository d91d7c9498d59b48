//! Direction predictors: whether a conditional branch is taken.
//!
//! To add one, write one file with a type that implements [`DirectionPredictor`] and add one line to
//! the registry below. The registry yields the configuration enum (`kind = "gshare"`), the dispatch,
//! and one instance of the contract tests per predictor.

mod bimodal;
mod gshare;
mod llbp;
mod loops;
mod ltage;
mod origin;
mod perfect;
mod shared_bimodal;
mod tage_sc_l;

pub use bimodal::BimodalConfig;
pub use gshare::GshareConfig;
pub use llbp::LlbpConfig;
pub use loops::LoopConfig;
pub use ltage::{LtageConfig, TaggedTableConfig};
pub use origin::{DirectionStats, Moved, Origin, Provider, SecondLevel, SecondLevelStats};
pub use perfect::PerfectConfig;
pub use tage_sc_l::TageScLConfig;

use crate::{ConfigError, History, HistorySpec, Problems};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use stream::VirtAddr;

/// A conditional branch to guess the direction of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchSite {
    /// The address of the branch.
    pub pc: VirtAddr,
    /// What the branch will do. Only the perfect predictor looks at it.
    pub oracle: bool,
}

/// A predictor of directions. `true` is taken.
///
/// Contract: `predict` only reads. Global speculative state lives in [`History`], pushed by the front
/// end for every branch kind and rewound on squash. State of single branches that must follow at
/// once (a loop's iterations) moves in `speculate`, called right after `predict` with the direction
/// the front end goes; `repair` undoes it, called for squashed branches from the youngest to the
/// oldest. After that the predictor is as if it had never been asked. A token is trained at most
/// once, in program order; a repaired token is trained only if it was speculated again.
pub trait DirectionPredictor: Debug + Clone {
    /// Its parameters; the default is the published design.
    type Config: Debug + Clone + Default + PartialEq + Serialize;
    /// What it remembers from a guess until the branch commits.
    type Token: Copy + Debug + Default;

    /// Notes what cannot be in a configuration.
    fn validate(config: &Self::Config, problems: &mut Problems);
    /// A predictor that has seen nothing. The configuration is valid.
    fn new(config: &Self::Config) -> Self;
    /// What it reads of the history.
    fn history(&self) -> HistorySpec;
    /// Guesses the direction of a branch. What it remembers of that goes to `token`, in place because
    /// it can be large; what was there is left over from another guess.
    fn predict(&self, site: BranchSite, history: &History, token: &mut Self::Token) -> bool;
    /// The front end goes on with this direction.
    fn speculate(&mut self, _token: &Self::Token, _taken: bool) {}
    /// The front end takes the branch of `token` back.
    fn repair(&mut self, _token: &Self::Token) {}
    /// The branch committed with this direction.
    fn train(&mut self, token: &Self::Token, actual: bool);
    /// Makes its base table, which guesses by the branch's address alone, say weakly that the branch at
    /// `pc` goes this way; whether it has such a table.
    fn set_base(&mut self, _pc: VirtAddr, _taken: bool) -> bool {
        false
    }
    /// Which of its parts the guess came from, if it has parts.
    fn origin(_token: &Self::Token) -> Option<Origin> {
        None
    }
    /// What the latest training moved between levels of storage, if there are several.
    fn moved(&self) -> Moved {
        Moved::default()
    }
    /// Bits of storage, without the history, which [`History::storage_bits`] counts.
    fn storage_bits(&self) -> u64;
}

macro_rules! direction_predictors {
    ($($(#[$doc:meta])* $name:ident => $module:ident::$type:ident = $key:literal;)+) => {
        /// A direction predictor and its parameters, as configuration files name them.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum DirectionConfig {
            $($(#[$doc])* #[serde(rename = $key)]
            $name(<$module::$type as DirectionPredictor>::Config),)+
        }

        impl DirectionConfig {
            /// All predictors with the parameters of the published designs.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(Self::$name(Default::default())),+]
            }

            /// The name in configuration files.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $key,)+ }
            }

            /// Notes what cannot be.
            pub(crate) fn validate(&self, problems: &mut Problems) {
                match self { $(Self::$name(it) => $module::$type::validate(it, problems),)+ }
            }
        }

        /// What a direction predictor remembers from a guess until the branch commits.
        #[derive(Clone, Copy, Debug)]
        pub enum DirectionToken {
            $(#[doc = concat!("Of `", $key, "`.")]
            $name(<$module::$type as DirectionPredictor>::Token),)+
        }

        #[derive(Clone, Debug)]
        enum Any {
            $($name(Box<$module::$type>),)+
        }

        /// A direction predictor of the kind the configuration names; see [`DirectionPredictor`]
        /// for when to call what.
        #[derive(Clone, Debug)]
        pub struct Direction(Any);

        impl Direction {
            /// Builds the predictor, unless its parameters cannot be.
            pub fn new(config: &DirectionConfig) -> Result<Self, ConfigError> {
                let mut problems = Problems::default();
                config.validate(&mut problems);
                problems.into_result()?;
                Ok(Self(match config {
                    $(DirectionConfig::$name(it) => Any::$name(Box::new($module::$type::new(it))),)+
                }))
            }

            /// What it reads of the history.
            #[must_use]
            pub fn history(&self) -> HistorySpec {
                match &self.0 { $(Any::$name(it) => it.history(),)+ }
            }

            /// A token for guesses to be remembered in.
            #[must_use]
            pub fn token(&self) -> DirectionToken {
                match &self.0 { $(Any::$name(_) => DirectionToken::$name(Default::default()),)+ }
            }

            /// Guesses the direction of a branch and remembers that in `token`, which is of this
            /// predictor.
            #[must_use]
            #[inline]
            pub fn predict(
                &self,
                site: BranchSite,
                history: &History,
                token: &mut DirectionToken,
            ) -> bool {
                match (&self.0, token) {
                    $((Any::$name(it), DirectionToken::$name(token)) => {
                        it.predict(site, history, token)
                    })+
                    _ => panic!("a token of another direction predictor"),
                }
            }

            /// The front end goes on with this direction.
            #[inline]
            pub fn speculate(&mut self, token: &DirectionToken, taken: bool) {
                match (&mut self.0, token) {
                    $((Any::$name(it), DirectionToken::$name(token)) => it.speculate(token, taken),)+
                    _ => panic!("a token of another direction predictor"),
                }
            }

            /// The front end takes the branch of `token` back; the youngest first.
            #[inline]
            pub fn repair(&mut self, token: &DirectionToken) {
                match (&mut self.0, token) {
                    $((Any::$name(it), DirectionToken::$name(token)) => it.repair(token),)+
                    _ => panic!("a token of another direction predictor"),
                }
            }

            /// Which of its parts the guess came from, if it has parts.
            #[must_use]
            pub fn origin(token: &DirectionToken) -> Option<Origin> {
                match token { $(DirectionToken::$name(it) => $module::$type::origin(it),)+ }
            }

            /// What the latest training moved between levels of storage, if there are several.
            #[must_use]
            pub fn moved(&self) -> Moved {
                match &self.0 { $(Any::$name(it) => it.moved(),)+ }
            }

            /// Makes its base table say weakly that the branch at `pc` goes this way; whether it has one.
            pub fn set_base(&mut self, pc: VirtAddr, taken: bool) -> bool {
                match &mut self.0 { $(Any::$name(it) => it.set_base(pc, taken),)+ }
            }

            /// The branch committed with this direction.
            pub fn train(&mut self, token: &DirectionToken, actual: bool) {
                match (&mut self.0, token) {
                    $((Any::$name(it), DirectionToken::$name(token)) => it.train(token, actual),)+
                    _ => panic!("a token of another direction predictor"),
                }
            }

            /// Bits of storage, without the history.
            #[must_use]
            pub fn storage_bits(&self) -> u64 {
                match &self.0 { $(Any::$name(it) => it.storage_bits(),)+ }
            }
        }

        #[cfg(test)]
        mod contracts {
            $(mod $module {
                use super::super::$module::$type;
                use crate::direction::contract;

                #[test]
                fn a_branch_that_always_goes_one_way_is_learned() {
                    contract::a_branch_that_always_goes_one_way_is_learned::<$type>();
                }

                #[test]
                fn the_same_branches_give_the_same_guesses() {
                    contract::the_same_branches_give_the_same_guesses::<$type>();
                }

                #[test]
                fn squashed_guesses_leave_no_trace() {
                    contract::squashed_guesses_leave_no_trace::<$type>();
                }

                #[test]
                fn only_the_perfect_predictor_looks_at_the_outcome() {
                    let perfect = $key == "perfect";
                    contract::the_outcome_decides_only_if::<$type>(perfect);
                }

                #[test]
                fn late_training_with_wrong_paths_still_learns() {
                    contract::late_training_with_wrong_paths_still_learns::<$type>();
                }

                #[test]
                fn a_base_table_guesses_what_it_was_set_to() {
                    contract::a_base_table_guesses_what_it_was_set_to::<$type>();
                }

                #[test]
                fn the_default_configuration_is_valid() {
                    contract::the_default_configuration_is_valid::<$type>();
                }
            })+
        }
    };
}

direction_predictors! {
    /// A counter per branch address.
    Bimodal => bimodal::Bimodal = "bimodal";
    /// A counter per address exclusive-ored with the latest outcomes.
    Gshare => gshare::Gshare = "gshare";
    /// Tagged tables of geometric history lengths and a loop predictor.
    Ltage => ltage::Ltage = "ltage";
    /// TAGE, a statistical corrector and a loop predictor in 64 KB.
    TageScL => tage_sc_l::TageScL = "tage_sc_l";
    /// TAGE-SC-L and a second level of patterns by program context.
    Llbp => llbp::Llbp = "llbp";
    /// Always right.
    Perfect => perfect::Perfect = "perfect";
}

#[cfg(test)]
mod contract;
#[cfg(test)]
mod howto;
#[cfg(test)]
mod learning;
