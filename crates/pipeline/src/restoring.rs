//! A core's side of its restoration unit: which address space the core is in, what user code ran in it, and
//! the cycles in which the unit acts.

use branch::Predictor;
use mem::{Arrival, Cycle, Hierarchy};
use restore::{Ports, Restoration, RestorationConfig, RestorationStats, Time};
use stream::{Bytes, HartId, Source, VirtAddr, Walker};

/// The restoration unit of a core.
#[derive(Debug)]
pub(crate) struct Restoring {
    hart: HartId,
    unit: Restoration,
    /// User instructions that had committed when the core entered the address space it is in.
    user_before: u64,
}

/// Where and when the core is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Cycle,
    /// The address space; none while addresses are not translated.
    pub(crate) asid: Option<u16>,
    /// Instructions are in the core.
    pub(crate) executes: bool,
    /// The core does not empty itself for an instruction that may change address translation.
    pub(crate) can_walk: bool,
}

impl Restoring {
    pub(crate) fn new(config: &RestorationConfig, hart: HartId) -> Self {
        Self { hart, unit: Restoration::new(config, hart), user_before: 0 }
    }

    /// A request has reached the machine. So many user instructions have committed until now.
    pub(crate) fn begin_request(&mut self, user: u64) {
        self.user_before = user;
        self.unit.begin_request();
    }

    /// Its reply has left, with the core in `asid`.
    pub(crate) fn end_request(&mut self, asid: u16, user: u64) {
        self.leave(asid, user);
        self.unit.end_request();
    }

    /// The core leaves the address space `asid`.
    pub(crate) fn leave(&mut self, asid: u16, user: u64) {
        self.unit.ran(asid, user - self.user_before);
        self.user_before = user;
    }

    /// A cycle of detailed mode; whether the unit may have more to do in the next.
    pub(crate) fn cycle(
        &mut self,
        moment: Moment,
        source: &mut dyn Source,
        (mem, predictor): (&mut Hierarchy, &mut Predictor),
    ) -> bool {
        let Moment { now, asid, executes, can_walk } = moment;
        let Some(asid) = asid else {
            self.unit.discard(mem, Some(predictor));
            return false;
        };
        let time = Time::At(now, source);
        let (hart, predictor) = (self.hart, Some(predictor));
        let mut ports = Ports { hart, asid, can_walk, predictor, mem, time };
        self.unit.step(&mut ports, executes)
    }

    /// The front end asked for the line of an address; see [`Restoration::fetched`].
    #[inline]
    pub(crate) fn fetched(&mut self, va: VirtAddr, missed: bool) {
        self.unit.fetched(va, missed);
    }

    /// An instruction retires.
    #[inline]
    pub(crate) fn retired(&mut self, va: VirtAddr) {
        self.unit.retired(va);
    }

    /// Instruction bytes were fetched in warming mode.
    pub(crate) fn warmed(
        &mut self,
        bytes: &Bytes,
        (mem, predictor): (&mut Hierarchy, Option<&mut Predictor>),
        walk: &mut Walker<'_>,
    ) {
        if !bytes.translated {
            return self.unit.discard(mem, predictor);
        }
        // The upper half of the virtual addresses is the kernel's. A line stands for its instructions.
        let user = bytes.pc.0 >> 63 == 0;
        self.unit.ran(bytes.asid, u64::from(user));
        self.unit.fetched(bytes.pc, true);
        self.unit.retired(bytes.pc);
        let time = Time::Still(walk);
        let (hart, asid, can_walk) = (self.hart, bytes.asid, true);
        let mut ports = Ports { hart, asid, can_walk, predictor, mem, time };
        self.unit.step_untimed(&mut ports);
    }

    pub(crate) fn next_at(&self, now: Cycle) -> Option<Cycle> {
        self.unit.next_at(now)
    }

    pub(crate) fn arrived(&mut self, arrival: &Arrival) {
        self.unit.arrived(arrival);
    }

    pub(crate) fn forget_under_way(&mut self) {
        self.unit.forget_under_way();
    }

    pub(crate) fn lose(&mut self) {
        self.unit.lose();
    }

    pub(crate) fn stats(&self) -> RestorationStats {
        self.unit.stats()
    }

    pub(crate) fn storage_bits(&self) -> u64 {
        self.unit.storage_bits()
    }
}
