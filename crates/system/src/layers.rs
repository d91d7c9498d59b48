//! Value trees laid over one another, each value remembering the layer it came from.

use crate::{ConfigError, Origin};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// A tree of values and where each leaf came from, by dotted path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    pub(crate) tree: Table,
    pub(crate) origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// Lays `table` over what is there: its values replace, its tables merge.
    pub(crate) fn lay(&mut self, table: Table, origin: &Origin) {
        merge(&mut self.tree, table, "", origin, &mut self.origins);
    }

    /// Applies one `path=value`. A value that is not TOML is taken as a string.
    pub(crate) fn set(&mut self, text: &str) -> Result<(), ConfigError> {
        let wrong = |what: &str| ConfigError::Override { text: text.to_owned(), what: what.into() };
        let (path, value) = text.split_once('=').ok_or_else(|| wrong("has no ="))?;
        let (path, value) = (path.trim(), value.trim());
        if path.split('.').any(|key| key.trim().is_empty()) {
            return Err(wrong("has an empty key in its path"));
        }
        if value.is_empty() {
            return Err(wrong("has no value"));
        }
        let value = value.parse::<Value>().unwrap_or_else(|_| Value::String(value.to_owned()));
        let mut keys: Vec<&str> = path.split('.').map(str::trim).collect();
        let last = keys.pop().expect("a split has at least one part");
        let mut table = &mut self.tree;
        for key in keys {
            let inner = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
            table = inner
                .as_table_mut()
                .ok_or_else(|| wrong(&format!("goes through {key}, which is a single value")))?;
        }
        if table.get(last).is_some_and(Value::is_table) && !value.is_table() {
            return Err(wrong("would replace a whole table by a single value"));
        }
        let mut leaf = Table::new();
        leaf.insert(last.to_owned(), value);
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        merge(table, leaf, parent, &Origin::Set, &mut self.origins);
        Ok(())
    }
}

fn merge(
    base: &mut Table,
    over: Table,
    path: &str,
    origin: &Origin,
    origins: &mut BTreeMap<String, Origin>,
) {
    for (key, value) in over {
        let path = join(path, &key);
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
                origins.insert(path, origin.clone());
                base.insert(key, value);
            }
        }
    }
}

/// The dotted path of `key` below `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
