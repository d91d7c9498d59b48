//! What the out-of-order core counts beyond what every core does, and where its cycles went.
//!
//! Slots follow the top-down method (Yasin, "A top-down method for performance analysis and counters
//! architecture", ISPASS 2014): each cycle has as many slots as rename is wide. A slot that an
//! instruction took is provisional until the instruction commits (retiring) or is squashed (bad
//! speculation); a slot that none took is lost to one cause. The slots after a squash until the first
//! instruction of the right path arrives are counted by [`Lost`] apart, so that both conventions can be
//! read: hardware counters call them front-end latency, others bad speculation.
//!
//! CPI stacks (Eyerman et al., "A performance counter architecture for computing accurate CPI
//! components", ASPLOS 2006) are read at three stages, because the cost of a cause lies between what the
//! stages say (Eyerman et al., "Extending the performance analysis tool box: multi-stage CPI stacks and
//! FLOPS stacks", ISPASS 2018): at dispatch from the slots, at issue from the slots that the oldest
//! instruction which is not issued leaves empty, at commit from the cycles without a commit.
//!
//! Left out: the split of squashed slots by the squash that took them, for which the numbers of squashes
//! stand in, as with hardware counters. What is behind the back end's slots is taken from the oldest
//! instruction while none commits, not from each slot.

mod causes;

pub(crate) use causes::Side;
pub use causes::{Cause, Guess, IssueSlot, Lost, Spent, Wait};

use branch::direction::DirectionStats;
use stats::{Amount, Counter, Derived, Kind, PerKind, Stats};

/// Counters of the out-of-order core at one privilege.
#[derive(Clone, Debug, Default, PartialEq, Stats)]
pub struct OutOfOrderStats {
    /// Slots at rename: its width, every cycle.
    #[stat(unit = "slots")]
    pub slots: Counter,
    /// Slots that instructions took that committed.
    #[stat(unit = "slots")]
    pub retired: Counter,
    /// Slots that instructions took that were squashed.
    #[stat(unit = "slots")]
    pub squashed: Counter,
    /// Slots that instructions took which were in the core when it changed to another mode.
    #[stat(unit = "slots")]
    pub abandoned: Counter,
    /// Slots that instructions took.
    #[stat(unit = "slots")]
    pub renamed: Counter,
    /// Slots that none took, by cause.
    #[stat(unit = "slots")]
    pub lost: PerKind<Lost>,
    /// Cycles by what they went to, seen at commit.
    #[stat(unit = "cycles")]
    pub spent: PerKind<Spent>,
    /// Slots at issue by what they went to: in each cycle the width of rename or issue, whichever is
    /// less. Instructions issued beyond that take slots of the next cycles.
    #[stat(unit = "slots")]
    pub issue: PerKind<IssueSlot>,
    /// Instructions fetched, of wrong paths too.
    #[stat(unit = "instructions")]
    pub fetched: Counter,
    /// Instructions fetched on wrong paths.
    #[stat(unit = "instructions")]
    pub fetched_off_path: Counter,
    /// Conditional branches committed.
    #[stat(unit = "instructions")]
    pub conditional_branches: Counter,
    /// Where the guesses of conditional branches came from, of those that the front end knew or that
    /// were taken.
    pub direction: DirectionStats,
    /// Squashes by cause, of instructions of the right path.
    #[stat(unit = "events")]
    pub squashes: PerKind<Cause>,
    /// Branches that committed and had been guessed wrong.
    #[stat(unit = "instructions")]
    pub mispredicted: PerKind<Guess>,
    /// Of those, the ones that had not committed before since the window began.
    #[stat(unit = "instructions")]
    pub mispredicted_initially: PerKind<Guess>,
    /// Share of mispredictions that are initial: at a branch that was not seen before in the window.
    #[stat(unit = "ratio", formula = "mispredicted_initially / mispredicted")]
    pub initial_misprediction_share: Derived,
    /// Squashes by instructions that were on a wrong path themselves, whatever the cause.
    #[stat(unit = "events")]
    pub squashes_off_path: Counter,
    /// Resteers at decode: branches the target buffer did not know, or that were none.
    #[stat(unit = "events")]
    pub decode_resteers: Counter,
    /// Taken branches that committed and had not been in the branch target buffer.
    #[stat(unit = "instructions")]
    pub btb_misses: Counter,
    /// Moves that committed and were renamed instead of executed.
    #[stat(unit = "instructions")]
    pub moves_eliminated: Counter,
    /// Loads that got their data from an older store in the queue.
    #[stat(unit = "instructions")]
    pub forwarded: Counter,
    /// Loads that had to wait until an older store that overlaps was in the cache.
    #[stat(unit = "instructions")]
    pub forward_blocked: Counter,
    /// Loads that waited for a store of their store set.
    #[stat(unit = "instructions")]
    pub store_set_waits: Counter,
    /// Requests to the memory system that had to be made again because a resource was taken.
    #[stat(unit = "events")]
    pub busy_retries: Counter,
    /// Top-down level 1: slots of instructions that committed.
    #[stat(unit = "ratio", formula = "retired / slots")]
    pub topdown_retiring: Derived,
    /// Top-down level 1: slots of instructions that did not commit, and of recovery. Refilling is the
    /// front end's, as hardware counters have it.
    #[stat(unit = "ratio", formula = "bad_speculation() / slots")]
    pub topdown_bad_speculation: Derived,
    /// Top-down level 1: slots the front end left empty, refilling after squashes included, as hardware
    /// counters have it.
    #[stat(unit = "ratio", formula = "front_end() / slots")]
    pub topdown_frontend: Derived,
    /// Top-down level 1: slots the back end refused.
    #[stat(unit = "ratio", formula = "back_end() / slots")]
    pub topdown_backend: Derived,
    /// Top-down level 1, the other convention: bad speculation with the slots of refilling after
    /// squashes.
    #[stat(unit = "ratio", formula = "(bad_speculation() + refill()) / slots")]
    pub topdown_bad_speculation_with_refill: Derived,
    /// Top-down level 1, the other convention: the front end without the slots of refilling after
    /// squashes.
    #[stat(unit = "ratio", formula = "(front_end() - refill()) / slots")]
    pub topdown_frontend_without_refill: Derived,
    /// Top-down level 2: front-end slots in cycles without an instruction.
    #[stat(unit = "ratio", formula = "(front_end() - lost[Lost::Bandwidth]) / slots")]
    pub topdown_frontend_latency: Derived,
    /// Top-down level 2, the other convention: the same without refilling after squashes.
    #[stat(unit = "ratio", formula = "(front_end() - lost[Lost::Bandwidth] - refill()) / slots")]
    pub topdown_frontend_latency_without_refill: Derived,
    /// Top-down level 2: front-end slots in cycles with fewer instructions than slots.
    #[stat(unit = "ratio", formula = "lost[Lost::Bandwidth] / slots")]
    pub topdown_frontend_bandwidth: Derived,
    /// Top-down level 2: bad speculation that is due to wrong guesses of branches, by their share of
    /// squashes.
    #[stat(
        unit = "ratio",
        formula = "bad_speculation() * (squashes - squashes[Cause::MemoryOrder]) / squashes / slots"
    )]
    pub topdown_bad_speculation_branches: Derived,
    /// Top-down level 2: bad speculation that is due to memory order, by its share of squashes.
    #[stat(
        unit = "ratio",
        formula = "bad_speculation() * squashes[Cause::MemoryOrder] / squashes / slots"
    )]
    pub topdown_bad_speculation_memory_order: Derived,
    /// Top-down level 2: back-end slots that are due to memory, by the cycles without a commit in which
    /// the oldest instruction waits for it.
    #[stat(unit = "ratio", formula = "back_end() * waited_for_memory() / waited() / slots")]
    pub topdown_backend_memory: Derived,
    /// Top-down level 2: the other back-end slots.
    #[stat(
        unit = "ratio",
        formula = "back_end() * (waited() - waited_for_memory()) / waited() / slots"
    )]
    pub topdown_backend_core: Derived,
    /// Top-down level 3: slots of instructions that did not commit: of wrong paths, and what more was
    /// in flight at the end than at the start.
    #[stat(unit = "ratio", formula = "(renamed - retired) / slots")]
    pub topdown_wrong_path: Derived,
    /// Top-down level 3: slots that none took, by cause. With retiring and the wrong path they sum to
    /// 1.
    #[stat(unit = "ratio", formula = "lost[each] / slots")]
    pub topdown_lost: PerKind<Lost, Derived>,
    /// Top-down level 3: back-end slots by what the oldest instruction waits for in cycles without a
    /// commit. They sum to the back end.
    #[stat(unit = "ratio", formula = "back_end() * waited_for(each) / waited() / slots")]
    pub topdown_backend_waits: PerKind<Wait, Derived>,
    /// CPI stack at dispatch: slots of instructions that committed.
    #[stat(unit = "cycles/instruction", formula = "retired / slots * spent / retired")]
    pub cpi_dispatch_base: Derived,
    /// CPI stack at dispatch: slots of instructions that were squashed.
    #[stat(unit = "cycles/instruction", formula = "squashed / slots * spent / retired")]
    pub cpi_dispatch_squashed: Derived,
    /// CPI stack at dispatch: slots of instructions that were neither committed nor squashed, less
    /// those of instructions that were renamed before.
    #[stat(
        unit = "cycles/instruction",
        formula = "(renamed - retired - squashed) / slots * spent / retired"
    )]
    pub cpi_dispatch_unfinished: Derived,
    /// CPI stack at dispatch: slots that none took, by cause. With base, squashed and unfinished they
    /// sum to the CPI.
    #[stat(unit = "cycles/instruction", formula = "lost[each] / slots * spent / retired")]
    pub cpi_dispatch_lost: PerKind<Lost, Derived>,
    /// CPI stack at issue: slots by what they went to. They sum to the CPI.
    #[stat(unit = "cycles/instruction", formula = "issue[each] / issue * spent / retired")]
    pub cpi_issue: PerKind<IssueSlot, Derived>,
    /// CPI stack at commit: cycles by what they went to. They sum to the CPI.
    #[stat(unit = "cycles/instruction", formula = "spent[each] / retired")]
    pub cpi_commit: PerKind<Spent, Derived>,
}

impl OutOfOrderStats {
    fn lost_to(&self, which: impl Fn(Lost) -> bool) -> f64 {
        self.lost.iter().filter(|(cause, _)| which(*cause)).map(|(_, slots)| slots.amount()).sum()
    }

    /// Slots the front end left empty.
    fn front_end(&self) -> f64 {
        self.lost_to(|cause| cause.side() == Side::Front)
    }

    /// Slots the back end refused.
    fn back_end(&self) -> f64 {
        self.lost_to(|cause| cause.side() == Side::Back)
    }

    /// Slots of refilling after squashes.
    fn refill(&self) -> f64 {
        self.lost_to(Lost::is_refill)
    }

    /// Slots of instructions that did not commit, and of recovery: issued less retired, as hardware
    /// counters have it, so that the first level sums to all slots in a window with instructions in
    /// flight at its edges.
    fn bad_speculation(&self) -> f64 {
        let recovery = self.lost_to(|cause| cause.side() == Side::Speculation);
        self.renamed.amount() - self.retired.amount() + recovery
    }

    /// Cycles without a commit in which the oldest instruction waits for `what`.
    fn waited_for(&self, what: Wait) -> f64 {
        self.spent[what.spent()].amount()
    }

    fn waited(&self) -> f64 {
        Wait::ALL.iter().map(|what| self.waited_for(*what)).sum()
    }

    fn waited_for_memory(&self) -> f64 {
        let memory = Wait::ALL.iter().filter(|what| what.is_memory());
        memory.map(|what| self.waited_for(*what)).sum()
    }

    /// Renamed instructions that left the core.
    pub(crate) fn left(&self) -> u64 {
        self.retired.get() + self.squashed.get() + self.abandoned.get()
    }

    /// What does not add up, in words, when `cycles` passed and `instructions` retired.
    #[must_use]
    pub fn audit(&self, cycles: u64, instructions: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        let (slots, renamed, lost) = (self.slots.get(), self.renamed.get(), self.lost.sum());
        if slots != renamed + lost {
            wrong.push(format!("slots: {slots} passed, {renamed} taken and {lost} lost"));
        }
        if cycles > 0 && !slots.is_multiple_of(cycles) {
            wrong.push(format!("slots: {slots} are no whole number for each of {cycles} cycles"));
        }
        let spent = self.spent.sum();
        if spent != cycles {
            wrong.push(format!("cycles at commit: {cycles} passed, {spent} have a cause"));
        }
        let (guessed, branches) = (self.direction.provided.sum(), self.conditional_branches.get());
        if guessed > branches {
            wrong.push(format!("conditional branches: {branches} committed, {guessed} guessed"));
        }
        let issue = self.issue.sum();
        if issue > slots || cycles > 0 && !issue.is_multiple_of(cycles) {
            wrong.push(format!(
                "issue slots: {issue} are no whole number for each of {cycles} cycles"
            ));
        }
        let [all, initial] = [&self.mispredicted, &self.mispredicted_initially].map(PerKind::sum);
        if initial > all {
            wrong.push(format!("mispredictions: {initial} initial of {all}"));
        }
        let retired = self.retired.get();
        if retired != instructions {
            wrong.push(format!("instructions: {instructions} retired, {retired} slots retired"));
        }
        wrong
    }
}

#[cfg(test)]
mod tests;
