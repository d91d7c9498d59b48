//! What the out-of-order core counts beyond what every core does.
//!
//! Slots follow the top-down method (Yasin, "A top-down method for performance analysis and counters
//! architecture", ISPASS 2014): each cycle has as many slots as rename is wide. A slot that an
//! instruction took is provisional until the instruction commits (retiring) or is squashed (bad
//! speculation); a slot that none took is lost to one cause. The slots after a squash until the first
//! instruction of the right path arrives are counted by [`Lost`] apart, so that both conventions can be
//! read: hardware counters call them front-end latency, others bad speculation.

use stats::{Counter, Derived, Kind, PerKind, Stats};

/// Why the front end went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Kind)]
pub enum Cause {
    /// A conditional branch went the other way.
    Conditional,
    /// An indirect jump or call went elsewhere.
    Indirect,
    /// A return went elsewhere.
    Return,
    /// A direct branch went elsewhere than the branch target buffer said.
    Target,
    /// A load was executed before an older store to its address.
    MemoryOrder,
}

/// Why rename got no instruction, or could not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Kind)]
pub enum Lost {
    /// Front end, latency: the instruction TLB missed.
    Itlb,
    /// Front end, latency: the line came from the second level.
    IcacheL2,
    /// Front end, latency: the line came from the last level.
    IcacheLlc,
    /// Front end, latency: the line came from memory.
    IcacheMemory,
    /// Front end, latency: refilling after a conditional branch was guessed wrong.
    ResteerConditional,
    /// Front end, latency: refilling after an indirect branch was guessed wrong.
    ResteerIndirect,
    /// Front end, latency: refilling after a return was guessed wrong.
    ResteerReturn,
    /// Front end, latency: refilling after decode found a branch the target buffer did not know.
    ResteerDecode,
    /// Front end, latency: refilling after a memory-order violation.
    ResteerMemory,
    /// Front end, latency: waiting for, and refilling after, an instruction that serialises or a trap.
    Serialise,
    /// Front end, latency: a taken branch, or no prediction in the queue.
    Branch,
    /// Front end, latency: anything else.
    FrontOther,
    /// Front end, bandwidth: fewer instructions than slots.
    Bandwidth,
    /// Bad speculation: taking back what was renamed on the wrong path.
    Recovery,
    /// Back end: the reorder buffer is full.
    RobFull,
    /// Back end: no scheduler entry.
    SchedulerFull,
    /// Back end: no load queue entry.
    LoadQueueFull,
    /// Back end: no store queue entry.
    StoreQueueFull,
    /// Back end: no physical register.
    RegistersFull,
    /// Back end: an instruction that must be alone.
    Alone,
}

/// What a slot that is lost is lost to, at the first level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Front,
    Speculation,
    Back,
}

impl Lost {
    pub(crate) fn side(self) -> Side {
        match self {
            Self::Recovery => Side::Speculation,
            Self::RobFull
            | Self::SchedulerFull
            | Self::LoadQueueFull
            | Self::StoreQueueFull
            | Self::RegistersFull
            | Self::Alone => Side::Back,
            _ => Side::Front,
        }
    }
}

/// What a cycle went to, seen at commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Kind)]
pub enum Spent {
    /// An instruction committed.
    Base,
    /// The core is empty: the instruction TLB missed.
    Itlb,
    /// The core is empty: an instruction line is on its way.
    Icache,
    /// The core is empty: refilling after a wrong guess.
    Resteer,
    /// The core is empty: a serialising instruction or a trap.
    Serialise,
    /// The core is empty: anything else.
    Front,
    /// The oldest waits for its address to be translated.
    Dtlb,
    /// The oldest is a load served by the first level, or by a store.
    L1d,
    /// The oldest is a load served by the second level.
    L2,
    /// The oldest is a load served by the last level.
    Llc,
    /// The oldest is a load served by memory.
    Memory,
    /// The oldest is a store, an atomic, a fence or a device access.
    Store,
    /// The oldest executes otherwise.
    Execute,
    /// The oldest waits for its operands or its port.
    Dependence,
    /// The oldest has its result, which is on its way to commit.
    Latency,
}

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
    /// Instructions fetched, of wrong paths too.
    #[stat(unit = "instructions")]
    pub fetched: Counter,
    /// Instructions fetched on wrong paths.
    #[stat(unit = "instructions")]
    pub fetched_off_path: Counter,
    /// Conditional branches committed.
    #[stat(unit = "instructions")]
    pub conditional_branches: Counter,
    /// Squashes by cause.
    #[stat(unit = "events")]
    pub squashes: PerKind<Cause>,
    /// Resteers at decode: branches the target buffer did not know, or that were none.
    #[stat(unit = "events")]
    pub decode_resteers: Counter,
    /// Taken branches that committed and had not been in the branch target buffer.
    #[stat(unit = "instructions")]
    pub btb_misses: Counter,
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
    /// Top-down level 1: slots that retired.
    #[stat(unit = "ratio", formula = "retired / slots")]
    pub topdown_retiring: Derived,
    /// Top-down level 1: slots squashed or lost to recovery; refilling counts as front end.
    #[stat(unit = "ratio", formula = "(squashed + lost[Lost::Recovery]) / slots")]
    pub topdown_bad_speculation: Derived,
    /// Top-down level 1: slots the front end left empty, refilling after wrong guesses included, as
    /// hardware counters have it.
    #[stat(
        unit = "ratio",
        formula = "(lost[Lost::Itlb] + lost[Lost::IcacheL2] + lost[Lost::IcacheLlc] + lost[Lost::IcacheMemory] + lost[Lost::ResteerConditional] + lost[Lost::ResteerIndirect] + lost[Lost::ResteerReturn] + lost[Lost::ResteerDecode] + lost[Lost::ResteerMemory] + lost[Lost::Serialise] + lost[Lost::Branch] + lost[Lost::FrontOther] + lost[Lost::Bandwidth]) / slots"
    )]
    pub topdown_frontend: Derived,
    /// Top-down level 1: slots the back end refused.
    #[stat(
        unit = "ratio",
        formula = "(lost[Lost::RobFull] + lost[Lost::SchedulerFull] + lost[Lost::LoadQueueFull] + lost[Lost::StoreQueueFull] + lost[Lost::RegistersFull] + lost[Lost::Alone]) / slots"
    )]
    pub topdown_backend: Derived,
    /// Top-down level 2: front-end slots in cycles with fewer instructions than slots.
    #[stat(unit = "ratio", formula = "lost[Lost::Bandwidth] / slots")]
    pub topdown_frontend_bandwidth: Derived,
    /// Bad speculation by the other convention: with the slots of refilling after wrong guesses.
    #[stat(
        unit = "ratio",
        formula = "(squashed + lost[Lost::Recovery] + lost[Lost::ResteerConditional] + lost[Lost::ResteerIndirect] + lost[Lost::ResteerReturn] + lost[Lost::ResteerMemory]) / slots"
    )]
    pub topdown_bad_speculation_with_refill: Derived,
}

impl OutOfOrderStats {
    /// What does not add up, in words. `in_flight` is what the number of renamed instructions in the
    /// core changed by while these counters counted.
    #[must_use]
    pub fn audit(&self, cycles: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        let (slots, renamed, lost) = (self.slots.get(), self.renamed.get(), self.lost.sum());
        if slots != renamed + lost {
            wrong.push(format!("slots: {slots} passed, {renamed} taken and {lost} lost"));
        }
        let spent = self.spent.sum();
        if spent != cycles {
            wrong.push(format!("cycles at commit: {cycles} passed, {spent} have a cause"));
        }
        wrong
    }
}
