//! The split virtqueue, device side.
//!
//! Source: VIRTIO 1.2 section 2.7: descriptor chains, also indirect (2.7.5.3), used ring, interrupt
//! and notification suppression by flag and by event index (2.7.7, 2.7.10). Left out: packed rings,
//! in-order use.
//!
//! Why not rust-vmm's `virtio-queue`: it works on `vm-memory`'s shared, atomically accessed mappings.
//! Our [`Ram`] is exclusive, fetched lazily and tracks stores to code, and device state must be plain
//! data for snapshots; adapting either to the other would be more code than the queue itself.
//!
//! The guest is not trusted: every address is checked against RAM, every index against its table, a
//! chain has a longest length, and one visit takes at most as many chains as the ring holds, even if
//! the guest aims device writes at the ring itself.

use crate::dma;
use ram::{OutsideRam, Ram};
use serde::{Deserialize, Serialize};
use thiserror::Error;

const NEXT: u16 = 1 << 0;
const WRITE: u16 = 1 << 1;
const INDIRECT: u16 = 1 << 2;
/// `avail.flags`: the driver wants no interrupt.
const NO_INTERRUPT: u16 = 1 << 0;

const DESCRIPTOR_BYTES: u32 = 16;
/// Descriptors of one chain, as in Linux' and QEMU's limits; a longer chain is a loop.
const MAX_CHAIN: usize = 1024;
/// Bytes of one chain: far more than drivers ask for, little enough that one chain is no hang.
const MAX_CHAIN_BYTES: u64 = 64 << 20;

/// How a guest broke the rules of a virtqueue.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueueError {
    /// A ring, descriptor table or buffer lies outside RAM.
    #[error("virtqueue memory: {0}")]
    Memory(#[from] OutsideRam),
    /// The queue size is no power of two or larger than offered.
    #[error("virtqueue size {size} is not a power of two up to {max}")]
    Size {
        /// Size the driver wrote.
        size: u16,
        /// Largest size offered.
        max: u16,
    },
    /// More buffers are said to be available than the ring holds.
    #[error("available index is {ahead} ahead in a ring of {size}")]
    Available {
        /// Distance between the index and the last buffer taken.
        ahead: u16,
        /// Ring size.
        size: u16,
    },
    /// A descriptor index beyond its table.
    #[error("descriptor {index} of a table of {len}")]
    Index {
        /// The index.
        index: u16,
        /// Entries of the table.
        len: u32,
    },
    /// A chain that loops or is too long.
    #[error("descriptor chain of more than {MAX_CHAIN} descriptors")]
    Chain,
    /// A chain over more bytes than any driver needs.
    #[error("descriptor chain over {0} bytes, more than {MAX_CHAIN_BYTES}")]
    Bytes(u64),
    /// An indirect descriptor that is nested, continued, empty or of odd length.
    #[error("indirect descriptor with flags {flags:#x} and length {len}")]
    Indirect {
        /// Its flags.
        flags: u16,
        /// Its length in bytes.
        len: u32,
    },
    /// A device-readable buffer after a device-writable one.
    #[error("device-readable buffer after a device-writable one")]
    Order,
    /// A request without the parts its device type demands.
    #[error("{0}")]
    Request(&'static str),
}

/// A buffer in guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Physical address.
    pub pa: u64,
    /// Length in bytes, not zero.
    pub len: u32,
}

/// A descriptor chain: buffers to read from, then buffers to write to. All lie in RAM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Index of the first descriptor, which names the chain in the used ring.
    pub head: u16,
    /// Buffers the device reads.
    pub readable: Vec<Segment>,
    /// Buffers the device writes.
    pub writable: Vec<Segment>,
}

/// A virtqueue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    max_size: u16,
    pub(super) size: u16,
    pub(super) ready: bool,
    pub(super) desc: u64,
    pub(super) avail: u64,
    pub(super) used: u64,
    pub(super) event_idx: bool,
    /// Free-running indices into the two rings.
    next_avail: u16,
    next_used: u16,
    /// `next_used` when the driver was last considered for an interrupt.
    signalled: u16,
    /// Chains that may still be taken in this visit.
    #[serde(skip)]
    budget: u16,
}

/// A descriptor table: the queue's own or an indirect one.
struct Table {
    pa: u64,
    len: u32,
}

struct Descriptor {
    pa: u64,
    len: u32,
    flags: u16,
    next: u16,
}

impl Table {
    fn get(&self, ram: &mut Ram, index: u16) -> Result<Descriptor, QueueError> {
        if u32::from(index) >= self.len {
            return Err(QueueError::Index { index, len: self.len });
        }
        let at = self.pa.wrapping_add(u64::from(DESCRIPTOR_BYTES) * u64::from(index));
        let raw = dma::slice(ram, at, DESCRIPTOR_BYTES)?;
        let field = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| raw[at + i]));
        let (pa, rest) = (field(0), field(8));
        Ok(Descriptor {
            pa,
            len: rest as u32,
            flags: (rest >> 32) as u16,
            next: (rest >> 48) as u16,
        })
    }

    /// The table an indirect descriptor points to.
    fn indirect(descriptor: &Descriptor) -> Result<Self, QueueError> {
        let Descriptor { pa, len, flags, .. } = *descriptor;
        if flags & NEXT != 0 || len == 0 || !len.is_multiple_of(DESCRIPTOR_BYTES) {
            return Err(QueueError::Indirect { flags, len });
        }
        Ok(Self { pa, len: len / DESCRIPTOR_BYTES })
    }
}

impl Queue {
    /// A queue of at most `max_size` entries, not ready. Panics unless it is a power of two.
    #[must_use]
    pub fn new(max_size: u16) -> Self {
        assert!(max_size.is_power_of_two(), "virtqueue sizes are powers of two");
        Self {
            max_size,
            size: max_size,
            ready: false,
            desc: 0,
            avail: 0,
            used: 0,
            event_idx: false,
            next_avail: 0,
            next_used: 0,
            signalled: 0,
            budget: 0,
        }
    }

    /// The largest size the driver may choose.
    #[must_use]
    pub fn max_size(&self) -> u16 {
        self.max_size
    }

    /// Whether the driver has set the queue up.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// Checks size and places of the rings.
    pub(super) fn check(&self, ram: &Ram) -> Result<(), QueueError> {
        let (size, max) = (self.size, self.max_size);
        if !size.is_power_of_two() || size > max {
            return Err(QueueError::Size { size, max });
        }
        let entries = u64::from(size);
        let parts = [(self.desc, 16 * entries), (self.avail, 6 + 2 * entries)];
        for (pa, len) in parts.into_iter().chain([(self.used, 6 + 8 * entries)]) {
            ram.offset(pa, len).ok_or(OutsideRam { pa, len })?;
        }
        Ok(())
    }

    /// Starts a visit: from here as many chains may be taken as the ring holds.
    pub(super) fn visit(&mut self) {
        self.budget = self.size;
    }

    /// Takes the next available chain.
    pub fn pop(&mut self, ram: &mut Ram) -> Result<Option<Chain>, QueueError> {
        if !self.ready || self.budget == 0 {
            return Ok(None);
        }
        let ahead = ram.read_u16(part(self.avail, 2))?.wrapping_sub(self.next_avail);
        if ahead > self.size {
            return Err(QueueError::Available { ahead, size: self.size });
        }
        if ahead == 0 {
            return Ok(None);
        }
        let slot = u64::from(self.next_avail % self.size);
        let head = ram.read_u16(part(self.avail, 4 + 2 * slot))?;
        let chain = self.walk(ram, head)?;
        self.budget -= 1;
        self.next_avail = self.next_avail.wrapping_add(1);
        if self.event_idx {
            let avail_event = part(self.used, 4 + 8 * u64::from(self.size));
            ram.write(avail_event, &self.next_avail.to_le_bytes())?;
        }
        Ok(Some(chain))
    }

    fn walk(&self, ram: &mut Ram, head: u16) -> Result<Chain, QueueError> {
        let mut chain = Chain { head, ..Chain::default() };
        let mut table = Table { pa: self.desc, len: u32::from(self.size) };
        let (mut index, mut indirect) = (head, false);
        for _ in 0..MAX_CHAIN {
            let descriptor = table.get(ram, index)?;
            let Descriptor { len, flags, next, .. } = descriptor;
            if flags & INDIRECT != 0 {
                if indirect {
                    return Err(QueueError::Indirect { flags, len });
                }
                (table, index, indirect) = (Table::indirect(&descriptor)?, 0, true);
                continue;
            }
            chain.add(ram, &descriptor)?;
            if flags & NEXT == 0 {
                let bytes = chain.readable_len() + chain.writable_len();
                return if bytes > MAX_CHAIN_BYTES {
                    Err(QueueError::Bytes(bytes))
                } else {
                    Ok(chain)
                };
            }
            index = next;
        }
        Err(QueueError::Chain)
    }

    /// Returns the chain `head` to the driver, with `len` bytes written to it.
    pub fn push(&mut self, ram: &mut Ram, head: u16, len: u32) -> Result<(), QueueError> {
        if !self.ready {
            return Err(QueueError::Request("queue taken away with requests in flight"));
        }
        let slot = u64::from(self.next_used % self.size);
        let element = u64::from(head) | u64::from(len) << 32;
        ram.write(part(self.used, 4 + 8 * slot), &element.to_le_bytes())?;
        self.next_used = self.next_used.wrapping_add(1);
        ram.write(part(self.used, 2), &self.next_used.to_le_bytes())?;
        Ok(())
    }

    /// Whether the driver wants an interrupt for the chains returned since the last call.
    pub(super) fn take_signal(&mut self, ram: &mut Ram) -> Result<bool, QueueError> {
        let old = std::mem::replace(&mut self.signalled, self.next_used);
        let fresh = self.next_used.wrapping_sub(old);
        if fresh == 0 {
            return Ok(false);
        }
        if !self.event_idx {
            return Ok(ram.read_u16(self.avail)? & NO_INTERRUPT == 0);
        }
        let used_event = ram.read_u16(part(self.avail, 4 + 2 * u64::from(self.size)))?;
        Ok(self.next_used.wrapping_sub(used_event).wrapping_sub(1) < fresh)
    }
}

/// The address of a ring's field. An address that wraps around is not in RAM, and refused there.
fn part(ring: u64, offset: u64) -> u64 {
    ring.wrapping_add(offset)
}

impl Chain {
    fn add(&mut self, ram: &Ram, descriptor: &Descriptor) -> Result<(), QueueError> {
        let Descriptor { pa, len, flags, .. } = *descriptor;
        let list = if flags & WRITE != 0 {
            &mut self.writable
        } else if self.writable.is_empty() {
            &mut self.readable
        } else {
            return Err(QueueError::Order);
        };
        if len > 0 {
            let bytes = u64::from(len);
            ram.offset(pa, bytes).ok_or(OutsideRam { pa, len: bytes })?;
            list.push(Segment { pa, len });
        }
        Ok(())
    }

    /// Bytes the device may read.
    #[must_use]
    pub fn readable_len(&self) -> u64 {
        self.readable.iter().map(|segment| u64::from(segment.len)).sum()
    }

    /// Bytes the device may write.
    #[must_use]
    pub fn writable_len(&self) -> u64 {
        self.writable.iter().map(|segment| u64::from(segment.len)).sum()
    }

    /// Fills `into` from the readable part, from byte `skip` on. Returns how much there was.
    pub fn read_at(&self, ram: &mut Ram, skip: u64, into: &mut [u8]) -> Result<usize, QueueError> {
        let mut done = 0;
        for Segment { pa, len } in pieces(&self.readable, skip, into.len() as u64) {
            let from = dma::slice(ram, pa, len)?;
            into[done..done + from.len()].copy_from_slice(from);
            done += from.len();
        }
        Ok(done)
    }

    /// Writes `from` to the writable part, from byte `skip` on. Returns how much had room.
    pub fn write_at(&self, ram: &mut Ram, skip: u64, from: &[u8]) -> Result<usize, QueueError> {
        let mut done = 0;
        for Segment { pa, len } in pieces(&self.writable, skip, from.len() as u64) {
            let into = dma::slice_mut(ram, pa, len)?;
            into.copy_from_slice(&from[done..done + into.len()]);
            done += into.len();
        }
        Ok(done)
    }

    /// Appends the readable part from byte `skip` on to `into`.
    pub fn gather(&self, ram: &mut Ram, skip: u64, into: &mut Vec<u8>) -> Result<(), QueueError> {
        for Segment { pa, len } in pieces(&self.readable, skip, u64::MAX) {
            into.extend_from_slice(dma::slice(ram, pa, len)?);
        }
        Ok(())
    }
}

/// The parts of `segments` that hold the `take` bytes after the first `skip`.
pub(super) fn pieces(
    segments: &[Segment],
    mut skip: u64,
    mut take: u64,
) -> impl Iterator<Item = Segment> {
    segments.iter().filter_map(move |&Segment { pa, len }| {
        let before = skip.min(u64::from(len));
        let within = (u64::from(len) - before).min(take);
        skip -= before;
        take -= within;
        (within > 0).then_some(Segment { pa: pa.wrapping_add(before), len: within as u32 })
    })
}

#[cfg(test)]
mod tests;
