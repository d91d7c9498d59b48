//! What a peer is made from.

use crate::link::Link;
use crate::net::MacAddr;
use sim::{Picos, SplitMix64};
use std::net::Ipv4Addr;

/// Local ports of one epoch.
const PORTS_PER_EPOCH: u64 = 1024;
/// Epochs until the ports repeat.
const PORT_BLOCKS: u64 = 28;
/// The first local port.
const FIRST_PORT: u64 = 32_768;

/// Addresses, link and limits of a [`Peer`](super::Peer).
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// The peer's own Ethernet address.
    pub mac: MacAddr,
    /// The peer's own IPv4 address.
    pub ip: Ipv4Addr,
    /// Bits of the network part of both addresses.
    pub prefix: u8,
    /// The guest's Ethernet address. If it is given the peer never asks for it; without it the first
    /// frame is an ARP request, and a further one follows every minute.
    pub guest_mac: Option<MacAddr>,
    /// The guest's IPv4 address.
    pub guest_ip: Ipv4Addr,
    /// The cable.
    pub link: Link,
    /// Decides sequence numbers and ports, together with `epoch`.
    pub seed: u64,
    /// How many peers have faced this guest before: count up whenever a peer is dropped and a new one
    /// takes its place.
    pub epoch: u64,
    /// The point in virtual time at which the peer appears.
    pub start: Picos,
    /// How long a reply may take unless the request says otherwise.
    pub timeout: Picos,
    /// The longest reply that is accepted.
    pub max_reply_bytes: usize,
}

impl Default for PeerConfig {
    /// A gateway 10.0.2.2/24 facing a guest 10.0.2.15 on a 10 Gbit/s, 10 us link; 10 s of virtual time
    /// for a reply.
    fn default() -> Self {
        Self {
            mac: MacAddr([0x52, 0x55, 0x0a, 0x00, 0x02, 0x02]),
            ip: Ipv4Addr::new(10, 0, 2, 2),
            prefix: 24,
            guest_mac: None,
            guest_ip: Ipv4Addr::new(10, 0, 2, 15),
            link: Link::default(),
            seed: 0,
            epoch: 0,
            start: Picos::ZERO,
            timeout: Picos::from_secs(10),
            max_reply_bytes: 64 << 20,
        }
    }
}

impl PeerConfig {
    /// The seed of the TCP stack: differs from epoch to epoch.
    pub(super) fn stack_seed(&self) -> u64 {
        mix(mix(self.seed).wrapping_add(self.epoch))
    }

    /// The `n`th local port of this epoch.
    pub(super) fn local_port(&self, n: u64) -> u16 {
        let block = (mix(self.seed) % PORT_BLOCKS + self.epoch % PORT_BLOCKS) % PORT_BLOCKS;
        let port = FIRST_PORT + block * PORTS_PER_EPOCH + n % PORTS_PER_EPOCH;
        u16::try_from(port).expect("28 blocks of 1024 above 32768 end below 65536")
    }
}

/// Spreads a number over 64 bits.
fn mix(number: u64) -> u64 {
    SplitMix64::new(number).bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn epochs_that_follow_each_other_share_no_port_and_no_seed() {
        let mut ports = BTreeSet::new();
        let mut seeds = BTreeSet::new();
        for epoch in 0..PORT_BLOCKS {
            let config = PeerConfig { seed: 7, epoch, ..PeerConfig::default() };
            ports.extend((0..PORTS_PER_EPOCH).map(|n| config.local_port(n)));
            seeds.insert(config.stack_seed());
        }
        assert_eq!(ports.len() as u64, PORT_BLOCKS * PORTS_PER_EPOCH);
        assert_eq!(seeds.len() as u64, PORT_BLOCKS);
        let extreme = PeerConfig { seed: u64::MAX, epoch: u64::MAX, ..PeerConfig::default() };
        assert!(extreme.local_port(u64::MAX) >= 32_768);
    }
}
