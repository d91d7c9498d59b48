//! Predictors of the targets of indirect jumps and calls.
//!
//! To add one, write one file with a type that implements [`IndirectPredictor`] and add one line to
//! the registry below. The registry yields the configuration enum, the dispatch, and one instance of
//! the contract tests per predictor.

mod ittage;
mod last_target;
mod path;
mod perfect;

pub use ittage::IttageConfig;
pub use last_target::LastTargetConfig;
pub use path::PathConfig;
pub use perfect::PerfectConfig;

use crate::{ConfigError, FoldSpec, History, Problems};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use stream::VirtAddr;

/// An indirect jump or call to guess the target of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndirectSite {
    /// The address of the branch.
    pub pc: VirtAddr,
    /// Where it will go, if that is known. Only the perfect predictor looks at it.
    pub oracle: Option<VirtAddr>,
}

/// A predictor of indirect targets.
///
/// Contract: `predict` only reads; what moves before commit lives in [`History`], which the front end
/// pushes and rewinds, so a squashed guess leaves no trace. Where there is no guess, the front end
/// goes by its branch target buffer. A token is trained at most once, in program order.
pub trait IndirectPredictor: Debug + Clone {
    /// Its parameters; the default is the published design.
    type Config: Debug + Clone + Default + PartialEq + Serialize;
    /// What it remembers from a guess until the branch commits.
    type Token: Copy + Debug + Default;

    /// Notes what cannot be in a configuration.
    fn validate(config: &Self::Config, problems: &mut Problems);
    /// A predictor that has seen nothing. The configuration is valid.
    fn new(config: &Self::Config) -> Self;
    /// What it reads of the [history of targets](History::target_fold).
    fn folds(&self) -> Vec<FoldSpec>;
    /// Guesses the target of a branch. What it remembers of that goes to `token`, in place because it
    /// can be large; what was there is left over from another guess.
    fn predict(
        &self,
        site: IndirectSite,
        history: &History,
        token: &mut Self::Token,
    ) -> Option<VirtAddr>;
    /// The branch committed with this target.
    fn train(&mut self, token: &Self::Token, actual: VirtAddr);
    /// Bits of storage, without the history.
    fn storage_bits(&self) -> u64;
}

macro_rules! indirect_predictors {
    ($($(#[$doc:meta])* $name:ident => $module:ident::$type:ident = $key:literal;)+) => {
        /// An indirect predictor and its parameters, as configuration files name them.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum IndirectConfig {
            $($(#[$doc])* #[serde(rename = $key)]
            $name(<$module::$type as IndirectPredictor>::Config),)+
        }

        impl IndirectConfig {
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

        /// What an indirect predictor remembers from a guess until the branch commits.
        #[derive(Clone, Copy, Debug)]
        pub enum IndirectToken {
            $(#[doc = concat!("Of `", $key, "`.")]
            $name(<$module::$type as IndirectPredictor>::Token),)+
        }

        #[derive(Clone, Debug)]
        enum Any {
            $($name(Box<$module::$type>),)+
        }

        /// An indirect predictor of the kind the configuration names; see [`IndirectPredictor`] for
        /// when to call what.
        #[derive(Clone, Debug)]
        pub struct Indirect(Any);

        impl Indirect {
            /// Builds the predictor, unless its parameters cannot be.
            pub fn new(config: &IndirectConfig) -> Result<Self, ConfigError> {
                let mut problems = Problems::default();
                config.validate(&mut problems);
                problems.into_result()?;
                Ok(Self(match config {
                    $(IndirectConfig::$name(it) => Any::$name(Box::new($module::$type::new(it))),)+
                }))
            }

            /// What it reads of the history of targets.
            #[must_use]
            pub fn folds(&self) -> Vec<FoldSpec> {
                match &self.0 { $(Any::$name(it) => it.folds(),)+ }
            }

            /// A token for guesses to be remembered in.
            #[must_use]
            pub fn token(&self) -> IndirectToken {
                match &self.0 { $(Any::$name(_) => IndirectToken::$name(Default::default()),)+ }
            }

            /// Guesses the target of a branch and remembers that in `token`, which is of this
            /// predictor.
            #[must_use]
            #[inline]
            pub fn predict(
                &self,
                site: IndirectSite,
                history: &History,
                token: &mut IndirectToken,
            ) -> Option<VirtAddr> {
                match (&self.0, token) {
                    $((Any::$name(it), IndirectToken::$name(token)) => {
                        it.predict(site, history, token)
                    })+
                    _ => panic!("a token of another indirect predictor"),
                }
            }

            /// The branch committed with this target.
            pub fn train(&mut self, token: &IndirectToken, actual: VirtAddr) {
                match (&mut self.0, token) {
                    $((Any::$name(it), IndirectToken::$name(token)) => it.train(token, actual),)+
                    _ => panic!("a token of another indirect predictor"),
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
                use crate::indirect::{contract, $module::$type};

                #[test]
                fn a_branch_with_one_target_is_left_to_the_buffer_or_guessed() {
                    contract::a_branch_with_one_target_is_left_to_the_buffer_or_guessed::<$type>();
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
                    contract::the_outcome_decides_only_if::<$type>($key == "perfect");
                }

                #[test]
                fn the_default_configuration_is_valid() {
                    contract::the_default_configuration_is_valid::<$type>();
                }
            })+
        }
    };
}

indirect_predictors! {
    /// None: the branch target buffer's last target is the guess.
    LastTarget => last_target::LastTarget = "last_target";
    /// A tagged table indexed by the path of targets, as gem5's.
    Path => path::Path = "path";
    /// Tagged tables of geometric lengths of the path of targets, in 64 KB.
    Ittage => ittage::Ittage = "ittage";
    /// Always right.
    Perfect => perfect::Perfect = "perfect";
}

#[cfg(test)]
mod contract;
#[cfg(test)]
mod learning;
