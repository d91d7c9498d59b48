//! The requests of a study, made from what the compose file says before any of them is sent.
//!
//! They are numbered from the first that warms the software up; those that warm caches and the measured ones count on.
//! What number n is does not depend on what was sent before it, so a study that goes on from the snapshot *warm* sends
//! what one without it sends.

use crate::{Study, StudyError};
use client::{Call, Expectation, HttpCall, Protocol, Protos, Reply, Request, RequestError};
use guest::functions::{self, Body, Expect, Function, FunctionRequest};
use serde_json::Value;
use sim::Picos;
use std::path::Path;

/// Requests in order, then again from the first; never empty.
#[derive(Debug)]
pub(crate) struct Requests(Vec<Sendable>);

/// A request that can be sent.
#[derive(Debug)]
pub(crate) struct Sendable {
    pub payload: Value,
    pub request: Request,
    /// What the reply must say; nothing is known for a payload of the user's.
    pub expect: Option<Expectation>,
}

impl Requests {
    /// The first `count` requests of `chosen`, sent to `port`; fewer if they come again.
    pub(crate) fn new(
        function: &Function,
        chosen: &FunctionRequest,
        port: u16,
        timeout: Picos,
        count: u64,
    ) -> Result<Self, StudyError> {
        let different = chosen.content.period().map_or(count, |period| period.min(count)).max(1);
        let method = Method::of(function, &chosen.call)?;
        let sendable = |n| {
            let Body { payload, expect } = chosen.nth(n);
            let call = method.call(&payload)?;
            let request = Request { port, call, timeout: Some(timeout) };
            Ok(Sendable { payload, request, expect: expect.as_ref().map(expectation) })
        };
        (0..different).map(sendable).collect::<Result<_, _>>().map(Self)
    }

    /// Request number `n`, of those asked for.
    pub(crate) fn nth(&self, n: u64) -> &Sendable {
        &self.0[(n % self.0.len() as u64) as usize]
    }

    /// How many of them differ.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The port they are sent to.
    pub(crate) fn port(&self) -> u16 {
        self.nth(0).request.port
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.nth(0).request.call.protocol()
    }

    /// What the first `count` requests send, for a key; at least the first.
    pub(crate) fn written(&self, count: u64) -> String {
        let different = self.0.iter().take(count.max(1) as usize);
        different.map(|sendable| format!("{:?}", sendable.request.call)).collect()
    }
}

impl Sendable {
    /// Whether this is a reply as it should be.
    pub(crate) fn check(&self, reply: &Result<Reply, RequestError>) -> Result<(), String> {
        let reply = reply.as_ref().map_err(ToString::to_string)?;
        match &self.expect {
            Some(expect) => expect.check(reply).map_err(|wrong| wrong.to_string()),
            None => Ok(()),
        }
    }
}

/// How many requests a study sends.
pub(crate) fn sent_by(study: &Study) -> u64 {
    u64::from(study.warmup) + u64::from(study.settle) + u64::from(study.invocations)
}

/// The number of the first request that warms caches.
pub(crate) fn first_settling(study: &Study) -> u64 {
    u64::from(study.warmup)
}

/// The number of the first measured request.
pub(crate) fn first_measured(study: &Study) -> u64 {
    first_settling(study) + u64::from(study.settle)
}

/// What makes calls of payloads.
enum Method<'a> {
    Grpc(Box<client::Method>),
    Get(&'a str),
    Post(&'a str),
}

impl<'a> Method<'a> {
    fn of(function: &Function, call: &'a functions::Call) -> Result<Self, StudyError> {
        Ok(match call {
            functions::Call::Grpc { service, method } => {
                let proto =
                    function.service.proto.as_ref().expect("a gRPC function has an interface");
                let folder = write_protos(proto)?;
                let protos = Protos::compile(&folder.path().join(&proto.entry), &[])?;
                Self::Grpc(Box::new(protos.method(&format!("{service}/{method}"))?))
            }
            functions::Call::Http { method, path } if method == "GET" => Self::Get(path),
            functions::Call::Http { path, .. } => Self::Post(path),
        })
    }

    fn call(&self, payload: &Value) -> Result<Call, StudyError> {
        Ok(match self {
            Self::Grpc(method) => method.call(payload)?,
            Self::Get(path) => Call::Http(HttpCall::get(path)),
            Self::Post(path) => Call::Http(HttpCall::post_json(path, payload)),
        })
    }
}

fn expectation(expect: &Expect) -> Expectation {
    match expect.clone() {
        Expect::Exact(value) => Expectation::Exact(value),
        Expect::Contains { field, text } => Expectation::Contains { field, text },
        Expect::Matches { field, pattern } => Expectation::Matches { field, pattern },
    }
}

/// The compiler of protos reads files.
fn write_protos(proto: &functions::ProtoSet) -> Result<tempfile::TempDir, StudyError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| StudyError::Io { doing: "writing a proto file to", path, source }
    };
    let folder = tempfile::tempdir().map_err(io(&std::env::temp_dir()))?;
    for (name, text) in &proto.files {
        let path = folder.path().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io(parent))?;
        }
        std::fs::write(&path, text).map_err(io(&path))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use guest::functions::{Catalogue, Choice, PayloadChoice};

    /// Some requests of a payload of the built-in `fibonacci-go`.
    fn requests(payload: &str, count: u64) -> Requests {
        let catalogue = Catalogue::builtin().unwrap();
        let function = catalogue.get("fibonacci-go").unwrap();
        let payload = Some(PayloadChoice::Named(payload.to_owned()));
        let chosen = function.choose(&Choice { payload, method: None }).unwrap();
        Requests::new(function, &chosen, 50_000, Picos::from_secs(1), count).unwrap()
    }

    fn numbers(requests: &Requests, range: std::ops::Range<u64>) -> Vec<String> {
        range.map(|n| requests.nth(n).payload["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_sequence_goes_on_where_warming_ended_and_begins_again() {
        let linear = requests("linear", 25);
        assert_eq!(linear.len(), 10);
        assert_eq!(numbers(&linear, 8..12), ["9", "10", "1", "2"]);
    }

    #[test]
    fn how_many_are_asked_for_changes_none_of_them() {
        let (few, many) = (requests("random", 25), requests("random", 40));
        assert_eq!(numbers(&few, 0..25), numbers(&many, 0..25));
        assert_eq!(few.written(20), many.written(20));
        assert_ne!(few.written(20), many.written(21));
        assert_eq!(requests("linear", 3).written(2), requests("linear", 30).written(2));
    }

    #[test]
    fn a_payload_that_stays_the_same_is_made_once() {
        let fixed = requests("default", 25);
        assert_eq!(fixed.len(), 1);
        assert_eq!(fixed.written(20), format!("{:?}", fixed.nth(3).request.call));
    }

    #[test]
    fn every_payload_of_the_built_in_functions_can_be_sent() {
        let catalogue = Catalogue::builtin().unwrap();
        let mut changing = 0;
        for function in catalogue.functions() {
            for chosen in &function.requests {
                let made = Requests::new(function, chosen, 50_000, Picos::from_secs(1), 50);
                let made = made.unwrap_or_else(|error| {
                    panic!("{} {:?}: {error}", function.name(), chosen.name)
                });
                changing += usize::from(made.len() > 1);
            }
        }
        assert_eq!(changing, 44);
    }
}
