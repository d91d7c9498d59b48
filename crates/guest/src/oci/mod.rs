//! Container images as the OCI Image Format Specification 1.1 describes them: layers, config, manifest, layout.
//!
//! Layers are plain tars (`application/vnd.oci.image.layer.v1.tar`), not gzipped ones: dockerd looks at a layer's first
//! bytes to choose a decompressor and passes plain tars through, and in a simulated guest every decompressed byte is
//! paid for in host time. Everything is a function of the inputs: entries sorted by path, times zero, ids and
//! modes from the tree, JSON with fields in a fixed order.
//!
//! Left out: image indexes of several platforms, signatures, whiteouts (no layer removes what a lower one has).

mod digest;
mod image;
mod layer;
mod store;

pub use digest::{Digest, DigestError};
pub use image::{Image, ImageConfig};
pub use layer::{Layer, write_tar};
pub use store::{OciError, Store};

/// Media type of an image manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an image configuration.
pub const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
/// Media type of an uncompressed layer.
pub const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
