//! Images and layers on disk, named by the hash of what they were made from.
//!
//! `images/layers/<key>/` holds one layer: `layer.tar` and `layer.json`. `images/<key>/` is an OCI image layout (image
//! spec, "Image Layout") whose layer blobs are hard links to those tars, so functions that share a runtime share its
//! bytes. Both appear under their final name by one rename, complete; whatever a killed run leaves is called `.tmp-*`
//! and never looked at. An entry is verified when it is used, and made again if it is damaged.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::MANIFEST_TYPE;
use super::digest::Digest;
use super::image::{Image, ImageConfig, index_json, manifest_json};
use super::layer::{Hashing, Layer, write_tar};
use crate::packages::Package;
use crate::tree::Tree;

/// A failure in the image store.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// Reading or writing failed.
    #[error("cannot {doing} {}: {source}; check free space and permissions, or point VSWARM_U_HOME at another folder", path.display())]
    Io {
        /// The verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> OciError {
    let path = path.to_owned();
    move |source| OciError::Io { doing, path, source }
}

/// The images under one state folder.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// What an image layout holds beside the OCI files, so that it can be read back whole.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    reference: String,
    manifest: Digest,
    config: Digest,
    layers: Vec<Layer>,
}

impl Store {
    /// The store under the state folder `home`, made if missing.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(home: &Path) -> Result<Self, OciError> {
        let folder = home.join("images");
        let layers = folder.join("layers");
        fs::create_dir_all(&layers).map_err(io("create", &layers))?;
        Ok(Self { folder })
    }

    /// The layer made under `key`, if it is there and intact; a damaged one is removed.
    pub fn layer(&self, key: &str) -> Option<Layer> {
        let folder = self.layer_folder(key);
        let read = || {
            let mut layer: Layer =
                serde_json::from_slice(&fs::read(folder.join("layer.json")).ok()?).ok()?;
            layer.path = folder.join("layer.tar");
            is_intact(&layer.path, &layer.digest).then_some(layer)
        };
        // Looked at first: another process may publish the entry at any time, and a complete one must not be removed.
        if !folder.is_dir() {
            return None;
        }
        let layer = read();
        if layer.is_none() {
            // A folder that cannot be removed cannot be replaced either, and then `put_layer` says why.
            drop(fs::remove_dir_all(&folder));
        }
        layer
    }

    /// Writes `tree` as the layer of `key`.
    ///
    /// # Errors
    /// The disk's.
    pub fn put_layer(
        &self,
        key: &str,
        title: &str,
        packages: Vec<Package>,
        tree: &Tree,
    ) -> Result<Layer, OciError> {
        let folder = self.layer_folder(key);
        let temporary = self.temporary()?;
        let tar = temporary.path().join("layer.tar");
        let file = File::create(&tar).map_err(io("write", &tar))?;
        let mut writer = Hashing::new(BufWriter::with_capacity(1 << 18, file));
        write_tar(tree, &mut writer).map_err(io("write", &tar))?;
        let (file, digest, size) = writer.finish();
        let file = file.into_inner().map_err(|error| io("write", &tar)(error.into_error()))?;
        file.sync_all().map_err(io("write", &tar))?;
        let layer = Layer {
            digest,
            size,
            title: title.to_owned(),
            packages,
            path: folder.join("layer.tar"),
        };
        let record = serde_json::to_vec_pretty(&layer).expect("a layer can be written as JSON");
        write_file(&temporary.path().join("layer.json"), &record)?;
        publish(temporary, &folder)?;
        Ok(layer)
    }

    /// The image made under `key`, if it is there and intact; a damaged one is removed.
    pub fn image(&self, key: &str) -> Option<Image> {
        let folder = self.folder.join(key);
        let read = || {
            let record: Record =
                serde_json::from_slice(&fs::read(folder.join("image.json")).ok()?).ok()?;
            let image = image(record, &folder);
            image.blobs.iter().all(|(digest, path)| is_intact(path, digest)).then_some(image)
        };
        if !folder.is_dir() {
            return None;
        }
        let image = read();
        if image.is_none() {
            drop(fs::remove_dir_all(&folder));
        }
        image
    }

    /// Lays out an image of `layers`, lowest first, under `key`.
    ///
    /// # Errors
    /// The disk's.
    pub fn put_image(
        &self,
        key: &str,
        reference: &str,
        config: &ImageConfig,
        layers: Vec<Layer>,
    ) -> Result<Image, OciError> {
        let config = config.to_json(&layers);
        let manifest = manifest_json(&config, &layers);
        let temporary = self.temporary()?;
        let at = temporary.path();
        let blobs = at.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(io("create", &blobs))?;
        for layer in &layers {
            link_or_copy(&layer.path, &blobs.join(layer.digest.hex()))?;
        }
        for blob in [&config, &manifest] {
            write_file(&blobs.join(Digest::of(blob).hex()), blob)?;
        }
        write_file(&at.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        write_file(&at.join("index.json"), &index_json(reference, &manifest))?;
        let record = Record {
            reference: reference.to_owned(),
            manifest: Digest::of(&manifest),
            config: Digest::of(&config),
            layers,
        };
        let text = serde_json::to_vec_pretty(&record).expect("a record can be written as JSON");
        write_file(&at.join("image.json"), &text)?;
        let folder = self.folder.join(key);
        publish(temporary, &folder)?;
        Ok(image(record, &folder))
    }

    fn layer_folder(&self, key: &str) -> PathBuf {
        self.folder.join("layers").join(key)
    }

    fn temporary(&self) -> Result<TempDir, OciError> {
        tempfile::Builder::new()
            .prefix(".tmp-")
            .tempdir_in(&self.folder)
            .map_err(io("create a folder in", &self.folder))
    }
}

/// The image a record describes, in `folder`.
fn image(record: Record, folder: &Path) -> Image {
    let place = |digest: &Digest| (digest.clone(), folder.join("blobs/sha256").join(digest.hex()));
    let mut layers = record.layers;
    for layer in &mut layers {
        layer.path = place(&layer.digest).1;
    }
    let mut blobs: BTreeMap<_, _> = layers.iter().map(|layer| place(&layer.digest)).collect();
    blobs.extend([place(&record.manifest), place(&record.config)]);
    Image {
        reference: record.reference,
        manifest_digest: record.manifest,
        media_type: MANIFEST_TYPE,
        config_digest: record.config,
        blobs,
        layers,
        folder: folder.to_owned(),
    }
}

fn is_intact(path: &Path, digest: &Digest) -> bool {
    File::open(path).and_then(Digest::of_reader).is_ok_and(|(found, _)| found == *digest)
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), OciError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(io("write", path))
}

/// Layers are large: a second name if the file system has them, else a copy.
fn link_or_copy(from: &Path, to: &Path) -> Result<(), OciError> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).map(drop).map_err(io("write", to))
}

/// Gives a complete folder its final name. Where another process was faster, its folder stays: both were made from
/// the same inputs.
fn publish(temporary: TempDir, folder: &Path) -> Result<(), OciError> {
    match fs::rename(temporary.path(), folder) {
        Ok(()) => {
            drop(temporary.keep());
            Ok(())
        }
        Err(_) if folder.is_dir() => Ok(()),
        Err(error) => Err(io("rename to", folder)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Entry;

    fn tree() -> Tree {
        let mut tree = Tree::new();
        tree.insert("app/server", Entry::file("hello", 0o755)).unwrap();
        tree
    }

    fn put(store: &Store) -> Image {
        let layer = store.put_layer("l", "files", Vec::new(), &tree()).unwrap();
        let config =
            ImageConfig { entrypoint: vec!["/app/server".to_owned()], ..Default::default() };
        store.put_image("i", "registry.vswarm:5000/f:latest", &config, vec![layer]).unwrap()
    }

    #[test]
    fn an_image_is_an_oci_layout_and_reads_back_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(store.image("i").is_none());
        let written = put(&store);
        let read = store.image("i").unwrap();
        assert_eq!(written.manifest_digest, read.manifest_digest);
        assert_eq!(written.blobs, read.blobs);
        assert_eq!(read.blobs.len(), 3);
        for (digest, path) in &read.blobs {
            assert_eq!(Digest::of(&fs::read(path).unwrap()), *digest);
        }
        let index: serde_json::Value =
            serde_json::from_slice(&fs::read(read.folder.join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"][0]["digest"], read.manifest_digest.as_str());
        assert!(read.folder.join("oci-layout").is_file());
    }

    #[test]
    fn two_stores_make_the_same_digests() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let digest = |dir: &TempDir| put(&Store::open(dir.path()).unwrap()).manifest_digest;
        assert_eq!(digest(&a), digest(&b));
    }

    #[test]
    fn a_damaged_or_truncated_entry_is_removed_and_can_be_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let image = put(&store);
        let tar = store.layer("l").unwrap().path;
        fs::write(&tar, b"damaged").unwrap();
        assert!(store.layer("l").is_none());
        assert!(store.image("i").is_none(), "the blob is the same file");
        assert_eq!(put(&store).manifest_digest, image.manifest_digest);
        fs::write(image.folder.join("image.json"), b"{").unwrap();
        assert!(store.image("i").is_none());
    }

    #[test]
    fn nothing_temporary_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        put(&Store::open(dir.path()).unwrap());
        let left: Vec<_> = fs::read_dir(dir.path().join("images"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name.to_string_lossy().starts_with(".tmp"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
