//! The fixed parts of a file and its index.

use super::{CHUNK_LEN, Key, SnapshotError, codec};
use serde::{Deserialize, Serialize};
use std::path::Path;

pub(super) type Hash = [u8; 32];

const PRELUDE_MAGIC: [u8; 8] = *b"vswarm-S";
const TRAILER_MAGIC: [u8; 8] = *b"S-vswarm";
const VERSION: u32 = 1;
pub(super) const PRELUDE_LEN: usize = 16;
pub(super) const TRAILER_LEN: usize = 88;
/// Longest section content; states are kilobytes to megabytes.
pub(super) const MAX_SECTION: u64 = 1 << 30;

/// A stored run of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Blob {
    /// Place in the file.
    pub(super) offset: u64,
    /// Length in the file. Equal to the content's if stored raw, less if compressed.
    pub(super) stored_len: u32,
    /// Length of the content.
    pub(super) len: u32,
    /// Hash of the content.
    pub(super) hash: Hash,
}

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Content {
    /// Nothing here; what that means is the space's affair.
    Absent,
    /// Zeroes.
    Zero,
    /// The content of a blob.
    Data(Blob),
}

impl Content {
    /// Whether both are the same for a reader, wherever they are stored.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Data(one), Self::Data(two)) => one.hash == two.hash,
            (one, two) => one == two,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) key: Key,
    pub(super) label: String,
    /// Key and identity.
    pub(super) parent: Option<(Key, Hash)>,
    pub(super) sections: Vec<(String, Blob)>,
    pub(super) spaces: Vec<SpaceIndex>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SpaceIndex {
    pub(super) name: String,
    pub(super) absent_is_zero: bool,
    pub(super) chunk_count: u64,
    /// Chunks that differ from the parent's, by ascending number.
    pub(super) changed: Vec<(u64, Content)>,
}

/// Place and hash of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trailer {
    pub(super) index_offset: u64,
    pub(super) index_len: u64,
    /// Hash of the index: the identity of the snapshot.
    pub(super) identity: Hash,
}

pub(super) fn prelude() -> [u8; PRELUDE_LEN] {
    let mut bytes = [0; PRELUDE_LEN];
    bytes[..8].copy_from_slice(&PRELUDE_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes
}

pub(super) fn check_prelude(path: &Path, bytes: &[u8; PRELUDE_LEN]) -> Result<(), SnapshotError> {
    if bytes[..8] != PRELUDE_MAGIC {
        return Err(SnapshotError::damaged(path, "it does not begin like a snapshot"));
    }
    let found = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    if found != VERSION {
        return Err(SnapshotError::Version { path: path.to_owned(), found, known: VERSION });
    }
    if *bytes != prelude() {
        return Err(SnapshotError::damaged(path, "its first bytes are wrong"));
    }
    Ok(())
}

impl Trailer {
    pub(super) fn encode(&self) -> [u8; TRAILER_LEN] {
        let mut bytes = [0; TRAILER_LEN];
        bytes[..8].copy_from_slice(&TRAILER_MAGIC);
        bytes[8..16].copy_from_slice(&self.index_offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.index_len.to_le_bytes());
        bytes[24..56].copy_from_slice(&self.identity);
        let seal = codec::hash(&bytes[..56]);
        bytes[56..].copy_from_slice(&seal);
        bytes
    }

    /// Reads the trailer of a file of `file_len` bytes.
    pub(super) fn decode(
        path: &Path,
        bytes: &[u8; TRAILER_LEN],
        file_len: u64,
    ) -> Result<Self, SnapshotError> {
        let word = |at: usize| {
            u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were cut"))
        };
        let mut identity = [0; 32];
        identity.copy_from_slice(&bytes[24..56]);
        let trailer = Self { index_offset: word(8), index_len: word(16), identity };
        if trailer.encode() != *bytes {
            return Err(SnapshotError::damaged(path, "its end is missing or wrong"));
        }
        let end = trailer.index_offset.checked_add(trailer.index_len);
        if end != Some(file_len - TRAILER_LEN as u64) || trailer.index_offset < PRELUDE_LEN as u64 {
            return Err(SnapshotError::damaged(path, "its length is not what it was"));
        }
        Ok(trailer)
    }
}

impl Index {
    pub(super) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("an index is plain data of known length")
    }

    /// Reads an index whose hash was checked. What it says is checked all the same, so that a file
    /// made on purpose can do no harm.
    pub(super) fn decode(
        path: &Path,
        bytes: &[u8],
        trailer: &Trailer,
    ) -> Result<Self, SnapshotError> {
        let unreadable = |cause: String| SnapshotError::damaged(path, cause);
        if codec::hash(bytes) != trailer.identity {
            return Err(unreadable("the checksum of its index is wrong".into()));
        }
        let index: Self = postcard::from_bytes(bytes)
            .map_err(|cause| unreadable(format!("its index cannot be read ({cause})")))?;
        if index.is_sound(trailer.index_offset) {
            Ok(index)
        } else {
            Err(unreadable("its index contradicts itself".into()))
        }
    }

    fn is_sound(&self, blobs_end: u64) -> bool {
        let placed = |blob: &Blob| {
            blob.offset >= PRELUDE_LEN as u64
                && blob.stored_len <= blob.len
                && blob.offset.saturating_add(u64::from(blob.stored_len)) <= blobs_end
        };
        let sections = self
            .sections
            .iter()
            .all(|(_, blob)| placed(blob) && u64::from(blob.len) <= MAX_SECTION);
        let spaces = self.spaces.iter().all(|space| {
            space.changed.windows(2).all(|pair| pair[0].0 < pair[1].0)
                && space.changed.last().is_none_or(|&(number, _)| number < space.chunk_count)
                && space.changed.iter().all(|(_, content)| match content {
                    Content::Data(blob) => placed(blob) && blob.len as usize == CHUNK_LEN,
                    Content::Absent | Content::Zero => true,
                })
        });
        sections && spaces
    }
}
