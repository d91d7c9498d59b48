//! `run`: a function measured on a system, or a system run from a trace.

use super::condition::Asked;
use crate::args::{RunArgs, StudyArgs, SystemArgs};
use crate::failure::{FAILED, Failure};
use crate::host::{Watch, Watched};
use crate::progress::Reporter;
use crate::{home, output};
use ::guest::functions::{Choice, PayloadChoice};
use ::guest::packages::Mirror;
use ::guest::progress::Progress as _;
use anyhow::anyhow;
use experiment::{Condition, Outcome, PipelineLog, Replay, Study, StudyError};
use sim::Picos;
use std::path::Path;

pub fn run(args: RunArgs) -> Result<u8, Failure> {
    match (&args.trace, &args.function) {
        (Some(trace), _) => run_trace(&args, trace),
        (None, Some(function)) => run_function(&args, function),
        (None, None) => unreachable!("clap asks for one of them"),
    }
}

fn run_function(args: &RunArgs, function: &str) -> Result<u8, Failure> {
    // Clap cannot say this of options that need one that excludes the function.
    if args.warmup_instructions.is_some() || args.max_instructions.is_some() {
        return Err(Failure::input(anyhow!(
            "--warmup-instructions and --max-instructions are for runs from a trace: give --trace \
             FILE in place of the function, or --settle and --invocations"
        )));
    }
    let mut study = resolve(args, function)?;
    study.pipeline_log = args.pipeline_log.as_ref().map(|path| PipelineLog {
        path: path.clone(),
        invocation: args.pipeline_log_invocation,
        instructions: args.pipeline_log_instructions,
    });
    study.profile = args.profile;
    check_mirror(&args.study)?;
    let home = home::create()?;
    let (reporter, watch) = (Reporter::new(), Watch::start());
    let result = experiment::run(&home, &study, &Watched::new(&reporter, &watch));
    reporter.finish();
    let mut outcome = result.map_err(failure)?;
    outcome.run.manifest.host = watch.read();
    if let Some(path) = &args.pipeline_log {
        reporter.note(&format!("pipeline log: {}", path.display()));
    }
    present(args, &outcome, &reporter)
}

/// The study that the arguments ask for, but for a pipeline log.
pub(super) fn resolve(args: &RunArgs, function: &str) -> Result<Study, Failure> {
    let mut study = study(function, &args.system, &args.study)?;
    let asked = Asked {
        state: args.state,
        lukewarm: args.lukewarm.as_deref(),
        calls: args.interleave_calls,
        instructions: args.interleave_instructions,
        sampling_period: args.sampling_period,
    };
    study.condition = asked.condition(&study.system.config)?;
    if let Condition::Cold(_) = study.condition {
        check_cold(args)?;
        (study.warmup, study.settle) = (0, 0);
    }
    study.inter_arrival = inter_arrival(args.inter_arrival_ms, &study.condition);
    Ok(study)
}

/// A new container has served nobody.
fn check_cold(args: &RunArgs) -> Result<(), Failure> {
    let warms = args.study.warmup.is_some() || args.study.settle.is_some();
    if warms {
        return Err(Failure::input(anyhow!(
            "--state cold measures from the first request of a new container on: leave --warmup and --settle out"
        )));
    }
    if args.pipeline_log.is_some() {
        return Err(Failure::missing(
            "--pipeline-log in state cold; log a warm or a lukewarm invocation",
        ));
    }
    if args.profile {
        return Err(Failure::missing(
            "--profile in state cold; profile a warm or a lukewarm invocation",
        ));
    }
    Ok(())
}

fn run_trace(args: &RunArgs, trace: &Path) -> Result<u8, Failure> {
    let system = ::system::load(&args.system.system, &args.system.set).map_err(Failure::input)?;
    let order = Replay {
        trace: trace.to_owned(),
        system,
        warmup: args.warmup_instructions,
        max_instructions: args.max_instructions,
        command: std::env::args().collect(),
    };
    let (reporter, watch) = (Reporter::new(), Watch::start());
    let result = experiment::replay(&order, &Watched::new(&reporter, &watch));
    reporter.finish();
    let mut outcome = result.map_err(failure)?;
    outcome.run.manifest.host = watch.read();
    present(args, &outcome, &reporter)
}

/// Stores and prints what came out.
fn present(args: &RunArgs, outcome: &Outcome, reporter: &Reporter) -> Result<u8, Failure> {
    let place = experiment::write_results(&args.out, outcome).map_err(Failure::failed)?;
    if args.json {
        output::print(::report::run_json(&outcome.run))?;
    } else {
        output::print(::report::table(&outcome.run))?;
    }
    reporter.note(&format!("results: {}", place.display()));
    Ok(if outcome.failed { FAILED } else { 0 })
}

pub fn check_mirror(args: &StudyArgs) -> Result<(), Failure> {
    match &args.source.mirror {
        Some(url) => Mirror::new(url).map(|_| ()).map_err(Failure::input),
        None => Ok(()),
    }
}

pub fn failure(error: StudyError) -> Failure {
    match error {
        StudyError::Cancelled => Failure::interrupted(),
        error if error.is_input() => Failure::input(error),
        error => Failure::failed(error),
    }
}

/// Everything that can be wrong with the arguments shows here, before anything is built.
pub fn study(function: &str, system: &SystemArgs, args: &StudyArgs) -> Result<Study, Failure> {
    let system = ::system::load(&system.system, &system.set).map_err(Failure::input)?;
    Ok(Study {
        function: function.to_owned(),
        functions_file: args.source.functions.clone(),
        system,
        condition: Condition::Warm,
        inter_arrival: Picos::ZERO,
        warmup: args.warmup(),
        settle: args.settle(),
        invocations: args.invocations,
        request: Choice {
            payload: args.payload.as_deref().map(payload).transpose()?,
            method: args.method.clone(),
        },
        seed: args.seed,
        ram_mib: args.ram,
        link: link(args.link_gbps, args.link_delay_us)?,
        request_timeout: Picos::from_millis(args.timeout_ms),
        mirror: args.source.mirror.clone(),
        command: std::env::args().collect(),
        pipeline_log: None,
        profile: false,
    })
}

/// A study of the guest itself, in which no function is invoked.
pub(super) fn guest_study(system: ::system::LoadedSystem, seed: u64, ram_mib: u64) -> Study {
    Study {
        function: String::new(),
        functions_file: None,
        system,
        condition: Condition::Warm,
        inter_arrival: Picos::ZERO,
        warmup: 0,
        settle: 0,
        invocations: 1,
        request: Choice::default(),
        seed,
        ram_mib,
        link: client::Link::default(),
        request_timeout: Picos::from_secs(60),
        mirror: None,
        command: std::env::args().collect(),
        pipeline_log: None,
        profile: false,
    }
}

/// Between requests in state lukewarm, unless told otherwise: long enough for the guest to go idle.
const LUKEWARM_INTER_ARRIVAL: Picos = Picos::from_millis(10);

fn inter_arrival(asked: Option<u32>, condition: &Condition) -> Picos {
    match (asked, condition) {
        (Some(millis), _) => Picos::from_millis(u64::from(millis)),
        (None, Condition::Warm | Condition::Cold(_)) => Picos::ZERO,
        (None, Condition::Flushed(_) | Condition::Interleaved(_)) => LUKEWARM_INTER_ARRIVAL,
    }
}

/// A word names a payload; anything else is one.
fn payload(text: &str) -> Result<PayloadChoice, Failure> {
    match serde_json::from_str(text) {
        Ok(json) => Ok(PayloadChoice::Written(json)),
        Err(_) if text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) => {
            Ok(PayloadChoice::Named(text.to_owned()))
        }
        Err(error) => Err(Failure::input(anyhow!(
            "reading --payload: {error}; give the name of a payload of the function, or the request as \
             JSON, such as '{{\"name\":\"10\"}}'"
        ))),
    }
}

/// The link to the client. Its bandwidth is a whole number of bits a second, its delay of picoseconds.
fn link(gbps: f64, delay_us: f64) -> Result<client::Link, Failure> {
    let whole = |option: &str, value: f64, unit: f64| {
        let scaled = (value * unit).round();
        if scaled.is_finite() && (0.0..=1e16).contains(&scaled) {
            Ok(scaled as u64)
        } else {
            Err(Failure::input(anyhow!(
                "reading {option}: {value} is out of range; give a number such as 10 or 0.5"
            )))
        }
    };
    let bandwidth = whole("--link-gbps", gbps, 1e9)?;
    let delay = Picos(whole("--link-delay-us", delay_us, 1e6)?);
    client::Link::new(bandwidth, delay).map_err(Failure::input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::system::Lost;

    #[test]
    fn link_options_are_converted_exactly() {
        let default = link(10.0, 10.0).unwrap();
        assert_eq!(default, client::Link::default());
        assert_eq!(
            link(0.1, 0.5).unwrap(),
            client::Link::new(100_000_000, Picos(500_000)).unwrap()
        );
    }

    #[test]
    fn a_payload_is_a_name_or_json() {
        let named = |text: &str| PayloadChoice::Named(text.to_owned());
        assert_eq!(payload("original").unwrap(), named("original"));
        let json = serde_json::json!({"name": "10"});
        assert_eq!(payload(r#"{"name":"10"}"#).unwrap(), PayloadChoice::Written(json));
        assert_eq!(payload("12").unwrap(), PayloadChoice::Written(serde_json::json!(12)));
        assert_eq!(payload("{name").unwrap_err().status, 2);
    }

    #[test]
    fn the_time_between_requests_follows_from_the_state() {
        let system = ::system::load("skylake", &[]).unwrap().config;
        let all = Condition::Flushed(Lost::all(&system));
        assert_eq!(inter_arrival(None, &Condition::Warm), Picos::ZERO);
        assert_eq!(inter_arrival(None, &all), LUKEWARM_INTER_ARRIVAL);
        assert_eq!(inter_arrival(Some(3), &all), Picos::from_millis(3));
    }

    #[test]
    fn impossible_links_are_refused() {
        for (gbps, delay) in [(0.0, 1.0), (-1.0, 1.0), (f64::NAN, 1.0), (1.0, -1.0), (1.0, 1e12)] {
            assert_eq!(link(gbps, delay).unwrap_err().status, 2, "{gbps} {delay}");
        }
    }
}
