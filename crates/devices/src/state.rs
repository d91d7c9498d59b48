//! Device states as bytes.

use serde::{Serialize, de::DeserializeOwned};

/// `state` as bytes.
pub(crate) fn save<T: Serialize>(state: &T) -> Vec<u8> {
    postcard::to_stdvec(state).expect("device states are plain data of known length")
}

/// The state of a `device` from bytes written by [`save`].
pub(crate) fn load<T: DeserializeOwned>(device: &str, bytes: &[u8]) -> Result<T, String> {
    let refuse = |why: &str| {
        format!("restoring {device}: the saved state {why}; it may come from another version")
    };
    match postcard::take_from_bytes(bytes) {
        Ok((state, [])) => Ok(state),
        Ok((_, rest)) => Err(refuse(&format!("is followed by {} stray bytes", rest.len()))),
        Err(cause) => Err(refuse(&format!("cannot be read ({cause})"))),
    }
}
