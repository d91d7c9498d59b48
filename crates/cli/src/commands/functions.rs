//! `functions`: what can be run.

use crate::args::{FunctionsAction, FunctionsArgs};
use crate::failure::Failure;
use crate::output;
use ::guest::functions::{Call, Catalogue, Expect, Function};
use serde_json::{Value, json};

pub fn functions(args: FunctionsArgs) -> Result<u8, Failure> {
    let catalogue = Catalogue::load(args.functions.as_deref()).map_err(Failure::input)?;
    match args.action.unwrap_or(FunctionsAction::List) {
        FunctionsAction::List => list(&catalogue, args.json)?,
        FunctionsAction::Show { function } => {
            let function = catalogue.get(&function).map_err(Failure::input)?;
            let document = describe(&catalogue, function);
            if args.json {
                output::print_json(&document)?;
            } else {
                output::print(text(&document))?;
            }
        }
        FunctionsAction::Check { .. } => {
            return Err(Failure::missing(
                "functions check, which calls every function once and comes with the function \
                 suite; `vswarm-u run FUNCTION --invocations 1` checks a reply",
            ));
        }
    }
    Ok(0)
}

fn list(catalogue: &Catalogue, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let functions: Vec<_> =
            catalogue.functions().map(|function| describe(catalogue, function)).collect();
        return output::print_json(&json!({"schema": 1, "functions": functions}));
    }
    let width = catalogue.names().map(str::len).max().unwrap_or(0);
    let line = |function: &Function| {
        let runtime = function.service.build.runtime.as_str();
        let (protocol, method) = called(&function.call);
        format!("{:width$}  {runtime:7}  {protocol:4}  {method}\n", function.name())
    };
    output::print(catalogue.functions().map(line).collect::<String>())
}

/// Protocol and what is called.
fn called(call: &Call) -> (&'static str, String) {
    match call {
        Call::Grpc { service, method, .. } => ("grpc", format!("{service}/{method}")),
        Call::Http { method, path } => ("http", format!("{method} {path}")),
    }
}

fn describe(catalogue: &Catalogue, function: &Function) -> Value {
    let (protocol, method) = called(&function.call);
    let started: Vec<_> =
        catalogue.closure(function).iter().map(|service| service.name.as_str()).collect();
    json!({
        "name": function.name(),
        "protocol": protocol,
        "method": method,
        "payload": function.payload,
        "expect": function.expect.as_ref().map(expectation),
        "runtime": function.service.build.runtime.as_str(),
        "image": function.service.image,
        "container_port": function.container_port,
        "starts": started,
    })
}

fn expectation(expect: &Expect) -> Value {
    match expect {
        Expect::Exact(value) => json!({"exact": value}),
        Expect::Contains { field, text } => json!({"field": field, "contains": text}),
        Expect::Matches { field, pattern } => json!({"field": field, "matches": pattern}),
    }
}

/// One `key: value` a line; absent values are left out.
fn text(document: &Value) -> String {
    let object = document.as_object().expect("a description is an object");
    let line = |(key, value): (&String, &Value)| match value {
        Value::Null => String::new(),
        Value::String(text) => format!("{key}: {text}\n"),
        other => format!("{key}: {other}\n"),
    };
    object.iter().map(line).collect()
}
