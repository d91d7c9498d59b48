//! Snapshots: the state of a machine in a file, restored lazily.
//!
//! A snapshot holds named *sections* (small blobs: the serialised state of harts, devices, client)
//! and named *spaces* (large arrays of 64 KiB chunks: RAM, the overlay of each disk). It may have a
//! *parent* of which it stores only the difference, chunk by chunk; chains are up to [`MAX_CHAIN`]
//! long. Who asks for a snapshot names it by a [`Key`], a hash of everything that made it.
//!
//! # File
//!
//! ```text
//! prelude   16 bytes   magic, version
//! blobs                zstd frames (or raw bytes where they would grow), back to back
//! index                postcard: key, label, parent, sections, chunks; a BLAKE3 hash for each blob
//! trailer   88 bytes   magic, place and BLAKE3 hash of the index, BLAKE3 hash of all this
//! ```
//!
//! The hash of the index is the snapshot's *identity*: it covers every byte of content. A child
//! names its parent by key and identity, so that a parent that was made anew is noticed.
//!
//! # Promises
//!
//! - Opening reads prelude, index and trailer of each file of the chain, not the blobs. A blob is
//!   read, and checked against its hash, when it is first needed; a chunk that was never touched is
//!   carried into a child without being read.
//! - A file appears under its name only when it is complete and on disk (temporary file, fsync,
//!   rename). What a killed process leaves is a temporary file, ignored and cleaned away later.
//! - A changed, missing or cut byte is an error, at opening or at the first touch, never content.
//! - The same content, parent and key give the same bytes, whatever the number of threads.

mod codec;
mod error;
mod format;
mod key;
mod open;
mod reader;
mod save;
mod store;
mod temporary;

pub use error::SnapshotError;
pub use key::Key;
pub use open::{Chunk, Snapshot};
pub use reader::ChunkReader;
pub use save::{Absent, SaveReport, SaveRequest, Space};
pub use store::{SnapshotStore, Stored};

/// Name of the space that holds RAM.
pub const RAM_SPACE: &str = "ram";
/// Most files in a chain, the snapshot itself included.
pub const MAX_CHAIN: usize = 8;
/// Size of a chunk in bytes, in every space.
pub const CHUNK_LEN: usize = ram::CHUNK as usize;

#[cfg(test)]
mod tests;
