//! Whether a measured guest computes what the functional engine does.
//!
//! How long instructions take decides when interrupts come, what clocks say, when frames arrive and
//! which hart is first at a lock, so two systems leave different memories, and rightly so. What must
//! not differ is what the guest computes once those are given. The invocations are therefore executed
//! twice from one snapshot. First under the system, as in [`run`](crate::run): every step of the
//! model is noted as the hart, how many instructions it took, and the time after it. Then with no
//! model at all: the block-by-block engine of fast mode executes as many instructions of the same hart
//! and moves the clock to the same time. Everything else (interrupts, devices, frames, the client) is
//! simulated anew. At the end all state that a snapshot holds must be equal: RAM, harts with all CSRs
//! and counters, devices, virtual time; and so must the replies.
//!
//! An out-of-order core that executed something twice, lost it on a squash, let a wrong path or a page
//! walk leave something behind, or asked for instructions past an interrupt fails this.
//!
//! Left out: the content of the disk, and harts that do nothing but fault, of which there are none
//! while Linux runs.

use crate::measure::{Counted, invoke};
use crate::prepare::{self, Prepared};
use crate::requests::{first_measured, first_settling};
use crate::rig::Rig;
use crate::stages::{self, Stage, connect};
use crate::timing::{Detailed, STUCK_STEP, Warming, Watched};
use crate::{Observer, Study, StudyError, study};
use machine::{Machine, Pace, Timing};
use sim::Picos;
use std::path::Path;
use stream::{Fetched, HartId, Instead, Instr, Source, Translate, VirtAddr, Walk};
use system::TimingStats;

/// Invocations that computed the same both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Instructions executed both ways.
    pub instructions: u64,
    /// Steps of the model, a moment each at which time passed.
    pub steps: u64,
    /// Virtual time when the invocations were over.
    pub now: Picos,
    /// The digest of all RAM.
    pub memory: [u8; 32],
    /// The digest of all state.
    pub state: [u8; 32],
}

/// Executes the invocations of a study (those that warm caches in warming mode) on its system and
/// without it, and compares.
///
/// # Errors
/// Those of a study, and [`StudyError::Differs`].
pub fn verify(home: &Path, study: &Study, observer: &dyn Observer) -> Result<Verified, StudyError> {
    study::check(study)?;
    let plan = prepare::plan(study)?;
    let guest = prepare::guest(home, study, observer)?;
    let prepared = prepare::function(home, study, plan, observer)?;
    let reach = || stages::reach(home, study, &guest, Some(&prepared), Stage::Warm, observer);
    let mut pair = Pair { prepared: &prepared, modelled: reach()?, plain: reach()?, steps: 0 };
    pair.connect()?;
    let mut model = system::Timing::new(&study.system.config)?;
    let before = pair.modelled.machine.retired();
    pair.enter("verifying in warming mode");
    for n in first_settling(study)..first_measured(study) {
        pair.invoke(n, Warming::new(&mut model))?;
    }
    pair.enter("verifying in detailed mode");
    for index in 0..study.invocations {
        observer.invocation(index, study.invocations);
        let now = pair.modelled.machine.now();
        let n = first_measured(study) + u64::from(index);
        pair.invoke(n, Detailed::new(&mut model, now))?;
    }
    pair.compare_all(before)
}

/// The same guest twice.
struct Pair<'a> {
    prepared: &'a Prepared,
    modelled: Rig<'a>,
    plain: Rig<'a>,
    steps: u64,
}

impl Pair<'_> {
    fn enter(&mut self, phase: &'static str) {
        self.modelled.enter(phase);
        self.plain.phase = phase;
    }

    fn connect(&mut self) -> Result<(), StudyError> {
        self.enter("connecting");
        connect(&mut self.modelled, self.prepared)?;
        connect(&mut self.plain, self.prepared)
    }

    /// Invocation number `n` under `timing`, then without it.
    fn invoke(&mut self, n: u64, timing: impl Counted) -> Result<(), StudyError> {
        let sendable = self.prepared.requests.nth(n);
        let mut steps = Vec::new();
        let mut noted = Noted { inner: timing, steps: &mut steps };
        let pace = noted.pace();
        let modelled = invoke(&mut self.modelled, sendable, &mut noted)?;
        let reply = modelled.reply;
        sendable
            .check(&reply)
            .map_err(|error| stages::request_failed(&mut self.modelled, error))?;
        self.steps += steps.len() as u64;
        let mut retold = Retold { pace, steps: steps.into_iter(), astray: None };
        let plain = invoke(&mut self.plain, sendable, &mut retold);
        if let Some(astray) = retold.astray {
            return Err(self.differs(&astray));
        }
        let plain = plain?.reply;
        if retold.steps.len() > 0 {
            return Err(self.differs("it is over before all steps are made"));
        }
        if reply.map(|reply| reply.json).ok() != plain.map(|reply| reply.json).ok() {
            return Err(self.differs("the replies differ"));
        }
        self.compare_harts()
    }

    fn differs(&self, what: &str) -> StudyError {
        let during = self.modelled.phase;
        StudyError::Differs { during, at: self.plain.machine.now(), what: what.to_owned() }
    }

    /// What is cheap to compare after each invocation.
    fn compare_harts(&self) -> Result<(), StudyError> {
        let [modelled, plain] = [&self.modelled.machine, &self.plain.machine].map(harts);
        match modelled.iter().zip(&plain).position(|(modelled, plain)| modelled != plain) {
            Some(hart) => Err(self.differs(&format!(
                "hart {hart} has pc {:#x} after {} instructions, and {:#x} after {}; or other \
                 registers",
                modelled[hart].0, modelled[hart].1, plain[hart].0, plain[hart].1
            ))),
            None => Ok(()),
        }
    }

    fn compare_all(mut self, before: u64) -> Result<Verified, StudyError> {
        let [modelled, plain] = [&mut self.modelled.machine, &mut self.plain.machine];
        let memory = plain.memory_digest();
        if modelled.memory_digest() != memory {
            return Err(self.differs("the contents of RAM differ"));
        }
        let state = plain.state_digest();
        if modelled.state_digest() != state {
            return Err(self.differs("CSRs, devices or clocks differ"));
        }
        let instructions = modelled.retired() - before;
        Ok(Verified { instructions, steps: self.steps, now: modelled.now(), memory, state })
    }
}

/// Of each hart the pc, the instructions it retired and its registers.
fn harts(machine: &Machine) -> Vec<(u64, u64, Vec<u64>)> {
    let harts = (0..machine.hart_count()).map(|index| machine.hart(index));
    harts
        .map(|hart| (hart.pc, hart.retired, hart.x[..32].iter().chain(&hart.f).copied().collect()))
        .collect()
}

/// A step of a model.
#[derive(Clone, Copy, Debug)]
struct Step {
    end: Picos,
    hart: u32,
    instructions: u32,
}

/// A model whose steps are noted.
struct Noted<'a, T> {
    inner: T,
    steps: &'a mut Vec<Step>,
}

impl<T: Timing> Timing for Noted<'_, T> {
    /// Harts take turns as exactly as can be, also where the model has [grains](Pace::grain_log2): blocks of fast
    /// execution tell devices the time at which they began, so events come some nanoseconds apart, and
    /// among steps of many instructions that could change whose turn is next.
    fn pace(&self) -> Pace {
        Pace { grain_log2: 0, ..self.inner.pace() }
    }

    fn advance(
        &mut self,
        hart: HartId,
        now: Picos,
        until: Picos,
        source: &mut dyn Source,
    ) -> Picos {
        let mut counting = Counting { source, instructions: 0 };
        let end = self.inner.advance(hart, now, until, &mut counting);
        self.steps.push(Step { end, hart: hart.0, instructions: counting.instructions });
        end
    }

    fn idle(&mut self, hart: HartId, now: Picos) {
        self.inner.idle(hart, now);
    }
}

impl<T: Watched> Watched for Noted<'_, T> {
    fn stuck(&self) -> Option<&str> {
        self.inner.stuck()
    }
}

impl<T: Watched> Counted for Noted<'_, T> {
    fn stats(&self) -> TimingStats {
        TimingStats::default()
    }

    fn open(&mut self) -> TimingStats {
        self.stats()
    }
}

/// Counts the instructions that are handed out.
struct Counting<'a> {
    source: &'a mut dyn Source,
    instructions: u32,
}

impl Source for Counting<'_> {
    fn next(&mut self, hart: HartId) -> Fetched {
        let fetched = self.source.next(hart);
        self.instructions += u32::from(matches!(fetched, Fetched::Instr(_)));
        fetched
    }

    fn next_overlapped(&mut self, hart: HartId, into: &mut Instr) -> Result<(), Instead> {
        let fetched = self.source.next_overlapped(hart, into);
        self.instructions += u32::from(fetched.is_ok());
        fetched
    }

    fn walk(&mut self, hart: HartId, va: VirtAddr, kind: Translate) -> Walk {
        self.source.walk(hart, va, kind)
    }

    fn wrong_path(&mut self, hart: HartId, pc: VirtAddr) {
        self.source.wrong_path(hart, pc);
    }

    fn next_wrong(&mut self, hart: HartId, into: &mut Instr) -> bool {
        self.source.next_wrong(hart, into)
    }

    fn squash(&mut self, hart: HartId) {
        self.source.squash(hart);
    }
}

/// No model: the steps of one are made again.
struct Retold {
    pace: Pace,
    steps: std::vec::IntoIter<Step>,
    /// How the guest came to do something else.
    astray: Option<String>,
}

impl Retold {
    fn step(&mut self, hart: HartId, now: Picos, source: &mut dyn Source) -> Result<Picos, String> {
        let step = self.steps.next().ok_or("it goes on after the last step")?;
        if step.hart != hart.0 || step.end < now {
            let Step { end, hart: other, .. } = step;
            return Err(format!(
                "hart {} executes from {now:?} where hart {other} executed up to {end:?}",
                hart.0
            ));
        }
        let asked = u64::from(step.instructions);
        let executed = source.skip(hart, asked);
        if executed != asked {
            return Err(format!(
                "hart {} executes {executed} of {asked} instructions and then asks for something",
                hart.0
            ));
        }
        Ok(step.end)
    }
}

impl Timing for Retold {
    fn pace(&self) -> Pace {
        self.pace
    }

    fn advance(&mut self, hart: HartId, now: Picos, _: Picos, source: &mut dyn Source) -> Picos {
        if self.astray.is_some() {
            return now + STUCK_STEP;
        }
        self.step(hart, now, source).unwrap_or_else(|astray| {
            self.astray = Some(astray);
            now + STUCK_STEP
        })
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}

impl Watched for Retold {
    fn stuck(&self) -> Option<&str> {
        self.astray.as_deref()
    }
}

impl Counted for Retold {
    fn stats(&self) -> TimingStats {
        TimingStats::default()
    }

    fn open(&mut self) -> TimingStats {
        self.stats()
    }
}
