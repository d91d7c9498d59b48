//! gRPC's own layer above HTTP/2: length-prefixed messages, status and its names (the gRPC
//! repository's PROTOCOL-HTTP2.md and statuscodes.md).

use crate::request::excerpt;
use http::HeaderMap;

/// Bytes before a message: one for the compression flag, four for the length.
const PREFIX_BYTES: usize = 5;

/// Frames a message without compression.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + message.len());
    bytes.push(0);
    bytes.extend(length.to_be_bytes());
    bytes.extend(message);
    bytes
}

/// The one message in the body of a unary reply.
pub(crate) fn unframe(body: &[u8]) -> Result<&[u8], String> {
    let Some((prefix, rest)) = body.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(format!(
            "status OK but no message ({} bytes of body); the server must answer a unary call with \
             exactly one message",
            body.len()
        ));
    };
    let [flag, a, b, c, d] = *prefix;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    match flag {
        0 => {}
        1 => return Err("the message is compressed, which was not offered".to_owned()),
        other => return Err(format!("the message prefix has flag {other}, only 0 and 1 exist")),
    }
    if rest.len() < length {
        return Err(format!("the message is cut off: {} of {length} bytes came", rest.len()));
    }
    if rest.len() > length {
        return Err(format!(
            "{} bytes follow the message; a unary call has exactly one message",
            rest.len() - length
        ));
    }
    Ok(rest)
}

/// The `grpc-status` and `grpc-message` of trailers, if there is a readable status.
pub(crate) fn status(trailers: &HeaderMap) -> Option<(u32, String)> {
    let code = trailers.get("grpc-status")?.to_str().ok()?.trim().parse().ok()?;
    let message = trailers.get("grpc-message").map_or_else(
        || "the server gave no message".to_owned(),
        |text| excerpt(&percent_decode(text.as_bytes())),
    );
    Some((code, message))
}

/// The name of a status code.
pub(crate) fn status_name(code: u32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES.get(code as usize).copied().unwrap_or("no standard code")
}

/// Undoes the percent encoding of `grpc-message`; a broken escape is kept as it is.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| first == b'%').and_then(hex_byte);
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    bytes
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_framing() {
        assert_eq!(unframe(&frame(b"abc")), Ok(&b"abc"[..]));
        assert_eq!(unframe(&frame(b"")), Ok(&b""[..]));
    }

    #[test]
    fn broken_bodies_say_what_is_wrong() {
        let text = |body: &[u8]| unframe(body).unwrap_err();
        assert!(text(b"").contains("no message"));
        assert!(text(&[0, 0, 0, 0, 9, 1]).contains("1 of 9 bytes"));
        assert!(text(&[0, 0, 0, 0, 1, 1, 2]).contains("1 bytes follow"));
        assert!(text(&[1, 0, 0, 0, 0]).contains("compressed"));
        assert!(text(&[7, 0, 0, 0, 0]).contains("flag 7"));
    }

    #[test]
    fn messages_are_percent_decoded() {
        assert_eq!(percent_decode(b"no%20such%2fthing%"), b"no such/thing%");
        assert_eq!(percent_decode(b"%zz%4"), b"%zz%4");
    }

    #[test]
    fn a_status_needs_a_number() {
        let mut trailers = HeaderMap::new();
        assert_eq!(status(&trailers), None);
        trailers.insert("grpc-status", "5".parse().expect("a header value"));
        let (code, message) = status(&trailers).expect("there is one");
        assert_eq!((code, status_name(code)), (5, "NOT_FOUND"));
        assert!(message.contains("no message"));
        assert_eq!(status_name(99), "no standard code");
    }
}
