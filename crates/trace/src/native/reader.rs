//! Reading the native format: the blocks of a file, and the records of each hart in turn.

use super::block::{self, END, Header, MAX_RAW, PREFIX, crc32};
use super::bytes::{Cursor, Malformed};
use super::history::History;
use super::record::{self, Record};
use super::{MAX_HARTS, VERSION};
use crate::{Metadata, TraceError};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use zstd::bulk::Decompressor;

/// An open trace.
pub(super) struct Reader {
    file: TraceFile,
    metadata: Metadata,
    harts: Vec<Channel>,
    /// Instructions of each hart.
    instructions: Vec<u64>,
    decompressor: Decompressor<'static>,
    packed: Vec<u8>,
}

struct TraceFile {
    path: PathBuf,
    file: File,
    size: u64,
}

/// The records of one hart.
#[derive(Default)]
struct Channel {
    blocks: Vec<Place>,
    /// Blocks read.
    read: usize,
    cursor: Cursor,
    /// Records left in the block.
    left: u32,
    /// Records read before.
    records: u64,
    history: Option<History>,
}

/// Where a block lies.
struct Place {
    payload: u64,
    header: Header,
}

impl Reader {
    /// Opens a trace and finds its blocks.
    pub(super) fn open(path: &Path) -> Result<Self, TraceError> {
        let file = TraceFile::open(path)?;
        let (metadata, head) = file.metadata()?;
        if !(1..=MAX_HARTS).contains(&metadata.harts) {
            let (path, harts) = (path.to_owned(), metadata.harts);
            return Err(TraceError::Harts { path, harts, most: MAX_HARTS });
        }
        let decompressor = Decompressor::new().map_err(TraceError::io("reading", path))?;
        let mut reader = Self {
            file,
            harts: (0..metadata.harts).map(|_| Channel::default()).collect(),
            metadata,
            instructions: Vec::new(),
            decompressor,
            packed: Vec::new(),
        };
        let end = reader.find_blocks(head)?;
        reader.read_totals(&end)?;
        Ok(reader)
    }

    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    pub(super) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(super) fn instructions(&self) -> &[u64] {
        &self.instructions
    }

    /// The next record of `hart`, `None` at its end.
    #[inline]
    pub(super) fn next(&mut self, hart: usize) -> Result<Option<Record>, TraceError> {
        if !self.ready(hart)? {
            return Ok(None);
        }
        let channel = &mut self.harts[hart];
        let history = channel.history.get_or_insert_with(History::new);
        let result = record::get(history, &mut channel.cursor);
        channel.left -= 1;
        channel.records += 1;
        result.map(Some).map_err(|error| self.malformed(hart, error))
    }

    /// Whether the next record of `hart` is a walk.
    #[inline]
    pub(super) fn at_walk(&mut self, hart: usize) -> Result<bool, TraceError> {
        Ok(self.ready(hart)? && self.harts[hart].cursor.peek() == Some(record::WALK))
    }

    /// Whether there is another record of `hart`, which is then at hand.
    #[inline]
    fn ready(&mut self, hart: usize) -> Result<bool, TraceError> {
        Ok(self.harts[hart].left > 0 || self.load(hart)?)
    }

    #[cold]
    fn load(&mut self, hart: usize) -> Result<bool, TraceError> {
        let channel = &mut self.harts[hart];
        if channel.cursor.peek().is_some() {
            return Err(self.malformed(hart, Malformed("its block goes on after the last record")));
        }
        let Some(place) = channel.blocks.get(channel.read) else { return Ok(false) };
        channel.read += 1;
        channel.left = place.header.records;
        channel.cursor.at = 0;
        let raw = &mut channel.cursor.bytes;
        let unpacked = self.file.unpack(place, &mut self.packed, &mut self.decompressor, raw);
        match unpacked {
            Ok(()) => Ok(channel.left > 0),
            Err(Fault::Io(cause)) => Err(TraceError::io("reading", &self.file.path)(cause)),
            Err(Fault::Damage(what)) => {
                let (first, count) = (channel.records + 1, u64::from(channel.left).max(1));
                let place = format!("records {first} to {} of hart {hart}", first + count - 1);
                Err(TraceError::damaged(&self.file.path, place, what))
            }
        }
    }

    fn malformed(&self, hart: usize, Malformed(what): Malformed) -> TraceError {
        let place = format!("record {} of hart {hart}", self.harts[hart].records);
        TraceError::damaged(&self.file.path, place, what)
    }

    /// Notes where all blocks from `at` on lie and returns the last one.
    fn find_blocks(&mut self, mut at: u64) -> Result<Place, TraceError> {
        let mut records = 0;
        for number in 0.. {
            let place = self.file.block(at, number, records)?;
            let header = place.header;
            at = place.payload + u64::from(header.packed);
            if header.hart == END {
                return if at == self.file.size { Ok(place) } else { Err(self.goes_on(at)) };
            }
            let Some(channel) = self.harts.get_mut(header.hart as usize) else {
                let what = format!("it belongs to hart {} of {}", header.hart, self.harts.len());
                return Err(TraceError::damaged(&self.file.path, format!("block {number}"), what));
            };
            records += u64::from(header.records);
            channel.blocks.push(place);
        }
        unreachable!("a file of more than four billion blocks")
    }

    fn goes_on(&self, end: u64) -> TraceError {
        let what = format!("{} bytes follow", self.file.size - end);
        TraceError::damaged(&self.file.path, "its end".to_owned(), what)
    }

    fn read_totals(&mut self, end: &Place) -> Result<(), TraceError> {
        let mut cursor = Cursor::default();
        let damaged = |what: &str| {
            TraceError::damaged(&self.file.path, "the block at its end".to_owned(), what)
        };
        self.file
            .unpack(end, &mut self.packed, &mut self.decompressor, &mut cursor.bytes)
            .map_err(|fault| damaged(&fault.to_string()))?;
        for _ in &self.harts {
            let total = cursor.unsigned().map_err(|Malformed(what)| damaged(what))?;
            self.instructions.push(total);
        }
        Ok(())
    }
}

/// Why a block cannot be had.
enum Fault {
    Io(io::Error),
    Damage(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(cause) => write!(f, "{cause}"),
            Self::Damage(what) => f.write_str(what),
        }
    }
}

impl TraceFile {
    fn open(path: &Path) -> Result<Self, TraceError> {
        let file = File::open(path).map_err(TraceError::io("opening", path))?;
        let size = file.metadata().map_err(TraceError::io("opening", path))?.len();
        Ok(Self { path: path.to_owned(), file, size })
    }

    /// The metadata and where they end.
    fn metadata(&self) -> Result<(Metadata, u64), TraceError> {
        let foreign = |found: &str| TraceError::Foreign {
            path: self.path.clone(),
            found: found.to_owned(),
            expected: "a native trace",
        };
        let mut prefix = [0; PREFIX];
        self.read(0, &mut prefix, 0, "its head is incomplete")?;
        let (version, length) = block::parse_prefix(&prefix).map_err(foreign)?;
        if version != VERSION {
            let (path, known) = (self.path.clone(), VERSION);
            return Err(TraceError::Version { path, found: version, known });
        }
        let mut head = prefix.to_vec();
        head.resize(PREFIX + length as usize + 4, 0);
        self.read(PREFIX as u64, &mut head[PREFIX..], 0, "its head is incomplete")?;
        let (checked, crc) = head.split_at(PREFIX + length as usize);
        let damaged = |what| TraceError::damaged(&self.path, "its head".to_owned(), what);
        if crc32(checked).to_le_bytes() != crc {
            return Err(damaged("the checksum is wrong".to_owned()));
        }
        let metadata = serde_json::from_slice(&checked[PREFIX..])
            .map_err(|cause| damaged(format!("the metadata cannot be read: {cause}")))?;
        Ok((metadata, head.len() as u64))
    }

    /// The block at `at`, which has that number and `records` before it.
    fn block(&self, at: u64, number: u32, records: u64) -> Result<Place, TraceError> {
        let mut bytes = [0; Header::SIZE];
        self.read(at, &mut bytes, records, "its last block is missing")?;
        let damaged = |what: &str| {
            TraceError::damaged(&self.path, format!("block {number} (offset {at})"), what)
        };
        let header = Header::parse(&bytes).map_err(damaged)?;
        if header.number != number {
            return Err(damaged(&format!("block {} is in its place", header.number)));
        }
        let payload = at + Header::SIZE as u64;
        if payload + u64::from(header.packed) > self.size {
            return Err(self.truncated(records, "a block is incomplete"));
        }
        Ok(Place { payload, header })
    }

    /// Reads and decompresses the payload of a block.
    fn unpack(
        &self,
        place: &Place,
        packed: &mut Vec<u8>,
        decompressor: &mut Decompressor<'_>,
        raw: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        packed.resize(place.header.packed as usize, 0);
        self.file.read_exact_at(packed, place.payload).map_err(Fault::Io)?;
        if crc32(packed) != place.header.crc {
            return Err(Fault::Damage("the checksum of their block is wrong"));
        }
        raw.clear();
        raw.reserve(MAX_RAW);
        decompressor
            .decompress_to_buffer(packed, raw)
            .map_err(|_| Fault::Damage("their block cannot be decompressed"))?;
        if raw.len() != place.header.raw as usize {
            return Err(Fault::Damage("their block has another size than it says"));
        }
        Ok(())
    }

    fn read(&self, at: u64, into: &mut [u8], records: u64, what: &str) -> Result<(), TraceError> {
        if at + into.len() as u64 > self.size {
            return Err(self.truncated(records, what));
        }
        self.file.read_exact_at(into, at).map_err(TraceError::io("reading", &self.path))
    }

    fn truncated(&self, records: u64, what: &str) -> TraceError {
        let what = format!("{what} at its end ({} bytes)", self.size);
        TraceError::Truncated { path: self.path.clone(), records, what }
    }
}
