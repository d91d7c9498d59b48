//! What a unit reaches: the memory system, and translation in the address space of the function.

use branch::Predictor;
use mem::{Cycle, Hierarchy, Prefetched, Reply, Ticket};
use stream::{HartId, PhysAddr, Source, Translate, VirtAddr, Walker};

/// Whether time passes.
pub enum Time<'a, 'w> {
    /// In detailed mode: it is so late, and walks come from there.
    At(Cycle, &'a mut dyn Source),
    /// In warming mode everything is done at once; this walks.
    Still(&'a mut Walker<'w>),
}

/// What a unit of a hart can use in a cycle.
pub struct Ports<'a, 'w> {
    /// The hart.
    pub hart: HartId,
    /// The address space the hart is in.
    pub asid: u16,
    /// Page tables can be walked: those in use are those of `asid`. They are not while the core empties
    /// itself for an instruction that may be about to change them.
    pub can_walk: bool,
    /// The predictors of a core that has them.
    pub predictor: Option<&'a mut Predictor>,
    /// The memory system.
    pub mem: &'a mut Hierarchy,
    /// The time.
    pub time: Time<'a, 'w>,
}

impl std::fmt::Debug for Time<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(now, _) => f.debug_tuple("At").field(now).finish_non_exhaustive(),
            Self::Still(_) => f.write_str("Still"),
        }
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<T> {
    /// The answer, which is there at that time.
    At(Cycle, T),
    /// `Arrival` will name the ticket.
    Pending(Ticket),
    /// Nothing happened: ask again in the next cycle.
    Busy,
}

impl std::fmt::Debug for Ports<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").field("hart", &self.hart).finish_non_exhaustive()
    }
}

impl Ports<'_, '_> {
    /// The time; where none passes, everything that will be there is there.
    #[must_use]
    pub fn now(&self) -> Cycle {
        match self.time {
            Time::At(now, _) => now,
            Time::Still(_) => Cycle(u64::MAX),
        }
    }

    /// Whether time passes.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        matches!(self.time, Time::At(..))
    }

    /// Translates an address for a fetch, as the core does: a translation that is found by a walk goes
    /// into the TLBs. None where there is no page.
    pub fn translate(&mut self, va: VirtAddr) -> Asked<Option<PhysAddr>> {
        if !self.can_walk {
            return Asked::Busy;
        }
        let (hart, place) = (self.hart, (va, self.asid));
        match &mut self.time {
            Time::At(now, source) => {
                let reply =
                    self.mem.demand_translation(*now, hart, place, Translate::Fetch, *source);
                match reply {
                    Reply::Done(translation) => Asked::At(translation.at, translation.pa),
                    Reply::Pending(ticket) => Asked::Pending(ticket),
                    Reply::Busy => Asked::Busy,
                }
            }
            Time::Still(walk) => {
                self.mem.warm_translate(hart, place, Translate::Fetch, *walk);
                let page = walk(va, Translate::Fetch).page;
                let pa =
                    page.map(|page| PhysAddr(page.base.0 | va.0 & ((1 << page.size_log2) - 1)));
                Asked::At(Cycle(0), pa)
            }
        }
    }

    /// Prefetches the line of `pa` into the second level; see [`Hierarchy::restore_line`].
    pub fn restore_line(&mut self, pa: PhysAddr, spare: u32) -> Prefetched {
        let now = match self.time {
            Time::At(now, _) => Some(now),
            Time::Still(_) => None,
        };
        self.mem.restore_line(now, self.hart, pa, spare)
    }

    /// Prefetches the line of `pa`, where `va` lies, into the first level; see
    /// [`Hierarchy::restore_to_l1i`].
    pub fn restore_to_l1i(&mut self, (va, pa): (VirtAddr, PhysAddr), spare: u32) -> Prefetched {
        let now = match self.time {
            Time::At(now, _) => Some(now),
            Time::Still(_) => None,
        };
        self.mem.restore_to_l1i(now, self.hart, (va, pa), spare)
    }

    /// Reads a line of metadata.
    pub(crate) fn read_metadata(&mut self, pa: PhysAddr) -> Asked<()> {
        let Time::At(now, _) = self.time else {
            self.mem.warm_read_metadata();
            return Asked::At(Cycle(0), ());
        };
        match self.mem.read_metadata(now, self.hart, pa) {
            Reply::Done(access) => Asked::At(access.at, ()),
            Reply::Pending(ticket) => Asked::Pending(ticket),
            Reply::Busy => Asked::Busy,
        }
    }

    /// Writes a line of metadata; whether memory took it.
    pub(crate) fn write_metadata(&mut self, pa: PhysAddr) -> bool {
        let Time::At(now, _) = self.time else {
            self.mem.warm_write_metadata();
            return true;
        };
        self.mem.write_metadata(now, pa)
    }
}
