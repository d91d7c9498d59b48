//! Linux kernel images and where kernel, RAM disk and device tree go.
//!
//! The header is that of the kernel's documentation, `arch/riscv/boot-image-header.rst`; the rules
//! of placement are those of `arch/riscv/boot.rst`: the kernel at its offset from a 2 MiB boundary,
//! the device tree where the kernel can map it with two 2 MiB pages. RAM disk and device tree go
//! to the top of RAM, out of the way of a kernel that unpacks itself or grows.

use super::LoadError;
use ram::{PAGE, RAM_BASE, Ram};
use std::ops::Range;

const HEADER_LEN: usize = 64;
const MAGIC: &[u8; 4] = b"RSC\x05";
const BIG_ENDIAN: u64 = 1;
/// Alignment of the kernel, and the most that a device tree may take.
const MIB_2: u64 = 2 << 20;

/// A kernel image whose header was checked.
#[derive(Clone, Copy, Debug)]
pub struct KernelImage<'data> {
    bytes: &'data [u8],
    text_offset: u64,
    size: u64,
}

/// Where things are in RAM, as physical addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The kernel, including memory that it clears itself; it is entered at the start.
    pub kernel: Range<u64>,
    /// The RAM disk.
    pub initrd: Option<Range<u64>>,
    /// The device tree.
    pub device_tree: u64,
}

impl<'data> KernelImage<'data> {
    /// Reads and checks the header of `file`.
    pub fn parse(file: &'data [u8]) -> Result<Self, LoadError> {
        let wrong = |found: &str| Err(LoadError::NotAnImage { found: found.into() });
        let Some(header) = file.get(..HEADER_LEN) else {
            return wrong("the file is shorter than the header of a kernel image");
        };
        if &header[56..60] != MAGIC {
            return wrong(describe(header));
        }
        let word = |at: usize| {
            u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes were cut"))
        };
        let (text_offset, size, flags) = (word(8), word(16), word(24));
        if flags & BIG_ENDIAN != 0 {
            return wrong("the image is for a big-endian kernel");
        }
        if text_offset > 1 << 40 || size > 1 << 40 {
            return wrong("the image's header has impossible sizes");
        }
        Ok(Self { bytes: file, text_offset, size: size.max(file.len() as u64) })
    }

    /// Places the kernel, a RAM disk of `initrd_len` bytes and a device tree in RAM of `ram_size`.
    pub fn place(&self, initrd_len: Option<u64>, ram_size: u64) -> Result<Placement, LoadError> {
        let initrd_room = initrd_len.unwrap_or(0).next_multiple_of(PAGE);
        let below = self.text_offset + self.size;
        let needed = below.saturating_add(initrd_room).saturating_add(2 * MIB_2);
        if needed > ram_size {
            return Err(LoadError::RamTooSmall { needed, ram_size });
        }
        let device_tree = (RAM_BASE + ram_size - MIB_2) & !(MIB_2 - 1);
        let initrd_start = device_tree - initrd_room;
        Ok(Placement {
            kernel: RAM_BASE + self.text_offset..RAM_BASE + below,
            initrd: initrd_len.map(|len| initrd_start..initrd_start + len),
            device_tree,
        })
    }
}

/// Says what a file that is not an image seems to be.
fn describe(header: &[u8]) -> &'static str {
    match header {
        [0x1f, 0x8b, ..] => "the file is compressed with gzip",
        [0xfd, b'7', b'z', ..] => "the file is compressed with xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "the file is compressed with zstd",
        [0x7f, b'E', b'L', b'F', ..] => "the file is an ELF file, not a boot image",
        [b'M', b'Z', ..] => "the file is an EFI program or an image for another architecture",
        _ => "the file lacks the magic number of a RISC-V image",
    }
}

impl Placement {
    /// Copies everything to its place. `initrd` must have the length that was placed.
    pub fn load(
        &self,
        ram: &mut Ram,
        kernel: &KernelImage<'_>,
        initrd: Option<&[u8]>,
        device_tree: &[u8],
    ) -> Result<(), LoadError> {
        if device_tree.len() as u64 > MIB_2 {
            return Err(LoadError::DeviceTreeTooLarge(device_tree.len()));
        }
        let initrd_len = self.initrd.as_ref().map(|range| (range.end - range.start) as usize);
        assert_eq!(initrd.map(<[u8]>::len), initrd_len, "the RAM disk is the one that was placed");
        let ram_size = ram.size();
        let too_small =
            |_| LoadError::RamTooSmall { needed: self.device_tree + MIB_2 - RAM_BASE, ram_size };
        ram.write(self.kernel.start, kernel.bytes).map_err(too_small)?;
        if let (Some(range), Some(bytes)) = (&self.initrd, initrd) {
            ram.write(range.start, bytes).map_err(too_small)?;
        }
        ram.write(self.device_tree, device_tree).map_err(too_small)
    }
}
