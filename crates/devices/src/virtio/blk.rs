//! The virtio block device.
//!
//! Source: VIRTIO 1.2 section 5.2: read, write, flush, get-id, discard, write-zeroes. One queue. Left
//! out: multiqueue, geometry and topology hints, secure erase, zoned devices, lifetime.
//!
//! Time: the medium moves one request's data at a time at [`BlkConfig::bytes_per_sec`], and every
//! request takes [`BlkConfig::latency`] on top; latencies of queued requests overlap. Data moves and
//! the request is returned when it is due, in the order of submission.

use super::{Backend, Chain, Io, QueueError, Segment, VirtioMmio, queue::pieces};
use crate::{dma, state};
use ram::Ram;
use serde::{Deserialize, Serialize};
use sim::Picos;
use std::{any::Any, collections::VecDeque, fmt::Debug, num::NonZeroU64};
use thiserror::Error;

/// The block device on its transport.
pub type VirtioBlk = VirtioMmio<Blk>;

/// Bytes of a sector.
pub const SECTOR: u64 = 512;

const QUEUE_SIZE: u16 = 256;
/// Two descriptors of a request are header and status.
const SEG_MAX: u32 = QUEUE_SIZE as u32 - 2;
const HEADER: u64 = 16;
const ID_BYTES: usize = 20;
const RANGE_BYTES: u64 = 16;
/// Sectors of one discard or write-zeroes request: 64 MiB.
const MAX_RANGE_SECTORS: u32 = 1 << 17;
/// Discards of less than this free nothing in [`super::Overlay`].
const DISCARD_ALIGNMENT_SECTORS: u32 = (super::CLUSTER / SECTOR) as u32;

mod feature {
    pub const SEG_MAX: u64 = 1 << 2;
    pub const RO: u64 = 1 << 5;
    pub const BLK_SIZE: u64 = 1 << 6;
    pub const FLUSH: u64 = 1 << 9;
    pub const DISCARD: u64 = 1 << 13;
    pub const WRITE_ZEROES: u64 = 1 << 14;
}

mod kind {
    pub const IN: u32 = 0;
    pub const OUT: u32 = 1;
    pub const FLUSH: u32 = 4;
    pub const GET_ID: u32 = 8;
    pub const DISCARD: u32 = 11;
    pub const WRITE_ZEROES: u32 = 13;
}

/// A block store could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct BlockError(pub String);

/// Where sectors are kept. Ranges given to it lie inside the store, lengths are whole sectors.
pub trait BlockStore: Any + Send + Debug {
    /// Size in sectors.
    fn sectors(&self) -> u64;

    /// Fills `into` with the sectors from `sector` on.
    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError>;

    /// Replaces the sectors from `sector` on by `from`.
    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError>;

    /// Makes earlier writes last.
    fn flush(&mut self) -> Result<(), BlockError> {
        Ok(())
    }

    /// The guest no longer needs the content of `count` sectors; it may change.
    fn discard(&mut self, _sector: u64, _count: u64) {}
}

impl dyn BlockStore {
    /// The store as its concrete type, if it is one.
    #[must_use]
    pub fn downcast_ref<T: BlockStore>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }

    /// The store as its concrete type, if it is one.
    pub fn downcast_mut<T: BlockStore>(&mut self) -> Option<&mut T> {
        (self as &mut dyn Any).downcast_mut()
    }
}

/// Knobs of a block device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlkConfig {
    /// Time from submission to completion of an idle device's request without data.
    pub latency: Picos,
    /// Speed of the medium.
    pub bytes_per_sec: NonZeroU64,
    /// Writes are refused.
    pub read_only: bool,
    /// What `GET_ID` answers, cut to 20 bytes.
    pub serial: String,
}

impl Default for BlkConfig {
    /// A fast NVMe drive: 20 us, 2 GB/s.
    fn default() -> Self {
        Self {
            latency: Picos::from_micros(20),
            bytes_per_sec: NonZeroU64::new(2_000_000_000).expect("two billion is not zero"),
            read_only: false,
            serial: "vswarm-u".to_owned(),
        }
    }
}

/// What the device has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlkCounters {
    /// Read requests.
    pub reads: u64,
    /// Write requests.
    pub writes: u64,
    /// Flush requests.
    pub flushes: u64,
    /// Bytes read by the guest.
    pub bytes_read: u64,
    /// Bytes written by the guest.
    pub bytes_written: u64,
    /// Requests answered with an error.
    pub errors: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    in_flight: VecDeque<InFlight>,
    /// When the medium has moved all data asked for so far.
    medium_free: Picos,
    counters: BlkCounters,
}

#[derive(Debug, Serialize, Deserialize)]
struct InFlight {
    due: Picos,
    chain: Chain,
}

/// The block device.
#[derive(Debug)]
pub struct Blk {
    config: BlkConfig,
    store: Box<dyn BlockStore>,
    state: State,
    store_error: Option<BlockError>,
}

/// Why a request fails, as the guest is told.
enum Refusal {
    IoError,
    Unsupported,
    /// The store failed; the host can ask why.
    Store(BlockError),
    /// The request has no place for an answer: the ring is broken.
    Broken(QueueError),
}

impl From<QueueError> for Refusal {
    fn from(error: QueueError) -> Self {
        Self::Broken(error)
    }
}

impl From<BlockError> for Refusal {
    fn from(error: BlockError) -> Self {
        Self::Store(error)
    }
}

impl Blk {
    /// A device over `store`.
    #[must_use]
    pub fn new(store: Box<dyn BlockStore>, config: BlkConfig) -> Self {
        Self { config, store, state: State::default(), store_error: None }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn BlockStore {
        &*self.store
    }

    /// The store, to export or import its content.
    pub fn store_mut(&mut self) -> &mut dyn BlockStore {
        &mut *self.store
    }

    /// What the device has done so far.
    #[must_use]
    pub fn counters(&self) -> BlkCounters {
        self.state.counters
    }

    /// The last failure of the store, which the guest saw as an I/O error.
    pub fn take_store_error(&mut self) -> Option<BlockError> {
        self.store_error.take()
    }

    /// When a request for `bytes` that arrives at `now` is done; reserves the medium.
    fn schedule(&mut self, now: Picos, bytes: u64) -> Picos {
        let picos =
            u128::from(bytes) * 1_000_000_000_000 / u128::from(self.config.bytes_per_sec.get());
        let moving = Picos(u64::try_from(picos).unwrap_or(u64::MAX));
        self.state.medium_free = self.state.medium_free.max(now).saturating_add(moving);
        self.state.medium_free.saturating_add(self.config.latency)
    }

    fn complete_due(&mut self, io: &mut Io<'_>) -> Result<(), QueueError> {
        while self.state.in_flight.front().is_some_and(|first| first.due <= io.now) {
            let Some(InFlight { chain, .. }) = self.state.in_flight.pop_front() else { break };
            let written = self.complete(io.ram, &chain)?;
            io.queues[0].push(io.ram, chain.head, written)?;
        }
        Ok(())
    }

    /// Serves a request and writes its status byte. Returns the number of bytes written.
    fn complete(&mut self, ram: &mut Ram, chain: &Chain) -> Result<u32, QueueError> {
        let room = chain.writable_len();
        let data_room = room.checked_sub(1).ok_or(QueueError::Request("no room for a status"))?;
        let (status, written) = match self.serve(ram, chain, data_room) {
            Ok(written) => (0, written),
            Err(Refusal::Broken(error)) => return Err(error),
            Err(Refusal::Unsupported) => (2, 0),
            Err(Refusal::IoError) => (1, 0),
            Err(Refusal::Store(error)) => {
                self.store_error = Some(error);
                (1, 0)
            }
        };
        if status != 0 {
            self.state.counters.errors += 1;
        }
        chain.write_at(ram, data_room, &[status])?;
        Ok(written as u32 + 1)
    }

    /// Serves a request with `data_room` bytes of room for data. Returns the data bytes written.
    fn serve(&mut self, ram: &mut Ram, chain: &Chain, data_room: u64) -> Result<u64, Refusal> {
        let mut header = [0; HEADER as usize];
        if chain.read_at(ram, 0, &mut header)? < header.len() {
            return Err(QueueError::Request("block request without a whole header").into());
        }
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| header[at + i]));
        let (kind, sector) = (word(0) as u32, word(8));
        match kind {
            kind::IN => self.read(ram, chain, sector, data_room),
            kind::OUT => self.write(ram, chain, sector).map(|()| 0),
            kind::FLUSH => {
                self.state.counters.flushes += 1;
                self.store.flush()?;
                Ok(0)
            }
            kind::GET_ID => {
                let mut id = [0; ID_BYTES];
                let serial = self.config.serial.bytes();
                id.iter_mut().zip(serial).for_each(|(into, byte)| *into = byte);
                let fits = data_room.min(ID_BYTES as u64);
                Ok(chain.write_at(ram, 0, &id[..fits as usize])? as u64)
            }
            kind::DISCARD | kind::WRITE_ZEROES => {
                self.clear(ram, chain, kind == kind::DISCARD).map(|()| 0)
            }
            _ => Err(Refusal::Unsupported),
        }
    }

    /// Checks that `bytes` are whole sectors of the store from `sector` on.
    fn check(&self, sector: u64, bytes: u64) -> Result<(), Refusal> {
        let end = sector.checked_add(bytes / SECTOR);
        let inside = end.is_some_and(|end| end <= self.store.sectors());
        if inside && bytes.is_multiple_of(SECTOR) { Ok(()) } else { Err(Refusal::IoError) }
    }

    fn read(
        &mut self,
        ram: &mut Ram,
        chain: &Chain,
        mut sector: u64,
        bytes: u64,
    ) -> Result<u64, Refusal> {
        self.check(sector, bytes)?;
        if whole_sectors(pieces(&chain.writable, 0, bytes)) {
            for piece in pieces(&chain.writable, 0, bytes) {
                let into = dma::slice_mut(ram, piece.pa, piece.len).map_err(QueueError::from)?;
                self.store.read(sector, into)?;
                sector += u64::from(piece.len) / SECTOR;
            }
        } else {
            let mut whole = vec![0; bytes as usize];
            self.store.read(sector, &mut whole)?;
            chain.write_at(ram, 0, &whole)?;
        }
        self.state.counters.reads += 1;
        self.state.counters.bytes_read += bytes;
        Ok(bytes)
    }

    fn write(&mut self, ram: &mut Ram, chain: &Chain, mut sector: u64) -> Result<(), Refusal> {
        let bytes = chain.readable_len() - HEADER;
        self.check(sector, bytes)?;
        if self.config.read_only {
            return Err(Refusal::IoError);
        }
        if whole_sectors(pieces(&chain.readable, HEADER, bytes)) {
            for piece in pieces(&chain.readable, HEADER, bytes) {
                let from = dma::slice(ram, piece.pa, piece.len).map_err(QueueError::from)?;
                self.store.write(sector, from)?;
                sector += u64::from(piece.len) / SECTOR;
            }
        } else {
            let mut whole = Vec::with_capacity(bytes as usize);
            chain.gather(ram, HEADER, &mut whole)?;
            self.store.write(sector, &whole)?;
        }
        self.state.counters.writes += 1;
        self.state.counters.bytes_written += bytes;
        Ok(())
    }

    /// Discards or zeroes the one range of a request.
    fn clear(&mut self, ram: &mut Ram, chain: &Chain, discard: bool) -> Result<(), Refusal> {
        let mut range = [0; RANGE_BYTES as usize];
        let there = chain.read_at(ram, HEADER, &mut range)? as u64;
        if there < RANGE_BYTES || chain.readable_len() != HEADER + RANGE_BYTES {
            return Err(Refusal::Unsupported);
        }
        let sector = u64::from_le_bytes(std::array::from_fn(|i| range[i]));
        let [count, flags] =
            [8, 12].map(|at| u32::from_le_bytes(std::array::from_fn(|i| range[at + i])));
        if flags > u32::from(!discard) || count > MAX_RANGE_SECTORS {
            return Err(Refusal::Unsupported);
        }
        self.check(sector, u64::from(count) * SECTOR)?;
        if self.config.read_only {
            return Err(Refusal::IoError);
        }
        if discard {
            self.store.discard(sector, count.into());
        } else {
            self.store.write(sector, &vec![0; count as usize * SECTOR as usize])?;
        }
        Ok(())
    }
}

fn whole_sectors(mut pieces: impl Iterator<Item = Segment>) -> bool {
    pieces.all(|piece| u64::from(piece.len).is_multiple_of(SECTOR))
}

impl Backend for Blk {
    const NAME: &'static str = "virtio-blk";
    const DEVICE_ID: u32 = 2;

    fn sample() -> Self {
        Self::new(Box::new(super::Overlay::empty(2048)), BlkConfig::default())
    }

    fn features(&self) -> u64 {
        let all = feature::SEG_MAX | feature::BLK_SIZE | feature::FLUSH;
        if self.config.read_only {
            all | feature::RO
        } else {
            all | feature::DISCARD | feature::WRITE_ZEROES
        }
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![QUEUE_SIZE]
    }

    fn config(&self) -> Vec<u8> {
        let mut config = vec![0; 60];
        let mut put = |at: usize, bytes: &[u8]| config[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.store.sectors().to_le_bytes());
        put(12, &SEG_MAX.to_le_bytes());
        put(20, &(SECTOR as u32).to_le_bytes());
        put(34, &1_u16.to_le_bytes());
        put(36, &MAX_RANGE_SECTORS.to_le_bytes());
        put(40, &1_u32.to_le_bytes());
        put(44, &DISCARD_ALIGNMENT_SECTORS.to_le_bytes());
        put(48, &MAX_RANGE_SECTORS.to_le_bytes());
        put(52, &1_u32.to_le_bytes());
        config
    }

    fn reset(&mut self) {
        self.state.in_flight.clear();
    }

    fn notify(&mut self, io: &mut Io<'_>, queue: usize) -> Result<(), QueueError> {
        while let Some(chain) = io.queues[queue].pop(io.ram)? {
            let bytes = chain.readable_len().max(HEADER) - HEADER + chain.writable_len().max(1) - 1;
            let due = self.schedule(io.now, bytes);
            self.state.in_flight.push_back(InFlight { due, chain });
        }
        self.complete_due(io)
    }

    fn poll(&mut self, io: &mut Io<'_>) -> Result<(), QueueError> {
        self.complete_due(io)
    }

    fn next_event(&self) -> Option<Picos> {
        self.state.in_flight.front().map(|first| first.due)
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
