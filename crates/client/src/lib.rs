//! The other end of the wire: Ethernet link, user-space TCP/IP, gRPC and HTTP load, image registry.
//!
//! The simulated server has one network card; this crate is everything behind its cable. A [`Peer`]
//! is a host with its own MAC and IPv4 address that answers ARP and ping, calls the functions in
//! the guest over gRPC or plain HTTP, and serves container images to the guest's container engine.
//! It costs the guest exactly the packets a real client machine would cost it.
//!
//! Everything runs in virtual time ([`sim::Picos`]): no threads, sockets, wall clock or entropy. The
//! caller hands in the frames the guest sends, asks for [`Peer::next_event`], and calls
//! [`Peer::advance`]; the same calls give the same frames, byte for byte.
//!
//! ```text
//!   guest NIC --frame--> Link --> smoltcp --> HTTP/2 + gRPC, HTTP/1.1 | registry
//!   guest NIC <--frame-- Link <-- smoltcp <--            "
//! ```
//!
//! The owner's loop, here with a guest that is not there:
//!
//! ```
//! use client::{Call, HttpCall, Peer, PeerConfig, PeerEvent, Request};
//!
//! let mut peer = Peer::new(PeerConfig::default());
//! let id = peer.submit(Request::new(8080, Call::Http(HttpCall::get("/"))));
//! let mut events = Vec::new();
//! while events.is_empty() {
//!     let next = peer.next_event().expect("a request has a deadline");
//!     // Run the guest up to `next`; hand what it sends to `peer.guest_sent(when, frame)`.
//!     for arrival in peer.advance(next) {
//!         // Give `arrival.frame` to the guest's network card at `arrival.at`.
//!         assert!(arrival.at <= next);
//!     }
//!     events = peer.take_events();
//! }
//! assert!(matches!(&events[0], PeerEvent::Failed { id: failed, .. } if *failed == id));
//! ```
//!
//! A peer is never saved. At a snapshot [`Peer::close`] it and run until [`Peer::is_quiet`]; after a
//! restore create one with the next `epoch`, which gives it ports and sequence numbers that no
//! connection left in the guest can be mistaken for.
//!
//! Left out: TLS, DNS, IPv6, IP fragments, streaming calls, HTTP redirects, registry pushes.
#![forbid(unsafe_code)]

mod expect;
mod grpc;
mod http1;
mod link;
mod net;
mod peer;
mod protos;
mod registry;
mod request;
mod session;

pub use expect::{Expectation, Mismatch};
pub use link::{Link, LinkError};
pub use net::MacAddr;
pub use peer::{Arrival, Counters, Peer, PeerConfig, PeerEvent};
pub use protos::{Method, ProtoError, Protos};
pub use registry::{Blob, Digest, Manifest, Registry, RegistryError};
pub use request::{
    Call, GrpcCall, HttpCall, HttpMethod, Protocol, Reply, Request, RequestError, RequestId,
};
