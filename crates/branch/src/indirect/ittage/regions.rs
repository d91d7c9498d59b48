//! Targets in two parts: low bits in the entry, upper bits once in a table of regions.

use stream::VirtAddr;

/// Low bits of a target, held by the entry.
pub(super) const OFFSET_BITS: u32 = 18;
/// The number of a region.
pub(super) const REGION_POINTER_BITS: u32 = 7;
/// Upper bits of a virtual address of Sv48.
const REGION_BITS: u64 = 48 - OFFSET_BITS as u64;
const REGIONS: usize = 1 << REGION_POINTER_BITS;

/// A target as an entry holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    offset: u32,
    region: u8,
}

/// The regions that targets lie in. When all are taken, all become free to be taken over by the
/// next new ones, and entries that point to them then lead elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Regions {
    regions: [u64; REGIONS],
    taken: [bool; REGIONS],
}

impl Regions {
    pub(super) fn new() -> Self {
        Self { regions: [0; REGIONS], taken: [false; REGIONS] }
    }

    pub(super) fn address(&self, target: Target) -> VirtAddr {
        let region = self.regions[usize::from(target.region)];
        VirtAddr(region << OFFSET_BITS | u64::from(target.offset))
    }

    /// The parts of an address, whose region is entered if it is new.
    pub(super) fn target(&mut self, address: VirtAddr) -> Target {
        let offset = (address.0 & ((1 << OFFSET_BITS) - 1)) as u32;
        let region = self.number(address.0 >> OFFSET_BITS) as u8;
        Target { offset, region }
    }

    fn number(&mut self, region: u64) -> usize {
        if let Some(at) = self.regions.iter().position(|it| *it == region) {
            self.taken[at] = true;
            return at;
        }
        let free = self.taken.iter().position(|taken| !taken);
        let at = free.unwrap_or_else(|| {
            self.taken.fill(false);
            0
        });
        (self.regions[at], self.taken[at]) = (region, true);
        at
    }

    pub(super) fn storage_bits(&self) -> u64 {
        REGIONS as u64 * (REGION_BITS + 1)
    }
}
