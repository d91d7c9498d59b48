//! Branch predictors for cores that fetch ahead: directions, targets, returns, and the speculative
//! history they share.
//!
//! A front end that speculates owns one [`History`], one [`direction::Direction`], one
//! [`target::Btb`], one [`indirect::Indirect`] and one [`ReturnStack`], and uses them so:
//!
//! 1. At prediction it takes checkpoints ([`History::checkpoint`], [`ReturnStack::checkpoint`]),
//!    asks for guesses, tells the direction predictor which way it goes (`speculate`), and pushes
//!    the branch, of whatever kind, on the history. A guess comes with a token.
//! 2. On a squash it gives the tokens of the squashed conditional branches back, youngest first
//!    (`repair`), and rewinds history and stack to the oldest squashed branch's checkpoints. The
//!    branch that was wrong is repaired too and then speculated and pushed with its true outcome.
//! 3. At commit, in program order, it trains each predictor with the token, once.
//!
//! So a wrong path leaves no trace, which the contract tests of every predictor check. Pseudo-random
//! choices come from a shift register with a fixed seed: the same branches give the same guesses.
//!
//! Left out: the latency of large predictors (overriding), and tables with fewer ports than guesses.
#![forbid(unsafe_code)]

mod bits;
mod config;
pub mod direction;
mod history;

mod lfsr;

#[cfg(test)]
mod workbench;

pub use config::{ConfigError, Problem, Problems};
pub use history::{Checkpoint, FoldSpec, History, HistorySpec, Insertion};
