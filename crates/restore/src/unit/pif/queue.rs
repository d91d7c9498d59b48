//! Regions whose lines are to be prefetched, in their order: page by page through the instruction TLB, and
//! then a line a cycle.

use super::PifStats;
use super::regions::Region;
use crate::{Asked, Ports};
use mem::{Arrival, Cycle, Prefetched, Ticket};
use std::collections::VecDeque;
use stream::{PhysAddr, VirtAddr};

const LINE_LOG2: u32 = 6;
const PAGE_LOG2: u32 = 12;

/// The number of the line at an address.
pub(super) fn line_of(va: VirtAddr) -> u64 {
    va.0 >> LINE_LOG2
}

/// The queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    regions: VecDeque<Region>,
    capacity: usize,
    translation: Translation,
    spare_mshrs: u32,
}

/// Of the page of the next line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Translation {
    NotAskedFor,
    Pending(Ticket),
    /// Of this page, there then.
    Known(u64, Cycle, Option<PhysAddr>),
}

impl Queue {
    pub(super) fn new(capacity: usize, spare_mshrs: u32) -> Self {
        let regions = VecDeque::with_capacity(capacity + 1);
        Self { regions, capacity, translation: Translation::NotAskedFor, spare_mshrs }
    }

    /// Appends a region; the oldest gives way where there is no room.
    pub(super) fn push(&mut self, region: Region) {
        if self.regions.len() == self.capacity {
            self.regions.pop_front();
            self.translation = Translation::NotAskedFor;
        }
        self.regions.push_back(region);
    }

    pub(super) fn clear(&mut self) {
        self.regions.clear();
        self.translation = Translation::NotAskedFor;
    }

    /// Goes one step on; whether there may be another in the next cycle.
    pub(super) fn step(&mut self, ports: &mut Ports<'_, '_>, stats: &mut PifStats) -> bool {
        let Some(&region) = self.regions.front() else { return false };
        let line = region.first().wrapping_add(u64::from(region.lines.trailing_zeros()));
        let va = VirtAddr(line << LINE_LOG2);
        match self.translation {
            Translation::Known(page, at, pa) if page == va.0 >> PAGE_LOG2 => {
                if at > ports.now() {
                    return false;
                }
                self.prefetch(va, pa, ports, stats);
            }
            Translation::Pending(_) => return false,
            _ => self.translate(va, ports),
        }
        !self.regions.is_empty()
    }

    fn translate(&mut self, va: VirtAddr, ports: &mut Ports<'_, '_>) {
        self.translation = match ports.translate(va) {
            Asked::At(at, pa) => known(va, at, pa),
            Asked::Pending(ticket) => Translation::Pending(ticket),
            Asked::Busy => Translation::NotAskedFor,
        };
    }

    fn prefetch(
        &mut self,
        va: VirtAddr,
        page: Option<PhysAddr>,
        ports: &mut Ports<'_, '_>,
        stats: &mut PifStats,
    ) {
        let Some(page) = page else {
            stats.untranslated.inc();
            return self.pop_line();
        };
        let pa = PhysAddr(page.0 | va.0 & ((1 << PAGE_LOG2) - 1));
        match ports.restore_to_l1i((va, pa), self.spare_mshrs) {
            Prefetched::Issued => stats.prefetches.inc(),
            Prefetched::Present => stats.present.inc(),
            Prefetched::Dropped => return stats.stalled_cycles.inc(),
        }
        self.pop_line();
    }

    /// The next line is done with.
    fn pop_line(&mut self) {
        let Some(region) = self.regions.front_mut() else { return };
        region.lines &= region.lines - 1;
        if region.lines == 0 {
            self.regions.pop_front();
            self.translation = Translation::NotAskedFor;
        }
    }

    pub(super) fn next_at(&self, now: Cycle) -> Option<Cycle> {
        match self.translation {
            Translation::Known(_, at, _) if at > now => Some(at),
            _ => None,
        }
    }

    pub(super) fn arrived(&mut self, arrival: &Arrival) {
        let (Arrival::Translation(ticket, it), Translation::Pending(held)) =
            (*arrival, self.translation)
        else {
            return;
        };
        if let Some(&region) = self.regions.front().filter(|_| ticket == held) {
            let line = region.first().wrapping_add(u64::from(region.lines.trailing_zeros()));
            self.translation = known(VirtAddr(line << LINE_LOG2), it.at, it.pa);
        }
    }

    pub(super) fn forget_under_way(&mut self) {
        self.translation = Translation::NotAskedFor;
    }
}

/// The translation of the page of `va`, which lies at `pa`.
fn known(va: VirtAddr, at: Cycle, pa: Option<PhysAddr>) -> Translation {
    let base = pa.map(|pa| PhysAddr(pa.0 & !((1 << PAGE_LOG2) - 1)));
    Translation::Known(va.0 >> PAGE_LOG2, at, base)
}
