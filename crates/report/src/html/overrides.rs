//! What a run set otherwise than its system: read from `config.effective.toml`.

use std::fmt;

/// A value that was given on the command line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Override {
    /// Its dotted path.
    pub path: String,
    /// The value, without the quotes of a text.
    pub value: String,
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.path, self.value)
    }
}

/// How a line of the effective configuration ends that was set on the command line.
const SET: &str = " # --set";

/// The values that were set on the command line. The effective configuration says so at the end of
/// their lines.
#[must_use]
pub fn overrides(effective_toml: &str) -> Vec<Override> {
    let mut table = "";
    let mut found = Vec::new();
    for line in effective_toml.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name;
        } else if let Some((key, value)) =
            line.strip_suffix(SET).and_then(|line| line.split_once(" = "))
        {
            let path = if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
            found.push(Override { path, value: unquoted(value).to_owned() });
        }
    }
    found.sort();
    found
}

/// The text of a TOML value that is a text without escapes, and any other value as it is.
pub(super) fn unquoted(value: &str) -> &str {
    let inside = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.filter(|inside| !inside.contains(['"', '\\'])).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_were_set_are_found_with_their_paths() {
        let text = "# The system \"x\" as it took effect.\nharts = 2 # built-in x\nclock_mhz = 1 # --set\n\n\
                    [caches.l2]\nsize_kib = 512 # --set\nways = 8 # default\n[restoration]\n\
                    kind = \"jukebox\" # --set\n";
        let found: Vec<String> = overrides(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["caches.l2.size_kib=512", "clock_mhz=1", "restoration.kind=jukebox"]);
    }
}
