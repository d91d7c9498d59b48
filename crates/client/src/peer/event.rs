//! What a peer tells its owner.

use crate::registry::RegistryError;
use crate::request::{Protocol, Reply, RequestError, RequestId};
use sim::Picos;

/// A frame that arrives at the guest's network card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When its last bit is there.
    pub at: Picos,
    /// Destination address to end of payload, without frame check sequence.
    pub frame: Vec<u8>,
    /// It carries the first byte of this request, for the first time.
    pub opens_request: Option<RequestId>,
}

/// Something that happened at the peer.
#[derive(Debug)]
pub enum PeerEvent {
    /// A connection stands and, for gRPC, the server has sent its settings.
    Connected {
        /// The guest's port.
        port: u16,
        /// What is spoken on it.
        protocol: Protocol,
        /// When the peer knew.
        at: Picos,
    },
    /// The deadline of [`Peer::wait_ready`](super::Peer::wait_ready) passed.
    NotReady {
        /// The guest's port.
        port: u16,
        /// Why the last attempt failed.
        error: RequestError,
        /// The deadline.
        at: Picos,
    },
    /// The guest ended a connection on which nothing was under way. The next request makes a new one.
    Disconnected {
        /// The guest's port.
        port: u16,
        /// When the peer knew.
        at: Picos,
    },
    /// A request has a good reply.
    Completed {
        /// The request.
        id: RequestId,
        /// Its reply.
        reply: Reply,
        /// When the segment with its first byte had reached the guest's network card.
        started_at: Picos,
        /// When the last frame needed for the reply left the guest's network card.
        last_frame_sent_at: Picos,
    },
    /// A request has no good reply.
    Failed {
        /// The request.
        id: RequestId,
        /// Why.
        error: RequestError,
        /// When the peer knew.
        at: Picos,
    },
    /// The registry answered a request of the guest.
    RegistryServed {
        /// Method and target.
        request: String,
        /// The HTTP status.
        status: u16,
        /// Bytes of the body.
        bytes: u64,
        /// When the request had come in.
        at: Picos,
    },
    /// The registry could not read what it should serve.
    RegistryFailed {
        /// Why.
        error: RegistryError,
        /// When it happened.
        at: Picos,
    },
}

/// Frames and bytes a peer has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that came from the guest.
    pub frames_from_guest: u64,
    /// Their bytes.
    pub bytes_from_guest: u64,
    /// Frames sent to the guest.
    pub frames_to_guest: u64,
    /// Their bytes.
    pub bytes_to_guest: u64,
    /// Frames from the guest that are longer than Ethernet allows, and were dropped.
    pub oversized_from_guest: u64,
}
