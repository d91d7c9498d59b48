//! The bytes of a trace, decompressed, and cut into records.

use super::record::Record;
use crate::TraceError;
use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const EXPECTED: &str = "a ChampSim trace, a sequence of 64-byte records (struct input_instr), plain or \
                        compressed with xz, gzip or zstd";

/// Records read at a time.
const CHUNK: usize = 1024;

/// The records of a file.
pub(super) struct Input {
    path: PathBuf,
    bytes: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// The next byte in the buffer.
    at: usize,
    /// Records before the buffer's first.
    records: u64,
}

impl Input {
    /// Opens a trace and reads the first records, so that other files are refused at once.
    pub(super) fn open(path: &Path) -> Result<Self, TraceError> {
        let file = File::open(path).map_err(TraceError::io("opening", path))?;
        let size = file.metadata().map_err(TraceError::io("opening", path))?.len();
        let io_error = TraceError::io("opening", path);
        let (bytes, is_plain) = decompress(file).map_err(io_error)?;
        let (path, buffer) = (path.to_owned(), Vec::with_capacity(CHUNK * Record::SIZE));
        let mut input = Self { path, bytes, buffer, at: 0, records: 0 };
        if size == 0 {
            return Err(input.foreign("it is empty".to_owned()));
        }
        if is_plain && !size.is_multiple_of(Record::SIZE as u64) {
            return Err(input.foreign(format!("its {size} bytes are no multiple of 64")));
        }
        input.fill()?;
        if input.buffer.is_empty() {
            return Err(input.foreign("it is empty once decompressed".to_owned()));
        }
        input.probe()?;
        Ok(input)
    }

    /// The next record, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Record>, TraceError> {
        if self.at == self.buffer.len() {
            self.records += (self.buffer.len() / Record::SIZE) as u64;
            self.fill()?;
        }
        let rest = &self.buffer[self.at..];
        if rest.is_empty() {
            return Ok(None);
        }
        let Some(bytes) = rest.first_chunk() else { return Err(self.cut_short(rest.len())) };
        let record = Record::parse(bytes).map_err(|what| self.foreign_record(what))?;
        self.at += Record::SIZE;
        Ok(Some(record))
    }

    /// Fills the buffer as far as the file goes.
    fn fill(&mut self) -> Result<(), TraceError> {
        self.buffer.clear();
        self.at = 0;
        let all = (CHUNK * Record::SIZE) as u64;
        match (&mut self.bytes).take(all).read_to_end(&mut self.buffer) {
            Ok(_) => Ok(()),
            Err(cause) => Err(TraceError::Truncated {
                path: self.path.clone(),
                records: self.records + (self.buffer.len() / Record::SIZE) as u64,
                what: format!("its compressed data are incomplete or damaged ({cause})"),
            }),
        }
    }

    /// Refuses a file whose first records are none.
    fn probe(&self) -> Result<(), TraceError> {
        for (index, bytes) in self.buffer.chunks(Record::SIZE).enumerate() {
            let Some(bytes) = bytes.first_chunk() else { return Err(self.cut_short(bytes.len())) };
            Record::parse(bytes).map_err(|what| {
                self.foreign(format!("the record {} is none: {what}", index + 1))
            })?;
        }
        Ok(())
    }

    fn foreign_record(&self, what: &str) -> TraceError {
        let number = self.records + (self.at / Record::SIZE) as u64 + 1;
        TraceError::damaged(&self.path, format!("record {number}"), what)
    }

    fn cut_short(&self, rest: usize) -> TraceError {
        TraceError::Truncated {
            path: self.path.clone(),
            records: self.records + (self.buffer.len() / Record::SIZE) as u64,
            what: format!("{rest} bytes follow that are no whole record of {}", Record::SIZE),
        }
    }

    fn foreign(&self, found: String) -> TraceError {
        TraceError::Foreign { path: self.path.clone(), found, expected: EXPECTED }
    }
}

/// The content of a file, and whether that is how it lies on the disk. The compression is told by
/// the first bytes, which no trace can have: names of files tell less.
fn decompress(mut file: File) -> io::Result<(Box<dyn Read + Send>, bool)> {
    let mut start = Vec::new();
    file.by_ref().take(6).read_to_end(&mut start)?;
    let whole = io::Cursor::new(start.clone()).chain(io::BufReader::with_capacity(1 << 17, file));
    Ok(match start.as_slice() {
        [0xfd, b'7', b'z', b'X', b'Z', 0] => (Box::new(XzDecoder::new_multi_decoder(whole)), false),
        [0x1f, 0x8b, ..] => (Box::new(MultiGzDecoder::new(whole)), false),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => (Box::new(zstd::Decoder::new(whole)?), false),
        _ => (Box::new(whole), true),
    })
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("path", &self.path).finish_non_exhaustive()
    }
}
