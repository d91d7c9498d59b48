//! The front end's state: where it predicts, what it fetches, why it stands still.

use super::slot::NEVER;
use super::stats::Lost;
use branch::Record;
use mem::{Cycle, Level, Ticket};
use std::collections::VecDeque;
use stream::{BranchKind, Instr, PhysAddr, VirtAddr};

/// A fetch target: instruction bytes that the branch predictor says follow each other.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) start: VirtAddr,
    /// The first byte that is not in it.
    pub(super) end: VirtAddr,
    /// The branch that ends it, if the branch target buffer knows one.
    pub(super) guess: Option<Guess>,
    /// Where the next target starts.
    pub(super) next: VirtAddr,
    pub(super) translation: Translating,
    /// Its translation took a walk.
    pub(super) walked: bool,
    pub(super) line: Line,
    /// Its line was on its way when it was asked for.
    pub(super) in_flight: bool,
}

/// A branch as the predictor sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    pub(super) pc: VirtAddr,
    pub(super) kind: BranchKind,
    pub(super) record: Record,
}

/// How far the translation of a target is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Translating {
    /// It has not been asked for.
    No,
    /// Memory has yet to say when a page-table entry is there.
    Pending(Ticket),
    /// The physical address is known then; none if there is no page.
    Known(Cycle, Option<PhysAddr>),
}

impl Translating {
    pub(super) fn is_pending(self) -> bool {
        matches!(self, Self::Pending(_))
    }
}

/// How far the fetch of a target's bytes is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    /// It has not been asked for.
    No,
    /// Memory has yet to say when the line is there.
    Pending(Ticket),
    /// The bytes are there then, from that level.
    Known(Cycle, Level),
}

/// Why no instruction is fetched although there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// The next instruction must be alone: once the core is empty.
    Alone,
    /// The last instruction must be alone: once it has committed.
    Serialising,
    /// The last instruction trapped, or an interrupt comes next: once the core is empty, and after
    /// the time that takes.
    Trap,
}

/// The state of prediction and fetch.
#[derive(Clone, Debug)]
pub(super) struct Front {
    /// Where the next target starts; none while nobody knows.
    pub(super) predict: Option<VirtAddr>,
    /// The predictor is free again.
    pub(super) predict_at: Cycle,
    pub(super) targets: VecDeque<Target>,
    /// Targets, from the first on, whose translation was asked for.
    pub(super) translated: usize,
    /// Targets, from the first on, whose bytes were asked for.
    pub(super) requested: usize,
    /// The instruction that fetch takes next.
    pub(super) fetch: VirtAddr,
    /// Bytes of the next cycle that the last instruction has had already: less than one of it.
    pub(super) owed: u64,
    /// Fetch is on a wrong path.
    pub(super) off_path: bool,
    /// The wrong path has nothing more to fetch.
    pub(super) dead_end: bool,
    pub(super) halt: Option<Halt>,
    /// When the halt began.
    pub(super) halted_at: Cycle,
    /// When a halt that the empty core ended lets fetch go on.
    pub(super) resume_at: Cycle,
    /// Cycles that instructions behind a serialising one have spent waiting instead of in the front
    /// end's stages.
    pub(super) credit: u64,
    /// An instruction of the right path that was taken from the source and not fetched yet.
    pub(super) held: Option<Instr>,
    /// Instructions of the right path to fetch again.
    pub(super) replay: VecDeque<Instr>,
    /// Instructions of those that prediction has seen.
    pub(super) ahead: usize,
    /// What the front end is refilling after, until an instruction is fetched.
    pub(super) refilling: Option<Lost>,
    /// Why fetch delivered nothing, for each of the latest cycles.
    pub(super) log: [Lost; Self::LOG],
}

impl Front {
    /// Cycles that are remembered: more than lie between fetch and rename.
    pub(super) const LOG: usize = 128;

    pub(super) fn new() -> Self {
        Self {
            predict: None,
            predict_at: Cycle(0),
            targets: VecDeque::new(),
            translated: 0,
            requested: 0,
            fetch: VirtAddr(0),
            owed: 0,
            off_path: false,
            dead_end: false,
            halt: None,
            halted_at: Cycle(0),
            resume_at: Cycle(0),
            credit: 0,
            held: None,
            replay: VecDeque::new(),
            ahead: 0,
            refilling: None,
            log: [Lost::FrontOther; Self::LOG],
        }
    }

    /// Forgets all targets and goes on at `pc`, if that is known, from `at` on.
    pub(super) fn redirect(&mut self, pc: Option<VirtAddr>, at: Cycle) {
        self.targets.clear();
        self.translated = 0;
        self.requested = 0;
        self.predict = pc;
        self.predict_at = at;
        self.credit = 0;
        self.ahead = 0;
        self.owed = 0;
        if let Some(pc) = pc {
            self.fetch = pc;
        }
    }

    /// The record of the oldest prediction that is not of an instruction yet.
    pub(super) fn oldest_record(&self) -> Option<Record> {
        self.targets.iter().find_map(|target| target.guess.map(|guess| guess.record))
    }

    /// Whether the next instruction begins in the first target.
    pub(super) fn is_in_first_target(&self) -> bool {
        self.targets.front().is_some_and(|target| {
            self.fetch.0.wrapping_sub(target.start.0) < target.end.0.wrapping_sub(target.start.0)
        })
    }

    /// Whether the next instruction begins after the branch that the first target was to end with.
    pub(super) fn is_past_guess(&self) -> bool {
        self.targets.front().is_some_and(|target| {
            target.guess.is_some_and(|guess| {
                let start = target.start.0;
                let fetch = self.fetch.0.wrapping_sub(start);
                fetch > guess.pc.0.wrapping_sub(start) && fetch <= 1 << 12
            })
        })
    }

    /// Takes the next instruction that was taken from the source before.
    pub(super) fn next_replayed(&mut self) -> Option<Instr> {
        self.ahead = self.ahead.saturating_sub(1);
        self.replay.pop_front()
    }

    /// Takes the first target out.
    pub(super) fn pop_target(&mut self) {
        self.owed = 0;
        self.targets.pop_front();
        self.translated = self.translated.saturating_sub(1);
        self.requested = self.requested.saturating_sub(1);
    }

    /// When translation and bytes that have been asked for let something go on, as far as that is known.
    pub(super) fn next_times(&self) -> [Cycle; 3] {
        let line = |index: usize| match self.targets.get(index).map(|target| target.line) {
            Some(Line::Known(at, _)) => at,
            _ => NEVER,
        };
        let translation = match self.targets.get(self.requested).map(|next| next.translation) {
            Some(Translating::Known(at, _)) => at,
            _ => NEVER,
        };
        [line(0), self.requested.checked_sub(1).map_or(NEVER, line), translation]
    }

    /// When the bytes of the first target are there, if that is known.
    pub(super) fn first_line_at(&self) -> Cycle {
        match self.targets.front().map(|target| target.line) {
            Some(Line::Known(at, _)) => at,
            _ => NEVER,
        }
    }
}
