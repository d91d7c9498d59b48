//! Where instructions come from.

use crate::{Followed, Follower, HartId, Instr, PhysAddr, VirtAddr};
use serde::{Deserialize, Serialize};
use sim::Picos;

/// A supply of executed instructions and of address translations.
pub trait Source {
    /// Executes the next instruction of `hart` and returns its record.
    ///
    /// The functional effect is complete when this returns; the caller accounts for its time. A
    /// source that reads virtual time (timer interrupts) is told the time by its owner, not here.
    fn next(&mut self, hart: HartId) -> Fetched;

    /// Executes up to `count` instructions of `hart` of which nobody wants a record, and gives how
    /// many there were: fewer where the source has something else to say. Translations that were
    /// cached for the hart before may be out of date afterwards.
    fn skip(&mut self, hart: HartId, count: u64) -> u64 {
        let mut executed = 0;
        while executed < count {
            match self.next(hart) {
                Fetched::Instr(_) => executed += 1,
                Fetched::Flush(_) => {}
                _ => break,
            }
        }
        executed
    }

    /// Executes up to `most` instructions of `hart` and shows `follower` what each leaves behind, as long
    /// as nothing else has to be said that [`Source::next`] says. A source that has no quicker way than
    /// that executes none.
    fn follow(&mut self, _hart: HartId, _most: u64, _follower: &mut dyn Follower) -> Followed {
        Followed { instructions: 0, goes_on: true }
    }

    /// [`Source::next`] for a core that has instructions under way: puts the record into `into`, where
    /// the core keeps it. [`Instead::Alone`] before an instruction that may not overlap with them,
    /// which the core then fetches by [`Source::next`] once they are done. A source that cannot look
    /// ahead hands it out, and the core stops behind it.
    ///
    /// What `into` holds is of no meaning where there is something else instead.
    fn next_overlapped(&mut self, hart: HartId, into: &mut Instr) -> Result<(), Instead> {
        self.next(hart).overlapped(into)
    }

    /// The page-table walk for `va` in the current address space of `hart`, for a timing model whose
    /// TLBs missed. It reads the tables and changes nothing. Permissions are not checked: whether an
    /// access faults is in its record, and privilege may have changed since it was executed.
    fn walk(&mut self, hart: HartId, va: VirtAddr, kind: Translate) -> Walk;

    /// Sends `hart` down a wrong path at `pc`: forks its state as [`Source::next`] left it, or, if it
    /// is on a wrong path already, goes on from there at `pc` with the registers and stores it has.
    ///
    /// Wrong paths need not be supported: a source that only knows what was executed (a trace) has
    /// nothing to fetch there, and [`Source::next_wrong`] says so.
    fn wrong_path(&mut self, _hart: HartId, _pc: VirtAddr) {}

    /// Executes the next instruction of the wrong path speculatively and puts its record into `into`:
    /// real bytes, decoded through the current translation, with real register values. Nothing it does
    /// is visible outside the path. Returns whether there was one: the path ends at a fault, a device
    /// address, an instruction that acts on more than registers and memory, or for want of support,
    /// and stays ended until [`Source::wrong_path`] sends the hart elsewhere. `into` is then of no
    /// meaning.
    ///
    /// The outcome of a branch in a record is what the speculative values say. Where the front end
    /// guesses otherwise it follows its guess, by [`Source::wrong_path`].
    fn next_wrong(&mut self, _hart: HartId, _into: &mut Instr) -> bool {
        false
    }

    /// The clock of the core that runs `hart` stands at `cycle`: what the hart does next, it does then.
    /// Returns whether the core must end its step for the owner of the source to act first, which a
    /// source that does not know its owner's time always asks for.
    fn passed(&mut self, _hart: HartId, _cycle: u64) -> bool {
        true
    }

    /// Ends the wrong path of `hart` and forgets all it did.
    fn squash(&mut self, _hart: HartId) {}

    /// What names the operating system's thread that `hart` executed an instruction of last, for those who tell
    /// apart what threads do. `None` where it is not known: between two threads, or by a source that
    /// knows of none. It changes with instructions that are serialising, that trap or are interrupted,
    /// and that write the thread pointer, only.
    fn thread(&self, _hart: HartId) -> Option<u64> {
        None
    }
}

/// What a source has for a hart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The next instruction.
    Instr(Instr),
    /// Cached translations of the hart became invalid, by its own fence or another hart's request.
    /// The caller applies it and asks again.
    Flush(FlushScope),
    /// The hart waits for an interrupt and executes nothing.
    Idle {
        /// When it will wake at the latest by what is known now; `None` if nothing is scheduled.
        until: Option<Picos>,
    },
    /// What comes next is for a core that is empty: of [`Source::next`], which only such a core asks, a
    /// made-up program's way to say so ([`Instead::Alone`]).
    Alone,
    /// What the last instruction asked for (a device, another hart) must first be taken up: the
    /// caller ends its step and asks again in the next one.
    Later,
    /// The hart is off, or the program ended.
    Stopped,
}

impl Fetched {
    /// As an answer to [`Source::next_overlapped`].
    #[inline]
    pub fn overlapped(self, into: &mut Instr) -> Result<(), Instead> {
        match self {
            Self::Instr(instr) => {
                *into = instr;
                Ok(())
            }
            Self::Flush(scope) => Err(Instead::Flush(scope)),
            Self::Later => Err(Instead::Later),
            Self::Alone | Self::Idle { .. } | Self::Stopped => Err(Instead::Alone),
        }
    }
}

/// What a source has for a core with instructions under way instead of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// As [`Fetched::Flush`].
    Flush(FlushScope),
    /// What comes next is for a core that is empty, which finds out by [`Source::next`] what it is:
    /// an instruction that changes the state that others run in, an interrupt, or nothing at all.
    Alone,
    /// As [`Fetched::Later`].
    Later,
}

/// Which cached translations to drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlushScope {
    /// All of them.
    All,
    /// Those of one address space, except global ones.
    Asid(u16),
    /// Those of one page in all address spaces, global ones included.
    Page(VirtAddr),
    /// Those of one page in one address space, except global ones.
    PageAsid(VirtAddr, u16),
}

/// What a translation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Translate {
    /// An instruction fetch.
    Fetch,
    /// A load.
    Load,
    /// A store or an atomic.
    Store,
}

/// What a page-table walk reads and finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    entries: [PhysAddr; Walk::MAX_LEVELS],
    levels: u8,
    /// The page it finds; `None` if it ends in a fault.
    pub page: Option<Page>,
}

impl Walk {
    /// The most table levels a walk can have (57-bit virtual addresses).
    pub const MAX_LEVELS: usize = 5;

    /// A walk that has read nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the physical address of the next table entry it reads, root first. Panics beyond
    /// [`Walk::MAX_LEVELS`].
    pub fn read(&mut self, entry: PhysAddr) {
        self.entries[usize::from(self.levels)] = entry;
        self.levels += 1;
    }

    /// The physical addresses of the table entries it reads, root first.
    #[must_use]
    pub fn entries(&self) -> &[PhysAddr] {
        &self.entries[..usize::from(self.levels)]
    }
}

/// A page of virtual memory, as a TLB remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The physical address of its first byte.
    pub base: PhysAddr,
    /// The logarithm of its size: 12 for 4 KiB.
    pub size_log2: u8,
    /// It is the same in all address spaces.
    pub global: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_lists_its_entries_root_first() {
        let mut walk = Walk::new();
        walk.read(PhysAddr(0x1000));
        walk.read(PhysAddr(0x2008));
        assert_eq!(walk.entries(), [PhysAddr(0x1000), PhysAddr(0x2008)]);
    }
}
