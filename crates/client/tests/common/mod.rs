//! A smoltcp guest, a gRPC server and a virtual world to put them in, for this crate's tests.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod grpc_server;
pub mod guest;
pub mod world;

use client::{Call, Method, PeerEvent, Protos, Reply, Request, RequestError};
use serde_json::json;

const SCHEMA: &str = r#"
syntax = "proto3";
package fibonacci;
message HelloRequest { string name = 1; }
message HelloReply { string message = 1; }
service Greeter { rpc SayHello(HelloRequest) returns (HelloReply); }
"#;

pub fn say_hello() -> Method {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("fibonacci.proto");
    std::fs::write(&file, SCHEMA).expect("the schema is written");
    let protos = Protos::compile(&file, &[]).expect("it compiles");
    protos.method("fibonacci.Greeter/SayHello").expect("it is there")
}

pub fn hello(name: &str) -> Call {
    say_hello().call(&json!({"name": name})).expect("it fits")
}

pub fn hello_request(name: &str) -> Request {
    Request::new(50_000, hello(name))
}

/// A `HelloReply` in protobuf.
pub fn reply_bytes(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x0a];
    let mut length = text.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(text.as_bytes());
    bytes
}

pub fn last_reply(events: &[PeerEvent]) -> &Reply {
    match events.iter().rev().find(|event| !matches!(event, PeerEvent::Disconnected { .. })) {
        Some(PeerEvent::Completed { reply, .. }) => reply,
        other => panic!("no reply but {other:?}"),
    }
}

pub fn last_error(events: &[PeerEvent]) -> &RequestError {
    let error = events.iter().rev().find_map(|event| match event {
        PeerEvent::Failed { error, .. } | PeerEvent::NotReady { error, .. } => Some(error),
        _ => None,
    });
    error.unwrap_or_else(|| panic!("no error in {events:?}"))
}
