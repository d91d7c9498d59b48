//! Patterns for paths: `*` is anything within a name, `**` anything at all, all else is itself. A
//! pattern that begins with `!` takes its paths out of what the others match.

/// Whether `path` matches `pattern`.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix("**") {
        // `**/x` also matches `x` itself.
        let bare = rest.strip_prefix('/').unwrap_or(rest);
        return matches(bare, path)
            || path.char_indices().any(|(i, c)| {
                matches(rest, &path[i + c.len_utf8()..]) && (c != '/' || !rest.is_empty())
            })
            || rest.is_empty();
    }
    if let Some(rest) = pattern.strip_prefix('*') {
        return matches(rest, path)
            || path
                .chars()
                .next()
                .is_some_and(|c| c != '/' && matches(pattern, &path[c.len_utf8()..]));
    }
    match (pattern.chars().next(), path.chars().next()) {
        (None, None) => true,
        (Some(a), Some(b)) if a == b => matches(&pattern[a.len_utf8()..], &path[b.len_utf8()..]),
        _ => false,
    }
}

/// Whether any of `patterns` matches `path` and none that begins with `!` does.
pub(super) fn any<'a>(patterns: impl IntoIterator<Item = &'a str>, path: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(kept) if matches(kept, path) => return false,
            Some(_) => {}
            None => found = found || matches(pattern, path),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stays_within_a_name() {
        assert!(matches("usr/lib/*/gconv", "usr/lib/riscv64-linux-gnu/gconv"));
        assert!(!matches("usr/*/gconv", "usr/lib/riscv64-linux-gnu/gconv"));
        assert!(matches("*.md", "README.md"));
        assert!(!matches("*.md", "docs/README.md"));
        assert!(!matches("usr", "usr/lib"));
    }

    #[test]
    fn two_stars_cross_folders() {
        assert!(matches("usr/share/doc/**", "usr/share/doc/a/b"));
        assert!(!matches("usr/share/doc/**", "usr/share/document"));
        assert!(matches("**/tests/**", "usr/lib/python3/tests/x.py"));
        assert!(matches("**/tests/**", "tests/x.py"));
        assert!(!matches("**/tests/**", "usr/latests/x.py"));
        assert!(matches("**/*.d.ts", "a/b/c.d.ts"));
        assert!(matches("**", "anything/at all"));
    }

    #[test]
    fn an_exclamation_mark_keeps_what_others_match() {
        let patterns = ["a/**", "!a/b/**"];
        assert!(any(patterns, "a/c"));
        assert!(!any(patterns, "a/b/c"));
        assert!(!any(patterns, "x"));
    }
}
