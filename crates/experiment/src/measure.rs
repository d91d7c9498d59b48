//! Measured invocations.
//!
//! A window opens when the first segment of a request reaches the server's network card and closes
//! when the last frame needed for the reply has left it. Statistics are read then and there; a
//! window is the difference of two readings.

use crate::condition::{Condition, pause};
use crate::interleave::{Turns, Until};
use crate::layers::{self, Ledger, Profiler};
use crate::pipeline_log::Draft;
use crate::prepare::Prepared;
use crate::requests::{Sendable, first_measured, first_settling};
use crate::rig::{Happening, Mode, Rig};
use crate::stages::{connect, request_failed};
use crate::statistics;
use crate::tape::{Tape, Taped};
use crate::timing::{Detailed, Warming, Watched};
use crate::{Outcome, Study, StudyError};
use client::{PeerEvent, Reply, RequestError};
use guest::bootable::Guest;
use machine::{Pace, Timing};
use pipeline::Viewer;
use report::model::{Between, Catalogue, Host, Invocation, Manifest, Phase, Run, SCHEMA};
use sim::Picos;
use std::collections::BTreeMap;
use stream::{HartId, Source};
use system::{Lost, TimingStats};

/// The hart the function is pinned to.
pub(crate) const FUNCTION_HART: u32 = guest::compose::FUNCTION_HART;

/// What came of one request.
pub(crate) struct Answer {
    pub(crate) reply: Result<Reply, RequestError>,
    pub(crate) window: Window,
}

/// Readings at the edges of a window.
pub(crate) struct Window {
    pub(crate) opened_at: Picos,
    pub(crate) closed_at: Picos,
    pub(crate) before: TimingStats,
    pub(crate) after: TimingStats,
}

/// What looks on while invocations are measured, and changes nothing.
#[derive(Default)]
pub(crate) struct Onlookers<'a> {
    /// The pipeline log to make.
    pub(crate) log: Option<Draft<'a>>,
    /// Who gives names to what is profiled.
    pub(crate) ledger: Option<Ledger>,
}

/// Warms the system up and measures.
pub(crate) fn measure(
    mut rig: Rig<'_>,
    study: &Study,
    guest: &Guest,
    prepared: &Prepared,
    onlookers: Onlookers<'_>,
) -> Result<Outcome, StudyError> {
    let mut model = system::Timing::new(&study.system.config)?;
    rig.enter("connecting");
    connect(&mut rig, prepared)?;
    settle(&mut rig, study, prepared, &mut Warming::new(&mut model))?;
    let measured = invocations(&mut rig, study, prepared, &mut model, onlookers)?;
    Ok(outcome(rig, study, guest, prepared, measured, Vec::new()))
}

/// Measures the first invocations of a function that has just started: `model` saw it do so, in `phases`.
pub(crate) fn after_cold_start(
    mut rig: Rig<'_>,
    study: &Study,
    guest: &Guest,
    prepared: &Prepared,
    model: &mut system::Timing,
    phases: Vec<Phase>,
) -> Result<Outcome, StudyError> {
    let measured = invocations(&mut rig, study, prepared, model, Onlookers::default())?;
    Ok(outcome(rig, study, guest, prepared, measured, phases))
}

/// Measured invocations.
struct Measured {
    invocations: Vec<Invocation>,
    /// What their statistics mean.
    catalogue: Catalogue,
    /// Where their cycles went, if a profile was asked for.
    stacks: Option<String>,
}

fn invocations(
    rig: &mut Rig<'_>,
    study: &Study,
    prepared: &Prepared,
    model: &mut system::Timing,
    onlookers: Onlookers<'_>,
) -> Result<Measured, StudyError> {
    let Onlookers { mut log, ledger } = onlookers;
    rig.enter("measuring");
    let mut invocations = Vec::new();
    let mut inner = Detailed::new(model, rig.machine.now());
    let profiler = ledger.map(|ledger| Profiler::begin(ledger, inner.model_mut()));
    let mut timing = Logged { inner, viewer: None, profiler };
    let mut sent = None;
    let mut turns = Turns::new(study, &prepared.co_runners);
    for index in 0..study.invocations {
        rig.observer.invocation(index, study.invocations);
        pause(rig, study, &mut turns, sent, &mut timing.inner)?;
        sent = Some(rig.machine.now());
        timing.viewer = log.as_ref().and_then(|log| log.viewer(index));
        let sendable = prepared.requests.nth(first_measured(study) + u64::from(index));
        let answer = invoke(rig, sendable, &mut timing)?;
        if let Some(viewer) = timing.seen()
            && let Some(log) = log.take()
        {
            log.finish(&viewer)?;
        }
        let failure = sendable.check(&answer.reply).err();
        let gone_wrong = failure.is_some();
        let mut invocation = answered(u64::from(index), answer, failure);
        timing.profile(&mut invocation, rig);
        invocations.push(invocation);
        if gone_wrong {
            break;
        }
    }
    let mut catalogue = statistics::catalogue(&timing.stats());
    let stacks = timing.profiler.map(|profiler| {
        layers::describe(&mut catalogue);
        profiler.folded()
    });
    Ok(Measured { invocations, catalogue, stacks })
}

/// Does what [`measure`] does while `tape` records; returns the instructions of the function's hart
/// that warmed the caches.
pub(crate) fn record(
    mut rig: Rig<'_>,
    study: &Study,
    prepared: &Prepared,
    tape: &mut Tape,
) -> Result<u64, StudyError> {
    let mut model = system::Timing::new(&study.system.config)?;
    rig.enter("connecting");
    connect(&mut rig, prepared)?;
    tape.begin_warming();
    let inner = Warming::new(&mut model);
    settle(&mut rig, study, prepared, &mut Taped { inner, tape, invocation: None })?;
    let warming = tape.instructions(HartId(FUNCTION_HART));
    rig.enter("recording");
    tape.begin_detailed(rig.machine.now());
    let inner = Detailed::new(&mut model, rig.machine.now());
    let mut timing = Taped { inner, tape, invocation: None };
    for index in 0..study.invocations {
        rig.observer.invocation(index, study.invocations);
        timing.invocation = Some(u64::from(index));
        let sendable = prepared.requests.nth(first_measured(study) + u64::from(index));
        let answer = invoke(&mut rig, sendable, &mut timing)?;
        if timing.tape.is_broken() {
            break;
        }
        if let Err(error) = sendable.check(&answer.reply) {
            return Err(request_failed(&mut rig, error));
        }
    }
    Ok(warming)
}

/// Requests that warm caches.
fn settle(
    rig: &mut Rig<'_>,
    study: &Study,
    prepared: &Prepared,
    timing: &mut impl Counted,
) -> Result<(), StudyError> {
    rig.enter("warming caches");
    for n in first_settling(study)..first_measured(study) {
        if let (Condition::Flushed(lost), true) = (&study.condition, n + 1 == first_measured(study))
        {
            timing.lose_to_record(lost);
        }
        let sendable = prepared.requests.nth(n);
        let answer = invoke(rig, sendable, timing)?;
        if let Err(error) = sendable.check(&answer.reply) {
            return Err(request_failed(rig, error));
        }
    }
    Ok(())
}

/// A model whose counters can be read, and that may want to know where windows are.
pub(crate) trait Counted: Watched {
    fn stats(&self) -> TimingStats;
    /// A window opens: the counters it begins with.
    fn open(&mut self) -> TimingStats;
    /// Before the last request that is not measured, where state is lost between the measured ones: a
    /// restoration unit then records what each of those misses, for the first of them.
    fn lose_to_record(&mut self, _lost: &Lost) {}
    /// The frame with this number, from 0, has left the server since the window opened.
    fn sent(&mut self, _frame: u64) {}
    /// The window closed when that frame left.
    fn closed(&mut self, _frame: u64) {}
}

/// Cycle by cycle, with a log of the pipeline from where the window opens, and a profile of each.
struct Logged<'a> {
    inner: Detailed<'a>,
    /// The log that begins with the next window.
    viewer: Option<Viewer>,
    profiler: Option<Profiler>,
}

impl Logged<'_> {
    /// Ends the log, if there is one.
    fn seen(&mut self) -> Option<Viewer> {
        self.inner.model_mut().view(HartId(FUNCTION_HART), None).ok().flatten()
    }

    /// Adds to `invocation` what the profile of its window says, if one is made.
    fn profile(&mut self, invocation: &mut Invocation, rig: &mut Rig<'_>) {
        if let Some(profiler) = &mut self.profiler {
            profiler.add_to(invocation, self.inner.model_mut(), &mut rig.machine);
        }
    }
}

impl Timing for Logged<'_> {
    fn pace(&self) -> Pace {
        self.inner.pace()
    }

    fn advance(
        &mut self,
        hart: HartId,
        now: Picos,
        until: Picos,
        source: &mut dyn Source,
    ) -> Picos {
        self.inner.advance(hart, now, until, source)
    }

    fn idle(&mut self, hart: HartId, now: Picos) {
        self.inner.idle(hart, now);
    }
}

impl Watched for Logged<'_> {
    fn stuck(&self) -> Option<&str> {
        self.inner.stuck()
    }
}

impl Counted for Logged<'_> {
    fn stats(&self) -> TimingStats {
        self.inner.model().stats()
    }

    fn open(&mut self) -> TimingStats {
        if let Some(viewer) = self.viewer.take() {
            let began = self.inner.model_mut().view(HartId(FUNCTION_HART), Some(viewer));
            began.expect("whether the core can be viewed was checked before the run");
        }
        if let Some(profiler) = &mut self.profiler {
            profiler.open(self.inner.model_mut());
        }
        self.inner.open()
    }

    fn sent(&mut self, _frame: u64) {
        if let Some(profiler) = &mut self.profiler {
            profiler.sent(self.inner.model_mut());
        }
    }

    fn closed(&mut self, frame: u64) {
        self.inner.closed(frame);
        if let Some(profiler) = &mut self.profiler {
            profiler.close(frame);
        }
    }
}

impl Counted for Detailed<'_> {
    fn stats(&self) -> TimingStats {
        self.model().stats()
    }

    fn open(&mut self) -> TimingStats {
        self.model_mut().begin_request(HartId(FUNCTION_HART));
        self.model_mut().begin_window()
    }

    fn closed(&mut self, _: u64) {
        self.model_mut().end_request(HartId(FUNCTION_HART));
    }
}

impl Counted for Warming<'_> {
    fn stats(&self) -> TimingStats {
        TimingStats::default()
    }

    fn open(&mut self) -> TimingStats {
        if !self.is_of_others() {
            self.model_mut().begin_request(HartId(FUNCTION_HART));
        }
        self.stats()
    }

    fn lose_to_record(&mut self, lost: &Lost) {
        if self.model_mut().restores() {
            self.model_mut().lose(HartId(FUNCTION_HART), lost);
        }
    }

    fn closed(&mut self, _: u64) {
        if !self.is_of_others() {
            self.model_mut().end_request(HartId(FUNCTION_HART));
        }
    }
}

/// Sends one request and waits for what comes of it.
pub(crate) fn invoke(
    rig: &mut Rig<'_>,
    sendable: &Sendable,
    timing: &mut impl Counted,
) -> Result<Answer, StudyError> {
    let sent = rig.peer.submit(sendable.request.clone());
    let mut opened: Option<(Picos, TimingStats)> = None;
    let mut frames: Vec<(Picos, TimingStats)> = Vec::new();
    loop {
        for happening in rig.advance(&mut Mode::Timed(timing), Picos::NEVER)? {
            match happening {
                Happening::Opened(id) if id == sent => {
                    opened = Some((rig.machine.now(), timing.open()));
                }
                Happening::Sent(at) if opened.is_some() => {
                    timing.sent(frames.len() as u64);
                    frames.push((at, timing.stats()));
                }
                Happening::Peer(PeerEvent::Completed { id, reply, last_frame_sent_at, .. })
                    if id == sent =>
                {
                    let last = frames.iter().position(|(at, _)| *at == last_frame_sent_at);
                    let last = last.map(|number| {
                        timing.closed(number as u64);
                        frames.swap_remove(number)
                    });
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

fn answered(index: u64, answer: Answer, failure: Option<String>) -> Invocation {
    let reply = answer.reply.map_or(serde_json::Value::Null, |reply| reply.json);
    let invocation = invocation(index, &answer.window, HartId(FUNCTION_HART), reply);
    match failure {
        Some(error) => invocation.failed(error),
        None => invocation,
    }
}

/// What was counted in a window of `hart`.
pub(crate) fn invocation(
    index: u64,
    window: &Window,
    hart: HartId,
    reply: serde_json::Value,
) -> Invocation {
    let latency = window.closed_at.saturating_sub(window.opened_at).as_nanos();
    let window = stats::Stats::since(&window.after, &window.before);
    let wrong = window.audit();
    assert!(
        wrong.is_empty(),
        "the books of invocation {index} do not balance: {}",
        wrong.join("; ")
    );
    let harts = statistics::harts(&window);
    let shared = statistics::shared(&window, hart.index());
    Invocation::measured(index, latency, reply, hart.0, harts, shared)
        .expect("the function's hart is among the measured ones")
}

/// What happened before and between measured invocations.
fn between(study: &Study, prepared: &Prepared, cold_start: Vec<Phase>) -> Between {
    let names: Vec<String> = prepared.co_runners.iter().map(|one| one.name.clone()).collect();
    let round = names.len() as u64;
    let (calls, instructions) = match study.condition.interleaving().map(|one| one.until) {
        None => (None, None),
        Some(Until::Round) => (Some(round), None),
        Some(Until::Calls(calls)) => (Some(u64::from(calls)), None),
        Some(Until::Instructions(instructions)) => (None, Some(instructions)),
    };
    Between {
        cold_start,
        lukewarm: study.condition.written(),
        co_runners: names,
        co_runner_calls: calls,
        co_runner_instructions: instructions,
        inter_arrival_ns: Some(study.inter_arrival.as_nanos()).filter(|nanos| *nanos > 0),
    }
}

fn outcome(
    rig: Rig<'_>,
    study: &Study,
    guest: &Guest,
    prepared: &Prepared,
    measured: Measured,
    cold_start: Vec<Phase>,
) -> Outcome {
    let Measured { invocations, catalogue, stacks } = measured;
    let failed = invocations.iter().any(|invocation| !invocation.ok);
    let run = Run {
        schema: SCHEMA,
        function: study.function.clone(),
        system: study.system.name.clone(),
        state: study.condition.state(),
        between: between(study, prepared, cold_start),
        seed: study.seed,
        summary: report::summarize(&invocations),
        invocations,
        manifest: manifest(study, guest, prepared),
    };
    Outcome {
        run,
        catalogue,
        effective_toml: study.system.effective_toml(),
        console: rig.console,
        stacks,
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
