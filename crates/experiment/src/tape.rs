//! A trace recorded while a function is measured.
//!
//! The recorder stands between the timing model and the machine, so what the model is given is what
//! the trace holds, with the time harts waited. The requests that warm the caches are recorded
//! too, under [`Mark::Warming`]: a replay that warms with them starts its windows in the state that
//! the live run had.
//!
//! When a reply is complete is known only after its last frame has reached the client, so every frame
//! that leaves the server within a window is marked as its possible end, and later the right one
//! is named.

use crate::measure::Counted;
use crate::timing::Watched;
use machine::{Pace, Timing};
use sim::Picos;
use stream::{HartId, Source};
use system::{Lost, TimingStats};
use trace::{Mark, Recorder, Recording, Sink, Summary, TraceError};

/// What is recorded, through all modes.
#[derive(Debug)]
pub(crate) struct Tape {
    recording: Recording,
    /// The cycle of the recording system.
    cycle: Picos,
    /// The time up to which the trace tells what each hart did.
    reached: Vec<Picos>,
    /// The time up to which each hart is known to have waited.
    waited: Vec<Picos>,
}

impl Tape {
    pub(crate) fn new(sink: Box<dyn Sink>, harts: usize, cycle: Picos) -> Self {
        let times = vec![Picos::ZERO; harts];
        let recording = Recording::new(sink, harts);
        Self { recording, cycle, reached: times.clone(), waited: times }
    }

    /// Begins the part that warms caches.
    pub(crate) fn begin_warming(&mut self) {
        self.recording.mark(Mark::Warming);
    }

    /// Begins the measured part at virtual time `now`, where all harts start.
    pub(crate) fn begin_detailed(&mut self, now: Picos) {
        for hart in 0..self.reached.len() {
            self.waits(hart, Picos(now.0.div_ceil(self.cycle.0) * self.cycle.0));
        }
        self.recording.mark(Mark::Detailed);
    }

    /// Instructions of `hart` so far.
    pub(crate) fn instructions(&self, hart: HartId) -> u64 {
        self.recording.instructions(hart)
    }

    /// Completes the trace.
    pub(crate) fn finish(self) -> Result<Summary, TraceError> {
        self.recording.finish()
    }

    /// Whether the recording has failed.
    pub(crate) fn is_broken(&self) -> bool {
        self.recording.error().is_some()
    }

    fn waits(&mut self, hart: usize, until: Picos) {
        if until > self.reached[hart] {
            self.recording.waited(HartId(hart as u32), until);
            self.reached[hart] = until;
        }
    }

    /// Notes a place that all harts pass now. Whole cycles of waiting belong before it.
    fn mark(&mut self, mark: Mark) {
        for hart in 0..self.reached.len() {
            let whole = self.waited[hart].0 / self.cycle.0 * self.cycle.0;
            self.waits(hart, Picos(whole));
        }
        self.recording.mark(mark);
    }
}

/// A timing model whose instructions are recorded.
pub(crate) struct Taped<'a, T> {
    pub(crate) inner: T,
    pub(crate) tape: &'a mut Tape,
    /// The invocation whose window is marked, if any is.
    pub(crate) invocation: Option<u64>,
}

impl<T: Counted> Timing for Taped<'_, T> {
    fn pace(&self) -> Pace {
        self.inner.pace()
    }

    fn advance(
        &mut self,
        hart: HartId,
        now: Picos,
        until: Picos,
        source: &mut dyn Source,
    ) -> Picos {
        self.tape.waits(hart.index(), now);
        let mut recorder = Recorder::new(source, &mut self.tape.recording);
        let end = self.inner.advance(hart, now, until, &mut recorder);
        self.tape.reached[hart.index()] = end;
        end
    }

    fn idle(&mut self, hart: HartId, now: Picos) {
        self.tape.waited[hart.index()] = now;
        self.inner.idle(hart, now);
    }
}

impl<T: Counted> Watched for Taped<'_, T> {
    fn stuck(&self) -> Option<&str> {
        self.inner.stuck()
    }
}

impl<T: Counted> Counted for Taped<'_, T> {
    fn stats(&self) -> TimingStats {
        self.inner.stats()
    }

    fn open(&mut self) -> TimingStats {
        if let Some(invocation) = self.invocation {
            self.tape.mark(Mark::Begin(invocation));
        }
        self.inner.open()
    }

    fn lose_to_record(&mut self, lost: &Lost) {
        self.inner.lose_to_record(lost);
    }

    fn sent(&mut self, frame: u64) {
        if self.invocation.is_some() {
            self.tape.mark(Mark::MayEnd(frame));
        }
    }

    fn closed(&mut self, frame: u64) {
        if self.invocation.is_some() {
            self.tape.mark(Mark::EndedAt(frame));
        }
        self.inner.closed(frame);
    }
}
