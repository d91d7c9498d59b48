//! Access for cores that have many requests under way: nothing here waits.

use super::{Access, Hierarchy};
use crate::Cycle;
use crate::cache::AccessKind;
use crate::mmu::Translation;
use crate::reply::{Arrival, Reply};
use stream::{HartId, PhysAddr, Source, Translate, VirtAddr};

impl Hierarchy {
    /// Requests the line of `pa` at `now` for the instruction at `pc`.
    #[inline]
    pub fn demand(
        &mut self,
        now: Cycle,
        hart: HartId,
        kind: AccessKind,
        pa: PhysAddr,
        _pc: VirtAddr,
    ) -> Reply<Access> {
        Reply::Done(self.access(now, hart, kind, pa))
    }

    /// Requests the translation of `va` for a lookup that starts at `now`.
    #[inline]
    pub fn demand_translation(
        &mut self,
        now: Cycle,
        hart: HartId,
        va_and_asid: (VirtAddr, u16),
        what: Translate,
        source: &mut dyn Source,
    ) -> Reply<Translation> {
        Reply::Done(self.translate(now, hart, va_and_asid, what, source))
    }

    /// Lets main memory act up to and including `now`.
    #[inline]
    pub fn advance(&mut self, _now: Cycle) {}

    /// When main memory will next act by itself, if it will.
    #[must_use]
    #[inline]
    pub fn next_event(&self) -> Option<Cycle> {
        None
    }

    /// Takes the next request of `hart` that was pending and now has its time.
    #[inline]
    pub fn next_arrival(&mut self, _hart: HartId) -> Option<Arrival> {
        None
    }
}
