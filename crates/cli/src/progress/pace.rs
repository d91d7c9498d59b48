//! How fast the simulation runs and how much of it is left, in words.

use sim::Picos;
use std::time::Instant;

/// Speed since the beginning of a phase.
pub(super) struct Pace {
    since: Instant,
    /// Instructions at the first report.
    first: Option<u64>,
    /// Instructions at the latest one.
    latest: u64,
    work: Option<Work>,
}

/// Pieces of like size that are done one after the other.
struct Work {
    /// The one under way, from 0.
    index: u32,
    of: u32,
    since: Instant,
    /// Instructions at the start of the first, and of this one.
    first: u64,
    begun: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), first: None, latest: 0, work: None }
    }

    /// Piece `index` of `of` begins.
    pub(super) fn begin(&mut self, index: u32, of: u32) {
        let begun = self.latest;
        self.work = Some(match self.work.take() {
            Some(work) if index > 0 => Work { index, of, begun, ..work },
            _ => Work { index, of, since: Instant::now(), first: begun, begun },
        });
    }

    /// The line about `phase`.
    pub(super) fn line(&mut self, phase: &str, virtual_now: Picos, instructions: u64) -> String {
        if self.first.is_none() {
            self.first = Some(instructions);
            if let Some(work) = &mut self.work {
                (work.first, work.begun) = (instructions, instructions);
            }
        }
        self.latest = instructions;
        let speed = count(self.rate());
        match &self.work {
            Some(work) => {
                let Work { index, of, .. } = work;
                let left = work
                    .left(instructions)
                    .map_or(String::new(), |seconds| format!(", {} left", duration(seconds)));
                format!(
                    "{phase}: invocation {} of {of}, {speed} instructions a second{left}",
                    index + 1
                )
            }
            None => format!(
                "{phase}: {:.3} s of virtual time, {} instructions, {speed} a second",
                virtual_now.as_secs_f64(),
                count(instructions as f64),
            ),
        }
    }

    /// Instructions per second of wall time.
    fn rate(&self) -> f64 {
        let first = self.first.unwrap_or(self.latest);
        let seconds = self.since.elapsed().as_secs_f64().max(1e-3);
        self.latest.saturating_sub(first) as f64 / seconds
    }
}

impl Work {
    /// Seconds until all pieces are done, if they are like those that are.
    fn left(&self, instructions: u64) -> Option<f64> {
        let finished = self.begun.saturating_sub(self.first);
        if self.index == 0 || finished == 0 {
            return None;
        }
        let piece = finished as f64 / f64::from(self.index);
        let share = instructions.saturating_sub(self.begun) as f64 / piece;
        let done = f64::from(self.index) + share.min(1.0);
        let each = self.since.elapsed().as_secs_f64() / done;
        Some(each * (f64::from(self.of) - done))
    }
}

fn duration(seconds: f64) -> String {
    match seconds.round() as u64 {
        seconds if seconds >= 3600 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        seconds if seconds >= 60 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{seconds} s"),
    }
}

/// A number with the unit that keeps it short.
fn count(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.2} G", n / 1e9),
        n if n >= 1e6 => format!("{:.2} M", n / 1e6),
        n if n >= 1e3 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn time_left_follows_from_the_pieces_that_are_done() {
        let mut pace = Pace::new();
        pace.begin(0, 4);
        let line = pace.line("measuring", Picos::ZERO, 5_000);
        assert!(line.starts_with("measuring: invocation 1 of 4, "), "{line}");
        assert!(!line.contains("left"), "nothing is done yet: {line}");
        pace.line("measuring", Picos::ZERO, 6_000);
        pace.begin(1, 4);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(100)).unwrap();
        pace.work.as_mut().unwrap().since = long_ago;
        // One and a half of four in 100 seconds.
        let line = pace.line("measuring", Picos::ZERO, 6_500);
        assert!(line.contains("invocation 2 of 4"), "{line}");
        assert!(line.ends_with(", 2 min 47 s left"), "{line}");
    }

    #[test]
    fn without_pieces_the_line_tells_virtual_time() {
        let line = Pace::new().line("booting", Picos::from_millis(1500), 2_000_000);
        assert!(
            line.starts_with("booting: 1.500 s of virtual time, 2.00 M instructions"),
            "{line}"
        );
    }
}
