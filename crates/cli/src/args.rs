//! The arguments. What this version does not have is hidden from the help and answered with an error.

use crate::commands::{ArtifactArgs, ReproduceArgs, SweepArgs};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// RAM of the simulated server in MiB, unless told otherwise.
pub const GUEST_RAM_MIB: u64 = 3072;

/// Runs containerised serverless functions on a simulated server and shows where the cycles go.
///
/// Results go to standard output, progress to standard error. Exit status: 0 done, 1 the run failed,
/// 2 the input is wrong, 130 stopped by Ctrl-C. State lives under $VSWARM_U_HOME.
#[derive(Debug, Parser)]
#[command(name = "vswarm-u", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// More log lines on standard error; up to three times.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure invocations of a function, or run a trace.
    Run(Box<RunArgs>),
    /// Run all points of an experiment: functions, systems, states, overrides, seeds.
    Sweep(SweepArgs),
    /// Repeat a published study and compare its figures with ours.
    Reproduce(ReproduceArgs),
    /// Record what invocations of a function execute.
    Trace(Box<TraceArgs>),
    /// Check that a function computes the same under a system as without one.
    Verify(Box<VerifyArgs>),
    /// The functions that can be run.
    Functions(FunctionsArgs),
    /// The timing systems to run on.
    Systems(SystemsArgs),
    /// The guest: Debian packages made into kernel and disk.
    Guest(GuestArgs),
    /// Boot the guest in fast mode with its serial console on this terminal.
    Boot(BootArgs),
    /// Run a program: bare-metal RV64 from its entry in M-mode, or a Linux one in the guest (--guest).
    Exec(Box<ExecArgs>),
    /// Stored results as charts in one HTML file, or as tables.
    Report(ReportArgs),
    /// Two stored runs side by side: configuration, means, CPI stacks, events.
    Compare(CompareArgs),
    /// Write the appendix of a paper's artifact for stored results, with what they cost to make.
    Artifact(ArtifactArgs),
    /// Check that this host has what is needed.
    Doctor(DoctorArgs),
}

/// How warm the core is when an invocation starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StateArg {
    /// Invocations follow each other, everything is in place.
    Warm,
    /// The software is warm, but caches, TLBs and predictors have lost what they held.
    Lukewarm,
    /// There is no container yet: image pull, container and runtime are part of it.
    Cold,
}

/// Options that choose a timing system.
#[derive(Debug, Args)]
pub struct SystemArgs {
    /// A built-in system, or a file of your own ending in .toml.
    #[arg(long, value_name = "NAME|FILE.toml", default_value = "simple")]
    pub system: String,
    /// Change one value of the system, such as caches.l1d.ways=4; may be repeated.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// Options that name where functions and packages come from.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// A docker-compose file with your own functions, in place of the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub functions: Option<PathBuf>,
    /// The Debian mirror; without it the one that apt uses.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
}

/// Options that say what is executed and measured.
#[derive(Debug, Args)]
pub struct StudyArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Requests served in fast mode before the snapshot of the warm function; 20 unless given, none in
    /// state cold.
    #[arg(long, value_name = "N")]
    pub warmup: Option<u32>,
    /// Requests that warm caches and TLBs between restoring the snapshot and measuring; 5 unless given,
    /// none in state cold.
    #[arg(long, value_name = "N")]
    pub settle: Option<u32>,
    /// Requests that are measured.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub invocations: u32,
    /// The request: the name of a payload that the function has, or one as JSON; without it the
    /// method's, or the default.
    #[arg(long, value_name = "NAME|JSON")]
    pub payload: Option<String>,
    /// The method called, such as GetQuote; without it that of the payload.
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Seed of all randomness.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// RAM of the simulated server.
    #[arg(long, value_name = "MIB", default_value_t = GUEST_RAM_MIB, value_parser = clap::value_parser!(u64).range(512..=65536))]
    pub ram: u64,
    /// Bandwidth of the link to the client.
    #[arg(long, value_name = "GBIT", default_value_t = 10.0)]
    pub link_gbps: f64,
    /// One-way delay of the link to the client.
    #[arg(long, value_name = "US", default_value_t = 10.0)]
    pub link_delay_us: f64,
    /// Virtual time after which an unanswered request has failed.
    #[arg(long, value_name = "MS", default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub timeout_ms: u64,
}

impl StudyArgs {
    /// `--warmup`.
    pub fn warmup(&self) -> u32 {
        self.warmup.unwrap_or(20)
    }

    /// `--settle`.
    pub fn settle(&self) -> u32 {
        self.settle.unwrap_or(5)
    }
}

/// A unit and its warming fit in twice, at the dense end.
const MIN_PERIOD: u64 = 20_000_000;

/// Options that mean nothing to a run from a trace.
const FUNCTION_OPTIONS: [&str; 21] = [
    "function",
    "functions",
    "mirror",
    "state",
    "lukewarm",
    "interleave_calls",
    "interleave_instructions",
    "sampling_period",
    "inter_arrival_ms",
    "warmup",
    "settle",
    "invocations",
    "payload",
    "method",
    "seed",
    "ram",
    "link_gbps",
    "link_delay_us",
    "timeout_ms",
    "pipeline_log",
    "profile",
];

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The function; `vswarm-u functions` lists them.
    #[arg(required_unless_present = "trace")]
    pub function: Option<String>,
    #[command(flatten)]
    pub system: SystemArgs,
    #[command(flatten)]
    pub study: StudyArgs,
    /// How warm the core is when an invocation starts; without it warm, or lukewarm with --lukewarm.
    #[arg(long, value_enum)]
    pub state: Option<StateArg>,
    /// How state is lost between two invocations: flush, or flush=l1i,l2 for some structures of the
    /// function's core only, or interleave=F1,F2 or interleave=all:N, invocations of these or of N other
    /// functions on the same core. Without it lukewarm means flush.
    #[arg(long, value_name = "HOW")]
    pub lukewarm: Option<String>,
    /// With interleave: so many invocations of the others, in turn, between two measured ones; without
    /// it one of each.
    #[arg(
        long,
        value_name = "N",
        requires = "lukewarm",
        conflicts_with = "interleave_instructions"
    )]
    pub interleave_calls: Option<u32>,
    /// With interleave: invocations of the others until the core has executed so many instructions.
    #[arg(long, value_name = "N", requires = "lukewarm")]
    pub interleave_instructions: Option<u64>,
    /// In state cold: what comes before the first request is sampled, one unit in so many instructions of
    /// the image pull, ten of the runtime's start.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(MIN_PERIOD..=1_000_000_000_000))]
    pub sampling_period: Option<u64>,
    /// Virtual time from one measured request to the next, or more if the reply takes longer; without it
    /// 10 in state lukewarm, and in state warm each follows the reply of the one before.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=600_000))]
    pub inter_arrival_ms: Option<u32>,
    /// Run the system from this trace, in place of a function: one of ours or of ChampSim.
    #[arg(long, value_name = "FILE", conflicts_with_all = FUNCTION_OPTIONS)]
    pub trace: Option<PathBuf>,
    /// Warm caches with the first N instructions of the trace, whatever the trace says.
    #[arg(long, value_name = "N", requires = "trace")]
    pub warmup_instructions: Option<u64>,
    /// End after N instructions of the trace have been timed.
    #[arg(long, value_name = "N", requires = "trace", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_instructions: Option<u64>,
    /// Log the way of instructions through the pipeline, for the Konata viewer.
    #[arg(long, value_name = "FILE")]
    pub pipeline_log: Option<PathBuf>,
    /// The measured invocation that is logged, from 0.
    #[arg(long, value_name = "K", default_value_t = 0, requires = "pipeline_log")]
    pub pipeline_log_invocation: u32,
    /// Instructions that are logged from the start of the invocation, squashed ones included.
    #[arg(long, value_name = "N", default_value_t = 20_000, requires = "pipeline_log", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub pipeline_log_instructions: u64,
    /// Divide cycles and instructions among the layers of the guest's software, and write stacks.folded.
    #[arg(long)]
    pub profile: bool,
    /// Folder in which a new directory with the results is made.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Print one JSON document in place of the table.
    #[arg(long)]
    pub json: bool,
}

/// A format of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// Ours: all harts, with all that a system asks for.
    Native,
    /// ChampSim's: the function's hart.
    Champsim,
}

/// `trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// The function; `vswarm-u functions` lists them.
    pub function: String,
    /// The format of the trace.
    #[arg(long, value_enum, default_value = "native")]
    pub format: FormatArg,
    #[command(flatten)]
    pub system: SystemArgs,
    #[command(flatten)]
    pub study: StudyArgs,
    /// The file; without it FUNCTION.trace or FUNCTION.champsimtrace.xz in this folder.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The function; `vswarm-u functions` lists them.
    pub function: String,
    #[command(flatten)]
    pub system: SystemArgs,
    #[command(flatten)]
    pub study: StudyArgs,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// `functions`.
#[derive(Debug, Args)]
pub struct FunctionsArgs {
    /// A docker-compose file with your own functions, in place of the built-in ones.
    #[arg(long, value_name = "FILE", global = true)]
    pub functions: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: Option<FunctionsAction>,
}

/// What to show of the functions.
#[derive(Debug, Subcommand)]
pub enum FunctionsAction {
    /// All functions, one a line (the default).
    List,
    /// How a function is called and built.
    Show {
        /// Its name.
        function: String,
    },
    /// Deploy functions, call them with every payload and compare the replies, in fast mode.
    Check(FunctionsCheckArgs),
}

/// `functions check`.
#[derive(Debug, Args)]
pub struct FunctionsCheckArgs {
    /// Their names.
    #[arg(value_name = "FUNCTION", required_unless_present = "all")]
    pub names: Vec<String>,
    /// All functions there are.
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
    /// Calls of a payload after the first one.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub warmup: u32,
    /// Functions checked at the same time, each with a simulated server of its own; without it as many
    /// as there are processors, at most 4.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Seed of all randomness.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The Debian mirror; without it the one that apt uses.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
}

/// `systems`.
#[derive(Debug, Args)]
pub struct SystemsArgs {
    /// Print one JSON document.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: Option<SystemsAction>,
}

/// What to show of the systems.
#[derive(Debug, Subcommand)]
pub enum SystemsAction {
    /// All built-in systems, one a line (the default).
    List,
    /// Every value of a system and where it came from, as TOML.
    Show {
        /// A built-in system, or a file ending in .toml.
        system: String,
        /// Change one value, such as caches.l1d.ways=4; may be repeated.
        #[arg(long = "set", value_name = "PATH=VALUE")]
        set: Vec<String>,
    },
}

/// `guest`.
#[derive(Debug, Args)]
pub struct GuestArgs {
    /// Print one JSON document.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: Option<GuestAction>,
}

/// What to do with the guest.
#[derive(Debug, Subcommand)]
pub enum GuestAction {
    /// Build kernel, initial RAM disk and root disk, unless they are there and intact.
    Build {
        /// The Debian mirror; without it the one that apt uses.
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
    },
    /// What is built and how much space the state folder takes (the default).
    Info,
    /// Delete guests, function images and snapshots; they are made again when needed.
    Clean {
        /// Downloaded packages and build tools as well: everything in the state folder.
        #[arg(long)]
        all: bool,
    },
}

/// `boot`.
#[derive(Debug, Args)]
pub struct BootArgs {
    /// Deploy this function as well.
    #[arg(long, value_name = "F")]
    pub function: Option<String>,
    #[command(flatten)]
    pub source: SourceArgs,
    /// RAM of the simulated server.
    #[arg(long, value_name = "MIB", default_value_t = GUEST_RAM_MIB, value_parser = clap::value_parser!(u64).range(512..=65536))]
    pub ram: u64,
    /// Seed of all randomness.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// `exec`.
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// The program: a static RV64 executable linked at 0x80000000; with --guest one for Linux.
    #[arg(value_name = "ELF")]
    pub elf: PathBuf,
    /// Arguments of a program in the guest; those that begin with a dash go after `--`.
    #[arg(value_name = "ARGS", requires = "guest")]
    pub args: Vec<String>,
    /// Run a Linux program in the booted guest, alone on hart 1.
    #[arg(long, conflicts_with_all = ["harts", "signature"])]
    pub guest: bool,
    /// Copy a file into the guest, beside the program or to the path GUEST; may be repeated.
    #[arg(long = "file", value_name = "HOST[:GUEST]", requires = "guest")]
    pub files: Vec<String>,
    /// First instructions of a program in the guest that only warm caches and predictors; they end
    /// where a work_begin marker opens a window.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "guest")]
    pub warmup_instructions: u64,
    /// The Debian mirror the guest is built from; without it the one that apt uses.
    #[arg(long, value_name = "URL", requires = "guest")]
    pub mirror: Option<String>,
    /// Time it on this system; without it fast mode, or `simple` in the guest.
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub system: Option<String>,
    /// Change one value of the system, such as caches.l1d.ways=4; may be repeated.
    #[arg(long = "set", value_name = "PATH=VALUE", requires = "system")]
    pub set: Vec<String>,
    /// Instructions after which the program counts as endless.
    #[arg(long, value_name = "N", default_value_t = 10_000_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_instructions: u64,
    /// Number of harts; all start at the entry.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub harts: u8,
    /// RAM from 0x80000000 on; without it 128, or 3072 in the guest.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=65536))]
    pub ram: Option<u64>,
    /// Seed of the random numbers the program can read.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write the words between begin_signature and end_signature, one in hexadecimal a line.
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Print one JSON document in place of the program's output.
    #[arg(long)]
    pub json: bool,
}

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The results of a run, or a folder that holds results, however deep.
    pub dir: PathBuf,
    /// Where to write the report. [default: the folder report in DIR]
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["text", "json"])]
    pub out: Option<PathBuf>,
    /// Print the table of each run again, and write nothing.
    #[arg(long)]
    pub text: bool,
    /// Print the one run as the JSON document of `run --json`, and write nothing.
    #[arg(long, conflicts_with = "text")]
    pub json: bool,
}

/// `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The results of a run.
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// The results of another.
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// Also every statistic that differs.
    #[arg(long)]
    pub all: bool,
    /// Print one JSON document, with every statistic that differs.
    #[arg(long, conflicts_with = "all")]
    pub json: bool,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The Debian mirror to check; without it the one that apt uses.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}
