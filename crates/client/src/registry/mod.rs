//! A pull-only OCI registry's content: manifests, tags and blobs.
//!
//! Follows the OCI Distribution Specification 1.1, section "Pull" (content discovery by tag list
//! too). Left out: pushes, deletes, referrers, authentication; they are answered with the
//! specification's errors. Blobs that are files are read when they are asked for, so a registry of
//! large images costs no memory.

pub(crate) mod answer;
pub(crate) mod connection;
mod layout;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Why a registry cannot be filled or serve something.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Not a `sha256:` digest.
    #[error("reading the digest `{0}`: it is not `sha256:` and 64 hexadecimal digits")]
    BadDigest(String),
    /// Not a repository name or tag.
    #[error(
        "adding the image `{0}`: names are lower-case letters, digits and `._-/`, tags letters, digits \
         and `._-`"
    )]
    BadName(String),
    /// A file cannot be read.
    #[error("reading {path} for the image registry: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A JSON document of an image is broken.
    #[error("reading {what} for the image registry: {reason}")]
    BadDocument {
        /// The document.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The content does not have the digest it is stored under.
    #[error(
        "checking {what} for the image registry: its digest is {actual}, not {expected}; rebuild the image"
    )]
    WrongDigest {
        /// The content.
        what: String,
        /// The digest it should have.
        expected: Digest,
        /// The digest it has.
        actual: Digest,
    },
    /// A manifest names something that is not there.
    #[error(
        "checking the image registry: manifest {manifest} needs {missing}, which was not added"
    )]
    Missing {
        /// The manifest.
        manifest: Digest,
        /// What it needs.
        missing: Digest,
    },
}

/// The SHA-256 digest of content, written `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl FromStr for Digest {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let bad = || RegistryError::BadDigest(text.to_owned());
        let hex = text.strip_prefix("sha256:").filter(|hex| hex.len() == 64).ok_or_else(bad)?;
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digit = |at: usize| match pair[at] {
                digit @ b'0'..=b'9' => Ok(digit - b'0'),
                letter @ b'a'..=b'f' => Ok(letter - b'a' + 10),
                _ => Err(bad()),
            };
            *byte = digit(0)? << 4 | digit(1)?;
        }
        Ok(Self(digest))
    }
}

impl TryFrom<String> for Digest {
    type Error = RegistryError;
    fn try_from(text: String) -> Result<Self, RegistryError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The content of a blob.
#[derive(Clone, Debug)]
pub enum Blob {
    /// In memory.
    Bytes(Bytes),
    /// In a file of `bytes` bytes, read on demand.
    File {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
}

impl Blob {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(content) => content.len() as u64,
            Self::File { bytes, .. } => *bytes,
        }
    }

    /// Is it of length zero?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An image manifest or image index, byte for byte.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its media type, for instance `application/vnd.oci.image.manifest.v1+json`.
    pub media_type: String,
    /// The document.
    pub bytes: Bytes,
}

/// Images to serve.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    tags: BTreeMap<String, BTreeMap<String, Digest>>,
    manifests: BTreeMap<Digest, Manifest>,
    blobs: BTreeMap<Digest, Blob>,
}

impl Registry {
    /// A registry without images.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an image under `name:tag`. Its blobs are added on their own.
    ///
    /// # Errors
    /// A name or tag outside the specification's grammar.
    pub fn add_image(
        &mut self,
        name: &str,
        tag: &str,
        manifest: Manifest,
    ) -> Result<Digest, RegistryError> {
        if !is_name(name) || !is_tag(tag) {
            return Err(RegistryError::BadName(format!("{name}:{tag}")));
        }
        let digest = self.add_manifest(manifest);
        self.tags.entry(name.to_owned()).or_default().insert(tag.to_owned(), digest);
        Ok(digest)
    }

    /// Adds a manifest that is reached by digest, as those an image index lists.
    pub fn add_manifest(&mut self, manifest: Manifest) -> Digest {
        let digest = Digest::of(&manifest.bytes);
        self.manifests.insert(digest, manifest);
        digest
    }

    /// Adds a blob held in memory.
    pub fn add_blob(&mut self, content: impl Into<Bytes>) -> Digest {
        let content = content.into();
        let digest = Digest::of(&content);
        self.blobs.insert(digest, Blob::Bytes(content));
        digest
    }

    /// Adds a blob that stays in its file; the file's content must have this digest, which the
    /// guest's container engine checks when it has pulled it.
    ///
    /// # Errors
    /// A file that is not there.
    pub fn add_blob_file(&mut self, digest: Digest, path: &Path) -> Result<(), RegistryError> {
        let fail = |source| RegistryError::Io { path: path.to_owned(), source };
        let metadata = std::fs::metadata(path).map_err(fail)?;
        let blob = Blob::File { path: path.to_owned(), bytes: metadata.len() };
        self.blobs.insert(digest, blob);
        Ok(())
    }

    /// Checks that everything the manifests name is there.
    ///
    /// # Errors
    /// The first manifest that is no JSON or names something that is not there.
    pub fn check(&self) -> Result<(), RegistryError> {
        for (digest, manifest) in &self.manifests {
            for needed in references(digest, manifest)? {
                if !self.blobs.contains_key(&needed) && !self.manifests.contains_key(&needed) {
                    return Err(RegistryError::Missing { manifest: *digest, missing: needed });
                }
            }
        }
        Ok(())
    }

    /// Has anything been published under this name?
    pub(crate) fn has_repository(&self, name: &str) -> bool {
        self.tags.contains_key(name)
    }

    /// The tags of a repository in order.
    pub(crate) fn tags(&self, name: &str) -> Vec<&str> {
        self.tags.get(name).into_iter().flatten().map(|(tag, _)| tag.as_str()).collect()
    }

    /// The manifest with this tag or digest.
    pub(crate) fn manifest(&self, name: &str, reference: &str) -> Option<(Digest, &Manifest)> {
        let digest = match reference.parse() {
            Ok(digest) => digest,
            Err(_) => *self.tags.get(name)?.get(reference)?,
        };
        Some((digest, self.manifests.get(&digest)?))
    }

    /// The blob with this digest. Manifests are content too and found here as well.
    pub(crate) fn blob(&self, digest: &Digest) -> Option<Blob> {
        let manifest = || Some(Blob::Bytes(self.manifests.get(digest)?.bytes.clone()));
        self.blobs.get(digest).cloned().or_else(manifest)
    }
}

/// The digests a manifest or index names: `config`, `layers[]` and `manifests[]`.
fn references(digest: &Digest, manifest: &Manifest) -> Result<Vec<Digest>, RegistryError> {
    let bad = |reason: String| RegistryError::BadDocument {
        what: format!("the manifest {digest}"),
        reason,
    };
    let document: Value =
        serde_json::from_slice(&manifest.bytes).map_err(|error| bad(error.to_string()))?;
    let lists = ["layers", "manifests"].iter().filter_map(|key| document[*key].as_array());
    let entries = document.get("config").into_iter().chain(lists.flatten());
    entries
        .map(|entry| {
            entry["digest"]
                .as_str()
                .ok_or_else(|| bad("an entry has no digest".to_owned()))?
                .parse()
        })
        .collect()
}

fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = part.as_bytes();
        let allowed =
            |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(byte);
        ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(allowed)
    };
    name.len() <= 255 && name.split('/').all(part)
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = tag.bytes().next().is_some_and(word);
    first && tag.len() <= 128 && tag.bytes().all(|byte| word(byte) || b".-".contains(&byte))
}

#[cfg(test)]
mod tests;
