//! The JSON documents, and reading a run back from the two that are kept as files.

use crate::model::{Between, Catalogue, Invocation, Manifest, Run, SCHEMA, State, Summary};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What `run --json` prints.
#[must_use]
pub fn run_json(run: &Run) -> String {
    text(run)
}

/// `stats.json`: the run without its manifest, and the catalogue of its statistics.
#[must_use]
pub fn stats_json(run: &Run, catalogue: &Catalogue) -> String {
    let Run { schema, function, system, state, between, seed, .. } = run;
    text(&StatsFile {
        schema: *schema,
        function: function.clone(),
        system: system.clone(),
        state: *state,
        between: between.clone(),
        seed: *seed,
        invocations: run.invocations.clone(),
        summary: run.summary.clone(),
        catalogue: catalogue.clone(),
    })
}

/// `manifest.json`.
#[must_use]
pub fn manifest_json(manifest: &Manifest) -> String {
    text(manifest)
}

/// Makes a run of what [`stats_json`] and [`manifest_json`] wrote.
pub fn read(stats: &str, manifest: &str) -> Result<(Run, Catalogue), ReadError> {
    let manifest: Manifest = document(manifest, "manifest.json")?;
    let stats: StatsFile = document(stats, "stats.json")?;
    let StatsFile { schema, function, system, state, between, seed, .. } = stats;
    let StatsFile { invocations, summary, catalogue, .. } = stats;
    let run =
        Run { schema, function, system, state, between, seed, invocations, summary, manifest };
    Ok((run, catalogue))
}

/// A results file could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not the JSON it should be.
    #[error("reading {file}: {source}; the file is damaged or not of a run, so run again")]
    Malformed {
        /// Which file.
        file: &'static str,
        /// Where and why.
        source: serde_json::Error,
    },
    /// It was written by a version that means something else by its keys.
    #[error(
        "reading {file}: it has schema {found} and this program reads schema {SCHEMA}; use the \
         version that wrote it, or run again"
    )]
    Schema {
        /// Which file.
        file: &'static str,
        /// Its schema.
        found: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct StatsFile {
    schema: u32,
    function: String,
    system: String,
    state: State,
    #[serde(flatten)]
    between: Between,
    seed: u64,
    invocations: Vec<Invocation>,
    summary: Summary,
    catalogue: Catalogue,
}

/// Looked at first, because the other keys depend on it.
#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

fn document<T: DeserializeOwned>(text: &str, file: &'static str) -> Result<T, ReadError> {
    let malformed = |source| ReadError::Malformed { file, source };
    let Schema { schema: found } = serde_json::from_str(text).map_err(malformed)?;
    if found != SCHEMA {
        return Err(ReadError::Schema { file, found });
    }
    serde_json::from_str(text).map_err(malformed)
}

fn text(document: &impl Serialize) -> String {
    // Only maps with keys other than strings and failing writers are errors.
    let text = serde_json::to_string_pretty(document).expect("all keys of the model are strings");
    text + "\n"
}
