//! Image configuration and manifest (OCI image spec, "Image Configuration" and "Image Manifest").

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::digest::Digest;
use super::layer::Layer;
use super::{CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE};

/// Times are part of the digest, so there is only one.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// What a container of the image runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// The command, as a list of words.
    pub entrypoint: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// The working directory.
    pub working_dir: String,
}

/// An image, complete on disk.
#[derive(Debug, Clone)]
pub struct Image {
    /// What the container engine calls it, e.g. `registry.vswarm:5000/fibonacci-go:latest`.
    pub reference: String,
    /// The digest of the manifest.
    pub manifest_digest: Digest,
    /// The manifest's media type.
    pub media_type: &'static str,
    /// The digest of the configuration, which is the image's id.
    pub config_digest: Digest,
    /// Every blob (manifest, configuration, layers) and its file.
    pub blobs: BTreeMap<Digest, PathBuf>,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    /// The OCI image layout that holds it.
    pub folder: PathBuf,
}

impl ImageConfig {
    /// The configuration's JSON.
    pub(super) fn to_json(&self, layers: &[Layer]) -> Vec<u8> {
        let env: Vec<String> =
            self.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let diff_ids: Vec<&Digest> = layers.iter().map(|layer| &layer.digest).collect();
        let history: Vec<Value> = layers
            .iter()
            .map(|layer| json!({"created": EPOCH, "created_by": layer.title}))
            .collect();
        to_bytes(&json!({
            "architecture": "riscv64",
            "os": "linux",
            "created": EPOCH,
            "config": {
                "Entrypoint": self.entrypoint,
                "Env": env,
                "WorkingDir": self.working_dir,
            },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
            "history": history,
        }))
    }
}

/// The manifest's JSON.
pub(super) fn manifest_json(config: &[u8], layers: &[Layer]) -> Vec<u8> {
    let layers: Vec<Value> =
        layers.iter().map(|layer| descriptor(LAYER_TYPE, &layer.digest, layer.size)).collect();
    to_bytes(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor(CONFIG_TYPE, &Digest::of(config), config.len() as u64),
        "layers": layers,
    }))
}

/// The layout's index, which names the one manifest.
pub(super) fn index_json(reference: &str, manifest: &[u8]) -> Vec<u8> {
    let mut entry = descriptor(MANIFEST_TYPE, &Digest::of(manifest), manifest.len() as u64);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": reference });
    to_bytes(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry],
    }))
}

fn descriptor(media_type: &str, digest: &Digest, size: u64) -> Value {
    json!({ "mediaType": media_type, "digest": digest, "size": size })
}

fn to_bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a JSON value can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str) -> Layer {
        Layer {
            digest: Digest::of(name.as_bytes()),
            size: name.len() as u64,
            title: name.to_owned(),
            packages: Vec::new(),
            path: PathBuf::new(),
        }
    }

    #[test]
    fn configuration_lists_layers_lowest_first_and_the_command() {
        let config = ImageConfig {
            entrypoint: vec!["/app/server".to_owned()],
            env: BTreeMap::from([("A".to_owned(), "b=c".to_owned())]),
            working_dir: "/app".to_owned(),
        };
        let layers = [layer("runtime"), layer("function")];
        let json: Value = serde_json::from_slice(&config.to_json(&layers)).unwrap();
        assert_eq!(json["architecture"], "riscv64");
        assert_eq!(json["config"]["Entrypoint"], json!(["/app/server"]));
        assert_eq!(json["config"]["Env"], json!(["A=b=c"]));
        assert_eq!(json["rootfs"]["diff_ids"], json!([layers[0].digest, layers[1].digest]));
        assert_eq!(json["history"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn the_manifest_describes_config_and_layers_by_digest_and_size() {
        let layers = [layer("runtime")];
        let json: Value = serde_json::from_slice(&manifest_json(b"config", &layers)).unwrap();
        assert_eq!(json["mediaType"], MANIFEST_TYPE);
        assert_eq!(json["config"]["digest"], json!(Digest::of(b"config")));
        assert_eq!(json["config"]["size"], 6);
        assert_eq!(
            json["layers"][0],
            json!({"mediaType": LAYER_TYPE, "digest": layers[0].digest, "size": 7})
        );
    }
}
