//! What all core models have in common.

use crate::{CoreStats, InOrder, OutOfOrder, OutOfOrderConfig, Profile, Viewer};
use mem::{Cycle, Hierarchy, Problems};
use restore::RestorationConfig;
use serde::{Deserialize, Serialize};
use sim::Picos;
use stream::{Followed, HartId, Instr, Source};

/// A timing model of one core that runs one hart.
///
/// Contract: the clock only moves forward. [`Core::step`] advances it by `Progress::cycles`, all of
/// which are accounted for in the statistics; [`Core::warm`] and [`Core::resume_at`] count no
/// cycles and no instructions. The caller steps the harts of a system in the order of their clocks.
pub trait Core {
    /// Advances by the least the model can: an instruction for a core that blocks, a cycle for one
    /// that overlaps, and those after it in which nothing happens. That nothing does is known up to
    /// `until` only, when something outside may act on the core: cycles are passed over up to there.
    /// A core that overlaps goes on with the next cycle while the source lets it ([`Source::passed`]).
    fn step(&mut self, until: Cycle, source: &mut dyn Source, mem: &mut Hierarchy) -> Progress;

    /// Updates caches, TLBs and predictors for an instruction, in no time.
    fn warm(&mut self, instr: &Instr, source: &mut dyn Source, mem: &mut Hierarchy);

    /// Executes up to `most` instructions of `source` and does for each what [`Core::warm`] does, as far
    /// as the source can be followed; see [`Source::follow`].
    fn follow(&mut self, most: u64, source: &mut dyn Source, mem: &mut Hierarchy) -> Followed;

    /// Lets `cycles` cycles pass without an instruction, waiting for an interrupt.
    fn idle(&mut self, cycles: u64);

    /// The clock.
    fn now(&self) -> Cycle;

    /// Sets the clock, not back, after time passed in another mode; counts nothing. Whatever the
    /// core remembers of its instruction stream (the line it fetched last) is forgotten.
    fn resume_at(&mut self, now: Cycle);

    /// Lets predictors lose what they have learned, as others teach them something else while they have the
    /// core. What is under way in the core is dropped, as by [`Core::resume_at`].
    fn lose(&mut self, what: &LostPredictors);

    /// The counters.
    fn stats(&self) -> &CoreStats;

    /// A window begins: what is counted once a window (distinct lines and branches, and what happens at
    /// the first of them) counts anew. Read the counters before.
    fn begin_window(&mut self);

    /// A request reaches the machine: a restoration unit awaits the function that serves it.
    fn begin_request(&mut self) {}

    /// Its reply has left.
    fn end_request(&mut self) {}

    /// Logs the way of the next instructions through the core, or ends that; returns the log until
    /// now.
    ///
    /// # Errors
    /// The core has no pipeline to look at.
    fn view(&mut self, _viewer: Option<Viewer>) -> Result<Option<Viewer>, NoPipeline> {
        Err(NoPipeline)
    }

    /// The profile of what commits, if one is made; put one in to begin.
    fn profile(&mut self) -> &mut Option<Box<Profile>>;

    /// What the core holds and what it waits for, for someone who looks for the cause of
    /// [`State::Stuck`].
    fn diagnosis(&self) -> String;
}

/// Which predictors of a core lose what they have learned; a core without them loses nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostPredictors {
    /// The branch target buffer.
    pub btb: bool,
    /// The predictor of conditional branches. The history stays: it is that of the program, not of a table.
    pub direction: bool,
    /// The predictor of indirect branches.
    pub indirect: bool,
    /// The return stack.
    pub ras: bool,
    /// Which loads wait for which stores.
    pub memory_dependence: bool,
}

/// The core does one instruction at a time: there is no pipeline to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPipeline;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Cycles that passed.
    pub cycles: u64,
    /// Instructions that retired.
    pub instructions: u64,
    /// What the hart does now.
    pub state: State,
}

/// What a hart does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It executes instructions.
    Running,
    /// It waits for an interrupt; no time passed in this step.
    Idle {
        /// When it will wake at the latest by what is known now; `None` if nothing is scheduled.
        until: Option<Picos>,
    },
    /// It is off, or its program ended; no time passed in this step.
    Stopped,
    /// No instruction has left the core for so long that none ever will: a defect of the model, or a
    /// configuration in which everything waits for something else. [`Core::diagnosis`] tells more.
    Stuck,
}

/// The core of a system, by the name of its model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum CoreConfig {
    /// One instruction a cycle plus the time of its memory accesses.
    InOrder {},
    /// Out of order, cycle by cycle.
    OutOfOrder(Box<OutOfOrderConfig>),
}

impl CoreConfig {
    /// Notes what is wrong, with paths below `path`.
    pub fn validate(&self, path: &str, problems: &mut Problems) {
        match self {
            Self::InOrder {} => {}
            Self::OutOfOrder(config) => config.validate(path, problems),
        }
    }

    /// A core of this kind for `hart`, with a restoration unit if one is given. The configurations must
    /// have passed their validation; what of the unit is the memory system's is not done here.
    #[must_use]
    pub fn build(
        &self,
        hart: HartId,
        restoration: Option<&RestorationConfig>,
    ) -> Box<dyn Core + Send> {
        match self {
            // What it can have is in the memory system alone.
            Self::InOrder {} => Box::new(InOrder::new(hart)),
            Self::OutOfOrder(config) => {
                let core = OutOfOrder::new(config, hart);
                match restoration {
                    Some(restoration) => Box::new(core.with_restoration(restoration)),
                    None => Box::new(core),
                }
            }
        }
    }
}
