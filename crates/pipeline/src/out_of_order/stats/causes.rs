//! What cycles and slots are lost to: the categories of the accounting (see the module above).

use stats::Kind;

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

/// A guess at a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Kind)]
pub enum Guess {
    /// Where a conditional branch goes.
    Conditional,
    /// Where an indirect jump or call goes.
    Indirect,
    /// Where a return goes.
    Return,
    /// Where a direct branch goes, as the branch target buffer has it.
    Target,
}

impl Cause {
    /// The guess at a branch that was wrong, if it was one.
    pub(crate) fn guess(self) -> Option<Guess> {
        match self {
            Self::Conditional => Some(Guess::Conditional),
            Self::Indirect => Some(Guess::Indirect),
            Self::Return => Some(Guess::Return),
            Self::Target => Some(Guess::Target),
            Self::MemoryOrder => None,
        }
    }
}

/// Why rename got no instruction, or could not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Kind)]
pub enum Lost {
    /// Front end, latency: the instruction TLB missed, and the second-level TLB was asked.
    Itlb,
    /// Front end, latency: the instruction TLBs missed, and page-table entries were read.
    ItlbWalk,
    /// Front end, latency: the line came from the second level.
    IcacheL2,
    /// Front end, latency: the line came from the last level.
    IcacheLlc,
    /// Front end, latency: the line came from memory.
    IcacheMemory,
    /// Front end, latency: the line was on its way already, because of a prefetch that was late or of
    /// another target, or its bank was taken.
    IcacheInFlight,
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

    /// What a cycle goes to in which the core is empty because of it.
    pub(crate) fn of_empty_core(self) -> Spent {
        match self {
            Self::Itlb | Self::ItlbWalk => Spent::Itlb,
            Self::IcacheL2 | Self::IcacheLlc | Self::IcacheMemory | Self::IcacheInFlight => {
                Spent::Icache
            }
            Self::ResteerConditional
            | Self::ResteerIndirect
            | Self::ResteerReturn
            | Self::ResteerDecode
            | Self::ResteerMemory
            | Self::Recovery => Spent::Resteer,
            Self::Serialise | Self::Alone => Spent::Serialise,
            Self::StoreQueueFull => Spent::Store,
            _ => Spent::Front,
        }
    }

    /// Whether the front end refills after a squash.
    pub(super) fn is_refill(self) -> bool {
        matches!(
            self,
            Self::ResteerConditional
                | Self::ResteerIndirect
                | Self::ResteerReturn
                | Self::ResteerMemory
        )
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
    /// The oldest is a store, an atomic, a fence or a device access, or the core is empty and stores that
    /// have committed leave no room for the next.
    Store,
    /// The oldest is a division or a square root.
    Divide,
    /// The oldest executes otherwise.
    Execute,
    /// The oldest is on its way from rename to issue.
    Dispatch,
    /// The oldest has its operands, and waits for its port or its turn.
    Port,
    /// The oldest has its result, which is on its way to commit.
    Latency,
}

/// What the back end's slots are lost to: what the oldest instruction waits for while none commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Kind)]
pub enum Wait {
    /// Memory: the translation of its address.
    Dtlb,
    /// Memory: the first level, or a store that forwards.
    L1d,
    /// Memory: the second level.
    L2,
    /// Memory: the last level.
    Llc,
    /// Memory: main memory.
    Memory,
    /// Memory: it is a store, an atomic, a fence or a device access, or stores before it fill the queue.
    Store,
    /// Core: it is a division or a square root.
    Divide,
    /// Core: its execution otherwise.
    Execute,
    /// Core: the way from rename to issue.
    Dispatch,
    /// Core: its port or its turn.
    Port,
    /// Core: the way of its result to commit.
    Latency,
}

impl Wait {
    pub(super) fn spent(self) -> Spent {
        match self {
            Self::Dtlb => Spent::Dtlb,
            Self::L1d => Spent::L1d,
            Self::L2 => Spent::L2,
            Self::Llc => Spent::Llc,
            Self::Memory => Spent::Memory,
            Self::Store => Spent::Store,
            Self::Divide => Spent::Divide,
            Self::Execute => Spent::Execute,
            Self::Dispatch => Spent::Dispatch,
            Self::Port => Spent::Port,
            Self::Latency => Spent::Latency,
        }
    }

    pub(super) fn is_memory(self) -> bool {
        !matches!(self, Self::Divide | Self::Execute | Self::Dispatch | Self::Port | Self::Latency)
    }
}

/// What a slot at issue went to. Where none is issued although there is an instruction to issue, the
/// oldest of them says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Kind)]
pub enum IssueSlot {
    /// An instruction of the right path.
    Base,
    /// An instruction of a wrong path.
    WrongPath,
    /// Nothing to issue: the instruction TLB missed.
    Itlb,
    /// Nothing to issue: an instruction line is on its way.
    Icache,
    /// Nothing to issue: refilling after a wrong guess.
    Resteer,
    /// Nothing to issue: a serialising instruction or a trap.
    Serialise,
    /// Nothing to issue: anything else in the front end.
    Front,
    /// It waits for a load whose address is translated.
    Dtlb,
    /// It waits for a load served by the first level, or by a store.
    L1d,
    /// It waits for a load served by the second level.
    L2,
    /// It waits for a load served by the last level.
    Llc,
    /// It waits for a load served by memory.
    Memory,
    /// It waits for a store, an atomic, a fence or a device access, or stores that have committed leave
    /// no room for the next.
    Store,
    /// It waits for a division or a square root.
    Divide,
    /// It waits for an instruction that executes in several cycles otherwise.
    Execute,
    /// It waits for an instruction that executes in one cycle.
    Dependence,
    /// It is on its way from rename.
    Dispatch,
    /// It has its operands, and waits for its port or its turn.
    Port,
    /// Nothing to issue, and no room for more: the oldest instruction has its result, which is on its
    /// way to commit.
    Latency,
}

impl From<Spent> for IssueSlot {
    fn from(spent: Spent) -> Self {
        match spent {
            Spent::Base => Self::Base,
            Spent::Itlb => Self::Itlb,
            Spent::Icache => Self::Icache,
            Spent::Resteer => Self::Resteer,
            Spent::Serialise => Self::Serialise,
            Spent::Front => Self::Front,
            Spent::Dtlb => Self::Dtlb,
            Spent::L1d => Self::L1d,
            Spent::L2 => Self::L2,
            Spent::Llc => Self::Llc,
            Spent::Memory => Self::Memory,
            Spent::Store => Self::Store,
            Spent::Divide => Self::Divide,
            Spent::Execute => Self::Execute,
            Spent::Dispatch => Self::Dispatch,
            Spent::Port => Self::Port,
            Spent::Latency => Self::Latency,
        }
    }
}
