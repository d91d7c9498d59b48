//! The id of a point: a hash of everything that decides its results and is known before it runs.
//!
//! In it are the program, the arguments of `run` as the experiment has them, every value of the system, and the recipes
//! and sources of all images. Not in it: the versions of the guest's packages, which are known when the guest has
//! been built; each result has them in its manifest.

use crate::Study;
use guest::functions::{Catalogue, FunctionError, image_keys};

/// The program, as far as it can change results: its version and a hash of the sources of all crates that results come
/// from. Those of the command line and of reports are left out.
pub const PROGRAM: &str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("VSWARM_U_SOURCES"));

/// Hexadecimal digits of an id: 64 bits, of which a million points share two with a probability of 3 in 100 million.
const DIGITS: usize = 16;

/// What a function's containers are made of.
#[derive(Clone, Debug)]
pub struct Sources(Vec<String>);

impl Sources {
    /// Those of `function`, and of all it depends on.
    ///
    /// # Errors
    /// An unknown function, or sources that cannot be read.
    pub fn of(catalogue: &Catalogue, function: &str) -> Result<Self, FunctionError> {
        let function = catalogue.get(function)?;
        let mut parts = vec![guest::compose::guest_file(catalogue, function, &[])];
        parts.extend(image_keys(catalogue, function)?);
        Ok(Self(parts))
    }

    /// These, and those of a co-runner.
    pub fn add(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }
}

/// The id of the run of `study`, which `arguments` ask for, with a function made of `sources`.
#[must_use]
pub fn fingerprint(study: &Study, arguments: &[String], sources: &Sources) -> String {
    let system =
        serde_json::to_string(&study.system.config).expect("a configuration is plain data");
    let parts = [PROGRAM, &system].map(str::to_owned);
    let mut hasher = blake3::Hasher::new();
    for part in parts.iter().chain(&sources.0).chain(arguments) {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..DIGITS].to_owned()
}
