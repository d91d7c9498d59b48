//! The virtio network device.
//!
//! Source: VIRTIO 1.2 section 5.1. One receive and one transmit queue, link always up. Frames have
//! their ordinary size: neither checksum nor segmentation offloads are offered, so every packet the
//! guest handles is a packet on the wire, and one receive buffer holds one frame. Left out besides:
//! control queue (filters, VLANs, queue pairs), mergeable buffers, notification coalescing.
//!
//! The device adds no time of its own: a frame leaves when the guest hands it over, and arrives as
//! soon as the guest has a buffer. Delay and bandwidth belong to the link.

use super::{Backend, Chain, Io, QueueError, VirtioMmio};
use crate::state;
use serde::{Deserialize, Serialize};
use sim::Picos;
use std::collections::VecDeque;

/// The network device on its transport.
pub type VirtioNet = VirtioMmio<Net>;

const RX: usize = 0;
const TX: usize = 1;
const QUEUE_SIZE: u16 = 256;
const ETHERNET_HEADER: usize = 14;
/// A VLAN tag may come on top of the MTU.
const VLAN_TAG: usize = 4;
const LINK_UP: u16 = 1;

/// The header before each frame; with `VERSION_1` it always has the buffer count.
const HEADER: usize = 12;
const RX_HEADER: [u8; HEADER] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];

mod feature {
    pub const MTU: u64 = 1 << 3;
    pub const MAC: u64 = 1 << 5;
    pub const STATUS: u64 = 1 << 16;
}

/// Knobs of a network device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetConfig {
    /// The guest's address.
    pub mac: [u8; 6],
    /// Largest payload of a frame.
    pub mtu: u16,
    /// Frames that wait for a receive buffer before further ones are dropped.
    pub backlog_frames: usize,
}

impl Default for NetConfig {
    /// A locally administered address, Ethernet's MTU, room for a 1.5 MB burst.
    fn default() -> Self {
        Self { mac: [0x02, 0x76, 0x73, 0x77, 0x00, 0x01], mtu: 1500, backlog_frames: 1024 }
    }
}

/// A frame that left the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// When it left.
    pub at: Picos,
    /// From the destination address on, without the frame check sequence.
    pub bytes: Vec<u8>,
}

/// What the device has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetCounters {
    /// Frames the guest sent.
    pub tx_frames: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    /// Frames of the guest that were too short, too long or asked for an offload.
    pub tx_dropped: u64,
    /// Frames the guest received.
    pub rx_frames: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Frames for the guest that found the backlog full, or did not fit a frame or a buffer.
    pub rx_dropped: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    sent: Vec<Frame>,
    backlog: VecDeque<Vec<u8>>,
    /// Frames came since the last delivery.
    fresh: bool,
    counters: NetCounters,
}

/// The network device.
#[derive(Debug)]
pub struct Net {
    config: NetConfig,
    state: State,
}

impl Net {
    /// A device without traffic.
    #[must_use]
    pub fn new(config: NetConfig) -> Self {
        Self { config, state: State::default() }
    }

    /// Takes the frames that left the guest since the last call, in their order.
    pub fn take_tx(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.state.sent)
    }

    /// Whether [`Net::take_tx`] would give frames.
    #[must_use]
    pub fn has_tx(&self) -> bool {
        !self.state.sent.is_empty()
    }

    /// Queues a frame for the guest; the next poll delivers it. Returns false if it was dropped.
    pub fn push_rx(&mut self, bytes: Vec<u8>) -> bool {
        let fits = self.is_frame(bytes.len());
        if !fits || self.state.backlog.len() >= self.config.backlog_frames {
            self.state.counters.rx_dropped += 1;
            return false;
        }
        self.state.backlog.push_back(bytes);
        self.state.fresh = true;
        true
    }

    /// What the device has done so far.
    #[must_use]
    pub fn counters(&self) -> NetCounters {
        self.state.counters
    }

    fn is_frame(&self, len: usize) -> bool {
        (ETHERNET_HEADER..=ETHERNET_HEADER + VLAN_TAG + usize::from(self.config.mtu)).contains(&len)
    }

    fn transmit(&mut self, io: &mut Io<'_>) -> Result<(), QueueError> {
        while let Some(chain) = io.queues[TX].pop(io.ram)? {
            match self.frame(io, &chain)? {
                Some(bytes) => {
                    self.state.counters.tx_frames += 1;
                    self.state.counters.tx_bytes += bytes.len() as u64;
                    self.state.sent.push(Frame { at: io.now, bytes });
                }
                None => self.state.counters.tx_dropped += 1,
            }
            io.queues[TX].push(io.ram, chain.head, 0)?;
        }
        Ok(())
    }

    /// The frame in `chain`, if it is one we said we could send.
    fn frame(&self, io: &mut Io<'_>, chain: &Chain) -> Result<Option<Vec<u8>>, QueueError> {
        let len = (chain.readable_len() as usize).saturating_sub(HEADER);
        let mut header = [0; HEADER];
        chain.read_at(io.ram, 0, &mut header)?;
        let [flags, segmentation, ..] = header;
        if !self.is_frame(len) || flags != 0 || segmentation != 0 {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(len);
        chain.gather(io.ram, HEADER as u64, &mut bytes)?;
        Ok(Some(bytes))
    }

    fn deliver(&mut self, io: &mut Io<'_>) -> Result<(), QueueError> {
        self.state.fresh = false;
        while !self.state.backlog.is_empty() {
            let Some(chain) = io.queues[RX].pop(io.ram)? else { break };
            let Some(frame) = self.state.backlog.pop_front() else { break };
            let len = if chain.writable_len() < (HEADER + frame.len()) as u64 {
                self.state.counters.rx_dropped += 1;
                0
            } else {
                chain.write_at(io.ram, 0, &RX_HEADER)?;
                chain.write_at(io.ram, HEADER as u64, &frame)?;
                self.state.counters.rx_frames += 1;
                self.state.counters.rx_bytes += frame.len() as u64;
                HEADER + frame.len()
            };
            io.queues[RX].push(io.ram, chain.head, len as u32)?;
        }
        Ok(())
    }
}

impl Backend for Net {
    const NAME: &'static str = "virtio-net";
    const DEVICE_ID: u32 = 1;

    fn sample() -> Self {
        Self::new(NetConfig::default())
    }

    fn features(&self) -> u64 {
        feature::MTU | feature::MAC | feature::STATUS
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![QUEUE_SIZE; 2]
    }

    fn config(&self) -> Vec<u8> {
        let queue_pairs = 1_u16.to_le_bytes();
        [&self.config.mac[..], &LINK_UP.to_le_bytes(), &queue_pairs, &self.config.mtu.to_le_bytes()]
            .concat()
    }

    fn notify(&mut self, io: &mut Io<'_>, queue: usize) -> Result<(), QueueError> {
        if queue == TX { self.transmit(io) } else { self.deliver(io) }
    }

    fn poll(&mut self, io: &mut Io<'_>) -> Result<(), QueueError> {
        self.deliver(io)
    }

    fn next_event(&self) -> Option<Picos> {
        self.state.fresh.then_some(Picos::ZERO)
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        self.state = state::load(Self::NAME, state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
