//! The registry's listening port and its connections.

use super::event::PeerEvent;
use crate::net::{Buffers, Stack};
use crate::registry::connection::{RegistryConnection, Served};
use crate::registry::{Registry, RegistryError};
use sim::Picos;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;

/// The registry's TCP port.
const PORT: u16 = 5000;
/// Sockets that wait for a connection. A container engine opens one a layer, a few at once.
const BACKLOG: usize = 4;
/// A send buffer that keeps the guest busy, yet a few connections together stay below the 256
/// frames that a network card's receive ring usually holds.
const BUFFERS: Buffers = Buffers { receive_bytes: 16 << 10, send_bytes: 128 << 10 };

/// How long a guest may leave a handshake, sent bytes or an ended connection without an answer before
/// the connection is reset.
const PATIENCE: Picos = Picos::from_secs(60);
/// The same once the registry is being closed.
const CLOSING_PATIENCE: Picos = Picos::from_secs(1);

/// One socket, listening or connected.
#[derive(Debug)]
struct Slot {
    handle: SocketHandle,
    connection: RegistryConnection,
    /// State and bytes in flight when they last changed, and when that was.
    progress: (State, usize, Picos),
}

impl Slot {
    /// Notes whether the guest has answered since the last call.
    fn note_progress(&mut self, stack: &mut Stack, now: Picos) {
        let socket = stack.socket(self.handle);
        let (state, queued) = (socket.state(), socket.send_queue());
        if (self.progress.0, self.progress.1) != (state, queued) {
            self.progress = (state, queued, now);
        }
    }

    /// When the guest's silence becomes too long, if it owes an answer.
    fn gives_up_at(&self, patience: Picos) -> Option<Picos> {
        let (state, queued, since) = self.progress;
        let owes = match state {
            State::Listen | State::Closed | State::TimeWait => false,
            State::Established | State::CloseWait => queued > 0,
            _ => true,
        };
        owes.then(|| since.saturating_add(patience))
    }
}

/// The registry on its port.
#[derive(Debug)]
pub(super) struct RegistryServer {
    registry: Registry,
    slots: Vec<Slot>,
    closing: bool,
}

impl RegistryServer {
    /// Serves `registry`; the sockets are opened by the first [`RegistryServer::pump`].
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry, slots: Vec::new(), closing: false }
    }

    /// Stops listening and ends each connection after the answers under way.
    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    /// Serves other images from now on; connections and answers under way go on.
    pub(super) fn replace(&mut self, registry: Registry) {
        self.registry = registry;
    }

    /// Is no connection open or closing?
    pub(super) fn is_quiet(&self, stack: &Stack) -> bool {
        let over = |state| matches!(state, State::Listen | State::Closed | State::TimeWait);
        self.slots.iter().all(|slot| over(stack.state(slot.handle)))
    }

    /// When a silent guest must be given up.
    pub(super) fn next_timer(&self) -> Option<Picos> {
        let patience = self.patience();
        self.slots.iter().filter_map(|slot| slot.gives_up_at(patience)).min()
    }

    fn patience(&self) -> Picos {
        if self.closing { CLOSING_PATIENCE } else { PATIENCE }
    }

    /// Moves bytes between sockets and connections.
    pub(super) fn pump(&mut self, stack: &mut Stack, now: Picos, events: &mut Vec<PeerEvent>) {
        self.remove_closed(stack);
        let patience = self.patience();
        for slot in &mut self.slots {
            slot.note_progress(stack, now);
            if slot.gives_up_at(patience).is_some_and(|at| at <= now) {
                stack.socket(slot.handle).abort();
            }
            for outcome in pump_slot(&self.registry, slot, stack, self.closing) {
                events.push(event_of(outcome, now));
            }
            slot.note_progress(stack, now);
        }
        self.listen(stack);
    }

    fn remove_closed(&mut self, stack: &mut Stack) {
        self.slots.retain(|slot| {
            // An aborted socket keeps its addresses until its reset has been sent.
            let socket = stack.socket(slot.handle);
            let over = socket.state() == State::Closed && socket.remote_endpoint().is_none();
            if over {
                stack.remove(slot.handle);
            }
            !over
        });
    }

    /// Keeps `BACKLOG` sockets listening, or none when closing.
    fn listen(&mut self, stack: &mut Stack) {
        let closing = self.closing;
        let mut listening = 0;
        self.slots.retain(|slot| {
            let listens = stack.socket(slot.handle).state() == State::Listen;
            listening += usize::from(listens);
            if listens && closing {
                stack.remove(slot.handle);
            }
            !(listens && closing)
        });
        while !closing && listening < BACKLOG {
            let handle = stack.add(BUFFERS);
            stack.socket(handle).listen(PORT).expect("the socket is closed and the port not zero");
            let progress = (State::Listen, 0, Picos::ZERO);
            self.slots.push(Slot { handle, connection: RegistryConnection::default(), progress });
            listening += 1;
        }
    }
}

/// Reads, answers and writes one connection.
fn pump_slot(
    registry: &Registry,
    slot: &mut Slot,
    stack: &mut Stack,
    closing: bool,
) -> Vec<Result<Served, RegistryError>> {
    let Slot { handle, connection, .. } = slot;
    let socket = stack.socket(*handle);
    if matches!(socket.state(), State::Listen | State::Closed | State::TimeWait) {
        return Vec::new();
    }
    let mut outcomes = Vec::new();
    while socket.can_recv() && connection.wants_input() {
        let received = socket.recv(|bytes| (bytes.len(), connection.receive(registry, bytes)));
        outcomes.extend(received.unwrap_or_default());
    }
    outcomes.extend(connection.work(registry));
    if connection.is_idle() && (closing || socket.state() == State::CloseWait) {
        connection.finish();
    }
    while socket.can_send() && !connection.is_idle() {
        let filled = socket.send(|space| match connection.fill(space) {
            Ok(count) => (count, Ok(())),
            Err(error) => (0, Err(error)),
        });
        if let Ok(Err(error)) = filled {
            // The length is already promised: only a reset says that the rest will not come.
            outcomes.push(Err(error));
            socket.abort();
            return outcomes;
        }
        outcomes.extend(connection.work(registry));
    }
    if connection.is_done() {
        socket.close();
    }
    outcomes
}

fn event_of(outcome: Result<Served, RegistryError>, at: Picos) -> PeerEvent {
    match outcome {
        Ok(Served { request, status, bytes }) => {
            PeerEvent::RegistryServed { request, status, bytes, at }
        }
        Err(error) => PeerEvent::RegistryFailed { error, at },
    }
}
