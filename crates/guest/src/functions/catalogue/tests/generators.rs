//! Payloads that change from request to request, good and bad.

use super::{error, parse, with};
use crate::functions::content::{Content, Order};
use crate::functions::request::FunctionRequest;
use crate::functions::{Choice, Expect, PayloadChoice};
use serde_json::json;

/// The sample with a payload called `many`.
fn many(keys: &str) -> String {
    with("      payload:", &format!("      payloads: {{ many: {{ {keys} }} }}\n      payload:"))
}

fn chosen(keys: &str) -> FunctionRequest {
    let catalogue = parse(&many(keys)).unwrap();
    let payload = Some(PayloadChoice::Named("many".to_owned()));
    catalogue.get("echo").unwrap().choose(&Choice { payload, method: None }).unwrap()
}

#[test]
fn a_list_keeps_its_order_and_what_each_request_expects() {
    let request = chosen(
        "order: sequence, requests: [{ payload: 1, expect: { contains: one } }, { payload: 2 }]",
    );
    assert_eq!(request.call.written(), "POST /echo");
    let (first, second) = (request.nth(2), request.nth(3));
    assert_eq!((first.payload, second.payload), (json!(1), json!(2)));
    let one = Expect::Contains { field: None, text: "one".to_owned() };
    assert_eq!((first.expect, second.expect), (Some(one), None));
}

#[test]
fn values_are_filled_into_payload_and_expectation() {
    let request = chosen(
        "order: sequence, values: { id: { from: 8, to: 9 } }, payload: { ids: ['{id}'] }, expect: { exact: { id: '{id}' } }",
    );
    let body = request.nth(1);
    assert_eq!(body.payload, json!({"ids": ["9"]}));
    assert_eq!(body.expect, Some(Expect::Exact(json!({"id": "9"}))));
}

#[test]
fn the_seed_of_a_random_order_is_one_unless_it_is_written() {
    for (keys, seed) in [("", 1), ("seed: 7,", 7)] {
        let request = chosen(&format!("order: random, {keys} requests: [{{ payload: 1 }}]"));
        let Content::Generated(generator) = request.content else { panic!("it is fixed") };
        assert_eq!(generator.order, Order::Random { seed });
    }
}

#[test]
fn mistakes_in_an_order_are_told_with_their_place() {
    for (keys, place) in [
        ("requests: [{ payload: 1 }]", "many.order: is missing; write `sequence`"),
        ("order: sequence", "many: an order needs exactly one of `requests`"),
        ("seed: 3, payload: 1", "many.order: is missing"),
        (
            "order: sequence, seed: 3, requests: [{ payload: 1 }]",
            "many.seed: is for `order: random`",
        ),
        ("order: sequence, requests: []", "many.requests: is empty"),
        ("order: sequence, requests: [{ payload: 1 }], payload: 2", "many.payload: stands beside"),
        (
            "order: random, requests: [{ payload: 1 }, { payload: 1, expect: {} }]",
            "many.requests[1].expect: needs",
        ),
        ("order: random, requests: [{ expect: { contains: x } }]", "missing field `payload`"),
        ("order: shuffled, requests: [{ payload: 1 }]", "unknown variant `shuffled`"),
    ] {
        let message = error(&many(keys));
        assert!(message.contains(place), "{keys}: {message}");
    }
}

#[test]
fn mistakes_in_values_are_told_with_their_name() {
    for (values, place) in [
        ("{}", "values: is empty"),
        ("{ other: { from: 1, to: 2 } }", "values.other: is not sent; write `\"{other}\"`"),
        ("{ x: { from: 1 } }", "values.x: needs exactly one of `from` and `to`"),
        ("{ x: { from: 1, to: 2, one_of: [a] } }", "values.x: needs exactly one of"),
        ("{ x: { one_of: [] } }", "values.x: needs exactly one of"),
        ("{ x: { alphabet: '', length: { from: 1, to: 2 } } }", "values.x: needs exactly one of"),
        ("{ x: { from: 3, to: 2 } }", "values.x: goes from 3 to 2, which is less"),
        (
            "{ x: { from: 1, to: 2, times: { from: 2, to: 1 } } }",
            "values.x.times: goes from 2 to 1",
        ),
        (
            "{ x: { alphabet: a, length: { from: 1, to: 2000000 } } }",
            "values.x.length: goes to 2000000; 1048576",
        ),
    ] {
        let message = error(&many(&format!("order: random, payload: '{{x}}', values: {values}")));
        assert!(message.contains(place), "{values}: {message}");
    }
    let text = "order: sequence, payload: '{x}', values: { x: { alphabet: a, length: { from: 1, to: 2 } } }";
    assert!(
        error(&many(text)).contains("values.x: `times` and `alphabet` are for `order: random`")
    );
}

#[test]
fn a_list_for_grpc_holds_messages() {
    let text = many("order: random, requests: [{ payload: {} }, { payload: 3 }]")
        .replace("protocol: http", "protocol: grpc\n      proto: p.proto")
        .replace("path: /echo", "method: echo.Echo/Say");
    let message = error(&text);
    assert!(message.contains("many.requests[1].payload: must be a map"), "{message}");
    assert!(!message.contains("requests[0]"), "{message}");
}
