//! How a running command shows what it is doing, on standard error.
//!
//! On a terminal: one bar or spinner with bytes, speed and time left. Elsewhere: a line when work
//! starts or ends, and now and then in between.

mod bar;
mod lines;
mod numbered;
mod pace;
mod suite;

pub use numbered::Numbered;
pub use suite::Suite;

use crate::interrupt;
use bar::Bar;
use experiment::Observer;
use guest::progress::Progress;
use indicatif::{MultiProgress, ProgressDrawTarget};
use lines::Lines;
use pace::Pace;
use sim::Picos;
use std::io::{IsTerminal as _, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A way to show progress.
trait Display: Send {
    /// Work on `what` begins; of known size if `total` bytes are given.
    fn start(&mut self, what: &str, total: Option<u64>);
    /// That many bytes more are done.
    fn advance(&mut self, bytes: u64);
    /// How the open work stands, in words.
    fn status(&mut self, text: &str);
    /// The open work is done.
    fn finish(&mut self);
    /// The open work has ended, and somebody else says how.
    fn clear(&mut self);
    /// A line of its own.
    fn note(&mut self, line: &str);
}

/// Shows what guest builder and experiment report.
pub struct Reporter {
    state: Mutex<State>,
}

struct State {
    display: Box<dyn Display>,
    pace: Pace,
}

impl Reporter {
    /// Bars on a terminal, lines elsewhere.
    pub fn new() -> Self {
        Self::on(terminal().as_ref())
    }

    /// Bars on `terminal`; without one lines.
    fn on(terminal: Option<&MultiProgress>) -> Self {
        let display: Box<dyn Display> = match terminal {
            Some(terminal) => Box::new(Bar::new(terminal.clone())),
            None => Box::new(Lines::new(Box::new(stderr()))),
        };
        Self { state: Mutex::new(State { display, pace: Pace::new() }) }
    }

    /// How the open work stands, in words.
    pub fn status(&self, text: &str) {
        self.state().display.status(text);
    }

    /// Ends the open work without a word.
    pub fn clear(&self) {
        self.state().display.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while drawing left nothing that matters.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Standard error, if it is a terminal.
fn terminal() -> Option<MultiProgress> {
    let target = || ProgressDrawTarget::stderr_with_hz(10);
    stderr().is_terminal().then(|| MultiProgress::with_draw_target(target()))
}

impl Progress for Reporter {
    fn start(&self, what: &str, total_bytes: Option<u64>) {
        self.state().display.start(what, total_bytes);
    }

    fn advance(&self, bytes: u64) {
        self.state().display.advance(bytes);
    }

    fn finish(&self) {
        self.state().display.finish();
    }

    fn note(&self, line: &str) {
        self.state().display.note(line);
    }
}

impl Observer for Reporter {
    fn phase(&self, name: &str) {
        let mut state = self.state();
        state.display.finish();
        state.display.start(name, None);
        state.pace = Pace::new();
    }

    fn console(&self, bytes: &[u8]) {
        tracing::debug!(target: "guest", "{}", String::from_utf8_lossy(bytes).trim_end());
    }

    fn cancelled(&self) -> bool {
        interrupt::asked()
    }

    fn as_progress(&self) -> &dyn Progress {
        self
    }

    fn running(&self, phase: &str, virtual_now: Picos, instructions: u64) {
        let mut state = self.state();
        let text = state.pace.line(phase, virtual_now, instructions);
        state.display.status(&text);
    }

    fn invocation(&self, index: u32, of: u32) {
        self.state().pace.begin(index, of);
    }
}
