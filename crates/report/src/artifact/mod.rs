//! The appendix of a paper's artifact: what reviewers need to repeat results, with what was measured of the cost.
//!
//! The structure is that of the appendices of architecture conferences (MICRO, ISCA, ASPLOS, HPCA; ACM's "Artifact
//! Appendix", the template of ctuning.org): abstract, check-list, description, installation, workflow, expected results,
//! customisation, methodology. [`appendix`] writes it as Markdown, [`document`] gives the same facts as JSON.
//!
//! All of it follows from [`Facts`]. What results do not keep is said not to have been measured, and what only the
//! authors know stands in brackets for them to fill in. Nothing is estimated.
//!
//! Not here: finding results, looking at disks and hosts.

mod appendix;
mod check_list;
mod cost;
mod document;
mod evaluation;
mod measured;
#[cfg(test)]
mod tests;
mod units;
mod workflow;

pub use appendix::{GENERATOR, appendix};
pub use cost::{Costs, Figure};
pub use document::document;
pub use measured::Measured;

use crate::reproduce::{Study, Validation};
use serde::Serialize;

/// All that an appendix is made of.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What the folder of the results is called.
    pub results: String,
    /// The program that writes the appendix.
    pub program: Program,
    /// The machine that it is written on.
    pub machine: Machine,
    /// What lies on its disk.
    pub disk: Disk,
    /// What else could be measured.
    pub choices: Choices,
    /// The results, by folder.
    pub parts: Vec<Part>,
    /// Results that cannot be read, each with the reason.
    pub left_out: Vec<String>,
}

/// A program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// A hash of the sources that results come from.
    pub sources: String,
    /// The version of Rust that it needs.
    pub rust: String,
    /// Its licence.
    pub licence: String,
}

/// A machine. What it does not tell is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: Option<String>,
    /// How many processors may be used.
    pub processors: Option<usize>,
    /// Its memory.
    pub memory_bytes: Option<u64>,
    /// Its operating system.
    pub system: Option<String>,
}

/// What was found on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// The parts of the state folder, in use on the disk; empty if there is none.
    pub state: Vec<Folder>,
    /// Directories of runs, in bytes of their files.
    pub runs_bytes: u64,
    /// What else lies among the results (tables, reports), in bytes of files.
    pub tables_bytes: u64,
}

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub bytes: u64,
}

/// What could be measured with the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Choices {
    /// Built-in systems.
    pub systems: Vec<String>,
    /// Functions that come with the program.
    pub functions: Vec<String>,
    /// Units that restore lost state.
    pub restoration_units: Vec<String>,
}

/// Results that lie in one folder and came from one command, or from several `run`s.
#[derive(Clone, Debug)]
pub struct Part {
    /// The folder in that of all results; empty if it is that one.
    pub folder: String,
    /// What they came from.
    pub origin: Origin,
    /// The runs.
    pub runs: Vec<Measured>,
    /// What they say of the study that they repeat.
    pub validation: Option<Validation>,
}

/// What results came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A published study, repeated.
    Study {
        /// Which.
        study: Study,
        /// With all functions of the paper.
        full: bool,
        /// What the experiment says it is for.
        description: String,
        /// Points of the experiment.
        points: usize,
    },
    /// Another built-in experiment.
    Builtin {
        /// Its name.
        name: String,
        /// What it says it is for.
        description: String,
        /// Its points.
        points: usize,
    },
    /// A sweep over a file that is not known any more.
    Sweep,
    /// Single runs.
    Runs,
}

impl Facts {
    /// All runs.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Measured> {
        self.parts.iter().flat_map(|part| &part.runs)
    }

    /// What they cost.
    pub(crate) fn costs(&self) -> Costs {
        Costs::of(self.runs().map(|run| &run.host))
    }
}

impl Part {
    /// Points that the experiment has, if that is known.
    pub(crate) fn points(&self) -> Option<usize> {
        match self.origin {
            Origin::Study { points, .. } | Origin::Builtin { points, .. } => Some(points),
            Origin::Sweep | Origin::Runs => None,
        }
    }
}
