//! What a run takes of its host: time, processor time, memory. Kept in the part of the manifest that nothing is
//! compared by; no figure of it reaches the simulation.
//!
//! Left out: the processor time of programs that a build calls (compilers, npm), which are other processes.

use crate::progress::Reporter;
use ::guest::progress::Progress;
use ::report::model::Host;
use experiment::Observer;
use rustix::time::{ClockId, clock_gettime};
use sim::Picos;
use std::fs;
use std::sync::OnceLock;
use std::time::Instant;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

/// Watches one run of this process.
#[derive(Debug)]
pub struct Watch {
    since: Instant,
    started: Option<String>,
    /// When the first invocation was about to be measured.
    measuring: OnceLock<Instant>,
}

impl Watch {
    /// Begins.
    pub fn start() -> Self {
        Self { since: Instant::now(), started: utc(), measuring: OnceLock::new() }
    }

    /// What was taken until now.
    pub fn read(&self) -> Host {
        let preparing = self.measuring.get().map(|begun| begun.duration_since(self.since));
        Host {
            started: self.started.clone(),
            wall_seconds: Some(millis(self.since.elapsed().as_secs_f64())),
            preparing_seconds: preparing.map(|time| millis(time.as_secs_f64())),
            processor_seconds: Some(millis(processor_seconds())),
            peak_resident_bytes: bytes_of("VmHWM:", &text("/proc/self/status")),
            processor: processor(&text("/proc/cpuinfo")),
            ..Host::default()
        }
    }
}

/// Now, as RFC 3339 has it.
fn utc() -> Option<String> {
    let mut text = String::new();
    SystemTime.format_time(&mut Writer::new(&mut text)).ok()?;
    Some(text)
}

/// More digits would say nothing.
fn millis(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

/// Of all threads since this process began.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A file of the kernel; empty if it has none, as what is not there is not told.
pub fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// What the line that begins with `name` says in /proc/meminfo or /proc/self/status, both of which are in KiB.
pub fn bytes_of(name: &str, table: &str) -> Option<u64> {
    let rest = table.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The model's name in /proc/cpuinfo, which not every architecture has.
pub fn processor(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    let name = line.split_once(':')?.1.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Shows progress, and tells a watch when measuring begins.
pub struct Watched<'a> {
    reporter: &'a Reporter,
    watch: &'a Watch,
}

impl<'a> Watched<'a> {
    /// Of both.
    pub fn new(reporter: &'a Reporter, watch: &'a Watch) -> Self {
        Self { reporter, watch }
    }
}

impl Progress for Watched<'_> {
    fn start(&self, what: &str, total_bytes: Option<u64>) {
        self.reporter.start(what, total_bytes);
    }

    fn advance(&self, bytes: u64) {
        self.reporter.advance(bytes);
    }

    fn finish(&self) {
        Progress::finish(self.reporter);
    }

    fn note(&self, line: &str) {
        self.reporter.note(line);
    }
}

impl Observer for Watched<'_> {
    fn phase(&self, name: &str) {
        self.reporter.phase(name);
    }

    fn console(&self, bytes: &[u8]) {
        self.reporter.console(bytes);
    }

    fn cancelled(&self) -> bool {
        self.reporter.cancelled()
    }

    fn running(&self, phase: &str, virtual_now: Picos, instructions: u64) {
        self.reporter.running(phase, virtual_now, instructions);
    }

    fn invocation(&self, index: u32, of: u32) {
        self.watch.measuring.get_or_init(Instant::now);
        self.reporter.invocation(index, of);
    }

    fn as_progress(&self) -> &dyn Progress {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_tells_time_memory_and_when_measuring_began() {
        let watch = Watch::start();
        assert_eq!(watch.read().preparing_seconds, None);
        let reporter = Reporter::new();
        let watched = Watched::new(&reporter, &watch);
        watched.invocation(0, 2);
        let first = watch.read().preparing_seconds;
        assert!(first.is_some());
        std::thread::sleep(std::time::Duration::from_millis(3));
        watched.invocation(1, 2);
        let host = watch.read();
        assert_eq!(host.preparing_seconds, first, "only the first counts");
        assert!(host.wall_seconds > first, "{host:?}");
        assert!(host.processor_seconds.is_some());
        let started = host.started.unwrap();
        assert!(started.starts_with("20") && started.ends_with('Z'), "{started}");
    }

    #[test]
    fn memory_and_processor_are_read_from_what_the_kernel_writes() {
        let status = "VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(bytes_of("VmHWM:", status), Some(2 << 20));
        assert_eq!(bytes_of("VmHWM:", "VmRSS:\t 1 kB\n"), None);
        assert_eq!(bytes_of("VmHWM:", "VmHWM: lots\n"), None);
        let cpuinfo = "processor\t: 0\nmodel name\t: A B @ 2 GHz\nmodel name\t: C\n";
        assert_eq!(processor(cpuinfo).as_deref(), Some("A B @ 2 GHz"));
        assert_eq!(processor("processor\t: 0\nmodel name\t:\n"), None);
    }
}
