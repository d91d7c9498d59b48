//! The peer: link, TCP/IP, load generator and registry, moved from event to event.

mod client_side;
mod config;
mod connection;
mod event;
mod registry_side;

pub use config::PeerConfig;
pub use event::{Arrival, Counters, PeerEvent};

use crate::link::Direction;
use crate::net::{MAX_FRAME_BYTES, Stack};
use crate::registry::Registry;
use crate::request::{Protocol, Request, RequestId};
use client_side::Clients;
use registry_side::RegistryServer;
use sim::Picos;
use std::collections::VecDeque;

/// After this long the guest's known Ethernet address is told to the stack again, which forgets it
/// after a minute.
const RELEARN_AFTER: Picos = Picos::from_secs(30);

/// A frame on its way from the guest.
#[derive(Debug)]
struct Incoming {
    arrives_at: Picos,
    sent_at: Picos,
    frame: Vec<u8>,
}

/// The host at the other end of the guest's cable.
///
/// The owner moves it: hand in what the guest sends with [`Peer::guest_sent`], ask for
/// [`Peer::next_event`], let the guest run until then (or until it sends), call [`Peer::advance`],
/// and give the returned frames to the guest's network card at their times. Nothing the peer does
/// at a time reaches the guest before that time plus the link's delay, so the guest may run ahead
/// of the peer by that much.
#[derive(Debug)]
pub struct Peer {
    config: PeerConfig,
    now: Picos,
    dirty: bool,
    stack: Stack,
    stack_timer: Option<Picos>,
    learned_at: Picos,
    from_guest: Direction,
    to_guest: Direction,
    incoming: VecDeque<Incoming>,
    outgoing: VecDeque<Arrival>,
    frame_sent_at: Picos,
    clients: Clients,
    registry: Option<RegistryServer>,
    closed: bool,
    counters: Counters,
}

impl Peer {
    /// A peer that knows nothing of any connection.
    ///
    /// # Panics
    /// If an address in the configuration is no unicast address, or the prefix longer than 32.
    #[must_use]
    pub fn new(config: PeerConfig) -> Self {
        let now = config.start;
        let stack = Stack::new(config.mac, config.ip, config.prefix, config.stack_seed(), now);
        let mut peer = Self {
            now,
            dirty: false,
            stack,
            stack_timer: None,
            learned_at: now,
            from_guest: Direction::new(config.link),
            to_guest: Direction::new(config.link),
            incoming: VecDeque::new(),
            outgoing: VecDeque::new(),
            frame_sent_at: now,
            clients: Clients::new(config.clone()),
            registry: None,
            closed: false,
            counters: Counters::default(),
            config,
        };
        peer.learn();
        peer
    }

    /// Takes a frame that left the guest's network card at `at`, checksums filled in, without frame
    /// check sequence. The peer sees it when it has crossed the link.
    pub fn guest_sent(&mut self, at: Picos, frame: Vec<u8>) {
        if frame.len() > MAX_FRAME_BYTES {
            self.counters.oversized_from_guest += 1;
            return;
        }
        self.counters.frames_from_guest += 1;
        self.counters.bytes_from_guest += frame.len() as u64;
        let arrives_at = self.from_guest.send(at, frame.len());
        self.incoming.push_back(Incoming { arrives_at, sent_at: at, frame });
    }

    /// The earliest time at which something happens: a frame arrives at the peer or at the guest, a
    /// timer runs out, a request is due. `None`: nothing, until the guest sends or the owner asks.
    #[must_use]
    pub fn next_event(&self) -> Option<Picos> {
        let arrival = self.outgoing.front().map(|arrival| arrival.at);
        [self.next_step(), arrival].into_iter().flatten().min()
    }

    /// Lets everything happen up to and including `now`; returns the frames that have reached the
    /// guest's network card by then, in order.
    pub fn advance(&mut self, now: Picos) -> Vec<Arrival> {
        while let Some(at) = self.next_step().filter(|at| *at <= now) {
            self.step(at);
        }
        self.now = self.now.max(now);
        let mut arrived = Vec::new();
        while self.outgoing.front().is_some_and(|arrival| arrival.at <= now) {
            arrived.extend(self.outgoing.pop_front());
        }
        arrived
    }

    /// Serves images on port 5000, in place of those served before.
    pub fn serve_registry(&mut self, registry: Registry) {
        match &mut self.registry {
            Some(server) => server.replace(registry),
            None => self.registry = Some(RegistryServer::new(registry)),
        }
        self.dirty = true;
    }

    /// Sends a request now, that is at the time of the last [`Peer::advance`]. Its connection is made
    /// if there is none; it fails at once if the guest refuses it (see [`Peer::wait_ready`]).
    pub fn submit(&mut self, request: Request) -> RequestId {
        self.submit_at(self.now, request)
    }

    /// Sends a request at a time to come.
    pub fn submit_at(&mut self, at: Picos, request: Request) -> RequestId {
        self.clients.submit(at.max(self.now), request)
    }

    /// Connects to a port of a server that may not be up yet: tries, and after a failure again
    /// `every` so often, until [`PeerEvent::Connected`], or [`PeerEvent::NotReady`] when `limit` has
    /// passed. Requests then use this connection.
    pub fn wait_ready(&mut self, port: u16, protocol: Protocol, every: Picos, limit: Picos) {
        self.clients.wait_ready((port, protocol), every, self.now, limit);
        self.dirty = true;
    }

    /// What has happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<PeerEvent> {
        std::mem::take(&mut self.clients.events)
    }

    /// Ends all connections in good order and stops listening; requests under way fail. Nothing
    /// new should be asked of the peer afterwards.
    pub fn close(&mut self) {
        self.clients.close(&mut self.stack, self.now);
        if let Some(registry) = &mut self.registry {
            registry.close();
        }
        self.closed = true;
        self.dirty = true;
    }

    /// Is nothing under way: no frame on the link, no request, no open connection? Connections that
    /// only wait out old segments (TIME-WAIT) do not count.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let registry_quiet =
            self.registry.as_ref().is_none_or(|registry| registry.is_quiet(&self.stack));
        !self.dirty
            && registry_quiet
            && self.incoming.is_empty()
            && self.outgoing.is_empty()
            && self.clients.is_quiet(&self.stack)
    }

    /// The time up to which everything has happened.
    #[must_use]
    pub fn now(&self) -> Picos {
        self.now
    }

    /// Frames and bytes so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// When [`Peer::step`] next has something to do.
    fn next_step(&self) -> Option<Picos> {
        let incoming = self.incoming.front().map(|incoming| incoming.arrives_at);
        let asked = self.dirty.then_some(self.now);
        let registry = self.registry.as_ref().and_then(RegistryServer::next_timer);
        let earliest = [incoming, asked, self.stack_timer, self.clients.next_timer(), registry];
        earliest.into_iter().flatten().min().map(|at| at.max(self.now))
    }

    /// One event: at most one frame from the guest, and everything that follows from it at once.
    fn step(&mut self, at: Picos) {
        self.now = at;
        self.dirty = false;
        if self.now.saturating_sub(self.learned_at) >= RELEARN_AFTER {
            self.learn();
        }
        let is_due = self.incoming.front().is_some_and(|incoming| incoming.arrives_at <= at);
        if is_due && let Some(incoming) = self.incoming.pop_front() {
            self.frame_sent_at = incoming.sent_at;
            self.stack.take_in(at, incoming.frame);
        }
        self.clients.on_time(&mut self.stack, at);
        self.pump();
        self.send_out();
        self.clients.reap(&mut self.stack);
        self.stack_timer = self.stack.next_timer(at);
    }

    fn pump(&mut self) {
        self.clients.pump(&mut self.stack, self.now, self.frame_sent_at);
        if let Some(registry) = &mut self.registry {
            registry.pump(&mut self.stack, self.now, &mut self.clients.events);
        }
    }

    /// Puts everything the stack wants to send on the link.
    fn send_out(&mut self) {
        for frame in self.stack.send_out(self.now) {
            let at = self.to_guest.send(self.now, frame.len());
            let opens_request = self.clients.note_sent(&frame, at);
            self.counters.frames_to_guest += 1;
            self.counters.bytes_to_guest += frame.len() as u64;
            self.outgoing.push_back(Arrival { at, frame, opens_request });
        }
    }

    fn learn(&mut self) {
        self.learned_at = self.now;
        if let Some(mac) = self.config.guest_mac {
            self.stack.learn(self.now, mac, self.config.guest_ip);
        }
    }
}
