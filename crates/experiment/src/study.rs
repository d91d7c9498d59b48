//! What is asked for and what comes out.

use crate::condition::Condition;
use crate::interleave::{Interleaving, check_until};
use crate::layers::{Ledger, Surveys};
use crate::measure::Onlookers;
use crate::pipeline_log::Draft;
use crate::rig::Mode;
use crate::stages::Stage;
use crate::turn::Turn;
use crate::{PipelineLog, StudyError, cold, measure, prepare, stages};
use report::model::{Catalogue, Run};
use sim::Picos;
use std::path::{Path, PathBuf};
use system::LoadedSystem;

/// One function on one system in one state.
#[derive(Clone, Debug)]
pub struct Study {
    /// The function's name.
    pub function: String,
    /// The compose file it is described in; `None` takes the built-in one.
    pub functions_file: Option<PathBuf>,
    /// The system to measure on.
    pub system: LoadedSystem,
    /// How warm the core is when a measured invocation starts.
    pub condition: Condition,
    /// Virtual time from a measured request to the next; zero sends each as soon as the one before is answered.
    pub inter_arrival: Picos,
    /// Invocations in fast mode that warm the software, before the snapshot *warm*.
    pub warmup: u32,
    /// Invocations in warming mode that warm caches and TLBs, before measuring.
    pub settle: u32,
    /// Measured invocations.
    pub invocations: u32,
    /// The request; nothing chosen means the function's default.
    pub request: guest::functions::Choice,
    /// Seed of all randomness.
    pub seed: u64,
    /// Size of the guest's RAM in MiB.
    pub ram_mib: u64,
    /// The cable between server and client.
    pub link: client::Link,
    /// How long a reply may take in virtual time.
    pub request_timeout: Picos,
    /// Package mirror; `None` takes the host's.
    pub mirror: Option<String>,
    /// The command line, for the manifest.
    pub command: Vec<String>,
    /// The pipeline log that is made on the way.
    pub pipeline_log: Option<PipelineLog>,
    /// Whether what is measured is divided among the layers of the guest's software.
    pub profile: bool,
}

/// Is told what goes on.
pub trait Observer: guest::progress::Progress {
    /// A new phase begins.
    fn phase(&self, name: &str);
    /// The guest printed something.
    fn console(&self, bytes: &[u8]);
    /// Whether to stop.
    fn cancelled(&self) -> bool;
    /// How far the simulation is.
    fn running(&self, phase: &str, virtual_now: Picos, instructions: u64);
    /// Invocation `index` of `of` is about to be measured.
    fn invocation(&self, _index: u32, _of: u32) {}
    /// The observer as receiver of build progress.
    fn as_progress(&self) -> &dyn guest::progress::Progress;
}

/// A finished study.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The results.
    pub run: Run,
    /// What the statistics mean.
    pub catalogue: Catalogue,
    /// Every value of the configuration and where it came from.
    pub effective_toml: String,
    /// What the guest printed.
    pub console: Vec<u8>,
    /// Cycles by stack, in the format of flame graphs, if a profile was made.
    pub stacks: Option<String>,
    /// A request failed or was answered wrongly.
    pub failed: bool,
}

/// Does a study with the state folder `home`.
pub fn run(home: &Path, study: &Study, observer: &dyn Observer) -> Result<Outcome, StudyError> {
    check(study)?;
    let plan = prepare::plan(study)?;
    let log = study.pipeline_log.as_ref().map(|log| Draft::begin(log, study)).transpose()?;
    let turn = Turn::take(home, observer)?;
    let guest = prepare::guest(home, study, observer)?;
    let prepared = prepare::function(home, study, plan, observer)?;
    if let Condition::Cold(sampling) = study.condition {
        let rig = stages::reach(home, study, &guest, None, Stage::Booted, observer)?;
        drop(turn);
        return cold::run(rig, study, sampling, &guest, &prepared);
    }
    let warm = || stages::reach(home, study, &guest, Some(&prepared), Stage::Warm, observer);
    // A machine of its own: what the survey executes is never measured.
    let key = stages::warm_key(study, &guest, &prepared);
    let survey = study.profile.then(|| Surveys::of(home).get(key, warm)).transpose()?;
    let mut rig = warm()?;
    drop(turn);
    let ledger = |survey| Ledger::new(survey, &prepared.images, &mut rig.machine);
    let ledger = survey.map(ledger).transpose()?;
    measure::measure(rig, study, &guest, &prepared, Onlookers { log, ledger })
}

/// The functions that run between the invocations of a study, by name.
///
/// # Errors
/// Functions that there are not, or that cannot be interleaved with.
pub fn co_runners(
    study: &Study,
    catalogue: &guest::functions::Catalogue,
) -> Result<Vec<String>, StudyError> {
    let names = |one: &Interleaving| one.names(&study.function, catalogue);
    study.condition.interleaving().map_or(Ok(Vec::new()), names)
}

/// Whether [`run`] can begin: the function, its requests, and what no run can do. Touches nothing.
///
/// # Errors
/// What is wrong with the input.
pub fn check_input(study: &Study) -> Result<(), StudyError> {
    check(study)?;
    prepare::plan(study).map(|_| ())
}

/// What no run can do.
pub(crate) fn check(study: &Study) -> Result<(), StudyError> {
    if study.invocations == 0 {
        return Err(StudyError::Input(
            "nothing to measure: ask for at least one invocation (--invocations)".to_owned(),
        ));
    }
    study.condition.interleaving().map_or(Ok(()), check_until)
}

/// Boots the guest (or restores it), deploys the function if `deploy` says so, and connects the
/// guest's serial console, with a shell on it, to the user until the guest ends or the observer
/// cancels. `input` gives what was typed since its last call; the guest's output goes to
/// [`Observer::console`]. Here alone host time matters: a guest that is idle waits for the user.
pub fn console(
    home: &Path,
    study: &Study,
    deploy: bool,
    observer: &dyn Observer,
    input: &mut dyn FnMut() -> Vec<u8>,
) -> Result<(), StudyError> {
    let plan = deploy.then(|| prepare::plan(study)).transpose()?;
    let guest = prepare::guest(home, study, observer)?;
    let prepared = plan.map(|plan| prepare::function(home, study, plan, observer)).transpose()?;
    let last = if deploy { Stage::Deployed } else { Stage::Booted };
    let mut rig = stages::reach(home, study, &guest, prepared.as_ref(), last, observer)?;
    rig.enter("serial console");
    let shell = "setsid sh -c 'exec sh -i < /dev/ttyS0 > /dev/ttyS0 2>&1' &";
    rig.command(shell, Picos::from_secs(10))?;
    loop {
        rig.machine.push_console(&input());
        let (before, end) = (rig.machine.retired(), rig.machine.now() + CONSOLE_STRETCH);
        while rig.machine.now() < end {
            rig.advance(&mut Mode::Fast, end)?;
        }
        if rig.machine.retired() - before < IDLE_INSTRUCTIONS {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// Virtual time between two looks at what was typed.
const CONSOLE_STRETCH: Picos = Picos::from_millis(10);
/// Fewer instructions in a stretch mean that the guest only keeps time.
const IDLE_INSTRUCTIONS: u64 = 200_000;
