//! Value trees laid over one another, each value remembering the layer it came from.
//!
//! Values replace and tables merge, with three exceptions for what is a choice between shapes:
//!
//! - A table that names another `kind` (of a predictor) or `model` (of a core) than the one below
//!   replaces it whole: the old kind's parameters mean nothing to the new one.
//! - The string `"none"` removes an optional unit of the layer below.
//! - Memory is DRAM or has a fixed latency; a layer that gives one drops the other. `memory.dram` can
//!   be a name, short for a table that `extends` it, and then replaces the DRAM below whole.

use crate::overrides::Override;
use crate::place::{Place, Subject};
use crate::{ConfigError, Origin};
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// Keys whose value decides which other keys a table has.
pub(crate) const TAGS: [&str; 2] = ["kind", "model"];
/// Units a system can do without.
const OPTIONAL: [&str; 7] =
    ["l2", "llc", "prefetcher", "l2_tlb", "walk_cache", "banks", "restoration"];
/// The keys of a memory without DRAM.
const FIXED_MEMORY: [&str; 2] = ["latency_ns", "bandwidth_mb_per_s"];

/// A tree of values and where each leaf came from, by dotted path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    pub(crate) tree: Table,
    pub(crate) origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// The description of `subject` at `place`, laid over the ones it extends.
    pub(crate) fn load(subject: Subject, place: &Place) -> Result<Self, ConfigError> {
        let mut layers = Self::default();
        layers.stack(subject, place, &mut Vec::new())?;
        Ok(layers)
    }

    fn stack(
        &mut self,
        subject: Subject,
        place: &Place,
        above: &mut Vec<Place>,
    ) -> Result<(), ConfigError> {
        if above.contains(place) {
            let mut names: Vec<_> = above.iter().map(|place| place.origin().to_string()).collect();
            names.push(place.origin().to_string());
            return Err(ConfigError::Circle(names.join(" extends ")));
        }
        let mut table = place.read()?;
        if let Some(parent) = extends(&mut table, subject, &place.origin())? {
            above.push(place.clone());
            let parent = Place::find(subject, &parent, place.folder())?;
            self.stack(subject, &parent, above)?;
        }
        match subject {
            Subject::System => self.lay(table, &place.origin(), place.folder()),
            Subject::Dram => {
                self.merge_all(table, &place.origin());
                Ok(())
            }
        }
    }

    /// Lays a system's `table`, which came from the folder `beside`, over what is there.
    fn lay(
        &mut self,
        mut table: Table,
        origin: &Origin,
        beside: Option<&Path>,
    ) -> Result<(), ConfigError> {
        if let Some(Value::Table(memory)) = table.get_mut("memory") {
            self.choose_memory(memory, origin, beside)?;
        }
        self.merge_all(table, origin);
        Ok(())
    }

    /// Applies overrides, as one layer.
    pub(crate) fn set(&mut self, overrides: &[String]) -> Result<(), ConfigError> {
        let mut layer = Table::new();
        for text in overrides {
            Override::parse(text)?.put(&mut layer, &self.tree)?;
        }
        self.lay(layer, &Origin::Set, None)
    }

    /// Drops the memory below that `memory` takes the place of, and lays the DRAM that it names.
    fn choose_memory(
        &mut self,
        memory: &mut Table,
        origin: &Origin,
        beside: Option<&Path>,
    ) -> Result<(), ConfigError> {
        if let Some(Value::String(name)) = memory.get("dram") {
            let named = Table::from_iter([("extends".to_owned(), Value::String(name.clone()))]);
            memory.insert("dram".to_owned(), Value::Table(named));
        }
        let fixed = FIXED_MEMORY.iter().any(|key| memory.contains_key(*key));
        match memory.get_mut("dram") {
            Some(Value::Table(dram)) => {
                if let Some(name) = extends(dram, Subject::Dram, origin)? {
                    let place = Place::find(Subject::Dram, &name, beside)?;
                    self.put_dram(Self::load(Subject::Dram, &place)?);
                }
                if !fixed {
                    FIXED_MEMORY.iter().for_each(|key| self.drop_value("memory", key));
                }
            }
            None if fixed => self.drop_value("memory", "dram"),
            _ => {}
        }
        Ok(())
    }

    fn put_dram(&mut self, dram: Self) {
        self.drop_value("memory", "dram");
        let memory = self.tree.entry("memory").or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(memory) = memory {
            memory.insert("dram".to_owned(), Value::Table(dram.tree));
        }
        let origins = dram.origins.into_iter();
        self.origins.extend(origins.map(|(path, origin)| (join("memory.dram", &path), origin)));
    }

    /// Removes `key` from a top-level table.
    fn drop_value(&mut self, table: &str, key: &str) {
        if let Some(Value::Table(values)) = self.tree.get_mut(table) {
            values.remove(key);
            forget(&mut self.origins, &join(table, key));
        }
    }

    fn merge_all(&mut self, table: Table, origin: &Origin) {
        merge(&mut self.tree, table, "", origin, &mut self.origins);
    }
}

/// Takes what a description extends out of it.
fn extends(
    table: &mut Table,
    subject: Subject,
    origin: &Origin,
) -> Result<Option<String>, ConfigError> {
    match table.remove("extends") {
        None => Ok(None),
        Some(Value::String(parent)) => Ok(Some(parent)),
        Some(other) => Err(ConfigError::Extends {
            place: origin.to_string(),
            what: other.to_string(),
            noun: subject.noun(),
        }),
    }
}

fn merge(
    base: &mut Table,
    over: Table,
    path: &str,
    origin: &Origin,
    origins: &mut BTreeMap<String, Origin>,
) {
    if TAGS.iter().any(|tag| is_another(base.get(*tag), over.get(*tag))) {
        base.clear();
        forget(origins, path);
    }
    for (key, value) in over {
        let path = join(path, &key);
        if OPTIONAL.contains(&key.as_str()) && value.as_str() == Some("none") {
            base.remove(&key);
            forget(origins, &path);
            continue;
        }
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => {
                merge(base, over, &path, origin, origins);
            }
            (_, Value::Table(over)) => {
                let mut fresh = Table::new();
                merge(&mut fresh, over, &path, origin, origins);
                base.insert(key, Value::Table(fresh));
            }
            (_, value) => {
                forget(origins, &path);
                origins.insert(path, origin.clone());
                base.insert(key, value);
            }
        }
    }
}

/// Whether the tag of a table changes.
fn is_another(below: Option<&Value>, above: Option<&Value>) -> bool {
    matches!((below, above), (Some(below), Some(above)) if below != above)
}

/// Forgets where the value at `path`, or each value below it, came from.
fn forget(origins: &mut BTreeMap<String, Origin>, path: &str) {
    let inside = join(path, "");
    origins.retain(|at, _| at != path && !at.starts_with(&inside));
}

/// The dotted path of `key` below `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
