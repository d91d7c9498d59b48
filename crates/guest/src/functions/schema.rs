//! The compose file as it is written: serde types for the keys we read.
//!
//! Compose's own keys (compose-spec, "Services top-level element") are passed on to the guest untouched, so unknown
//! ones are allowed; `x-vswarm` is ours, and an unknown key there is an error with its line and column.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_norway::Value;

/// The whole file.
#[derive(Debug, Deserialize)]
pub(super) struct ComposeDoc {
    /// Service name to definition.
    pub services: BTreeMap<String, ServiceDoc>,
}

/// One service: a function or something a function depends on.
#[derive(Debug, Deserialize)]
pub(super) struct ServiceDoc {
    /// The image to run.
    pub image: Option<String>,
    /// The container's name.
    pub container_name: Option<String>,
    /// Published ports, short or long form.
    #[serde(default)]
    pub ports: Vec<Value>,
    /// Services started before this one, as a list or a map.
    pub depends_on: Option<Value>,
    /// Our block.
    #[serde(rename = "x-vswarm")]
    pub vswarm: Option<VswarmDoc>,
}

/// The `x-vswarm` block of a service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VswarmDoc {
    /// What the function does, in a line.
    pub description: Option<String>,
    /// What the function speaks. A service without it is no function but a dependency of one.
    pub protocol: Option<ProtocolDoc>,
    /// gRPC: the .proto file, relative to the compose file.
    pub proto: Option<String>,
    /// gRPC: `package.Service/Method`. HTTP: `GET` or `POST`.
    pub method: Option<String>,
    /// HTTP: the request target.
    pub path: Option<String>,
    /// The request that is sent unless the user names another.
    pub payload: Option<serde_json::Value>,
    /// What the reply to that request must say.
    pub expect: Option<ExpectDoc>,
    /// Further requests, by name.
    #[serde(default)]
    pub payloads: BTreeMap<String, PayloadDoc>,
    /// How the image is made.
    pub build: Option<BuildDoc>,
}

/// A request: the same keys as in the block itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PayloadDoc {
    /// gRPC: `package.Service/Method`. HTTP: `GET` or `POST`. That of the default if absent.
    pub method: Option<String>,
    /// HTTP: the request target. That of the default if absent.
    pub path: Option<String>,
    /// What is sent.
    pub payload: Option<serde_json::Value>,
    /// What the reply must say.
    pub expect: Option<ExpectDoc>,
    /// Something else is sent from request to request: how it is chosen.
    pub order: Option<OrderDoc>,
    /// Of the random order; 1 if absent.
    pub seed: Option<u64>,
    /// What is chosen from: whole requests,
    pub requests: Option<Vec<ListedDoc>>,
    /// or values that stand for `{name}` in the payload and in what is expected.
    pub values: Option<BTreeMap<String, ValuesDoc>>,
}

/// How a request is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OrderDoc {
    /// One after the other, then again from the first.
    Sequence,
    /// Each by chance.
    Random,
}

/// A request of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedDoc {
    /// What is sent.
    pub payload: serde_json::Value,
    /// What the reply must say.
    pub expect: Option<ExpectDoc>,
}

/// What can stand for a name: exactly one of a range, texts of an alphabet's letters, and a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValuesDoc {
    /// Numbers from here
    pub from: Option<u64>,
    /// to here,
    pub to: Option<u64>,
    /// as many as this for a request; one if absent.
    pub times: Option<RangeDoc>,
    /// The letters of a text,
    pub alphabet: Option<String>,
    /// and how many.
    pub length: Option<RangeDoc>,
    /// Any of these.
    pub one_of: Option<Vec<String>>,
}

/// Both ends belong to it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RangeDoc {
    /// The least.
    pub from: u64,
    /// The greatest.
    pub to: u64,
}

/// What a function speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProtocolDoc {
    /// Unary gRPC over HTTP/2 without TLS.
    Grpc,
    /// HTTP/1.1.
    Http,
}

/// What a reply must say: exactly one of the three, optionally about one field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectDoc {
    /// A dotted path into the reply's JSON; without it the whole reply is looked at.
    pub field: Option<String>,
    /// A piece of text.
    pub contains: Option<String>,
    /// A regular expression.
    pub matches: Option<String>,
    /// The whole reply.
    pub exact: Option<serde_json::Value>,
}

/// How a function's image is made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BuildDoc {
    /// The recipe.
    pub runtime: Runtime,
    /// The folder with the sources, relative to the compose file; the service's name if absent.
    pub source: Option<String>,
    /// Debian packages beyond those of the runtime. For Go these are source packages of the build, for the other
    /// runtimes they end up in the image.
    #[serde(default)]
    pub packages: Vec<String>,
    /// What the container runs. The recipes of the languages know a default.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// Environment variables of the container.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Paths left out of the package layers, beyond what the recipe leaves out: `*` within a name, `**` across folders.
    #[serde(default)]
    pub prune: Vec<String>,
}

/// The recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// Debian's Python 3 with gRPC; the folder's files become /app, message classes are generated from the proto.
    Python,
    /// Debian's Node.js; the folder's files and the npm packages of its lock file become /app.
    Nodejs,
    /// A static binary cross-compiled with Debian's Go, alone in the image.
    Go,
    /// Debian's OpenJDK with gRPC; classes compiled from the folder's sources and the proto become /app.
    Java,
    /// Nothing but the named Debian packages and the folder's files under /app.
    Generic,
    /// A static binary cross-compiled with Debian's Rust and crates, alone in the image.
    Rust,
}

impl Runtime {
    /// The name as the compose file writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Nodejs => "nodejs",
            Self::Go => "go",
            Self::Java => "java",
            Self::Generic => "generic",
            Self::Rust => "rust",
        }
    }
}
