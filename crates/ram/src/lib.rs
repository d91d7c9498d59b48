//! Guest physical RAM.
//!
//! RAM starts at [`RAM_BASE`] and is one flat array of bytes. Two things make it more than that:
//!
//! - **Lazy content.** A restored snapshot supplies its memory through a [`ChunkSource`]; a chunk of
//!   [`CHUNK`] bytes is fetched when it is first touched, so that restoring costs nothing. Whoever
//!   reads or writes RAM calls [`Ram::touch`] (directly or through the checked accessors) first;
//!   the fast engine does so when it fills its software TLB and then uses [`Ram::bytes`].
//! - **Code pages.** The fast engine marks pages from which it has decoded instructions; a store to
//!   such a page is noted and the engine drops what it decoded.
//!
//! Unsafe code is not used: the array is a zeroed `Vec` (which the allocator maps lazily), every
//! access is bounds checked.
#![forbid(unsafe_code)]

mod access;

pub use access::OutsideRam;

use std::fmt;
use thiserror::Error;

/// Physical address of the first byte of RAM, as on most RISC-V boards.
pub const RAM_BASE: u64 = 0x8000_0000;
/// Size of a page, the unit of code tracking.
pub const PAGE: u64 = 4096;
/// Size of a chunk, the unit of lazy loading and of snapshots.
pub const CHUNK: u64 = 64 * 1024;

/// Supplies the content of a restored RAM, chunk by chunk.
pub trait ChunkSource: Send {
    /// Fills `into` (one chunk, zeroed before the call) with the content of chunk `index`.
    fn load(&mut self, index: usize, into: &mut [u8]) -> Result<(), LoadError>;
}

/// A chunk of a restored RAM could not be supplied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot load chunk {chunk} of the restored RAM: {reason}")]
pub struct LoadError {
    /// The chunk that was touched.
    pub chunk: usize,
    /// What is wrong with its source.
    pub reason: String,
}

/// Guest physical RAM.
pub struct Ram {
    bytes: Vec<u8>,
    /// Chunks whose content is in `bytes`. All true without a source.
    present: Vec<bool>,
    /// Chunks that were touched since power-on or restore; the others are zero or as in the source.
    source: Option<Box<dyn ChunkSource>>,
    load_error: Option<LoadError>,
    code_pages: Vec<bool>,
    dirtied_code: Vec<u32>,
}

impl fmt::Debug for Ram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ram").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Ram {
    /// Zeroed RAM of `size` bytes. Panics unless `size` is a positive multiple of [`CHUNK`].
    #[must_use]
    pub fn new(size: u64) -> Self {
        assert!(size > 0 && size.is_multiple_of(CHUNK), "RAM size must be a multiple of 64 KiB");
        Self {
            bytes: vec![0; size as usize],
            present: vec![false; (size / CHUNK) as usize],
            source: None,
            load_error: None,
            code_pages: vec![false; (size / PAGE) as usize],
            dirtied_code: Vec::new(),
        }
    }

    /// RAM of `size` bytes whose content comes from `source` as it is touched.
    #[must_use]
    pub fn with_source(size: u64, source: Box<dyn ChunkSource>) -> Self {
        Self { source: Some(source), ..Self::new(size) }
    }

    /// Size in bytes.
    #[inline]
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The offset of physical address `pa`, if `len` bytes there lie in RAM.
    #[inline]
    #[must_use]
    pub fn offset(&self, pa: u64, len: u64) -> Option<usize> {
        let offset = pa.checked_sub(RAM_BASE)?;
        (offset.checked_add(len)? <= self.size()).then_some(offset as usize)
    }

    /// Whether chunk `index` was touched since power-on or restore.
    #[must_use]
    pub fn is_present(&self, index: usize) -> bool {
        self.present[index]
    }

    /// Makes the chunk that holds `offset` present. Every access to [`Ram::bytes`] at an offset
    /// must come after a touch of its chunk.
    #[inline]
    pub fn touch(&mut self, offset: usize) {
        let index = offset / CHUNK as usize;
        if !self.present[index] {
            self.load(index);
        }
    }

    #[cold]
    fn load(&mut self, index: usize) {
        self.present[index] = true;
        if let Some(source) = &mut self.source {
            let start = index * CHUNK as usize;
            let into = &mut self.bytes[start..start + CHUNK as usize];
            if let Err(error) = source.load(index, into) {
                into.fill(0);
                self.load_error.get_or_insert(error);
            }
        }
    }

    /// Whether a touched chunk could not be loaded: what runs on this RAM is meaningless from the
    /// touch on. The chunk reads as zero meanwhile; a run loop asks after every batch it runs.
    #[inline]
    #[must_use]
    pub fn has_load_error(&self) -> bool {
        self.load_error.is_some()
    }

    /// Takes the first load error.
    pub fn take_load_error(&mut self) -> Option<LoadError> {
        self.load_error.take()
    }

    /// The content of chunk `index` if it was touched; `None` means it is as in the source, or
    /// zero without one.
    #[must_use]
    pub fn chunk(&self, index: usize) -> Option<&[u8]> {
        let start = index * CHUNK as usize;
        self.present[index].then(|| &self.bytes[start..start + CHUNK as usize])
    }

    /// Number of chunks.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        self.present.len()
    }

    /// All bytes; valid where touched.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All bytes, for writing; valid where touched. Does not look at code pages: callers that may
    /// write to one call [`Ram::note_store`].
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Marks the page that holds `offset` as a source of decoded instructions. Returns whether it
    /// was not marked before.
    pub fn mark_code(&mut self, offset: usize) -> bool {
        !std::mem::replace(&mut self.code_pages[offset / PAGE as usize], true)
    }

    /// Whether instructions were decoded from the page that holds `offset`.
    #[inline]
    #[must_use]
    pub fn is_code(&self, offset: usize) -> bool {
        self.code_pages[offset / PAGE as usize]
    }

    /// Notes a store of `len` bytes at `offset`: code pages it hits lose their mark and are
    /// reported by [`Ram::take_dirtied_code`].
    #[inline]
    pub fn note_store(&mut self, offset: usize, len: usize) {
        if len == 0 {
            return;
        }
        for page in offset / PAGE as usize..=(offset + len - 1) / PAGE as usize {
            if self.code_pages[page] {
                self.code_pages[page] = false;
                self.dirtied_code.push(page as u32);
            }
        }
    }

    /// Whether a code page was stored to since the last [`Ram::take_dirtied_code`].
    #[inline]
    #[must_use]
    pub fn has_dirtied_code(&self) -> bool {
        !self.dirtied_code.is_empty()
    }

    /// Takes the numbers of code pages that were stored to.
    pub fn take_dirtied_code(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.dirtied_code)
    }

    /// Drops all code marks (after `fence.i` or a full flush of decoded code).
    pub fn clear_code_marks(&mut self) {
        self.code_pages.fill(false);
        self.dirtied_code.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pattern;
    impl ChunkSource for Pattern {
        fn load(&mut self, index: usize, into: &mut [u8]) -> Result<(), LoadError> {
            into.fill(index as u8 + 1);
            if index == 3 {
                return Err(LoadError { chunk: index, reason: "checksum".into() });
            }
            Ok(())
        }
    }

    #[test]
    fn a_chunk_that_cannot_be_loaded_reads_as_zero_and_is_reported_once() {
        let mut ram = Ram::with_source(4 * CHUNK, Box::new(Pattern));
        let mut bytes = [0xff; 2];
        ram.read(RAM_BASE + 3 * CHUNK - 1, &mut bytes).unwrap();
        assert_eq!(bytes, [3, 0]);
        assert!(ram.has_load_error());
        let error = ram.take_load_error().unwrap();
        assert_eq!(error.chunk, 3);
        assert!(error.to_string().contains("checksum"));
        assert!(!ram.has_load_error());
        assert_eq!((ram.chunk(0), ram.chunk(2).map(|c| c[7])), (None, Some(3)));
    }

    #[test]
    fn restored_chunks_appear_when_touched() {
        let mut ram = Ram::with_source(4 * CHUNK, Box::new(Pattern));
        assert!(!ram.is_present(2));
        let mut byte = [0];
        ram.read(RAM_BASE + 2 * CHUNK, &mut byte).unwrap();
        assert_eq!((byte[0], ram.is_present(2), ram.is_present(1)), (3, true, false));
    }

    #[test]
    fn a_store_to_a_code_page_is_reported_once() {
        let mut ram = Ram::new(CHUNK);
        assert!(ram.mark_code(4096));
        assert!(!ram.mark_code(5000));
        ram.write(RAM_BASE + 8190, &[1, 2, 3, 4]).unwrap();
        ram.write(RAM_BASE + 4096, &[1]).unwrap();
        assert_eq!(ram.take_dirtied_code(), [1]);
        assert!(!ram.is_code(4096));
    }

    #[test]
    fn accesses_outside_are_refused_whole() {
        let mut ram = Ram::new(CHUNK);
        assert!(ram.write(RAM_BASE + CHUNK - 2, &[9; 4]).is_err());
        assert!(ram.read(RAM_BASE - 1, &mut [0; 2]).is_err());
        assert!(ram.read(u64::MAX, &mut [0; 2]).is_err());
    }
}
