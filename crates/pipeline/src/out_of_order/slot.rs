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
use stream::{Class, Instr, VirtAddr};

/// A position in program order.
pub(super) type Position = u64;

/// A time that is not known.
pub(super) const NEVER: Cycle = Cycle(u64::MAX);

/// No position: a register that no instruction in the core will write.
pub(super) const NOBODY: u64 = u64::MAX;

/// A place in the ring, for references among the instructions in it.
pub(super) type Place = u32;

/// No place: the end of a list.
pub(super) const NOWHERE: Place = Place::MAX;

/// An instruction, told from others at its place. Serial numbers come again after 2^32 instructions,
/// when nothing in the core is that old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) place: Place,
    pub(super) serial: u32,
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
    /// It has read its data, as far as younger-store checks are concerned; of a store: its address
    /// and data are known.
    pub(super) performed: bool,
    /// Its number among the stores; a load's is that of the next store.
    pub(super) store: u64,
    /// Of a store, the number of the next load.
    pub(super) load: u64,
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
        store: 0,
        load: 0,
    };
}

/// An instruction in the core. The default is no instruction's.
///
/// The front end sets it up to `rename_after`, rename the rest: what is squashed before it gets there,
/// a third of all, needs none of that.
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
    /// Cycles from decode to rename: less than usual where it was decoded while fetch stood still.
    pub(super) rename_after: u64,
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
    /// The first of the instructions that wait for its result, as place * 4 + operand.
    pub(super) consumers: Place,
    /// For each operand, the next that waits for the same result.
    pub(super) next_consumer: [Place; 3],
    /// The producer of each operand, while it is waited for.
    pub(super) producers: [Place; 3],
    /// The producer whose result comes last of those whose time is known, if it is waited for.
    pub(super) latest_producer: Place,
    /// The instruction that its destination register came from before.
    pub(super) previous: u64,
    /// The physical register that its destination stood for before, where moves are eliminated.
    pub(super) replaced: Physical,
    /// Other registers name its result, too: moves of it were eliminated.
    pub(super) shared: bool,
    /// It is a move that was eliminated.
    pub(super) eliminated: bool,
    /// Of an instruction that accesses memory, or is of a class that does.
    pub(super) access: Access,
}

impl Slot {
    /// Makes of it the slot of another instruction, as far as the front end uses it.
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
        self.rename_after = 0;
        self.rename_at = NEVER;
        self.renamed_at = NEVER;
    }

    /// Prepares it for the back end.
    #[inline]
    pub(super) fn enter_back_end(&mut self, now: Cycle) {
        self.renamed_at = now;
        self.ready_at = Cycle(0);
        self.issued_at = NEVER;
        self.done_at = NEVER;
        self.waiting = 0;
        self.scheduler = 0;
        self.consumers = NOWHERE;
        self.producers = [NOWHERE; 3];
        self.latest_producer = NOWHERE;
        self.previous = NOBODY;
        self.shared = false;
        self.eliminated = false;
        if self.may_access() {
            self.access = Access::NONE;
        }
    }

    /// Whether it has an [`Access`].
    #[inline]
    fn may_access(&self) -> bool {
        self.instr.mem.is_some() || matches!(self.instr.class, Class::Load | Class::Store)
    }

    /// When the address of its access is translated, as far as that is known.
    pub(super) fn translated_at(&self) -> Cycle {
        if self.may_access() { self.access.translated_at } else { NEVER }
    }

    /// The producer that it waits for, once it is renamed: the first whose time is not known, or else the
    /// one whose result came last.
    #[inline]
    pub(super) fn awaited(&self) -> Place {
        if self.waiting == 0 {
            return self.latest_producer;
        }
        let unknown = self.producers.into_iter().find(|&producer| producer != NOWHERE);
        unknown.expect("an operand that is waited for has a producer")
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

/// The slots of any core, one more than the largest may hold: the configuration bounds the reorder
/// buffer and the queue in front of it by the branches that can be in flight. A number that is known
/// when this is compiled makes a place of a position in one step, thirty times an instruction.
pub(super) const SLOTS: usize = branch::MAX_IN_FLIGHT;
const _: () = assert!(SLOTS.is_power_of_two());

/// The ring.
#[derive(Clone, Debug)]
pub(super) struct Window {
    slots: Box<[Slot; SLOTS]>,
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
    /// Room for `capacity` instructions.
    pub(super) fn new(capacity: usize) -> Self {
        assert!(capacity < SLOTS, "a core of {capacity} instructions was validated");
        let slots = vec![Slot::default(); SLOTS].into_boxed_slice();
        Self {
            slots: slots.try_into().expect("that many were made"),
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

    /// The place of a position.
    #[inline]
    pub(super) fn place(&self, at: Position) -> Place {
        (at % SLOTS as u64) as Place
    }

    /// The position of the instruction in the core that is at a place.
    #[inline]
    pub(super) fn position(&self, place: Place) -> Position {
        self.head + u64::from(place).wrapping_sub(self.head) % SLOTS as u64
    }

    #[inline]
    pub(super) fn get(&self, at: Position) -> &Slot {
        &self.slots[at as usize % SLOTS]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: Position) -> &mut Slot {
        &mut self.slots[at as usize % SLOTS]
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
        Name { place: self.place(at), serial: self.get(at).serial as u32 }
    }

    /// Where the instruction is, if it is still in the core.
    #[inline]
    pub(super) fn find(&self, name: Name) -> Option<Position> {
        let at = self.position(name.place);
        (at < self.tail && self.get(at).serial as u32 == name.serial).then_some(at)
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
