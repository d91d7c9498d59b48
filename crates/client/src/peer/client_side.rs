//! The load generator's side: requests, the connections they use, and their deadlines.

use super::config::PeerConfig;
use super::connection::{Connection, Health, Target};
use super::event::PeerEvent;
use crate::net::{Buffers, Segment, Stack};
use crate::request::{Call, Request, RequestError, RequestId};
use crate::session::{Finished, Session};
use sim::Picos;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Room for large replies without a full window, and for requests of the usual size.
const BUFFERS: Buffers = Buffers { receive_bytes: 256 << 10, send_bytes: 64 << 10 };
/// How long an orderly end may take before the connection is reset.
const CLOSE_PATIENCE: Picos = Picos::from_secs(1);
/// How long a connection attempt of `wait_ready` may stay unanswered before a new one replaces it;
/// TCP itself would repeat its SYN ever more rarely.
const ATTEMPT_PATIENCE: Picos = Picos::from_secs(1);

/// A request under way.
#[derive(Debug)]
struct Pending {
    target: Target,
    timeout: Picos,
    deadline: Picos,
    started_at: Option<Picos>,
}

/// A port that is waited for.
#[derive(Debug)]
struct Waiter {
    every: Picos,
    limit: Picos,
    deadline: Picos,
    next_attempt: Picos,
    last_error: Option<RequestError>,
}

/// A connection that no longer serves requests but has not ended.
#[derive(Debug)]
struct Closing {
    handle: SocketHandle,
    give_up_at: Picos,
}

/// Requests and connections of the load generator.
#[derive(Debug)]
pub(super) struct Clients {
    config: PeerConfig,
    connections: BTreeMap<Target, Connection>,
    closing: Vec<Closing>,
    waiters: BTreeMap<Target, Waiter>,
    pending: BTreeMap<RequestId, Pending>,
    scheduled: BTreeMap<(Picos, RequestId), Request>,
    ports_used: u64,
    next_id: u64,
    pub(super) events: Vec<PeerEvent>,
}

impl Clients {
    pub(super) fn new(config: PeerConfig) -> Self {
        Self {
            config,
            connections: BTreeMap::new(),
            closing: Vec::new(),
            waiters: BTreeMap::new(),
            pending: BTreeMap::new(),
            scheduled: BTreeMap::new(),
            ports_used: 0,
            next_id: 0,
            events: Vec::new(),
        }
    }

    /// Schedules a request.
    pub(super) fn submit(&mut self, at: Picos, request: Request) -> RequestId {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.scheduled.insert((at, id), request);
        id
    }

    /// Begins to wait for a port.
    pub(super) fn wait_ready(&mut self, target: Target, every: Picos, now: Picos, limit: Picos) {
        let waiter = Waiter {
            every: every.max(Picos::from_micros(1)),
            limit,
            deadline: now.saturating_add(limit),
            next_attempt: now,
            last_error: None,
        };
        self.waiters.insert(target, waiter);
    }

    /// When a deadline or schedule next needs attention.
    pub(super) fn next_timer(&self) -> Option<Picos> {
        let scheduled = self.scheduled.first_key_value().map(|((at, _), _)| *at);
        let pending = self.pending.values().map(|pending| pending.deadline);
        let closing = self.closing.iter().map(|closing| closing.give_up_at);
        let waiting = self.waiters.iter().map(|(target, waiter)| {
            let connection = self.connections.get(target);
            let wakes = connection.map_or(waiter.next_attempt, |connection| {
                if connection.is_established() {
                    Picos::NEVER
                } else {
                    connection.attempted_at.saturating_add(ATTEMPT_PATIENCE)
                }
            });
            wakes.min(waiter.deadline)
        });
        let all = scheduled.into_iter().chain(pending).chain(closing).chain(waiting);
        all.min().filter(|at| *at < Picos::NEVER)
    }

    /// Does everything that is due: starts requests, ends those out of time, tries to connect.
    pub(super) fn on_time(&mut self, stack: &mut Stack, now: Picos) {
        self.expire_requests(stack, now);
        while let Some(entry) = self.scheduled.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, id), request) = entry.remove_entry();
            self.start(stack, now, at, id, request);
        }
        let due: Vec<Target> = self.waiters.keys().copied().collect();
        for target in due {
            self.attend_waiter(stack, target, now);
        }
        self.closing.retain(|closing| {
            let socket = stack.socket(closing.handle);
            if closing.give_up_at <= now && socket.state() != State::TimeWait {
                socket.abort();
            }
            true
        });
    }

    /// Moves bytes through every connection. `frame_sent_at` is when the frame being processed left
    /// the guest.
    pub(super) fn pump(&mut self, stack: &mut Stack, now: Picos, frame_sent_at: Picos) {
        let targets: Vec<Target> = self.connections.keys().copied().collect();
        for target in targets {
            self.pump_one(stack, target, now, frame_sent_at);
        }
    }

    /// Forgets the sockets of ended connections; call after everything has been sent.
    pub(super) fn reap(&mut self, stack: &mut Stack) {
        self.closing.retain(|closing| {
            let over = stack.socket(closing.handle).state() == State::Closed;
            if over {
                stack.remove(closing.handle);
            }
            !over
        });
        for closing in &mut self.closing {
            if stack.socket(closing.handle).state() == State::TimeWait {
                closing.give_up_at = Picos::NEVER;
            }
        }
    }

    /// Notes a frame that reaches the guest at `arrival`; returns the request it opens.
    pub(super) fn note_sent(&mut self, frame: &[u8], arrival: Picos) -> Option<RequestId> {
        let segment = Segment::of(frame)?;
        let opened: Vec<RequestId> = self
            .connections
            .values_mut()
            .flat_map(|connection| connection.note_sent(&segment))
            .collect();
        for id in &opened {
            if let Some(pending) = self.pending.get_mut(id) {
                pending.started_at = Some(arrival);
            }
        }
        opened.first().copied()
    }

    /// Fails what is unfinished and ends every connection in good order.
    pub(super) fn close(&mut self, stack: &mut Stack, now: Picos) {
        self.waiters.clear();
        self.scheduled.keys().for_each(|(_, id)| {
            self.events.push(PeerEvent::Failed {
                id: *id,
                error: RequestError::PeerClosed,
                at: now,
            });
        });
        self.scheduled.clear();
        let targets: Vec<Target> = self.connections.keys().copied().collect();
        for target in targets {
            let connection = &self.connections[&target];
            if connection.session.unfinished().is_empty() && connection.is_established() {
                self.close_connection(stack, target, now);
            } else {
                self.fail_connection(stack, target, &RequestError::PeerClosed, now);
            }
        }
    }

    /// Is there no request, and no connection but those in TIME-WAIT?
    pub(super) fn is_quiet(&self, stack: &Stack) -> bool {
        self.pending.is_empty()
            && self.scheduled.is_empty()
            && self.waiters.is_empty()
            && self.connections.is_empty()
            && self.closing.iter().all(|closing| stack.state(closing.handle) == State::TimeWait)
    }

    fn start(&mut self, stack: &mut Stack, now: Picos, at: Picos, id: RequestId, request: Request) {
        let target = (request.port, request.call.protocol());
        let timeout = request.timeout.unwrap_or(self.config.timeout);
        let deadline = at.saturating_add(timeout);
        self.pending.insert(id, Pending { target, timeout, deadline, started_at: None });
        self.start_on_connection(stack, target, now, id, request.call);
    }

    /// The connection to `target`, made or in the making.
    fn connect(
        &mut self,
        stack: &mut Stack,
        target: Target,
        now: Picos,
    ) -> Result<&mut Connection, RequestError> {
        let entry = match self.connections.entry(target) {
            Entry::Occupied(entry) => return Ok(entry.into_mut()),
            Entry::Vacant(entry) => entry,
        };
        let (port, protocol) = target;
        let guest_ip = self.config.guest_ip;
        let local_port = self.config.local_port(self.ports_used);
        let handle = stack.add(BUFFERS);
        if let Err(error) = stack.connect(handle, (guest_ip, port), local_port) {
            stack.remove(handle);
            let detail = format!("{guest_ip}:{port} is no address to connect to ({error})");
            return Err(RequestError::Protocol { port, protocol, detail });
        }
        self.ports_used += 1;
        let host = guest_ip.to_string();
        let session = Session::new(protocol, &host, port, self.config.max_reply_bytes);
        Ok(entry.insert(Connection::new(handle, target, local_port, session, now)))
    }

    fn attend_waiter(&mut self, stack: &mut Stack, target: Target, now: Picos) {
        let waiter = &self.waiters[&target];
        if waiter.deadline <= now {
            self.give_up_waiting(stack, target, now);
            return;
        }
        let stuck = self.connections.get(&target).is_some_and(|connection| {
            !connection.is_established()
                && connection.attempted_at.saturating_add(ATTEMPT_PATIENCE) <= now
                && connection.session.unfinished().is_empty()
        });
        if stuck {
            self.abort_connection(stack, target, now);
        }
        if (stuck || self.waiters[&target].next_attempt <= now)
            && let Err(error) = self.connect(stack, target, now)
        {
            self.waiters.remove(&target);
            self.events.push(PeerEvent::NotReady { port: target.0, error, at: now });
        }
    }

    fn give_up_waiting(&mut self, stack: &mut Stack, target: Target, now: Picos) {
        let Some(waiter) = self.waiters.remove(&target) else { return };
        let (port, _) = target;
        let connection = self.connections.get(&target);
        let stage = connection.map_or("the connection was refused", Connection::while_doing);
        let last_error = waiter.last_error.filter(|_| connection.is_none());
        let error = last_error.unwrap_or(RequestError::Timeout {
            port,
            after: waiter.limit,
            while_doing: stage,
        });
        if connection.is_some_and(|connection| connection.session.unfinished().is_empty()) {
            self.abort_connection(stack, target, now);
        }
        self.events.push(PeerEvent::NotReady { port, error, at: now });
    }

    fn expire_requests(&mut self, stack: &mut Stack, now: Picos) {
        let late: Vec<RequestId> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.deadline <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            // An earlier one on the same connection may have taken this one along.
            let Some(Pending { target, timeout, .. }) = self.pending.remove(&id) else { continue };
            let while_doing =
                self.connections.get(&target).map_or("no connection", Connection::while_doing);
            let (port, _) = target;
            let error = RequestError::Timeout { port, after: timeout, while_doing };
            self.events.push(PeerEvent::Failed { id, error, at: now });
            let while_doing = "because another request on it had timed out";
            self.fail_connection(stack, target, &RequestError::Reset { port, while_doing }, now);
        }
    }

    fn pump_one(&mut self, stack: &mut Stack, target: Target, now: Picos, frame_sent_at: Picos) {
        let Some(connection) = self.connections.get_mut(&target) else { return };
        let finished = connection.pump(stack);
        let (port, protocol) = target;
        if connection.becomes_ready() {
            self.waiters.remove(&target);
            self.events.push(PeerEvent::Connected { port, protocol, at: now });
        }
        let health = connection.health(stack);
        let reusable = finished.iter().all(|finished| finished.reusable);
        let served = !finished.is_empty();
        for finished in finished {
            self.finish(finished, now, frame_sent_at);
        }
        match health {
            Health::Failed(error) => self.fail_connection(stack, target, &error, now),
            Health::Over => self.end_connection(stack, target, now, served),
            Health::Alive if !reusable => {
                let while_doing = "because another request on it had failed";
                let error = RequestError::Reset { port, while_doing };
                self.fail_connection(stack, target, &error, now);
            }
            Health::Alive => {}
        }
    }

    fn finish(&mut self, finished: Finished, now: Picos, frame_sent_at: Picos) {
        let Finished { id, result, .. } = finished;
        let Some(pending) = self.pending.remove(&id) else { return };
        self.events.push(match result {
            Ok(reply) => PeerEvent::Completed {
                id,
                reply,
                started_at: pending.started_at.unwrap_or(now),
                last_frame_sent_at: frame_sent_at,
            },
            Err(error) => PeerEvent::Failed { id, error, at: now },
        });
    }

    /// Ends a connection on which no reply is awaited. Requests that wait behind it get a new one.
    /// If it had just `served` a request its end is no news; otherwise its owner may want to know.
    fn end_connection(&mut self, stack: &mut Stack, target: Target, now: Picos, served: bool) {
        let Some(connection) = self.connections.get_mut(&target) else { return };
        let unsent = connection.session.take_unsent();
        let was_ready = connection.was_ready();
        self.close_connection(stack, target, now);
        self.retry_later(target, None, now);
        if was_ready && !served {
            self.events.push(PeerEvent::Disconnected { port: target.0, at: now });
        }
        for (id, call) in unsent {
            self.start_on_connection(stack, target, now, id, call);
        }
    }

    /// Gives a request to the connection to its target.
    fn start_on_connection(
        &mut self,
        stack: &mut Stack,
        target: Target,
        now: Picos,
        id: RequestId,
        call: Call,
    ) {
        match self.connect(stack, target, now) {
            Ok(connection) => connection.session.start(id, call),
            Err(error) => {
                self.pending.remove(&id);
                self.events.push(PeerEvent::Failed { id, error, at: now });
            }
        }
    }

    /// Fails everything unfinished on a connection and resets it.
    fn fail_connection(
        &mut self,
        stack: &mut Stack,
        target: Target,
        error: &RequestError,
        now: Picos,
    ) {
        let Some(connection) = self.connections.get(&target) else { return };
        for id in connection.session.unfinished() {
            if self.pending.remove(&id).is_some() {
                self.events.push(PeerEvent::Failed { id, error: error.clone(), at: now });
            }
        }
        self.abort_connection(stack, target, now);
        self.retry_later(target, Some(error), now);
    }

    /// Plans the next attempt of a port that is waited for.
    fn retry_later(&mut self, target: Target, error: Option<&RequestError>, now: Picos) {
        if let Some(waiter) = self.waiters.get_mut(&target) {
            waiter.next_attempt = now.saturating_add(waiter.every);
            waiter.last_error = error.cloned().or(waiter.last_error.take());
        }
    }

    fn abort_connection(&mut self, stack: &mut Stack, target: Target, now: Picos) {
        if let Some(connection) = self.connections.remove(&target) {
            stack.socket(connection.handle).abort();
            self.put_to_rest(connection.handle, now);
        }
    }

    fn close_connection(&mut self, stack: &mut Stack, target: Target, now: Picos) {
        if let Some(mut connection) = self.connections.remove(&target) {
            connection.session.close();
            connection.session.run();
            connection.flush(stack);
            stack.socket(connection.handle).close();
            self.put_to_rest(connection.handle, now);
        }
    }

    fn put_to_rest(&mut self, handle: SocketHandle, now: Picos) {
        self.closing.push(Closing { handle, give_up_at: now.saturating_add(CLOSE_PATIENCE) });
    }
}
