//! Guest and peer in one virtual time.

use super::guest::{GUEST_MAC, Guest};
use client::{MacAddr, Peer, PeerConfig, PeerEvent, RequestId};
use sim::Picos;

/// A frame seen on either card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub at: Picos,
    pub from_guest: bool,
    pub frame: Vec<u8>,
    pub opens_request: Option<RequestId>,
}

pub struct World {
    pub peer: Peer,
    pub guest: Guest,
    pub now: Picos,
    pub seen: Vec<Seen>,
    pub events: Vec<PeerEvent>,
    pub keep_frames: bool,
    /// Loses the frame with this running number, if it says so. The flag: it comes from the guest.
    pub lose: Box<dyn FnMut(usize, bool) -> bool>,
    count: usize,
}

pub fn config() -> PeerConfig {
    PeerConfig { guest_mac: Some(MacAddr(GUEST_MAC)), seed: 1, ..PeerConfig::default() }
}

impl World {
    pub fn new(config: PeerConfig) -> Self {
        Self {
            now: config.start,
            peer: Peer::new(config),
            guest: Guest::new(),
            seen: Vec::new(),
            events: Vec::new(),
            keep_frames: true,
            lose: Box::new(|_, _| false),
            count: 0,
        }
    }

    /// Runs until `done` likes the events so far, or else to `limit`.
    pub fn run_until(&mut self, limit: Picos, mut done: impl FnMut(&[PeerEvent]) -> bool) {
        self.exchange(Vec::new());
        loop {
            self.events.extend(self.peer.take_events());
            if done(&self.events) {
                return;
            }
            let timer = self.guest.next_timer(self.now);
            let next = self.peer.next_event().into_iter().chain(timer).min();
            let Some(next) = next.filter(|next| *next <= limit) else {
                self.now = limit;
                let arrivals = self.peer.advance(limit);
                assert!(arrivals.is_empty(), "everything up to here has happened");
                return;
            };
            assert!(next >= self.now, "time went back from {} to {next}", self.now);
            self.now = next;
            let arrivals = self.peer.advance(next);
            self.exchange(arrivals);
        }
    }

    pub fn run_for(&mut self, span: Picos) {
        self.run_until(self.now.saturating_add(span), |_| false);
    }

    /// Runs until something completed, failed or was given up.
    pub fn run_to_outcome(&mut self) {
        let before = self.events.len();
        self.run_until(self.now.saturating_add(Picos::from_secs(60)), |events| {
            events[before..].iter().any(|event| {
                matches!(
                    event,
                    PeerEvent::Completed { .. }
                        | PeerEvent::Failed { .. }
                        | PeerEvent::NotReady { .. }
                )
            })
        });
    }

    fn exchange(&mut self, arrivals: Vec<client::Arrival>) {
        for arrival in arrivals {
            let opens_request = arrival.opens_request;
            self.note(arrival.at, false, &arrival.frame, opens_request);
            if !self.loses(false) {
                self.guest.receive(arrival.at, arrival.frame);
            }
        }
        for frame in self.guest.run(self.now) {
            self.note(self.now, true, &frame, None);
            if !self.loses(true) {
                self.peer.guest_sent(self.now, frame);
            }
        }
    }

    fn loses(&mut self, from_guest: bool) -> bool {
        self.count += 1;
        (self.lose)(self.count, from_guest)
    }

    fn note(&mut self, at: Picos, from_guest: bool, frame: &[u8], opens: Option<RequestId>) {
        if self.keep_frames {
            let frame = frame.to_vec();
            self.seen.push(Seen { at, from_guest, frame, opens_request: opens });
        }
    }
}
