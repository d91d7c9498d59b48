//! The command line: the only crate that prints, exits or reads its arguments.
//!
//! Results go to standard output, everything else to standard error. Exit status: 0 done, 1 the run
//! failed, 2 the input is wrong, 130 stopped by Ctrl-C.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod failure;
mod home;
mod host;
mod interrupt;
mod jobs;
mod output;
mod progress;

use args::Cli;
use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let status = if error.use_stderr() { failure::INPUT } else { 0 };
            // A closed pipe behind `--help` is nothing to complain about.
            let _ = error.print();
            return ExitCode::from(status);
        }
    };
    start_log(cli.verbose);
    interrupt::install();
    match commands::dispatch(cli.command) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.status)
        }
    }
}

/// Log lines on standard error: warnings, and more for each `-v`; `RUST_LOG` overrides.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}
