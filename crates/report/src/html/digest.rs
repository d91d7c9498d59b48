//! What the report needs of a run: every statistic of the function's hart, an entry an invocation.

use super::overrides::{Override, unquoted};
use crate::breakdown::of_hart;
use crate::compare::Configuration;
use crate::model::{Between, Invocation, Manifest, Run, State};
use std::collections::BTreeMap;

/// A run, as far as the report shows it. It takes a small part of the memory of a [`Run`].
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// Where its results are, relative to what the report is on.
    pub(super) name: String,
    pub(super) function: String,
    pub(super) system: String,
    pub(super) state: State,
    pub(super) between: Between,
    pub(super) seed: u64,
    /// The payload and the method that were asked for, if not the function's own.
    pub(super) request: String,
    /// What restores lost state, if anything does.
    pub(super) restoration: Option<String>,
    pub(super) overrides: Vec<Override>,
    pub(super) configuration: Configuration,
    pub(super) failed: u64,
    /// Of the program that made it, with its revision.
    pub(super) version: String,
    /// By path, for each invocation that succeeded; what the window itself has is under `window.`.
    values: BTreeMap<String, Vec<Option<f64>>>,
    pub(super) invocations: usize,
}

/// The key that says what restores lost state.
const RESTORATION: &str = "restoration.kind";
/// What it says if nothing does.
const NO_RESTORATION: &str = "none";
/// Options of a run that change what is asked of the function.
const REQUEST: [&str; 2] = ["--payload", "--method"];
/// The option that overrides a value of the system.
const SET: &str = "--set";

impl Digest {
    /// What of `run`, whose results are at `name`, the report shows. `configuration` and `overrides`
    /// are those of its effective configuration.
    #[must_use]
    pub fn new(
        name: &str,
        run: &Run,
        configuration: &Configuration,
        overrides: Vec<Override>,
    ) -> Self {
        let good: Vec<&Invocation> = run.invocations.iter().filter(|one| one.ok).collect();
        let restoration = configuration.get(RESTORATION).map(|kind| unquoted(kind).to_owned());
        Self {
            name: name.to_owned(),
            function: run.function.clone(),
            system: run.system.clone(),
            state: run.state,
            between: run.between.clone(),
            seed: run.seed,
            request: request(&run.manifest.command),
            restoration: restoration.filter(|kind| kind != NO_RESTORATION),
            overrides: with_removals(overrides, &run.manifest.command),
            configuration: configuration.clone(),
            failed: (run.invocations.len() - good.len()) as u64,
            version: version(&run.manifest),
            values: values(&good),
            invocations: good.len(),
        }
    }

    /// The statistic at `path`, or the sum of those by kind below it, for each invocation that has it.
    pub(super) fn values(&self, path: &str) -> Vec<f64> {
        if let Some(values) = self.values.get(path) {
            return values.iter().copied().flatten().collect();
        }
        let kinds: Vec<_> = self.below(path).collect();
        if kinds.is_empty() {
            return Vec::new();
        }
        let sum = |index: usize| kinds.iter().map(|(_, values)| values[index]).sum::<Option<f64>>();
        (0..self.invocations).filter_map(sum).collect()
    }

    fn below<'a>(&'a self, path: &str) -> impl Iterator<Item = (&'a String, &'a Vec<Option<f64>>)> {
        let start = format!("{path}.");
        let from = self.values.range(start.clone()..);
        from.take_while(move |(name, _)| name.starts_with(&start))
    }
}

fn version(manifest: &Manifest) -> String {
    let revision = manifest.git_revision.iter().map(|revision| format!(" ({revision})"));
    manifest.version.clone() + &revision.collect::<String>()
}

fn values(good: &[&Invocation]) -> BTreeMap<String, Vec<Option<f64>>> {
    let mut values: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for (index, one) in good.iter().enumerate() {
        let mut set = |path: String, value: Option<f64>| {
            values.entry(path).or_insert_with(|| vec![None; good.len()])[index] = value;
        };
        for (path, value) in window(one) {
            set(format!("window.{path}"), value);
        }
        // What both have is the same thing.
        let own = of_hart(one).into_iter().flat_map(|hart| &hart.values);
        for (path, value) in own.chain(&one.statistics.values) {
            set(path.clone(), value.number());
        }
    }
    values
}

/// What an invocation has beside its statistics: latency in milliseconds, cycles for an instruction.
fn window(one: &Invocation) -> [(&'static str, Option<f64>); 6] {
    let hart = one.harts.iter().find(|window| window.hart == one.hart);
    let part = |cycles: Option<u64>| {
        cycles
            .filter(|_| one.instructions > 0)
            .map(|cycles| cycles as f64 / one.instructions as f64)
    };
    [
        ("latency_ms", Some(one.latency_ns as f64 / 1e6)),
        ("cycles", Some(one.cycles as f64)),
        ("instructions", Some(one.instructions as f64)),
        ("cpi", one.cpi),
        ("user_cpi", part(hart.map(|hart| hart.user_cycles))),
        ("kernel_cpi", part(hart.map(|hart| hart.kernel_cycles))),
    ]
}

/// What the command line asks of the function.
fn request(command: &[String]) -> String {
    REQUEST.into_iter().flat_map(|option| given(command, option)).collect::<Vec<_>>().join(", ")
}

/// The overrides, and those of the command line that left nothing to say so in the effective
/// configuration, since they took a unit away.
fn with_removals(mut overrides: Vec<Override>, command: &[String]) -> Vec<Override> {
    for set in given(command, SET) {
        let Some((path, value)) = set.split_once('=') else { continue };
        let is_of = |one: &Override| {
            one.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !overrides.iter().any(is_of) {
            let value = unquoted(value).to_owned();
            overrides.push(Override { path: path.to_owned(), value });
        }
    }
    overrides.sort();
    overrides
}

/// The values of an option of a command line, in either spelling.
fn given<'a>(command: &'a [String], option: &str) -> Vec<&'a str> {
    let value = |(index, word): (usize, &'a String)| {
        if word == option {
            return command.get(index + 1).map(String::as_str);
        }
        word.strip_prefix(option).and_then(|rest| rest.strip_prefix('='))
    };
    command.iter().enumerate().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_payload_is_found_in_either_spelling() {
        let of = |line| request(&words(line));
        assert_eq!(of("vswarm-u run f --payload {\"n\":1} --seed 2"), "{\"n\":1}");
        assert_eq!(of("vswarm-u run f --method=Get --payload=original"), "original, Get");
        assert_eq!(of("vswarm-u run f --payload"), "");
    }

    #[test]
    fn a_unit_that_was_taken_away_is_an_override() {
        let kept =
            vec![Override { path: "restoration.kind".to_owned(), value: "jukebox".to_owned() }];
        let command = words("vswarm-u run f --set restoration=jukebox --set=caches.l2=none");
        let found = with_removals(kept, &command);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["caches.l2=none", "restoration.kind=jukebox"]);
    }
}
