//! The page-table walks of one hart that a trace holds.
//!
//! The recorder keeps the same table as the replay will have at the same place in the trace: what
//! the replay already knows need not be written again. A walk is kept for the page it found, per
//! address space, until a flush tells TLBs to forget the page; only then may the tables differ.

use std::collections::BTreeMap;
use stream::{FlushScope, PhysAddr, VirtAddr, Walk};

/// The page a walk that ends in a fault is kept for.
const SMALLEST_LOG2: u8 = 12;

/// Walks by address space and first virtual address of their page. Pages of a space do not overlap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    spaces: BTreeMap<u16, BTreeMap<u64, Walk>>,
}

impl Pages {
    /// Remembers `walk` for the page of `va`, and forgets every page that overlaps with it.
    pub(crate) fn insert(&mut self, asid: u16, va: VirtAddr, walk: Walk) {
        let space = self.spaces.entry(asid).or_default();
        let (first, last) = span(va, &walk);
        forget(space, VirtAddr(first), |_| true);
        while let Some((&inside, _)) = space.range(first..=last).next() {
            space.remove(&inside);
        }
        space.insert(first, walk);
    }

    /// The walk for `va`.
    pub(crate) fn find(&self, asid: u16, va: VirtAddr) -> Option<&Walk> {
        let (&first, walk) = self.spaces.get(&asid)?.range(..=va.0).next_back()?;
        (va.0 <= span(VirtAddr(first), walk).1).then_some(walk)
    }

    /// The physical address of `va`.
    pub(crate) fn translate(&self, asid: u16, va: VirtAddr) -> Option<PhysAddr> {
        let page = self.find(asid, va)?.page?;
        Some(PhysAddr(page.base.0 | va.0 & offset_mask(page.size_log2)))
    }

    /// Forgets what TLBs must forget.
    pub(crate) fn flush(&mut self, scope: FlushScope) {
        match scope {
            FlushScope::All => self.spaces.clear(),
            FlushScope::Asid(asid) => {
                if let Some(space) = self.spaces.get_mut(&asid) {
                    space.retain(|_, walk| is_global(walk));
                }
            }
            FlushScope::Page(va) => {
                for space in self.spaces.values_mut() {
                    forget(space, va, |_| true);
                }
            }
            FlushScope::PageAsid(va, asid) => {
                if let Some(space) = self.spaces.get_mut(&asid) {
                    forget(space, va, |walk| !is_global(walk));
                }
            }
        }
    }
}

fn forget(space: &mut BTreeMap<u64, Walk>, va: VirtAddr, concerns: impl Fn(&Walk) -> bool) {
    if let Some((&first, walk)) = space.range(..=va.0).next_back()
        && va.0 <= span(VirtAddr(first), walk).1
        && concerns(walk)
    {
        space.remove(&first);
    }
}

fn is_global(walk: &Walk) -> bool {
    walk.page.is_some_and(|page| page.global)
}

/// The first and the last virtual address of the page that `walk` found for `va`.
fn span(va: VirtAddr, walk: &Walk) -> (u64, u64) {
    let offset = offset_mask(walk.page.map_or(SMALLEST_LOG2, |page| page.size_log2));
    (va.0 & !offset, va.0 | offset)
}

fn offset_mask(size_log2: u8) -> u64 {
    (1 << size_log2.min(63)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::Page;

    fn walk(base: u64, size_log2: u8, global: bool) -> Walk {
        let mut walk = Walk::new();
        walk.read(PhysAddr(0x9000));
        walk.page = Some(Page { base: PhysAddr(base), size_log2, global });
        walk
    }

    /// A page of space 1, its neighbour, a global page, and the first page again in space 2.
    fn filled() -> Pages {
        let mut pages = Pages::default();
        pages.insert(1, VirtAddr(0x4008), walk(0x10_0000, 12, false));
        pages.insert(1, VirtAddr(0x5000), walk(0x10_1000, 12, false));
        pages.insert(1, VirtAddr(0x6000), walk(0x10_2000, 12, true));
        pages.insert(2, VirtAddr(0x4000), walk(0x20_0000, 12, false));
        pages
    }

    fn known(pages: &Pages) -> Vec<(u16, u64)> {
        let all = [(1, 0x4000), (1, 0x5000), (1, 0x6000), (2, 0x4000)];
        all.into_iter().filter(|&(asid, va)| pages.find(asid, VirtAddr(va)).is_some()).collect()
    }

    #[test]
    fn a_page_is_known_from_its_first_to_its_last_byte_in_its_space_only() {
        let pages = filled();
        assert_eq!(pages.translate(1, VirtAddr(0x4000)), Some(PhysAddr(0x10_0000)));
        assert_eq!(pages.translate(1, VirtAddr(0x4fff)), Some(PhysAddr(0x10_0fff)));
        assert_eq!(pages.translate(2, VirtAddr(0x4010)), Some(PhysAddr(0x20_0010)));
        assert_eq!(pages.translate(1, VirtAddr(0x3fff)), None);
        assert_eq!(pages.translate(2, VirtAddr(0x5000)), None);
        assert_eq!(pages.translate(3, VirtAddr(0x4000)), None);
    }

    #[test]
    fn a_flush_forgets_what_its_scope_names() {
        let after = |scope| {
            let mut pages = filled();
            pages.flush(scope);
            known(&pages)
        };
        assert_eq!(after(FlushScope::All), []);
        assert_eq!(after(FlushScope::Asid(1)), [(1, 0x6000), (2, 0x4000)]);
        assert_eq!(after(FlushScope::Page(VirtAddr(0x4abc))), [(1, 0x5000), (1, 0x6000)]);
        assert_eq!(
            after(FlushScope::PageAsid(VirtAddr(0x4abc), 1)),
            [(1, 0x5000), (1, 0x6000), (2, 0x4000)]
        );
        assert_eq!(after(FlushScope::PageAsid(VirtAddr(0x6000), 1)), known(&filled()));
        assert_eq!(
            after(FlushScope::Page(VirtAddr(0x6000))),
            [(1, 0x4000), (1, 0x5000), (2, 0x4000)]
        );
    }

    #[test]
    fn a_large_page_replaces_the_small_ones_it_covers() {
        let mut pages = filled();
        pages.insert(1, VirtAddr(0x1f_ffff), walk(0x4000_0000, 21, false));
        assert_eq!(pages.translate(1, VirtAddr(0x5008)), Some(PhysAddr(0x4000_5008)));
        assert_eq!(pages.translate(1, VirtAddr(0x1f_ffff)), Some(PhysAddr(0x401f_ffff)));
        assert_eq!(pages.translate(1, VirtAddr(0x20_0000)), None);
        pages.flush(FlushScope::Page(VirtAddr(0x10_0000)));
        assert_eq!(known(&pages), [(2, 0x4000)]);
    }

    #[test]
    fn a_small_page_replaces_the_large_one_around_it() {
        let mut pages = Pages::default();
        pages.insert(1, VirtAddr(0), walk(0x4000_0000, 21, false));
        pages.insert(1, VirtAddr(0x5000), walk(0x10_0000, 12, false));
        assert_eq!(known(&pages), [(1, 0x5000)]);
    }

    #[test]
    fn a_fault_is_known_for_its_smallest_page() {
        let mut pages = Pages::default();
        let mut fault = Walk::new();
        fault.read(PhysAddr(0x9000));
        pages.insert(0, VirtAddr(0x7008), fault);
        assert_eq!(pages.find(0, VirtAddr(0x7ff0)), Some(&fault));
        assert_eq!(pages.translate(0, VirtAddr(0x7008)), None);
        assert_eq!(pages.find(0, VirtAddr(0x8000)), None);
    }
}
