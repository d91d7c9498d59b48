//! What a core has of restoration: a unit, and when it is told what.

use crate::unit::Unit;
use crate::{Ports, RestorationConfig, RestorationStats, Trigger};
use branch::Predictor;
use mem::{Arrival, Cycle, Hierarchy};
use stream::{HartId, VirtAddr};

/// Units that look at lines are for those of 64 bytes.
const LINE_LOG2: u32 = 6;

/// The restoration unit of a core and its trigger.
#[derive(Clone, Debug)]
pub struct Restoration {
    hart: HartId,
    unit: Unit,
    trigger: Trigger,
    /// It is told of fetches that missed.
    records_fetches: bool,
    /// It is told of branches that were learned.
    records_branches: bool,
    /// It is told of what is fetched and what retires, and acts whatever runs.
    records_retired: bool,
    /// The line that retired last.
    retired: Option<u64>,
}

impl Restoration {
    /// The unit of `hart`, which has recorded nothing. The configuration must have passed its validation.
    #[must_use]
    pub fn new(config: &RestorationConfig, hart: HartId) -> Self {
        Self {
            hart,
            unit: Unit::new(config, hart),
            trigger: Trigger::default(),
            records_fetches: config.records_fetches(),
            records_branches: config.records_branches(),
            records_retired: config.records_retired(),
            retired: None,
        }
    }

    /// A request has reached the machine: from now on the function is awaited.
    pub fn begin_request(&mut self) {
        self.trigger.begin_request();
    }

    /// Its reply has left: what is to be recorded of it is complete.
    pub fn end_request(&mut self) {
        if self.trigger.end_request() {
            self.unit.end();
        }
    }

    /// So much user code ran in the address space `asid`.
    pub fn ran(&mut self, asid: u16, amount: u64) {
        self.trigger.ran(asid, amount);
    }

    /// An instruction is executed in `ports.asid`: the function may have been scheduled with it. Tells the
    /// unit of what has missed, and lets it act. Returns whether there may be more to do in the next cycle.
    pub fn step(&mut self, ports: &mut Ports<'_, '_>, executes: bool) -> bool {
        let asid = ports.asid;
        if executes && self.trigger.schedules(asid) {
            self.unit.begin();
        }
        self.tell_of_misses(ports);
        self.tell_of_branches(ports);
        // The metadata of a function is out of reach while another one is scheduled.
        (self.records_retired || self.trigger.is_function(asid)) && self.unit.step(ports)
    }

    /// The front end asked for the line of an address, whether that `missed` in the first level or not.
    #[inline]
    pub fn fetched(&mut self, va: VirtAddr, missed: bool) {
        if self.records_retired {
            self.unit.fetched(va, missed);
        }
    }

    /// An instruction retires.
    #[inline]
    pub fn retired(&mut self, va: VirtAddr) {
        if self.records_retired
            && self.retired.replace(va.0 >> LINE_LOG2) != Some(va.0 >> LINE_LOG2)
        {
            self.unit.retired(va);
        }
    }

    fn tell_of_misses(&mut self, ports: &mut Ports<'_, '_>) {
        if !self.records_fetches {
            return;
        }
        let serving = self.trigger.is_serving(ports.asid);
        while let Some(va) = ports.mem.next_missed_fetch(self.hart) {
            if serving {
                self.unit.missed(va);
            }
        }
    }

    fn tell_of_branches(&mut self, ports: &mut Ports<'_, '_>) {
        let Some(predictor) = &mut ports.predictor else { return };
        if !self.records_branches {
            return;
        }
        let serving = self.trigger.is_serving(ports.asid);
        while let Some(learned) = predictor.next_learned() {
            if serving {
                self.unit.learned(&learned);
            }
        }
    }

    /// Forgets what has happened: it was nobody's whom the unit knows.
    pub fn discard(&mut self, mem: &mut Hierarchy, predictor: Option<&mut Predictor>) {
        while self.records_fetches && mem.next_missed_fetch(self.hart).is_some() {}
        if let Some(predictor) = predictor {
            while self.records_branches && predictor.next_learned().is_some() {}
        }
    }

    /// Without time: does all that there is to do.
    pub fn step_untimed(&mut self, ports: &mut Ports<'_, '_>) {
        while self.step(ports, true) {}
    }

    /// When something that the unit waits for is known to be there, after `now`.
    #[must_use]
    pub fn next_at(&self, now: Cycle) -> Option<Cycle> {
        self.unit.next_at(now)
    }

    /// Memory answered a request of the unit.
    pub fn arrived(&mut self, arrival: &Arrival) {
        self.unit.arrived(arrival);
    }

    /// The core drops all that is under way in it.
    pub fn forget_under_way(&mut self) {
        self.unit.forget_under_way();
    }

    /// Others had the core.
    pub fn lose(&mut self) {
        self.unit.lose();
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> RestorationStats {
        self.unit.stats()
    }

    /// Bits of storage in the core.
    #[must_use]
    pub fn storage_bits(&self) -> u64 {
        self.unit.storage_bits()
    }
}
