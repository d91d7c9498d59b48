//! The restoration unit of the core, which acts beside all stages, and behind them in a cycle: what they ask
//! of the memory system comes first.

use super::OutOfOrder;
use super::front::Halt;
use crate::restoring::{Moment, Restoring};
use ::restore::{Perfect, RestorationConfig};
use mem::{Arrival, Hierarchy};
use stream::{Source, VirtAddr};

impl OutOfOrder {
    /// The same core with a restoration unit.
    #[must_use]
    pub fn with_restoration(mut self, config: &RestorationConfig) -> Self {
        self.perfect_front = config.perfect() == Perfect::FrontEnd;
        if config.records_branches() {
            self.predictor.watch_targets();
        }
        self.restoring = Some(Box::new(Restoring::new(config, self.hart)));
        self.show_restoration();
        self
    }

    /// Lets the unit act; returns whether it may have more to do in the next cycle.
    #[inline]
    pub(super) fn restore(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        self.restoring.is_some() && self.restore_at_length(source, mem)
    }

    #[inline(never)]
    fn restore_at_length(&mut self, source: &mut dyn Source, mem: &mut Hierarchy) -> bool {
        let Some(restoring) = &mut self.restoring else { return false };
        let empties = matches!(self.front.halt, Some(Halt::Alone | Halt::Serialising));
        let moment = Moment {
            now: self.now,
            asid: self.fetch_translated.then_some(self.asid),
            executes: !self.window.is_empty(),
            can_walk: !empties,
        };
        restoring.cycle(moment, source, (mem, &mut self.predictor))
    }

    /// Fetch asked for the line of `va`.
    #[inline]
    pub(super) fn tell_of_fetch(&mut self, va: VirtAddr, missed: bool) {
        if let Some(restoring) = &mut self.restoring
            && self.fetch_translated
        {
            restoring.fetched(va, missed);
        }
    }

    /// Memory answered a request of no instruction: it may be the unit's.
    pub(super) fn tell_restoration(&mut self, arrival: &Arrival) {
        if let Some(restoring) = &mut self.restoring {
            restoring.arrived(arrival);
        }
    }

    /// What is fetched next lies in another address space.
    #[cold]
    pub(super) fn leave_address_space(&mut self) {
        if let Some(restoring) = &mut self.restoring {
            restoring.leave(self.asid, self.stats.user.instructions.get());
        }
    }

    pub(super) fn begin_restoring(&mut self) {
        if let Some(restoring) = &mut self.restoring {
            restoring.begin_request(self.stats.user.instructions.get());
        }
    }

    pub(super) fn end_restoring(&mut self) {
        if let Some(restoring) = &mut self.restoring {
            restoring.end_request(self.asid, self.stats.user.instructions.get());
        }
        self.show_restoration();
    }

    /// Shows what the unit has counted among the core's counters.
    #[inline]
    pub(super) fn show_restoration(&mut self) {
        if let Some(restoring) = &self.restoring {
            self.stats.restoration = Some(restoring.stats());
        }
    }
}
