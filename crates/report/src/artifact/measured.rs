//! A run, as far as an appendix tells of it.

use crate::model::{Host, Run, Summary};
use serde::Serialize;
use std::collections::BTreeMap;

/// A run without its invocations, of which a study has too many.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Where its results are, in the folder of all results.
    pub place: String,
    /// The function.
    pub function: String,
    /// The system.
    pub system: String,
    /// The state, and how what it lacks was lost.
    pub state: String,
    /// The seed.
    pub seed: u64,
    /// The command line.
    pub command: Vec<String>,
    /// The version of the program that measured.
    pub version: String,
    /// The revision it was built from, if known.
    pub git_revision: Option<String>,
    /// Hashes of what the guest is made of.
    pub guest: BTreeMap<String, String>,
    /// How many packages the guest has.
    pub packages: usize,
    /// What the invocations come to.
    pub summary: Summary,
    /// What it took.
    pub host: Host,
}

impl Measured {
    /// What of `run`, whose results are at `place`, an appendix tells.
    #[must_use]
    pub fn new(place: &str, run: &Run) -> Self {
        let manifest = &run.manifest;
        Self {
            place: place.to_owned(),
            function: run.function.clone(),
            system: run.system.clone(),
            state: run.state_in_words(),
            seed: run.seed,
            command: manifest.command.clone(),
            version: manifest.version.clone(),
            git_revision: manifest.git_revision.clone(),
            guest: manifest.guest.clone(),
            packages: manifest.packages.len(),
            summary: run.summary.clone(),
            host: manifest.host.clone(),
        }
    }
}
