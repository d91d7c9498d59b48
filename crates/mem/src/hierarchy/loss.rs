//! State that is lost because something else had the core in between.
//!
//! What a cache holds leaves it as if it were displaced: changed lines go to the level below, and lines that a level
//! must hold for those above leave those, too. So the caches are at once in a state that they could have come
//! to. No time passes, and nothing is left in queues.

use super::transit::Outcome;
use super::{Hierarchy, Level, Side};
use crate::cache::{Cache, Victim};
use stream::HartId;

/// Which structures lose what they hold: those of one hart, and the last level, which all harts share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostMemory {
    /// The first-level instruction cache.
    pub l1i: bool,
    /// The first-level data cache.
    pub l1d: bool,
    /// The second-level cache; an inclusive one takes what the first levels hold with it.
    pub l2: bool,
    /// The last-level cache; an inclusive one takes what the caches of all harts hold with it.
    pub llc: bool,
    /// The first-level TLB for fetches.
    pub itlb: bool,
    /// The first-level TLB for loads and stores.
    pub dtlb: bool,
    /// The second-level TLB, and the cache of upper table levels.
    pub l2_tlb: bool,
    /// What prefetchers have learned: those of the hart's caches and of the last level.
    pub prefetchers: bool,
}

impl Hierarchy {
    /// Lets the structures of `hart` lose what they hold. What is under way for `hart` must have arrived.
    ///
    /// The order of replacement in sets that are now empty, and rows that DRAM keeps open, stay.
    pub fn lose(&mut self, hart: HartId, what: &LostMemory) {
        let hart = hart.index();
        for (side, lost) in [(Side::Instruction, what.l1i), (Side::Data, what.l1d)] {
            if lost {
                self.empty(
                    |it| Some(&mut it.harts[hart].l1[side as usize]),
                    |it, victim, outcome| it.leave_l1(hart, side, victim, outcome),
                );
            }
        }
        if what.l2 {
            self.empty(
                |it| it.harts[hart].l2.as_mut(),
                |it, victim, outcome| it.leave_l2(hart, victim, outcome),
            );
        }
        if what.llc {
            self.empty(|it| it.llc.as_mut(), Self::leave_llc);
        }
        self.harts[hart].mmu.lose(what);
        if what.prefetchers {
            let private = &mut self.harts[hart];
            let own = private.l1.iter_mut().chain(&mut private.l2);
            own.chain(&mut self.llc).for_each(Cache::forget_accesses);
        }
    }

    /// Takes all lines out of `cache`, if there is one; each leaves it by `leave`.
    fn empty(
        &mut self,
        cache: impl Fn(&mut Self) -> Option<&mut Cache>,
        leave: impl Fn(&mut Self, Victim, &mut Outcome),
    ) {
        let held = cache(self).map_or_else(Vec::new, |cache| cache.held());
        for line in held {
            // An inclusive level below may have taken it in the meantime.
            if let Some(victim) = cache(self).and_then(|cache| cache.give_up(line)) {
                // Where it is found does not matter: nobody asked for it.
                leave(self, victim, &mut Outcome::found(Level::Memory));
                self.memory.forget();
            }
        }
    }
}
