//! Does a reply say what it should? Exact JSON, a piece of text, or a regular expression.

use crate::request::Reply;
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a reply must say. A `field` is a dotted path into the reply's JSON (`items.0.name`); without
/// one the whole reply, written as compact JSON, is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expectation {
    /// The reply equals this JSON value.
    Exact(Value),
    /// The text holds this piece.
    Contains {
        /// Where to look.
        #[serde(default)]
        field: Option<String>,
        /// The piece of text.
        text: String,
    },
    /// The text matches this regular expression (anywhere, unless anchored).
    Matches {
        /// Where to look.
        #[serde(default)]
        field: Option<String>,
        /// The expression.
        pattern: String,
    },
}

/// How a reply differs from what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The reply is another value.
    #[error("checking the reply: expected {expected}, got {actual}")]
    NotEqual {
        /// The expected JSON.
        expected: String,
        /// The reply's JSON.
        actual: String,
    },
    /// The reply has no such field.
    #[error("checking the reply: it has no field `{field}`; it is {actual}")]
    NoField {
        /// The dotted path.
        field: String,
        /// The reply's JSON.
        actual: String,
    },
    /// The text does not hold or match what it should.
    #[error("checking the reply: `{wanted}` not found in {actual}")]
    NotFound {
        /// The piece or expression.
        wanted: String,
        /// The text looked at.
        actual: String,
    },
    /// The expression cannot be compiled.
    #[error("checking the reply: the pattern `{pattern}` is no regular expression: {reason}")]
    BadPattern {
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Expectation {
    /// Checks a reply.
    ///
    /// # Errors
    /// The first difference found, or a pattern that does not compile.
    pub fn check(&self, reply: &Reply) -> Result<(), Mismatch> {
        match self {
            Self::Exact(expected) if *expected == reply.json => Ok(()),
            Self::Exact(expected) => Err(Mismatch::NotEqual {
                expected: expected.to_string(),
                actual: reply.json.to_string(),
            }),
            Self::Contains { field, text } => {
                let actual = text_at(&reply.json, field.as_deref())?;
                if actual.contains(text.as_str()) {
                    return Ok(());
                }
                Err(Mismatch::NotFound { wanted: text.clone(), actual })
            }
            Self::Matches { field, pattern } => {
                let regex = Regex::new(pattern).map_err(|error| Mismatch::BadPattern {
                    pattern: pattern.clone(),
                    reason: error.to_string(),
                })?;
                let actual = text_at(&reply.json, field.as_deref())?;
                if regex.is_match(&actual) {
                    return Ok(());
                }
                Err(Mismatch::NotFound { wanted: pattern.clone(), actual })
            }
        }
    }
}

/// The text to look at: a string as it is, any other value as compact JSON.
fn text_at(json: &Value, field: Option<&str>) -> Result<String, Mismatch> {
    let value = match field {
        None => json,
        Some(path) => lookup(json, path).ok_or_else(|| Mismatch::NoField {
            field: path.to_owned(),
            actual: json.to_string(),
        })?,
    };
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Follows a dotted path through objects and lists.
fn lookup<'a>(json: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(json, |value, key| match value {
        Value::Object(map) => map.get(key),
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply() -> Reply {
        Reply { json: json!({"message": "fib(10) = 55", "items": [{"id": 7}]}), size_bytes: 0 }
    }

    fn contains(field: Option<&str>, text: &str) -> Expectation {
        Expectation::Contains { field: field.map(str::to_owned), text: text.to_owned() }
    }

    #[test]
    fn exact_compares_whole_values() {
        assert!(Expectation::Exact(reply().json).check(&reply()).is_ok());
        let error = Expectation::Exact(json!({"message": "55"})).check(&reply());
        assert!(matches!(error, Err(Mismatch::NotEqual { .. })));
    }

    #[test]
    fn a_piece_is_found_in_a_field_or_anywhere() {
        assert!(contains(Some("message"), "= 55").check(&reply()).is_ok());
        assert!(contains(None, "\"id\":7").check(&reply()).is_ok());
        assert!(contains(Some("items.0.id"), "7").check(&reply()).is_ok());
        assert!(contains(Some("message"), "89").check(&reply()).is_err());
        let error = contains(Some("text"), "55").check(&reply());
        assert!(matches!(error, Err(Mismatch::NoField { .. })));
    }

    #[test]
    fn patterns_match_and_bad_ones_say_so() {
        let matches = |pattern: &str| Expectation::Matches {
            field: Some("message".to_owned()),
            pattern: pattern.to_owned(),
        };
        assert!(matches(r"^fib\(\d+\) = 55$").check(&reply()).is_ok());
        assert!(matches(r"^\d+$").check(&reply()).is_err());
        assert!(matches!(matches("(").check(&reply()), Err(Mismatch::BadPattern { .. })));
    }

    #[test]
    fn expectations_read_from_configuration() {
        let read: Expectation =
            serde_json::from_value(json!({"contains": {"field": "message", "text": "55"}}))
                .expect("the form is documented");
        assert_eq!(read, contains(Some("message"), "55"));
    }
}
