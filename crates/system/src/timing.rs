//! The timing side of a running system: the cores and the memory they share.

use crate::{ConfigError, Lost, SystemConfig};
use mem::{Cycle, Hierarchy, HierarchyStats};
use pipeline::{Core, CoreStats, NoPipeline, Profile, Progress, Viewer};
use restore::RestorationConfig;
use sim::{Clock, Picos};
use stats::{Counter, Stats};
use std::fmt;
use stream::{FlushScope, Followed, HartId, Instr, Source};

/// What one step of a hart did: cycles that passed, instructions that retired, the hart's state.
pub type StepOutcome = Progress;

/// All cores and the memory system of one machine.
///
/// In detailed mode the caller steps, again and again, the hart whose clock is earliest (see
/// [`Timing::earliest`] and [`Timing::step_until`]), lets idle time pass with [`Timing::idle`], and aligns clocks with
/// virtual time by [`Timing::resume_at`] after any other mode. In warming mode it executes
/// instructions itself and shows each to [`Timing::warm`]. Each hart may be in another mode.
pub struct Timing {
    clock: Clock,
    cores: Vec<Box<dyn Core + Send>>,
    mem: Hierarchy,
    /// What each core's clock moved in steps and idle time: the books are checked against it.
    elapsed: Vec<Counter>,
    /// The cores have units that restore what they recorded.
    restores: bool,
}

/// All counters of a system. A clone is a snapshot; a window is the difference of two.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct TimingStats {
    /// The cores, by hart.
    pub cores: Vec<CoreStats>,
    /// What each core's clock moved in detailed mode, by hart.
    #[stat(unit = "cycles")]
    pub elapsed_cycles: Vec<Counter>,
    /// The memory system.
    pub mem: HierarchyStats,
}

impl Timing {
    /// A cold system at time zero.
    ///
    /// # Errors
    /// A configuration that cannot be built, with everything that is wrong with it.
    pub fn new(config: &SystemConfig) -> Result<Self, ConfigError> {
        let problems = config.validate();
        if !problems.0.is_empty() {
            return Err(ConfigError::Invalid { name: config.description.clone(), problems });
        }
        let mut mem = Hierarchy::new(&config.hierarchy());
        let restoration = config.restoration.as_ref();
        let mut core = |hart| {
            if let Some(restoration) = restoration {
                restoration.prepare(hart, &mut mem);
            }
            config.core.build(hart, restoration)
        };
        Ok(Self {
            clock: config.clock(),
            cores: (0..config.harts).map(|hart| core(HartId(hart))).collect(),
            mem,
            elapsed: vec![Counter::default(); config.harts as usize],
            restores: restoration.is_some_and(RestorationConfig::records),
        })
    }

    /// The clock of all cores.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The number of harts.
    #[must_use]
    pub fn harts(&self) -> u32 {
        self.cores.len() as u32
    }

    /// The time a hart has reached.
    #[must_use]
    pub fn now(&self, hart: HartId) -> Picos {
        self.clock.span(self.cores[hart.index()].now().0)
    }

    /// The one of `harts` whose clock is earliest; the first of them if several are.
    pub fn earliest(&self, harts: impl IntoIterator<Item = HartId>) -> Option<HartId> {
        harts.into_iter().min_by_key(|hart| self.cores[hart.index()].now())
    }

    /// Detailed mode: pulls what `hart` does next from `source` and gives it its time. For one hart
    /// on which nothing acts from outside; see [`Timing::step_until`].
    pub fn step(&mut self, hart: HartId, source: &mut dyn Source) -> StepOutcome {
        self.step_until(hart, Picos::NEVER, source)
    }

    /// The same where an interrupt may come or another hart has its turn at `until`: what is passed
    /// over because nothing happens ends with the first cycle at or after it. The result does not
    /// depend on how often such a stretch is interrupted.
    pub fn step_until(
        &mut self,
        hart: HartId,
        until: Picos,
        source: &mut dyn Source,
    ) -> StepOutcome {
        let until = Cycle(until.0.div_ceil(self.clock.period().0));
        let core = &mut self.cores[hart.index()];
        let before = core.now();
        let progress = core.step(until, source, &mut self.mem);
        self.elapsed[hart.index()].add(core.now() - before);
        progress
    }

    /// Detailed mode: `hart` waits for an interrupt for `cycles` cycles.
    pub fn idle(&mut self, hart: HartId, cycles: u64) {
        self.cores[hart.index()].idle(cycles);
        self.elapsed[hart.index()].add(cycles);
    }

    /// Warming mode: `instr` was executed by `hart`. Walks come from `source`.
    #[inline]
    pub fn warm(&mut self, hart: HartId, instr: &Instr, source: &mut dyn Source) {
        self.cores[hart.index()].warm(instr, source, &mut self.mem);
    }

    /// Warming mode: lets `hart` execute up to `most` instructions of `source` and follows them; see
    /// [`Source::follow`].
    #[inline]
    pub fn follow(&mut self, hart: HartId, most: u64, source: &mut dyn Source) -> Followed {
        self.cores[hart.index()].follow(most, source, &mut self.mem)
    }

    /// Warming mode: cached translations of `hart` became invalid. (In detailed mode the source says
    /// so and [`Timing::step`] applies it.)
    pub fn flush_tlb(&mut self, hart: HartId, scope: FlushScope) {
        self.mem.flush_tlb(hart, scope);
    }

    /// Sets the clock of `hart` to the first cycle at or after `time` unless it is there already;
    /// counts nothing. Call it for each hart when virtual time passed in another mode.
    pub fn resume_at(&mut self, hart: HartId, time: Picos) {
        let core = &mut self.cores[hart.index()];
        let cycle = Cycle(time.0.div_ceil(self.clock.period().0));
        core.resume_at(cycle.max(core.now()));
    }

    /// Lets structures of `hart` lose what they hold. What is under way in its core is dropped; the caller has
    /// let enough time pass since it was timed for memory to have answered.
    pub fn lose(&mut self, hart: HartId, what: &Lost) {
        self.cores[hart.index()].lose(&what.predictors);
        self.mem.lose(hart, &what.memory);
    }

    /// Logs the way of the next instructions of `hart` through its core, or ends that; returns the log
    /// until now.
    ///
    /// # Errors
    /// The core has no pipeline to look at.
    pub fn view(
        &mut self,
        hart: HartId,
        viewer: Option<Viewer>,
    ) -> Result<Option<Viewer>, NoPipeline> {
        self.cores[hart.index()].view(viewer)
    }

    /// The profile of what `hart` commits in detailed mode, if one is made; put one in to begin.
    pub fn profile(&mut self, hart: HartId) -> &mut Option<Box<Profile>> {
        self.cores[hart.index()].profile()
    }

    /// What `hart` holds and waits for, for someone who looks for the cause of `State::Stuck`.
    #[must_use]
    pub fn diagnosis(&self, hart: HartId) -> String {
        let core = &self.cores[hart.index()];
        format!("{}; {}", core.diagnosis(), self.mem.diagnosis(core.now(), hart))
    }

    /// A snapshot of all counters.
    #[must_use]
    pub fn stats(&self) -> TimingStats {
        TimingStats {
            cores: self.cores.iter().map(|core| core.stats().clone()).collect(),
            elapsed_cycles: self.elapsed.clone(),
            mem: self.mem.stats(),
        }
    }

    /// A snapshot of all counters from which a window begins: what is counted once a window (distinct
    /// lines and branches, and what happens at the first of them) counts anew from here on.
    pub fn begin_window(&mut self) -> TimingStats {
        let before = self.stats();
        self.cores.iter_mut().for_each(|core| core.begin_window());
        before
    }

    /// Whether the cores have units that restore what they recorded.
    #[must_use]
    pub fn restores(&self) -> bool {
        self.restores
    }

    /// A request for the function on `hart` has reached the machine: a restoration unit there awaits the
    /// function. In detailed mode and in warming.
    pub fn begin_request(&mut self, hart: HartId) {
        self.cores[hart.index()].begin_request();
    }

    /// Its reply has left.
    pub fn end_request(&mut self, hart: HartId) {
        self.cores[hart.index()].end_request();
    }

    /// What was counted since the snapshot `before`, after checking that the books balance: every
    /// cycle has one cause, every line asked for was asked of someone. Panics if they do not, since
    /// a result would then be wrong.
    #[must_use]
    pub fn window(&self, before: &TimingStats) -> TimingStats {
        let window = self.stats().since(before);
        let wrong = window.audit();
        assert!(wrong.is_empty(), "the books of a window do not balance: {}", wrong.join("; "));
        window
    }
}

impl TimingStats {
    /// What does not add up, in words; empty when the books balance.
    #[must_use]
    pub fn audit(&self) -> Vec<String> {
        let mut wrong = self.mem.audit();
        for (hart, (core, elapsed)) in self.cores.iter().zip(&self.elapsed_cycles).enumerate() {
            let of_core = core.audit(Some(elapsed.get()));
            wrong.extend(of_core.into_iter().map(|what| format!("hart {hart}, {what}")));
        }
        wrong
    }
}

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timing").field("clock", &self.clock).finish_non_exhaustive()
    }
}
