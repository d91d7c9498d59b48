//! The live machine as an instruction source for timing models, and the run loop of the modes that
//! use one.
//!
//! Harts advance by the time a [`Timing`] gives them, one step after the other, the one that is
//! furthest behind first. Virtual time is therefore exact: timers, devices and the wire see the
//! cycles that the model counts. A step may take several instructions, up to one that asks for
//! something of the machine: that is taken up before the next step. It may take several cycles too,
//! up to the next event or another hart's turn, which it is told.
//!
//! Where a timing has [grains](Pace::grain_log2) of time, who is furthest behind is asked by the grain: what
//! one hart does to another (shared memory, an interrupt to it) is seen at most a grain late or early. All
//! that can run have still come to an event before it happens.

mod live;
mod passing;
mod record;

pub(crate) use record::Description;

use crate::cpu::{Event, Machine};
use hart::Hart;
use live::Live;
use sim::Picos;
use stream::{FlushScope, HartId, Source};

/// How finely a model and the guest see time pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The length of a cycle, which the guest's cycle counter counts.
    pub cycle: Picos,
    /// The virtual time that the guest sees pass with each instruction that retires while
    /// [`Timing::advance`] executes several. Zero, where the hart stands at `now` until it returns.
    pub instruction: Picos,
    /// The logarithm of the picoseconds of a grain of time: among harts that are in the same, the one with the
    /// lower number executes until it leaves it. Zero, where all that harts see of each other is exact.
    pub grain_log2: u32,
}

impl Pace {
    /// That of a model which tells where in time each step of a hart is.
    #[must_use]
    pub const fn exact(cycle: Picos) -> Self {
        Self { cycle, instruction: Picos::ZERO, grain_log2: 0 }
    }
}

/// A model that decides how long instructions take.
pub trait Timing {
    /// How finely it tells time.
    fn pace(&self) -> Pace;

    /// Lets `hart`, whose time is `now`, execute from `source` (an instruction at least, if there
    /// is one) and returns the time it is then. Time between the last call for this hart and `now`
    /// was spent waiting. At `until`, which is later than `now`, something may happen to the hart or
    /// another has its turn: it returns as soon as it has got there. It may return before.
    fn advance(&mut self, hart: HartId, now: Picos, until: Picos, source: &mut dyn Source)
    -> Picos;

    /// `hart` has waited, and waits still, at time `now`.
    fn idle(&mut self, hart: HartId, now: Picos);
}

/// Which hart executes next, from when, and until when it is the one furthest behind.
#[derive(Clone, Copy)]
struct NextTurn {
    index: usize,
    start: Picos,
    end: Picos,
}

impl Machine {
    /// Runs under `timing` until `deadline` or until something happens that the caller must know of.
    pub fn run_timed(&mut self, timing: &mut dyn Timing, deadline: Picos) -> Event {
        self.enter_stepping(timing.pace().cycle);
        loop {
            self.refresh();
            if let Some(event) = self.next_report() {
                return event;
            }
            if self.now >= deadline {
                return Event::Deadline;
            }
            let next = self.next_event().min(deadline);
            if !(0..self.harts.len()).any(|index| self.can_run(index)) {
                if next == Picos::NEVER {
                    return Event::Stuck;
                }
                self.pass_idle_time(timing, next);
                continue;
            }
            self.run_until(timing, next);
        }
    }

    /// Lets harts execute until `next`, an event, or nobody can.
    fn run_until(&mut self, timing: &mut dyn Timing, next: Picos) {
        let pace = timing.pace();
        while let Some(turn) = self.next_turn(pace.grain_log2, next) {
            self.now = self.now.max(turn.start);
            if turn.start >= next {
                break;
            }
            self.turn(timing, pace, turn, next);
            if self.take_up_request(turn.index) {
                break;
            }
        }
        self.idle_up_to_now(timing);
    }

    /// Lets a hart execute as long as it is its turn and before `next`, and asks for nothing. Moves the
    /// machine's time to the start of its last step, or of the last instruction where a step has
    /// several. `pace` is that of `timing`.
    fn turn(
        &mut self,
        timing: &mut dyn Timing,
        pace: Pace,
        NextTurn { index, mut start, end }: NextTurn,
        next: Picos,
    ) {
        let end_of_turn = end.min(next);
        self.port.select(index);
        self.stepper.begin_turn(&mut self.harts[index]);
        let Self { harts, port, code, stepper, pending_flushes, .. } = self;
        let (hart, flushes) = (&mut harts[index], &mut pending_flushes[index]);
        let mut source = Live::new(hart, port, code, stepper, flushes, pace.cycle);
        source.turn.hart.set_clock(start, pace.instruction);
        let last = loop {
            source.turn.step_began = start;
            let mut end = timing.advance(HartId(index as u32), start, end_of_turn, &mut source);
            let several = pace.instruction > Picos::ZERO && end > start;
            let began = source.turn.step_began;
            let mut last = if several { end.saturating_sub(pace.instruction) } else { began };
            if std::mem::take(&mut source.turn.locked_up) {
                // Only an interrupt gets it out, and none comes before `next`.
                last = end;
                end = end.max(next);
            }
            if end >= end_of_turn || source.turn.port.has_request() {
                source.turn.hart.set_clock(end, Picos::ZERO);
                break last;
            }
            source.turn.hart.set_clock(end, pace.instruction);
            start = end;
        };
        self.now = self.now.max(last);
    }

    /// Serves what the last instruction asked for. Returns whether deadlines or lines may have moved.
    fn take_up_request(&mut self, index: usize) -> bool {
        let Some(request) = self.port.take_request() else { return false };
        self.serve(index, request);
        true
    }

    /// The turn of the hart that is furthest behind of those that can run, by the grain; the lower number
    /// wins a tie. It ends where the hart stops being that. One that has come to `next` has no turn before
    /// all others have.
    fn next_turn(&self, grain_log2: u32, next: Picos) -> Option<NextTurn> {
        let grain = |at: Picos| if at < next { at.0 >> grain_log2 } else { at.0 };
        let harts = self.harts.iter().map(Hart::now).enumerate();
        let mut candidates = harts.filter(|&(index, _)| self.can_run(index));
        let (index, start) = candidates.next()?;
        let (mut first, mut behind) = (NextTurn { index, start, end: Picos::NEVER }, grain(start));
        let begins = |grain: u64| Picos(grain.saturating_mul(1 << grain_log2));
        for (index, start) in candidates {
            let at = grain(start);
            if at < behind {
                first = NextTurn { index, start, end: begins(behind) };
                behind = at;
            } else {
                // The lower number wins a tie, so that one still has the grain in which this one starts.
                first.end = first.end.min(begins(at.saturating_add(1)));
            }
        }
        Some(first)
    }

    fn pass_idle_time(&mut self, timing: &mut dyn Timing, until: Picos) {
        self.now = self.now.max(until);
        self.idle_up_to_now(timing);
    }

    /// Accounts for the time in which harts waited, up to the machine's time.
    fn idle_up_to_now(&mut self, timing: &mut dyn Timing) {
        for index in 0..self.harts.len() {
            if !self.can_run(index) && self.harts[index].now() < self.now {
                self.harts[index].set_clock(self.now, Picos::ZERO);
            }
            // One that has just been woken has waited up to its time, too; one that executes is
            // where the model put it.
            timing.idle(HartId(index as u32), self.harts[index].now());
        }
    }

    fn enter_stepping(&mut self, cycle: Picos) {
        if !self.stepping {
            self.stepping = true;
            self.stepper.clear();
            self.stepper.adopt_reservations(&self.harts);
            self.port.keep_fences(true);
            for flushes in &mut self.pending_flushes {
                flushes.clear();
                flushes.push_back(FlushScope::All);
            }
        }
        for hart in &mut self.harts {
            let now = hart.now().max(self.now);
            hart.set_clock(now, Picos::ZERO);
            hart.set_cycle(cycle);
        }
    }

    /// Leaves it to the timing side to drop translations, if there is one.
    pub(crate) fn note_flush(&mut self, hart: usize, scope: FlushScope) {
        if self.stepping {
            self.pending_flushes[hart].push_back(scope);
        }
    }
}

#[cfg(test)]
mod tests;
