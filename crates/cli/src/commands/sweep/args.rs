//! The arguments of `sweep`.

use clap::Args;
use std::path::PathBuf;

/// How the points of an experiment are run.
#[derive(Debug, Args)]
pub struct SweepOptions {
    /// Points that are run at the same time, each by a process of its own; without it as many as there are
    /// processors, at most 4.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Folder of the results; without it results/ and the name of the experiment.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The Debian mirror; without it the one that apt uses.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
}

/// `sweep`.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// A built-in experiment, or a file of your own ending in .toml.
    #[arg(value_name = "NAME|FILE.toml")]
    pub experiment: String,
    /// Show the points with their indices, and run nothing.
    #[arg(long, conflicts_with_all = ["point", "jobs"])]
    pub list: bool,
    /// Run this point only, and collect nothing: what each task of a cluster's job array calls.
    #[arg(long, value_name = "K", conflicts_with = "jobs")]
    pub point: Option<usize>,
    #[command(flatten)]
    pub options: SweepOptions,
    /// Print one JSON document in place of the table.
    #[arg(long)]
    pub json: bool,
    /// End when standard input does: the sweep that started this process is gone.
    #[arg(long, hide = true, requires = "point")]
    pub attached: bool,
}
