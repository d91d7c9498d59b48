//! The system under test as the machine's timing model.

use machine::Timing;
use sim::Picos;
use stream::{Fetched, HartId, Source};
use system::Timing as Model;

/// Cycle by cycle: the model decides how long everything takes.
#[derive(Debug)]
pub struct Detailed<'a> {
    model: &'a mut Model,
}

impl<'a> Detailed<'a> {
    /// Lets `model` decide from virtual time `now` on.
    #[must_use]
    pub fn new(model: &'a mut Model, now: Picos) -> Self {
        for hart in 0..model.harts() {
            model.resume_at(HartId(hart), now);
        }
        Self { model }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        self.model
    }

    /// A core's clock moves in steps only: what it is behind `now` is time spent waiting.
    fn catch_up(&mut self, hart: HartId, now: Picos, round_up: bool) {
        let behind = now.saturating_sub(self.model.now(hart));
        let period = self.model.clock().period();
        let cycles = if round_up { behind.0.div_ceil(period.0) } else { behind.0 / period.0 };
        if cycles > 0 {
            self.model.idle(hart, cycles);
        }
    }
}

impl Timing for Detailed<'_> {
    fn cycle(&self) -> Picos {
        self.model.clock().period()
    }

    fn advance(&mut self, hart: HartId, now: Picos, source: &mut dyn Source) -> Picos {
        self.catch_up(hart, now, true);
        self.model.step(hart, source);
        self.model.now(hart).max(now)
    }

    fn idle(&mut self, hart: HartId, now: Picos) {
        self.catch_up(hart, now, false);
    }
}

/// Caches and TLBs follow what is executed; an instruction takes a cycle.
#[derive(Debug)]
pub struct Warming<'a> {
    model: &'a mut Model,
}

impl<'a> Warming<'a> {
    /// Warms `model`.
    #[must_use]
    pub fn new(model: &'a mut Model) -> Self {
        Self { model }
    }
}

impl Timing for Warming<'_> {
    fn cycle(&self) -> Picos {
        self.model.clock().period()
    }

    fn advance(&mut self, hart: HartId, now: Picos, source: &mut dyn Source) -> Picos {
        loop {
            match source.next(hart) {
                Fetched::Instr(instr) => {
                    self.model.warm(hart, &instr, source);
                    return now + self.model.clock().period();
                }
                Fetched::Flush(scope) => self.model.flush_tlb(hart, scope),
                Fetched::Alone | Fetched::Later | Fetched::Idle { .. } | Fetched::Stopped => {
                    return now;
                }
            }
        }
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}
