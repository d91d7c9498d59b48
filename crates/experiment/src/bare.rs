//! Bare-metal programs: an ELF from its entry in M-mode to its verdict.
//!
//! The program ends through HTIF's `tohost` (RISC-V test suites), through the test finisher at its
//! own address, or with gem5's `m5_exit` and `m5_fail` markers, whose delay argument is not waited
//! for. Other markers have no effect here. A program that does none of it is ended after a number of
//! instructions, or once all harts wait and nothing will wake them.

use crate::Detailed;
use machine::htif::Verdict;
use machine::loader::Symbols;
use machine::signature::SignatureError;
use machine::{BootError, Event, Machine, MachineConfig, signature};
use ram::Ram;
use sim::Picos;
use system::{ConfigError, LoadedSystem, Timing as Model, TimingStats};
use thiserror::Error;

/// Longest stretch between two looks at the console and at the caller's wish to stop.
const STRETCH: Picos = Picos::from_millis(5);
/// The same with a timing model, which is slower.
const TIMED_STRETCH: Picos = Picos::from_micros(200);
/// A program that executes nothing for this long waits for something that does not come.
const PATIENCE: Picos = Picos::from_secs(100);

/// gem5's `m5_exit`.
const MARKER_EXIT: u8 = 0x21;
/// gem5's `m5_fail`, whose second argument is the code.
const MARKER_FAIL: u8 = 0x22;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Content of the ELF file.
    pub elf: &'a [u8],
    /// Number of harts, all of which start at the entry.
    pub harts: usize,
    /// RAM from 0x80000000 on.
    pub ram_mib: u64,
    /// Seed of everything random the program sees.
    pub seed: u64,
    /// Instructions of all harts after which a program counts as endless.
    pub max_instructions: u64,
    /// The timing model; without it fast mode.
    pub system: Option<&'a LoadedSystem>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It said that it succeeded.
    Pass,
    /// It said that it failed, with this number.
    Fail(u64),
    /// It executed as many instructions as it was allowed to.
    OutOfInstructions,
    /// No hart gets any further: each waits for an interrupt, or does nothing but fault.
    Stuck,
}

/// What one hart did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HartCounts {
    /// Instructions it retired.
    pub instructions: u64,
    /// Cycles it was busy, under a timing model.
    pub cycles: Option<u64>,
    /// Cycles it waited for an interrupt, under a timing model.
    pub idle_cycles: Option<u64>,
    /// Where it is.
    pub pc: u64,
}

/// A finished program.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// The harts, by number.
    pub harts: Vec<HartCounts>,
    /// Virtual time that passed.
    pub time: Picos,
    /// What the timing model counted.
    pub stats: Option<TimingStats>,
    /// The memory between `begin_signature` and `end_signature` as text, or why there is none.
    pub signature: Result<String, SignatureError>,
}

impl Finished {
    /// Instructions of all harts.
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.harts.iter().map(|hart| hart.instructions).sum()
    }
}

/// A program that could not be run.
#[derive(Debug, Error)]
pub enum BareError {
    /// The ELF file is not right.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The timing system is not right.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There are not enough cores.
    #[error(
        "running the program on {harts} harts: the system {system} has {cores} cores; ask for at \
         most as many, or set harts={harts} in the system"
    )]
    TooFewCores {
        /// Harts asked for.
        harts: usize,
        /// The system.
        system: String,
        /// Its cores.
        cores: u32,
    },
    /// The machine cannot go on.
    #[error("running the program: {0}")]
    Machine(String),
    /// A core of the system makes no progress.
    #[error(
        "running the program: the system can execute nothing more: {0}; if the configuration is not \
         to blame (a queue or latency far out of range), this is a defect of the simulator"
    )]
    Stuck(String),
    /// The caller asked to stop.
    #[error("running the program: stopped on request")]
    Cancelled,
}

/// Who watches a program run.
pub trait Watcher {
    /// The program printed something.
    fn console(&mut self, bytes: &[u8]);
    /// Whether the run should stop.
    fn cancelled(&self) -> bool;
}

/// Runs a program to its end.
///
/// # Errors
/// A file that is not a RISC-V executable, a system that cannot be built, a request to stop.
pub fn run(program: &Program<'_>, watcher: &mut dyn Watcher) -> Result<Finished, BareError> {
    let mut model = model(program)?;
    let before = model.as_mut().map(Model::begin_window);
    let config =
        MachineConfig { harts: program.harts, seed: program.seed, ..MachineConfig::default() };
    let mut machine = Machine::new(config, Ram::new(program.ram_mib << 20));
    let symbols = machine.load_elf(program.elf)?;
    let ending = to_the_end(&mut machine, model.as_mut(), program, watcher)?;
    let counted = model.zip(before).map(|(model, before)| model.window(&before));
    Ok(finish(&mut machine, counted, &symbols, ending))
}

fn model(program: &Program<'_>) -> Result<Option<Model>, BareError> {
    let Some(system) = program.system else { return Ok(None) };
    let model = Model::new(&system.config)?;
    if program.harts > model.harts() as usize {
        let (system, cores) = (system.name.clone(), model.harts());
        return Err(BareError::TooFewCores { harts: program.harts, system, cores });
    }
    Ok(Some(model))
}

fn to_the_end(
    machine: &mut Machine,
    model: Option<&mut Model>,
    program: &Program<'_>,
    watcher: &mut dyn Watcher,
) -> Result<Ending, BareError> {
    let mut timing = model.map(|model| Detailed::new(model, machine.now()));
    let mut progress = Progress { retired: 0, at: Picos::ZERO };
    loop {
        let left = program.max_instructions.saturating_sub(machine.retired());
        if left == 0 {
            return Ok(Ending::OutOfInstructions);
        }
        if progress.is_lost(machine) {
            return Ok(Ending::Stuck);
        }
        if watcher.cancelled() {
            return Err(BareError::Cancelled);
        }
        let event = stretch(machine, timing.as_mut(), left);
        if let Some(diagnosis) = timing.as_ref().and_then(|timing| timing.stuck()) {
            return Err(BareError::Stuck(diagnosis.to_owned()));
        }
        watcher.console(&machine.take_console());
        if let Some(ending) = ending(event)? {
            return Ok(ending);
        }
    }
}

/// Runs for a while, and for at most about `left` instructions: a core may execute several a cycle.
fn stretch(machine: &mut Machine, timing: Option<&mut Detailed<'_>>, left: u64) -> Event {
    let share = left.div_ceil(machine.hart_count() as u64);
    let (step, longest) = match &timing {
        None => (machine::NOMINAL_STEP, STRETCH),
        Some(timing) => (timing.model().clock().period(), TIMED_STRETCH),
    };
    let at_once = if timing.is_some() { crate::timing::WIDEST } else { 1 };
    let span = Picos(step.0.saturating_mul(share.div_ceil(at_once))).min(longest);
    let deadline = machine.now() + span;
    match timing {
        None => machine.run_fast(deadline),
        Some(timing) => machine.run_timed(timing, deadline),
    }
}

/// What an event means for the program; `None` if it goes on.
fn ending(event: Event) -> Result<Option<Ending>, BareError> {
    Ok(match event {
        Event::Verdict(Verdict::Pass) | Event::Reset(_) => Some(Ending::Pass),
        Event::Verdict(Verdict::Fail(code)) => Some(Ending::Fail(code)),
        Event::Marker { function: MARKER_EXIT, .. } => Some(Ending::Pass),
        Event::Marker { function: MARKER_FAIL, args, .. } => Some(Ending::Fail(args[1])),
        Event::Stuck => Some(Ending::Stuck),
        Event::Failed(reason) => return Err(BareError::Machine(reason)),
        Event::Deadline | Event::Transmit | Event::Marker { .. } => None,
    })
}

/// When an instruction last retired.
struct Progress {
    retired: u64,
    at: Picos,
}

impl Progress {
    fn is_lost(&mut self, machine: &Machine) -> bool {
        if machine.retired() != self.retired {
            *self = Self { retired: machine.retired(), at: machine.now() };
        }
        machine.now().saturating_sub(self.at) > PATIENCE
    }
}

fn finish(
    machine: &mut Machine,
    stats: Option<TimingStats>,
    symbols: &Symbols,
    ending: Ending,
) -> Finished {
    let harts = (0..machine.hart_count())
        .map(|index| {
            let core = stats.as_ref().map(|stats| &stats.cores[index]);
            HartCounts {
                instructions: machine.hart(index).retired,
                cycles: core.map(|core| core.user.cycles.get() + core.kernel.cycles.get()),
                idle_cycles: core.map(|core| core.idle_cycles.get()),
                pc: machine.hart(index).pc,
            }
        })
        .collect();
    let signature = signature::signature(machine.ram(), symbols);
    Finished { ending, harts, time: machine.now(), stats, signature }
}
