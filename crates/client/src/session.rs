//! What a connection's protocol does with its bytes, whichever protocol it is.

use crate::grpc::GrpcSession;
use crate::http1::HttpSession;
use crate::request::{Call, Protocol, Reply, RequestError, RequestId};
use bytes::BytesMut;

/// Where in the bytes a session sends a request begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Offset of the request's first byte, counted from the connection's first.
    pub(crate) offset: u64,
    /// The request.
    pub(crate) id: RequestId,
}

/// A request that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) id: RequestId,
    pub(crate) result: Result<Reply, RequestError>,
    /// May the connection serve the next request?
    pub(crate) reusable: bool,
}

/// The protocol state of one client connection.
#[derive(Debug)]
pub(crate) enum Session {
    Grpc(Box<GrpcSession>),
    Http(Box<HttpSession>),
}

/// Calls the same method of whichever session it is.
macro_rules! each {
    ($self:expr, $session:ident => $call:expr) => {
        match $self {
            Session::Grpc($session) => $call,
            Session::Http($session) => $call,
        }
    };
}

impl Session {
    /// A fresh session of `protocol` with `port` of the guest at `host`.
    pub(crate) fn new(protocol: Protocol, host: &str, port: u16, max_reply_bytes: usize) -> Self {
        match protocol {
            Protocol::Grpc => Self::Grpc(Box::new(GrpcSession::new(host, port, max_reply_bytes))),
            Protocol::Http => Self::Http(Box::new(HttpSession::new(host, port, max_reply_bytes))),
        }
    }

    /// Queues a call; it must be of this session's protocol.
    pub(crate) fn start(&mut self, id: RequestId, call: Call) {
        match (self, call) {
            (Self::Grpc(session), Call::Grpc(call)) => session.start(id, call),
            (Self::Http(session), Call::Http(call)) => session.start(id, call),
            _ => unreachable!("connections are looked up by the call's protocol"),
        }
    }

    /// Has the server shown that it is there, given that TCP is connected?
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::Grpc(session) => session.is_ready(),
            Self::Http(_) => true,
        }
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        each!(self, session => session.receive(bytes));
    }

    /// The guest sends no more on this connection.
    pub(crate) fn end(&mut self) {
        each!(self, session => session.end());
    }

    pub(crate) fn received_bytes(&self) -> u64 {
        each!(self, session => session.received_bytes())
    }

    /// Begins an orderly end.
    pub(crate) fn close(&mut self) {
        if let Self::Grpc(session) = self {
            session.close();
        }
    }

    pub(crate) fn is_usable(&self) -> bool {
        each!(self, session => session.is_usable())
    }

    /// Is a reply awaited?
    pub(crate) fn is_active(&self) -> bool {
        match self {
            Self::Grpc(session) => !session.unfinished().is_empty(),
            Self::Http(session) => session.is_active(),
        }
    }

    /// Takes back the requests that another connection can serve as well, because nothing of them was
    /// sent.
    pub(crate) fn take_unsent(&mut self) -> Vec<(RequestId, Call)> {
        match self {
            Self::Grpc(_) => Vec::new(),
            Self::Http(session) => {
                session.take_unsent().into_iter().map(|(id, call)| (id, Call::Http(call))).collect()
            }
        }
    }

    pub(crate) fn unfinished(&self) -> Vec<RequestId> {
        each!(self, session => session.unfinished())
    }

    pub(crate) fn take_output(&mut self) -> (BytesMut, Vec<Mark>) {
        each!(self, session => session.take_output())
    }

    /// Works until there is nothing to do; returns the requests that ended.
    pub(crate) fn run(&mut self) -> Vec<Finished> {
        each!(self, session => session.run())
    }

    /// The error of a session that cannot go on, for everything unfinished on it.
    pub(crate) fn take_failure(&mut self) -> Option<RequestError> {
        each!(self, session => session.take_failure())
    }
}
