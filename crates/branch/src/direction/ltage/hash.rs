//! How L-TAGE finds a branch's row in a table.

use super::TaggedTableConfig;

/// Bits of the path that hashes reach.
const PATH_BITS: u32 = 16;

/// How a table hashes address and path, worked out once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash {
    log2_entries: u32,
    pub(super) index_mask: u32,
    pub(super) tag_mask: u32,
    /// How far the address is shifted to mix it with itself.
    pub(super) shift: u32,
    /// The path as far as the history reaches.
    path_mask: u32,
    /// How far the folded path is turned.
    turn: u32,
}

impl Hash {
    pub(super) fn new(number: u32, table: &TaggedTableConfig, length: u32) -> Self {
        let log2_entries = table.log2_entries;
        Self {
            log2_entries,
            index_mask: (1 << log2_entries) - 1,
            tag_mask: (1 << table.tag_bits) - 1,
            shift: log2_entries.abs_diff(number + 1) + 1,
            path_mask: (1 << length.min(PATH_BITS)) - 1,
            turn: number % log2_entries,
        }
    }

    #[inline]
    pub(super) fn path(&self, path: u32) -> u32 {
        let path = path & self.path_mask;
        let folded = path & self.index_mask ^ path >> self.log2_entries;
        folded << self.turn ^ folded >> (self.log2_entries - self.turn)
    }
}
