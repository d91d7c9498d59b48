//! Writing the native format.

use super::block::{self, BLOCK, END, Header, LEVEL, MAX_PACKED, crc32};
use super::bytes::put_unsigned;
use super::history::History;
use super::{MAX_HARTS, instr, record};
use crate::draft::Draft;
use crate::{Mark, Metadata, Sink, Summary, TraceError};
use std::fmt;
use std::path::Path;
use stream::{Fetched, HartId, VirtAddr, Walk};
use zstd::bulk::Compressor;

/// Writes a native trace. The file has its name only once [`Writer::finish`] has returned.
pub struct Writer {
    draft: Draft,
    harts: Vec<Channel>,
    compressor: Compressor<'static>,
    packed: Vec<u8>,
    blocks: u32,
    records: u64,
    raw_bytes: u64,
    /// A block could not be written, so what follows would be a trace with a hole.
    broken: bool,
}

/// What a hart has to be written.
#[derive(Debug)]
struct Channel {
    history: History,
    raw: Vec<u8>,
    /// Records in `raw`.
    records: u32,
    /// Instructions since the beginning.
    instructions: u64,
}

impl Writer {
    /// Begins the trace that will be `path`.
    ///
    /// # Errors
    ///
    /// The file cannot be made, or `metadata` has an impossible number of harts.
    pub fn create(path: &Path, metadata: &Metadata) -> Result<Self, TraceError> {
        let harts = metadata.harts;
        if !(1..=MAX_HARTS).contains(&harts) {
            return Err(TraceError::Harts { path: path.to_owned(), harts, most: MAX_HARTS });
        }
        let compressor = Compressor::new(LEVEL).map_err(TraceError::io("compressing", path))?;
        let mut draft = Draft::create(path)?;
        draft.append(&block::file_head(metadata))?;
        Ok(Self {
            draft,
            harts: (0..harts).map(|_| Channel::new()).collect(),
            compressor,
            packed: Vec::with_capacity(MAX_PACKED),
            blocks: 0,
            records: 0,
            raw_bytes: 0,
            broken: false,
        })
    }

    /// Writes what a source handed out to `hart`. [`Fetched::Alone`], [`Fetched::Later`] and [`Fetched::Stopped`] are
    /// not written: the first is a request to the owner of the live machine, and the second is what
    /// the end of the trace means. Panics if the trace has no such hart.
    ///
    /// # Errors
    ///
    /// The file cannot be written; the trace is then lost.
    #[inline]
    pub fn write(&mut self, hart: HartId, fetched: &Fetched) -> Result<(), TraceError> {
        let channel = &mut self.harts[hart.index()];
        match fetched {
            Fetched::Instr(instr) => {
                instr::put(&mut channel.history, instr, &mut channel.raw);
                channel.instructions += 1;
            }
            Fetched::Flush(scope) => record::put_flush(*scope, &mut channel.raw),
            Fetched::Idle { until } => record::put_idle(*until, &mut channel.raw),
            Fetched::Alone | Fetched::Later | Fetched::Stopped => return Ok(()),
        }
        self.count(hart)
    }

    /// Writes what a walk for `va` found in the address space of the last instruction of `hart`. It
    /// holds until a flush.
    ///
    /// # Errors
    ///
    /// The file cannot be written; the trace is then lost.
    pub fn walk(&mut self, hart: HartId, va: VirtAddr, walk: &Walk) -> Result<(), TraceError> {
        let Channel { history, raw, .. } = &mut self.harts[hart.index()];
        record::put_walk(history, va, walk, raw);
        self.count(hart)
    }

    /// Writes the boundary of a window, for all harts.
    ///
    /// # Errors
    ///
    /// The file cannot be written; the trace is then lost.
    pub fn mark(&mut self, mark: Mark) -> Result<(), TraceError> {
        for hart in 0..self.harts.len() {
            record::put_mark(mark, &mut self.harts[hart].raw);
            self.count(HartId(hart as u32))?;
        }
        Ok(())
    }

    /// Completes the trace and gives it its name.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or could not earlier; the trace is then lost.
    pub fn finish(mut self) -> Result<Summary, TraceError> {
        for hart in 0..self.harts.len() {
            if self.harts[hart].records > 0 {
                self.close_block(HartId(hart as u32))?;
            }
        }
        if self.broken {
            return Err(TraceError::Unfinished { path: self.draft.target().to_owned() });
        }
        let mut totals = Vec::new();
        for channel in &self.harts {
            put_unsigned(&mut totals, channel.instructions);
        }
        self.put_block(END, &totals, 0)?;
        let file_bytes = self.draft.commit()?;
        Ok(Summary {
            instructions: self.harts.iter().map(|channel| channel.instructions).sum(),
            records: self.records,
            raw_bytes: self.raw_bytes,
            file_bytes,
        })
    }

    #[inline]
    fn count(&mut self, hart: HartId) -> Result<(), TraceError> {
        let channel = &mut self.harts[hart.index()];
        channel.records += 1;
        if channel.raw.len() >= BLOCK { self.close_block(hart) } else { Ok(()) }
    }

    #[cold]
    fn close_block(&mut self, hart: HartId) -> Result<(), TraceError> {
        let channel = &mut self.harts[hart.index()];
        let mut raw = std::mem::take(&mut channel.raw);
        let records = std::mem::take(&mut channel.records);
        let written = self.put_block(hart.0, &raw, records);
        self.broken |= written.is_err();
        self.records += u64::from(records);
        self.raw_bytes += raw.len() as u64;
        raw.clear();
        self.harts[hart.index()].raw = raw;
        written
    }

    fn put_block(&mut self, hart: u32, raw: &[u8], records: u32) -> Result<(), TraceError> {
        self.packed.clear();
        self.compressor
            .compress_to_buffer(raw, &mut self.packed)
            .map_err(TraceError::io("compressing", self.draft.target()))?;
        let header = Header {
            number: self.blocks,
            hart,
            records,
            raw: raw.len() as u32,
            packed: self.packed.len() as u32,
            crc: crc32(&self.packed),
        };
        self.blocks += 1;
        self.draft.append(&header.to_bytes())?;
        self.draft.append(&self.packed)
    }
}

impl Channel {
    fn new() -> Self {
        Self {
            history: History::new(),
            raw: Vec::with_capacity(BLOCK),
            records: 0,
            instructions: 0,
        }
    }
}

impl Sink for Writer {
    fn keeps_walks(&self) -> bool {
        true
    }

    fn write(&mut self, hart: HartId, fetched: &Fetched) -> Result<(), TraceError> {
        Writer::write(self, hart, fetched)
    }

    fn walk(&mut self, hart: HartId, va: VirtAddr, walk: &Walk) -> Result<(), TraceError> {
        Writer::walk(self, hart, va, walk)
    }

    fn mark(&mut self, mark: Mark) -> Result<(), TraceError> {
        Writer::mark(self, mark)
    }

    fn finish(self: Box<Self>) -> Result<Summary, TraceError> {
        Writer::finish(*self)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("path", &self.draft.target())
            .field("harts", &self.harts.len())
            .field("blocks", &self.blocks)
            .finish_non_exhaustive()
    }
}
