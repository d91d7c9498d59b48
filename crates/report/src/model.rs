//! What a result is: the document `run --json` prints, as types.
//!
//! Field names are the JSON keys and their order is the order of the keys. Statistic paths are
//! dotted snake_case; a path whose last part is `mpki` or ends in `_mpki` is a number of misses per
//! 1000 instructions and is averaged in the summary.

mod cold;
mod manifest;
mod statistics;

pub use cold::{Estimate, Phase};
pub use manifest::{Host, Manifest};
pub use statistics::{About, Catalogue, Statistics, Value};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the JSON documents. It changes when a key changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// One run: a function measured on a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The function, such as `fibonacci-python`.
    pub function: String,
    /// The system it ran on, such as `simple`.
    pub system: String,
    /// How warm the machine was.
    pub state: State,
    /// What happened between measured invocations.
    #[serde(flatten)]
    pub between: Between,
    /// The seed of all randomness.
    pub seed: u64,
    /// The measured invocations, in order.
    pub invocations: Vec<Invocation>,
    /// What they come to; [`summarize`](crate::summarize) computes it.
    pub summary: Summary,
    /// What made the run.
    pub manifest: Manifest,
}

impl Run {
    /// The state, and how what it lacks was lost.
    #[must_use]
    pub(crate) fn state_in_words(&self) -> String {
        let how = self.between.lukewarm.as_ref();
        self.state.name().to_owned() + &how.map_or_else(String::new, |how| format!(" ({how})"))
    }
}

/// What happened before the first measured invocation, and between one and the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Between {
    /// How a cold start went, up to the first request; empty in other states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cold_start: Vec<Phase>,
    /// How state was lost, as `--lukewarm` is written; none if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lukewarm: Option<String>,
    /// Who was called on the function's hart, in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co_runners: Vec<String>,
    /// Calls of co-runners before each measured invocation; none if instructions were the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub co_runner_calls: Option<u64>,
    /// Instructions of the function's hart after which no further call of a co-runner was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub co_runner_instructions: Option<u64>,
    /// Virtual time from one request to the next; none if each followed the reply of the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inter_arrival_ns: Option<u64>,
}

/// How warm the core was when an invocation started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Invocations follow each other, everything is in place.
    Warm,
    /// The software is warm, caches and predictors hold someone else's state.
    Lukewarm,
    /// The first invocation of a new container.
    Cold,
}

impl State {
    /// The word used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Lukewarm => "lukewarm",
            Self::Cold => "cold",
        }
    }
}

/// One request and the window from its first segment to the last byte of its reply.
///
/// `cycles`, `instructions` and `cpi` are those of the hart the function is pinned to; cycles in
/// which that hart waited for an interrupt are not in `cycles` but in `idle_cycles`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// Position in the run, from 0.
    pub index: u64,
    /// Whether the reply was the right one.
    pub ok: bool,
    /// The decoded reply, `null` if there was none.
    pub reply: serde_json::Value,
    /// What went wrong, if not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The hart the function is pinned to.
    pub hart: u32,
    /// Length of the window in virtual time.
    pub latency_ns: u64,
    /// Busy cycles.
    pub cycles: u64,
    /// Cycles spent waiting for an interrupt.
    pub idle_cycles: u64,
    /// Instructions executed.
    pub instructions: u64,
    /// Busy cycles per instruction; `None` without instructions.
    pub cpi: Option<f64>,
    /// The window on each hart.
    pub harts: Vec<HartWindow>,
    /// Statistics of the function's hart and of what all harts share.
    #[serde(flatten)]
    pub statistics: Statistics,
}

impl Invocation {
    /// An answered invocation, whose headline numbers are those of `hart`.
    pub fn measured(
        index: u64,
        latency_ns: u64,
        reply: serde_json::Value,
        hart: u32,
        harts: Vec<HartWindow>,
        mut statistics: Statistics,
    ) -> Result<Self, NoSuchHart> {
        let Some(window) = harts.iter().find(|window| window.hart == hart) else {
            return Err(NoSuchHart { index, hart, harts: harts.len() });
        };
        let HartWindow { cycles, idle_cycles, instructions, .. } = *window;
        let cpi = window.cpi();
        if cpi.is_none() {
            statistics.undefined.insert("cpi".to_owned(), NO_INSTRUCTIONS.to_owned());
        }
        Ok(Self {
            index,
            ok: true,
            reply,
            error: None,
            hart,
            latency_ns,
            cycles,
            idle_cycles,
            instructions,
            cpi,
            harts,
            statistics,
        })
    }

    /// The share of the cycles in which its hart was busy that it spent in user mode, in percent.
    #[must_use]
    pub fn user_percent(&self) -> Option<f64> {
        let window = self.harts.iter().find(|window| window.hart == self.hart)?;
        (window.cycles > 0).then(|| window.user_cycles as f64 * 100.0 / window.cycles as f64)
    }

    /// The same invocation, failed for the given reason.
    #[must_use]
    pub fn failed(self, error: impl Into<String>) -> Self {
        Self { ok: false, error: Some(error.into()), ..self }
    }
}

/// The reason given for a ratio to no instructions.
pub(crate) const NO_INSTRUCTIONS: &str = "no instructions in the window";

/// An invocation was said to run on a hart that has no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "recording invocation {index}: the function's hart {hart} is not among the {harts} measured \
     harts; measure that hart or pin the function to another"
)]
pub struct NoSuchHart {
    /// The invocation.
    pub index: u64,
    /// The hart it was said to run on.
    pub hart: u32,
    /// How many harts were measured.
    pub harts: usize,
}

/// What one hart did in a window, split by privilege: `user` is U-mode, `kernel` all else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HartWindow {
    /// The hart's number.
    pub hart: u32,
    /// Busy cycles.
    pub cycles: u64,
    /// Cycles spent waiting for an interrupt.
    pub idle_cycles: u64,
    /// Instructions executed.
    pub instructions: u64,
    /// Busy cycles in user mode.
    pub user_cycles: u64,
    /// Instructions executed in user mode.
    pub user_instructions: u64,
    /// Busy cycles outside user mode.
    pub kernel_cycles: u64,
    /// Instructions executed outside user mode.
    pub kernel_instructions: u64,
    /// Statistics of this hart's private units.
    #[serde(flatten)]
    pub statistics: Statistics,
}

impl HartWindow {
    /// Busy cycles per instruction; `None` without instructions.
    #[must_use]
    pub fn cpi(&self) -> Option<f64> {
        (self.instructions > 0).then(|| self.cycles as f64 / self.instructions as f64)
    }
}

/// What the invocations of a run come to. Failed ones are counted and otherwise left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Invocations in the run.
    pub invocations: u64,
    /// Invocations that failed.
    pub failed: u64,
    /// Busy cycles per instruction.
    pub cpi: Option<Spread>,
    /// Latency in virtual time.
    pub latency_ns: Option<Spread>,
    /// Busy cycles.
    pub cycles: Option<Spread>,
    /// Instructions executed.
    pub instructions: Option<Spread>,
    /// Mean misses per 1000 instructions, by statistic path.
    pub mpki: BTreeMap<String, Option<f64>>,
    /// Why a value above is `null`, by its path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, String>,
}

/// How a quantity spreads over the invocations of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Arithmetic mean.
    pub mean: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Geometric mean; `None` if a value is zero.
    pub geomean: Option<f64>,
}
