//! Repeated reading from one space.

use super::open::Scratch;
use super::{Chunk, RAM_SPACE, Snapshot, SnapshotError};
use ram::{ChunkSource, LoadError};
use std::sync::Arc;

/// Reads chunks of one space, keeping its buffers. Over [`RAM_SPACE`] it is the source of a restored
/// RAM.
#[derive(Debug)]
pub struct ChunkReader {
    snapshot: Arc<Snapshot>,
    space: String,
    scratch: Scratch,
}

impl ChunkReader {
    /// A reader of `space` in `snapshot`.
    pub fn new(snapshot: Arc<Snapshot>, space: &str) -> Result<Self, SnapshotError> {
        snapshot.space(space)?;
        Ok(Self { snapshot, space: space.to_owned(), scratch: Scratch::default() })
    }

    /// Reads chunk `number` into `into`, which has [`CHUNK_LEN`](super::CHUNK_LEN) bytes. An absent
    /// chunk leaves it as it is.
    pub fn read(&mut self, number: u64, into: &mut [u8]) -> Result<Chunk, SnapshotError> {
        self.snapshot.read_chunk_with(&mut self.scratch, &self.space, number, into)
    }
}

impl ChunkSource for ChunkReader {
    fn load(&mut self, index: usize, into: &mut [u8]) -> Result<(), LoadError> {
        debug_assert_eq!(self.space, RAM_SPACE, "RAM comes from the space of RAM");
        self.read(index as u64, into)
            .map(|_found| ())
            .map_err(|cause| LoadError { chunk: index, reason: cause.to_string() })
    }
}
