//! `artifact`: the appendix of a paper's artifact, for results that are there.

mod disk;
mod machine;
mod origin;
mod parts;

use super::report::{nothing, tell, title};
use super::report_tree::find;
use super::whole_file;
use crate::failure::Failure;
use crate::{home, output};
use ::guest::functions::Catalogue;
use ::report::artifact::{Choices, Facts, GENERATOR, Program, appendix, document};
use ::report::html::LeftOut;
use anyhow::{Context as _, anyhow};
use clap::Args;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// The file of the appendix, among the results.
const APPENDIX: &str = "artifact-appendix.md";
/// What a system's `restoration.kind` can be.
const RESTORATION_UNITS: [&str; 5] =
    ["jukebox", "ignite", "pif", "perfect_l1i", "perfect_front_end"];

/// `artifact`.
#[derive(Debug, Args)]
pub struct ArtifactArgs {
    /// A folder with results of reproduce, sweep or run, however deep.
    pub dir: PathBuf,
    /// Where to write the appendix. [default: artifact-appendix.md in DIR]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print what it is made of as one JSON document, in place of where it was written.
    #[arg(long)]
    pub json: bool,
}

pub fn artifact(args: &ArtifactArgs) -> Result<u8, Failure> {
    let tree = find(&args.dir).map_err(Failure::input)?;
    let out = args.out.clone().unwrap_or_else(|| args.dir.join(APPENDIX));
    ours_or_free(&out).map_err(Failure::input)?;
    let mut left_out = tree.left_out;
    let parts = parts::parts(&args.dir, &tree.places, &mut left_out).map_err(Failure::failed)?;
    if parts.is_empty() {
        return Err(Failure::input(nothing(&args.dir, &left_out)));
    }
    let described = left_out.iter().map(|LeftOut { name, reason }| format!("{name}: {reason}"));
    let facts = Facts {
        results: title(&args.dir),
        program: program(),
        machine: machine::machine(),
        disk: disk::disk(&home::find()?, &args.dir, &tree.places, &out).map_err(Failure::failed)?,
        choices: choices().map_err(Failure::failed)?,
        parts,
        left_out: described.collect(),
    };
    whole_file::write(&out, appendix(&facts).as_bytes()).map_err(Failure::failed)?;
    tell(&left_out);
    if args.json {
        let mut document = document(&facts);
        document["appendix"] = out.display().to_string().into();
        output::print_json(&document)?;
    } else {
        let runs: usize = facts.parts.iter().map(|part| part.runs.len()).sum();
        output::print(format!(
            "appendix, of {runs} run{}: {}\n",
            if runs == 1 { "" } else { "s" },
            out.display()
        ))?;
    }
    Ok(0)
}

/// Refuses a file that somebody has written, or gone on writing: it would be lost.
fn ours_or_free(out: &Path) -> anyhow::Result<()> {
    let mut beginning = Vec::new();
    let read = File::open(out)
        .and_then(|file| file.take(GENERATOR.len() as u64).read_to_end(&mut beginning));
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(_) if beginning == GENERATOR.as_bytes() => Ok(()),
        Ok(_) => Err(anyhow!(
            "writing the appendix to {}: the file is there and was not written by this command, or has been taken over \
             by hand; name another with --out, or remove it",
            out.display()
        )),
        Err(error) => Err(error)
            .context(format!("writing the appendix to {}; name a file with --out", out.display())),
    }
}

fn program() -> Program {
    let (version, sources) =
        experiment::sweep::PROGRAM.split_once(' ').expect("it is a version and a hash");
    Program {
        version: version.to_owned(),
        sources: sources.to_owned(),
        rust: env!("CARGO_PKG_RUST_VERSION").to_owned(),
        licence: env!("CARGO_PKG_LICENSE").to_owned(),
    }
}

fn choices() -> anyhow::Result<Choices> {
    let functions = Catalogue::builtin().context("listing the functions")?;
    Ok(Choices {
        systems: ::system::builtins().map(|builtin| builtin.name.to_owned()).collect(),
        functions: functions.names().map(str::to_owned).collect(),
        restoration_units: RESTORATION_UNITS.map(str::to_owned).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_that_is_named_can_be_had_and_none_of_the_documentation_is_missing() {
        for unit in RESTORATION_UNITS {
            ::system::load("skylake", &[format!("restoration.kind={unit}")]).unwrap();
        }
        let page = include_str!("../../../../../docs/model/restoration.md");
        let (_, table) = page.split_once("| `kind` |").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        assert_eq!(rows.collect::<Vec<_>>(), RESTORATION_UNITS);
    }
}
