//! Which Debian mirror to use: the one apt is configured for, unless the user names another.

use std::path::Path;

use super::error::PackageError;
use super::sources::{Source, read_all};

/// Names under which Debian publishes its main archive. Other vendors' suites are called otherwise.
const DEBIAN_SUITES: [&str; 13] = [
    "stretch",
    "buster",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

/// The base address of a Debian archive: the folder with `dists` and `pool`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    base: String,
}

impl Mirror {
    /// The mirror at `url`.
    pub fn new(url: &str) -> Result<Self, PackageError> {
        let base = url.trim().trim_end_matches('/');
        let host = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://"));
        match host {
            Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => {
                Ok(Self { base: base.to_owned() })
            }
            _ => Err(PackageError::BadMirror(url.to_owned())),
        }
    }

    /// The mirror this host's apt uses for Debian's main archive.
    pub fn from_host() -> Result<Self, PackageError> {
        Self::from_apt(Path::new("/etc/apt"))
    }

    /// As [`from_host`](Self::from_host), reading the apt configuration under `etc`.
    pub fn from_apt(etc: &Path) -> Result<Self, PackageError> {
        let sources = read_all(etc);
        if sources.is_empty() {
            return Err(PackageError::NoMirror(format!(
                "{} lists no package archive",
                etc.display()
            )));
        }
        let best = sources.iter().rev().filter(|s| is_debian_main(s)).max_by_key(|s| rank(s));
        let best = best.ok_or_else(|| {
            PackageError::NoMirror(format!(
                "no archive under {} is Debian's main archive",
                etc.display()
            ))
        })?;
        Self::new(&best.uri)
    }

    /// The archive's base address, without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address of a file inside the archive.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }
}

/// Debian's own main archive over http(s): not security, not updates or backports (their base may differ).
fn is_debian_main(source: &Source) -> bool {
    let base = source.uri.trim_end_matches('/');
    (base.starts_with("http://") || base.starts_with("https://"))
        && !base.ends_with("security")
        && DEBIAN_SUITES.contains(&source.suite.as_str())
        && source.components.iter().any(|c| c == "main")
}

/// Derivatives reuse Debian's suite names; Debian's key and usual path tell the original.
fn rank(source: &Source) -> u8 {
    let key = u8::from(source.signed_by.contains("debian-archive"));
    let path = u8::from(source.uri.trim_end_matches('/').ends_with("/debian"));
    key * 2 + path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etc(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn the_main_archive_is_picked_over_security_and_other_vendors() {
        let dir = etc(&[
            (
                "sources.list.d/a.list",
                "deb https://vendor.example/apt cloud-bookworm main\ndeb https://other.example/x bookworm main\n",
            ),
            (
                "sources.list.d/debian.sources",
                "Types: deb\nURIs: http://m.example/debian-security\nSuites: bookworm-security\nComponents: main\n\nTypes: deb\nURIs: http://m.example/debian/\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
            ),
        ]);
        assert_eq!(Mirror::from_apt(dir.path()).unwrap().base(), "http://m.example/debian");
    }

    #[test]
    fn a_host_without_debian_sources_is_told_to_name_a_mirror() {
        let dir = etc(&[("sources.list", "deb http://archive.example/ubuntu noble main\n")]);
        let message = Mirror::from_apt(dir.path()).unwrap_err().to_string();
        assert!(message.contains("--mirror"), "{message}");
    }

    #[test]
    fn a_mirror_must_be_http_or_https() {
        for bad in ["", "ftp://x/debian", "/srv/mirror", "http://", "http://a b/"] {
            assert!(matches!(Mirror::new(bad), Err(PackageError::BadMirror(_))), "{bad}");
        }
        assert_eq!(
            Mirror::new("https://m/debian//").unwrap().url("pool/x"),
            "https://m/debian/pool/x"
        );
    }
}
