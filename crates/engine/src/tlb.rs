//! The software TLB of one hart: from virtual pages straight to offsets in RAM.
//!
//! Entries are tagged with the page, and with a context that stands for `satp`, privilege, SUM and
//! MXR, so that a trap or a process switch flushes nothing. A tag keeps the low three address bits
//! zero: comparing them too sends misaligned accesses the slow way. Only RAM pages enter, and for
//! stores only pages that are dirty already and hold no decoded code.

use crate::code::Block;
use hart::mmu::{Access, Translation};
use hart::{Hart, Privilege};

const PAGE_MASK: u64 = !0xfff;
const CONTEXT_SHIFT: u32 = 3;
const SPACES: usize = 32;
const SETS: usize = 1024;
const JUMPS: usize = 16384;
/// A tag that no address has: the alignment bits are set.
const INVALID: u64 = 7;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    tag: u64,
    /// RAM offset of the page minus its virtual address.
    addend: u64,
}

const EMPTY: Entry = Entry { tag: INVALID, addend: 0 };

/// A direct way from a fetch address to its block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jump {
    pc: u64,
    /// Fetch tag and epoch.
    key: u32,
    block: Block,
}

const NOWHERE: Jump = Jump { pc: 0, key: INVALID as u32, block: Block::NONE };
/// Tags lie below the epoch in [`Jump::key`].
const EPOCH_SHIFT: u32 = CONTEXT_SHIFT + 4 + SPACES.trailing_zeros();

/// Software TLB and jump cache of one hart.
#[derive(Debug)]
pub struct Tlb {
    load: [Entry; SETS],
    store: [Entry; SETS],
    fetch: [Entry; SETS],
    jumps: [Jump; JUMPS],
    /// Number of times jumps were forgotten, shifted to its place in [`Jump::key`].
    epoch: u32,
    /// Which pages (hashed) the jump cache leads into.
    jump_pages: [bool; 1024],
    spaces: [u64; SPACES],
    space_count: usize,
    /// The number of the space last asked for.
    last_space: usize,
    /// Where translations larger than a page were cached.
    large: LargePages,
    /// Sets that may hold something, so that a flush need not visit all; too many to list if full.
    used: Vec<u16>,
}

/// Sets listed before a flush visits all of them.
const USED_LIMIT: usize = 256;

/// The gigabytes in which translations larger than a page were cached: a fence of one address in
/// them must drop all their fragments, and drops everything.
#[derive(Debug, Default)]
struct LargePages {
    gigabytes: Vec<u64>,
    /// More than the list holds, or a page larger than a gigabyte.
    anywhere: bool,
}

impl LargePages {
    const LIMIT: usize = 16;

    fn note(&mut self, va: u64, bits: u8) {
        if bits > 30 {
            self.anywhere = true;
        } else if !self.contains(va) {
            if self.gigabytes.len() == Self::LIMIT {
                self.anywhere = true;
            } else {
                self.gigabytes.push(va >> 30);
            }
        }
    }

    fn contains(&self, va: u64) -> bool {
        self.anywhere || self.gigabytes.contains(&(va >> 30))
    }

    fn clear(&mut self) {
        self.gigabytes.clear();
        self.anywhere = false;
    }
}

impl Default for Tlb {
    fn default() -> Self {
        Self::new()
    }
}

impl Tlb {
    /// An empty TLB.
    #[must_use]
    pub fn new() -> Self {
        Self {
            load: [EMPTY; SETS],
            store: [EMPTY; SETS],
            fetch: [EMPTY; SETS],
            jumps: [NOWHERE; JUMPS],
            epoch: 0,
            jump_pages: [false; 1024],
            spaces: [0; SPACES],
            space_count: 1,
            last_space: 0,
            large: LargePages::default(),
            used: Vec::new(),
        }
    }

    #[inline(always)]
    fn set(va: u64) -> usize {
        (va >> 12) as usize % SETS
    }

    #[inline(always)]
    fn table(&self, access: Access) -> &[Entry; SETS] {
        match access {
            Access::Load => &self.load,
            Access::Store => &self.store,
            Access::Fetch => &self.fetch,
        }
    }

    /// RAM offset for an aligned access of `size` bytes at `va`, if it is cached for `access`.
    #[inline(always)]
    pub(crate) fn lookup(&self, access: Access, tag: u64, va: u64, size: u64) -> Option<usize> {
        let entry = &self.table(access)[Self::set(va)];
        let wanted = va & (PAGE_MASK | (size - 1)) | tag;
        (entry.tag == wanted).then(|| va.wrapping_add(entry.addend) as usize)
    }

    /// Remembers that the page of `va` lies at RAM offset `offset` (of the page).
    pub(crate) fn fill(
        &mut self,
        access: Access,
        tag: u64,
        va: u64,
        offset: usize,
        translation: &Translation,
    ) {
        let page = va & PAGE_MASK;
        let entry = Entry { tag: page | tag, addend: (offset as u64).wrapping_sub(page) };
        if translation.page_bits > 12 && translation.page_bits != 64 {
            self.large.note(va, translation.page_bits);
        }
        if self.used.len() < USED_LIMIT {
            self.used.push(Self::set(va) as u16);
        }
        match access {
            Access::Load => self.load[Self::set(va)] = entry,
            Access::Store => self.store[Self::set(va)] = entry,
            Access::Fetch => self.fetch[Self::set(va)] = entry,
        }
    }

    /// Forgets store entries that lead to the RAM page at `offset` (it became a code page).
    pub(crate) fn forbid_stores(&mut self, offset: usize) {
        let page = offset as u64 & PAGE_MASK;
        for entry in self.store.iter_mut() {
            if entry.tag != INVALID && (entry.tag & PAGE_MASK).wrapping_add(entry.addend) == page {
                *entry = EMPTY;
            }
        }
    }

    /// The block for `pc` in the fetch context `tag`.
    #[inline(always)]
    pub(crate) fn jump(&self, pc: u64, tag: u64) -> Option<Block> {
        let jump = &self.jumps[(pc >> 1) as usize % JUMPS];
        (jump.pc == pc && jump.key == tag as u32 | self.epoch).then_some(jump.block)
    }

    pub(crate) fn remember_jump(&mut self, pc: u64, tag: u64, block: Block) {
        self.jump_pages[(pc >> 12) as usize % 1024] = true;
        self.jumps[(pc >> 1) as usize % JUMPS] = Jump { pc, key: tag as u32 | self.epoch, block };
    }

    /// Forgets all jumps.
    pub(crate) fn forget_jumps(&mut self) {
        self.epoch = self.epoch.wrapping_add(1 << EPOCH_SHIFT);
        if self.epoch == 0 {
            self.jumps.fill(NOWHERE);
        }
        self.jump_pages.fill(false);
    }

    /// Forgets everything but the numbers of address spaces, which tags of the hart hold.
    pub fn flush(&mut self) {
        if self.used.len() < USED_LIMIT {
            for &set in &self.used {
                let set = usize::from(set);
                self.load[set] = EMPTY;
                self.store[set] = EMPTY;
                self.fetch[set] = EMPTY;
            }
        } else {
            self.load.fill(EMPTY);
            self.store.fill(EMPTY);
            self.fetch.fill(EMPTY);
        }
        self.used.clear();
        self.forget_jumps();
        self.large.clear();
    }

    /// Forgets the page of `va` in every context.
    pub(crate) fn flush_page(&mut self, va: u64) {
        if self.large.contains(va) {
            self.flush();
            return;
        }
        let set = Self::set(va);
        self.load[set] = EMPTY;
        self.store[set] = EMPTY;
        self.fetch[set] = EMPTY;
        if self.jump_pages[(va >> 12) as usize % 1024] {
            self.forget_jumps();
        }
    }

    /// Sets the hart's tags for its current `satp`, privilege and access modifiers. Spaces are
    /// numbered as they appear; when the numbers run out everything is forgotten.
    pub(crate) fn set_tags(&mut self, hart: &mut Hart) {
        let regime = hart::mmu::Regime::of(hart, Access::Load);
        let data_space = self.space(regime.satp);
        let modifiers = u64::from(regime.sum) << 2 | u64::from(regime.mxr) << 3;
        let fetch_satp = if hart.prv == Privilege::Machine { 0 } else { hart.csr.satp };
        let fetch_space = self.space(fetch_satp);
        // Numbering the second space may have flushed and renumbered the first.
        let data_space = if self.spaces[data_space] == regime.satp {
            data_space
        } else {
            self.space(regime.satp)
        };
        let tag = |space: usize, prv: Privilege, bits: u64| {
            ((space as u64) << 4 | bits | Self::mode(prv)) << CONTEXT_SHIFT
        };
        hart.data_tag = tag(data_space, regime.prv, modifiers);
        hart.fetch_tag = tag(fetch_space, hart.prv, 0);
    }

    fn mode(prv: Privilege) -> u64 {
        match prv {
            Privilege::User => 0,
            Privilege::Supervisor => 1,
            Privilege::Machine => 2,
        }
    }

    /// The number of the address space `satp`; number 0 is the one without translation.
    fn space(&mut self, satp: u64) -> usize {
        if self.spaces[self.last_space] == satp && self.last_space < self.space_count {
            return self.last_space;
        }
        if let Some(known) = self.spaces[..self.space_count].iter().position(|&s| s == satp) {
            self.last_space = known;
            return known;
        }
        if self.space_count == SPACES {
            self.flush();
            self.space_count = 1;
        }
        self.spaces[self.space_count] = satp;
        self.space_count += 1;
        self.space_count - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bits: u8) -> Translation {
        Translation {
            pa: 0,
            page_bits: bits,
            global: false,
            store_ready: true,
            ptes: [0; 4],
            depth: 3,
        }
    }

    #[test]
    fn a_hit_needs_page_context_and_alignment() {
        let mut tlb = Tlb::new();
        tlb.fill(Access::Load, 0x18, 0x7000_1008, 0x5000, &page(12));
        assert_eq!(tlb.lookup(Access::Load, 0x18, 0x7000_1010, 8), Some(0x5010));
        assert_eq!(tlb.lookup(Access::Load, 0x18, 0x7000_1011, 1), Some(0x5011));
        assert_eq!(tlb.lookup(Access::Load, 0x18, 0x7000_1011, 2), None);
        assert_eq!(tlb.lookup(Access::Load, 0x20, 0x7000_1010, 8), None);
        assert_eq!(tlb.lookup(Access::Store, 0x18, 0x7000_1010, 8), None);
    }

    #[test]
    fn fencing_one_address_inside_a_large_page_drops_its_fragments() {
        let mut tlb = Tlb::new();
        tlb.fill(Access::Load, 0, 0x20_1000, 0x1000, &page(21));
        tlb.flush_page(0x20_5000);
        assert_eq!(tlb.lookup(Access::Load, 0, 0x20_1000, 8), None);
    }

    #[test]
    fn fencing_one_address_elsewhere_keeps_a_large_page() {
        let mut tlb = Tlb::new();
        tlb.fill(Access::Load, 0, 0x20_1000, 0x1000, &page(21));
        tlb.fill(Access::Load, 0, 0x5_0000_2000, 0x2000, &page(12));
        tlb.flush_page(0x5_0000_2000);
        assert_eq!(tlb.lookup(Access::Load, 0, 0x5_0000_2000, 8), None);
        assert!(tlb.lookup(Access::Load, 0, 0x20_1000, 8).is_some());
        tlb.fill(Access::Load, 0, 1 << 45, 0x1000, &page(39));
        tlb.flush_page(0x5_0000_2000);
        assert_eq!(tlb.lookup(Access::Load, 0, 0x20_1000, 8), None);
    }

    #[test]
    fn flushing_forgets_few_entries_and_many() {
        for count in [1, USED_LIMIT as u64 - 1, USED_LIMIT as u64, 2 * SETS as u64] {
            let mut tlb = Tlb::new();
            for number in 0..count {
                for access in [Access::Load, Access::Store, Access::Fetch] {
                    tlb.fill(access, 0, number << 12, 0, &page(12));
                }
            }
            tlb.flush();
            for access in [Access::Load, Access::Store, Access::Fetch] {
                assert!((0..count).all(|n| tlb.lookup(access, 0, n << 12, 8).is_none()), "{count}");
            }
        }
    }

    #[test]
    fn running_out_of_space_numbers_forgets_old_contexts() {
        let mut tlb = Tlb::new();
        let mut hart = Hart::new(0, 0);
        hart.prv = Privilege::Supervisor;
        hart.csr.satp = 8 << 60 | 1;
        tlb.set_tags(&mut hart);
        let first = hart.data_tag;
        tlb.fill(Access::Load, first, 0x1000, 0, &page(12));
        for process in 2..40 {
            hart.csr.satp = 8 << 60 | process;
            tlb.set_tags(&mut hart);
        }
        assert_eq!(tlb.lookup(Access::Load, first, 0x1000, 8), None);
    }
}
