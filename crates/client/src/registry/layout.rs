//! Images from an OCI image layout: a folder with `index.json` and `blobs/sha256/*` (OCI Image
//! Format Specification 1.1, "Image Layout").

use super::{Digest, Manifest, Registry, RegistryError};
use bytes::Bytes;
use serde_json::Value;
use std::path::Path;

const MANIFEST_TYPES: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

impl Registry {
    /// Adds the image of an OCI image layout under `name:tag`, its layers read on demand. A layout
    /// with several top-level manifests is served as the index it is.
    ///
    /// # Errors
    /// Files that are missing or broken, or a name outside the specification's grammar.
    pub fn add_oci_layout(
        &mut self,
        name: &str,
        tag: &str,
        layout: &Path,
    ) -> Result<Digest, RegistryError> {
        let path = layout.join("index.json");
        let bytes = read(&path)?;
        let index = parse(&path, &bytes)?;
        let entries = index["manifests"].as_array().map_or(&[][..], Vec::as_slice);
        if entries.is_empty() {
            let reason = "it lists no manifests".to_owned();
            return Err(RegistryError::BadDocument { what: path.display().to_string(), reason });
        }
        for entry in entries {
            self.add_entry(layout, entry, &path)?;
        }
        let top = match entries {
            [only] => {
                let digest = digest_of(only, &path)?;
                let missing = || RegistryError::BadDocument {
                    what: path.display().to_string(),
                    reason: format!("its entry {digest} is no image manifest"),
                };
                self.manifests.get(&digest).cloned().ok_or_else(missing)?
            }
            _ => Manifest { media_type: MANIFEST_TYPES[1].to_owned(), bytes: bytes.into() },
        };
        self.add_image(name, tag, top)
    }

    /// Adds what a descriptor names, and what that names.
    fn add_entry(
        &mut self,
        layout: &Path,
        entry: &Value,
        owner: &Path,
    ) -> Result<(), RegistryError> {
        let digest = digest_of(entry, owner)?;
        let path = layout.join("blobs/sha256").join(digest.hex());
        let media_type = entry["mediaType"].as_str().unwrap_or_default();
        if !MANIFEST_TYPES.contains(&media_type) {
            return self.add_blob_file(digest, &path);
        }
        let bytes = read(&path)?;
        let actual = Digest::of(&bytes);
        if actual != digest {
            let what = path.display().to_string();
            return Err(RegistryError::WrongDigest { what, expected: digest, actual });
        }
        let document = parse(&path, &bytes)?;
        let manifest = Manifest { media_type: media_type.to_owned(), bytes: Bytes::from(bytes) };
        if self.manifests.insert(digest, manifest).is_some() {
            return Ok(());
        }
        let lists = ["layers", "manifests"].iter().filter_map(|key| document[*key].as_array());
        for inner in document.get("config").into_iter().chain(lists.flatten()) {
            self.add_entry(layout, inner, &path)?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, RegistryError> {
    std::fs::read(path).map_err(|source| RegistryError::Io { path: path.to_owned(), source })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value, RegistryError> {
    serde_json::from_slice(bytes).map_err(|error| RegistryError::BadDocument {
        what: path.display().to_string(),
        reason: error.to_string(),
    })
}

fn digest_of(entry: &Value, owner: &Path) -> Result<Digest, RegistryError> {
    let digest = entry["digest"].as_str().ok_or_else(|| RegistryError::BadDocument {
        what: owner.display().to_string(),
        reason: "an entry has no digest".to_owned(),
    })?;
    digest.parse()
}
