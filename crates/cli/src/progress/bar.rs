//! Progress on a terminal.

use super::Display;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::time::Duration;

const BYTES: &str =
    "{spinner} {msg:32!} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
const SPINNER: &str = "{spinner} {wide_msg} {elapsed}";

/// One bar or spinner, replaced by a line when its work is done.
pub(super) struct Bar {
    terminal: MultiProgress,
    open: Option<(ProgressBar, String)>,
}

impl Bar {
    /// One among others on `terminal`.
    pub(super) fn new(terminal: MultiProgress) -> Self {
        Self { terminal, open: None }
    }

    fn close(&mut self) -> Option<(ProgressBar, String)> {
        let (bar, what) = self.open.take()?;
        bar.finish_and_clear();
        self.terminal.remove(&bar);
        Some((bar, what))
    }

    fn print(&self, line: &str) {
        self.terminal.suspend(|| eprintln!("{line}"));
    }
}

impl Display for Bar {
    fn start(&mut self, what: &str, total: Option<u64>) {
        self.finish();
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        // Above the bar of all work, if there is one.
        let bar = self.terminal.insert(0, bar);
        let template = if total.is_some() { BYTES } else { SPINNER };
        let style = ProgressStyle::with_template(template).expect("the templates are constant");
        bar.set_style(style);
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        self.open = Some((bar, what.to_owned()));
    }

    fn advance(&mut self, bytes: u64) {
        if let Some((bar, _)) = &self.open {
            bar.inc(bytes);
        }
    }

    fn status(&mut self, text: &str) {
        match &self.open {
            Some((bar, _)) => bar.set_message(text.to_owned()),
            None => {
                self.start(text, None);
            }
        }
    }

    fn finish(&mut self) {
        if let Some((bar, what)) = self.close() {
            let seconds = bar.elapsed().as_secs_f64();
            self.print(&format!("{what}: {seconds:.1} s"));
        }
    }

    fn clear(&mut self) {
        self.close();
    }

    fn note(&mut self, line: &str) {
        self.print(line);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((bar, _)) = self.open.take() {
            bar.finish_and_clear();
        }
    }
}
