//! What is sent to a function: named requests, and the choice among them.
//!
//! Every function has a request called [`DEFAULT`], which makes it do its real work. A compose file may name more, with
//! another payload, another method of the same interface, or both; a payload may change from request to request. vSwarm's own client sends requests that often take a
//! shortcut (a token that is invalid, an amount that is not converted); where ours differ, theirs is called `original`.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::check::Function;
use super::content::{Body, Content, no_payload};
use super::error::FunctionError;
use super::nearest::nearest;
use super::schema::ProtocolDoc;

/// The name of the request that is sent unless the user names another.
pub const DEFAULT: &str = "default";

/// A request and what its reply must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionRequest {
    /// Its name; `None` for one that the user wrote.
    pub name: Option<String>,
    /// What is called.
    pub call: Call,
    /// What is sent, and what the reply must say.
    pub content: Content,
}

impl FunctionRequest {
    /// What request number `n`, from 0, says.
    #[must_use]
    pub fn nth(&self, n: u64) -> Body {
        self.content.nth(n)
    }
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A unary gRPC call; the payload is the request message in protobuf's JSON mapping.
    Grpc {
        /// `package.Service`.
        service: String,
        /// The method's name.
        method: String,
    },
    /// An HTTP request; the payload is the body of a POST.
    Http {
        /// `GET` or `POST`.
        method: String,
        /// The request target, beginning with `/`.
        path: String,
    },
}

impl Call {
    /// As the compose file writes it: `package.Service/Method`, or method and path.
    #[must_use]
    pub fn written(&self) -> String {
        match self {
            Self::Grpc { service, method } => format!("{service}/{method}"),
            Self::Http { method, path } => format!("{method} {path}"),
        }
    }

    fn protocol(&self) -> ProtocolDoc {
        match self {
            Self::Grpc { .. } => ProtocolDoc::Grpc,
            Self::Http { .. } => ProtocolDoc::Http,
        }
    }

    /// Whether `wanted` means this call: the method alone, or with its service or path.
    fn is(&self, wanted: &str) -> bool {
        let (Self::Grpc { method, .. } | Self::Http { method, .. }) = self;
        method == wanted || self.written() == wanted
    }
}

/// What a reply must say. A `field` is a dotted path into the reply's JSON; without one the whole reply is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// The reply equals this value.
    Exact(Json),
    /// The text holds this piece.
    Contains {
        /// Where to look.
        field: Option<String>,
        /// The piece.
        text: String,
    },
    /// The text matches this regular expression.
    Matches {
        /// Where to look.
        field: Option<String>,
        /// The expression.
        pattern: String,
    },
}

/// What a user asks to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Which payload; without one that of the method, or the default.
    pub payload: Option<PayloadChoice>,
    /// Which method, with or without its service; without one that of the payload.
    pub method: Option<String>,
}

/// A payload that a user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadChoice {
    /// One that the compose file names.
    Named(String),
    /// One of the user's own. Nothing is known of its reply.
    Written(Json),
}

impl Function {
    /// The request that is sent unless the user names another.
    #[must_use]
    pub fn default_request(&self) -> &FunctionRequest {
        self.requests.first().expect("a function is made with its default request")
    }

    /// The request that `choice` means.
    ///
    /// # Errors
    /// A payload or method that the function does not have, or that do not go together, with those that do.
    pub fn choose(&self, choice: &Choice) -> Result<FunctionRequest, FunctionError> {
        match (&choice.payload, &choice.method) {
            (None, None) => Ok(self.default_request().clone()),
            (Some(PayloadChoice::Named(name)), None) => self.named(name).cloned(),
            (Some(PayloadChoice::Named(name)), Some(method)) => {
                let request = self.named(name)?;
                if request.call.is(method) {
                    return Ok(request.clone());
                }
                Err(self.refused(format!(
                    "its payload `{name}` is for the method {}, not for {method}; {}",
                    request.call.written(),
                    self.payloads_of(method)
                )))
            }
            (Some(PayloadChoice::Written(payload)), method) => Ok(FunctionRequest {
                name: None,
                call: method.as_deref().map_or_else(
                    || Ok(self.default_request().call.clone()),
                    |method| self.call(method),
                )?,
                content: unknown(payload.clone()),
            }),
            (None, Some(method)) => self.only_request_of(method),
        }
    }

    fn named(&self, name: &str) -> Result<&FunctionRequest, FunctionError> {
        let names = || self.requests.iter().filter_map(|request| request.name.as_deref());
        self.requests.iter().find(|request| request.name.as_deref() == Some(name)).ok_or_else(
            || {
                let meant = nearest(name, names());
                let meant =
                    meant.map_or(String::new(), |name| format!(" (did you mean `{name}`?)"));
                let known: Vec<_> = names().collect();
                self.refused(format!(
                    "it has no payload called `{name}`{meant}; there are {}, or write one as JSON",
                    known.join(", ")
                ))
            },
        )
    }

    /// The request of a method: the default one if it is for that method, else the only one.
    fn only_request_of(&self, method: &str) -> Result<FunctionRequest, FunctionError> {
        let call = self.call(method)?;
        let mut of_method = self.requests.iter().filter(|request| request.call == call);
        match (of_method.next(), of_method.next()) {
            (None, _) => {
                let content = unknown(no_payload(call.protocol()));
                Ok(FunctionRequest { name: None, call, content })
            }
            (Some(first), second) => {
                if second.is_none() || first.name.as_deref() == Some(DEFAULT) {
                    return Ok(first.clone());
                }
                let which = self.payloads_of(method);
                Err(self.refused(format!("several payloads are for {}; {which}", call.written())))
            }
        }
    }

    /// What `wanted` means: a method that a payload is for, or any other of the interface.
    fn call(&self, wanted: &str) -> Result<Call, FunctionError> {
        if let Some(request) = self.requests.iter().find(|request| request.call.is(wanted)) {
            return Ok(request.call.clone());
        }
        match &self.default_request().call {
            Call::Grpc { service, .. } => {
                // Whether the interface has it is found out where the interface is compiled.
                let (service, method) = wanted.split_once('/').unwrap_or((service, wanted));
                Ok(Call::Grpc { service: service.to_owned(), method: method.to_owned() })
            }
            Call::Http { path, .. } if matches!(wanted, "GET" | "POST") => {
                Ok(Call::Http { method: wanted.to_owned(), path: path.clone() })
            }
            Call::Http { .. } => Err(self.refused(format!(
                "`{wanted}` is no HTTP method it can be called with; GET and POST are"
            ))),
        }
    }

    /// The names of the payloads of `method`, as advice.
    fn payloads_of(&self, method: &str) -> String {
        let of_method = self.requests.iter().filter(|request| request.call.is(method));
        let names: Vec<_> = of_method.filter_map(|request| request.name.as_deref()).collect();
        if names.is_empty() {
            return "no named payload is for that method: write one as JSON".to_owned();
        }
        format!("choose with --payload {}", names.join("|"))
    }

    fn refused(&self, reason: String) -> FunctionError {
        FunctionError::Request { function: self.name().to_owned(), reason }
    }
}

/// The same every time, with a reply of which nothing is known.
fn unknown(payload: Json) -> Content {
    Content::Fixed(Body { payload, expect: None })
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::Catalogue;
    use super::super::files::{SourceFile, SourceFiles};
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    const SHOP: &str = r#"
services:
  money:
    image: registry.vswarm:5000/money:latest
    ports: ["50000:7000"]
    x-vswarm:
      protocol: grpc
      proto: p.proto
      method: shop.Money/Convert
      payload: { to: EUR }
      expect: { exact: { units: "8" } }
      payloads:
        yen: { payload: { to: JPY } }
        list: { method: shop.Money/List, expect: { contains: EUR } }
        one: { method: shop.Money/Get, payload: { id: "1" } }
        two: { method: shop.Money/Get, payload: { id: "2" } }
      build: { runtime: go, source: s }
"#;

    fn money() -> Function {
        let file = |text: &str| SourceFile { bytes: text.into(), executable: false };
        let files = BTreeMap::from([
            ("f/s/x.go".to_owned(), file("package main")),
            ("f/p.proto".to_owned(), file("syntax = \"proto3\";")),
        ]);
        let sources = SourceFiles::Embedded { files, base: "f".to_owned() };
        Catalogue::parse(SHOP, "test.yaml", sources).unwrap().get("money").unwrap().clone()
    }

    fn choose(
        payload: Option<PayloadChoice>,
        method: Option<&str>,
    ) -> Result<FunctionRequest, String> {
        let choice = Choice { payload, method: method.map(str::to_owned) };
        money().choose(&choice).map_err(|error| error.to_string())
    }

    fn named(name: &str) -> Option<PayloadChoice> {
        Some(PayloadChoice::Named(name.to_owned()))
    }

    #[test]
    fn the_default_is_sent_unless_another_is_named() {
        let default = choose(None, None).unwrap();
        assert_eq!(
            (default.nth(0).payload, default.name.as_deref()),
            (json!({"to": "EUR"}), Some(DEFAULT))
        );
        assert_eq!(default.nth(0).expect, Some(Expect::Exact(json!({"units": "8"}))));
        assert_eq!(choose(named("default"), None).unwrap().nth(0).payload, json!({"to": "EUR"}));
        let yen = choose(named("yen"), None).unwrap();
        assert_eq!(yen.content, unknown(json!({"to": "JPY"})));
        assert_eq!(yen.call.written(), "shop.Money/Convert");
    }

    #[test]
    fn a_method_brings_its_payload_and_keeps_its_expectation() {
        for method in ["List", "shop.Money/List"] {
            let list = choose(None, Some(method)).unwrap();
            let body = list.nth(7);
            assert_eq!((list.name.as_deref(), body.payload), (Some("list"), json!({})));
            assert!(body.expect.is_some());
        }
        assert_eq!(choose(None, Some("Convert")).unwrap().name.as_deref(), Some(DEFAULT));
        let other = choose(None, Some("Other")).unwrap();
        assert_eq!(other.call.written(), "shop.Money/Other");
        assert_eq!(other.content, unknown(json!({})));
    }

    #[test]
    fn of_several_payloads_of_a_method_one_must_be_named() {
        let error = choose(None, Some("Get")).unwrap_err();
        assert!(error.contains("--payload one|two"), "{error}");
        assert_eq!(choose(named("two"), Some("Get")).unwrap().nth(0).payload, json!({"id": "2"}));
    }

    #[test]
    fn a_written_payload_expects_nothing() {
        let own = || Some(PayloadChoice::Written(json!({"to": "USD"})));
        let request = choose(own(), None).unwrap();
        assert_eq!((request.name, request.content), (None, unknown(json!({"to": "USD"}))));
        assert_eq!(request.call.written(), "shop.Money/Convert");
        assert_eq!(choose(own(), Some("Get")).unwrap().call.written(), "shop.Money/Get");
    }

    #[test]
    fn what_does_not_exist_or_fit_is_answered_with_what_does() {
        let error = choose(named("yenn"), None).unwrap_err();
        assert!(error.contains("did you mean `yen`") && error.contains("default, list"), "{error}");
        let error = choose(named("yen"), Some("Get")).unwrap_err();
        assert!(error.contains("shop.Money/Convert") && error.contains("one|two"), "{error}");
    }
}
