//! Progress of one of several pieces of work: the same, with its place among them in front of each phase.

use super::Reporter;
use experiment::Observer;
use guest::progress::Progress;
use sim::Picos;

/// A reporter whose phases begin with a text such as `3 of 9, aes-go`.
pub struct Numbered<'a> {
    inner: &'a Reporter,
    place: String,
}

impl<'a> Numbered<'a> {
    /// The work at `place` is shown by `inner`.
    pub fn new(inner: &'a Reporter, place: String) -> Self {
        Self { inner, place }
    }

    fn with_place(&self, what: &str) -> String {
        format!("{}: {what}", self.place)
    }
}

impl Progress for Numbered<'_> {
    fn start(&self, what: &str, total_bytes: Option<u64>) {
        self.inner.start(&self.with_place(what), total_bytes);
    }

    fn advance(&self, bytes: u64) {
        self.inner.advance(bytes);
    }

    fn finish(&self) {
        self.inner.finish();
    }

    fn note(&self, line: &str) {
        self.inner.note(line);
    }
}

impl Observer for Numbered<'_> {
    fn phase(&self, name: &str) {
        self.inner.phase(&self.with_place(name));
    }

    fn console(&self, bytes: &[u8]) {
        self.inner.console(bytes);
    }

    fn cancelled(&self) -> bool {
        self.inner.cancelled()
    }

    fn as_progress(&self) -> &dyn Progress {
        self
    }

    fn running(&self, phase: &str, virtual_now: Picos, instructions: u64) {
        self.inner.running(&self.with_place(phase), virtual_now, instructions);
    }

    fn invocation(&self, index: u32, of: u32) {
        self.inner.invocation(index, of);
    }
}
