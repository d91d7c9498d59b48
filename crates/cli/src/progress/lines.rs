//! Progress where nobody can redraw a line: log files, pipes.

use super::Display;
use std::io::Write;
use std::time::{Duration, Instant};

/// Time between two lines about the same work.
const PAUSE: Duration = Duration::from_secs(5);

/// Plain lines.
pub(super) struct Lines {
    out: Box<dyn Write + Send>,
    open: Option<Work>,
}

struct Work {
    what: String,
    total: Option<u64>,
    done: u64,
    since: Instant,
    said: Instant,
}

impl Lines {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, open: None }
    }

    /// A closed standard error is no reason to stop the work.
    fn say(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
    }

    /// Whether it is time for another line about the open work.
    fn is_due(&mut self) -> bool {
        let due = self.open.as_ref().is_some_and(|work| work.said.elapsed() >= PAUSE);
        if due && let Some(work) = &mut self.open {
            work.said = Instant::now();
        }
        due
    }
}

impl Display for Lines {
    fn start(&mut self, what: &str, total: Option<u64>) {
        let now = Instant::now();
        let size = total.map_or_else(String::new, |total| format!(" ({})", mib(total)));
        self.say(&format!("{what}{size}"));
        self.open = Some(Work { what: what.to_owned(), total, done: 0, since: now, said: now });
    }

    fn advance(&mut self, bytes: u64) {
        let Some(work) = &mut self.open else { return };
        work.done += bytes;
        if self.is_due()
            && let Some(work) = &self.open
        {
            let line = work.line();
            self.say(&line);
        }
    }

    fn status(&mut self, text: &str) {
        if self.is_due() {
            self.say(&format!("  {text}"));
        }
    }

    fn finish(&mut self) {
        if let Some(work) = self.open.take() {
            let seconds = work.since.elapsed().as_secs_f64();
            if seconds >= 1.0 {
                self.say(&format!("  {}: done in {seconds:.1} s", work.what));
            }
        }
    }

    fn clear(&mut self) {
        self.open = None;
    }

    fn note(&mut self, line: &str) {
        self.say(line);
    }
}

impl Work {
    /// How far it is and how long it will take at the speed so far.
    fn line(&self) -> String {
        let seconds = self.since.elapsed().as_secs_f64();
        match self.total {
            Some(total) if self.done > 0 => {
                let left = total.saturating_sub(self.done) as f64;
                let left = seconds * left / self.done as f64;
                format!("  {}: {} of {}, {left:.0} s left", self.what, mib(self.done), mib(total))
            }
            _ => format!("  {}: {}", self.what, mib(self.done)),
        }
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn quick_work_is_one_line_however_often_it_advances() {
        let paper = Paper::default();
        let mut lines = Lines::new(Box::new(paper.clone()));
        lines.start("downloading", Some(3 << 20));
        for _ in 0..1000 {
            lines.advance(1024);
            lines.status("half way");
        }
        lines.finish();
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "downloading (3.0 MiB)\n");
    }

    #[test]
    fn slow_work_tells_how_far_it_is() {
        let paper = Paper::default();
        let mut lines = Lines::new(Box::new(paper.clone()));
        lines.start("downloading", Some(4 << 20));
        let long_ago = Instant::now().checked_sub(2 * PAUSE).unwrap();
        let work = lines.open.as_mut().unwrap();
        (work.since, work.said) = (long_ago, long_ago);
        lines.advance(1 << 20);
        lines.finish();
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("  downloading: 1.0 MiB of 4.0 MiB, 30 s left\n"), "{text}");
        assert!(text.ends_with("  downloading: done in 10.0 s\n"), "{text}");
    }
}
