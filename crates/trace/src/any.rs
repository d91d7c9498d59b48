//! A trace of whatever format.

use crate::native::MAGIC;
use crate::{ChampSimSource, Mark, Metadata, TraceError, TraceSource};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use stream::{Fetched, HartId, Instead, Instr, Source, Translate, VirtAddr, Walk};

/// A trace that was told by its content.
#[derive(Debug)]
pub enum AnySource {
    /// One of ours.
    Native(Box<TraceSource>),
    /// One of ChampSim's.
    ChampSim(Box<ChampSimSource>),
}

/// Opens a trace. What does not begin like a native one is taken for one of ChampSim's, which have
/// no beginning of their own.
///
/// # Errors
///
/// The file cannot be read, or is neither.
pub fn open(path: &Path) -> Result<AnySource, TraceError> {
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start))
        .map_err(TraceError::io("opening", path))?;
    Ok(if start == MAGIC {
        AnySource::Native(Box::new(TraceSource::open(path)?))
    } else {
        AnySource::ChampSim(Box::new(ChampSimSource::open(path)?))
    })
}

impl AnySource {
    /// The number of harts.
    #[must_use]
    pub fn harts(&self) -> u32 {
        match self {
            Self::Native(source) => source.metadata().harts,
            Self::ChampSim(_) => 1,
        }
    }

    /// What the trace says about itself, if its format can.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata> {
        match self {
            Self::Native(source) => Some(source.metadata()),
            Self::ChampSim(_) => None,
        }
    }

    /// The mark that `hart` has come to, once.
    pub fn take_mark(&mut self, hart: HartId) -> Option<Mark> {
        match self {
            Self::Native(source) => source.take_mark(hart),
            Self::ChampSim(_) => None,
        }
    }

    /// What ended the replay before its time.
    #[must_use]
    pub fn error(&self) -> Option<&TraceError> {
        match self {
            Self::Native(source) => source.error(),
            Self::ChampSim(source) => source.error(),
        }
    }
}

impl Source for AnySource {
    fn next(&mut self, hart: HartId) -> Fetched {
        match self {
            Self::Native(source) => source.next(hart),
            Self::ChampSim(source) => source.next(hart),
        }
    }

    fn next_overlapped(&mut self, hart: HartId, into: &mut Instr) -> Result<(), Instead> {
        match self {
            Self::Native(source) => source.next_overlapped(hart, into),
            Self::ChampSim(source) => source.next_overlapped(hart, into),
        }
    }

    fn walk(&mut self, hart: HartId, va: VirtAddr, kind: Translate) -> Walk {
        match self {
            Self::Native(source) => source.walk(hart, va, kind),
            Self::ChampSim(source) => source.walk(hart, va, kind),
        }
    }
}
