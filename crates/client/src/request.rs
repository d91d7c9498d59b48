//! What is asked of the guest and what comes back.

use crate::protos::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sim::Picos;
use std::fmt;

/// Names one request of one [`Peer`](crate::Peer); counts up from 0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {}", self.0)
    }
}

/// What is spoken on a connection. One connection is kept per guest port and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// gRPC over HTTP/2 without TLS and with prior knowledge.
    Grpc,
    /// HTTP/1.1 with keep-alive.
    Http,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grpc => "gRPC",
            Self::Http => "HTTP",
        })
    }
}

/// One call to a port of the guest.
#[derive(Clone, Debug)]
pub struct Request {
    /// The guest's TCP port.
    pub port: u16,
    /// What to call.
    pub call: Call,
    /// How long the reply may take, counted from the submission; `None` is the peer's default.
    pub timeout: Option<Picos>,
}

impl Request {
    /// A request to `port` with the peer's default timeout.
    #[must_use]
    pub fn new(port: u16, call: Call) -> Self {
        Self { port, call, timeout: None }
    }
}

/// A call in one of the protocols the peer speaks.
#[derive(Clone, Debug)]
pub enum Call {
    /// A unary gRPC call.
    Grpc(GrpcCall),
    /// A plain HTTP exchange.
    Http(HttpCall),
}

impl Call {
    /// The protocol of the connection this call needs.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Grpc(_) => Protocol::Grpc,
            Self::Http(_) => Protocol::Http,
        }
    }
}

/// A unary gRPC call: a method and its encoded argument. Made by [`Method::call`].
#[derive(Clone, Debug)]
pub struct GrpcCall {
    pub(crate) method: Method,
    pub(crate) message: Vec<u8>,
}

/// The HTTP methods the load generator sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// GET, without a body.
    Get,
    /// POST, with a body.
    Post,
}

impl HttpMethod {
    /// The method as it is written in the request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A plain HTTP exchange.
#[derive(Clone, Debug)]
pub struct HttpCall {
    /// GET or POST.
    pub method: HttpMethod,
    /// The request target, beginning with `/`.
    pub path: String,
    /// The `Content-Type` of the body.
    pub content_type: String,
    /// The body; empty for GET.
    pub body: Vec<u8>,
}

impl HttpCall {
    /// A GET of `path`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self {
            method: HttpMethod::Get,
            path: path.to_owned(),
            content_type: String::new(),
            body: Vec::new(),
        }
    }

    /// A POST of a JSON value to `path`.
    #[must_use]
    pub fn post_json(path: &str, body: &Value) -> Self {
        Self {
            method: HttpMethod::Post,
            path: path.to_owned(),
            content_type: "application/json".to_owned(),
            body: body.to_string().into_bytes(),
        }
    }
}

/// A good reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// gRPC: the reply message in the canonical JSON mapping of protobuf. HTTP: an object with
    /// `status` and `body`, the body as JSON when it is JSON and as text otherwise.
    pub json: Value,
    /// Bytes of the message or body as they came.
    pub size_bytes: u64,
}

/// Why a request has no good reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nobody listens on the port.
    #[error(
        "connecting to guest port {port}: refused; is the function's container running, does it \
         publish this port, and has its server finished starting?"
    )]
    Refused {
        /// The guest's port.
        port: u16,
    },
    /// The connection was reset.
    #[error(
        "talking to guest port {port}: the guest reset the connection {while_doing}; look for a \
         crash of the function in its log and on the console"
    )]
    Reset {
        /// The guest's port.
        port: u16,
        /// What was under way.
        while_doing: &'static str,
    },
    /// The guest closed the connection before the reply was complete.
    #[error(
        "talking to guest port {port}: the guest closed the connection {while_doing} ({received} \
         bytes had come); look for a crash of the function in its log and on the console"
    )]
    Closed {
        /// The guest's port.
        port: u16,
        /// What was under way.
        while_doing: &'static str,
        /// Bytes received on the connection so far.
        received: u64,
    },
    /// No complete reply in time.
    #[error(
        "waiting for guest port {port}: no reply after {after} of virtual time ({while_doing}); \
         see the console for a hang, or allow a longer timeout"
    )]
    Timeout {
        /// The guest's port.
        port: u16,
        /// The time that was allowed.
        after: Picos,
        /// What was under way.
        while_doing: &'static str,
    },
    /// The call ended with a gRPC status other than OK.
    #[error("calling {method}: the server answered gRPC status {code} ({name}): {message}")]
    Status {
        /// The full method name.
        method: String,
        /// The numeric status.
        code: u32,
        /// Its name in the gRPC specification.
        name: &'static str,
        /// The server's message, or a note that there was none.
        message: String,
    },
    /// The HTTP status is not the one a good reply has.
    #[error("calling {target}: the server answered HTTP status {status}: {body}")]
    HttpStatus {
        /// The method or path called.
        target: String,
        /// The status code.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// The reply is not what the protocol allows.
    #[error("reading the reply of {target}: {detail}")]
    Malformed {
        /// The method or path called.
        target: String,
        /// What is wrong and what to check.
        detail: String,
    },
    /// The other side does not speak the protocol.
    #[error("talking {protocol} to guest port {port}: {detail}")]
    Protocol {
        /// The guest's port.
        port: u16,
        /// The protocol expected.
        protocol: Protocol,
        /// What is wrong and what to check.
        detail: String,
    },
    /// The peer was closed while the request was under way.
    #[error("the peer was closed before the reply came; take the events before closing it")]
    PeerClosed,
}

/// The first few hundred characters of a text for an error message.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const LIMIT: usize = 300;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LIMIT)]);
    let mut short: String = text.chars().take(LIMIT).collect();
    if short.len() < text.len() || bytes.len() > 4 * LIMIT {
        short.push_str("...");
    }
    if short.is_empty() { "(no text)".to_owned() } else { short }
}
