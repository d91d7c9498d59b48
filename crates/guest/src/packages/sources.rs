//! apt's list of archives: one-line `sources.list` and deb822 `.sources` files (`sources.list(5)`).

use std::path::Path;

use super::control::stanzas;

/// One archive address with one of its suites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub uri: String,
    pub suite: String,
    pub components: Vec<String>,
    pub signed_by: String,
}

/// Every enabled binary source under `etc` (normally `/etc/apt`), main list first, then the parts by name.
pub(super) fn read_all(etc: &Path) -> Vec<Source> {
    let mut files = vec![etc.join("sources.list")];
    if let Ok(dir) = std::fs::read_dir(etc.join("sources.list.d")) {
        let mut parts: Vec<_> = dir.flatten().map(|entry| entry.path()).collect();
        parts.sort();
        files.extend(parts);
    }
    let mut sources = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|e| e.to_str()) {
            Some("list") => sources.extend(parse_list(&text)),
            Some("sources") => sources.extend(parse_deb822(&text)),
            _ => {}
        }
    }
    sources
}

/// `deb [options] uri suite component...` lines.
pub(super) fn parse_list(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
    let mut signed_by = String::new();
    if let Some(after) = rest.strip_prefix('[') {
        let (options, tail) = after.split_once(']')?;
        signed_by = options
            .split_whitespace()
            .find_map(|option| option.strip_prefix("signed-by="))
            .unwrap_or_default()
            .to_owned();
        rest = tail;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source {
        uri: words.next()?,
        suite: words.next()?,
        components: words.collect(),
        signed_by,
    })
}

/// Stanzas with `Types`, `URIs`, `Suites`, `Components`; every combination is a source.
pub(super) fn parse_deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    for stanza in stanzas(text) {
        let words =
            |name| stanza.get(name).unwrap_or_default().split_whitespace().map(str::to_owned);
        let disabled =
            stanza.get("Enabled").is_some_and(|v| matches!(v, "no" | "false" | "off" | "0"));
        if disabled || !words("Types").any(|t| t == "deb") {
            continue;
        }
        for uri in words("URIs") {
            for suite in words("Suites") {
                sources.push(Source {
                    uri: uri.clone(),
                    suite,
                    components: words("Components").collect(),
                    signed_by: stanza.get("Signed-By").unwrap_or_default().to_owned(),
                });
            }
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_entries_give_address_suite_and_components() {
        let text = "# deb http://no/ x main\ndeb-src http://src/ x main\ndeb [arch=amd64 signed-by=/k.gpg] http://m/debian trixie main contrib # c\n";
        let sources = parse_list(text);
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].uri, "http://m/debian");
        assert_eq!(sources[0].suite, "trixie");
        assert_eq!(sources[0].components, ["main", "contrib"]);
        assert_eq!(sources[0].signed_by, "/k.gpg");
    }

    #[test]
    fn deb822_entries_multiply_addresses_and_suites_and_can_be_disabled() {
        let text = "Types: deb deb-src\nURIs: http://a http://b\nSuites: s t\nComponents: main\n\nEnabled: no\nTypes: deb\nURIs: http://c\nSuites: s\n\nTypes: deb-src\nURIs: http://d\nSuites: s\n";
        let found: Vec<_> = parse_deb822(text).into_iter().map(|s| (s.uri, s.suite)).collect();
        let expected = [("http://a", "s"), ("http://a", "t"), ("http://b", "s"), ("http://b", "t")];
        assert_eq!(found, expected.map(|(u, s)| (u.to_owned(), s.to_owned())));
    }
}
