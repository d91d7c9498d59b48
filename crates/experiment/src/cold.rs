//! A cold start: image pull, container, runtime, first request, from a guest in which only the container engine runs.
//!
//! What comes before the first request takes billions of instructions, nearly all of them the engine's, the kernel's and
//! the runtime's: it is sampled. The first request is measured in full, and so are those after it, which show how
//! the function warms up.
//!
//! The request is sent as soon as the function's port answers. Caches then hold what the last unit of the sample left and
//! what came after it in warming mode; the runtime's start is sampled ten times as densely for that.

use crate::measure::{self, FUNCTION_HART};
use crate::prepare::Prepared;
use crate::rig::{Happening, Rig};
use crate::sampling::{Sampler, Sampling};
use crate::stages;
use crate::{Outcome, Study, StudyError};
use guest::bootable::Guest;
use report::model::Phase;

/// A phase: its name, what the user reads while it lasts, and how to bring it about.
struct Step {
    name: &'static str,
    shown: &'static str,
    how: How,
    /// Units are so many times as dense as in a phase of the container engine alone.
    dense: u64,
}

/// How a phase is brought about.
enum How {
    /// By a command to the engine.
    Command(&'static str),
    /// By waiting for the function's port.
    Connect,
}

/// What the compose file's services need, one after the other, as `docker compose up` does it in one go.
const STEPS: [Step; 4] = [
    Step {
        name: "pull",
        shown: "pulling the images",
        how: How::Command("docker compose -f /run/function.yaml pull --quiet"),
        dense: 1,
    },
    Step {
        name: "create",
        shown: "creating the containers",
        how: How::Command("docker compose -f /run/function.yaml create"),
        dense: 10,
    },
    Step {
        name: "start",
        shown: "starting the containers",
        how: How::Command("docker compose -f /run/function.yaml start"),
        dense: 10,
    },
    Step { name: "ready", shown: "waiting for the function", how: How::Connect, dense: 10 },
];

/// Starts the function in a guest that has booted, and measures its first invocations.
pub(crate) fn run(
    mut rig: Rig<'_>,
    study: &Study,
    sampling: Sampling,
    guest: &Guest,
    prepared: &Prepared,
) -> Result<Outcome, StudyError> {
    stages::bring_images(&mut rig, prepared)?;
    let mut model = system::Timing::new(&study.system.config)?;
    let mut phases = Vec::new();
    for step in &STEPS {
        rig.enter(step.shown);
        let period = (sampling.period / step.dense).max(1);
        let sampler = Sampler::new(&mut model, Sampling { period, ..sampling }, &rig);
        phases.push(phase(&mut rig, step, prepared, sampler)?);
    }
    measure::after_cold_start(rig, study, guest, prepared, &mut model, phases)
}

fn phase(
    rig: &mut Rig<'_>,
    step: &Step,
    prepared: &Prepared,
    mut sampler: Sampler<'_>,
) -> Result<Phase, StudyError> {
    let reading = |rig: &Rig<'_>| {
        let own = rig.machine.hart(FUNCTION_HART as usize).retired;
        (rig.machine.now(), rig.machine.retired(), own)
    };
    let before = reading(rig);
    let mut advance = |rig: &mut Rig<'_>, deadline| -> Result<Vec<Happening>, StudyError> {
        sampler.advance(rig, deadline)
    };
    match step.how {
        How::Command(command) => stages::compose(rig, command, prepared, &mut advance)?,
        How::Connect => stages::connect_by(rig, prepared, &mut advance)?,
    }
    let after = reading(rig);
    let (cpi, instructions) = (sampler.take(), after.1 - before.1);
    Ok(Phase {
        name: step.name.to_owned(),
        duration_ns: after.0.saturating_sub(before.0).as_nanos(),
        instructions,
        function_hart_instructions: after.2 - before.2,
        cpi,
        cycles: cpi.map(|cpi| cpi.mean * instructions as f64),
    })
}
