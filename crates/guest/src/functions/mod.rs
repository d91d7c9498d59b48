//! Functions: what the user can run, and the container images they become.
//!
//! A docker-compose file lists the functions, one service each, in the format vSwarm uses. What compose has no word
//! for stands in the service's `x-vswarm` block: how the function is called and how its image is built. The file that
//! comes with the program is embedded together with the sources it names, so an installed binary is complete; `cargo
//! run` rebuilds the embedded copy whenever a file under `functions/` or `protos/` changes. A user's own file is read
//! from where it lies, and its paths are relative to its folder.
//!
//! * [`Catalogue`]: the functions of one compose file, checked.
//! * [`build`]: a function's sources and Debian packages to an OCI image, content-addressed.
//!
//! Left out: `Dockerfile`s (nothing here runs guest programs at build time), images from registries, and compose keys
//! that need files of the host.

mod build;
mod builtin;
mod catalogue;
mod check;
mod content;
mod draw;
mod error;
mod files;
mod fill;
mod glob;
mod merge;
mod nearest;
mod npm;
mod proto;
mod request;
mod schema;

pub use build::{SUITE, Workshop, build, build_all, image_key, image_keys};
pub use catalogue::{Catalogue, Service};
pub use check::Function;
pub use content::{Body, Content, Generator, Order, Range, Source, Values};
pub use error::{FunctionError, Problem};
pub use files::{SourceFile, SourceFiles};
pub use proto::ProtoSet;
pub use request::{Call, Choice, DEFAULT, Expect, FunctionRequest, PayloadChoice};
pub use schema::{BuildDoc as Build, Runtime};

/// The host port on which every function is published; the load generator always connects to it.
pub const PUBLISHED_PORT: u16 = 50_000;

/// The name of the container under test.
pub const CONTAINER_NAME: &str = "function";

/// The registry that the simulated network offers to the guest's container engine.
pub const REGISTRY: &str = "registry.vswarm:5000";
