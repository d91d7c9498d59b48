//! A system run from a trace instead of a guest.
//!
//! Harts take turns by the time of the system that replays, the one furthest behind first, as in the
//! live machine. A wait ends at the time it ended in the recording, or at once if the replaying
//! system is later than that. Replayed on the in-order system it was recorded on, a native trace
//! therefore gives the cycles of the live run.
//!
//! Windows are those the trace marks, seen by the function's hart: hart 1 of several, else hart 0.
//! A hart that comes to a mark waits there for the others before it goes on, which costs it no time: on
//! the system of the recording a window so opens and closes between the same steps as in the live run.
//! It does not wait for harts that are later than itself by more than [`APART`], as they are on another
//! system: what those do is counted to the window that is open on the function's hart. A core that
//! overlaps instructions counts them when they commit; how many are under way at a mark depends on the
//! wrong paths before, which a trace does not hold. A trace without marks is one window. Instructions that the trace marks as warming take no time, and nothing is counted
//! for them but in the counters of caches and TLBs before the first window.

use crate::measure::{FUNCTION_HART, Window, invocation};
use crate::timing::warm;
use crate::{Observer, Outcome, StudyError, statistics};
use pipeline::State as CoreState;
use report::model::{Between, Host, Invocation, Manifest, Run, SCHEMA, State};
use sim::Picos;
use std::fs::File;
use std::path::{Path, PathBuf};
use stream::{Fetched, HartId};
use system::{LoadedSystem, Timing as Model, TimingStats};
use trace::{AnySource, Mark};

/// A trace to run, and how.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The trace.
    pub trace: PathBuf,
    /// The system to run it on.
    pub system: LoadedSystem,
    /// Instructions of the function's hart that warm caches first; `None` does what the trace says.
    pub warmup: Option<u64>,
    /// Timed instructions of the function's hart after which the run ends.
    pub max_instructions: Option<u64>,
    /// The command line, for the manifest.
    pub command: Vec<String>,
}

/// How far a hart at a mark lets the others get ahead: longer than any step of a model takes, shorter
/// than what a measurement sees.
const APART: Picos = Picos::from_micros(1);

/// Steps between two looks at the user's wish to stop.
const STRETCH: u64 = 1 << 16;

/// Runs a trace.
///
/// # Errors
/// A trace that cannot be read or does not fit the system, a system that gets stuck.
pub fn replay(order: &Replay, observer: &dyn Observer) -> Result<Outcome, StudyError> {
    let source = trace::open(&order.trace)?;
    let (harts, cores) = (source.harts(), order.system.config.harts);
    if harts > cores {
        return Err(StudyError::Input(format!(
            "the trace {} has {harts} harts and the system {} only {cores}; give it as many with \
             --set harts={harts}",
            order.trace.display(),
            order.system.name
        )));
    }
    observer.phase("replaying the trace");
    let mut player = Player::new(order, source)?;
    player.play(observer)?;
    player.outcome()
}

/// Where a hart is.
#[derive(Clone, Copy, Debug)]
struct Hart {
    warming: bool,
    /// Its time while it warms caches; after that the model has it.
    clock: Picos,
    /// Instructions it executed in this mode.
    executed: u64,
    /// The mark it has come to.
    mark: Option<Mark>,
    /// Marks it has passed.
    passed: u64,
    ended: bool,
}

/// A window that is open.
#[derive(Debug)]
struct Open {
    index: u64,
    begin: (Picos, TimingStats),
    /// Where it may turn out to have ended.
    ends: Vec<(u64, (Picos, TimingStats))>,
}

struct Player<'a> {
    order: &'a Replay,
    source: AnySource,
    model: Model,
    harts: Vec<Hart>,
    function: HartId,
    /// Where the timed part began on the function's hart.
    start: Option<(Picos, TimingStats)>,
    open: Option<Open>,
    /// The trace has marks of windows.
    marked: bool,
    warmed: bool,
    invocations: Vec<Invocation>,
}

impl<'a> Player<'a> {
    fn new(order: &'a Replay, source: AnySource) -> Result<Self, StudyError> {
        let model = Model::new(&order.system.config)?;
        let warming = order.warmup.is_some_and(|instructions| instructions > 0);
        let hart =
            Hart { warming, clock: Picos::ZERO, executed: 0, mark: None, passed: 0, ended: false };
        let harts = vec![hart; source.harts() as usize];
        let function = HartId(if harts.len() > FUNCTION_HART as usize { FUNCTION_HART } else { 0 });
        // A window without a mark: what it touches is counted from here on as it is, and the first
        // window with one is not compared with it.
        let start = (!warming).then(|| (Picos::ZERO, model.stats()));
        Ok(Self {
            order,
            source,
            model,
            harts,
            function,
            start,
            open: None,
            marked: false,
            warmed: warming,
            invocations: Vec::new(),
        })
    }

    fn play(&mut self, observer: &dyn Observer) -> Result<(), StudyError> {
        let most = self.order.max_instructions.unwrap_or(u64::MAX);
        let mut steps = 0_u64;
        loop {
            if let Some((hart, mark)) = self.pass_a_mark() {
                self.take(hart, mark)?;
                continue;
            }
            let Some(hart) = self.furthest_behind() else { break };
            self.step(hart)?;
            steps += 1;
            if steps.is_multiple_of(STRETCH) {
                if observer.cancelled() {
                    return Err(StudyError::Cancelled);
                }
                let executed = self.harts.iter().map(|hart| hart.executed).sum();
                observer.running("replaying the trace", self.now(self.function), executed);
            }
            let function = &self.harts[self.function.index()];
            if function.ended || (!function.warming && function.executed >= most) {
                break;
            }
        }
        if let Some(error) = self.source.error() {
            return Err(StudyError::Input(error.to_string()));
        }
        self.finish()
    }

    /// The hart with the earliest time among those that have something to do and are at no mark; the
    /// lower number wins a tie.
    fn furthest_behind(&self) -> Option<HartId> {
        let free = |hart: &Hart| !hart.ended && hart.mark.is_none();
        let harts = (0..self.harts.len()).filter(|&hart| free(&self.harts[hart]));
        harts.map(|hart| HartId(hart as u32)).min_by_key(|hart| self.now(*hart))
    }

    /// Lets a hart that need not wait any longer pass its mark.
    fn pass_a_mark(&mut self) -> Option<(HartId, Mark)> {
        // Most of the time there is none.
        if self.harts.iter().all(|hart| hart.mark.is_none()) {
            return None;
        }
        let earliest = self.furthest_behind().map(|hart| self.now(hart));
        let harts = (0..self.harts.len()).map(|hart| HartId(hart as u32));
        let hart = harts.filter(|hart| self.harts[hart.index()].mark.is_some()).find(|hart| {
            let latest = self.now(*hart) + APART;
            earliest.is_none_or(|earliest| earliest > latest) || self.all_came_to_the_mark_of(*hart)
        })?;
        let state = &mut self.harts[hart.index()];
        state.passed += 1;
        state.mark.take().map(|mark| (hart, mark))
    }

    /// Whether no other hart has yet to come to the mark at which `hart` is.
    fn all_came_to_the_mark_of(&self, hart: HartId) -> bool {
        let passed = self.harts[hart.index()].passed;
        self.harts.iter().all(|other| {
            other.ended || other.passed > passed || (other.passed == passed && other.mark.is_some())
        })
    }

    fn now(&self, hart: HartId) -> Picos {
        let state = &self.harts[hart.index()];
        if state.warming { state.clock } else { self.model.now(hart) }
    }

    fn step(&mut self, hart: HartId) -> Result<(), StudyError> {
        if self.harts[hart.index()].warming {
            self.warm(hart);
        } else {
            self.time(hart)?;
        }
        self.harts[hart.index()].mark = self.source.take_mark(hart);
        Ok(())
    }

    /// One instruction in no time.
    fn warm(&mut self, hart: HartId) {
        let fetched = warm(&mut self.model, hart, &mut self.source);
        let period = self.model.clock().period();
        let state = &mut self.harts[hart.index()];
        match fetched {
            Fetched::Instr(_) => {
                state.clock += period;
                state.executed += 1;
            }
            Fetched::Idle { until } => state.clock = state.clock.max(until.unwrap_or(state.clock)),
            Fetched::Stopped => state.ended = true,
            Fetched::Flush(_) | Fetched::Alone | Fetched::Later => {}
        }
        if hart == self.function && self.order.warmup == Some(state.executed) {
            for hart in 0..self.harts.len() {
                self.end_warming(HartId(hart as u32));
            }
        }
    }

    /// The time at which `hart` stops being the one furthest behind.
    fn overtakes(&self, hart: HartId) -> Picos {
        let others = (0..self.harts.len()).filter(|&other| !self.harts[other].ended);
        others
            .map(|other| HartId(other as u32))
            .filter(|other| *other != hart)
            .map(|other| self.now(other).saturating_add(Picos(u64::from(hart < other))))
            .min()
            .unwrap_or(Picos::NEVER)
    }

    /// One step of the model.
    fn time(&mut self, hart: HartId) -> Result<(), StudyError> {
        let progress = self.model.step_until(hart, self.overtakes(hart), &mut self.source);
        let state = &mut self.harts[hart.index()];
        state.executed += progress.instructions;
        match progress.state {
            CoreState::Idle { until: Some(until) } => {
                let behind = until.saturating_sub(self.model.now(hart));
                let cycles = behind.0.div_ceil(self.model.clock().period().0);
                if cycles > 0 {
                    self.model.idle(hart, cycles);
                }
            }
            CoreState::Stopped => state.ended = true,
            CoreState::Stuck => {
                let diagnosis = self.model.diagnosis(hart);
                return Err(StudyError::Stuck { during: "replaying the trace", diagnosis });
            }
            CoreState::Running | CoreState::Idle { until: None } => {}
        }
        Ok(())
    }

    fn take(&mut self, hart: HartId, mark: Mark) -> Result<(), StudyError> {
        let by_user = self.order.warmup.is_some();
        match mark {
            Mark::Warming if !by_user => {
                let now = self.now(hart);
                let state = &mut self.harts[hart.index()];
                (state.warming, state.clock, state.executed) = (true, now, 0);
                self.warmed = true;
                if hart == self.function {
                    self.start = None;
                }
            }
            Mark::Detailed if !by_user => self.end_warming(hart),
            Mark::Warming | Mark::Detailed => {}
            _ if hart == self.function => return self.take_boundary(mark),
            _ => {}
        }
        Ok(())
    }

    fn end_warming(&mut self, hart: HartId) {
        let state = &mut self.harts[hart.index()];
        if !state.warming {
            return;
        }
        (state.warming, state.executed) = (false, 0);
        let clock = state.clock;
        self.model.resume_at(hart, clock);
        if hart == self.function {
            self.start = Some((self.model.now(hart), self.model.stats()));
        }
    }

    /// A boundary of a window on the function's hart. A window that begins while caches are warmed is
    /// not measured.
    fn take_boundary(&mut self, mark: Mark) -> Result<(), StudyError> {
        if self.harts[self.function.index()].warming {
            return Ok(());
        }
        let now = self.model.now(self.function);
        if let Mark::Begin(index) = mark {
            self.marked = true;
            self.model.begin_request(self.function);
            let begin = (now, self.model.begin_window());
            self.open = Some(Open { index, begin, ends: Vec::new() });
            return Ok(());
        }
        if matches!(mark, Mark::EndedAt(_) | Mark::End(_)) {
            self.model.end_request(self.function);
        }
        let here = (now, self.model.stats());
        match (mark, self.open.as_mut()) {
            (Mark::MayEnd(number), Some(open)) => open.ends.push((number, here)),
            (Mark::EndedAt(number), Some(open)) => {
                let end = open.ends.iter().position(|(of, _)| *of == number);
                let Some(end) = end else {
                    return Err(StudyError::Input(format!(
                        "the trace {} says that window {} ended at a place {number} that it does \
                         not have; record it again",
                        self.order.trace.display(),
                        open.index
                    )));
                };
                let (_, end) = open.ends.swap_remove(end);
                self.close(end);
            }
            (Mark::End(_), Some(_)) => self.close(here),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, end: (Picos, TimingStats)) {
        let Some(open) = self.open.take() else { return };
        self.add(open.index, open.begin, end);
    }

    fn add(&mut self, index: u64, begin: (Picos, TimingStats), end: (Picos, TimingStats)) {
        let ((opened_at, before), (closed_at, after)) = (begin, end);
        let window = Window { opened_at, closed_at, before, after };
        self.invocations.push(invocation(index, &window, self.function, serde_json::Value::Null));
    }

    /// What is open at the end closes there; a trace without marks is one window.
    fn finish(&mut self) -> Result<(), StudyError> {
        let here = (self.model.now(self.function), self.model.stats());
        if self.open.is_some() {
            self.close(here);
        } else if !self.marked
            && let Some(start) = self.start.take()
            && self.harts[self.function.index()].executed > 0
        {
            self.add(0, start, here);
        }
        if self.invocations.is_empty() {
            return Err(StudyError::Input(format!(
                "the trace {} has no window after the part that warms caches; give \
                 --warmup-instructions less, or --max-instructions more",
                self.order.trace.display()
            )));
        }
        Ok(())
    }

    fn outcome(self) -> Result<Outcome, StudyError> {
        let metadata = self.source.metadata();
        let stem = self.order.trace.file_name().unwrap_or_default().to_string_lossy();
        let name = metadata.map_or(stem.as_ref(), |metadata| metadata.function.as_str());
        let seed = metadata.map_or(0, |metadata| metadata.seed);
        let state = if self.warmed { State::Warm } else { State::Cold };
        let run = Run {
            schema: SCHEMA,
            function: file_name(name),
            system: self.order.system.name.clone(),
            state,
            between: Between::default(),
            seed,
            summary: report::summarize(&self.invocations),
            manifest: manifest(self.order, seed)?,
            invocations: self.invocations,
        };
        Ok(Outcome {
            run,
            catalogue: statistics::catalogue(&self.model.stats()),
            effective_toml: self.order.system.effective_toml(),
            console: Vec::new(),
            stacks: None,
            failed: false,
        })
    }
}

/// A name that a file says it has, as one that a directory can have.
fn file_name(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = text.chars().map(|c| if plain(c) { c } else { '-' }).take(100).collect();
    if name.is_empty() { "trace".to_owned() } else { name }
}

fn manifest(order: &Replay, seed: u64) -> Result<Manifest, StudyError> {
    let config = order.system.effective_toml();
    let trace = hash(&order.trace)?;
    Ok(Manifest {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: None,
        command: order.command.clone(),
        seed,
        config_hash: blake3::hash(config.as_bytes()).to_hex().to_string(),
        guest: [("trace".to_owned(), trace)].into(),
        packages: std::collections::BTreeMap::new(),
        host: Host::default(),
    })
}

fn hash(path: &Path) -> Result<String, StudyError> {
    let mut hasher = blake3::Hasher::new();
    File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ())).map_err(|source| {
        StudyError::Io { doing: "reading the trace", path: path.to_owned(), source }
    })?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests;
