use super::*;
use crate::request::GrpcCall;
use serde_json::json;

const SCHEMA: &str = r#"
syntax = "proto3";
package shop;
message Item { string name = 1; map<string, int64> prices = 2; }
message Cart { map<string, string> labels = 1; repeated Item items = 2; map<int32, Item> shelf = 3; bool gift = 4; bytes raw = 5; repeated int32 counts = 6; }
service Carts { rpc Put(Cart) returns (Cart); rpc Watch(Cart) returns (stream Cart); }
"#;

fn protos() -> Protos {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("shop.proto");
    std::fs::write(&file, SCHEMA).expect("the schema is written");
    Protos::compile(&file, &[]).expect("the schema compiles")
}

fn bytes_of(call: Call) -> Vec<u8> {
    match call {
        Call::Grpc(GrpcCall { message, .. }) => message,
        Call::Http(_) => unreachable!("a method makes gRPC calls"),
    }
}

#[test]
fn methods_are_found_by_every_usual_spelling() {
    for name in ["shop.Carts/Put", "/shop.Carts/Put", "shop.Carts.Put"] {
        assert_eq!(protos().method(name).expect(name).full_name(), "shop.Carts/Put");
    }
}

#[test]
fn an_unknown_method_names_the_known_ones_and_streams_are_refused() {
    let error = protos().method("shop.Carts/Get").unwrap_err().to_string();
    assert!(error.contains("shop.Carts/Put"), "{error}");
    let error = protos().method("shop.Carts/Watch").unwrap_err();
    assert_eq!(error, ProtoError::Streaming { method: "shop.Carts/Watch".to_owned() });
}

#[test]
fn a_message_survives_the_round_trip() {
    let cart = json!({
        "labels": {"a": "1", "b": "2"}, "gift": true, "raw": "AAE=", "counts": [1, 2, -3],
        "items": [{"name": "x", "prices": {"eur": "12", "usd": "13"}}],
        "shelf": {"-1": {"name": "y"}, "7": {}},
    });
    let method = protos().method("shop.Carts/Put").expect("it is there");
    let bytes = bytes_of(method.call(&cart).expect("the cart fits"));
    assert_eq!(method.decode_reply(&bytes).expect("it decodes"), cart);
}

#[test]
fn maps_are_encoded_in_key_order_at_every_depth() {
    let keys: Vec<String> = (0..50).map(|n| format!("k{n:02}")).collect();
    let labels: serde_json::Map<String, Value> =
        keys.iter().rev().map(|key| (key.clone(), json!("v"))).collect();
    let prices: serde_json::Map<String, Value> =
        keys.iter().map(|key| (key.clone(), json!("1"))).collect();
    let cart = json!({"labels": labels, "shelf": {"1": {"prices": prices}}});
    let method = protos().method("shop.Carts/Put").expect("it is there");
    let bytes = bytes_of(method.call(&cart).expect("the cart fits"));
    let text = String::from_utf8_lossy(&bytes);
    let found: Vec<&str> = text.match_indices('k').map(|(at, _)| &text[at..at + 3]).collect();
    let twice: Vec<&str> = keys.iter().chain(&keys).map(String::as_str).collect();
    assert_eq!(found, twice);
    assert_eq!(method.decode_reply(&bytes).expect("it decodes"), cart);
}

#[test]
fn a_payload_that_does_not_fit_is_named() {
    let method = protos().method("shop.Carts/Put").expect("it is there");
    let error = method.call(&json!({"colour": 1})).unwrap_err().to_string();
    assert!(error.contains("colour") && error.contains("shop.Cart"), "{error}");
    assert!(method.call(&json!({"gift": "yes"})).is_err());
}

#[test]
fn broken_and_missing_schemas_say_where() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bad.proto");
    std::fs::write(&file, "syntax = \"proto3\"; message {").expect("the schema is written");
    let error = Protos::compile(&file, &[]).unwrap_err().to_string();
    assert!(error.contains("bad.proto"), "{error}");
    assert!(Protos::compile(&folder.path().join("none.proto"), &[]).is_err());
}

#[test]
fn a_reply_that_is_no_message_says_what_to_check() {
    let method = protos().method("shop.Carts/Put").expect("it is there");
    let error = method.decode_reply(&[0x0a, 0xff]).unwrap_err();
    assert!(error.contains("same .proto"), "{error}");
}
