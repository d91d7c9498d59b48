//! Overrides of single values, `path=value`.

use crate::ConfigError;
use toml::{Table, Value};

/// An override, taken apart.
#[derive(Debug)]
pub(crate) struct Override<'a> {
    text: &'a str,
    path: Vec<&'a str>,
    value: Value,
}

impl<'a> Override<'a> {
    /// Takes `text` apart. A value that is not TOML is taken as a string.
    pub(crate) fn parse(text: &'a str) -> Result<Self, ConfigError> {
        let wrong = |what: &str| Err(error(text, what));
        let Some((path, value)) = text.split_once('=') else { return wrong("has no =") };
        let path: Vec<_> = path.split('.').map(str::trim).collect();
        let value = value.trim();
        if path.iter().any(|key| key.is_empty()) {
            return wrong("has an empty key in its path");
        }
        if value.is_empty() {
            return wrong("has no value");
        }
        let value = value.parse::<Value>().unwrap_or_else(|_| Value::String(value.to_owned()));
        // Longer, so that other overrides can change the DRAM that one names.
        if path == ["memory", "dram"] && value.is_str() {
            return Ok(Self { text, path: vec!["memory", "dram", "extends"], value });
        }
        Ok(Self { text, path, value })
    }

    /// Puts the value into a layer of overrides that will lie over `base`.
    pub(crate) fn put(self, layer: &mut Table, base: &Table) -> Result<(), ConfigError> {
        let (last, parents) = self.path.split_last().expect("a split has at least one part");
        let (mut table, mut below) = (layer, Some(base));
        for key in parents {
            let through =
                || error(self.text, &format!("goes through {key}, which is a single value"));
            below = match below.and_then(|below| below.get(*key)) {
                None => None,
                Some(Value::Table(inner)) => Some(inner),
                Some(_) => return Err(through()),
            };
            let inner = table.entry(*key).or_insert_with(|| Value::Table(Table::new()));
            table = inner.as_table_mut().ok_or_else(through)?;
        }
        let replaced = table.get(*last).or_else(|| below.and_then(|below| below.get(*last)));
        let is_removal = self.value.as_str() == Some("none");
        if replaced.is_some_and(Value::is_table) && !self.value.is_table() && !is_removal {
            return Err(error(self.text, "would replace a whole table by a single value"));
        }
        table.insert((*last).to_owned(), self.value);
        Ok(())
    }
}

fn error(text: &str, what: &str) -> ConfigError {
    ConfigError::Override { text: text.to_owned(), what: what.to_owned() }
}
