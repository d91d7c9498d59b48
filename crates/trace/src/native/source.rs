//! A native trace as a source.

use super::reader::Reader;
use super::record::Record;
use crate::pages::Pages;
use crate::{Mark, Metadata, TraceError};
use sim::Picos;
use std::fmt;
use std::path::Path;
use stream::{Fetched, HartId, Instead, Instr, Source, Translate, VirtAddr, Walk};

/// Replays a native trace.
///
/// A hart whose records are at their end is [`Fetched::Stopped`]. At a mark the source says
/// [`Fetched::Later`], which ends the step of the caller, and [`TraceSource::take_mark`] tells
/// which. A fault found on the way stops all harts and is kept for [`TraceSource::error`].
///
/// A wait is handed out by [`Source::next`] only, once: a core with instructions under way is told
/// [`Instead::Alone`] and asks again when they are done.
///
/// Walks are answered from the pages that the trace knows at this place, whatever they are for: a
/// page that was found was found. One that it does not know ends in a fault without reading
/// anything; a recorded instruction never needs one.
pub struct TraceSource {
    reader: Reader,
    harts: Vec<Replay>,
    error: Option<TraceError>,
    unknown_walks: u64,
}

/// Where a hart is.
#[derive(Debug, Default)]
struct Replay {
    pages: Pages,
    /// The address space of its last instruction.
    asid: u16,
    mark: Option<Mark>,
    /// A wait that a core with instructions under way came to.
    wait: Option<Option<Picos>>,
}

impl TraceSource {
    /// Opens a trace.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no native trace, is damaged where it says what it holds, or is
    /// not whole.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let reader = Reader::open(path)?;
        let harts = reader.instructions().iter().map(|_| Replay::default()).collect();
        Ok(Self { reader, harts, error: None, unknown_walks: 0 })
    }

    /// What the trace says about itself.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.reader.metadata()
    }

    /// The number of instructions of each hart.
    #[must_use]
    pub fn instructions(&self) -> &[u64] {
        self.reader.instructions()
    }

    /// The mark that `hart` has come to, once.
    pub fn take_mark(&mut self, hart: HartId) -> Option<Mark> {
        self.harts.get_mut(hart.index())?.mark.take()
    }

    /// What ended the replay before its time.
    #[must_use]
    pub fn error(&self) -> Option<&TraceError> {
        self.error.as_ref()
    }

    /// How many walks were asked for that the trace does not hold.
    #[must_use]
    pub fn unknown_walks(&self) -> u64 {
        self.unknown_walks
    }

    fn advance(&mut self, hart: usize) -> Result<Fetched, TraceError> {
        loop {
            let Some(record) = self.reader.next(hart)? else { return Ok(Fetched::Stopped) };
            let replay = &mut self.harts[hart];
            match record {
                Record::Instr(instr) => {
                    replay.asid = instr.asid;
                    // What is wrong with the records that follow does not concern this one.
                    if let Err(error) = self.take_walks(hart) {
                        self.error = Some(error);
                    }
                    return Ok(Fetched::Instr(instr));
                }
                Record::Flush(scope) => {
                    replay.pages.flush(scope);
                    return Ok(Fetched::Flush(scope));
                }
                Record::Idle(until) => return Ok(Fetched::Idle { until }),
                Record::Walk(va, walk) => replay.pages.insert(replay.asid, va, walk),
                Record::Mark(mark) => {
                    replay.mark = Some(mark);
                    return Ok(Fetched::Later);
                }
            }
        }
    }

    /// Takes the walks that were made for the instruction just read.
    #[inline]
    fn take_walks(&mut self, hart: usize) -> Result<(), TraceError> {
        while self.reader.at_walk(hart)? {
            if let Some(Record::Walk(va, walk)) = self.reader.next(hart)? {
                let replay = &mut self.harts[hart];
                replay.pages.insert(replay.asid, va, walk);
            }
        }
        Ok(())
    }
}

impl Source for TraceSource {
    fn next(&mut self, hart: HartId) -> Fetched {
        if self.error.is_some() || hart.index() >= self.harts.len() {
            return Fetched::Stopped;
        }
        if let Some(until) = self.harts[hart.index()].wait.take() {
            return Fetched::Idle { until };
        }
        self.advance(hart.index()).unwrap_or_else(|error| {
            self.error = Some(error);
            Fetched::Stopped
        })
    }

    fn next_overlapped(&mut self, hart: HartId, into: &mut Instr) -> Result<(), Instead> {
        if self.harts.get(hart.index()).is_some_and(|at| at.wait.is_some()) {
            return Err(Instead::Alone);
        }
        let fetched = self.next(hart);
        if let Fetched::Idle { until } = fetched {
            self.harts[hart.index()].wait = Some(until);
        }
        fetched.overlapped(into)
    }

    fn walk(&mut self, hart: HartId, va: VirtAddr, _: Translate) -> Walk {
        let known = self.harts.get(hart.index()).and_then(|at| at.pages.find(at.asid, va));
        known.copied().unwrap_or_else(|| {
            self.unknown_walks += 1;
            Walk::new()
        })
    }
}

impl fmt::Debug for TraceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceSource")
            .field("path", &self.reader.path())
            .field("metadata", self.metadata())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
