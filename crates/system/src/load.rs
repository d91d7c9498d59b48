//! Finding, reading and checking a system description.

use crate::builtin::{builtin, builtins};
use crate::layers::Layers;
use crate::{ConfigError, Origin, SystemConfig};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

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
/// `path=value` overrides applied in order.
///
/// A description may start from another one with `extends = "NAME"` or, in a file, `extends =
/// "OTHER.toml"` relative to itself.
///
/// # Errors
/// Unknown names, unreadable or malformed files, unknown keys, and values that cannot be built;
/// all problems with values are reported together.
pub fn load(system: &str, overrides: &[String]) -> Result<LoadedSystem, ConfigError> {
    let place = Place::find(system, None)?;
    let mut layers = Layers::default();
    stack(&place, &mut Vec::new(), &mut layers)?;
    for text in overrides {
        layers.set(text)?;
    }
    let name = place.name();
    let config = shape(&name, layers.tree)?;
    let problems = config.validate();
    if !problems.0.is_empty() {
        return Err(ConfigError::Invalid { name, problems });
    }
    Ok(LoadedSystem { name, config, origins: layers.origins })
}

/// Where a description lies.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Builtin(&'static str, &'static str),
    File(PathBuf),
}

impl Place {
    /// Finds `name`, which a file in the folder `beside` may have named.
    fn find(name: &str, beside: Option<&Path>) -> Result<Self, ConfigError> {
        if name.ends_with(".toml") {
            let path = beside.unwrap_or(Path::new("")).join(name);
            return Ok(Self::File(path));
        }
        match builtin(name) {
            Some(builtin) => Ok(Self::Builtin(builtin.name, builtin.toml)),
            None => {
                let known: Vec<_> = builtins().map(|builtin| builtin.name).collect();
                let known = known.join(", ");
                Err(ConfigError::UnknownSystem { name: name.to_owned(), known })
            }
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Builtin(name, _) => (*name).to_owned(),
            Self::File(path) => {
                path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into())
            }
        }
    }

    fn origin(&self) -> Origin {
        match self {
            Self::Builtin(name, _) => Origin::Builtin((*name).to_owned()),
            Self::File(path) => Origin::File(path.clone()),
        }
    }

    fn read(&self) -> Result<Table, ConfigError> {
        let text = match self {
            Self::Builtin(_, text) => (*text).to_owned(),
            Self::File(path) => fs::read_to_string(path)
                .map_err(|source| ConfigError::Read { path: path.clone(), source })?,
        };
        text.parse::<Table>().map_err(|source| ConfigError::Syntax {
            place: self.origin().to_string(),
            source: Box::new(source),
        })
    }
}

/// Lays the description at `place` over the ones it extends.
fn stack(place: &Place, below: &mut Vec<Place>, layers: &mut Layers) -> Result<(), ConfigError> {
    if below.contains(place) {
        let mut names: Vec<_> = below.iter().map(|place| place.origin().to_string()).collect();
        names.push(place.origin().to_string());
        return Err(ConfigError::Circle(names.join(" extends ")));
    }
    let mut table = place.read()?;
    match table.remove("extends") {
        None => {}
        Some(Value::String(parent)) => {
            let beside = match place {
                Place::Builtin(..) => None,
                Place::File(path) => path.parent(),
            };
            below.push(place.clone());
            stack(&Place::find(&parent, beside)?, below, layers)?;
        }
        Some(other) => {
            return Err(ConfigError::Shape {
                name: place.name(),
                path: "extends".to_owned(),
                what: format!("{other} is not the name of a system"),
            });
        }
    }
    layers.lay(table, &place.origin());
    Ok(())
}

/// Gives the tree of values its types.
fn shape(name: &str, tree: Table) -> Result<SystemConfig, ConfigError> {
    serde_path_to_error::deserialize(Value::Table(tree)).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "the top level".to_owned() } else { path };
        let what = error.inner().message().to_owned();
        ConfigError::Shape { name: name.to_owned(), path, what }
    })
}
