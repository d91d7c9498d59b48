//! Measured invocations.
//!
//! A window opens when the first segment of a request reaches the server's network card and closes
//! when the last frame needed for the reply has left it. Statistics are read then and there; a
//! window is the difference of two readings.

use crate::prepare::Prepared;
use crate::rig::{Happening, Mode, Rig};
use crate::stages::{connect, request_failed};
use crate::statistics;
use crate::timing::{Detailed, Warming};
use crate::{Outcome, Study, StudyError};
use client::{PeerEvent, Reply, RequestError};
use guest::bootable::Guest;
use machine::Timing;
use report::model::{Catalogue, Host, Invocation, Manifest, Run, SCHEMA};
use sim::Picos;
use std::collections::BTreeMap;
use system::TimingStats;

/// The hart the function is pinned to.
pub(crate) const FUNCTION_HART: u32 = guest::compose::FUNCTION_HART;

/// What came of one request.
struct Answer {
    reply: Result<Reply, RequestError>,
    window: Window,
}

/// Readings at the edges of a window.
struct Window {
    opened_at: Picos,
    closed_at: Picos,
    before: TimingStats,
    after: TimingStats,
}

/// Warms the system up and measures.
pub(crate) fn measure(
    mut rig: Rig<'_>,
    study: &Study,
    guest: &Guest,
    prepared: &Prepared,
) -> Result<Outcome, StudyError> {
    let mut model = system::Timing::new(&study.system.config)?;
    rig.enter("connecting");
    connect(&mut rig, prepared)?;
    rig.enter("warming caches");
    for _ in 0..study.settle {
        let answer = invoke(&mut rig, prepared, &mut Warming::new(&mut model))?;
        if let Err(error) = check(&answer.reply, prepared) {
            return Err(request_failed(&mut rig, error));
        }
    }
    rig.enter("measuring");
    let mut invocations = Vec::new();
    let mut timing = Detailed::new(&mut model, rig.machine.now());
    for index in 0..study.invocations {
        let answer = invoke(&mut rig, prepared, &mut timing)?;
        let failure = check(&answer.reply, prepared).err();
        let gone_wrong = failure.is_some();
        invocations.push(record(u64::from(index), answer, failure));
        if gone_wrong {
            break;
        }
    }
    let catalogue = statistics::catalogue(&timing.model().stats());
    let manifest = manifest(study, guest, prepared);
    Ok(outcome(rig, study, invocations, catalogue, manifest))
}

/// A model whose counters can be read.
trait Counted: Timing {
    fn stats(&self) -> TimingStats;
}

impl Counted for Detailed<'_> {
    fn stats(&self) -> TimingStats {
        self.model().stats()
    }
}

impl Counted for Warming<'_> {
    fn stats(&self) -> TimingStats {
        TimingStats::default()
    }
}

/// Sends one request and waits for what comes of it.
fn invoke(
    rig: &mut Rig<'_>,
    prepared: &Prepared,
    timing: &mut impl Counted,
) -> Result<Answer, StudyError> {
    let sent = rig.peer.submit(prepared.request.clone());
    let mut opened: Option<(Picos, TimingStats)> = None;
    let mut frames: Vec<(Picos, TimingStats)> = Vec::new();
    loop {
        for happening in rig.advance(&mut Mode::Timed(timing), Picos::NEVER)? {
            match happening {
                Happening::Opened(id) if id == sent => {
                    opened = Some((rig.machine.now(), timing.stats()));
                }
                Happening::Sent(at) if opened.is_some() => frames.push((at, timing.stats())),
                Happening::Peer(PeerEvent::Completed { id, reply, last_frame_sent_at, .. })
                    if id == sent =>
                {
                    let last = frames.into_iter().find(|(at, _)| *at == last_frame_sent_at);
                    let window = window(rig, timing, opened, last);
                    return Ok(Answer { reply: Ok(reply), window });
                }
                Happening::Peer(PeerEvent::Failed { id, error, .. }) if id == sent => {
                    let window = window(rig, timing, opened, None);
                    return Ok(Answer { reply: Err(error), window });
                }
                _ => {}
            }
        }
    }
}

/// The window from `opened` to `last`; where one is missing (a failed request) it is now.
fn window(
    rig: &Rig<'_>,
    timing: &impl Counted,
    opened: Option<(Picos, TimingStats)>,
    last: Option<(Picos, TimingStats)>,
) -> Window {
    let now = || (rig.machine.now(), timing.stats());
    let (closed_at, after) = last.unwrap_or_else(now);
    let (opened_at, before) = opened.unwrap_or_else(|| (closed_at, after.clone()));
    Window { opened_at, closed_at, before, after }
}

fn check(reply: &Result<Reply, RequestError>, prepared: &Prepared) -> Result<(), String> {
    let reply = reply.as_ref().map_err(ToString::to_string)?;
    match &prepared.expect {
        Some(expect) => expect.check(reply).map_err(|wrong| wrong.to_string()),
        None => Ok(()),
    }
}

fn record(index: u64, answer: Answer, failure: Option<String>) -> Invocation {
    let Window { opened_at, closed_at, before, after } = answer.window;
    let window = stats::Stats::since(&after, &before);
    let wrong = window.audit();
    assert!(
        wrong.is_empty(),
        "the books of invocation {index} do not balance: {}",
        wrong.join("; ")
    );
    let harts = statistics::harts(&window);
    let shared = statistics::shared(&window, FUNCTION_HART as usize);
    let latency = closed_at.saturating_sub(opened_at).as_nanos();
    let reply = answer.reply.map_or(serde_json::Value::Null, |reply| reply.json);
    let invocation = Invocation::measured(index, latency, reply, FUNCTION_HART, harts, shared)
        .expect("the function's hart is among the measured ones");
    match failure {
        Some(error) => invocation.failed(error),
        None => invocation,
    }
}

fn outcome(
    rig: Rig<'_>,
    study: &Study,
    invocations: Vec<Invocation>,
    catalogue: Catalogue,
    manifest: Manifest,
) -> Outcome {
    let failed = invocations.iter().any(|invocation| !invocation.ok);
    let run = Run {
        schema: SCHEMA,
        function: study.function.clone(),
        system: study.system.name.clone(),
        state: study.state,
        seed: study.seed,
        summary: report::summarize(&invocations),
        invocations,
        manifest,
    };
    Outcome {
        run,
        catalogue,
        effective_toml: study.system.effective_toml(),
        console: rig.console,
        failed,
    }
}

fn manifest(study: &Study, guest: &Guest, prepared: &Prepared) -> Manifest {
    let mut parts = BTreeMap::new();
    parts.insert("guest".to_owned(), guest.hash.clone());
    for image in &prepared.images {
        parts.insert(image.reference.clone(), image.manifest_digest.as_str().to_owned());
    }
    let config = study.system.effective_toml();
    let lock = &guest.lock;
    let packages = lock.packages.iter().chain([&lock.kernel]);
    Manifest {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: None,
        command: study.command.clone(),
        seed: study.seed,
        config_hash: blake3::hash(config.as_bytes()).to_hex().to_string(),
        guest: parts,
        packages: packages.map(|p| (p.name.clone(), p.version.clone())).collect(),
        host: Host::default(),
    }
}
