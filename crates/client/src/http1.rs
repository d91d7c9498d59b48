//! HTTP/1.1 client connection (RFC 9112): one exchange at a time, kept alive between them.
//!
//! Bodies by `Content-Length`, chunked, or to the end of the connection. Left out: redirects,
//! compression, pipelining, trailers (read and dropped).

use crate::request::{HttpCall, HttpMethod, Protocol, Reply, RequestError, RequestId, excerpt};
use crate::session::{Finished, Mark};
use bytes::{Buf, BytesMut};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// A response head longer than this is refused.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// More header fields than this are refused.
const MAX_HEADERS: usize = 128;

/// One connection and the exchanges on it.
#[derive(Debug)]
pub(crate) struct HttpSession {
    port: u16,
    host: String,
    max_reply_bytes: usize,
    queue: VecDeque<(RequestId, HttpCall)>,
    active: Option<(RequestId, String, Stage)>,
    input: BytesMut,
    output: BytesMut,
    marks: Vec<Mark>,
    sent: u64,
    received: u64,
    last: bool,
    ended: bool,
    failure: Option<String>,
}

/// How far the reply to the active exchange has been read.
#[derive(Debug)]
enum Stage {
    Head,
    Body { status: u16, rest: Length, body: Vec<u8> },
}

/// How the end of the body is known.
#[derive(Debug, PartialEq)]
enum Length {
    Counted(u64),
    Chunked(Chunk),
    ToEnd,
}

/// Where in a chunked body the reader is.
#[derive(Debug, PartialEq)]
enum Chunk {
    Size,
    Data(u64),
    DataEnd,
    Trailer,
}

/// What a step of reading gave.
enum Step {
    NeedMore,
    Again,
    Done(u16, Vec<u8>),
}

impl HttpSession {
    /// A session to `port` of the guest, named `host` in requests.
    pub(crate) fn new(host: &str, port: u16, max_reply_bytes: usize) -> Self {
        Self {
            port,
            host: format!("{host}:{port}"),
            max_reply_bytes,
            queue: VecDeque::new(),
            active: None,
            input: BytesMut::new(),
            output: BytesMut::new(),
            marks: Vec::new(),
            sent: 0,
            received: 0,
            last: false,
            ended: false,
            failure: None,
        }
    }

    pub(crate) fn start(&mut self, id: RequestId, call: HttpCall) {
        self.queue.push_back((id, call));
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        self.input.extend_from_slice(bytes);
    }

    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) fn received_bytes(&self) -> u64 {
        self.received
    }

    pub(crate) fn is_usable(&self) -> bool {
        !self.last && !self.ended && self.failure.is_none()
    }

    /// Is a reply awaited?
    pub(crate) fn is_active(&self) -> bool {
        self.active.is_some()
    }

    /// Takes back the exchanges that were not begun.
    pub(crate) fn take_unsent(&mut self) -> VecDeque<(RequestId, HttpCall)> {
        std::mem::take(&mut self.queue)
    }

    pub(crate) fn unfinished(&self) -> Vec<RequestId> {
        let active = self.active.iter().map(|(id, ..)| *id);
        active.chain(self.queue.iter().map(|(id, _)| *id)).collect()
    }

    pub(crate) fn take_output(&mut self) -> (BytesMut, Vec<Mark>) {
        (self.output.split(), std::mem::take(&mut self.marks))
    }

    pub(crate) fn take_failure(&mut self) -> Option<RequestError> {
        let detail = self.failure.clone()?;
        Some(RequestError::Protocol { port: self.port, protocol: Protocol::Http, detail })
    }

    /// Sends and reads as far as the bytes allow; returns the exchanges that ended.
    pub(crate) fn run(&mut self) -> Vec<Finished> {
        let mut finished = Vec::new();
        while self.failure.is_none() {
            if self.active.is_none() {
                if !self.send_next(&mut finished) {
                    break;
                }
                continue;
            }
            match self.step() {
                Ok(Step::NeedMore) => break,
                Ok(Step::Again) => {}
                Ok(Step::Done(status, body)) => finished.extend(self.finish(status, &body)),
                Err(detail) => finished.extend(self.fail(detail)),
            }
        }
        if self.active.is_none() && !self.input.is_empty() {
            self.failure = Some(format!(
                "{} bytes came that no request asked for: {}",
                self.input.len(),
                excerpt(&self.input)
            ));
        }
        finished
    }

    /// Writes the next request, if there is one and the connection may carry it; one that cannot be
    /// written ends at once.
    fn send_next(&mut self, finished: &mut Vec<Finished>) -> bool {
        if self.last {
            return false;
        }
        let Some((id, call)) = self.queue.pop_front() else { return false };
        let target = format!("{} {}", call.method.as_str(), call.path);
        let visible = |byte: u8| byte.is_ascii_graphic();
        if !call.path.starts_with('/')
            || !call.path.bytes().all(visible)
            || !call.content_type.bytes().all(|byte| visible(byte) || byte == b' ')
        {
            let detail = "it was not sent: the request target must begin with `/` and, like the \
                          content type, hold only visible ASCII characters";
            let error = RequestError::Malformed { target, detail: detail.to_owned() };
            finished.push(Finished { id, result: Err(error), reusable: true });
            return true;
        }
        self.marks.push(Mark { offset: self.sent, id });
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: vswarm-u/{}\r\nAccept: */*\r\n",
            call.method.as_str(),
            call.path,
            self.host,
            env!("CARGO_PKG_VERSION")
        );
        if call.method == HttpMethod::Post {
            head += &format!(
                "Content-Type: {}\r\nContent-Length: {}\r\n",
                call.content_type,
                call.body.len()
            );
        }
        head += "\r\n";
        let before = self.output.len();
        self.output.extend_from_slice(head.as_bytes());
        if call.method == HttpMethod::Post {
            self.output.extend_from_slice(&call.body);
        }
        self.sent += (self.output.len() - before) as u64;
        self.active = Some((id, target, Stage::Head));
        true
    }

    /// Reads one piece of the reply.
    fn step(&mut self) -> Result<Step, String> {
        let limit = self.max_reply_bytes;
        let (_, _, stage) = self.active.as_mut().expect("run() checks it");
        match stage {
            Stage::Head => match read_head(&mut self.input)? {
                None => Ok(Step::NeedMore),
                Some(head) if head.status < 200 => Ok(Step::Again),
                Some(head) => {
                    self.last |= head.last || head.length == Length::ToEnd;
                    *stage =
                        Stage::Body { status: head.status, rest: head.length, body: Vec::new() };
                    Ok(Step::Again)
                }
            },
            Stage::Body { status, rest, body } => {
                let step = read_body(&mut self.input, rest, body, self.ended)?;
                if body.len() > limit {
                    return Err(format!("it is longer than the {limit} bytes allowed for a reply"));
                }
                Ok(match step {
                    BodyStep::NeedMore => Step::NeedMore,
                    BodyStep::Again => Step::Again,
                    BodyStep::End => Step::Done(*status, std::mem::take(body)),
                })
            }
        }
    }

    fn finish(&mut self, status: u16, body: &[u8]) -> Option<Finished> {
        let (id, target, _) = self.active.take()?;
        let result = if (200..300).contains(&status) {
            let text = || Value::String(String::from_utf8_lossy(body).into_owned());
            let value = serde_json::from_slice(body).unwrap_or_else(|_| text());
            let json = json!({"status": status, "body": value});
            Ok(Reply { json, size_bytes: body.len() as u64 })
        } else {
            Err(RequestError::HttpStatus { target, status, body: excerpt(body) })
        };
        Some(Finished { id, result, reusable: !self.last })
    }

    fn fail(&mut self, detail: String) -> Option<Finished> {
        let (id, target, _) = self.active.take()?;
        self.failure = Some(detail.clone());
        self.input.clear();
        let result = Err(RequestError::Malformed { target, detail });
        Some(Finished { id, result, reusable: false })
    }
}

/// What of a response head matters.
struct Head {
    status: u16,
    length: Length,
    /// The connection ends after this reply.
    last: bool,
}

/// Takes the response head off the input once it is complete.
fn read_head(input: &mut BytesMut) -> Result<Option<Head>, String> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(input).map_err(|error| {
        format!("it is no HTTP/1.1 response ({error}); it begins: {}", excerpt(input))
    })?;
    let httparse::Status::Complete(bytes) = parsed else {
        if input.len() > MAX_HEAD_BYTES {
            return Err(format!("its header is longer than {MAX_HEAD_BYTES} bytes"));
        }
        return Ok(None);
    };
    let status = response.code.unwrap_or(0);
    let keeps = response.version == Some(1);
    let mut head = Head { status, length: Length::ToEnd, last: !keeps };
    for field in response.headers.iter() {
        let value = String::from_utf8_lossy(field.value).trim().to_ascii_lowercase();
        match field.name.to_ascii_lowercase().as_str() {
            "content-length" if head.length == Length::ToEnd => {
                let length = value.parse().map_err(|_| format!("its length is `{value}`"))?;
                head.length = Length::Counted(length);
            }
            "transfer-encoding" if value == "chunked" => head.length = Length::Chunked(Chunk::Size),
            "transfer-encoding" => {
                return Err(format!("its transfer encoding `{value}` is unknown"));
            }
            "connection" if value == "close" => head.last = true,
            "connection" if value == "keep-alive" => head.last = false,
            _ => {}
        }
    }
    if matches!(status, 204 | 304) {
        head.length = Length::Counted(0);
    }
    input.advance(bytes);
    Ok(Some(head))
}

enum BodyStep {
    NeedMore,
    Again,
    End,
}

/// Moves body bytes from the input to `body`.
fn read_body(
    input: &mut BytesMut,
    rest: &mut Length,
    body: &mut Vec<u8>,
    ended: bool,
) -> Result<BodyStep, String> {
    match rest {
        Length::Counted(left) => {
            take(input, left, body);
            Ok(if *left == 0 { BodyStep::End } else { BodyStep::NeedMore })
        }
        Length::ToEnd => {
            let mut endless = u64::MAX;
            take(input, &mut endless, body);
            Ok(if ended { BodyStep::End } else { BodyStep::NeedMore })
        }
        Length::Chunked(chunk) => read_chunk(input, chunk, body),
    }
}

/// Moves up to `left` bytes and counts them off.
fn take(input: &mut BytesMut, left: &mut u64, body: &mut Vec<u8>) {
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    body.extend_from_slice(&input[..count]);
    input.advance(count);
    *left -= count as u64;
}

/// One step through a chunked body (RFC 9112 section 7.1).
fn read_chunk(
    input: &mut BytesMut,
    chunk: &mut Chunk,
    body: &mut Vec<u8>,
) -> Result<BodyStep, String> {
    if let Chunk::Data(left) = chunk {
        take(input, left, body);
        if *left > 0 {
            return Ok(BodyStep::NeedMore);
        }
        *chunk = Chunk::DataEnd;
    }
    let Some(end) = input.windows(2).position(|pair| pair == b"\r\n") else {
        return match input.len() > MAX_HEAD_BYTES {
            true => Err("a line of its chunked body never ends".to_owned()),
            false => Ok(BodyStep::NeedMore),
        };
    };
    let line = input.split_to(end + 2);
    let line = String::from_utf8_lossy(&line[..end]).into_owned();
    *chunk = match chunk {
        Chunk::Size => {
            let digits = line.split(';').next().unwrap_or("").trim();
            let size = u64::from_str_radix(digits, 16)
                .map_err(|_| format!("a chunk's size is `{}`", excerpt(digits.as_bytes())))?;
            if size == 0 { Chunk::Trailer } else { Chunk::Data(size) }
        }
        Chunk::DataEnd if line.is_empty() => Chunk::Size,
        Chunk::Trailer if line.is_empty() => return Ok(BodyStep::End),
        Chunk::Trailer => Chunk::Trailer,
        _ => return Err("a chunk is longer than it says".to_owned()),
    };
    Ok(BodyStep::Again)
}

#[cfg(test)]
mod tests;
