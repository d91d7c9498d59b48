//! Puts programs into RAM: bare-metal ELF files and Linux kernel images.

mod elf;
mod linux;

pub use elf::{Elf, Symbols};
pub use linux::{KernelImage, Placement};

use ram::RAM_BASE;
use thiserror::Error;

/// A program cannot be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file does not start like an ELF file.
    #[error("loading an ELF file: this is not one (it does not begin with 7f 45 4c 46)")]
    NotElf,
    /// An ELF file for another kind of machine.
    #[error(
        "loading an ELF file: it is {found}, but a little-endian 64-bit RISC-V executable is needed \
         (compile with -march=rv64gc and link statically without -pie)"
    )]
    WrongElf {
        /// What the header says.
        found: String,
    },
    /// The ELF file is cut short or inconsistent.
    #[error("loading an ELF file: {what}; the file is truncated or damaged ({cause})")]
    BrokenElf {
        /// The part that cannot be read.
        what: &'static str,
        /// The reader's reason.
        cause: String,
    },
    /// A segment does not lie in RAM.
    #[error(
        "loading an ELF file: the segment at {start:#x} of {size:#x} bytes is outside RAM \
         ({RAM_BASE:#x} and {ram_size:#x} bytes from there); link the program at {RAM_BASE:#x} or \
         give the machine more RAM"
    )]
    SegmentOutsideRam {
        /// Physical address of the segment.
        start: u64,
        /// Its size in memory.
        size: u64,
        /// Size of RAM.
        ram_size: u64,
    },
    /// Nothing to load.
    #[error("loading an ELF file: it has no loadable segment, so there is nothing to run")]
    NothingToLoad,
    /// The entry point is not in a loaded segment.
    #[error("loading an ELF file: its entry point {entry:#x} is in none of its loaded segments")]
    EntryOutside {
        /// The entry point.
        entry: u64,
    },
    /// The kernel is not a RISC-V boot image.
    #[error(
        "loading the kernel: {found}; the uncompressed Image of a 64-bit little-endian RISC-V kernel \
         is needed (in Debian's package it is /boot/vmlinux-<version>)"
    )]
    NotAnImage {
        /// What is there in its place.
        found: String,
    },
    /// Kernel, RAM disk and device tree do not fit into RAM.
    #[error(
        "placing the kernel: {needed:#x} bytes are needed for kernel, RAM disk and device tree, \
         the machine has {ram_size:#x}; give it more RAM"
    )]
    RamTooSmall {
        /// Bytes needed.
        needed: u64,
        /// Size of RAM.
        ram_size: u64,
    },
    /// The device tree is larger than kernels map for it.
    #[error("placing the device tree: it has {0} bytes, kernels accept up to 2 MiB")]
    DeviceTreeTooLarge(usize),
}

#[cfg(test)]
mod tests;
