//! Branches that a restoration unit sees enter the branch target buffer, and those it puts in itself.
//!
//! An entry that was put in carries a bit until it is used (D. Schall, A. Sandberg, B. Grot, "Warming up a
//! cold front-end with Ignite", MICRO 2023, section 4.2). A buffer here does not tell which branch it gave
//! up for another, so that such an entry was displaced unused is found by looking, one entry at a time
//! ([`Predictor::look_for_displaced`]).

use super::Predictor;
use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher};
use stream::{BranchKind, VirtAddr};

/// A branch as the branch target buffer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownBranch {
    /// Where it begins.
    pub pc: VirtAddr,
    /// Where it goes when it is taken.
    pub target: VirtAddr,
    /// Its kind.
    pub kind: BranchKind,
    /// Its length in bytes.
    pub length: u8,
}

/// A branch that entered the buffer, or was used for the first time after it was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// The branch.
    pub branch: KnownBranch,
    /// It was there because it was restored.
    pub restored: bool,
}

/// What a unit has not been told of, and what it put in.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    learned: VecDeque<Learned>,
    /// Entries that were restored and neither used nor found displaced.
    unused: HashSet<VirtAddr, BuildHasherDefault<DefaultHasher>>,
    /// The same in the order in which they are looked at, with some that have been used since.
    order: VecDeque<VirtAddr>,
}

/// Unused entries that there is room for from the start: twice what Ignite lets there be.
const USUAL: usize = 2048;

impl Watched {
    fn new() -> Self {
        Self {
            learned: VecDeque::with_capacity(16),
            unused: HashSet::with_capacity_and_hasher(USUAL, BuildHasherDefault::default()),
            order: VecDeque::with_capacity(USUAL),
        }
    }

    fn restored(&mut self, pc: VirtAddr) {
        self.unused.insert(pc);
        if self.order.len() == self.order.capacity() {
            let unused = &self.unused;
            self.order.retain(|pc| unused.contains(pc));
        }
        self.order.push_back(pc);
    }
}

impl Predictor {
    /// Remembers what enters the branch target buffer from now on.
    pub fn watch_targets(&mut self) {
        self.watched = Some(Box::new(Watched::new()));
    }

    /// Takes the next branch that was learned.
    pub fn next_learned(&mut self) -> Option<Learned> {
        self.watched.as_mut()?.learned.pop_front()
    }

    /// Puts a branch into the buffer, unless it is there; whether it was put in.
    pub fn restore_target(&mut self, branch: &KnownBranch) -> bool {
        let KnownBranch { pc, target, kind, length } = *branch;
        if self.btb.look_up(pc).is_some() {
            return false;
        }
        self.btb.insert(pc, kind, target, length);
        if let Some(watched) = &mut self.watched {
            watched.restored(pc);
        }
        true
    }

    /// Makes the base table of the direction predictor say weakly that the branch at `pc` is taken, if
    /// there is such a table; whether there is.
    pub fn restore_direction(&mut self, pc: VirtAddr) -> bool {
        self.front.direction.set_base(pc, true)
    }

    /// Restored entries that have not been used.
    #[must_use]
    pub fn unused_restored(&self) -> usize {
        self.watched.as_ref().map_or(0, |watched| watched.unused.len())
    }

    /// Looks whether the next of the restored and unused entries was displaced, and says so once.
    pub fn look_for_displaced(&mut self) -> bool {
        let Some(watched) = &mut self.watched else { return false };
        let Some(pc) = watched.order.pop_front() else { return false };
        if !watched.unused.contains(&pc) {
            return false;
        }
        if self.btb.look_up(pc).is_some() {
            watched.order.push_back(pc);
            return false;
        }
        watched.unused.remove(&pc)
    }

    /// Puts a branch that was taken into the buffer.
    #[inline]
    pub(super) fn insert_target(&mut self, branch: KnownBranch) {
        let KnownBranch { pc, target, kind, length } = branch;
        if self.watched.is_some() {
            self.note_insertion(pc, target, kind, length);
        }
        self.btb.insert(pc, kind, target, length);
    }

    /// Takes the branch apart, or it would be put together in memory whether there is a unit or not.
    #[inline(never)]
    fn note_insertion(&mut self, pc: VirtAddr, target: VirtAddr, kind: BranchKind, length: u8) {
        let branch = KnownBranch { pc, target, kind, length };
        let known = self.btb.look_up(branch.pc).is_some();
        if let Some(watched) = self.watched.as_mut().filter(|_| !known) {
            watched.unused.remove(&branch.pc);
            watched.learned.push_back(Learned { branch, restored: false });
        }
    }

    /// The front end goes by what the buffer knows of a branch.
    #[inline]
    pub(super) fn note_use(&mut self, branch: KnownBranch) {
        let KnownBranch { pc, target, kind, length } = branch;
        if self.watched.is_some() {
            self.note_watched_use(pc, target, kind, length);
        }
    }

    #[inline(never)]
    fn note_watched_use(&mut self, pc: VirtAddr, target: VirtAddr, kind: BranchKind, length: u8) {
        let branch = KnownBranch { pc, target, kind, length };
        if let Some(watched) = &mut self.watched
            && watched.unused.remove(&branch.pc)
        {
            watched.learned.push_back(Learned { branch, restored: true });
        }
    }

    /// The buffer was emptied, and its bits with it.
    pub(super) fn forget_restored(&mut self) {
        if let Some(watched) = &mut self.watched {
            watched.unused.clear();
            watched.order.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BranchConfig;
    use crate::direction::DirectionConfig;
    use crate::indirect::IndirectConfig;
    use crate::target::BtbConfig;
    use stream::Branch;

    fn predictor() -> Predictor {
        let mut predictor = Predictor::new(&BranchConfig {
            direction: DirectionConfig::Bimodal(Default::default()),
            indirect: IndirectConfig::LastTarget(Default::default()),
            btb: BtbConfig::SetAssociative(Default::default()),
            ras_entries: 8,
        })
        .expect("published designs can be built");
        predictor.watch_targets();
        predictor
    }

    fn branch(pc: u64) -> KnownBranch {
        let kind = BranchKind::Conditional;
        KnownBranch { pc: VirtAddr(pc), target: VirtAddr(pc + 0x100), kind, length: 4 }
    }

    fn execute(predictor: &mut Predictor, branch: &KnownBranch, taken: bool) {
        let actual = Branch { kind: branch.kind, taken, target: branch.target };
        predictor.warm(branch.pc, &actual, VirtAddr(branch.pc.0 + 4));
    }

    fn told(predictor: &mut Predictor) -> Vec<(u64, bool)> {
        let next = || predictor.next_learned().map(|it| (it.branch.pc.0, it.restored));
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn a_branch_is_told_of_when_it_is_first_taken_and_not_again() {
        let mut predictor = predictor();
        for (pc, taken) in [(0x10, false), (0x10, true), (0x20, true), (0x10, true), (0x10, false)]
        {
            execute(&mut predictor, &branch(pc), taken);
        }
        assert_eq!(told(&mut predictor), [(0x10, false), (0x20, false)]);
        predictor.flush_btb();
        execute(&mut predictor, &branch(0x20), true);
        assert_eq!(told(&mut predictor), [(0x20, false)], "it enters anew");
    }

    #[test]
    fn a_restored_branch_is_told_of_at_its_first_use() {
        let mut predictor = predictor();
        assert!(predictor.restore_target(&branch(0x10)));
        assert!(!predictor.restore_target(&branch(0x10)), "it is there");
        assert_eq!(predictor.unused_restored(), 1);
        // Going by it is a use, whatever it does.
        execute(&mut predictor, &branch(0x10), false);
        execute(&mut predictor, &branch(0x10), true);
        assert_eq!(told(&mut predictor), [(0x10, true)]);
        assert_eq!(predictor.unused_restored(), 0);
        assert!(!predictor.look_for_displaced(), "it was used");
    }

    #[test]
    fn a_restored_branch_that_was_displaced_is_found_once() {
        let mut predictor = predictor();
        for pc in [0x10, 0x20, 0x30] {
            predictor.restore_target(&branch(pc));
        }
        predictor.forget_target(VirtAddr(0x20));
        let found: Vec<_> = (0..6).map(|_| predictor.look_for_displaced()).collect();
        assert_eq!(found, [false, true, false, false, false, false]);
        assert_eq!(predictor.unused_restored(), 2);
    }
}
