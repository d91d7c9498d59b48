//! A full-duplex Ethernet link: bandwidth, delay, and when a frame arrives.
//!
//! A frame occupies its direction for its length plus 24 bytes that are on the wire but not in the
//! buffer: preamble and start delimiter (8), frame check sequence (4) and inter-packet gap (12), IEEE
//! 802.3 clauses 3.1.1 and 4.4.2. Frames shorter than 60 bytes are padded to 60 first. The two
//! directions do not disturb each other; within one, frames keep their order and wait for the
//! one in front. A frame arrives when its last bit, gap included, has been sent and has
//! travelled the delay. Left out: bit errors, pause frames, jumbo frames.

use serde::{Deserialize, Serialize};
use sim::Picos;

/// Bytes a frame costs on the wire beside its own.
const OVERHEAD_BYTES: u64 = 24;
/// The shortest frame a sender may emit, frame check sequence excluded.
const MIN_FRAME_BYTES: u64 = 60;
/// Picoseconds in a second.
const PICOS_PER_SECOND: u128 = 1_000_000_000_000;

/// Why a link cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The bandwidth is zero.
    #[error("building the network link: the bandwidth is 0 bit/s; give at least 1")]
    NoBandwidth,
    /// The delay is so long that nothing would ever arrive.
    #[error(
        "building the network link: the delay of {0} is more than an hour; give it in picoseconds"
    )]
    EndlessDelay(Picos),
}

/// Bandwidth and one-way delay of the cable between guest and peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LinkFields", into = "LinkFields")]
pub struct Link {
    bandwidth_bits_per_s: u64,
    delay: Picos,
}

/// The form a [`Link`] takes in configuration files.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkFields {
    bandwidth_bits_per_s: u64,
    delay: Picos,
}

impl TryFrom<LinkFields> for Link {
    type Error = LinkError;
    fn try_from(fields: LinkFields) -> Result<Self, LinkError> {
        Self::new(fields.bandwidth_bits_per_s, fields.delay)
    }
}

impl From<Link> for LinkFields {
    fn from(link: Link) -> Self {
        Self { bandwidth_bits_per_s: link.bandwidth_bits_per_s, delay: link.delay }
    }
}

impl Default for Link {
    /// 10 Gbit/s and 10 us.
    fn default() -> Self {
        Self { bandwidth_bits_per_s: 10_000_000_000, delay: Picos::from_micros(10) }
    }
}

impl Link {
    /// A link of `bandwidth_bits_per_s` each way and `delay` one way.
    ///
    /// # Errors
    /// A bandwidth of zero, or a delay of more than an hour.
    pub fn new(bandwidth_bits_per_s: u64, delay: Picos) -> Result<Self, LinkError> {
        if bandwidth_bits_per_s == 0 {
            return Err(LinkError::NoBandwidth);
        }
        if delay > Picos::from_secs(3600) {
            return Err(LinkError::EndlessDelay(delay));
        }
        Ok(Self { bandwidth_bits_per_s, delay })
    }

    /// Bits a second in each direction.
    #[must_use]
    pub fn bandwidth_bits_per_s(self) -> u64 {
        self.bandwidth_bits_per_s
    }

    /// How long a bit travels.
    #[must_use]
    pub fn delay(self) -> Picos {
        self.delay
    }

    /// How long a frame of `bytes` bytes (frame check sequence excluded) occupies its direction.
    #[must_use]
    pub fn serialisation(self, bytes: usize) -> Picos {
        let on_wire = (bytes as u64).max(MIN_FRAME_BYTES) + OVERHEAD_BYTES;
        let picos =
            (u128::from(on_wire) * 8 * PICOS_PER_SECOND).div_ceil(self.bandwidth_bits_per_s.into());
        Picos(u64::try_from(picos).unwrap_or(u64::MAX))
    }
}

/// One direction of a link: remembers until when it is busy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Direction {
    link: Link,
    busy_until: Picos,
}

impl Direction {
    /// An idle direction of `link`.
    pub(crate) fn new(link: Link) -> Self {
        Self { link, busy_until: Picos::ZERO }
    }

    /// Sends a frame of `bytes` bytes at `at`, or as soon after as the direction is free; returns
    /// when it has arrived at the other end.
    pub(crate) fn send(&mut self, at: Picos, bytes: usize) -> Picos {
        let start = at.max(self.busy_until);
        self.busy_until = start.saturating_add(self.link.serialisation(bytes));
        self.busy_until.saturating_add(self.link.delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_frame_takes_1538_byte_times_and_the_delay() {
        let mut direction = Direction::new(Link::default());
        let arrival = direction.send(Picos::from_micros(5), 1514);
        assert_eq!(arrival, Picos(5_000_000 + 1538 * 800 + 10_000_000));
    }

    #[test]
    fn a_short_frame_is_padded_to_60_bytes() {
        let link = Link::default();
        assert_eq!(link.serialisation(1), Picos(84 * 800));
        assert_eq!(link.serialisation(60), Picos(84 * 800));
        assert_eq!(link.serialisation(61), Picos(85 * 800));
    }

    #[test]
    fn the_second_frame_waits_for_the_first_and_an_idle_wire_forgets() {
        let mut direction = Direction::new(Link::default());
        let first = direction.send(Picos::ZERO, 1514);
        let second = direction.send(Picos::ZERO, 1514);
        assert_eq!(second - first, Picos(1538 * 800));
        let later = direction.send(Picos::from_millis(1), 60);
        assert_eq!(later, Picos::from_millis(1) + Picos(84 * 800) + Picos::from_micros(10));
    }

    #[test]
    fn a_bandwidth_that_does_not_divide_rounds_up() {
        let link = Link::new(3, Picos::ZERO).expect("three bits a second is a link");
        assert_eq!(link.serialisation(60), Picos(84 * 8 * 1_000_000_000_000 / 3));
        let link = Link::new(7, Picos::ZERO).expect("seven bits a second is a link");
        assert_eq!(link.serialisation(61).0, (85u64 * 8 * 1_000_000_000_000).div_ceil(7));
    }

    #[test]
    fn a_link_without_bandwidth_or_with_endless_delay_is_refused() {
        assert_eq!(Link::new(0, Picos::ZERO), Err(LinkError::NoBandwidth));
        assert!(Link::new(1, Picos::NEVER).is_err());
        assert!(serde_json::from_str::<Link>(r#"{"bandwidth_bits_per_s":0,"delay":1}"#).is_err());
    }
}
