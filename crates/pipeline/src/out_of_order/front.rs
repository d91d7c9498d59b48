//! The front end's state: where it predicts, what it fetches, why it stands still.

use super::stats::Lost;
use super::targets::Targets;
use mem::Cycle;
use std::collections::VecDeque;
use stream::{Instr, VirtAddr};

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
    pub(super) targets: Targets,
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

    /// With room for `targets` targets.
    pub(super) fn new(targets: u32) -> Self {
        Self {
            predict: None,
            predict_at: Cycle(0),
            targets: Targets::new(targets),
            fetch: VirtAddr(0),
            owed: 0,
            off_path: false,
            dead_end: false,
            halt: None,
            halted_at: Cycle(0),
            resume_at: Cycle(0),
            credit: 0,
            held: None,
            replay: VecDeque::with_capacity(super::slot::SLOTS),
            ahead: 0,
            refilling: None,
            log: [Lost::FrontOther; Self::LOG],
        }
    }

    /// Forgets all targets and goes on at `pc`, if that is known, from `at` on.
    pub(super) fn redirect(&mut self, pc: Option<VirtAddr>, at: Cycle) {
        self.targets.clear();
        self.predict = pc;
        self.predict_at = at;
        self.credit = 0;
        self.ahead = 0;
        self.owed = 0;
        if let Some(pc) = pc {
            self.fetch = pc;
        }
    }

    /// Takes the next instruction of the right path, if it was taken from the source before.
    #[inline]
    pub(super) fn next_again(&mut self) -> Option<Instr> {
        if self.held.is_none() && self.replay.is_empty() {
            return None;
        }
        self.held.take().or_else(|| self.next_replayed())
    }

    fn next_replayed(&mut self) -> Option<Instr> {
        self.ahead = self.ahead.saturating_sub(1);
        self.replay.pop_front()
    }

    /// Takes the first target out.
    #[inline]
    pub(super) fn pop_target(&mut self) {
        self.owed = 0;
        self.targets.pop();
    }
}
