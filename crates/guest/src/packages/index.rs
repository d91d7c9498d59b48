//! The `Packages` index: what a release offers for one architecture.

use std::collections::BTreeMap;

use super::control::{Stanza, stanzas};
use super::error::PackageError;
use super::relation::{Relation, parse_field};
use super::release::is_sha256;
use super::version::compare;

/// One binary package of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub name: String,
    pub version: String,
    pub arch: String,
    pub filename: String,
    pub size: u64,
    pub sha256: String,
    /// `Pre-Depends` and `Depends`, unparsed: only chosen packages need them.
    depends: String,
}

impl Record {
    /// What must be present for the package to work.
    pub fn depends(&self) -> Vec<Vec<Relation>> {
        parse_field(&self.depends)
    }
}

/// Packages and provided names, in order of name.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    records: Vec<Record>,
    by_name: BTreeMap<String, Vec<usize>>,
    /// Virtual name -> (provider, version it provides).
    provided: BTreeMap<String, Vec<(usize, Option<String>)>>,
}

impl Index {
    /// Reads the text of `Packages`.
    pub fn parse(text: &str) -> Result<Self, PackageError> {
        let mut index = Self::default();
        for stanza in stanzas(text) {
            let record = parse_record(&stanza).ok_or_else(|| PackageError::Malformed {
                what: format!(
                    "the Packages entry of `{}`",
                    stanza.get("Package").unwrap_or("(no name)")
                ),
                reason: "a field is missing or malformed".to_owned(),
            })?;
            index.insert(record, stanza.get("Provides").unwrap_or_default());
        }
        Ok(index)
    }

    fn insert(&mut self, record: Record, provides: &str) {
        let position = self.records.len();
        self.by_name.entry(record.name.clone()).or_default().push(position);
        for relation in parse_field(provides).into_iter().flatten() {
            let version = relation.bound.as_ref().map(|b| b.version().to_owned());
            self.provided.entry(relation.name).or_default().push((position, version));
        }
        self.records.push(record);
    }

    /// The package that best satisfies `relation`: a real one of the highest version, else the first provider by
    /// name.
    pub fn find<'a>(&'a self, relation: &Relation) -> Option<&'a Record> {
        self.real(relation).or_else(|| self.providers(relation).min_by(|a, b| a.name.cmp(&b.name)))
    }

    fn real<'a>(&'a self, relation: &Relation) -> Option<&'a Record> {
        let positions = self.by_name.get(&relation.name)?;
        let fitting = positions
            .iter()
            .map(|&at| &self.records[at])
            .filter(|r| relation.admits(Some(&r.version)));
        fitting.max_by(|a, b| compare(&a.version, &b.version))
    }

    /// Every package whose `Provides` satisfies `relation`.
    pub fn providers<'a, 'r>(
        &'a self,
        relation: &'r Relation,
    ) -> impl Iterator<Item = &'a Record> + use<'a, 'r> {
        let providers = self.provided.get(&relation.name).map(Vec::as_slice).unwrap_or_default();
        providers
            .iter()
            .filter(|(_, version)| relation.admits(version.as_deref()))
            .map(|(at, _)| &self.records[*at])
    }
}

fn parse_record(stanza: &Stanza<'_>) -> Option<Record> {
    let field = |name| stanza.get(name);
    let depends = [field("Pre-Depends"), field("Depends")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    let (filename, sha256) = (field("Filename")?, field("SHA256")?);
    let safe = is_sha256(sha256)
        && !filename.starts_with('/')
        && !filename.split('/').any(|part| part == "..");
    safe.then_some(())?;
    Some(Record {
        name: field("Package")?.to_owned(),
        version: field("Version")?.to_owned(),
        arch: field("Architecture")?.to_owned(),
        filename: filename.to_owned(),
        size: field("Size")?.parse().ok()?,
        sha256: sha256.to_owned(),
        depends,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::relation::parse_relation;

    fn entry(name: &str, version: &str, more: &str) -> String {
        let sum = "0".repeat(64);
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: riscv64\nFilename: pool/{name}.deb\nSize: 1\nSHA256: {sum}\n{more}\n"
        )
    }

    #[test]
    fn the_highest_fitting_version_wins() {
        let index =
            Index::parse(&(entry("a", "1", "") + &entry("a", "2", "") + &entry("a", "10", "")))
                .unwrap();
        let version = |text| index.find(&parse_relation(text).unwrap()).map(|r| r.version.as_str());
        assert_eq!(version("a"), Some("10"));
        assert_eq!(version("a (<< 10)"), Some("2"));
        assert_eq!(version("a (>> 10)"), None);
    }

    #[test]
    fn a_virtual_name_resolves_to_its_first_provider_by_name() {
        let text = entry("z", "1", "Provides: mta\n") + &entry("b", "1", "Provides: mta (= 3)\n");
        let index = Index::parse(&text).unwrap();
        let name = |text| index.find(&parse_relation(text).unwrap()).map(|r| r.name.as_str());
        assert_eq!(name("mta"), Some("b"));
        assert_eq!(name("mta (>= 3)"), Some("b"));
        assert_eq!(name("mta (>= 4)"), None);
    }

    #[test]
    fn an_entry_that_would_leave_the_pool_is_refused() {
        for bad in ["../x", "/etc/x", "pool/../../x"] {
            let text = entry("a", "1", "").replace("pool/a.deb", bad);
            assert!(Index::parse(&text).is_err(), "{bad}");
        }
    }
}
