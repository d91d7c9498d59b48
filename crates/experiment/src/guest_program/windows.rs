//! Measured windows: the program's `work_begin`..`work_end` pairs, or all of it.
//!
//! gem5's convention: a window is opened and closed by markers with the same work and thread id (the
//! first two arguments), and windows with different ids may overlap.

use crate::measure::FUNCTION_HART;
use crate::statistics;
use report::model::Invocation;
use sim::Picos;
use std::collections::BTreeMap;
use system::TimingStats;

/// Windows kept; each holds every counter of the system.
const MOST: usize = 1000;

/// The counters at one moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub at: Picos,
    pub stats: TimingStats,
}

/// A work id and a thread id.
pub type WorkId = (u64, u64);

/// One measured window.
#[derive(Clone, Debug)]
pub struct Window {
    /// The ids of the markers around it; `None` for the whole program.
    pub work: Option<WorkId>,
    /// What was counted. It is no invocation, but holds the same numbers.
    pub counts: Invocation,
}

/// Windows as they open and close.
#[derive(Debug, Default)]
pub(super) struct Windows {
    open: BTreeMap<WorkId, Reading>,
    closed: Vec<Window>,
    dropped: u64,
    unopened: u64,
}

impl Windows {
    /// A `work_begin`; a second one with the same ids begins the window anew, as in gem5.
    pub fn begin(&mut self, work: WorkId, now: Reading) {
        self.open.insert(work, now);
    }

    /// A `work_end`.
    pub fn end(&mut self, work: WorkId, now: &Reading) {
        match self.open.remove(&work) {
            None => self.unopened += 1,
            Some(_) if self.closed.len() == MOST => self.dropped += 1,
            Some(before) => {
                let index = self.closed.len() as u64;
                self.closed.push(window(index, Some(work), &before, now));
            }
        }
    }

    /// The windows of a program that has ended; without any the whole of it, if that was measured.
    pub fn finish(mut self, whole: Option<Reading>, now: &Reading) -> (Vec<Window>, Vec<String>) {
        let mut notes = Vec::new();
        if !self.open.is_empty() {
            notes.push(format!(
                "{} work_begin without work_end: closed when the program ended or was left alone",
                self.open.len()
            ));
            let open: Vec<WorkId> = self.open.keys().copied().collect();
            for work in open {
                self.end(work, now);
            }
        }
        if self.unopened > 0 {
            notes.push(format!("{} work_end without work_begin: ignored", self.unopened));
        }
        if self.dropped > 0 {
            notes.push(format!(
                "{} windows after the first {MOST} are not reported; put the markers around \
                 more work",
                self.dropped
            ));
        }
        if self.closed.is_empty()
            && let Some(before) = whole
        {
            self.closed.push(window(0, None, &before, now));
        }
        (self.closed, notes)
    }
}

fn window(index: u64, work: Option<WorkId>, before: &Reading, after: &Reading) -> Window {
    let counted = stats::Stats::since(&after.stats, &before.stats);
    let wrong = counted.audit();
    assert!(wrong.is_empty(), "the books of window {index} do not balance: {}", wrong.join("; "));
    let counts = Invocation::measured(
        index,
        after.at.saturating_sub(before.at).as_nanos(),
        serde_json::Value::Null,
        FUNCTION_HART,
        statistics::harts(&counted),
        statistics::shared(&counted, FUNCTION_HART as usize),
    );
    Window { work, counts: counts.expect("the program's hart is among the measured ones") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Reading {
        let system = system::load("simple", &[]).unwrap();
        let stats = system::Timing::new(&system.config).unwrap().stats();
        Reading { at: Picos::from_nanos(nanos), stats }
    }

    fn lengths(windows: &[Window]) -> Vec<(Option<WorkId>, u64)> {
        windows.iter().map(|window| (window.work, window.counts.latency_ns)).collect()
    }

    #[test]
    fn pairs_with_different_ids_may_overlap() {
        let mut windows = Windows::default();
        windows.begin((1, 0), at(10));
        windows.begin((2, 0), at(20));
        windows.end((1, 0), &at(50));
        windows.end((2, 0), &at(90));
        let (closed, notes) = windows.finish(Some(at(0)), &at(100));
        assert_eq!(lengths(&closed), [(Some((1, 0)), 40), (Some((2, 0)), 70)]);
        assert_eq!(notes, [""; 0]);
    }

    #[test]
    fn without_markers_the_whole_program_is_the_window() {
        let (closed, notes) = Windows::default().finish(Some(at(5)), &at(100));
        assert_eq!((lengths(&closed), notes.len()), (vec![(None, 95)], 0));
        let (closed, _) = Windows::default().finish(None, &at(100));
        assert!(closed.is_empty(), "nothing was measured");
    }

    #[test]
    fn halves_of_pairs_are_told_of() {
        let mut windows = Windows::default();
        windows.end((7, 0), &at(1));
        windows.begin((1, 1), at(10));
        let (closed, notes) = windows.finish(Some(at(0)), &at(30));
        assert_eq!(lengths(&closed), [(Some((1, 1)), 20)]);
        assert!(notes[0].contains("without work_end"), "{notes:?}");
        assert!(notes[1].contains("1 work_end without work_begin"), "{notes:?}");
    }

    #[test]
    fn endless_windows_do_not_fill_the_memory() {
        let mut windows = Windows::default();
        let (first, last) = (at(0), at(1));
        for _ in 0..MOST + 3 {
            windows.begin((0, 0), first.clone());
            windows.end((0, 0), &last);
        }
        let (closed, notes) = windows.finish(None, &last);
        assert_eq!(closed.len(), MOST);
        assert!(notes[0].contains("3 windows"), "{notes:?}");
    }
}
