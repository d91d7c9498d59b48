//! Recording: what passes between a source and a timing model is written on the way.
//!
//! The trace must be good for systems other than the one it was recorded under. A system with
//! smaller TLBs walks for pages that this one still knows, so the recorder does not wait to be
//! asked: when an instruction touches a page of its address space that the trace does not know yet
//! (it was not touched since it was last flushed), it asks the source for the walk itself.
//!
//! The recorded hart is the same as without a recorder: walks change nothing in the source.

use crate::pages::Pages;
use crate::{Mark, Summary, TraceError};
use sim::Picos;
use std::fmt::Debug;
use stream::{
    CacheOp, Fetched, FlushScope, HartId, Instead, Instr, MemAccess, MemKind, PhysAddr, Source,
    Translate, VirtAddr, Walk,
};

/// A trace under construction, of any format.
pub trait Sink: Debug + Send {
    /// Whether it has a use for walks.
    fn keeps_walks(&self) -> bool;

    /// Writes what a source handed out to `hart`.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    fn write(&mut self, hart: HartId, fetched: &Fetched) -> Result<(), TraceError>;

    /// Writes what a walk found in the address space of the last instruction of `hart`.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    fn walk(&mut self, hart: HartId, va: VirtAddr, walk: &Walk) -> Result<(), TraceError>;

    /// Writes the boundary of a window.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    fn mark(&mut self, mark: Mark) -> Result<(), TraceError>;

    /// Completes the trace and gives it its name.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or could not earlier.
    fn finish(self: Box<Self>) -> Result<Summary, TraceError>;
}

/// A trace being recorded: what lives longer than the turn of a hart, for which a [`Recorder`] is
/// made.
#[derive(Debug)]
pub struct Recording {
    sink: Box<dyn Sink>,
    harts: Vec<Touched>,
    error: Option<TraceError>,
}

/// What the trace knows of a hart at this place.
#[derive(Debug)]
struct Touched {
    pages: Pages,
    recent: [Recent; RECENT],
    asid: u16,
    /// Its last record says that it waits.
    waits: bool,
    instructions: u64,
}

/// A page that `pages` is known to know: most accesses are to one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Recent {
    asid: u16,
    page: u64,
    frame: u64,
}

const RECENT: usize = 64;

/// No page has this number.
const NO_PAGE: Recent = Recent { asid: 0, page: u64::MAX, frame: 0 };

impl Recording {
    /// Begins a recording of `harts` harts.
    #[must_use]
    pub fn new(sink: Box<dyn Sink>, harts: usize) -> Self {
        Self { sink, harts: (0..harts).map(|_| Touched::new()).collect(), error: None }
    }

    /// Notes the boundary of a window.
    pub fn mark(&mut self, mark: Mark) {
        self.attempt(|sink| sink.mark(mark));
    }

    /// Notes that `hart` waited until a time: in the live machine a hart that waits is not asked for
    /// instructions, so its source does not say so.
    pub fn waited(&mut self, hart: HartId, until: Picos) {
        self.attempt(|sink| sink.write(hart, &Fetched::Idle { until: Some(until) }));
    }

    /// Instructions of `hart` so far.
    #[must_use]
    pub fn instructions(&self, hart: HartId) -> u64 {
        self.harts[hart.index()].instructions
    }

    /// What ended the recording before its time; the source goes on.
    #[must_use]
    pub fn error(&self) -> Option<&TraceError> {
        self.error.as_ref()
    }

    /// Completes the trace.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or could not earlier.
    pub fn finish(self) -> Result<Summary, TraceError> {
        match self.error {
            Some(error) => Err(error),
            None => self.sink.finish(),
        }
    }

    #[inline]
    fn attempt(&mut self, write: impl FnOnce(&mut dyn Sink) -> Result<(), TraceError>) {
        if self.error.is_none() {
            self.error = write(self.sink.as_mut()).err();
        }
    }

    /// Writes what was handed out. A hart that waits is asked again and again: once is enough.
    #[inline]
    fn note(&mut self, hart: HartId, fetched: &Fetched) {
        let touched = &mut self.harts[hart.index()];
        let waited = touched.waits;
        touched.waits = matches!(fetched, Fetched::Idle { .. });
        match fetched {
            Fetched::Idle { .. } if waited => return,
            Fetched::Instr(instr) => {
                touched.asid = instr.asid;
                touched.instructions += 1;
            }
            Fetched::Flush(scope) => touched.flush(*scope),
            _ => {}
        }
        self.attempt(|sink| sink.write(hart, fetched));
    }

    /// Writes a walk that the trace does not know yet.
    fn note_walk(&mut self, hart: HartId, va: VirtAddr, walk: &Walk) {
        let touched = &mut self.harts[hart.index()];
        if touched.pages.find(touched.asid, va) != Some(walk) {
            touched.pages.insert(touched.asid, va, *walk);
            touched.recent = [NO_PAGE; RECENT];
            self.attempt(|sink| sink.walk(hart, va, walk));
        }
    }
}

impl Touched {
    fn new() -> Self {
        Self {
            pages: Pages::default(),
            recent: [NO_PAGE; RECENT],
            asid: 0,
            waits: false,
            instructions: 0,
        }
    }

    fn flush(&mut self, scope: FlushScope) {
        self.pages.flush(scope);
        self.recent = [NO_PAGE; RECENT];
    }

    /// Whether the trace says that `va` is at `pa`.
    #[inline]
    fn knows(&mut self, va: VirtAddr, pa: PhysAddr) -> bool {
        let entry = Recent { asid: self.asid, page: va.0 >> 12, frame: pa.0 >> 12 };
        let slot = entry.page as usize % RECENT;
        if self.recent[slot] == entry {
            return true;
        }
        let known = self.pages.translate(self.asid, va) == Some(pa);
        if known {
            self.recent[slot] = entry;
        }
        known
    }
}

/// A source that hands on what another one has, and writes it.
///
/// It lasts as long as the source it borrows, a turn of a hart in the live machine.
#[derive(Debug)]
pub struct Recorder<'a, S: Source + ?Sized> {
    source: &'a mut S,
    recording: &'a mut Recording,
}

impl<'a, S: Source + ?Sized> Recorder<'a, S> {
    /// Writes what `source` hands out to `recording`.
    #[must_use]
    pub fn new(source: &'a mut S, recording: &'a mut Recording) -> Self {
        Self { source, recording }
    }

    /// Sees to it that the trace knows the pages of `instr`.
    #[inline]
    fn touch_pages(&mut self, hart: HartId, instr: &Instr) {
        if instr.translated {
            self.touch(hart, instr.pc, instr.fetch_pa, Translate::Fetch);
            if let Some(tail) = instr.fetch_tail {
                let second = VirtAddr((instr.pc.0 | 0xfff).wrapping_add(1));
                self.touch(hart, second, tail, Translate::Fetch);
            }
        }
        for access in instr.mem.iter().chain(&instr.mem_tail) {
            if access.translated {
                self.touch(hart, access.va, access.pa, purpose(access));
            }
        }
    }

    #[inline]
    fn touch(&mut self, hart: HartId, va: VirtAddr, pa: PhysAddr, kind: Translate) {
        if !self.recording.harts[hart.index()].knows(va, pa) {
            let walk = self.source.walk(hart, va, kind);
            self.recording.note_walk(hart, va, &walk);
        }
    }
}

fn purpose(access: &MemAccess) -> Translate {
    match access.kind {
        MemKind::Load => Translate::Load,
        MemKind::Store | MemKind::Amo => Translate::Store,
        MemKind::Cache(CacheOp::Zero | CacheOp::PrefetchWrite) => Translate::Store,
        MemKind::Cache(CacheOp::PrefetchInstruction) => Translate::Fetch,
        // Maintenance is allowed where reading is.
        MemKind::Cache(_) => Translate::Load,
    }
}

impl<S: Source + ?Sized> Recorder<'_, S> {
    /// Records what the source handed out, and the pages it touches first.
    fn take_down(&mut self, hart: HartId, fetched: &Fetched) {
        self.recording.note(hart, fetched);
        if let Fetched::Instr(instr) = fetched
            && self.recording.sink.keeps_walks()
        {
            self.touch_pages(hart, instr);
        }
    }
}

impl<S: Source + ?Sized> Source for Recorder<'_, S> {
    fn next(&mut self, hart: HartId) -> Fetched {
        let fetched = self.source.next(hart);
        self.take_down(hart, &fetched);
        fetched
    }

    fn next_overlapped(&mut self, hart: HartId, into: &mut Instr) -> Result<(), Instead> {
        let fetched = self.source.next_overlapped(hart, into);
        let handed_out = match fetched {
            Ok(()) => Fetched::Instr(*into),
            Err(Instead::Flush(scope)) => Fetched::Flush(scope),
            Err(Instead::Alone) => Fetched::Alone,
            Err(Instead::Later) => Fetched::Later,
        };
        self.take_down(hart, &handed_out);
        fetched
    }

    fn walk(&mut self, hart: HartId, va: VirtAddr, kind: Translate) -> Walk {
        let walk = self.source.walk(hart, va, kind);
        self.recording.note_walk(hart, va, &walk);
        walk
    }

    fn wrong_path(&mut self, hart: HartId, pc: VirtAddr) {
        self.source.wrong_path(hart, pc);
    }

    fn next_wrong(&mut self, hart: HartId, into: &mut Instr) -> bool {
        self.source.next_wrong(hart, into)
    }

    fn squash(&mut self, hart: HartId) {
        self.source.squash(hart);
    }
}
