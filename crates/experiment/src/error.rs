//! Why a study cannot be done.

use thiserror::Error;

/// A study failed.
#[derive(Debug, Error)]
pub enum StudyError {
    /// The functions file, or the function asked for.
    #[error(transparent)]
    Function(#[from] guest::functions::FunctionError),
    /// The guest.
    #[error(transparent)]
    Guest(#[from] guest::bootable::GuestError),
    /// The package mirror.
    #[error(transparent)]
    Package(#[from] guest::packages::PackageError),
    /// The function's interface or the payload.
    #[error(transparent)]
    Proto(#[from] client::ProtoError),
    /// The image cannot be served.
    #[error(transparent)]
    Registry(#[from] client::RegistryError),
    /// The system description.
    #[error(transparent)]
    System(#[from] system::ConfigError),
    /// The kernel or device tree.
    #[error(transparent)]
    Boot(#[from] machine::BootError),
    /// The root disk.
    #[error("opening the guest's disk: {0}; `vswarm-u guest build` makes it anew")]
    Disk(#[from] devices::virtio::OverlayError),
    /// A snapshot.
    #[error(transparent)]
    Checkpoint(#[from] machine::CheckpointError),
    /// A snapshot's file.
    #[error(transparent)]
    Snapshot(#[from] machine::snapshot::SnapshotError),
    /// A host file.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: std::path::PathBuf,
        /// What the host says.
        source: std::io::Error,
    },
    /// Who spends the cycles cannot be told.
    #[error("surveying the guest's software for --profile: {0}; run without --profile")]
    Profile(String),
    /// Options that do not go together.
    #[error("{0}")]
    Input(String),
    /// The guest ended by itself.
    #[error("{during}: the guest {what}\n{}", tail(console))]
    GuestDied {
        /// The phase.
        during: &'static str,
        /// What it did.
        what: String,
        /// What it last printed.
        console: String,
    },
    /// The guest did not get there.
    #[error(
        "{during}: not done after {seconds} s of virtual time; the guest hangs or is too slow\n{}",
        tail(console)
    )]
    TimedOut {
        /// The phase.
        during: &'static str,
        /// The limit.
        seconds: u64,
        /// What the guest last printed.
        console: String,
    },
    /// A command in the guest failed.
    #[error("{during}: `{command}` ended with status {status} in the guest\n{}", tail(output))]
    Command {
        /// The phase.
        during: &'static str,
        /// The command.
        command: String,
        /// Its exit status.
        status: i32,
        /// What it printed.
        output: String,
    },
    /// The function cannot be reached or answers wrongly where it must not.
    #[error("{during}: {error}\n{}", tail(log))]
    Request {
        /// The phase.
        during: &'static str,
        /// What is wrong.
        error: String,
        /// The containers' logs.
        log: String,
    },
    /// The guest computed something else under the system than without it.
    #[error(
        "{during}, at {:.9} s of virtual time: the guest computes something else with the model than \
         without it: {what}; this is a defect of the simulator",
        at.as_secs_f64()
    )]
    Differs {
        /// The phase.
        during: &'static str,
        /// When it was noticed.
        at: sim::Picos,
        /// What is different.
        what: String,
    },
    /// A core of the system makes no progress.
    #[error(
        "{during}: the system can execute nothing more: {diagnosis}; if the configuration is not to \
         blame (a queue or latency far out of range), this is a defect of the simulator"
    )]
    Stuck {
        /// The phase.
        during: &'static str,
        /// What the core holds and waits for.
        diagnosis: String,
    },
    /// A trace cannot be read.
    #[error(transparent)]
    Trace(#[from] trace::TraceError),
    /// A trace cannot be written.
    #[error("recording: {0}")]
    Recording(trace::TraceError),
    /// The user asked to stop.
    #[error("stopped on request; what was finished is kept, nothing half-done is")]
    Cancelled,
}

impl StudyError {
    /// Whether the input is at fault, not the run.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Function(_)
                | Self::Proto(_)
                | Self::System(_)
                | Self::Input(_)
                | Self::Boot(_)
                | Self::Trace(_)
        )
    }
}

/// That many lines of a console or a log are enough to see what went wrong.
const TAIL: usize = 30;

/// The last lines of a longer text, indented.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(TAIL);
    lines[first..].iter().map(|line| format!("  | {line}\n")).collect()
}
