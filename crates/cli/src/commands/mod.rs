//! The commands, one file each.

mod artifact;
mod boot;
mod compare;
mod condition;
mod doctor;
mod exec;
mod exec_guest;
mod functions;
mod functions_check;
mod functions_payload;
mod guest;
mod report;
mod report_files;
mod report_tree;
mod reproduce;
mod results_dir;
mod run;
mod state_folder;
mod sweep;
mod systems;
mod trace;
mod verify;
mod whole_file;

pub use artifact::ArtifactArgs;
pub use reproduce::ReproduceArgs;
pub use sweep::SweepArgs;

use crate::args::Command;
use crate::failure::Failure;

/// Does what was asked for; returns the exit status.
pub fn dispatch(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Run(args) => run::run(*args),
        Command::Trace(args) => trace::trace(*args),
        Command::Verify(args) => verify::verify(*args),
        Command::Functions(args) => functions::functions(args),
        Command::Systems(args) => systems::systems(args),
        Command::Guest(args) => guest::guest(args),
        Command::Boot(args) => boot::boot(args),
        Command::Exec(args) => exec::exec(*args),
        Command::Report(args) => report::report(args),
        Command::Artifact(args) => artifact::artifact(&args),
        Command::Compare(args) => compare::compare(args),
        Command::Doctor(args) => doctor::doctor(args),
        Command::Sweep(args) => sweep::sweep(&args),
        Command::Reproduce(args) => reproduce::reproduce(&args),
    }
}
