//! How warm the core is when an invocation starts, and what makes it so between two of them.

use crate::rig::{Mode, Rig};
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
}

impl Condition {
    /// The word for it.
    #[must_use]
    pub const fn state(&self) -> State {
        match self {
            Self::Warm => State::Warm,
            Self::Flushed(_) => State::Lukewarm,
        }
    }

    /// How the state was lost, as on the command line.
    pub(crate) fn written(&self) -> Option<String> {
        match self {
            Self::Warm => None,
            Self::Flushed(lost) => Some(lost.written()),
        }
    }
}

/// State is lost at least so long after the last reply: longer than memory takes to answer, and than the kernel
/// needs to let the core go idle.
const SHORTEST_PAUSE: Picos = Picos::from_micros(200);

/// Lets the time until the next request pass, and then lets happen to the core what the study says. The previous
/// request, if there was one, was sent at `sent`.
///
/// Time passes in warming mode: timers, and what else the guest does meanwhile, leave their traces. Without a
/// pause nothing is touched, not even what is under way in the pipeline.
pub(crate) fn pause(
    rig: &mut Rig<'_>,
    study: &Study,
    sent: Option<Picos>,
    timing: &mut Detailed<'_>,
) -> Result<(), StudyError> {
    let now = rig.machine.now();
    let due = sent.map_or(now, |sent| sent + study.inter_arrival).max(now);
    let until = match study.condition {
        Condition::Warm => due,
        Condition::Flushed(_) => due.max(now + SHORTEST_PAUSE),
    };
    if until == now {
        return Ok(());
    }
    let mut warming = Warming::new(timing.model_mut());
    while rig.machine.now() < until {
        rig.advance(&mut Mode::Timed(&mut warming), until)?;
    }
    timing.resume(rig.machine.now());
    if let Condition::Flushed(lost) = &study.condition {
        timing.model_mut().lose(HartId(FUNCTION_HART), lost);
    }
    Ok(())
}
