//! The closure of dependencies: which packages a set of names needs.
//!
//! Not a general solver: within one Debian release the newest version of each package satisfies the others' bounds,
//! so taking the first alternative that exists, as apt does on an empty system, needs no backtracking. The result is
//! checked by construction: every relation has a chosen package, or the call fails.

use std::collections::{BTreeMap, VecDeque};

use super::error::PackageError;
use super::index::{Index, Record};
use super::relation::{Relation, parse_field};

/// Packages needed by `wanted` (names, each possibly with a bound or alternatives), sorted by name.
pub(super) fn closure<'a>(
    index: &'a Index,
    wanted: &[&str],
    release: &str,
) -> Result<Vec<&'a Record>, PackageError> {
    let mut chosen: BTreeMap<&str, &Record> = BTreeMap::new();
    let mut queue: VecDeque<(String, Vec<Relation>)> = VecDeque::new();
    for name in wanted {
        queue.extend(parse_field(name).into_iter().map(|group| ("the request".to_owned(), group)));
    }
    // Names asked for are taken before any dependency, so that a request decides between alternatives.
    while let Some((by, group)) = queue.pop_front() {
        if group.iter().any(|relation| is_satisfied(index, &chosen, relation)) {
            continue;
        }
        let record = group.iter().find_map(|relation| index.find(relation));
        let record = record.ok_or_else(|| unresolved(&group, &by, release))?;
        chosen.insert(&record.name, record);
        queue.extend(record.depends().into_iter().map(|needs| (record.name.clone(), needs)));
    }
    Ok(chosen.into_values().collect())
}

/// Whether a package already chosen has or provides what `relation` asks.
fn is_satisfied(index: &Index, chosen: &BTreeMap<&str, &Record>, relation: &Relation) -> bool {
    let real =
        chosen.get(relation.name.as_str()).is_some_and(|r| relation.admits(Some(&r.version)));
    real || index.providers(relation).any(|provider| chosen.contains_key(provider.name.as_str()))
}

fn unresolved(group: &[Relation], by: &str, release: &str) -> PackageError {
    let wanted = group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
    PackageError::Unresolved { wanted, by: by.to_owned(), release: release.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(entries: &[(&str, &str)]) -> Index {
        let sum = "0".repeat(64);
        let text: String = entries
            .iter()
            .map(|(name, more)| format!("Package: {name}\nVersion: 1.0\nArchitecture: all\nFilename: pool/{name}.deb\nSize: 1\nSHA256: {sum}\n{more}\n\n"))
            .collect();
        Index::parse(&text).unwrap()
    }

    fn names(index: &Index, wanted: &[&str]) -> Vec<String> {
        closure(index, wanted, "test").unwrap().iter().map(|r| r.name.clone()).collect()
    }

    #[test]
    fn dependencies_and_pre_dependencies_are_followed_and_recommends_are_not() {
        let index = index(&[
            ("app", "Depends: lib\nPre-Depends: boot\nRecommends: extra"),
            ("lib", "Depends: app"),
            ("boot", ""),
            ("extra", ""),
        ]);
        assert_eq!(names(&index, &["app"]), ["app", "boot", "lib"]);
    }

    #[test]
    fn the_first_alternative_that_exists_is_taken_unless_another_is_already_there() {
        let index = index(&[("app", "Depends: gone | one | two"), ("one", ""), ("two", "")]);
        assert_eq!(names(&index, &["app"]), ["app", "one"]);
        assert_eq!(names(&index, &["app", "two"]), ["app", "two"]);
        assert_eq!(names(&index, &["two", "app"]), ["app", "two"]);
    }

    #[test]
    fn a_virtual_dependency_is_met_by_a_provider_already_chosen() {
        let index = index(&[
            ("app", "Depends: mta"),
            ("a-mta", "Provides: mta"),
            ("z-mta", "Provides: mta"),
        ]);
        assert_eq!(names(&index, &["app"]), ["a-mta", "app"]);
        assert_eq!(names(&index, &["app", "z-mta"]), ["app", "z-mta"]);
    }

    #[test]
    fn a_missing_package_is_named_with_who_needs_it() {
        let index = index(&[("app", "Depends: nowhere (>= 2) | never")]);
        let message = closure(&index, &["app"], "trixie/riscv64").unwrap_err().to_string();
        for part in ["nowhere (>= 2) | never", "app", "trixie/riscv64"] {
            assert!(message.contains(part), "{message}");
        }
    }
}
