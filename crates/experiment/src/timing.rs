//! The system under test as the machine's timing model.

use machine::{Pace, Timing};
use pipeline::State;
use sim::Picos;
use stream::{Event, Fetched, HartId, Source};
use system::Timing as Model;

/// A timing model that can tell when it cannot go on.
pub(crate) trait Watched: Timing {
    /// Why no instruction will ever be executed again, if so.
    fn stuck(&self) -> Option<&str>;
}

/// What a model that is stuck lets pass at a time, so that its owner soon looks.
pub(crate) const STUCK_STEP: Picos = Picos::from_millis(1);

/// More instructions in a cycle than any core executes: what is left of a budget is checked in time.
pub(crate) const WIDEST: u64 = 16;

/// Cycle by cycle: the model decides how long everything takes.
#[derive(Debug)]
pub struct Detailed<'a> {
    model: &'a mut Model,
    stuck: Option<String>,
}

impl<'a> Detailed<'a> {
    /// Lets `model` decide from virtual time `now` on.
    #[must_use]
    pub fn new(model: &'a mut Model, now: Picos) -> Self {
        let mut timing = Self { model, stuck: None };
        timing.resume(now);
        timing
    }

    /// Goes on at `now`, after time passed in another mode.
    pub(crate) fn resume(&mut self, now: Picos) {
        for hart in 0..self.model.harts() {
            self.model.resume_at(HartId(hart), now);
        }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        self.model
    }

    /// The model, to look at its pipelines.
    pub(crate) fn model_mut(&mut self) -> &mut Model {
        self.model
    }

    /// Why no instruction will ever be executed again, if so.
    #[must_use]
    pub fn stuck(&self) -> Option<&str> {
        self.stuck.as_deref()
    }

    /// Lets `hart` make a step, which passes over idle cycles up to `until`.
    fn step(&mut self, hart: HartId, until: Picos, source: &mut dyn Source) {
        let state = self.model.step_until(hart, until, source).state;
        if state == State::Stuck {
            self.stuck = Some(self.model.diagnosis(hart));
        }
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
    fn pace(&self) -> Pace {
        Pace::exact(self.model.clock().period())
    }

    fn advance(
        &mut self,
        hart: HartId,
        now: Picos,
        until: Picos,
        source: &mut dyn Source,
    ) -> Picos {
        if self.stuck.is_some() {
            return now + STUCK_STEP;
        }
        self.catch_up(hart, now, true);
        self.step(hart, until, source);
        self.model.now(hart).max(now)
    }

    fn idle(&mut self, hart: HartId, now: Picos) {
        self.catch_up(hart, now, false);
    }
}

impl Watched for Detailed<'_> {
    fn stuck(&self) -> Option<&str> {
        Detailed::stuck(self)
    }
}

/// While harts warm at the same time they see what others do at most 2^17 ps, 0.13 us, late or early: about what
/// an interrupt takes from one to the other. Turns of single instructions take a tenth of warming's time.
const WARMING_GRAIN_LOG2: u32 = 17;

/// Caches and TLBs follow what is executed; an instruction takes a cycle.
#[derive(Debug)]
pub struct Warming<'a> {
    model: &'a mut Model,
    /// Requests that are served meanwhile are somebody else's.
    of_others: bool,
}

impl<'a> Warming<'a> {
    /// Warms `model`.
    #[must_use]
    pub fn new(model: &'a mut Model) -> Self {
        Self { model, of_others: false }
    }

    /// Warms `model` with what others do: a restoration unit takes no request of theirs for the function's.
    pub(crate) fn with_others(model: &'a mut Model) -> Self {
        Self { model, of_others: true }
    }

    /// Whether requests are somebody else's.
    pub(crate) fn is_of_others(&self) -> bool {
        self.of_others
    }

    /// The model.
    pub(crate) fn model_mut(&mut self) -> &mut Model {
        self.model
    }
}

impl Timing for Warming<'_> {
    fn pace(&self) -> Pace {
        let cycle = self.model.clock().period();
        Pace { cycle, instruction: cycle, grain_log2: WARMING_GRAIN_LOG2 }
    }

    fn advance(
        &mut self,
        hart: HartId,
        now: Picos,
        until: Picos,
        source: &mut dyn Source,
    ) -> Picos {
        let period = self.model.clock().period();
        let mut now = now;
        loop {
            let most = until.saturating_sub(now).0.div_ceil(period.0);
            let followed = self.model.follow(hart, most, source);
            now += Picos(period.0 * followed.instructions);
            if now >= until || !followed.goes_on {
                return now;
            }
            let Fetched::Instr(instr) = warm(self.model, hart, source) else { return now };
            now += period;
            // The hart's own clock does not count what did not retire: it must be set before more.
            if now >= until || instr.event == Event::Exception {
                return now;
            }
        }
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}

impl Watched for Warming<'_> {
    fn stuck(&self) -> Option<&str> {
        None
    }
}

/// Warms `model` with the next instruction of `hart` and returns it, or why there is none.
pub(crate) fn warm(model: &mut Model, hart: HartId, source: &mut dyn Source) -> Fetched {
    loop {
        match source.next(hart) {
            Fetched::Instr(instr) => {
                model.warm(hart, &instr, source);
                return Fetched::Instr(instr);
            }
            Fetched::Flush(scope) => model.flush_tlb(hart, scope),
            nothing => return nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::{Translate, VirtAddr, Walk};

    /// A source that never has what it promises.
    struct Broken;

    impl Source for Broken {
        fn next(&mut self, _: HartId) -> Fetched {
            Fetched::Later
        }

        fn walk(&mut self, _: HartId, _: VirtAddr, _: Translate) -> Walk {
            Walk::new()
        }
    }

    #[test]
    fn a_core_that_does_nothing_for_too_long_is_stuck_and_time_goes_on_for_its_owner_to_notice() {
        let system = system::load("skylake", &[]).unwrap();
        let mut model = Model::new(&system.config).unwrap();
        let mut timing = Detailed::new(&mut model, Picos::ZERO);
        let hart = HartId(1);
        let mut now = Picos::ZERO;
        for _ in 0..2_500_000 {
            now = timing.advance(hart, now, Picos::NEVER, &mut Broken);
            if timing.stuck().is_some() {
                break;
            }
        }
        let told = timing.stuck().expect("it noticed");
        assert!(told.contains("hart 1 has committed nothing since cycle 0"), "{told}");
        assert!(told.contains("miss registers: L1I none"), "{told}");
        assert!(timing.advance(hart, now, Picos::NEVER, &mut Broken) > now);
    }
}
