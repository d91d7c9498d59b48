//! One function called in every way it has: does it start, and does it answer as it should?
//!
//! Everything runs in fast mode: what is counted are instructions of the function's hart, from the submission of a
//! request to its reply, not cycles. The first call of a payload finds the function as it was deployed and as earlier
//! payloads left it; a warm one is the median of the later half. A payload whose call fails is told of with the
//! containers' logs, and does not keep the others from being tried.

use crate::measure::FUNCTION_HART;
use crate::prepare::{self, Named};
use crate::requests::Sendable;
use crate::rig::{Happening, Mode, Rig};
use crate::stages::{self, Stage, connect, logs};
use crate::turn::Turn;
use crate::{Observer, Study, StudyError, study};
use client::PeerEvent;
use sim::Picos;
use std::collections::BTreeMap;
use std::path::Path;

/// What came of a check.
#[derive(Clone, Debug)]
pub struct FunctionCheck {
    /// One for each request, the default first.
    pub requests: Vec<RequestCheck>,
    /// Bytes of the layers of all images it needs, as they lie on disk.
    pub image_bytes: u64,
    /// Virtual time from the booted guest to the function's first open port.
    pub deployment: Picos,
    /// Bytes of the snapshot *deployed*, on top of *booted*.
    pub deployed_bytes: u64,
    /// Bytes of the snapshot *warm*, on top of *deployed*; none if the default request failed.
    pub warm_bytes: Option<u64>,
}

impl FunctionCheck {
    /// Whether all requests were answered as they should be.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.requests.iter().all(|request| request.failure.is_none())
    }
}

/// What came of a request.
#[derive(Clone, Debug)]
pub struct RequestCheck {
    /// Its payload's name.
    pub name: String,
    /// What it calls.
    pub method: String,
    /// Instructions of the first call.
    pub first: Option<u64>,
    /// Instructions of a later call; none if there is just one.
    pub warm: Option<u64>,
    /// Why it failed, with the containers' logs.
    pub failure: Option<String>,
}

/// Deploys the function of `study` and sends every request it has, each `study.warmup` times and once more; of a
/// payload that changes from request to request, each once, up to as many. The
/// snapshots *deployed* and *warm* are kept as a run keeps them, the latter for the request that `study` chooses.
///
/// # Errors
/// A function that cannot be built or does not start; what keeps any run from going on.
pub fn check_function(
    home: &Path,
    study: &Study,
    observer: &dyn Observer,
) -> Result<FunctionCheck, StudyError> {
    study::check(study)?;
    let plan = prepare::plan(study)?;
    let calls = u64::from(study.warmup) + 1;
    let all = plan.payloads(study, calls)?;
    let turn = Turn::take(home, observer)?;
    let guest = prepare::guest(home, study, observer)?;
    let prepared = prepare::function(home, study, plan, observer)?;
    let booted = stages::reach(home, study, &guest, None, Stage::Booted, observer)?;
    let booted = booted.machine.now();
    drop(turn);
    let mut rig = stages::reach(home, study, &guest, Some(&prepared), Stage::Deployed, observer)?;
    let deployment = rig.machine.now().saturating_sub(booted);
    rig.enter("calling the function");
    connect(&mut rig, &prepared)?;
    let mut requests = Vec::new();
    for request in &all {
        requests.push(check_request(&mut rig, calls, request)?);
    }
    drop(rig);
    if requests.first().is_some_and(|default| default.failure.is_none()) {
        stages::reach(home, study, &guest, Some(&prepared), Stage::Warm, observer)?;
    }
    let [_, deployed, warm] = stages::snapshot_sizes(home, study, &guest, &prepared)?;
    // Images share layers.
    let layers = prepared.images.iter().flat_map(|image| &image.layers);
    let layers: BTreeMap<_, _> = layers.map(|layer| (layer.digest.as_str(), layer.size)).collect();
    Ok(FunctionCheck {
        requests,
        image_bytes: layers.values().sum(),
        deployment,
        deployed_bytes: deployed.unwrap_or(0),
        warm_bytes: warm,
    })
}

fn check_request(
    rig: &mut Rig<'_>,
    calls: u64,
    payload: &Named,
) -> Result<RequestCheck, StudyError> {
    let mut checked = RequestCheck {
        name: payload.name.clone(),
        method: payload.method.clone(),
        first: None,
        warm: None,
        failure: None,
    };
    let mut counts = Vec::new();
    let calls = if payload.changes { payload.requests.len() as u64 } else { calls };
    for n in 0..calls {
        let sendable = payload.requests.nth(n);
        match call(rig, sendable)? {
            Ok(instructions) => counts.push(instructions),
            Err(wrong) => {
                let which = if payload.changes {
                    format!("request {n}, {}: ", sendable.payload)
                } else {
                    String::new()
                };
                checked.failure = Some(format!("{which}{wrong}\n{}", logs(rig)));
                break;
            }
        }
    }
    checked.first = counts.first().copied();
    checked.warm = checked.failure.is_none().then(|| warm(&counts)).flatten();
    Ok(checked)
}

/// The median of the later half of the calls: single ones meet a timer interrupt or collect garbage.
fn warm(counts: &[u64]) -> Option<u64> {
    let mut later = counts.get(counts.len().div_ceil(2).max(1)..)?.to_vec();
    later.sort_unstable();
    later.get(later.len() / 2).copied()
}

/// One call: the instructions of the function's hart, or what is wrong with the answer.
fn call(rig: &mut Rig<'_>, sendable: &Sendable) -> Result<Result<u64, String>, StudyError> {
    let retired = |rig: &Rig<'_>| rig.machine.hart(FUNCTION_HART as usize).retired;
    let before = retired(rig);
    let sent = rig.peer.submit(sendable.request.clone());
    loop {
        for happening in rig.advance(&mut Mode::Fast, Picos::NEVER)? {
            match happening {
                Happening::Peer(PeerEvent::Completed { id, reply, .. }) if id == sent => {
                    let instructions = retired(rig) - before;
                    return Ok(sendable.check(&Ok(reply)).map(|()| instructions));
                }
                Happening::Peer(PeerEvent::Failed { id, error, .. }) if id == sent => {
                    return Ok(Err(error.to_string()));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_count_is_the_median_of_the_later_half() {
        assert_eq!(warm(&[900, 800, 400, 1000, 401]), Some(1000));
        assert_eq!(warm(&[900, 800, 400, 1000, 401, 402]), Some(402));
        assert_eq!(warm(&[900, 500]), Some(500));
        assert_eq!(warm(&[900]), None);
        assert_eq!(warm(&[]), None);
    }
}
