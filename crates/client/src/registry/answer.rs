//! What the registry answers to a request, as data.

use super::{Blob, Digest, Registry};
use bytes::Bytes;
use serde_json::json;
use std::ops::Range;

/// A request as far as the registry looks at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) range: Option<String>,
}

/// An answer: status, headers beside length and connection, and the part of a blob that is its body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Blob,
    pub(crate) part: Range<u64>,
}

impl Answer {
    /// The reason phrase of the status line.
    pub(crate) fn reason(&self) -> &'static str {
        match self.status {
            200 => "OK",
            206 => "Partial Content",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            416 => "Range Not Satisfiable",
            431 => "Request Header Fields Too Large",
            _ => "Internal Server Error",
        }
    }

    fn ok(content_type: &str, body: Blob) -> Self {
        let part = 0..body.len();
        Self { status: 200, headers: vec![("Content-Type", content_type.to_owned())], body, part }
    }

    /// An error in the specification's JSON form.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let document = json!({"errors": [{"code": code, "message": message}]});
        let body = Blob::Bytes(Bytes::from(document.to_string()));
        Self { status, ..Self::ok("application/json", body) }
    }
}

/// Answers a request.
pub(crate) fn answer(registry: &Registry, question: &Question) -> Answer {
    if question.method != "GET" && question.method != "HEAD" {
        let text = "this registry only serves pulls";
        let mut refusal = Answer::error(405, "UNSUPPORTED", text);
        refusal.headers.push(("Allow", "GET, HEAD".to_owned()));
        return refusal;
    }
    let path = question.target.split('?').next().unwrap_or_default();
    if path == "/v2/" || path == "/v2" {
        return Answer::ok("application/json", Blob::Bytes(Bytes::from_static(b"{}")));
    }
    let Some(rest) = path.strip_prefix("/v2/") else {
        return Answer::error(404, "NAME_UNKNOWN", "every path of a registry begins with /v2/");
    };
    if let Some((name, reference)) = rest.rsplit_once("/manifests/") {
        manifest(registry, name, reference)
    } else if let Some((name, digest)) = rest.rsplit_once("/blobs/") {
        blob(registry, name, digest, question.range.as_deref())
    } else if let Some(name) = rest.strip_suffix("/tags/list") {
        tags(registry, name)
    } else {
        Answer::error(404, "UNSUPPORTED", "no such endpoint; manifests, blobs and tags/list exist")
    }
}

fn unknown_name(name: &str) -> Answer {
    Answer::error(404, "NAME_UNKNOWN", &format!("no repository `{name}` here"))
}

fn manifest(registry: &Registry, name: &str, reference: &str) -> Answer {
    if !registry.has_repository(name) {
        return unknown_name(name);
    }
    let Some((digest, manifest)) = registry.manifest(name, reference) else {
        let text = format!("no manifest `{reference}` in `{name}`");
        return Answer::error(404, "MANIFEST_UNKNOWN", &text);
    };
    let mut answer = Answer::ok(&manifest.media_type, Blob::Bytes(manifest.bytes.clone()));
    answer.headers.push(("Docker-Content-Digest", digest.to_string()));
    answer
}

fn tags(registry: &Registry, name: &str) -> Answer {
    if !registry.has_repository(name) {
        return unknown_name(name);
    }
    let list = json!({"name": name, "tags": registry.tags(name)}).to_string();
    Answer::ok("application/json", Blob::Bytes(Bytes::from(list)))
}

fn blob(registry: &Registry, name: &str, digest: &str, range: Option<&str>) -> Answer {
    if !registry.has_repository(name) {
        return unknown_name(name);
    }
    let Ok(digest) = digest.parse::<Digest>() else {
        let text = format!("`{digest}` is no sha256 digest");
        return Answer::error(400, "DIGEST_INVALID", &text);
    };
    let Some(blob) = registry.blob(&digest) else {
        return Answer::error(404, "BLOB_UNKNOWN", &format!("no blob {digest} in `{name}`"));
    };
    let mut answer = Answer::ok("application/octet-stream", blob);
    answer.headers.push(("Docker-Content-Digest", digest.to_string()));
    answer.headers.push(("Accept-Ranges", "bytes".to_owned()));
    restrict(answer, range)
}

/// Narrows an answer to the range asked for (RFC 9110 section 14). A range in another unit, of
/// several parts or of a form we do not read is ignored, as the RFC allows.
fn restrict(mut answer: Answer, range: Option<&str>) -> Answer {
    let length = answer.body.len();
    let part = match range.map(|range| parse_range(range, length)) {
        None | Some(RangeAsked::Ignored) => return answer,
        Some(RangeAsked::Unsatisfiable) => {
            let text = format!("the blob has {length} bytes");
            let mut refusal = Answer::error(416, "SIZE_INVALID", &text);
            refusal.headers.push(("Content-Range", format!("bytes */{length}")));
            return refusal;
        }
        Some(RangeAsked::Part(part)) => part,
    };
    let text = format!("bytes {}-{}/{length}", part.start, part.end - 1);
    answer.headers.push(("Content-Range", text));
    Answer { status: 206, part, ..answer }
}

#[derive(Debug, PartialEq)]
enum RangeAsked {
    Ignored,
    Unsatisfiable,
    Part(Range<u64>),
}

/// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`.
fn parse_range(text: &str, length: u64) -> RangeAsked {
    let Some((first, last)) = text.trim().strip_prefix("bytes=").and_then(|t| t.split_once('-'))
    else {
        return RangeAsked::Ignored;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Some(first), None) if last.trim().is_empty() => first..length,
        (None, Some(count)) if first.trim().is_empty() => length.saturating_sub(count)..length,
        _ => return RangeAsked::Ignored,
    };
    if part.start >= part.end { RangeAsked::Unsatisfiable } else { RangeAsked::Part(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let part = |text: &str| parse_range(text, 10);
        assert_eq!(part("bytes=0-3"), RangeAsked::Part(0..4));
        assert_eq!(part("bytes=4-"), RangeAsked::Part(4..10));
        assert_eq!(part("bytes=-3"), RangeAsked::Part(7..10));
        assert_eq!(part("bytes=-30"), RangeAsked::Part(0..10));
        assert_eq!(part("bytes=8-99"), RangeAsked::Part(8..10));
        assert_eq!(part("bytes=10-"), RangeAsked::Unsatisfiable);
        assert_eq!(part("bytes=-0"), RangeAsked::Unsatisfiable);
        for odd in ["bytes=3-1", "bytes=a-b", "bytes=0-1,4-5", "lines=0-1", "bytes=-"] {
            assert_eq!(part(odd), RangeAsked::Ignored, "{odd}");
        }
    }
}
