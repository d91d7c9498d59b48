//! How warm the core is when an invocation starts, and what makes it so between two of them.

use crate::interleave::{Interleaving, Turns};
use crate::rig::{Mode, Rig};
use crate::sampling::Sampling;
use crate::timing::{Detailed, Warming};
use crate::{Study, StudyError, measure::FUNCTION_HART};
use report::model::State;
use sim::Picos;
use stream::HartId;
use system::Lost;

/// How warm the core is when an invocation starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Invocations follow each other, everything is in place.
    Warm,
    /// The software is warm, but structures of the function's core have lost what they held.
    Flushed(Lost),
    /// Other functions have had the core.
    Interleaved(Interleaving),
    /// There was no container: the first invocation is that of a new one.
    Cold(Sampling),
}

impl Condition {
    /// The word for it.
    #[must_use]
    pub const fn state(&self) -> State {
        match self {
            Self::Warm => State::Warm,
            Self::Flushed(_) | Self::Interleaved(_) => State::Lukewarm,
            Self::Cold(_) => State::Cold,
        }
    }

    /// How the state was lost, as on the command line.
    pub(crate) fn written(&self) -> Option<String> {
        match self {
            Self::Warm | Self::Cold(_) => None,
            Self::Flushed(lost) => Some(lost.written()),
            Self::Interleaved(interleaving) => Some(interleaving.written()),
        }
    }

    /// Who is called between two invocations, if somebody is.
    pub(crate) fn interleaving(&self) -> Option<&Interleaving> {
        match self {
            Self::Interleaved(interleaving) => Some(interleaving),
            Self::Warm | Self::Flushed(_) | Self::Cold(_) => None,
        }
    }
}

/// State is lost, and others get the core, at least so long after the last reply: longer than memory takes to
/// answer, and than the kernel needs to let the core go idle.
const SHORTEST_PAUSE: Picos = Picos::from_micros(200);

/// Lets the time until the next request pass, and lets happen to the core what the study says. The previous
/// request, if there was one, was sent at `sent`.
///
/// Time passes in warming mode: timers, co-runners, and what else the guest does meanwhile, leave their traces.
/// Without a pause nothing is touched, not even what is under way in the pipeline.
pub(crate) fn pause(
    rig: &mut Rig<'_>,
    study: &Study,
    turns: &mut Turns<'_>,
    sent: Option<Picos>,
    timing: &mut Detailed<'_>,
) -> Result<(), StudyError> {
    let now = rig.machine.now();
    let due = sent.map_or(now, |sent| sent + study.inter_arrival).max(now);
    let earliest = match study.condition {
        Condition::Warm | Condition::Cold(_) => now,
        Condition::Flushed(_) | Condition::Interleaved(_) => now + SHORTEST_PAUSE,
    };
    if due.max(earliest) == now {
        return Ok(());
    }
    let mut warming = Warming::with_others(timing.model_mut());
    if let Condition::Interleaved(interleaving) = &study.condition {
        pass(rig, earliest, &mut warming)?;
        turns.run(interleaving.until, rig, &mut warming)?;
        let settled = rig.machine.now() + SHORTEST_PAUSE;
        pass(rig, due.max(settled), &mut warming)?;
    } else {
        pass(rig, due.max(earliest), &mut warming)?;
    }
    timing.resume(rig.machine.now());
    if let Condition::Flushed(lost) = &study.condition {
        timing.model_mut().lose(HartId(FUNCTION_HART), lost);
    }
    Ok(())
}

/// Lets time pass in warming mode.
fn pass(rig: &mut Rig<'_>, until: Picos, warming: &mut Warming<'_>) -> Result<(), StudyError> {
    while rig.machine.now() < until {
        rig.advance(&mut Mode::Timed(warming), until)?;
    }
    Ok(())
}
