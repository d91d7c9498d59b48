//! Compose files, good and bad.

mod documentation;
mod generators;

use std::path::Path;

use super::*;
use crate::functions::request::{Call, Expect};
use crate::functions::schema::Runtime;

const ECHO: &str = r#"
services:
  echo:
    image: registry.vswarm:5000/echo:latest
    ports: ["50000:8080"]
    x-vswarm:
      protocol: http
      path: /echo
      payload: { text: hello, times: 2 }
      expect: { field: body.text, contains: hello }
      build: { runtime: generic, entrypoint: [/app/echo], packages: [libssl3t64] }
"#;

/// Folders `echo` and `db` with a file each, and `p.proto`.
fn sources() -> SourceFiles {
    let file = |text: &str| crate::functions::SourceFile { bytes: text.into(), executable: false };
    SourceFiles::Embedded {
        files: BTreeMap::from([
            ("f/echo/echo".to_owned(), file("#!")),
            ("f/db/db".to_owned(), file("#!")),
            ("f/p.proto".to_owned(), file("syntax = \"proto3\";")),
        ]),
        base: "f".to_owned(),
    }
}

fn parse(text: &str) -> Result<Catalogue, FunctionError> {
    Catalogue::parse(text, "test.yaml", sources())
}

fn error(text: &str) -> String {
    parse(text).expect_err("must be refused").to_string()
}

/// The sample with one line replaced.
fn with(line: &str, replacement: &str) -> String {
    assert!(ECHO.contains(line), "{line}");
    ECHO.replace(line, replacement)
}

#[test]
fn the_built_in_functions_are_complete() {
    let catalogue = Catalogue::builtin().unwrap();
    let names: Vec<_> = catalogue.names().collect();
    for kernel in ["aes", "auth", "fibonacci"] {
        for runtime in ["go", "java", "nodejs", "python"] {
            let name = format!("{kernel}-{runtime}");
            assert!(names.contains(&name.as_str()), "{name} in {names:?}");
            assert_eq!(catalogue.get(&name).unwrap().container_port, 50051);
        }
    }
    for function in catalogue.functions() {
        let name = function.name();
        assert!(!function.description.is_empty(), "{name} does not say what it does");
        for request in &function.requests {
            assert!(request.nth(0).expect.is_some(), "{name} is not checked: {:?}", request.name);
        }
    }
}

#[test]
fn a_built_in_function_says_how_it_is_called() {
    let catalogue = Catalogue::builtin().unwrap();
    let function = catalogue.get("fibonacci-go").unwrap();
    let request = function.default_request();
    assert_eq!(request.nth(0).payload, serde_json::json!({"name": "10"}));
    assert_eq!(request.call.written(), "fibonacci.Greeter/SayHello");
    let proto = function.service.proto.as_ref().unwrap();
    assert!(proto.files["fibonacci.proto"].contains("rpc SayHello"));
}

#[test]
fn the_file_in_the_source_tree_says_the_same_as_the_embedded_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/functions.yaml");
    let (disk, embedded) = (Catalogue::load(Some(&path)).unwrap(), Catalogue::builtin().unwrap());
    for function in embedded.functions() {
        let other = disk.get(function.name()).unwrap();
        let key = |catalogue, function| crate::functions::image_key(catalogue, function).unwrap();
        assert_eq!(key(&disk, other), key(&embedded, function));
    }
}

#[test]
fn an_http_function_is_understood() {
    let catalogue = parse(ECHO).unwrap();
    let function = catalogue.get("echo").unwrap();
    let request = function.default_request();
    assert_eq!(request.call, Call::Http { method: "POST".to_owned(), path: "/echo".to_owned() });
    assert_eq!(request.nth(0).payload, serde_json::json!({"text": "hello", "times": 2}));
    let (field, text) = (Some("body.text".to_owned()), "hello".to_owned());
    assert_eq!(request.nth(0).expect, Some(Expect::Contains { field, text }));
    assert_eq!(function.container_port, 8080);
    assert_eq!(function.service.build.runtime, Runtime::Generic);
    assert_eq!(function.service.build.source.as_deref(), Some("echo"));
}

#[test]
fn an_unknown_function_is_answered_with_the_known_ones_and_the_nearest() {
    let message = Catalogue::builtin().unwrap().get("fibonacci-pyton").unwrap_err().to_string();
    assert!(message.contains("did you mean `fibonacci-python`?"), "{message}");
    assert!(message.contains("fibonacci-go, "), "{message}");
}

#[test]
fn an_unknown_key_in_our_block_is_an_error_with_its_position() {
    let message = error(&with("path: /echo", "paht: /echo"));
    assert!(
        message.contains("unknown field `paht`") && message.contains("line 8 column 7"),
        "{message}"
    );
    let message = error(&with("runtime: generic", "runtime: cobol"));
    assert!(message.contains("cobol") && message.contains("line 11"), "{message}");
}

#[test]
fn what_is_not_yaml_or_not_a_compose_file_is_an_error() {
    for text in [
        "",
        "services: [",
        "just text",
        "services:\n  - a",
        "services:\n  a: 3",
        "a: b",
        "services: {a: {x-vswarm: 3}}",
    ] {
        let message = error(text);
        assert!(
            message.contains("test.yaml") && message.contains("compose file"),
            "{text}: {message}"
        );
    }
    assert!(error("services: {}").contains("none has"));
    let twice = format!("{ECHO}  echo:\n    image: x\n");
    assert!(error(&twice).contains("duplicate"), "{}", error(&twice));
}

#[test]
fn every_mistake_is_named_at_once_with_its_place() {
    let message = error(
        "services:\n  echo:\n    image: docker.io/echo\n    container_name: mine\n    ports: [\"80:80\"]\n    \
         build: .\n    volumes: [\"./data:/data\"]\n    x-vswarm:\n      protocol: grpc\n      method: SayHello\n      \
         proto: gone.proto\n      expect: {}\n      payload: 3\n      build: { runtime: go, source: nowhere, packages: [Bad_Name] }\n",
    );
    for place in [
        "image",
        "container_name",
        "ports",
        "build",
        "volumes",
        "x-vswarm.method",
        "x-vswarm.proto",
        "x-vswarm.expect",
        "x-vswarm.payload",
        "x-vswarm.build.source",
        "x-vswarm.build.packages",
    ] {
        assert!(message.contains(&format!("services.echo.{place}:")), "{place} in {message}");
    }
    assert!(message.contains("11 mistakes"), "{message}");
}

#[test]
fn keys_that_do_not_fit_the_protocol_are_mistakes() {
    assert!(error(&with("path: /echo", "path: echo")).contains("x-vswarm.path"));
    assert!(error(&with("path: /echo", "method: PUT")).contains("GET or POST"));
    assert!(error(&with("path: /echo", "method: GET")).contains("a GET has none"));
    assert!(error(&with("path: /echo", "proto: p.proto")).contains("x-vswarm.proto"));
    assert!(error(&with("protocol: http", "protocol: grpc")).contains("x-vswarm.path"));
    assert!(error(&with("      protocol: http\n", "")).contains("is missing"));
    assert!(error(&with("contains: hello", "contains: hello, matches: h")).contains("exactly one"));
    assert!(error(&with("entrypoint: [/app/echo], ", "")).contains("build.entrypoint"));
}

#[test]
fn mistakes_in_a_named_payload_are_told_with_its_name() {
    let named = |payload: &str| {
        error(&with("      payload:", &format!("      payloads: {payload}\n      payload:")))
    };
    assert!(named("{ big: { path: echo } }").contains("x-vswarm.payloads.big.path"));
    assert!(named("{ big: { expect: {} } }").contains("x-vswarm.payloads.big.expect"));
    assert!(named("{ default: {} }").contains("x-vswarm.payloads.default: the default stands in"));
    assert!(named("{ 'a b': {} }").contains("x-vswarm.payloads.a b: a payload's name"));
    assert!(named("{ 'null': {} }").contains("a payload's name"));
    assert!(named("{ big: { pay: 1 } }").contains("unknown field `pay`"));
}

#[test]
fn ports_are_read_in_all_forms_of_compose() {
    for (form, port) in [
        ("\"127.0.0.1:50000:1\"", 1),
        ("\"50000:2/tcp\"", 2),
        ("{published: 50000, target: 3}", 3),
        ("{published: \"50000\", target: 4, protocol: tcp}", 4),
    ] {
        let catalogue = parse(&with("\"50000:8080\"", form)).unwrap();
        assert_eq!(catalogue.get("echo").unwrap().container_port, port, "{form}");
    }
    for form in ["\"50000:2/udp\"", "\"8080\"", "8080", "\"50001:1\"", "\"50000-50001:1-2\""] {
        assert!(error(&with("\"50000:8080\"", form)).contains("must publish port 50000"), "{form}");
    }
}

const DB: &str = "  db:\n    image: registry.vswarm:5000/db:latest\n    x-vswarm:\n      build: { runtime: generic, entrypoint: [/app/db] }\n";

#[test]
fn dependencies_come_before_what_needs_them() {
    for form in ["[db]", "{ db: { condition: service_started } }"] {
        let text = with("    ports:", &format!("    depends_on: {form}\n    ports:")) + DB;
        let catalogue = parse(&text).unwrap();
        let function = catalogue.get("echo").unwrap();
        let order: Vec<_> =
            catalogue.closure(function).iter().map(|service| service.name.as_str()).collect();
        assert_eq!(order, ["db", "echo"]);
        assert!(catalogue.get("db").is_err(), "a dependency cannot be called");
    }
}

#[test]
fn dependencies_that_cannot_work_are_mistakes() {
    let depends = |on: &str| with("    ports:", &format!("    depends_on: [{on}]\n    ports:"));
    assert!(error(&depends("nothing")).contains("there is no service `nothing`"));
    assert!(error(&depends("echo")).contains("leads back"));
    let circle =
        depends("db") + &DB.replace("    x-vswarm", "    depends_on: [echo]\n    x-vswarm");
    assert!(error(&circle).contains("leads back"));
    let same = depends("db") + &DB.replace("5000/db", "5000/echo");
    assert!(error(&same).contains("same image"));
}

#[test]
fn a_service_can_be_made_as_the_function_is_to_be_called_by_others() {
    let again = |proto: &str| {
        let echo = with("protocol: http", "protocol: grpc\n      proto: p.proto")
            .replace("path: /echo", "method: echo.Echo/Say");
        let build = "{ runtime: generic, entrypoint: [/app/echo], packages: [libssl3t64] }";
        format!(
            "{echo}  again:\n    image: registry.vswarm:5000/echo:latest\n    x-vswarm:\n      \
             {proto}build: {}\n",
            build.replace("{ ", "{ source: echo, ")
        )
    };
    parse(&again("proto: p.proto\n      ")).unwrap();
    assert!(error(&again("")).contains("another `build` or `proto`"));
}

#[test]
fn defaults_can_be_shared_by_anchors_and_merge_keys() {
    let text = "x-common: &common\n  image: registry.vswarm:5000/echo:latest\n  ports: [\"50000:1\"]\n\
                services:\n  echo:\n    <<: *common\n    x-vswarm:\n      protocol: http\n      build: { runtime: go }\n";
    let catalogue = parse(text).unwrap();
    let function = catalogue.get("echo").unwrap();
    assert_eq!(function.container_port, 1);
    assert!(function.service.compose.contains_key("image"));
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let message = Catalogue::load(Some(Path::new("/nowhere/f.yaml"))).unwrap_err().to_string();
    assert!(message.contains("/nowhere/f.yaml"), "{message}");
}
