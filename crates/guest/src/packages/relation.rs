//! Dependency fields (`deb-control(5)`, Debian Policy 7.1): `a (>= 1) | b, c:any [riscv64]`.

use std::cmp::Ordering;

use super::version::compare;

/// A bound on a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    operator: String,
    version: String,
}

impl Bound {
    /// The version named.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether `version` meets the bound. Unknown operators are met by nothing.
    pub fn admits(&self, version: &str) -> bool {
        let order = compare(version, &self.version);
        match self.operator.as_str() {
            "<<" => order == Ordering::Less,
            "<=" | "<" => order != Ordering::Greater,
            "=" => order == Ordering::Equal,
            ">=" | ">" => order != Ordering::Less,
            ">>" => order == Ordering::Greater,
            _ => false,
        }
    }
}

/// One package name with an optional bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    pub name: String,
    pub bound: Option<Bound>,
}

impl Relation {
    /// Whether a package or provided name of that version (none: an unversioned `Provides`) satisfies it.
    pub fn admits(&self, version: Option<&str>) -> bool {
        match (&self.bound, version) {
            (None, _) => true,
            (Some(bound), Some(version)) => bound.admits(version),
            (Some(_), None) => false,
        }
    }
}

impl std::fmt::Display for Relation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.bound {
            Some(bound) => write!(f, "{} ({} {})", self.name, bound.operator, bound.version),
            None => f.write_str(&self.name),
        }
    }
}

/// A comma-separated field: every element needs one of its alternatives.
pub(super) fn parse_field(field: &str) -> Vec<Vec<Relation>> {
    let groups = field
        .split(',')
        .map(|group| group.split('|').filter_map(parse_relation).collect::<Vec<_>>());
    groups.filter(|group| !group.is_empty()).collect()
}

/// A single relation; also the form of names that users write.
pub(super) fn parse_relation(text: &str) -> Option<Relation> {
    let text = text.split(['[', '<']).next().filter(|_| !text.contains('(')).unwrap_or(text);
    let (name, bound) = match text.split_once('(') {
        Some((name, rest)) => (name, parse_bound(rest.split(')').next()?)),
        None => (text, None),
    };
    let name = name.trim().split(':').next()?.trim();
    (!name.is_empty()).then(|| Relation { name: name.to_owned(), bound })
}

fn parse_bound(text: &str) -> Option<Bound> {
    let text = text.trim();
    let end = text.find(|c: char| !matches!(c, '<' | '>' | '='))?;
    let (operator, version) = text.split_at(end);
    Some(Bound { operator: operator.to_owned(), version: version.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_bounds_and_architecture_marks_are_read() {
        let field = "libc6 (>= 2.41), a:any | b (<< 3~) , c [riscv64], d";
        let groups = parse_field(field);
        let shown: Vec<String> = groups
            .iter()
            .map(|g| g.iter().map(ToString::to_string).collect::<Vec<_>>().join("|"))
            .collect();
        assert_eq!(shown, ["libc6 (>= 2.41)", "a|b (<< 3~)", "c", "d"]);
    }

    #[test]
    fn bounds_admit_what_the_operator_says() {
        let admits = |bound: &str, version: &str| {
            parse_relation(&format!("x ({bound})")).unwrap().admits(Some(version))
        };
        assert!(admits(">= 1.0", "1.0") && admits(">= 1.0", "1.1") && !admits(">= 1.0", "1.0~rc"));
        assert!(admits("<< 2", "1.9") && !admits("<< 2", "2"));
        assert!(admits("= 1-1", "1-1") && !admits("= 1-1", "1-2"));
        assert!(admits(">> 1", "2") && !admits(">> 1", "1"));
        assert!(!admits("!! 1", "1"));
        assert!(
            !parse_relation("x (>= 1)").unwrap().admits(None),
            "an unversioned Provides meets no bound"
        );
    }
}
