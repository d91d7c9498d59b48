//! Writes an ext4 file system from a [`Tree`](crate::tree::Tree): no root, no host tools, no journal.
//!
//! Source: the ext4 on-disk layout in the Linux kernel's documentation (`Documentation/filesystems/ext4`).
//!
//! The image is laid out once, from the front: superblock, group descriptors, all bitmaps and inode tables (flex_bg
//! lets them be anywhere), then directories and files, each contiguous. So the used part is one prefix, the rest of
//! the sparse file is a hole, and the same tree gives the same bytes: numbers, times, UUID and hash seed are fixed.
//!
//! Left out: a journal (the disk is written through an overlay that is thrown away, so it would protect nothing),
//! checksums, backup superblocks, extended attributes, hard links (each name gets its own copy), and files above
//! 512 MiB (one inode holds four extents).

mod directory;
mod inode;
mod layout;
mod writer;

pub use writer::{Ext4Error, write};
