//! A function's payloads as `functions show` prints them: as the compose file writes them, defaults included.

use ::guest::functions::{
    Body, Content, Expect, FunctionRequest, Generator, Order, Range, Source, Values,
};
use serde_json::{Map, Value, json};

/// Name, method, and what is sent and expected.
pub(super) fn document(request: &FunctionRequest) -> Value {
    let mut document = json!({"name": request.name, "method": request.call.written()});
    let content = match &request.content {
        Content::Fixed(fixed) => body(fixed),
        Content::Generated(generated) => generator(generated),
    };
    document.as_object_mut().expect("it was made as one").extend(content);
    document
}

/// The same, one `key: value` a line; a list of requests has a line for each.
pub(super) fn text(request: &FunctionRequest) -> String {
    let document = document(request);
    let mut text = format!("payload {}:\n", request.name.as_deref().unwrap_or_default());
    for key in ["method", "order", "seed", "values", "payload", "expect", "requests"] {
        text += &match &document[key] {
            Value::Null => String::new(),
            Value::String(value) => format!("  {key}: {value}\n"),
            Value::Array(items) if key == "requests" => {
                let lines = items.iter().map(|item| format!("    {item}\n"));
                format!("  {key}:\n{}", lines.collect::<String>())
            }
            value => format!("  {key}: {value}\n"),
        };
    }
    text
}

/// What the reply must say.
pub(super) fn expectation(expect: &Expect) -> Value {
    let (field, mut written) = match expect {
        Expect::Exact(value) => (&None, json!({"exact": value})),
        Expect::Contains { field, text } => (field, json!({"contains": text})),
        Expect::Matches { field, pattern } => (field, json!({"matches": pattern})),
    };
    if let Some(field) = field {
        written["field"] = json!(field);
    }
    written
}

fn body(body: &Body) -> Map<String, Value> {
    let expect = body.expect.as_ref().map_or(Value::Null, expectation);
    Map::from_iter([("payload".to_owned(), body.payload.clone()), ("expect".to_owned(), expect)])
}

fn generator(generator: &Generator) -> Map<String, Value> {
    let mut written = Map::new();
    match generator.order {
        Order::Sequence => drop(written.insert("order".to_owned(), json!("sequence"))),
        Order::Random { seed } => written
            .extend([("order".to_owned(), json!("random")), ("seed".to_owned(), json!(seed))]),
    }
    match &generator.source {
        Source::Listed(bodies) => {
            let requests = bodies.iter().map(|one| Value::Object(body(one))).collect();
            written.insert("requests".to_owned(), requests);
        }
        Source::Template { values: named, body: template } => {
            let named = named.iter().map(|(name, of)| (name.clone(), values(of))).collect();
            written.insert("values".to_owned(), Value::Object(named));
            written.extend(body(template));
        }
    }
    written
}

fn values(values: &Values) -> Value {
    match values {
        Values::Numbers { range: numbers, times } => {
            let mut written = range(*numbers);
            if *times != Range::ONCE {
                written["times"] = range(*times);
            }
            written
        }
        Values::Text { alphabet, length } => {
            json!({"alphabet": alphabet.iter().collect::<String>(), "length": range(*length)})
        }
        Values::OneOf(texts) => json!({"one_of": texts}),
    }
}

fn range(range: Range) -> Value {
    json!({"from": range.from, "to": range.to})
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::guest::functions::Catalogue;

    fn payload(function: &str, name: &str) -> FunctionRequest {
        let catalogue = Catalogue::builtin().unwrap();
        let requests = &catalogue.get(function).unwrap().requests;
        requests.iter().find(|request| request.name.as_deref() == Some(name)).unwrap().clone()
    }

    #[test]
    fn a_list_has_a_line_for_each_request_and_a_random_one_its_seed() {
        let shown = text(&payload("fibonacci-go", "linear"));
        assert!(shown.contains("\n  order: sequence\n  requests:\n    {"), "{shown}");
        assert_eq!(
            shown.lines().filter(|line| line.contains("\"payload\"")).count(),
            10,
            "{shown}"
        );
        assert!(!shown.contains("seed"), "{shown}");
        let shown = text(&payload("geo", "random"));
        assert!(shown.contains("\n  order: random\n  seed: 1\n"), "{shown}");
    }

    #[test]
    fn a_template_is_shown_with_its_values() {
        let shown = document(&payload("profile", "linear"));
        assert_eq!(shown["values"], json!({"id": {"from": 0, "to": 79}}));
        assert_eq!(shown["payload"]["hotelIds"], json!(["{id}"]));
        let times = &document(&payload("profile", "random"))["values"]["more"]["times"];
        assert_eq!(*times, json!({"from": 0, "to": 4}));
    }
}
