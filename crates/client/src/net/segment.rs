//! Reads the TCP header of a frame the peer sends, to know which bytes of which connection it
//! carries.

use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket};

/// The TCP segment in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The sender's port.
    pub(crate) source: u16,
    /// The receiver's port.
    pub(crate) destination: u16,
    /// The sequence number of its first byte (of the SYN in a SYN segment).
    pub(crate) sequence: u32,
    /// It opens a connection.
    pub(crate) syn: bool,
    /// Bytes of payload.
    pub(crate) bytes: usize,
}

impl Segment {
    /// The segment in `frame`, `None` if it holds none.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        if ip.next_header() != IpProtocol::Tcp {
            return None;
        }
        let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
        Some(Self {
            source: tcp.src_port(),
            destination: tcp.dst_port(),
            sequence: tcp.seq_number().0.cast_unsigned(),
            syn: tcp.syn(),
            bytes: tcp.payload().len(),
        })
    }
}
