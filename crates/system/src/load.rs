//! Finding, reading and checking a system description.

use crate::layers::{Layers, join};
use crate::place::{Place, Subject};
use crate::shape::{Shaped, shape};
use crate::{ConfigError, Origin, SystemConfig};
use mem::{Problem, Problems};
use std::collections::BTreeMap;

/// A checked system description.
#[derive(Clone, Debug)]
pub struct LoadedSystem {
    /// The name it was asked for by; of a file, its name without the ending.
    pub name: String,
    /// Its values.
    pub config: SystemConfig,
    pub(crate) origins: BTreeMap<String, Origin>,
}

/// Loads the built-in system or the file (by a path that ends in `.toml`) `system`, with
/// `path=value` overrides laid over it.
///
/// A description may start from another one with `extends = "NAME"` or, in a file, `extends =
/// "OTHER.toml"` relative to itself. `memory.dram` may be the name of a built-in DRAM or the path of
/// a file too.
///
/// # Errors
/// Unknown names, unreadable or malformed files, unknown keys, and values that cannot be built;
/// all problems with keys and values are reported together.
pub fn load(system: &str, overrides: &[String]) -> Result<LoadedSystem, ConfigError> {
    let place = Place::find(Subject::System, system, None)?;
    let mut layers = Layers::load(Subject::System, &place)?;
    layers.set(overrides)?;
    let Layers { tree, origins } = layers;
    let name = place.name();
    let Shaped { config, mut problems, made_up } = shape(tree);
    if let Some(config) = &config {
        // What was made up is fine, but may not fit its neighbours.
        let is_real =
            |problem: &Problem| !made_up.iter().any(|path| parent(path) == parent(&problem.path));
        problems.extend(config.validate().0.into_iter().filter(is_real));
    }
    match config {
        Some(config) if problems.is_empty() => Ok(LoadedSystem { name, config, origins }),
        _ => Err(ConfigError::Invalid { name, problems: placed(problems, &origins) }),
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}

/// Adds to each problem where the value came from.
fn placed(problems: Vec<Problem>, origins: &BTreeMap<String, Origin>) -> Problems {
    let place = |problem: Problem| match origin(&problem.path, origins) {
        Some(origin) => Problem { what: format!("{} (from {origin})", problem.what), ..problem },
        None => problem,
    };
    Problems(problems.into_iter().map(place).collect())
}

/// Where the value at `path`, the list it is in, or the first value below it came from.
fn origin<'a>(path: &str, origins: &'a BTreeMap<String, Origin>) -> Option<&'a Origin> {
    let path = path.split('[').next().unwrap_or(path);
    let inside = join(path, "");
    let below = || origins.iter().find(|(at, _)| at.starts_with(&inside)).map(|(_, origin)| origin);
    origins.get(path).or_else(below)
}
