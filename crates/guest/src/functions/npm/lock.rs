//! `package-lock.json`, versions 2 and 3 (npm documentation, "package-lock.json", `packages`).

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One package of a lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in super::super) struct LockedPackage {
    /// Where it goes, e.g. `node_modules/@grpc/grpc-js`.
    pub path: String,
    /// What it is called in the registry.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// SHA-512 of its tarball, in hex.
    pub sha512: String,
}

impl fmt::Display for LockedPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LockDoc {
    lockfile_version: u32,
    #[serde(default)]
    packages: BTreeMap<String, PackageDoc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PackageDoc {
    name: Option<String>,
    version: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    link: bool,
}

/// The packages a running program needs, sorted by path. Development and optional ones (native builds for particular
/// platforms, mostly) are left out.
pub(in super::super) fn read(text: &[u8]) -> Result<Vec<LockedPackage>, String> {
    let doc: LockDoc = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if !matches!(doc.lockfile_version, 2 | 3) {
        return Err(format!(
            "lockfileVersion {} is not supported; npm 7 and later write 2 or 3",
            doc.lockfile_version
        ));
    }
    doc.packages
        .into_iter()
        .filter(|(path, package)| !path.is_empty() && !package.dev && !package.optional)
        .map(|(path, package)| locked(path, package))
        .collect()
}

/// Base 64 as hashes are written in it, whose padding may be left out (W3C, Subresource Integrity).
const INTEGRITY: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn locked(path: String, package: PackageDoc) -> Result<LockedPackage, String> {
    let safe = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let (_, name) = path.rsplit_once("node_modules/").unwrap_or_default();
    if package.link || name.is_empty() || !safe {
        return Err(format!(
            "`{path}` is a local package; only packages of the registry can be installed"
        ));
    }
    let name = package.name.unwrap_or_else(|| name.to_owned());
    let good = |c: char| c.is_ascii_alphanumeric() || "@/._~+-".contains(c);
    let version = package.version.ok_or_else(|| format!("`{path}` has no version"))?;
    if !name.chars().chain(version.chars()).all(good)
        || name.contains("..")
        || name.starts_with('-')
    {
        return Err(format!("`{name}@{version}` is not a package of the registry"));
    }
    let sha512 = package
        .integrity
        .iter()
        .flat_map(|text| text.split_whitespace())
        .find_map(|sum| hex_of_base64(sum.strip_prefix("sha512-")?))
        .filter(|hex| hex.len() == 128)
        .ok_or_else(|| {
            format!("`{path}` has no sha512 integrity; write the file again with npm 7 or later")
        })?;
    Ok(LockedPackage { path, name, version, sha512 })
}

fn hex_of_base64(text: &str) -> Option<String> {
    INTEGRITY.decode(text).ok().map(hex::encode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(package: &str) -> Result<Vec<LockedPackage>, String> {
        read(format!(r#"{{"lockfileVersion":3,"packages":{{"":{{}},{package}}}}}"#).as_bytes())
    }

    fn sum() -> String {
        format!("sha512-{}==", "A".repeat(86))
    }

    #[test]
    fn names_come_from_the_path_or_the_alias() {
        let sum = sum();
        let read = lock(&format!(
            r#""node_modules/@grpc/grpc-js":{{"version":"1.2.3","integrity":"{sum}"}},
               "node_modules/a/node_modules/b":{{"version":"2.0.0","integrity":"sha1-xx {sum}","name":"real-b"}},
               "node_modules/dev":{{"version":"1.0.0","dev":true}},
               "node_modules/opt":{{"version":"1.0.0","optional":true}}"#
        ))
        .unwrap();
        let names: Vec<_> = read.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["@grpc/grpc-js@1.2.3", "real-b@2.0.0"]);
        assert_eq!(read[0].sha512, "0".repeat(128));
    }

    #[test]
    fn whatever_cannot_be_verified_or_leaves_the_tree_is_refused() {
        let sum = sum();
        for (package, word) in [
            (r#""node_modules/a":{"version":"1.0.0"}"#.to_owned(), "integrity"),
            (
                r#""node_modules/a":{"version":"1.0.0","integrity":"sha1-AAAA"}"#.to_owned(),
                "integrity",
            ),
            (format!(r#""node_modules/a":{{"integrity":"{sum}"}}"#), "version"),
            (
                format!(r#""node_modules/../../etc/a":{{"version":"1","integrity":"{sum}"}}"#),
                "local package",
            ),
            (format!(r#""../sibling":{{"version":"1","integrity":"{sum}"}}"#), "local package"),
            (r#""node_modules/a":{"link":true,"version":"1"}"#.to_owned(), "local package"),
            (
                format!(r#""node_modules/a":{{"version":"1 --registry=x","integrity":"{sum}"}}"#),
                "not a package",
            ),
        ] {
            let error = lock(&package).unwrap_err();
            assert!(error.contains(word), "{package}: {error}");
        }
        assert!(read(b"{\"lockfileVersion\":1}").unwrap_err().contains("lockfileVersion"));
        assert!(read(b"{").is_err());
    }

    #[test]
    fn base64_is_decoded() {
        // RFC 4648, section 10: "foobar".
        assert_eq!(hex_of_base64("Zm9vYmFy").as_deref(), Some("666f6f626172"));
        assert_eq!(hex_of_base64("Zm9vYg==").as_deref(), Some("666f6f62"));
        assert_eq!(hex_of_base64("Zm9v*"), None);
    }
}
