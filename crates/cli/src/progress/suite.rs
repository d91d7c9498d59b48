//! Progress of several pieces of work, some of them at the same time.

use super::{Reporter, terminal};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many pieces are done, below what is going on in each that is under way.
pub struct Suite {
    /// None: lines.
    terminal: Option<MultiProgress>,
    bar: ProgressBar,
    total: usize,
    done: AtomicUsize,
}

impl Suite {
    /// Of `total` pieces none is done.
    pub fn new(total: usize) -> Self {
        let terminal = terminal();
        let bar = match &terminal {
            Some(terminal) => terminal.add(ProgressBar::new(total as u64)),
            None => ProgressBar::hidden(),
        };
        let style =
            ProgressStyle::with_template("{wide_bar} {pos} of {len}, {elapsed}, {eta} left");
        bar.set_style(style.expect("the template is constant"));
        bar.enable_steady_tick(Duration::from_secs(1));
        Self { terminal, bar, total, done: AtomicUsize::new(0) }
    }

    /// Shows one piece of work after the other.
    pub fn reporter(&self) -> Reporter {
        Reporter::on(self.terminal.as_ref())
    }

    /// One piece more is done; `line` says how it went.
    pub fn done(&self, line: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.bar.inc(1);
        self.bar.suspend(|| eprintln!("{line} ({done} of {} done)", self.total));
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
