//! What frames the records in a file.

use super::{MAGIC, VERSION};
use crate::Metadata;
use flate2::Crc;

/// A block is closed when its records reach this size.
pub(super) const BLOCK: usize = 256 << 10;

/// More than any block has: the last record goes beyond the limit, and zstd needs some room for
/// what it cannot compress.
pub(super) const MAX_RAW: usize = BLOCK + (16 << 10);
pub(super) const MAX_PACKED: usize = 2 * MAX_RAW;

/// Zstandard's own default.
pub(super) const LEVEL: i32 = 3;

/// The hart of the block at the end.
pub(super) const END: u32 = u32::MAX;

/// More than any metadata need.
const MAX_METADATA: u32 = 1 << 20;

const BLOCK_MAGIC: u32 = u32::from_le_bytes(*b"vstb");

/// What stands before the records of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Its place among all blocks of the file.
    pub(super) number: u32,
    /// Whose records it has.
    pub(super) hart: u32,
    /// How many.
    pub(super) records: u32,
    /// Their size.
    pub(super) raw: u32,
    /// Their size when compressed.
    pub(super) packed: u32,
    /// The checksum of the payload.
    pub(super) crc: u32,
}

impl Header {
    pub(super) const SIZE: usize = 32;

    pub(super) fn to_bytes(self) -> [u8; Self::SIZE] {
        let Self { number, hart, records, raw, packed, crc } = self;
        let mut bytes = [0; Self::SIZE];
        let fields = [BLOCK_MAGIC, number, hart, records, raw, packed, crc];
        for (place, field) in bytes.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        let (fields, own) = bytes.split_at_mut(Self::SIZE - 4);
        own.copy_from_slice(&crc32(fields).to_le_bytes());
        bytes
    }

    /// The header, or what is wrong with it.
    pub(super) fn parse(bytes: &[u8; Self::SIZE]) -> Result<Self, &'static str> {
        let field =
            |n: usize| u32::from_le_bytes(bytes[4 * n..4 * n + 4].try_into().expect("four bytes"));
        if field(0) != BLOCK_MAGIC {
            return Err("no block begins here");
        }
        if field(7) != crc32(&bytes[..Self::SIZE - 4]) {
            return Err("the checksum of the block's header is wrong");
        }
        let [number, hart, records, raw, packed, crc] = [1, 2, 3, 4, 5, 6].map(field);
        if raw as usize > MAX_RAW || packed as usize > MAX_PACKED {
            return Err("the block is larger than blocks are");
        }
        Ok(Self { number, hart, records, raw, packed, crc })
    }
}

/// The check sequence of IEEE 802.3, which gzip has too. It notices every change of up to 32 bits
/// in a row.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// What stands at the beginning of a file.
pub(super) fn file_head(metadata: &Metadata) -> Vec<u8> {
    let json = serde_json::to_vec(metadata).expect("texts and numbers make JSON");
    let mut head = MAGIC.to_vec();
    head.extend(VERSION.to_le_bytes());
    head.extend((json.len() as u32).to_le_bytes());
    head.extend(json);
    head.extend(crc32(&head).to_le_bytes());
    head
}

/// The fixed part of the beginning.
pub(super) const PREFIX: usize = 16;

/// The version and the length of the metadata, or what is wrong with them.
pub(super) fn parse_prefix(prefix: &[u8; PREFIX]) -> Result<(u32, u32), &'static str> {
    let field = |at: usize| u32::from_le_bytes(prefix[at..at + 4].try_into().expect("four bytes"));
    if &prefix[..8] != MAGIC {
        return Err("its first bytes are not those of a trace");
    }
    if field(12) > MAX_METADATA {
        return Err("the length of its metadata is impossible");
    }
    Ok((field(8), field(12)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_header_comes_back_and_a_changed_one_does_not() {
        let header = Header { number: 7, hart: 1, records: 3, raw: 99, packed: 55, crc: 0xabcd };
        let bytes = header.to_bytes();
        assert_eq!(Header::parse(&bytes), Ok(header));
        for at in 0..Header::SIZE {
            let mut changed = bytes;
            changed[at] ^= 0x10;
            assert!(Header::parse(&changed).is_err(), "byte {at}");
        }
    }
}
