//! A trace of whatever format.

use crate::native::MAGIC;
use crate::{ChampSimSource, TraceError, TraceSource};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use stream::{Fetched, HartId, Source, Translate, VirtAddr, Walk};

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

    fn walk(&mut self, hart: HartId, va: VirtAddr, kind: Translate) -> Walk {
        match self {
            Self::Native(source) => source.walk(hart, va, kind),
            Self::ChampSim(source) => source.walk(hart, va, kind),
        }
    }
}
