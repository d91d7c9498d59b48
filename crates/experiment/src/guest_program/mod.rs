//! A Linux program of the user's in the booted guest, measured.
//!
//! From the snapshot *booted* the program is sent into the guest and started there in fast mode,
//! alone on hart 1, by a launcher that marks where it begins and ends. From the first of these
//! marks on the model decides how long things take, after a warm-up if one is asked for. Measured is
//! what lies between the program's own `work_begin` and `work_end` markers, or all of it. Its output
//! goes to files in the guest's memory and is fetched when it has ended; its input is empty.
//!
//! Left out: input from the host, other m5 operations (they have no effect), programs that leave
//! children behind (they are not waited for).

mod elf;
mod ending;
mod launcher;
mod output;
mod parcel;
mod windows;

pub use ending::Ending;
pub use output::Output;
pub use windows::{Window, WorkId};

use crate::measure::FUNCTION_HART;
use crate::rig::{Mode, Rig};
use crate::stages::Stage;
use crate::{Detailed, Observer, Study, StudyError, Warming, prepare, stages};
use ending::{Mark, MarkerUse, Patience};
use parcel::Parcel;
use sim::Picos;
use std::path::{Path, PathBuf};
use system::Timing as Model;
use windows::{Reading, Windows};

/// Virtual time that copying may take.
const COPY_LIMIT: Picos = Picos::from_secs(120);
/// Virtual time until the launcher must have begun.
const START_LIMIT: Picos = Picos::from_secs(10);
/// Cycles between two looks at the budget at the least.
const SHORTEST_LOOK: u64 = 500;

/// What to run.
#[derive(Clone, Debug)]
pub struct GuestProgram {
    /// The executable, a file of the host.
    pub elf: PathBuf,
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Files that it needs.
    pub files: Vec<SentFile>,
    /// Instructions of its hart, from its start on, after which it counts as endless.
    pub max_instructions: u64,
    /// First instructions that only warm caches and predictors, unless a window begins earlier.
    pub warmup_instructions: u64,
}

/// A file that is copied into the guest.
#[derive(Clone, Debug)]
pub struct SentFile {
    /// The file on the host.
    pub host: PathBuf,
    /// Where it goes; relative to the program's working folder, where it goes without this, too.
    pub guest: Option<String>,
}

/// A finished program.
#[derive(Clone, Debug)]
pub struct ProgramOutcome {
    /// How it ended.
    pub ending: Ending,
    /// What it wrote to standard output.
    pub stdout: Output,
    /// What it wrote to standard error.
    pub stderr: Output,
    /// Instructions of its hart from its start to its end, the kernel's included.
    pub instructions: u64,
    /// What was measured.
    pub windows: Vec<Window>,
    /// What the user should know about the windows.
    pub notes: Vec<String>,
    /// The hash of the guest.
    pub guest: String,
}

/// Runs `program` on the system of `study`, of which seed, RAM, link and mirror count as well.
///
/// # Errors
/// Input that is wrong, a guest that cannot be built or dies, a request to stop.
pub fn run_program(
    home: &Path,
    study: &Study,
    program: &GuestProgram,
    observer: &dyn Observer,
) -> Result<ProgramOutcome, StudyError> {
    let mut model = model(study)?;
    let parcel = Parcel::pack(program)?;
    check_size(&parcel, study)?;
    let guest = prepare::guest(home, study, observer)?;
    let mut rig = stages::reach(home, study, &guest, None, Stage::Booted, observer)?;
    let interpreter = parcel.interpreter.clone();
    start(&mut rig, parcel)?;
    let measured = measure(&mut rig, &mut model, program)?;
    let outputs = output::fetch(&mut rig)?;
    if let Ending::NotStarted(error) = measured.ending {
        return Err(ending::not_started(error, &program.elf, interpreter.as_deref()));
    }
    let [stdout, stderr] = outputs;
    let Measured { ending, instructions, windows, notes } = measured;
    Ok(ProgramOutcome { ending, stdout, stderr, instructions, windows, notes, guest: guest.hash })
}

fn model(study: &Study) -> Result<Model, StudyError> {
    let model = Model::new(&study.system.config)?;
    if model.harts() <= FUNCTION_HART {
        return Err(StudyError::Input(format!(
            "running a program on {}: it runs on hart {FUNCTION_HART} and the system has {} hart; \
             set harts=2 in the system",
            study.system.name,
            model.harts()
        )));
    }
    Ok(model)
}

/// The files live in the guest's memory, twice while a program is loaded from them.
fn check_size(parcel: &Parcel, study: &Study) -> Result<(), StudyError> {
    let most = (study.ram_mib << 20) / 4;
    if parcel.len() <= most {
        return Ok(());
    }
    Err(StudyError::Input(format!(
        "running a program: program and files have {} MiB, and the guest has room for {} MiB; give \
         it more memory with --ram",
        parcel.len() >> 20,
        most >> 20
    )))
}

/// Sends the parcel and runs up to the launcher's first mark.
fn start(rig: &mut Rig<'_>, parcel: Parcel) -> Result<(), StudyError> {
    rig.enter("copying the program");
    let (registry, fetch) = parcel.serve()?;
    rig.peer.serve_registry(registry);
    rig.command(&fetch, COPY_LIMIT)?;
    rig.enter("starting the program");
    rig.command(&parcel::start_command(), START_LIMIT)?;
    let deadline = rig.machine.now() + START_LIMIT;
    while rig.machine.now() < deadline {
        for happening in rig.advance(&mut Mode::Fast, deadline)? {
            if let MarkerUse::Launcher(Mark::Started) = MarkerUse::of(&happening) {
                return Ok(());
            }
        }
    }
    let [_, stderr] = output::fetch(rig)?;
    // The shell had nothing to complain of: the guest is at fault, not the arguments.
    if stderr.bytes.is_empty() {
        return Err(rig.timed_out(START_LIMIT));
    }
    let reason = String::from_utf8_lossy(&stderr.bytes).into_owned();
    Err(StudyError::Input(format!("starting the program in the guest: {}", reason.trim_end())))
}

/// What is known of a program before its output is fetched.
struct Measured {
    ending: Ending,
    instructions: u64,
    windows: Vec<Window>,
    notes: Vec<String>,
}

/// From the first mark to the last.
fn measure(
    rig: &mut Rig<'_>,
    model: &mut Model,
    program: &GuestProgram,
) -> Result<Measured, StudyError> {
    let first = retired(rig);
    let mut windows = Windows::default();
    let mut ending = None;
    let mut begun = None;
    if program.warmup_instructions > 0 {
        rig.enter("warming up");
        match warm_up(rig, model, program, first)? {
            Warmed::Enough => {}
            Warmed::Begun(work) => begun = Some(work),
            Warmed::Ended(how) => ending = Some(how),
        }
    }
    let mut timing = Detailed::new(model, rig.machine.now());
    let mut whole = None;
    if ending.is_none() {
        let start = beginning(rig, &mut timing);
        if let Some(work) = begun {
            windows.begin(work, start.clone());
        }
        whole = Some(start);
        rig.enter("measuring");
        ending = Some(to_the_end(rig, &mut timing, program, first, &mut windows)?);
    }
    let ending = ending.expect("it has been run to its end");
    let warmed_away = whole.is_none();
    let (windows, mut notes) = windows.finish(whole, &reading(rig, &timing));
    if warmed_away {
        notes.push(format!(
            "the program ended within its first {} instructions, which only warm up; give \
             --warmup-instructions less",
            program.warmup_instructions
        ));
    }
    Ok(Measured { ending, instructions: retired(rig) - first, windows, notes })
}

/// How warming up came to its end.
enum Warmed {
    Enough,
    Begun(WorkId),
    Ended(Ending),
}

fn warm_up(
    rig: &mut Rig<'_>,
    model: &mut Model,
    program: &GuestProgram,
    first: u64,
) -> Result<Warmed, StudyError> {
    let period = model.clock().period();
    let mut timing = Warming::new(model);
    let mut patience = Patience::new(rig);
    loop {
        let done = retired(rig) - first;
        if done >= program.warmup_instructions {
            return Ok(Warmed::Enough);
        }
        if let Some(ending) = patience.lost(rig, done, program.max_instructions) {
            return Ok(Warmed::Ended(ending));
        }
        // An instruction takes a cycle in this mode.
        let left = (program.warmup_instructions - done).min(program.max_instructions - done);
        let deadline = rig.machine.now() + Picos(period.0.saturating_mul(left));
        for happening in rig.advance(&mut Mode::Timed(&mut timing), deadline)? {
            match MarkerUse::of(&happening) {
                MarkerUse::Begin(work) => return Ok(Warmed::Begun(work)),
                MarkerUse::Launcher(Mark::Ended(ending)) => return Ok(Warmed::Ended(ending)),
                _ => {}
            }
        }
    }
}

fn to_the_end(
    rig: &mut Rig<'_>,
    timing: &mut Detailed<'_>,
    program: &GuestProgram,
    first: u64,
    windows: &mut Windows,
) -> Result<Ending, StudyError> {
    let period = timing.model().clock().period();
    let mut patience = Patience::new(rig);
    loop {
        let done = retired(rig) - first;
        if let Some(ending) = patience.lost(rig, done, program.max_instructions) {
            return Ok(ending);
        }
        let cycles = ((program.max_instructions - done) / crate::timing::WIDEST).max(SHORTEST_LOOK);
        let deadline = rig.machine.now() + Picos(period.0.saturating_mul(cycles));
        for happening in rig.advance(&mut Mode::Timed(timing), deadline)? {
            match MarkerUse::of(&happening) {
                MarkerUse::Begin(work) => windows.begin(work, beginning(rig, timing)),
                MarkerUse::End(work) => windows.end(work, &reading(rig, timing)),
                MarkerUse::Launcher(Mark::Ended(ending)) => return Ok(ending),
                MarkerUse::Launcher(Mark::Started) | MarkerUse::None => {}
            }
        }
    }
}

fn retired(rig: &Rig<'_>) -> u64 {
    rig.machine.hart(FUNCTION_HART as usize).retired
}

fn reading(rig: &Rig<'_>, timing: &Detailed<'_>) -> Reading {
    Reading { at: rig.machine.now(), stats: timing.model().stats() }
}

/// The same where a window begins.
fn beginning(rig: &Rig<'_>, timing: &mut Detailed<'_>) -> Reading {
    Reading { at: rig.machine.now(), stats: timing.model_mut().begin_window() }
}
