//! Directories of results, as `run` writes them.

use ::report::html::Override;
use ::report::{Configuration, Manifest, Run};
use anyhow::Context as _;
use std::fs;
use std::path::Path;

/// The file that says what a directory holds results of.
pub const MANIFEST: &str = "manifest.json";
/// The file with the results themselves.
pub const STATISTICS: &str = "stats.json";
const CONFIGURATION: &str = "config.effective.toml";

/// The run whose results lie in `place`.
pub fn read(place: &Path) -> anyhow::Result<Run> {
    let (run, _) = ::report::read(&text(place, STATISTICS)?, &text(place, MANIFEST)?)
        .with_context(|| format!("reading the results in {}", place.display()))?;
    Ok(run)
}

/// What made the run whose results lie in `place`: a small part of them.
pub fn manifest(place: &Path) -> anyhow::Result<Manifest> {
    serde_json::from_str(&text(place, MANIFEST)?)
        .with_context(|| format!("reading {}", place.join(MANIFEST).display()))
}

/// The values of its system, by path.
pub fn configuration(place: &Path) -> anyhow::Result<Configuration> {
    let table: toml::Table = text(place, CONFIGURATION)?
        .parse()
        .with_context(|| format!("reading {}", place.join(CONFIGURATION).display()))?;
    let mut values = Configuration::new();
    flatten("", &table, &mut values);
    Ok(values)
}

/// The values of its system that were set on the command line.
pub fn overrides(place: &Path) -> anyhow::Result<Vec<Override>> {
    Ok(::report::html::overrides(&text(place, CONFIGURATION)?))
}

fn text(place: &Path, name: &str) -> anyhow::Result<String> {
    let path = place.join(name);
    fs::read_to_string(&path)
        .with_context(|| format!("reading {}; without it these are no results", path.display()))
}

fn flatten(path: &str, table: &toml::Table, values: &mut Configuration) {
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&path, inner, values),
            value => drop(values.insert(path, value.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_tables_in_tables_have_dotted_paths() {
        let table = "a = 1\n[b]\nc = \"x\"\n[b.d]\ne = [1, 2] # from somewhere\n".parse().unwrap();
        let mut values = Configuration::new();
        flatten("", &table, &mut values);
        let found: Vec<_> = values.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(found, ["a=1", "b.c=\"x\"", "b.d.e=[1, 2]"]);
    }
}
