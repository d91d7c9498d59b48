//! Branch predictors for cores that fetch ahead: directions, targets, returns, and the speculative
//! history they share.
//!
//! A pipeline owns one [`Predictor`], which puts the parts together; see [`predictor`] for when to
//! call what. The parts are one [`History`], one [`direction::Direction`], one [`target::Btb`], one
//! [`indirect::Indirect`] and one [`ReturnStack`], and are used so:
//!
//! 1. At prediction checkpoints are taken ([`History::checkpoint`], [`ReturnStack::checkpoint`]), the
//!    component of the branch's kind gives a guess and a token, the direction predictor is told which
//!    way the front end goes (`speculate`), and the branch, of whatever kind, goes on the history.
//! 2. On a squash the tokens of the squashed conditional branches are given back, youngest first
//!    (`repair`), and history and stack are rewound to the oldest squashed branch's checkpoints. The
//!    branch that was wrong is repaired too and then speculated and pushed with its true outcome.
//! 3. At commit, in program order, each token trains its predictor, once.
//!
//! So a wrong path leaves no trace, which the contract tests of every predictor check, but for the
//! order of use in a branch target buffer, as in hardware. Pseudo-random choices come from a shift
//! register with a fixed seed: the same branches give the same guesses.
//!
//! Left out: the latency of large predictors (overriding), tables with fewer ports than guesses, and
//! predictors shared by hardware threads.
#![forbid(unsafe_code)]

mod bits;
mod config;
pub mod direction;
mod history;
pub mod indirect;
mod lanes;
mod lfsr;
pub mod predictor;
mod ras;
pub mod target;

#[cfg(test)]
mod workbench;

pub use config::{ConfigError, Problem, Problems};
pub use history::{Checkpoint, Context, ContextSpec, FoldSpec, History, HistorySpec, Insertion};
pub use predictor::{BranchConfig, KnownBranch, Learned, Prediction, Predictor, Record, Storage};
pub use ras::{ReturnStack, StackCheckpoint};

/// The most branches that can be between prediction and commit: above what the largest cores hold in
/// their fetch target queue and reorder buffer together.
pub const MAX_IN_FLIGHT: usize = 1024;
