//! One blob: hash, compression and the checks on the way back.

use super::format::{Blob, Hash};
use std::fmt;
use zstd::bulk::{Compressor, Decompressor};

/// Fast enough to keep up with a disk; higher levels gain little on memory images.
const LEVEL: i32 = 1;

/// Hash of a blob's content.
pub(super) fn hash(bytes: &[u8]) -> Hash {
    *blake3::hash(bytes).as_bytes()
}

/// Compresses blobs; the same bytes always give the same result.
pub(super) struct Encoder(Compressor<'static>);

impl Encoder {
    pub(super) fn new() -> Self {
        Self(Compressor::new(LEVEL).expect("a compressor needs only memory and a valid level"))
    }

    /// `bytes` in stored form: a zstd frame, or the bytes themselves where that is not shorter.
    pub(super) fn encode(&mut self, bytes: &[u8]) -> Vec<u8> {
        let frame = self.0.compress(bytes).expect("the output buffer has the library's bound");
        if frame.len() < bytes.len() { frame } else { bytes.to_vec() }
    }
}

/// Decompresses and checks blobs.
pub(super) struct Decoder(Decompressor<'static>);

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self(Decompressor::new().expect("a decompressor needs only memory"))
    }

    /// Turns the stored form of `blob` into its content; `into` has the content's length.
    pub(super) fn decode(
        &mut self,
        blob: &Blob,
        stored: &[u8],
        into: &mut [u8],
    ) -> Result<(), String> {
        if stored.len() == into.len() {
            into.copy_from_slice(stored);
        } else {
            let len = self
                .0
                .decompress_to_buffer(stored, into)
                .map_err(|cause| format!("it cannot be decompressed ({cause})"))?;
            if len != into.len() {
                return Err(format!("it has {len} bytes in place of {}", into.len()));
            }
        }
        if hash(into) == blob.hash { Ok(()) } else { Err("its checksum is wrong".into()) }
    }
}
