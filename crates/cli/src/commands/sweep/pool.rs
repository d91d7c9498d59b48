//! Points run by processes of their own, several at a time.
//!
//! A process for each point: one that crashes or is killed takes nothing with it but its point. Each is this program
//! again, told the experiment and the index of the point, as a cluster's job would be; its progress comes through a pipe.

use super::plan::Planned;
use super::worker;
use crate::failure::{Failure, INTERRUPTED};
use crate::progress::{Reporter, Suite};
use crate::{interrupt, jobs};
use ::guest::progress::Progress as _;
use anyhow::Context as _;
use experiment::Observer as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// This program, even if its file has been replaced since it started.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// How the line begins in which a process says why it failed; more lines may follow.
const ERROR: &str = "error: ";

/// What all workers are told.
pub(super) struct Order<'a> {
    /// The experiment, as given on the command line.
    pub experiment: &'a str,
    /// The folder of the sweep.
    pub out: &'a Path,
    /// The Debian mirror, if one was given.
    pub mirror: Option<&'a str>,
}

/// Runs `points` with `jobs` processes; why each failed, if it did, in the same order.
pub(super) fn run(
    order: &Order<'_>,
    points: &[&Planned],
    jobs: usize,
) -> Result<Vec<Option<String>>, Failure> {
    let suite = Suite::new(points.len());
    let one = |number: usize, reporter: &Reporter| {
        if interrupt::asked() {
            return None;
        }
        let planned = points[number];
        let since = Instant::now();
        let ending = run_one(order, planned, reporter);
        reporter.clear();
        if interrupt::asked() {
            return None;
        }
        let verdict = if ending.is_none() { "done" } else { "FAILED" };
        let (label, seconds) = (planned.point.label(), since.elapsed().as_secs_f64());
        suite.done(&format!("{}: {label}: {verdict} in {seconds:.0} s", planned.point.index));
        if let Some(why) = &ending {
            reporter.note(why);
        }
        Some(ending)
    };
    jobs::each(&suite, points.len(), jobs, one)
}

/// Why the point failed, if it did.
fn run_one(order: &Order<'_>, planned: &Planned, reporter: &Reporter) -> Option<String> {
    let place = format!("{}: {}", planned.point.index, planned.point.label());
    reporter.phase(&place);
    let ended = start(order, planned).and_then(|child| attend(child, &place, reporter));
    match ended {
        Err(error) => Some(format!("{error:#}")),
        Ok(Some(why)) => Some(why),
        Ok(None) if worker::place(order.out, &planned.id).exists() => None,
        Ok(None) => {
            Some("its results are not there; was the experiment changed meanwhile?".to_owned())
        }
    }
}

fn start(order: &Order<'_>, planned: &Planned) -> anyhow::Result<Child> {
    let mut command = Command::new(THIS_PROGRAM);
    command.args(["sweep", order.experiment, "--attached", "--point"]);
    command.arg(planned.point.index.to_string()).arg("--out").arg(order.out);
    if let Some(mirror) = order.mirror {
        command.args(["--mirror", mirror]);
    }
    // The pipe to its input closes when this process ends, however it does.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().context("starting a process for the point")
}

/// Shows what the process says until it ends; why it failed, if it did.
fn attend(mut child: Child, place: &str, reporter: &Reporter) -> anyhow::Result<Option<String>> {
    let lines = BufReader::new(child.stderr.take().expect("it was started with a pipe"));
    let mut error: Option<String> = None;
    for line in lines.lines() {
        let line = line.context("reading what the process of the point says")?;
        match &mut error {
            Some(text) => *text += &format!("\n{line}"),
            None if line.starts_with(ERROR) => error = Some(line[ERROR.len()..].to_owned()),
            None => reporter.status(&format!("{place}: {}", line.trim())),
        }
    }
    let status = child.wait().context("waiting for the process of the point")?;
    Ok(match status.code() {
        Some(0) => None,
        Some(code) if code == i32::from(INTERRUPTED) => Some("it was stopped".to_owned()),
        Some(code) => {
            Some(error.unwrap_or_else(|| format!("its process ended with status {code}")))
        }
        None => Some(format!("its process was killed ({status})")),
    })
}
