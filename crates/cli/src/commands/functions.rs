//! `functions`: what can be run.

use super::{functions_check, functions_payload};
use crate::args::{FunctionsAction, FunctionsArgs};
use crate::failure::Failure;
use crate::output;
use ::guest::functions::{Call, Catalogue, Function};
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
                output::print(text(function, &document))?;
            }
        }
        FunctionsAction::Check(check) => {
            return functions_check::check(&catalogue, args.functions, &check, args.json);
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
    let line = |function: &Function| {
        [
            function.name().to_owned(),
            function.service.build.runtime.as_str().to_owned(),
            match helpers(catalogue, function).as_slice() {
                [] => "-".to_owned(),
                few @ ([_] | [_, _]) => few.join(","),
                many => format!("{} services", many.len()),
            },
            function.description.clone(),
            default_text(function),
        ]
    };
    output::print(aligned(&catalogue.functions().map(line).collect::<Vec<_>>()))
}

/// The services that are started for `function`, without itself.
fn helpers<'a>(catalogue: &'a Catalogue, function: &'a Function) -> Vec<&'a str> {
    let names = catalogue.closure(function).into_iter().map(|service| service.name.as_str());
    names.filter(|name| *name != function.name()).collect()
}

/// The default payload, short enough for a line of a list.
fn default_text(function: &Function) -> String {
    const WIDTH: usize = 60;
    let text = match function.default_request().nth(0).payload {
        Value::Null => return "-".to_owned(),
        payload => payload.to_string(),
    };
    if text.chars().count() <= WIDTH {
        return text;
    }
    text.chars().take(WIDTH - 3).chain("...".chars()).collect()
}

/// Columns as wide as their widest entry, the last one open.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for (column, text) in row.iter().enumerate() {
            let width = if column + 1 == N { 0 } else { width(column).unwrap_or(0) + 2 };
            line += &format!("{text:width$}");
        }
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn describe(catalogue: &Catalogue, function: &Function) -> Value {
    let default = function.default_request();
    let protocol = match &default.call {
        Call::Grpc { .. } => "grpc",
        Call::Http { .. } => "http",
    };
    let body = default.nth(0);
    json!({
        "name": function.name(),
        "description": function.description,
        "protocol": protocol,
        "method": default.call.written(),
        "payload": body.payload,
        "expect": body.expect.as_ref().map(functions_payload::expectation),
        "payloads": function.requests.iter().map(functions_payload::document).collect::<Vec<_>>(),
        "runtime": function.service.build.runtime.as_str(),
        "image": function.service.image,
        "container_port": function.container_port,
        "services": helpers(catalogue, function),
    })
}

/// One `key: value` a line, then the payloads; what is absent is left out.
fn text(function: &Function, document: &Value) -> String {
    let object = document.as_object().expect("a description is an object");
    let shown = |key: &str| !matches!(key, "method" | "payload" | "expect" | "payloads");
    let line = |(key, value): (&String, &Value)| match value {
        Value::String(text) if !text.is_empty() => format!("{key}: {text}\n"),
        Value::Array(items) if !items.is_empty() => format!("{key}: {}\n", json_words(items)),
        Value::Number(number) => format!("{key}: {number}\n"),
        _ => String::new(),
    };
    let mut text: String = object.iter().filter(|(key, _)| shown(key)).map(line).collect();
    for request in &function.requests {
        text += &functions_payload::text(request);
    }
    text
}

fn json_words(items: &[Value]) -> String {
    items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}
