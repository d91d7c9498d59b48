//! One HTTP/1.1 connection of the registry: bytes in, answers out, kept alive.

use super::answer::{Answer, Question, answer};
use super::{Blob, Registry, RegistryError};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// A request head longer than this is refused.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// More header fields than this are refused.
const MAX_HEADERS: usize = 100;
/// Requests read ahead of the answers being sent.
const MAX_QUEUED: usize = 4;

/// An answer on its way out.
#[derive(Debug)]
enum Output {
    Bytes(Bytes),
    File { file: File, path: std::path::PathBuf, position: u64, left: u64 },
}

/// One served request, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// Method and target.
    pub(crate) request: String,
    pub(crate) status: u16,
    /// Bytes of the body.
    pub(crate) bytes: u64,
}

/// The state of a connection.
#[derive(Debug, Default)]
pub(crate) struct RegistryConnection {
    input: BytesMut,
    output: VecDeque<Output>,
    last: bool,
}

impl RegistryConnection {
    /// Takes bytes from the guest and answers the requests that are complete.
    pub(crate) fn receive(
        &mut self,
        registry: &Registry,
        bytes: &[u8],
    ) -> Vec<Result<Served, RegistryError>> {
        if !self.last {
            self.input.extend_from_slice(bytes);
        }
        self.work(registry)
    }

    /// May more bytes come? Not while requests pile up that the guest does not read the answers of.
    pub(crate) fn wants_input(&self) -> bool {
        self.last || self.input.len() <= MAX_HEAD_BYTES
    }

    /// Answers further requests if answers sent meanwhile made room for them.
    pub(crate) fn work(&mut self, registry: &Registry) -> Vec<Result<Served, RegistryError>> {
        let mut served = Vec::new();
        while !self.last && self.output.len() < 2 * MAX_QUEUED {
            let question = match read_request(&mut self.input) {
                Reading::Incomplete => break,
                Reading::Request(question, last) => {
                    self.last |= last;
                    question
                }
                Reading::Broken(refusal) => {
                    self.last = true;
                    let text = "(no HTTP request)".to_owned();
                    served.push(self.send(&text, *refusal, true));
                    break;
                }
            };
            let line = format!("{} {}", question.method, question.target);
            let with_body = question.method != "HEAD";
            served.push(self.send(&line, answer(registry, &question), with_body));
        }
        served
    }

    /// After the answers so far the connection ends.
    pub(crate) fn finish(&mut self) {
        self.last = true;
    }

    /// Has everything been sent that will be?
    pub(crate) fn is_done(&self) -> bool {
        self.last && self.output.is_empty()
    }

    /// Is there nothing to send at the moment?
    pub(crate) fn is_idle(&self) -> bool {
        self.output.is_empty()
    }

    /// Fills `space` with what comes next; returns how many bytes.
    pub(crate) fn fill(&mut self, space: &mut [u8]) -> Result<usize, RegistryError> {
        let mut filled = 0;
        while filled < space.len() {
            let Some(front) = self.output.front_mut() else { break };
            let room = &mut space[filled..];
            match front {
                Output::Bytes(bytes) => {
                    let count = bytes.len().min(room.len());
                    room[..count].copy_from_slice(&bytes[..count]);
                    bytes.advance(count);
                    filled += count;
                    if bytes.is_empty() {
                        self.output.pop_front();
                    }
                }
                Output::File { file, path, position, left } => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(room.len());
                    file.read_exact_at(&mut room[..count], *position)
                        .map_err(|source| RegistryError::Io { path: path.clone(), source })?;
                    *position += count as u64;
                    *left -= count as u64;
                    filled += count;
                    if *left == 0 {
                        self.output.pop_front();
                    }
                }
            }
        }
        Ok(filled)
    }

    /// Queues an answer. A file that cannot be opened becomes status 500 and an error for the log.
    fn send(
        &mut self,
        request: &str,
        answer: Answer,
        with_body: bool,
    ) -> Result<Served, RegistryError> {
        let mut failure = None;
        let (answer, body) = match body_of(&answer) {
            Ok(body) => (answer, body),
            Err(error) => {
                let text = "the blob cannot be read";
                failure = Some(error);
                let answer = Answer::error(500, "UNKNOWN", text);
                let body = body_of(&answer).ok().flatten();
                (answer, body)
            }
        };
        let bytes = answer.part.end - answer.part.start;
        self.output.push_back(Output::Bytes(head_of(&answer, bytes, self.last).into()));
        if with_body {
            self.output.extend(body);
        }
        let served = Served {
            request: request.to_owned(),
            status: answer.status,
            bytes: if with_body { bytes } else { 0 },
        };
        failure.map_or(Ok(served), Err)
    }
}

fn body_of(answer: &Answer) -> Result<Option<Output>, RegistryError> {
    let (start, left) = (answer.part.start, answer.part.end - answer.part.start);
    if left == 0 {
        return Ok(None);
    }
    Ok(Some(match &answer.body {
        Blob::Bytes(bytes) => Output::Bytes(bytes.slice(start as usize..(start + left) as usize)),
        Blob::File { path, .. } => {
            let fail = |source| RegistryError::Io { path: path.clone(), source };
            let file = File::open(path).map_err(fail)?;
            Output::File { file, path: path.clone(), position: start, left }
        }
    }))
}

/// Status line and headers. No `Date`: there is no clock that would say it.
fn head_of(answer: &Answer, bytes: u64, last: bool) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {} {}\r\nContent-Length: {bytes}\r\nDocker-Distribution-Api-Version: \
         registry/2.0\r\n",
        answer.status,
        answer.reason()
    );
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if last {
        head += "Connection: close\r\n";
    }
    head += "\r\n";
    head.into_bytes()
}

/// What the input holds.
enum Reading {
    Incomplete,
    /// A request, and whether the connection ends after its answer.
    Request(Question, bool),
    Broken(Box<Answer>),
}

/// Takes one request head off the input.
fn read_request(input: &mut BytesMut) -> Reading {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut fields);
    let bytes = match request.parse(input) {
        Ok(httparse::Status::Complete(bytes)) => bytes,
        Ok(httparse::Status::Partial) if input.len() <= MAX_HEAD_BYTES => {
            return Reading::Incomplete;
        }
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            let refusal = Answer::error(431, "UNSUPPORTED", "the request's header is too long");
            return Reading::Broken(Box::new(refusal));
        }
        // A container engine that tries TLS first arrives here, and falls back when it sees HTTP.
        Err(_) => {
            let text = "this registry speaks plain HTTP/1.1; list it under insecure-registries";
            return Reading::Broken(Box::new(Answer::error(400, "UNSUPPORTED", text)));
        }
    };
    let mut question = Question {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        range: None,
    };
    let mut last = request.version != Some(1);
    for field in request.headers.iter() {
        let value = String::from_utf8_lossy(field.value).trim().to_ascii_lowercase();
        match field.name.to_ascii_lowercase().as_str() {
            "range" => question.range = Some(value),
            "connection" if value == "close" => last = true,
            "connection" if value == "keep-alive" => last = false,
            // No endpoint takes a body, so it is not read and the connection cannot go on.
            "content-length" if value != "0" => last = true,
            "transfer-encoding" => last = true,
            _ => {}
        }
    }
    input.advance(bytes);
    Reading::Request(question, last)
}
