//! A function's invocations as a trace.

use crate::measure::{self, FUNCTION_HART};
use crate::stages::{self, Stage};
use crate::tape::Tape;
use crate::{Observer, Study, StudyError, prepare, study};
use std::path::Path;
use stream::HartId;
use trace::{ChampSimWriter, Metadata, Sink, Summary, Writer};

/// A format of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// Ours: all harts, with all that a system asks for.
    Native,
    /// ChampSim's: the function's hart.
    ChampSim,
}

/// A finished trace.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// What the file holds.
    pub summary: Summary,
    /// Instructions of the function's hart that warm caches, before the first measured ones.
    pub warming: u64,
    /// Instructions of the function's hart in all.
    pub instructions: u64,
}

/// Records the invocations of a study in the file `out`, which appears when it is whole. What is
/// executed, and when, is the same as in [`run`](crate::run) of the same study.
///
/// # Errors
/// Those of a study, and a file that cannot be written. A request that fails ends the recording.
pub fn record(
    home: &Path,
    study: &Study,
    format: TraceFormat,
    out: &Path,
    observer: &dyn Observer,
) -> Result<Recorded, StudyError> {
    study::check(study)?;
    let plan = prepare::plan(study)?;
    // A file that cannot be made is told of before anything is built.
    let sink = sink(study, format, out)?;
    let guest = prepare::guest(home, study, observer)?;
    let prepared = prepare::function(home, study, plan, observer)?;
    let rig = stages::reach(home, study, &guest, Some(&prepared), Stage::Warm, observer)?;
    let config = &study.system.config;
    let mut tape = Tape::new(sink, config.harts as usize, config.clock().period());
    let warming = measure::record(rig, study, &prepared, &mut tape)?;
    let instructions = tape.instructions(HartId(FUNCTION_HART));
    let summary = tape.finish().map_err(StudyError::Recording)?;
    Ok(Recorded { summary, warming, instructions })
}

fn sink(study: &Study, format: TraceFormat, out: &Path) -> Result<Box<dyn Sink>, StudyError> {
    let sink: Result<Box<dyn Sink>, trace::TraceError> = match format {
        TraceFormat::Native => Writer::create(out, &metadata(study)).map(|w| Box::new(w) as _),
        TraceFormat::ChampSim => {
            ChampSimWriter::create(out, HartId(FUNCTION_HART)).map(|w| Box::new(w) as _)
        }
    };
    Ok(sink?)
}

fn metadata(study: &Study) -> Metadata {
    Metadata {
        function: study.function.clone(),
        system: study.system.name.clone(),
        seed: study.seed,
        creator: format!("vswarm-u {}", env!("CARGO_PKG_VERSION")),
        harts: study.system.config.harts,
    }
}
