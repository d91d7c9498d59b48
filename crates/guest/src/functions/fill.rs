//! `{name}` in a request and in what is expected of its reply.
//!
//! Only the names of values mean something; other braces are left as they are. Where an item of a list is a name and
//! nothing else, it becomes as many items as the value has; in the middle of a text they are joined by commas, as vSwarm
//! writes lists of hotels.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::content::Body;
use super::request::Expect;

/// What stands for each name.
pub(super) struct Filling<'a>(pub BTreeMap<&'a str, Vec<String>>);

impl Filling<'_> {
    pub(super) fn body(&self, body: &Body) -> Body {
        Body {
            payload: self.json(&body.payload),
            expect: body.expect.as_ref().map(|expect| self.expect(expect)),
        }
    }

    fn expect(&self, expect: &Expect) -> Expect {
        match expect {
            Expect::Exact(value) => Expect::Exact(self.json(value)),
            Expect::Contains { field, text } => {
                Expect::Contains { field: field.clone(), text: self.text(text, str::to_owned) }
            }
            Expect::Matches { field, pattern } => {
                Expect::Matches { field: field.clone(), pattern: self.text(pattern, literally) }
            }
        }
    }

    fn json(&self, value: &Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.text(text, str::to_owned)),
            Json::Array(items) => items.iter().flat_map(|item| self.item(item)).collect(),
            Json::Object(map) => {
                map.iter().map(|(key, value)| (key.clone(), self.json(value))).collect()
            }
            other => other.clone(),
        }
    }

    fn item(&self, item: &Json) -> Vec<Json> {
        let name = item.as_str().and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
        match name.and_then(|name| self.0.get(name)) {
            Some(values) => values.iter().cloned().map(Json::String).collect(),
            None => vec![self.json(item)],
        }
    }

    fn text(&self, text: &str, written: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        for piece in pieces(text) {
            match piece.name().and_then(|name| self.0.get(name)) {
                Some(values) => filled += &written(&values.join(",")),
                None => filled += piece.0,
            }
        }
        filled
    }
}

/// A part of a text: `{name}`, or what has no such thing in it.
struct Piece<'a>(&'a str);

impl<'a> Piece<'a> {
    fn name(&self) -> Option<&'a str> {
        self.0.strip_prefix('{')?.strip_suffix('}')
    }
}

/// Cuts before every `{` and after the next `}`.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    text.split_inclusive('}').flat_map(|part| {
        let (before, braced) = part.split_at(part.rfind('{').unwrap_or(part.len()));
        [before, braced].into_iter().filter(|part| !part.is_empty()).map(Piece)
    })
}

/// Whether `{name}` stands anywhere in `value`.
pub(super) fn mentions(value: &Json, name: &str) -> bool {
    match value {
        Json::String(text) => pieces(text).any(|piece| piece.name() == Some(name)),
        Json::Array(items) => items.iter().any(|item| mentions(item, name)),
        Json::Object(map) => map.values().any(|value| mentions(value, name)),
        _ => false,
    }
}

/// For a regular expression that matches just this text.
fn literally(text: &str) -> String {
    let special = |c: char| r"\.+*?()|[]{}^$#&-~".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filling() -> Filling<'static> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Filling(BTreeMap::from([("n", texts(&["a.b"])), ("ids", texts(&["3", "4"]))]))
    }

    fn filled(payload: Json, expect: Expect) -> Body {
        filling().body(&Body { payload, expect: Some(expect) })
    }

    #[test]
    fn names_are_filled_in_everywhere_but_in_keys() {
        let payload = json!({"{n}": ["x{n}y{n}", 3], "in": {"deep": "{n}"}});
        let body = filled(payload, Expect::Exact(json!({"id": "{n}"})));
        assert_eq!(body.payload, json!({"{n}": ["xa.bya.b", 3], "in": {"deep": "a.b"}}));
        assert_eq!(body.expect, Some(Expect::Exact(json!({"id": "a.b"}))));
    }

    #[test]
    fn an_item_that_is_a_name_becomes_as_many_items_and_a_text_a_list_with_commas() {
        let payload = json!({"ids": ["1", "{ids}"], "text": "1,{ids}"});
        let body = filled(payload, Expect::Contains { field: None, text: "{ids}".to_owned() });
        assert_eq!(body.payload, json!({"ids": ["1", "3", "4"], "text": "1,3,4"}));
        assert_eq!(body.expect, Some(Expect::Contains { field: None, text: "3,4".to_owned() }));
    }

    #[test]
    fn a_value_in_a_pattern_matches_only_itself_and_other_braces_stay() {
        let pattern = r"^\{{n}[a-z]{3}\}$".to_owned();
        let body = filled(json!("{other} {"), Expect::Matches { field: None, pattern });
        let pattern = r"^\{a\.b[a-z]{3}\}$".to_owned();
        assert_eq!(body.expect, Some(Expect::Matches { field: None, pattern }));
        assert_eq!(body.payload, json!("{other} {"));
    }

    #[test]
    fn a_name_is_mentioned_only_in_braces() {
        assert!(mentions(&json!({"a": ["x{n}"]}), "n"));
        assert!(!mentions(&json!({"n": "n {m}"}), "n"));
    }
}
