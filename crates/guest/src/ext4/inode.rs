//! One inode: attributes and where the contents are.

use super::layout::{BLOCK, INODE, TIME};
use crate::tree::{Entry, Node};

/// Blocks one extent can cover.
const EXTENT_BLOCKS: u64 = 32768;
/// Extents that fit in the inode itself.
const EXTENTS: u64 = 4;
/// Longest link target kept in the inode.
pub(super) const SHORT_LINK: usize = 59;
/// Largest file this writer can describe.
pub(super) const MAX_FILE: u64 = EXTENTS * EXTENT_BLOCKS * BLOCK;

const FLAG_EXTENTS: u32 = 0x80000;
/// Where `i_block` is in an inode.
const BLOCK_MAP: usize = 0x28;

/// A run of blocks with the number of bytes in use.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub start: u64,
    pub bytes: u64,
}

impl Span {
    pub fn blocks(self) -> u64 {
        self.bytes.div_ceil(BLOCK)
    }
}

/// The type bits of `i_mode` and the type byte of directory entries.
pub(super) fn kind(node: &Node) -> (u32, u8) {
    match node {
        Node::File(_) => (0o100_000, 1),
        Node::Dir => (0o040_000, 2),
        Node::CharDevice(..) => (0o020_000, 3),
        Node::BlockDevice(..) => (0o060_000, 4),
        Node::Fifo => (0o010_000, 5),
        Node::Symlink(_) => (0o120_000, 7),
    }
}

/// Encodes the inode of `entry`, whose contents, if it has blocks, are at `span`.
pub(super) fn encode(entry: &Entry, links: u32, span: Span) -> Vec<u8> {
    let mut bytes = vec![0u8; INODE as usize];
    let mut put = |offset: usize, value: u64, size: usize| {
        bytes[offset..offset + size].copy_from_slice(&value.to_le_bytes()[..size]);
    };
    put(0x00, u64::from(kind(&entry.node).0 | (entry.mode & 0o7777)), 2);
    put(0x02, u64::from(entry.uid & 0xffff), 2);
    put(0x78, u64::from(entry.uid >> 16), 2);
    put(0x18, u64::from(entry.gid & 0xffff), 2);
    put(0x7a, u64::from(entry.gid >> 16), 2);
    for time in [0x08, 0x0c, 0x10, 0x90] {
        put(time, u64::from(TIME), 4);
    }
    put(0x1a, u64::from(links), 2);
    put(0x80, 32, 2);
    let size = match &entry.node {
        Node::Symlink(target) => target.len() as u64,
        _ => span.bytes,
    };
    put(0x04, size & 0xffff_ffff, 4);
    put(0x6c, size >> 32, 4);
    put(0x1c, span.blocks() * (BLOCK / 512), 4);
    match &entry.node {
        Node::CharDevice(major, minor) | Node::BlockDevice(major, minor) => {
            put(BLOCK_MAP + 4, device(*major, *minor), 4)
        }
        Node::Fifo => {}
        Node::Symlink(target) if target.len() <= SHORT_LINK => {
            bytes[BLOCK_MAP..BLOCK_MAP + target.len()].copy_from_slice(target.as_bytes());
        }
        _ => {
            put(0x20, u64::from(FLAG_EXTENTS), 4);
            bytes[BLOCK_MAP..BLOCK_MAP + 60].copy_from_slice(&extents(span));
        }
    }
    bytes
}

/// The 32-bit device number of `i_block[1]`: minor 7..0, major 11..0, minor 19..8.
fn device(major: u32, minor: u32) -> u64 {
    u64::from((minor & 0xff) | (major << 8) | ((minor & !0xff) << 12))
}

/// An extent tree of depth 0.
fn extents(span: Span) -> [u8; 60] {
    let mut bytes = [0u8; 60];
    let mut put = |offset: usize, value: u64, size: usize| {
        bytes[offset..offset + size].copy_from_slice(&value.to_le_bytes()[..size]);
    };
    let count = span.blocks().div_ceil(EXTENT_BLOCKS);
    put(0, 0xf30a, 2);
    put(2, count, 2);
    put(4, EXTENTS, 2);
    for index in 0..count {
        let first = index * EXTENT_BLOCKS;
        let place = span.start + first;
        let at = 12 + 12 * index as usize;
        put(at, first, 4);
        put(at + 4, (span.blocks() - first).min(EXTENT_BLOCKS), 2);
        put(at + 6, place >> 32, 2);
        put(at + 8, place & 0xffff_ffff, 4);
    }
    bytes
}
