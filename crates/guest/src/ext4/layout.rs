//! Sizes, places and the two tables that describe the whole file system.

/// Block size; also the page size of the guest, which ext4 handles best.
pub(super) const BLOCK: u64 = 4096;
/// Blocks one bitmap block describes.
pub(super) const GROUP_BLOCKS: u64 = 8 * BLOCK;
/// Inodes per group: one per 32 KiB of disk, enough for many small container files.
pub(super) const GROUP_INODES: u64 = 4096;
/// Inode size that leaves room for nanosecond times.
pub(super) const INODE: u64 = 256;
const DESCRIPTOR: u64 = 32;
/// First inode number not reserved by the format; `lost+found` by convention.
pub(super) const FIRST_INODE: u32 = 11;
pub(super) const ROOT_INODE: u32 = 2;
/// The only time stamp in the image: 2025-01-01 00:00 UTC.
pub(super) const TIME: u32 = 1_735_689_600;

/// Where everything is, for a disk of a whole number of groups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub groups: u64,
}

impl Layout {
    /// The layout of a disk of `bytes`, rounded up to whole groups of 128 MiB.
    pub fn of(bytes: u64) -> Self {
        Self { groups: bytes.div_ceil(GROUP_BLOCKS * BLOCK).max(1) }
    }

    pub fn blocks(self) -> u64 {
        self.groups * GROUP_BLOCKS
    }

    pub fn inodes(self) -> u64 {
        self.groups * GROUP_INODES
    }

    fn descriptor_blocks(self) -> u64 {
        (self.groups * DESCRIPTOR).div_ceil(BLOCK)
    }

    pub fn block_bitmap(self, group: u64) -> u64 {
        1 + self.descriptor_blocks() + group
    }

    pub fn inode_bitmap(self, group: u64) -> u64 {
        self.block_bitmap(self.groups) + group
    }

    pub fn inode_table(self, group: u64) -> u64 {
        self.inode_bitmap(self.groups) + group * (GROUP_INODES * INODE / BLOCK)
    }

    /// The first block free for contents.
    pub fn first_data(self) -> u64 {
        self.inode_table(self.groups)
    }

    /// Byte offset of an inode.
    pub fn inode_offset(self, number: u32) -> u64 {
        // Tables are consecutive, so inodes of all groups form one array.
        self.inode_table(0) * BLOCK + (u64::from(number) - 1) * INODE
    }
}

/// What is in use once everything is placed.
#[derive(Debug, Clone)]
pub(super) struct Usage {
    /// Blocks in use: always a prefix of the disk.
    pub blocks: u64,
    /// Inodes in use: always a prefix of the inode numbers.
    pub inodes: u64,
    /// Numbers of the inodes that are directories.
    pub directories: Vec<u32>,
}

impl Usage {
    fn blocks_in(&self, group: u64) -> u64 {
        self.blocks.saturating_sub(group * GROUP_BLOCKS).min(GROUP_BLOCKS)
    }

    fn inodes_in(&self, group: u64) -> u64 {
        self.inodes.saturating_sub(group * GROUP_INODES).min(GROUP_INODES)
    }

    fn directories_in(&self, group: u64) -> u64 {
        let in_group = |number: &&u32| (u64::from(**number) - 1) / GROUP_INODES == group;
        self.directories.iter().filter(in_group).count() as u64
    }

    /// The block bitmap of `group`.
    pub fn block_bitmap(&self, group: u64) -> Vec<u8> {
        bitmap(self.blocks_in(group), GROUP_BLOCKS)
    }

    /// The inode bitmap of `group`; bits beyond the group's inodes are set, as the format wants.
    pub fn inode_bitmap(&self, group: u64) -> Vec<u8> {
        bitmap(self.inodes_in(group), GROUP_INODES)
    }
}

/// A block with bits `0..used` and every bit from `size` on set.
fn bitmap(used: u64, size: u64) -> Vec<u8> {
    let mut bytes = vec![0u8; BLOCK as usize];
    for bit in (0..used).chain(size..GROUP_BLOCKS) {
        bytes[(bit / 8) as usize] |= 1 << (bit % 8);
    }
    bytes
}

/// The table of group descriptors.
pub(super) fn descriptors(layout: Layout, usage: &Usage) -> Vec<u8> {
    let mut table = Vec::new();
    for group in 0..layout.groups {
        for place in
            [layout.block_bitmap(group), layout.inode_bitmap(group), layout.inode_table(group)]
        {
            table.extend((place as u32).to_le_bytes());
        }
        let free_blocks = GROUP_BLOCKS - usage.blocks_in(group);
        let free_inodes = GROUP_INODES - usage.inodes_in(group);
        for count in [free_blocks, free_inodes, usage.directories_in(group)] {
            table.extend((count as u16).to_le_bytes());
        }
        table.resize(((group + 1) * DESCRIPTOR) as usize, 0);
    }
    table
}

const COMPAT_EXT_ATTR: u32 = 0x8;
const COMPAT_DIR_INDEX: u32 = 0x20;
/// Backups only where `s_backup_bgs` says: nowhere.
const COMPAT_SPARSE_SUPER2: u32 = 0x200;
const INCOMPAT_FILETYPE: u32 = 0x2;
const INCOMPAT_EXTENTS: u32 = 0x40;
const INCOMPAT_FLEX_BG: u32 = 0x200;
const RO_COMPAT_LARGE_FILE: u32 = 0x2;
const RO_COMPAT_HUGE_FILE: u32 = 0x8;
const RO_COMPAT_DIR_NLINK: u32 = 0x20;
const RO_COMPAT_EXTRA_ISIZE: u32 = 0x40;

/// The superblock, 1024 bytes, with `identity` as UUID and hash seed.
pub(super) fn superblock(layout: Layout, usage: &Usage, identity: [u8; 16]) -> Vec<u8> {
    let mut bytes = vec![0u8; 1024];
    let mut put = |offset: usize, value: u64, size: usize| {
        bytes[offset..offset + size].copy_from_slice(&value.to_le_bytes()[..size]);
    };
    put(0x00, layout.inodes(), 4);
    put(0x04, layout.blocks(), 4);
    put(0x0c, layout.blocks() - usage.blocks, 4);
    put(0x10, layout.inodes() - usage.inodes, 4);
    put(0x18, 2, 4); // Block size 1024 << 2.
    put(0x1c, 2, 4);
    put(0x20, GROUP_BLOCKS, 4);
    put(0x24, GROUP_BLOCKS, 4);
    put(0x28, GROUP_INODES, 4);
    put(0x30, u64::from(TIME), 4);
    put(0x36, 0xffff, 2); // Never due for a check by number of mounts.
    put(0x38, 0xef53, 2);
    put(0x3a, 1, 2); // Cleanly unmounted.
    put(0x3c, 1, 2); // Continue on errors.
    put(0x40, u64::from(TIME), 4);
    put(0x4c, 1, 4);
    put(0x54, u64::from(FIRST_INODE), 4);
    put(0x58, INODE, 2);
    put(0x5c, u64::from(COMPAT_EXT_ATTR | COMPAT_DIR_INDEX | COMPAT_SPARSE_SUPER2), 4);
    put(0x60, u64::from(INCOMPAT_FILETYPE | INCOMPAT_EXTENTS | INCOMPAT_FLEX_BG), 4);
    let read_only_compat =
        RO_COMPAT_LARGE_FILE | RO_COMPAT_HUGE_FILE | RO_COMPAT_DIR_NLINK | RO_COMPAT_EXTRA_ISIZE;
    put(0x64, u64::from(read_only_compat), 4);
    put(0xfc, 1, 1); // Directory hash: half MD4.
    put(0x100, 0xc, 4); // User attributes and ACLs on by default, as mke2fs sets.
    put(0x108, u64::from(TIME), 4);
    put(0x15c, 32, 2);
    put(0x15e, 32, 2);
    put(0x160, 1, 4); // Signed directory hash.
    put(0x174, 4, 1); // 16 groups to a flex group.
    bytes[0x68..0x78].copy_from_slice(&identity);
    bytes[0xec..0xfc].copy_from_slice(&identity);
    bytes
}
