//! gRPC client connection: the h2 crate driven by hand on an in-memory pipe.
//!
//! One thread polls the connection and its calls until nothing asks to be polled again; the only
//! things that can wake them are bytes from the guest and our own requests, so the order is the
//! same in every run. h2 reads the host's clock for one purpose, forgetting streams it has
//! reset; here a connection on which a call went wrong is never used again, so the clock's
//! reading has no effect.

mod frames;
mod message;
mod pipe;

use crate::protos::Method;
use crate::request::{GrpcCall, Protocol, Reply, RequestError, RequestId, excerpt};
use crate::session::{Finished, Mark};
use bytes::{Bytes, BytesMut};
use frames::{HEADERS, SETTINGS, Scanner};
use h2::client::{Connection, ResponseFuture, SendRequest};
use http::{HeaderMap, Response};
use pipe::{Pipe, Woken};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Polls without a pause after which the connection is given up: far above what any exchange
/// needs, so only a livelock reaches it.
const MAX_ROUNDS: usize = 100_000;

type Handshake =
    Pin<Box<dyn Future<Output = Result<(SendRequest<Bytes>, Connection<Pipe>), h2::Error>> + Send>>;
type CallFuture = Pin<Box<dyn Future<Output = Result<RawReply, CallError>> + Send>>;

/// One HTTP/2 connection and the calls on it.
pub(crate) struct GrpcSession {
    port: u16,
    authority: String,
    max_reply_bytes: usize,
    pipe: Pipe,
    woken: Arc<Woken>,
    handshake: Option<Handshake>,
    send: Option<SendRequest<Bytes>>,
    connection: Option<Connection<Pipe>>,
    waiting: VecDeque<(RequestId, GrpcCall)>,
    calls: BTreeMap<RequestId, (Method, CallFuture)>,
    streams: BTreeMap<u32, RequestId>,
    sent: Scanner,
    received: Scanner,
    first_bytes: Vec<u8>,
    settled: bool,
    ended: bool,
    failure: Option<String>,
}

/// Headers, body and trailers of a reply.
struct RawReply {
    response: Response<()>,
    body: BytesMut,
    trailers: Option<HeaderMap>,
}

/// What can go wrong while a reply is read.
enum CallError {
    Http2(h2::Error),
    TooLarge(usize),
}

impl From<h2::Error> for CallError {
    fn from(error: h2::Error) -> Self {
        Self::Http2(error)
    }
}

impl GrpcSession {
    /// A session to `port` of the guest, named `host` in requests.
    pub(crate) fn new(host: &str, port: u16, max_reply_bytes: usize) -> Self {
        let pipe = Pipe::default();
        let mut builder = h2::client::Builder::new();
        builder.enable_push(false);
        Self {
            port,
            authority: format!("{host}:{port}"),
            max_reply_bytes,
            handshake: Some(Box::pin(builder.handshake(pipe.clone()))),
            pipe,
            woken: Arc::default(),
            send: None,
            connection: None,
            waiting: VecDeque::new(),
            calls: BTreeMap::new(),
            streams: BTreeMap::new(),
            sent: Scanner::of_client(),
            received: Scanner::of_server(),
            first_bytes: Vec::new(),
            settled: false,
            ended: false,
            failure: None,
        }
    }

    /// Queues a call.
    pub(crate) fn start(&mut self, id: RequestId, call: GrpcCall) {
        self.waiting.push_back((id, call));
    }

    /// Has the server sent its settings? Only then is something that speaks HTTP/2 behind the
    /// port; a proxy in front of a container accepts connections earlier.
    pub(crate) fn is_ready(&self) -> bool {
        self.settled
    }

    /// Takes bytes from the guest.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        let room = 16 - self.first_bytes.len();
        self.first_bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let frames = self.received.feed(bytes);
        self.settled |= frames.iter().any(|frame| frame.kind == SETTINGS);
        self.pipe.receive(bytes);
    }

    /// The guest sends no more.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.pipe.end();
    }

    /// Bytes received so far.
    pub(crate) fn received_bytes(&self) -> u64 {
        self.received.position()
    }

    /// Begins an orderly end: no further calls; h2 says goodbye (GOAWAY) when the last has ended.
    pub(crate) fn close(&mut self) {
        self.send = None;
    }

    /// May further calls be started?
    pub(crate) fn is_usable(&self) -> bool {
        self.failure.is_none() && !self.ended
    }

    /// The calls that have neither a reply nor an error.
    pub(crate) fn unfinished(&self) -> Vec<RequestId> {
        self.waiting.iter().map(|(id, _)| *id).chain(self.calls.keys().copied()).collect()
    }

    /// Bytes to send, and where in them requests begin.
    pub(crate) fn take_output(&mut self) -> (BytesMut, Vec<Mark>) {
        let bytes = self.pipe.take_outward();
        let mut marks = Vec::new();
        for frame in self.sent.feed(&bytes) {
            if frame.kind == HEADERS
                && let Some(id) = self.streams.remove(&frame.stream)
            {
                marks.push(Mark { offset: frame.offset, id });
            }
        }
        (bytes, marks)
    }

    /// Polls everything until it rests; returns the calls that ended.
    pub(crate) fn run(&mut self) -> Vec<Finished> {
        let waker = Waker::from(self.woken.clone());
        let mut cx = Context::from_waker(&waker);
        let mut finished = Vec::new();
        for _ in 0..MAX_ROUNDS {
            self.woken.take();
            let mut progress = self.poll_handshake(&mut cx);
            progress |= self.start_waiting(&mut cx, &mut finished);
            self.poll_connection(&mut cx);
            progress |= self.poll_calls(&mut cx, &mut finished);
            if !progress && !self.woken.take() {
                return finished;
            }
        }
        self.failure.get_or_insert("the HTTP/2 connection does not come to rest".to_owned());
        finished
    }

    /// Fails what is unfinished after the connection itself has failed.
    pub(crate) fn take_failure(&mut self) -> Option<RequestError> {
        let detail = self.failure.clone()?;
        Some(RequestError::Protocol {
            port: self.port,
            protocol: Protocol::Grpc,
            detail: self.explain(detail),
        })
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(handshake) = &mut self.handshake else { return false };
        let Poll::Ready(result) = handshake.as_mut().poll(cx) else { return false };
        self.handshake = None;
        match result {
            Ok((send, connection)) => {
                self.send = Some(send);
                self.connection = Some(connection);
            }
            Err(error) => self.failure = Some(error.to_string()),
        }
        true
    }

    fn poll_connection(&mut self, cx: &mut Context<'_>) {
        let Some(connection) = &mut self.connection else { return };
        if let Poll::Ready(result) = Pin::new(connection).poll(cx) {
            self.connection = None;
            // After the end of the stream this says nothing that TCP does not say better, unless the
            // server never spoke HTTP/2.
            if self.ended && (self.settled || self.first_bytes.is_empty()) {
                return;
            }
            let text = match result {
                Ok(()) => "the server ended the HTTP/2 connection (GOAWAY)".to_owned(),
                Err(error) => error.to_string(),
            };
            self.failure = Some(text);
        }
    }

    /// Starts waiting calls as the server's limit on concurrent streams allows.
    fn start_waiting(&mut self, cx: &mut Context<'_>, finished: &mut Vec<Finished>) -> bool {
        let mut progress = false;
        while let Some(send) = self.send.as_mut().filter(|_| !self.waiting.is_empty()) {
            let Poll::Ready(ready) = send.poll_ready(cx) else { break };
            let Some((id, call)) = self.waiting.pop_front() else { break };
            progress = true;
            let started = ready.and_then(|()| open_stream(send, &self.authority, &call));
            match started {
                Ok(response) => {
                    self.streams.insert(response.stream_id().as_u32(), id);
                    let future = Box::pin(collect(response, self.max_reply_bytes));
                    self.calls.insert(id, (call.method, future));
                }
                Err(error) => finished.push(self.failed(id, &call.method, error.into())),
            }
        }
        progress
    }

    fn poll_calls(&mut self, cx: &mut Context<'_>, finished: &mut Vec<Finished>) -> bool {
        let mut ready = Vec::new();
        for (id, (_, future)) in &mut self.calls {
            if let Poll::Ready(result) = future.as_mut().poll(cx) {
                ready.push((*id, result));
            }
        }
        let progress = !ready.is_empty();
        for (id, result) in ready {
            // A connection that ended under a call is explained by TCP, not by HTTP/2's view of it.
            if self.ended && matches!(result, Err(CallError::Http2(_))) {
                let (method, _) = self.calls.remove(&id).expect("it was just polled");
                self.calls.insert(id, (method, Box::pin(std::future::pending())));
                continue;
            }
            let (method, _) = self.calls.remove(&id).expect("it was just polled");
            finished.push(match result {
                Ok(raw) => judge(id, &method, raw),
                Err(error) => self.failed(id, &method, error),
            });
        }
        progress
    }

    fn failed(&self, id: RequestId, method: &Method, error: CallError) -> Finished {
        let target = method.full_name();
        let error = match error {
            CallError::TooLarge(limit) => RequestError::Malformed {
                target,
                detail: format!("it is longer than the {limit} bytes allowed for a reply"),
            },
            CallError::Http2(error) if error.is_reset() && error.is_remote() => {
                RequestError::Malformed { target, detail: format!("the server gave up: {error}") }
            }
            CallError::Http2(error) => RequestError::Protocol {
                port: self.port,
                protocol: Protocol::Grpc,
                detail: self.explain(error.to_string()),
            },
        };
        Finished { id, result: Err(error), reusable: false }
    }

    /// Adds what the first bytes of the server say about its protocol.
    fn explain(&self, detail: String) -> String {
        if self.first_bytes.starts_with(b"HTTP/1") {
            format!(
                "{detail}; the server speaks HTTP/1.1: is its protocol declared as gRPC by mistake?"
            )
        } else if !self.settled && !self.first_bytes.is_empty() {
            format!(
                "{detail}; the server's first bytes are no HTTP/2: {:?}",
                String::from_utf8_lossy(&self.first_bytes)
            )
        } else {
            detail
        }
    }
}

/// Sends the request of a call.
fn open_stream(
    send: &mut SendRequest<Bytes>,
    authority: &str,
    call: &GrpcCall,
) -> Result<ResponseFuture, h2::Error> {
    let request = http::Request::post(format!("http://{authority}{}", call.method.path()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", concat!("vswarm-u/", env!("CARGO_PKG_VERSION")))
        .body(())
        .expect("address, port and identifiers of a compiled schema make a valid URI");
    let (response, mut body) = send.send_request(request, false)?;
    body.send_data(message::frame(&call.message).into(), true)?;
    Ok(response)
}

/// Reads a reply to its end.
async fn collect(response: ResponseFuture, limit: usize) -> Result<RawReply, CallError> {
    let (parts, mut stream) = response.await?.into_parts();
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > limit {
            return Err(CallError::TooLarge(limit));
        }
        stream.flow_control().release_capacity(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    let trailers = stream.trailers().await?;
    Ok(RawReply { response: Response::from_parts(parts, ()), body, trailers })
}

/// Turns a complete HTTP/2 response into a reply or says what is wrong with it.
fn judge(id: RequestId, method: &Method, raw: RawReply) -> Finished {
    Finished { id, result: judge_reply(method, &raw), reusable: true }
}

fn judge_reply(method: &Method, raw: &RawReply) -> Result<Reply, RequestError> {
    let target = method.full_name();
    let headers = raw.response.headers();
    let http_status = raw.response.status().as_u16();
    let content_type = headers.get("content-type").map_or(&b""[..], |value| value.as_bytes());
    let is_grpc = content_type.starts_with(b"application/grpc");
    if http_status != 200 {
        let body = excerpt(&raw.body);
        return Err(RequestError::HttpStatus { target, status: http_status, body });
    }
    let malformed = |detail: String| RequestError::Malformed { target: target.clone(), detail };
    if !is_grpc {
        return Err(malformed(format!(
            "its content type is `{}` instead of application/grpc; is a gRPC server behind this \
             port? The body begins: {}",
            excerpt(content_type),
            excerpt(&raw.body)
        )));
    }
    // A reply without a body carries its status in the only header block there is.
    let (code, text) = raw
        .trailers
        .as_ref()
        .and_then(message::status)
        .or_else(|| message::status(headers))
        .ok_or_else(|| malformed("it ends without a readable grpc-status".to_owned()))?;
    if code != 0 {
        let name = message::status_name(code);
        return Err(RequestError::Status { method: target, code, name, message: text });
    }
    let bytes = message::unframe(&raw.body).map_err(&malformed)?;
    let json = method.decode_reply(bytes).map_err(&malformed)?;
    Ok(Reply { json, size_bytes: bytes.len() as u64 })
}

impl std::fmt::Debug for GrpcSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GrpcSession")
            .field("authority", &self.authority)
            .field("settled", &self.settled)
            .field("unfinished", &self.unfinished())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
