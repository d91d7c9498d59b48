//! One encoding per message. Map fields are kept in hash maps whose order differs from process to
//! process; the bytes on the wire must not, so maps are written sorted by key.

use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, ReflectMessage as _, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Encodes a message with map entries sorted by key, at every depth.
pub(crate) fn encode(message: &DynamicMessage) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (field, value) in message.fields() {
        match value {
            Value::Map(map) => {
                let sorted: BTreeMap<&MapKey, &Value> = map.iter().collect();
                for (key, value) in sorted {
                    put_message(&mut bytes, &field, &entry(&field, key, value));
                }
            }
            Value::Message(inner) if !field.is_group() => put_message(&mut bytes, &field, inner),
            Value::List(items) if !field.is_group() && holds_messages(items) => {
                for inner in items.iter().filter_map(Value::as_message) {
                    put_message(&mut bytes, &field, inner);
                }
            }
            other => {
                let mut single = DynamicMessage::new(message.descriptor());
                single.set_field(&field, other.clone());
                bytes.extend(single.encode_to_vec());
            }
        }
    }
    bytes
}

fn holds_messages(items: &[Value]) -> bool {
    items.first().is_some_and(|item| item.as_message().is_some())
}

/// The entry message of one key and value of a map field.
fn entry(field: &FieldDescriptor, key: &MapKey, value: &Value) -> DynamicMessage {
    let kind = field.kind();
    let descriptor = kind.as_message().expect("the kind of a map field is its entry message");
    let mut entry = DynamicMessage::new(descriptor.clone());
    entry.set_field(&descriptor.map_entry_key_field(), Value::from(key.clone()));
    entry.set_field(&descriptor.map_entry_value_field(), value.clone());
    entry
}

fn put_message(bytes: &mut Vec<u8>, field: &FieldDescriptor, message: &DynamicMessage) {
    let inner = encode(message);
    encode_key(field.number(), WireType::LengthDelimited, bytes);
    encode_varint(inner.len() as u64, bytes);
    bytes.extend(inner);
}

/// The same JSON with the keys of every object in order.
pub(crate) fn sort_objects(json: Json) -> Json {
    match json {
        Json::Object(map) => {
            let sorted: BTreeMap<String, Json> =
                map.into_iter().map(|(key, value)| (key, sort_objects(value))).collect();
            Json::Object(sorted.into_iter().collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(sort_objects).collect()),
        other => other,
    }
}
