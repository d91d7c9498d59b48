//! One client connection: a TCP socket, the protocol on it, and where requests begin in its bytes.

use crate::net::{Segment, Stack};
use crate::request::{Protocol, RequestError, RequestId};
use crate::session::{Finished, Mark, Session};
use bytes::{Buf, BytesMut};
use sim::Picos;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;
use std::collections::VecDeque;

/// A guest port and what is spoken there.
pub(super) type Target = (u16, Protocol);

/// What became of a connection.
#[derive(Debug)]
pub(super) enum Health {
    /// It goes on.
    Alive,
    /// It has ended in good order, ours or the guest's.
    Over,
    /// It has failed; the error is that of everything unfinished on it.
    Failed(RequestError),
}

/// A connection to the guest.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) handle: SocketHandle,
    pub(super) session: Session,
    pub(super) attempted_at: Picos,
    target: Target,
    local_port: u16,
    established: bool,
    announced: bool,
    /// The sequence number of the stream's first byte, known once the SYN was sent.
    base: Option<u32>,
    marks: VecDeque<Mark>,
    unsent: BytesMut,
}

impl Connection {
    /// A connection whose socket has just begun to connect.
    pub(super) fn new(
        handle: SocketHandle,
        target: Target,
        local_port: u16,
        session: Session,
        now: Picos,
    ) -> Self {
        Self {
            handle,
            session,
            attempted_at: now,
            target,
            local_port,
            established: false,
            announced: false,
            base: None,
            marks: VecDeque::new(),
            unsent: BytesMut::new(),
        }
    }

    /// Has its owner been told of it?
    pub(super) fn was_ready(&self) -> bool {
        self.announced
    }

    /// Has the guest accepted the connection?
    pub(super) fn is_established(&self) -> bool {
        self.established
    }

    /// True once, when the connection and the server behind it have shown themselves.
    pub(super) fn becomes_ready(&mut self) -> bool {
        let first = !self.announced && self.established && self.session.is_ready();
        self.announced |= first;
        first
    }

    /// Moves bytes from the socket through the session and back; returns the requests that ended.
    pub(super) fn pump(&mut self, stack: &mut Stack) -> Vec<Finished> {
        let socket = stack.socket(self.handle);
        self.established |= socket.may_send();
        while socket.can_recv() {
            let session = &mut self.session;
            // The closure consumes everything, so the loop ends.
            if socket.recv(|bytes| (bytes.len(), session.receive(bytes))).is_err() {
                break;
            }
        }
        if matches!(socket.state(), State::CloseWait | State::Closed) && self.established {
            self.session.end();
        }
        let finished = self.session.run();
        self.flush(stack);
        finished
    }

    /// Hands what the session wants to send to the socket, as far as it has room.
    pub(super) fn flush(&mut self, stack: &mut Stack) {
        let (bytes, marks) = self.session.take_output();
        self.unsent.unsplit(bytes);
        self.marks.extend(marks);
        let socket = stack.socket(self.handle);
        while socket.can_send() && !self.unsent.is_empty() {
            match socket.send_slice(&self.unsent) {
                Ok(count) if count > 0 => self.unsent.advance(count),
                _ => break,
            }
        }
    }

    /// Looks at socket and session after a [`Connection::pump`].
    pub(super) fn health(&mut self, stack: &mut Stack) -> Health {
        let (port, _) = self.target;
        let busy = self.session.is_active();
        if let Some(error) = self.session.take_failure().filter(|_| busy) {
            return Health::Failed(error);
        }
        match stack.socket(self.handle).state() {
            State::Closed if !self.established => Health::Failed(RequestError::Refused { port }),
            State::Closed if busy => {
                Health::Failed(RequestError::Reset { port, while_doing: self.while_doing() })
            }
            State::CloseWait if busy => Health::Failed(RequestError::Closed {
                port,
                while_doing: self.while_doing(),
                received: self.session.received_bytes(),
            }),
            State::Closed | State::CloseWait => Health::Over,
            _ if !busy && !self.session.is_usable() => Health::Over,
            _ => Health::Alive,
        }
    }

    /// What is under way, for messages.
    pub(super) fn while_doing(&self) -> &'static str {
        if !self.established {
            "the guest has not accepted the connection"
        } else if !self.session.is_ready() {
            "before the server sent its HTTP/2 settings"
        } else if !self.marks.is_empty() {
            "before the request was sent"
        } else {
            "after the request was sent, before the reply was complete"
        }
    }

    /// Notes a frame on its way to the guest; returns the requests whose first byte it carries for
    /// the first time.
    pub(super) fn note_sent(&mut self, segment: &Segment) -> Vec<RequestId> {
        if segment.source != self.local_port || segment.destination != self.target.0 {
            return Vec::new();
        }
        if segment.syn {
            self.base = Some(segment.sequence.wrapping_add(1));
        }
        let Some(base) = self.base else { return Vec::new() };
        let offset = segment.sequence.wrapping_sub(base);
        // Sequence numbers wrap at 32 bits, and so does this comparison.
        let carried = |mark: &Mark| {
            ((mark.offset & 0xffff_ffff) as u32).wrapping_sub(offset) < segment.bytes as u32
        };
        let mut opened = Vec::new();
        while self.marks.front().is_some_and(carried) {
            opened.extend(self.marks.pop_front().map(|mark| mark.id));
        }
        opened
    }
}
