//! Guest memory as slices, so that devices copy whole blocks straight between RAM and their
//! buffers. The only place of this crate that knows the touch and note-store rules of [`Ram`].

use ram::{CHUNK, OutsideRam, Ram};

/// The `len` bytes at `pa`.
pub(crate) fn slice(ram: &mut Ram, pa: u64, len: u32) -> Result<&[u8], OutsideRam> {
    let (start, end) = present(ram, pa, len)?;
    Ok(&ram.bytes()[start..end])
}

/// The `len` bytes at `pa`, about to be overwritten.
pub(crate) fn slice_mut(ram: &mut Ram, pa: u64, len: u32) -> Result<&mut [u8], OutsideRam> {
    let (start, end) = present(ram, pa, len)?;
    ram.note_store(start, len as usize);
    Ok(&mut ram.bytes_mut()[start..end])
}

fn present(ram: &mut Ram, pa: u64, len: u32) -> Result<(usize, usize), OutsideRam> {
    let len = u64::from(len);
    let start = ram.offset(pa, len).ok_or(OutsideRam { pa, len })?;
    let end = start + len as usize;
    let mut at = start;
    while at < end {
        ram.touch(at);
        at = (at / CHUNK as usize + 1) * CHUNK as usize;
    }
    Ok((start, end))
}
