//! How copies in private caches are kept coherent: MESI states, snooped at the shared level.
//!
//! A load that misses makes changed or exclusive copies elsewhere shared; a store makes all other
//! copies go. A changed copy is written to the level the requester reads from next, which is how
//! the requester gets it; other copies are not forwarded. Instruction caches take part like
//! data caches. Left out: the snoop traffic itself and a directory that would spare it.

use super::transit::{Outcome, Request};
use super::{Hierarchy, Level, Side};
use crate::cache::{Cache, State};
use stream::{CacheOp, LineAddr};

/// What a snoop found in one cache.
#[derive(Clone, Copy, Debug, Default)]
struct Snooped {
    /// The cache still has a copy.
    stays: bool,
    /// The copy was changed and has been handed over.
    supplied: bool,
}

impl Snooped {
    /// What was found in two caches.
    fn and(self, other: Self) -> Self {
        Self { stays: self.stays | other.stays, supplied: self.supplied | other.supplied }
    }
}

/// Makes `cache` give up what a requester elsewhere needs. `covered` says that a newer copy of the
/// line was already handed over by a cache above this one.
#[inline(always)]
fn snoop(cache: &mut Cache, line: LineAddr, writes: bool, covered: bool) -> Snooped {
    if cache.may_hold(line) {
        snoop_closely(cache, line, writes, covered)
    } else {
        Snooped::default()
    }
}

/// The same for a cache that may hold the line.
fn snoop_closely(cache: &mut Cache, line: LineAddr, writes: bool, covered: bool) -> Snooped {
    let Some(slot) = cache.find(line) else { return Snooped::default() };
    let changed = cache.state(slot) == State::Modified;
    let supplied = changed && !covered;
    if supplied {
        cache.stats.supplied.inc();
    }
    if writes {
        cache.invalidate(slot);
    } else if cache.state(slot) != State::Shared {
        cache.set_state(slot, State::Shared);
        cache.stats.downgrades.inc();
    }
    Snooped { stays: !writes, supplied }
}

impl Hierarchy {
    /// Snoops the other first-level cache of the requesting hart (both, for a walker that goes
    /// past them); returns whether no copy stays there.
    #[inline(always)]
    pub(super) fn snoop_siblings(&mut self, request: Request, outcome: &mut Outcome) -> bool {
        let [l1i, l1d] = &mut self.harts[request.hart.index()].l1;
        let snooped = |l1| snoop(l1, request.line, request.writes(), false);
        let Snooped { stays, supplied } = match request.side {
            Some(Side::Instruction) => snooped(l1d),
            Some(Side::Data) => snooped(l1i),
            None => snooped(l1i).and(snooped(l1d)),
        };
        if supplied {
            outcome.supplied = true;
            self.write_back_below_l1(request.hart.index(), request.line, outcome);
        }
        !stays
    }

    /// Snoops the private caches of all other harts; returns whether no copy stays there.
    pub(super) fn snoop_remote(&mut self, request: Request, outcome: &mut Outcome) -> bool {
        let mut alone = true;
        let mut supplied = false;
        for (hart, private) in self.harts.iter_mut().enumerate() {
            if hart == request.hart.index() {
                continue;
            }
            for cache in private.l1.iter_mut().chain(&mut private.l2) {
                let snooped = snoop(cache, request.line, request.writes(), supplied);
                alone &= !snooped.stays;
                supplied |= snooped.supplied;
            }
        }
        if supplied {
            outcome.supplied = true;
            self.write_back_to_shared(request.line, outcome);
        }
        alone
    }

    /// Makes all other copies of a line go that the requester holds shared; returns how far the
    /// request had to travel for that.
    pub(super) fn own(&mut self, request: Request) -> Level {
        for (index, l1) in self.harts[request.hart.index()].l1.iter_mut().enumerate() {
            if request.side.is_none_or(|side| side as usize != index) {
                snoop(l1, request.line, true, false);
            }
        }
        if let Some(l2) = &mut self.harts[request.hart.index()].l2
            && let Some(slot) = l2.find(request.line)
        {
            if l2.state(slot) != State::Shared {
                return Level::L2;
            }
            l2.set_state(slot, State::Exclusive);
        }
        self.drop_remote_copies(request);
        Level::Llc
    }

    /// Makes the copies of other harts go; the requester has the data, so none is handed over.
    pub(super) fn drop_remote_copies(&mut self, request: Request) {
        for (hart, private) in self.harts.iter_mut().enumerate() {
            if hart != request.hart.index() {
                for cache in private.l1.iter_mut().chain(&mut private.l2) {
                    snoop(cache, request.line, true, true);
                }
            }
        }
    }

    /// Cleans, flushes or invalidates a line everywhere; returns whether memory was written.
    pub(super) fn maintain_line(&mut self, op: CacheOp, line: LineAddr) -> bool {
        let drops = match op {
            CacheOp::Clean => false,
            CacheOp::Flush | CacheOp::Invalidate => true,
            CacheOp::Zero
            | CacheOp::PrefetchInstruction
            | CacheOp::PrefetchRead
            | CacheOp::PrefetchWrite => panic!("{op:?} is an access, not maintenance"),
        };
        let mut changed = false;
        for private in &mut self.harts {
            for cache in private.l1.iter_mut().chain(&mut private.l2) {
                changed |= snoop(cache, line, drops, changed).supplied;
            }
        }
        if changed {
            self.write_back_to_shared(line, &mut Outcome::found(Level::L1));
        }
        let Some(llc) = &mut self.llc else { return changed };
        let Some(slot) = llc.find(line) else { return false };
        let written = llc.state(slot) == State::Modified;
        if written {
            llc.set_state(slot, State::Exclusive);
            llc.stats.write_backs.inc();
            self.memory.leaves(line);
        }
        if drops {
            llc.invalidate(slot);
        }
        written
    }
}
