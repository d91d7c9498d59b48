//! The instructions in the core: one ring from fetch to commit.
//!
//! Every instruction has a position, one more than that of the instruction before it. The in-order
//! parts of the core are boundaries between positions:
//!
//! ```text
//!   head          renamed          decoded          tail
//!    | reorder buffer | decoded, waiting | fetched     |
//! ```
//!
//! A squash moves `tail` (and what lies beyond it) back, so positions are used again; whatever refers
//! to an instruction from outside the ring carries its serial number too, which is not.

use crate::out_of_order::sharing::Physical;
use crate::out_of_order::stats::Cause;
use branch::Record;
use mem::{Cycle, Level};
use stream::{Instr, VirtAddr};

/// A position in program order.
pub(super) type Position = u64;

/// A time that is not known.
pub(super) const NEVER: Cycle = Cycle(u64::MAX);

/// No position: the end of a list, or a register that no instruction in the core will write.
pub(super) const NOBODY: u64 = u64::MAX;

/// An instruction, told from others at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) at: Position,
    pub(super) serial: u64,
}

/// What decode finds out about an instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Check {
    /// The front end went on rightly as far as decode can tell.
    #[default]
    Fine,
    /// It is a branch that the branch target buffer did not know.
    UnknownBranch,
    /// It is no branch, or another kind of one, than the branch target buffer said.
    NotThatBranch,
}

/// What the front end guessed wrong, found when the branch executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The kind of guess.
    pub(super) cause: Cause,
}

/// How far a memory access is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Access {
    /// Its address was translated: it may use the cache from then on.
    pub(super) translated_at: Cycle,
    /// Parts that have been requested: pages until all are translated, then lines.
    pub(super) requested: u8,
    /// Parts that memory has still to give a time for.
    pub(super) outstanding: u8,
    /// When the parts that have a time are all there.
    pub(super) there_at: Cycle,
    /// The farthest level a part was found at, for a load that went to the caches.
    pub(super) found: Option<Level>,
    /// The data came from the store at this position, or older ones are in the cache: see `lsq`.
    pub(super) forwarded_from: u64,
    /// The position of the store it must wait for, by the store-set predictor.
    pub(super) wait_for: u64,
    /// It has read its data, as far as younger-store checks are concerned.
    pub(super) performed: bool,
}

impl Access {
    pub(super) const NONE: Self = Self {
        translated_at: NEVER,
        requested: 0,
        outstanding: 0,
        there_at: Cycle(0),
        found: None,
        forwarded_from: NOBODY,
        wait_for: NOBODY,
        performed: false,
    };
}

/// An instruction in the core. The default is no instruction's.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) instr: Instr,
    pub(super) serial: u64,
    /// It was fetched on a wrong path: it will be squashed.
    pub(super) off_path: bool,
    /// Where the front end went after it.
    pub(super) next: VirtAddr,
    /// What the branch predictor remembers of it.
    pub(super) record: Option<Record>,
    /// The branch target buffer did not know it when it was fetched.
    pub(super) unforeseen: bool,
    pub(super) check: Check,
    pub(super) wrong: Option<Wrong>,
    /// It was guessed wrong, and that has been found out.
    pub(super) mispredicted: Option<Cause>,
    pub(super) fetched_at: Cycle,
    /// The first cycle in which it can be decoded.
    pub(super) decode_at: Cycle,
    /// Cycles it spends less between decode and rename: it was decoded while fetch stood still.
    pub(super) rename_credit: u64,
    /// The first cycle in which it can be renamed.
    pub(super) rename_at: Cycle,
    pub(super) renamed_at: Cycle,
    /// All its operands are there.
    pub(super) ready_at: Cycle,
    pub(super) issued_at: Cycle,
    /// Its result is there.
    pub(super) done_at: Cycle,
    /// Operands whose time is not known yet.
    pub(super) waiting: u8,
    pub(super) scheduler: u8,
    /// The first of the instructions that wait for its result, as position * 4 + operand.
    pub(super) consumers: u64,
    /// For each operand, the next that waits for the same result.
    pub(super) next_consumer: [u64; 3],
    /// The producer of each operand, while it is waited for.
    pub(super) producers: [u64; 3],
    /// The producer whose result comes last of those whose time is known, if it is waited for.
    pub(super) latest_producer: u64,
    /// The instruction that its destination register came from before.
    pub(super) previous: u64,
    /// The physical register that its destination stood for before, where moves are eliminated.
    pub(super) replaced: Physical,
    /// Other registers name its result, too: moves of it were eliminated.
    pub(super) shared: bool,
    /// It is a move that was eliminated.
    pub(super) eliminated: bool,
    pub(super) access: Access,
}

impl Slot {
    /// Makes of it the slot of another instruction, field by field: a slot is six of the host's
    /// cache lines, and one is begun for every instruction fetched.
    #[inline]
    fn begin(&mut self, serial: u64, now: Cycle) {
        self.serial = serial;
        self.off_path = false;
        self.record = None;
        self.unforeseen = false;
        self.check = Check::Fine;
        self.wrong = None;
        self.mispredicted = None;
        self.fetched_at = now;
        self.decode_at = NEVER;
        self.rename_credit = 0;
        self.rename_at = NEVER;
        self.renamed_at = NEVER;
        self.ready_at = Cycle(0);
        self.issued_at = NEVER;
        self.done_at = NEVER;
        self.waiting = 0;
        self.scheduler = 0;
        self.consumers = NOBODY;
        self.next_consumer = [NOBODY; 3];
        self.producers = [NOBODY; 3];
        self.latest_producer = NOBODY;
        self.previous = NOBODY;
        self.shared = false;
        self.eliminated = false;
        self.access = Access::NONE;
    }

    /// Where it goes when it is executed.
    #[inline]
    pub(super) fn actual_next(&self) -> VirtAddr {
        match self.instr.branch {
            Some(branch) if branch.taken => branch.target,
            _ => self.fall_through(),
        }
    }

    #[inline]
    pub(super) fn fall_through(&self) -> VirtAddr {
        VirtAddr(self.instr.pc.0.wrapping_add(u64::from(self.instr.len)))
    }
}

/// The ring.
#[derive(Clone, Debug)]
pub(super) struct Window {
    slots: Vec<Slot>,
    mask: u64,
    serial: u64,
    /// The oldest instruction.
    pub(super) head: Position,
    /// The first that is not renamed.
    pub(super) renamed: Position,
    /// The first that is not decoded.
    pub(super) decoded: Position,
    /// One more than the youngest.
    pub(super) tail: Position,
}

impl Window {
    pub(super) fn new(capacity: usize) -> Self {
        let size = capacity.next_power_of_two();
        Self {
            slots: vec![Slot::default(); size],
            mask: size as u64 - 1,
            serial: 0,
            head: 0,
            renamed: 0,
            decoded: 0,
            tail: 0,
        }
    }

    /// The serial number of the latest instruction.
    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    #[inline]
    pub(super) fn get(&self, at: Position) -> &Slot {
        &self.slots[(at & self.mask) as usize]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: Position) -> &mut Slot {
        &mut self.slots[(at & self.mask) as usize]
    }

    /// The place of the next instruction's record: written there it need not be moved.
    #[inline]
    pub(super) fn incoming(&mut self) -> &mut Instr {
        let tail = self.tail;
        &mut self.get_mut(tail).instr
    }

    /// Puts in the next instruction, whose record is in its place.
    #[inline]
    pub(super) fn push(&mut self, now: Cycle) -> &mut Slot {
        let at = self.tail;
        self.tail += 1;
        self.serial += 1;
        let serial = self.serial;
        let slot = self.get_mut(at);
        slot.begin(serial, now);
        slot
    }

    #[inline]
    pub(super) fn name(&self, at: Position) -> Name {
        Name { at, serial: self.get(at).serial }
    }

    /// Whether the instruction is still in the core.
    #[inline]
    pub(super) fn holds(&self, name: Name) -> bool {
        name.at >= self.head && name.at < self.tail && self.get(name.at).serial == name.serial
    }

    /// Instructions in the reorder buffer.
    #[inline]
    pub(super) fn in_rob(&self) -> u64 {
        self.renamed - self.head
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head == self.tail
    }
}
