//! A gRPC server for tests: the server side of h2 on an in-memory stream.

use super::guest::{Service, Wish};
use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use http::{HeaderMap, Request, Response};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// What the server answers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub http_status: u16,
    pub content_type: &'static str,
    /// The body as it is, prefix and all.
    pub body: Vec<u8>,
    /// `grpc-status` and `grpc-message`; without them there are no trailers.
    pub status: Option<(&'static str, &'static str)>,
    /// Send the status in the only header block.
    pub trailers_only: bool,
    /// Leave the reply unfinished and close or reset the connection.
    pub vanish: Option<Vanish>,
    /// Reset the stream in place of an answer.
    pub reset_stream: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vanish {
    Close,
    Abort,
    Hang,
}

impl Answer {
    pub fn good(message: &[u8]) -> Self {
        let mut body = vec![0];
        body.extend((message.len() as u32).to_be_bytes());
        body.extend(message);
        Self {
            http_status: 200,
            content_type: "application/grpc",
            body,
            status: Some(("0", "")),
            trailers_only: false,
            vanish: None,
            reset_stream: false,
        }
    }
}

pub type Handler = Arc<dyn Fn(&str, &[u8]) -> Answer>;
type Task = Pin<Box<dyn Future<Output = Option<Vanish>>>>;
type Handshake = Pin<Box<dyn Future<Output = Result<Connection<DuplexStream, Bytes>, h2::Error>>>>;

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub struct GrpcServer {
    handler: Handler,
    outer: DuplexStream,
    handshake: Option<Handshake>,
    connection: Option<Connection<DuplexStream, Bytes>>,
    tasks: Vec<Task>,
    vanish: Option<Vanish>,
    woken: Arc<Woken>,
}

impl GrpcServer {
    pub fn new(handler: Handler) -> Self {
        let (outer, inner) = tokio::io::duplex(8 << 20);
        Self {
            handler,
            outer,
            handshake: Some(Box::pin(h2::server::handshake(inner))),
            connection: None,
            tasks: Vec::new(),
            vanish: None,
            woken: Arc::default(),
        }
    }

    pub fn factory(
        handler: impl Fn(&str, &[u8]) -> Answer + 'static,
    ) -> Box<dyn FnMut() -> Box<dyn Service>> {
        let handler: Handler = Arc::new(handler);
        Box::new(move || Box::new(Self::new(handler.clone())))
    }

    fn poll_once(&mut self, cx: &mut Context<'_>) {
        if let Some(handshake) = &mut self.handshake
            && let Poll::Ready(result) = handshake.as_mut().poll(cx)
        {
            self.handshake = None;
            self.connection = result.ok();
        }
        if let Some(connection) = &mut self.connection {
            while let Poll::Ready(Some(Ok((request, respond)))) = connection.poll_accept(cx) {
                self.tasks.push(Box::pin(serve(request, respond, self.handler.clone())));
            }
        }
        let mut index = 0;
        while index < self.tasks.len() {
            match self.tasks[index].as_mut().poll(cx) {
                Poll::Ready(vanish) => {
                    self.vanish = self.vanish.or(vanish);
                    drop(self.tasks.remove(index));
                    self.woken.0.store(true, Ordering::Relaxed);
                }
                Poll::Pending => index += 1,
            }
        }
    }
}

impl Service for GrpcServer {
    fn work(&mut self, received: &[u8], ended: bool) -> Wish {
        let waker = Waker::from(self.woken.clone());
        let mut cx = Context::from_waker(&waker);
        if !received.is_empty() {
            let written = Pin::new(&mut self.outer).poll_write(&mut cx, received);
            if let Poll::Ready(Ok(count)) = written {
                assert_eq!(count, received.len());
            }
        }
        loop {
            self.woken.0.store(false, Ordering::Relaxed);
            self.poll_once(&mut cx);
            if !self.woken.0.load(Ordering::Relaxed) {
                break;
            }
        }
        let mut send = Vec::new();
        let mut space = vec![0; 1 << 16];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            let read = Pin::new(&mut self.outer).poll_read(&mut cx, &mut buffer);
            if !matches!(read, Poll::Ready(Ok(()))) || buffer.filled().is_empty() {
                break;
            }
            send.extend_from_slice(buffer.filled());
        }
        let close = ended || self.vanish == Some(Vanish::Close);
        Wish { send, close, abort: self.vanish == Some(Vanish::Abort) }
    }
}

async fn serve(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    handler: Handler,
) -> Option<Vanish> {
    let (parts, mut body) = request.into_parts();
    let mut message = Vec::new();
    while let Some(Ok(chunk)) = body.data().await {
        body.flow_control().release_capacity(chunk.len()).expect("it was received");
        message.extend_from_slice(&chunk);
    }
    let argument = message.get(5..).unwrap_or_default();
    let answer = handler(parts.uri.path(), argument);
    if answer.vanish == Some(Vanish::Hang) {
        std::future::pending::<()>().await;
    }
    if answer.reset_stream {
        respond.send_reset(h2::Reason::INTERNAL_ERROR);
        return None;
    }
    let mut response = Response::builder().status(answer.http_status);
    response = response.header("content-type", answer.content_type);
    let status = answer.status.filter(|_| answer.trailers_only);
    if let Some((code, text)) = status {
        response = response.header("grpc-status", code).header("grpc-message", text);
    }
    let response = response.body(()).expect("a response");
    let mut stream = respond.send_response(response, answer.trailers_only).expect("it is open");
    if answer.trailers_only {
        return None;
    }
    let ends = answer.status.is_none() && answer.vanish.is_none();
    stream.send_data(answer.body.into(), ends).expect("it is open");
    if answer.vanish.is_some() {
        // Lets the connection send what there is before it goes.
        tokio::task::yield_now().await;
        std::mem::forget(stream);
        return answer.vanish;
    }
    if let Some((code, text)) = answer.status {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", code.parse().expect("a value"));
        trailers.insert("grpc-message", text.parse().expect("a value"));
        stream.send_trailers(trailers).expect("it is open");
    }
    None
}
