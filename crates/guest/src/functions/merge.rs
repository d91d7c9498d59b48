//! Finds out whether a YAML document uses merge keys (`<<: *anchor`), which compose files do to share defaults.

use serde_norway::Value;

/// Whether any mapping in `value` has a merge key.
pub(super) fn has_merge(value: &Value) -> bool {
    match value {
        Value::Mapping(map) => {
            map.contains_key("<<") || map.iter().any(|(_, inner)| has_merge(inner))
        }
        Value::Sequence(list) => list.iter().any(has_merge),
        Value::Tagged(tagged) => has_merge(&tagged.value),
        _ => false,
    }
}
