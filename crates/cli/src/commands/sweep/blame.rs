//! Which key of an experiment an error comes from.
//!
//! The checks are those of `run` and speak of its options; the user has a file. Where an error names an option, the
//! key is the one that gave it; a system that cannot be loaded is tried again with fewer overrides.

use crate::failure::Failure;
use ::guest::functions::FunctionError;
use ::system::ConfigError;
use clap::error::{ContextKind, ContextValue};
use experiment::StudyError;
use experiment::sweep::{OPTIONS, Point, Problem};

/// Clap does not take an argument of the point.
pub(super) fn usage(point: &Point, error: &clap::Error) -> Problem {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.clone(),
        _ => String::new(),
    };
    let text = error.to_string();
    // The first paragraph; usage and hints follow, which are about the command line.
    let what = text.split("\n\n").next().unwrap_or(&text).trim();
    let what = what.strip_prefix("error: ").unwrap_or(what);
    Problem::new(named(point, &argument).unwrap_or_else(|| function_at(point)), what)
}

/// `run` makes no study of the point's arguments.
pub(super) fn resolving(point: &Point, failure: &Failure) -> Problem {
    let message = failure.message();
    Problem::new(named(point, &message).unwrap_or_else(|| function_at(point)), message)
}

/// The study cannot begin.
pub(super) fn checking(point: &Point, error: &StudyError) -> Problem {
    let message = error.to_string();
    let request = ["payload", "method"].into_iter().find_map(|key| point.at(key));
    let at = match error {
        StudyError::Function(FunctionError::Unknown { .. }) => None,
        _ => named(point, &message).or_else(|| request.map(str::to_owned)),
    };
    let what = format!("{}: {message}", point.function());
    Problem::new(at.unwrap_or_else(|| function_at(point)), what)
}

/// There is no such function, or its sources are not there.
pub(super) fn function(point: &Point, error: &FunctionError) -> Problem {
    Problem::new(function_at(point), error.to_string())
}

fn function_at(point: &Point) -> String {
    point.at("function").unwrap_or("functions").to_owned()
}

/// The key that gave the first option of which `text` speaks.
fn named(point: &Point, text: &str) -> Option<String> {
    let keys = ["lukewarm", "state", "seed", "system", "set"].into_iter().chain(OPTIONS);
    let mut found: Vec<(usize, &str)> = keys
        .filter_map(|key| Some((text.find(&format!("--{}", key.replace('_', "-")))?, key)))
        .collect();
    found.sort_unstable();
    found.iter().find_map(|(_, key)| point.at(key)).map(str::to_owned)
}

/// `system` cannot be loaded with the overrides `set`: its own fault, or that of the first override with which it
/// cannot.
pub(super) fn system(point: &Point, system: &str, set: &[String], error: &ConfigError) -> Problem {
    let loads = |count: &usize| ::system::load(system, &set[..*count]).is_ok();
    let first = (0..=set.len()).find(|count| !loads(count)).unwrap_or(0);
    let at = match first.checked_sub(1) {
        Some(number) => point.set()[number].at.clone(),
        None => point.at("system").unwrap_or("systems").to_owned(),
    };
    Problem::new(at, error.to_string())
}
