//! Made-up page tables: a trace has virtual addresses only.

use stream::{Page, PhysAddr, VirtAddr, Walk};

/// Virtual addresses of x86-64 have 48 bits; those above are copies of the highest.
const ADDRESS_BITS: u32 = 48;

/// Where the tables lie: above all data.
const TABLES: u64 = 1 << 52;

/// The distance of the levels' regions, each large enough for the entries of all pages.
const LEVEL: u64 = 1 << 44;

const PAGE_LOG2: u8 = 12;

/// The physical address of `va`.
pub(super) fn translate(va: u64) -> PhysAddr {
    PhysAddr(va & ((1 << ADDRESS_BITS) - 1))
}

/// A walk through four levels of tables of 512 entries: neighbouring pages share lines of entries,
/// as they do in life.
pub(super) fn walk(va: VirtAddr) -> Walk {
    let pa = translate(va.0).0;
    let mut walk = Walk::new();
    for (level, shift) in (0_u64..).zip([39, 30, 21, 12]) {
        walk.read(PhysAddr(TABLES + level * LEVEL + (pa >> shift) * 8));
    }
    let base = PhysAddr(pa >> PAGE_LOG2 << PAGE_LOG2);
    walk.page = Some(Page { base, size_log2: PAGE_LOG2, global: false });
    walk
}
