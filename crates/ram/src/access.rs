//! Checked access by physical address: how devices (DMA), loaders and page walks use RAM.

use crate::{CHUNK, Ram};
use thiserror::Error;

/// Physical address {pa:#x} with length {len} is not in RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("physical address {pa:#x} with length {len} is not in RAM")]
pub struct OutsideRam {
    /// First address of the access.
    pub pa: u64,
    /// Length in bytes.
    pub len: u64,
}

impl Ram {
    /// Copies RAM at `pa` into `into`.
    pub fn read(&mut self, pa: u64, into: &mut [u8]) -> Result<(), OutsideRam> {
        let offset = self.touch_range(pa, into.len())?;
        into.copy_from_slice(&self.bytes()[offset..offset + into.len()]);
        Ok(())
    }

    /// Copies `from` into RAM at `pa`; code decoded from there is dropped.
    pub fn write(&mut self, pa: u64, from: &[u8]) -> Result<(), OutsideRam> {
        let offset = self.touch_range(pa, from.len())?;
        self.note_store(offset, from.len());
        self.bytes_mut()[offset..offset + from.len()].copy_from_slice(from);
        Ok(())
    }

    /// Reads a little-endian 16-bit word.
    pub fn read_u16(&mut self, pa: u64) -> Result<u16, OutsideRam> {
        let mut bytes = [0; 2];
        self.read(pa, &mut bytes).map(|()| u16::from_le_bytes(bytes))
    }

    /// Reads a little-endian 32-bit word.
    pub fn read_u32(&mut self, pa: u64) -> Result<u32, OutsideRam> {
        let mut bytes = [0; 4];
        self.read(pa, &mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    /// Reads a little-endian 64-bit word.
    pub fn read_u64(&mut self, pa: u64) -> Result<u64, OutsideRam> {
        let mut bytes = [0; 8];
        self.read(pa, &mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn touch_range(&mut self, pa: u64, len: usize) -> Result<usize, OutsideRam> {
        let offset = self.offset(pa, len as u64).ok_or(OutsideRam { pa, len: len as u64 })?;
        let mut at = offset;
        while at < offset + len {
            self.touch(at);
            at = (at / CHUNK as usize + 1) * CHUNK as usize;
        }
        Ok(offset)
    }
}
