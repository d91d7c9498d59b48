//! Runs that were made in the same way, up to the seed, pooled, and what a column of them is called.

use super::digest::Digest;
use super::overrides::Override;
use crate::compare::Configuration;
use crate::model::State;
use std::collections::{BTreeMap, BTreeSet};

/// What runs that are pooled have in common, in the order of columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub system: String,
    pub function: String,
    pub request: String,
    pub condition: Condition,
    pub variant: Variant,
    /// Runs whose systems have other values are never pooled, whatever they are called.
    configuration: Configuration,
    /// Nor are runs of programs that may model something otherwise.
    version: String,
}

/// How warm the core was, and what lay between requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Condition {
    rank: u8,
    state: &'static str,
    lukewarm: Option<String>,
    inter_arrival_ns: Option<u64>,
}

/// What differs from the system as it is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variant {
    /// Values that have nothing to do with restoration.
    pub overrides: Vec<Override>,
    /// What restores lost state, and its parameters.
    pub restoration: Option<(String, Vec<Override>)>,
}

/// The runs.
#[derive(Clone, Debug)]
pub(super) struct Cell<'a> {
    pub key: Key,
    /// Counts the cells that are called the same, from 1.
    pub number: usize,
    pub runs: Vec<&'a Digest>,
}

impl<'a> Cell<'a> {
    /// The runs that have results, pooled, in the order of their keys.
    pub(super) fn of(runs: &'a [Digest]) -> Vec<Self> {
        let mut cells: BTreeMap<Key, Vec<&Digest>> = BTreeMap::new();
        for run in runs.iter().filter(|run| run.invocations > 0) {
            cells.entry(Key::of(run)).or_default().push(run);
        }
        let mut numbered: Vec<Self> = Vec::new();
        for (key, runs) in cells {
            let same = numbered.last().filter(|last| last.key.reads_as(&key));
            let number = same.map_or(1, |last| last.number + 1);
            numbered.push(Self { key, number, runs });
        }
        numbered
    }

    /// The values of all invocations.
    pub(super) fn values(&self, path: &str) -> Vec<f64> {
        self.runs.iter().flat_map(|run| run.values(path)).collect()
    }

    /// Their mean.
    pub(super) fn mean(&self, path: &str) -> Option<f64> {
        let values = self.values(path);
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

impl Key {
    fn of(run: &Digest) -> Self {
        Self {
            system: run.system.clone(),
            function: run.function.clone(),
            request: run.request.clone(),
            condition: Condition::of(run),
            variant: Variant::of(run),
            configuration: run.configuration.clone(),
            version: run.version.clone(),
        }
    }

    /// Whether both are called the same.
    fn reads_as(&self, other: &Self) -> bool {
        self.system == other.system
            && self.function == other.function
            && self.request == other.request
            && self.condition == other.condition
            && self.variant == other.variant
    }
}

impl Condition {
    fn of(run: &Digest) -> Self {
        Self {
            rank: match run.state {
                State::Warm => 0,
                State::Lukewarm => 1,
                State::Cold => 2,
            },
            state: run.state.name(),
            lukewarm: run.between.lukewarm.clone(),
            inter_arrival_ns: run.between.inter_arrival_ns,
        }
    }

    /// The state; with how it was lost and how much time lay between requests, if wanted.
    fn words(&self, with_how: bool, with_time: bool) -> String {
        let how = self.lukewarm.iter().filter(|_| with_how).map(|how| format!(" ({how})"));
        let every = self.inter_arrival_ns.iter().filter(|_| with_time);
        let every = every.map(|nanos| format!(", every {} ms", *nanos as f64 / 1e6));
        self.state.to_owned() + &how.chain(every).collect::<String>()
    }
}

impl Variant {
    fn of(run: &Digest) -> Self {
        let (of_unit, overrides): (Vec<Override>, Vec<Override>) =
            run.overrides.iter().cloned().partition(|one| one.path.starts_with("restoration."));
        let parameters = of_unit.into_iter().filter(|one| one.path != "restoration.kind");
        let restoration = run.restoration.clone().map(|kind| (kind, parameters.collect()));
        Self { overrides, restoration }
    }

    /// What a run of this variant is compared with: the same without restoration, or, if there was
    /// none, without overrides. None for the system as it is.
    pub(super) fn baseline(&self) -> Option<Self> {
        if self.restoration.is_some() {
            return Some(Self { restoration: None, ..self.clone() });
        }
        (!self.overrides.is_empty()).then(Self::default)
    }

    /// Unit, parameters and overrides; empty for the system as it is.
    pub(super) fn in_words(&self) -> String {
        let mut words = Vec::new();
        if let Some((kind, parameters)) = &self.restoration {
            words.push(kind.clone());
            let short = |one: &Override| {
                let name = one.path.rsplit('.').next().unwrap_or(&one.path);
                format!("{name}={}", one.value)
            };
            words.extend(parameters.iter().map(short));
        }
        words.extend(self.overrides.iter().map(ToString::to_string));
        words.join(" ")
    }
}

/// What columns must say to be told apart: no more than that stands below them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Naming {
    with_how: bool,
    with_time: bool,
    with_request: bool,
}

impl Naming {
    /// For columns of these cells.
    pub(super) fn of(cells: &[&Cell<'_>]) -> Self {
        let several = |of: fn(&Cell<'_>) -> (u8, String)| {
            let mut seen: BTreeMap<u8, BTreeSet<String>> = BTreeMap::new();
            for cell in cells {
                let (state, value) = of(cell);
                seen.entry(state).or_default().insert(value);
            }
            seen.values().any(|values| values.len() > 1)
        };
        Self {
            with_how: several(|cell| {
                let condition = &cell.key.condition;
                (condition.rank, condition.lukewarm.clone().unwrap_or_default())
            }),
            with_time: several(|cell| {
                let condition = &cell.key.condition;
                (condition.rank, condition.inter_arrival_ns.unwrap_or(0).to_string())
            }),
            with_request: several(|cell| (0, cell.key.request.clone())),
        }
    }

    /// What stands below a column.
    pub(super) fn column(self, cell: &Cell<'_>) -> String {
        named(cell, cell.key.condition.words(self.with_how, self.with_time))
    }

    /// What stands below the columns of a function.
    pub(super) fn group(self, key: &Key) -> String {
        if self.with_request && !key.request.is_empty() {
            return format!("{} {}", key.function, key.request);
        }
        key.function.clone()
    }
}

/// What a column is in full.
pub(super) fn about(cell: &Cell<'_>) -> String {
    named(cell, cell.key.condition.words(true, true))
}

/// The condition with the variant and, where others are called the same, the number.
fn named(cell: &Cell<'_>, condition: String) -> String {
    let mut name = condition;
    let variant = cell.key.variant.in_words();
    if !variant.is_empty() {
        name += &format!(", {variant}");
    }
    if cell.number > 1 {
        name += &format!(" #{}", cell.number);
    }
    name
}
