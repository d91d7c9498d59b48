//! Reading single values of an experiment, each with its path; what is wrong is kept, and reading goes on.

use super::error::Problem;
use super::point::Setting;
use toml::{Table, Value};

/// Keeps what is wrong.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub problems: Vec<Problem>,
}

impl Reader {
    pub fn wrong(&mut self, at: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem::new(at, what));
    }

    /// Tells of keys that mean nothing.
    pub fn known(&mut self, table: &Table, at: &str, known: &[&str]) {
        let mut unknown: Vec<&String> =
            table.keys().filter(|key| !known.contains(&key.as_str())).collect();
        unknown.sort();
        for key in unknown {
            self.wrong(
                join(at, key),
                format!("is not known here; known are: {}", known.join(", ")),
            );
        }
    }

    pub fn text(&mut self, table: &Table, at: &str, key: &str) -> Option<String> {
        match table.get(key)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.wrong(join(at, key), "must be a text, in quotes");
                None
            }
        }
    }

    /// The elements of a list, each with its path. A list without elements is told of.
    pub fn list<'t>(&mut self, table: &'t Table, at: &str, key: &str) -> Vec<(String, &'t Value)> {
        let at = join(at, key);
        match table.get(key) {
            None => Vec::new(),
            Some(Value::Array(list)) if list.is_empty() => {
                self.wrong(at, "is empty; leave it out, or give values");
                Vec::new()
            }
            Some(Value::Array(list)) => {
                list.iter().enumerate().map(|(n, value)| (format!("{at}[{n}]"), value)).collect()
            }
            Some(_) => {
                self.wrong(at, "must be a list, in brackets");
                Vec::new()
            }
        }
    }

    pub fn tables<'t>(&mut self, table: &'t Table, key: &str) -> Vec<(String, &'t Table)> {
        let mut tables = Vec::new();
        for (at, value) in self.list(table, "", key) {
            match value {
                Value::Table(inner) => tables.push((at, inner)),
                _ => self.wrong(at, format!("must be a table; write [[{key}]] above its keys")),
            }
        }
        tables
    }

    /// A list of texts.
    pub fn texts(&mut self, table: &Table, at: &str, key: &str) -> Vec<Setting> {
        let mut texts = Vec::new();
        for (at, value) in self.list(table, at, key) {
            match value {
                Value::String(text) if !text.is_empty() => {
                    texts.push(Setting { text: text.clone(), at });
                }
                _ => self.wrong(at, "must be a text, in quotes"),
            }
        }
        texts
    }
}

/// A value as it is written in an override.
pub(super) fn inline(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn join(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}
