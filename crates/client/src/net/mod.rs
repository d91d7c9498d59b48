//! The peer's TCP/IP: smoltcp in virtual time.
//!
//! smoltcp answers ARP and ping and resets segments that belong to no connection (RFC 9293 section
//! 3.5.2, "reset generation"). It counts time in whole microseconds; frames still leave at the
//! exact picosecond of the event that caused them. Initial sequence numbers come from the seed.
//!
//! Nagle's algorithm is off: a request leaves when it is written. Acknowledgements without data wait up
//! to 10 ms, so that in a closed loop they travel with the next request instead of costing the guest a
//! packet of their own. Reno (RFC 5681) keeps a guest that drops frames, its receive ring full, from
//! being flooded.

mod nic;
mod segment;

pub(crate) use nic::MAX_FRAME_BYTES;
pub(crate) use segment::Segment;

use nic::Nic;
use serde::{Deserialize, Serialize};
use sim::Picos;
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet,
};
use smoltcp::socket::tcp::{self, CongestionControl, ConnectError};
use smoltcp::time::Instant;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, IpAddress, IpCidr, IpEndpoint, Ipv4Address,
};
use std::fmt;

/// Picoseconds in one of smoltcp's microseconds.
const PICOS_PER_TICK: u64 = 1_000_000;

/// An Ethernet address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MacAddr(pub [u8; 6]);

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        EthernetAddress(self.0).fmt(f)
    }
}

/// Sizes of a TCP socket's two buffers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffers {
    pub(crate) receive_bytes: usize,
    pub(crate) send_bytes: usize,
}

/// An interface with its card and sockets.
pub(crate) struct Stack {
    interface: Interface,
    sockets: SocketSet<'static>,
    nic: Nic,
    mac: MacAddr,
    ip: Ipv4Address,
}

impl Stack {
    /// A stack with one address; `seed` decides initial sequence numbers.
    pub(crate) fn new(mac: MacAddr, ip: Ipv4Address, prefix: u8, seed: u64, now: Picos) -> Self {
        let mut nic = Nic::default();
        let mut config = Config::new(EthernetAddress(mac.0).into());
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut nic, ticks(now));
        interface.update_ip_addrs(|addresses| {
            let address = IpCidr::new(IpAddress::Ipv4(ip), prefix);
            addresses.push(address).expect("the address list of a new interface is empty");
        });
        Self { interface, sockets: SocketSet::new(Vec::new()), nic, mac, ip }
    }

    /// Tells the stack a neighbour's address, as if the neighbour had answered an ARP request.
    pub(crate) fn learn(&mut self, now: Picos, mac: MacAddr, ip: Ipv4Address) {
        let arp = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: EthernetAddress(mac.0),
            source_protocol_addr: ip,
            target_hardware_addr: EthernetAddress(self.mac.0),
            target_protocol_addr: self.ip,
        };
        let header = EthernetRepr {
            src_addr: EthernetAddress(mac.0),
            dst_addr: EthernetAddress(self.mac.0),
            ethertype: EthernetProtocol::Arp,
        };
        let mut bytes = vec![0; header.buffer_len() + arp.buffer_len()];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes);
        header.emit(&mut frame);
        arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
        self.take_in(now, bytes);
    }

    /// Processes one frame from the link.
    pub(crate) fn take_in(&mut self, now: Picos, frame: Vec<u8>) {
        self.nic.inward = Some(frame);
        while self.interface.poll_ingress_single(ticks(now), &mut self.nic, &mut self.sockets)
            != PollIngressSingleResult::None
        {}
    }

    /// Lets the sockets send what they can; returns the frames.
    pub(crate) fn send_out(&mut self, now: Picos) -> impl Iterator<Item = Vec<u8>> + '_ {
        while self.interface.poll_egress(ticks(now), &mut self.nic, &mut self.sockets)
            != PollResult::None
        {}
        self.nic.outward.drain(..)
    }

    /// When the stack next wants to send, later than `now`; call after [`Stack::send_out`].
    pub(crate) fn next_timer(&mut self, now: Picos) -> Option<Picos> {
        let at = self.interface.poll_at(ticks(now), &self.sockets)?;
        // What could be sent now has been; whatever still asks for "now" gets the next tick.
        let at = at.max(ticks(now) + smoltcp::time::Duration::from_micros(1));
        Some(Picos(at.total_micros().unsigned_abs().saturating_mul(PICOS_PER_TICK)))
    }

    /// Adds a closed socket.
    pub(crate) fn add(&mut self, buffers: Buffers) -> SocketHandle {
        let receive = tcp::SocketBuffer::new(vec![0; buffers.receive_bytes]);
        let send = tcp::SocketBuffer::new(vec![0; buffers.send_bytes]);
        let mut socket = tcp::Socket::new(receive, send);
        socket.set_nagle_enabled(false);
        socket.set_congestion_control(CongestionControl::Reno);
        self.sockets.add(socket)
    }

    /// Begins to connect a closed socket.
    ///
    /// # Errors
    /// An address or port that nobody can have.
    pub(crate) fn connect(
        &mut self,
        handle: SocketHandle,
        guest: (Ipv4Address, u16),
        port: u16,
    ) -> Result<(), ConnectError> {
        let socket = self.sockets.get_mut::<tcp::Socket>(handle);
        let remote = IpEndpoint::new(IpAddress::Ipv4(guest.0), guest.1);
        let local = IpEndpoint::new(IpAddress::Ipv4(self.ip), port);
        socket.connect(self.interface.context(), remote, local)
    }

    /// The socket behind a handle.
    pub(crate) fn socket(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// The state of the socket behind a handle.
    pub(crate) fn state(&self, handle: SocketHandle) -> tcp::State {
        self.sockets.get::<tcp::Socket>(handle).state()
    }

    /// Removes a socket, sending nothing.
    pub(crate) fn remove(&mut self, handle: SocketHandle) {
        self.sockets.remove(handle);
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("mac", &self.mac)
            .field("ip", &self.ip)
            .field("sockets", &self.sockets.iter().count())
            .finish_non_exhaustive()
    }
}

/// smoltcp's view of a point in virtual time.
fn ticks(now: Picos) -> Instant {
    Instant::from_micros(i64::try_from(now.0 / PICOS_PER_TICK).unwrap_or(i64::MAX))
}
