//! The keys of `x-vswarm` that say how a function is called.

use serde_json::Value as Json;

use super::generator::generator;
use crate::functions::content::{Body, Content, no_payload};
use crate::functions::error::Problem;
use crate::functions::files::SourceFiles;
use crate::functions::proto::ProtoSet;
use crate::functions::request::{Call, DEFAULT, Expect, FunctionRequest};
use crate::functions::schema::{ExpectDoc, PayloadDoc, ProtocolDoc, VswarmDoc};

/// The interface of a gRPC function, or of a service that functions call.
pub(super) fn proto(
    vswarm: &VswarmDoc,
    sources: &SourceFiles,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<ProtoSet> {
    let problem = match (vswarm.protocol, vswarm.proto.as_deref()) {
        (None | Some(ProtocolDoc::Http), None) => return None,
        (Some(ProtocolDoc::Http), Some(_)) => "is for `protocol: grpc`".to_owned(),
        (Some(ProtocolDoc::Grpc), None) => {
            "is missing; name the .proto file of the interface".to_owned()
        }
        (_, Some(path)) => match ProtoSet::read(sources, path) {
            Ok(proto) => return Some(proto),
            Err(reason) => reason,
        },
    };
    problems.push(Problem::new(format!("{at}.x-vswarm.proto"), problem));
    None
}

/// The default request and the named ones; those that can be understood.
pub(super) fn requests(
    protocol: ProtocolDoc,
    vswarm: &VswarmDoc,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Vec<FunctionRequest> {
    let at = format!("{at}.x-vswarm");
    let default = PayloadDoc {
        method: vswarm.method.clone(),
        path: vswarm.path.clone(),
        payload: vswarm.payload.clone(),
        expect: vswarm.expect.clone(),
        ..PayloadDoc::default()
    };
    let mut requests = Vec::new();
    requests.extend(request(protocol, DEFAULT, &default, &at, problems));
    for (name, doc) in &vswarm.payloads {
        let at = format!("{at}.payloads.{name}");
        check_name(name, &at, problems);
        // What it does not say is as in the default, apart from the reply.
        let doc = PayloadDoc {
            method: doc.method.clone().or_else(|| default.method.clone()),
            path: doc.path.clone().or_else(|| default.path.clone()),
            ..doc.clone()
        };
        requests.extend(request(protocol, name, &doc, &at, problems));
    }
    requests
}

fn check_name(name: &str, at: &str, problems: &mut Vec<Problem>) {
    if name == DEFAULT {
        problems.push(Problem::new(at, "the default stands in `payload`, beside `payloads`"));
    } else if !is_name(name) {
        problems.push(Problem::new(
            at,
            "a payload's name begins with a letter and holds letters, digits, `-` and `_`",
        ));
    }
}

/// Whether a payload can be called this; nothing that can is JSON.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        && !matches!(name, "true" | "false" | "null")
}

fn request(
    protocol: ProtocolDoc,
    name: &str,
    doc: &PayloadDoc,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<FunctionRequest> {
    let call = match protocol {
        ProtocolDoc::Grpc => grpc(doc, at, problems),
        ProtocolDoc::Http => http(doc, at, problems),
    };
    let content = match generator(protocol, doc, at, problems) {
        Some(generated) => generated.map(Content::Generated),
        None => body(protocol, doc.payload.as_ref(), doc.expect.as_ref(), at, problems)
            .map(Content::Fixed),
    };
    let (call, content) = (call?, content?);
    Some(FunctionRequest { name: Some(name.to_owned()), call, content })
}

/// What is sent and expected.
pub(super) fn body(
    protocol: ProtocolDoc,
    payload: Option<&Json>,
    expected: Option<&ExpectDoc>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Body> {
    let before = problems.len();
    if protocol == ProtocolDoc::Grpc && !payload.is_none_or(Json::is_object) {
        problems.push(Problem::new(
            format!("{at}.payload"),
            "must be a map from the request message's fields to values",
        ));
    }
    let expect = expected.and_then(|doc| expect(doc, at, problems));
    let payload = payload.cloned().unwrap_or_else(|| no_payload(protocol));
    (problems.len() == before).then_some(Body { payload, expect })
}

fn grpc(doc: &PayloadDoc, at: &str, problems: &mut Vec<Problem>) -> Option<Call> {
    if doc.path.is_some() {
        problems.push(Problem::new(
            format!("{at}.path"),
            "is for `protocol: http`; a gRPC function has `method`",
        ));
    }
    let parts = doc.method.as_deref().and_then(|method| method.split_once('/'));
    let parts = parts.filter(|(service, method)| {
        !service.is_empty() && !method.is_empty() && !method.contains('/')
    });
    let Some((service, method)) = parts else {
        problems.push(Problem::new(format!("{at}.method"), "must be `package.Service/Method`"));
        return None;
    };
    Some(Call::Grpc { service: service.to_owned(), method: method.to_owned() })
}

fn http(doc: &PayloadDoc, at: &str, problems: &mut Vec<Problem>) -> Option<Call> {
    let has_payload = doc.payload.is_some() || doc.requests.is_some();
    let usual = if has_payload { "POST" } else { "GET" };
    let method = doc.method.as_deref().unwrap_or(usual);
    if !matches!(method, "GET" | "POST") {
        problems.push(Problem::new(format!("{at}.method"), "must be GET or POST"));
        return None;
    }
    if method == "GET" && has_payload {
        problems.push(Problem::new(format!("{at}.payload"), "a GET has none; use `method: POST`"));
    }
    let path = doc.path.as_deref().unwrap_or("/");
    if !path.starts_with('/') || path.contains(char::is_whitespace) {
        problems.push(Problem::new(format!("{at}.path"), "must begin with `/` and hold no blanks"));
        return None;
    }
    Some(Call::Http { method: method.to_owned(), path: path.to_owned() })
}

fn expect(doc: &ExpectDoc, at: &str, problems: &mut Vec<Problem>) -> Option<Expect> {
    let field = doc.field.clone();
    match (&doc.contains, &doc.matches, &doc.exact) {
        (Some(text), None, None) => Some(Expect::Contains { field, text: text.clone() }),
        (None, Some(pattern), None) => Some(Expect::Matches { field, pattern: pattern.clone() }),
        (None, None, Some(value)) if field.is_none() => Some(Expect::Exact(value.clone())),
        _ => {
            problems.push(Problem::new(
                format!("{at}.expect"),
                "needs exactly one of `contains`, `matches` and `exact`; `exact` is the whole reply and has no `field`",
            ));
            None
        }
    }
}

/// A service that is no function cannot be called.
pub(super) fn check_none(vswarm: &VswarmDoc, at: &str, problems: &mut Vec<Problem>) {
    let keys = [
        ("method", vswarm.method.is_some()),
        ("path", vswarm.path.is_some()),
        ("payload", vswarm.payload.is_some()),
        ("expect", vswarm.expect.is_some()),
        ("payloads", !vswarm.payloads.is_empty()),
    ];
    for (key, _) in keys.iter().filter(|(_, present)| *present) {
        problems.push(Problem::new(
            format!("{at}.x-vswarm.{key}"),
            "says how to call a function, but `protocol: grpc` or `protocol: http` is missing",
        ));
    }
}
