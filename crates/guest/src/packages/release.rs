//! The `Release` document: which index files an archive has and their checksums.

use super::control::stanzas;
use super::error::PackageError;

/// Size and SHA-256 of one index file, as the signed document states them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub path: String,
    pub size: u64,
    pub sha256: String,
}

/// The parts of `Release` we use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    pub codename: String,
    pub suite: String,
    pub date: String,
    pub version: String,
    pub by_hash: bool,
    files: Vec<Listed>,
}

impl Release {
    /// Reads the verified text of `InRelease`.
    pub fn parse(text: &str) -> Result<Self, PackageError> {
        let malformed = |reason: &str| PackageError::Malformed {
            what: "InRelease".to_owned(),
            reason: reason.to_owned(),
        };
        let stanza = stanzas(text).next().ok_or_else(|| malformed("it is empty"))?;
        let list = stanza.get("SHA256").ok_or_else(|| malformed("it lists no SHA256 checksums"))?;
        let files = list
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(parse_listed)
            .collect::<Option<_>>();
        let field = |name| stanza.get(name).unwrap_or_default().to_owned();
        Ok(Self {
            codename: field("Codename"),
            suite: field("Suite"),
            date: field("Date"),
            version: field("Version"),
            by_hash: stanza.get("Acquire-By-Hash") == Some("yes"),
            files: files.ok_or_else(|| malformed("a SHA256 line is not `checksum size path`"))?,
        })
    }

    /// The entry for `path`, relative to the suite's folder.
    pub fn file(&self, path: &str) -> Option<&Listed> {
        self.files.iter().find(|file| file.path == path)
    }
}

fn parse_listed(line: &str) -> Option<Listed> {
    let mut words = line.split_whitespace();
    let (sha256, size, path) = (words.next()?, words.next()?, words.next()?);
    is_sha256(sha256).then_some(())?;
    Some(Listed { path: path.to_owned(), size: size.parse().ok()?, sha256: sha256.to_owned() })
}

/// 64 lower-case hex digits: also what makes a checksum safe as a file name.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_sizes_and_names_are_read() {
        let sum = "a".repeat(64);
        let text = format!(
            "Codename: trixie\nSuite: stable\nAcquire-By-Hash: yes\nMD5Sum:\n 00 1 x\nSHA256:\n {sum}   12 main/binary-riscv64/Packages.xz\n"
        );
        let release = Release::parse(&text).unwrap();
        assert_eq!(release.codename, "trixie");
        assert!(release.by_hash);
        assert_eq!(release.file("main/binary-riscv64/Packages.xz").unwrap().size, 12);
        assert_eq!(release.file("x"), None);
    }

    #[test]
    fn a_broken_checksum_line_is_an_error() {
        for text in ["", "Codename: x\n", "SHA256:\n zz 1 f\n", "SHA256:\n ../../x 1 f\n"] {
            assert!(
                matches!(Release::parse(text), Err(PackageError::Malformed { .. })),
                "{text:?}"
            );
        }
    }
}
