//! Gives a tree of values its types.
//!
//! Types are serde's, which stops at the first thing that is wrong. To report all of it, what is wrong
//! is taken out, or replaced by what a built-in system has there, and the rest is tried again.

use crate::SystemConfig;
use crate::builtin::{Builtin, builtins};
use crate::layers::{Layers, TAGS, join};
use crate::place::{Place, Subject};
use mem::Problem;
use pipeline::{CoreConfig, OutOfOrderConfig};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// After so many problems, the rest is not looked for.
const MOST_PROBLEMS: usize = 100;

/// What came of a tree of values.
#[derive(Default)]
pub(crate) struct Shaped {
    /// The configuration, with what is wrong in it made good as far as that can be done.
    pub(crate) config: Option<SystemConfig>,
    /// What was wrong.
    pub(crate) problems: Vec<Problem>,
    /// The paths of values that were made up.
    pub(crate) made_up: Vec<String>,
}

/// Gives `tree` its types.
pub(crate) fn shape(mut tree: Table) -> Shaped {
    let mut shaped = Shaped::default();
    let mut substitutes: Vec<Table> = Vec::new();
    while shaped.problems.len() < MOST_PROBLEMS {
        let wrong = match typed(&tree) {
            Ok(config) => return Shaped { config: Some(config), ..shaped },
            Err(wrong) => wrong,
        };
        // What was mended and is still wrong cannot be mended.
        if shaped.problems.iter().any(|problem| problem.path == wrong.path) {
            break;
        }
        if substitutes.is_empty() {
            substitutes = substitute_trees();
        }
        let mended = wrong.mend(&mut tree, &substitutes);
        if wrong.kind != Wrong::Unknown {
            shaped.made_up.push(wrong.path.clone());
        }
        shaped.problems.push(Problem { path: wrong.path, what: wrong.what });
        if !mended {
            break;
        }
    }
    shaped
}

/// The built-in systems, to take from what is missing.
fn substitute_trees() -> Vec<Table> {
    let tree = |builtin: Builtin| {
        let place = Place::Builtin(builtin.name, builtin.toml);
        Layers::load(Subject::System, &place).ok().map(|layers| layers.tree)
    };
    builtins().filter_map(tree).collect()
}

/// What is wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Unknown,
    Missing,
    Value,
}

/// The first thing that does not fit the types.
#[derive(Debug)]
struct Misfit {
    /// The dotted path of the value or of the missing key.
    path: String,
    what: String,
    kind: Wrong,
}

impl Misfit {
    fn unknown(path: String, why: &str) -> Self {
        Self { path, what: format!("unknown key, {why}"), kind: Wrong::Unknown }
    }

    fn missing(path: String) -> Self {
        Self { path, what: "is missing".to_owned(), kind: Wrong::Missing }
    }

    /// Makes `tree` fit at this place; returns whether it did.
    fn mend(&self, tree: &mut Table, substitutes: &[Table]) -> bool {
        let whole = self.path.split('[').next().unwrap_or(&self.path);
        let keys: Vec<_> = whole.split('.').collect();
        let (last, parents) = keys.split_last().expect("a path has at least one key");
        let Some(table) = find_table(tree, parents) else { return false };
        let removed = table.remove(*last).is_some();
        if self.kind == Wrong::Unknown {
            return removed;
        }
        let substitute = substitutes.iter().find_map(|table| find(table, &keys));
        match substitute {
            Some(value) => table.insert((*last).to_owned(), value.clone()).is_none(),
            // It may have a default.
            None => removed,
        }
    }
}

fn find<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() { Some(value) } else { find(value.as_table()?, rest) }
}

fn find_table<'a>(table: &'a mut Table, keys: &[&str]) -> Option<&'a mut Table> {
    match keys.split_first() {
        None => Some(table),
        Some((first, rest)) => find_table(table.get_mut(*first)?.as_table_mut()?, rest),
    }
}

/// The core is given its type by hand, since serde forgets paths inside a table with a tag.
fn typed(tree: &Table) -> Result<SystemConfig, Misfit> {
    let mut rest = tree.clone();
    let core = match rest.get_mut("core") {
        Some(Value::Table(core)) => {
            let in_order = Table::from_iter([("model".to_owned(), "in_order".into())]);
            Some(typed_core(&std::mem::replace(core, in_order))?)
        }
        _ => None,
    };
    let mut config: SystemConfig = fit(rest, "")?;
    if let Some(core) = core {
        config.core = core;
    }
    Ok(config)
}

fn typed_core(core: &Table) -> Result<CoreConfig, Misfit> {
    let mut options = core.clone();
    match options.remove("model") {
        Some(Value::String(model)) if model == "out_of_order" => {
            let config: OutOfOrderConfig = fit(options, "core")?;
            Ok(CoreConfig::OutOfOrder(Box::new(config)))
        }
        Some(Value::String(model)) if model == "in_order" => match options.keys().next() {
            None => Ok(CoreConfig::InOrder {}),
            Some(key) => {
                Err(Misfit::unknown(join("core", key), "the in-order core has no parameters"))
            }
        },
        other => Err(Misfit {
            path: "core.model".to_owned(),
            what: match other {
                None => "is missing; it is in_order or out_of_order".to_owned(),
                Some(other) => format!("{other} is not in_order or out_of_order"),
            },
            kind: Wrong::Value,
        }),
    }
}

/// Gives the table at `path` of a configuration the type `T`.
fn fit<T: DeserializeOwned>(table: Table, path: &str) -> Result<T, Misfit> {
    let error = match serde_path_to_error::deserialize(Value::Table(table.clone())) {
        Ok(typed) => return Ok(typed),
        Err(error) => error,
    };
    let what = error.inner().message().trim().to_owned();
    let inside = error.path().to_string();
    let keys: Vec<_> = inside.split('.').filter(|key| !key.is_empty()).collect();
    let at = keys.iter().fold(path.to_owned(), |at, key| join(&at, key));
    if let Some(key) = quoted_after(&what, "unknown field ") {
        let expected = what.split_once(", ").map_or("", |(_, expected)| expected);
        // Whether the key is part of the path depends on what lies around it.
        let at = if keys.last() == Some(&key) { at } else { join(&at, key) };
        return Err(Misfit::unknown(at, expected));
    }
    if let Some(key) = quoted_after(&what, "missing field ") {
        return Err(Misfit::missing(join(&at, key)));
    }
    let tagged = find(&table, &keys).is_some_and(is_tagged);
    let culprit = if tagged { culprit::<T>(&table, &keys, &what) } else { None };
    let path = culprit.map_or(at.clone(), |key| join(&at, &key));
    Err(Misfit { path, what, kind: Wrong::Value })
}

/// The key of a tagged table at `keys` that alone gives the same error.
fn culprit<T: DeserializeOwned>(table: &Table, keys: &[&str], what: &str) -> Option<String> {
    let tagged = find(table, keys)?.as_table()?;
    let gives_it = |key: &&String| {
        let mut alone = table.clone();
        let Some(inner) = find_table(&mut alone, keys) else { return false };
        inner.retain(|other, _| TAGS.contains(&other) || other == key.as_str());
        let error = serde_path_to_error::deserialize::<_, T>(Value::Table(alone)).err();
        error.is_some_and(|error| error.inner().message().trim() == what)
    };
    tagged.keys().filter(|key| !TAGS.contains(&key.as_str())).find(gives_it).cloned()
}

fn is_tagged(value: &Value) -> bool {
    value.as_table().is_some_and(|table| TAGS.iter().any(|tag| table.contains_key(*tag)))
}

/// The name in backquotes that follows `before` in a message of serde's.
fn quoted_after<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(before)?.strip_prefix('`')?;
    rest.split_once('`').map(|(name, _)| name)
}
