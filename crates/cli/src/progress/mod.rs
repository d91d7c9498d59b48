//! How a running command shows what it is doing, on standard error.
//!
//! On a terminal: one bar or spinner with bytes, speed and time left. Elsewhere: a line when work
//! starts or ends, and now and then in between.

mod bar;
mod lines;

use crate::interrupt;
use bar::Bar;
use experiment::Observer;
use guest::progress::Progress;
use lines::Lines;
use sim::Picos;
use std::io::{IsTerminal as _, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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
    /// A line of its own.
    fn note(&mut self, line: &str);
}

/// Shows what guest builder and experiment report.
pub struct Reporter {
    state: Mutex<State>,
}

struct State {
    display: Box<dyn Display>,
    speed: Speed,
}

impl Reporter {
    /// Bars on a terminal, lines elsewhere.
    pub fn new() -> Self {
        let display: Box<dyn Display> = if stderr().is_terminal() {
            Box::new(Bar::default())
        } else {
            Box::new(Lines::new(Box::new(stderr())))
        };
        Self { state: Mutex::new(State { display, speed: Speed::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while drawing left nothing that matters.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        state.speed = Speed::new();
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
        let rate = state.speed.rate(instructions);
        let text = format!(
            "{phase}: {:.3} s of virtual time, {} instructions, {} a second",
            virtual_now.as_secs_f64(),
            count(instructions as f64),
            count(rate)
        );
        state.display.status(&text);
    }
}

/// Instructions per second of wall time since the first report of a phase.
struct Speed {
    since: Instant,
    first: Option<u64>,
}

impl Speed {
    fn new() -> Self {
        Self { since: Instant::now(), first: None }
    }

    fn rate(&mut self, instructions: u64) -> f64 {
        let first = *self.first.get_or_insert(instructions);
        let seconds = self.since.elapsed().as_secs_f64().max(1e-3);
        instructions.saturating_sub(first) as f64 / seconds
    }
}

/// A number with the unit that keeps it short.
fn count(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.2} G", n / 1e9),
        n if n >= 1e6 => format!("{:.1} M", n / 1e6),
        n if n >= 1e3 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}
