//! How long an access takes: latencies composed level by level, plus waits for bounded resources.
//!
//! With `tag`, `hit` and `response` of each level (`hit` is the larger of tag and data latency, or
//! their sum with sequential access), an unloaded access that starts at t is done at
//!
//! | the line is in | done |
//! |---|---|
//! | L1 | t + L1.hit |
//! | LLC (no L2) | t + L1.tag + LLC.hit + L1.response |
//! | memory | t + L1.tag + LLC.tag + memory + LLC.response + L1.response |
//! | another hart's L1, changed | t + L1.tag + LLC.hit + L1.hit of the other + L1.response |
//! | L1, but shared and to be stored to | t + L1.tag + LLC.tag + L1.response |
//!
//! and an L2 in between adds its tag and response latencies. A miss holds a miss register of each
//! level it passes, from its tag lookup there to its response; a changed line that leaves a level
//! holds one of its write buffers until the next level has it. A lookup waits for its bank where a cache
//! has banks; fills and lines on their way down do not use them.
//!
//! All of it holds for memory that answers later too: the latencies are added to an answer yet to
//! come, and `admission` has made sure that no register is needed whose end hangs on another one.

use super::fills::Place;
use super::transit::{Outcome, Request};
use super::{Hierarchy, Level, Side};
use crate::Cycle;
use crate::cache::Cache;
use crate::occupancy::{Claim, Pending, Purpose};
use crate::when::When;
use stream::{HartId, LineAddr};

impl Hierarchy {
    /// When the access that had `outcome` is done.
    #[inline]
    pub(super) fn completion(&mut self, now: Cycle, request: Request, outcome: &Outcome) -> When {
        let Some(side) = request.side else { return self.below(now, request, outcome) };
        let l1 = &mut self.harts[request.hart.index()].l1[side as usize];
        let now = l1.take_bank(request.line, now);
        match (outcome.found, outcome.upgrade) {
            (Level::L1, None) => hit(l1, request.line, now, outcome.first_use),
            (Level::L1, Some(asked)) => self.upgrade(now, request, outcome, asked),
            _ => self.missed(now, request, side, outcome),
        }
    }

    /// When an access is done that missed the first level. One function with what it asks below: misses
    /// are many, and each level little.
    #[inline(always)]
    fn missed(&mut self, now: Cycle, request: Request, side: Side, outcome: &Outcome) -> When {
        let l1 = &mut self.harts[request.hart.index()].l1[side as usize];
        let claim = start_miss(l1, now + l1.latency.tag);
        let response = l1.latency.response;
        let done = self.below(claim.from, request, outcome) + response;
        self.hold(Place::L1(request.hart, side), claim, request, done);
        let stalled = self.buffer(Place::L1(request.hart, side), claim.from, outcome);
        self.memory.send(claim.from);
        done + stalled
    }

    /// When a store has made the other copies of its line go. Where the line is still on its way,
    /// the store waits for it in the same register.
    fn upgrade(&mut self, now: Cycle, request: Request, outcome: &Outcome, asked: Level) -> When {
        let l1 = &mut self.harts[request.hart.index()].l1[Side::Data as usize];
        let (tag, response) = (l1.latency.tag, l1.latency.response);
        let late = match l1.mshrs.join(request.line, now) {
            Some(Pending::Blocked(When::At(until))) => {
                l1.stats.targets_full.add(until - now);
                return When::At(
                    self.permission(until + tag, request.hart.index(), asked) + response,
                );
            }
            Some(Pending::Merged(arrival) | Pending::Blocked(arrival)) => {
                l1.stats.merged.inc();
                l1.stats.prefetch.late.add(u64::from(outcome.first_use));
                Some(arrival)
            }
            None => None,
        };
        if let Some(arrival) = late {
            let allowed = self.permission(now + tag, request.hart.index(), asked) + response;
            return arrival.no_earlier_than(allowed);
        }
        let claim = start_miss(l1, now + tag);
        let done = When::At(self.permission(claim.from, request.hart.index(), asked) + response);
        let l1 = &mut self.harts[request.hart.index()].l1[Side::Data as usize];
        l1.mshrs.hold(claim, request.line, done, Purpose::Other);
        done
    }

    /// When the level below the first one has the line for a request that reaches it at `at`.
    #[inline(always)]
    fn below(&mut self, at: Cycle, request: Request, outcome: &Outcome) -> When {
        let Some(l2) = &mut self.harts[request.hart.index()].l2 else {
            return self.shared(at, request, outcome);
        };
        let at = l2.take_bank(request.line, at);
        if outcome.found == Level::L2 {
            let late = outcome.restored && l2.mshrs.is_outstanding(request.line, at);
            l2.restored.late.add(u64::from(late));
            let there = hit(l2, request.line, at, outcome.first_use);
            let there = there + self.supply(request, outcome);
            return match outcome.upgrade {
                Some(asked) => {
                    there.no_earlier_than(self.permission(at, request.hart.index(), asked))
                }
                None => there,
            };
        }
        let claim = start_miss(l2, at + l2.latency.tag);
        let response = l2.latency.response;
        let done = self.shared(claim.from, request, outcome) + response;
        self.hold(Place::L2(request.hart), claim, request, done);
        done + self.buffer(Place::L2(request.hart), claim.from, outcome)
    }

    /// Puts the lines that left a private cache at `at` into its write buffers; returns how long the miss
    /// that displaced them had to wait for those.
    #[inline]
    fn buffer(&mut self, place: Place, at: Cycle, outcome: &Outcome) -> u64 {
        let (level, hart) = match place {
            Place::L1(hart, _) => (Level::L1, hart),
            Place::L2(hart) => (Level::L2, hart),
            Place::Llc => return 0,
        };
        let count = outcome.write_backs[level as usize];
        if count == 0 {
            return 0;
        }
        let written = self.accept_write_back(at, level, hart.index());
        buffer_write_backs(self.cache(place), at, written, count)
    }

    /// When the shared part has the line for a request that reaches it at `at`.
    pub(super) fn shared(&mut self, at: Cycle, request: Request, outcome: &Outcome) -> When {
        let supply = self.supply(request, outcome);
        let Some(llc) = &mut self.llc else {
            let line = self.memory.read(at, request.line, || self.overlap.begin_fill());
            self.memory.send(at);
            return line + supply;
        };
        let at = llc.take_bank(request.line, at);
        if outcome.found == Level::Llc {
            return hit(llc, request.line, at, outcome.first_use) + supply;
        }
        let claim = start_miss(llc, at + llc.latency.tag);
        let response = llc.latency.response;
        let line = self.memory.read(claim.from, request.line, || self.overlap.begin_fill());
        let done = line + response + supply;
        self.hold(Place::Llc, claim, request, done);
        done + self.write_to_memory(claim.from, outcome.write_backs[2])
    }

    /// Writes `count` lines that left the last level at `at`; returns how long the miss that
    /// displaced them had to wait for buffers.
    fn write_to_memory(&mut self, at: Cycle, count: u8) -> u64 {
        let llc = self.llc.as_mut().expect("lines left it");
        let mut stalled = 0;
        for _ in 0..count {
            let written = self.memory.write(at);
            stalled += buffer_write_backs(llc, at, written, 1);
        }
        stalled
    }

    /// Holds a claimed miss register until the line has passed, and tells the prefetcher there when
    /// that is.
    #[inline(always)]
    fn hold(&mut self, place: Place, claim: Claim, request: Request, until: When) {
        let prefetched = request.prefetch == Some(place.level());
        let purpose = if prefetched { Purpose::Prefetch } else { Purpose::Demand };
        self.cache(place).mshrs.hold(claim, request.line, until, purpose);
        match until {
            When::At(at) if self.fills_watched => {
                self.cache(place).filled(request.line, at, prefetched);
            }
            When::At(_) => {}
            When::After { fill, .. } => self.overlap.holds(fill, place, claim.register),
        }
    }

    #[inline]
    pub(super) fn cache(&mut self, place: Place) -> &mut Cache {
        match place {
            Place::L1(hart, side) => &mut self.harts[hart.index()].l1[side as usize],
            Place::L2(hart) => {
                self.harts[hart.index()].l2.as_mut().expect("a request came through it")
            }
            Place::Llc => self.llc.as_mut().expect("a request came through it"),
        }
    }

    /// What it adds that another private cache has to hand the line over: that cache's hit time.
    fn supply(&self, request: Request, outcome: &Outcome) -> u64 {
        if outcome.supplied {
            self.harts[request.hart.index()].l1[Side::Data as usize].latency.hit
        } else {
            0
        }
    }

    /// When a store that reaches the next level at `at` may write its shared copy.
    fn permission(&self, at: Cycle, hart: usize, asked: Level) -> Cycle {
        let l2 = self.harts[hart].l2.as_ref().map_or(0, |l2| l2.latency.tag);
        let llc = self.llc.as_ref().map_or(0, |llc| llc.latency.tag);
        at + l2 + if asked == Level::L2 { 0 } else { llc }
    }

    /// When the level below `from` has taken a changed line that leaves at `at`.
    fn accept_write_back(&self, at: Cycle, from: Level, hart: usize) -> Cycle {
        let l2 = self.harts[hart].l2.as_ref().filter(|_| from == Level::L1);
        match l2.or(self.llc.as_ref()) {
            Some(next) => at + next.latency.tag,
            None => at,
        }
    }

    /// When a cache operation that starts at `now` is done.
    pub(super) fn maintenance_completion(
        &mut self,
        now: Cycle,
        hart: HartId,
        memory_written: bool,
    ) -> Cycle {
        let l1 = &self.harts[hart.index()].l1[Side::Data as usize];
        let (tag, response) = (l1.latency.tag, l1.latency.response);
        let asked = self.permission(now + tag, hart.index(), Level::Llc);
        let done = if memory_written { self.memory.write(asked) } else { asked };
        done + response
    }
}

/// When a line that is in the tags is there: at once, or when its outstanding fill arrives.
#[inline(always)]
fn hit(cache: &mut Cache, line: LineAddr, now: Cycle, first_use: bool) -> When {
    let there = now + cache.latency.hit;
    match cache.mshrs.join(line, now) {
        None => When::At(there),
        Some(pending) => hit_outstanding(cache, now, pending, first_use),
    }
}

fn hit_outstanding(cache: &mut Cache, now: Cycle, pending: Pending, first_use: bool) -> When {
    cache.stats.merged.inc();
    cache.stats.prefetch.late.add(u64::from(first_use));
    match pending {
        Pending::Blocked(When::At(until)) => {
            cache.stats.targets_full.add(until - now);
            When::At(until + cache.latency.hit)
        }
        // A request that must not join a full register was turned away before.
        Pending::Merged(arrival) | Pending::Blocked(arrival) => {
            arrival.no_earlier_than(now + cache.latency.hit)
        }
    }
}

/// Claims a miss register at or after `at`, counting the wait.
pub(super) fn start_miss(cache: &mut Cache, at: Cycle) -> Claim {
    let claim = cache.mshrs.claim(at).expect("requests without one were turned away");
    cache.stats.mshr_full.add(claim.from - at);
    claim
}

/// Puts `count` changed lines into write buffers that are free again at `written`; returns how long
/// the miss that displaced them had to wait for buffers.
fn buffer_write_backs(cache: &mut Cache, at: Cycle, written: Cycle, count: u8) -> u64 {
    let mut stalled = 0;
    for _ in 0..count {
        let claim = cache.write_buffer.claim(at).expect("the next level says when it has a line");
        let wait = claim.from - at;
        let until = When::At(written + wait);
        cache.write_buffer.hold(claim, LineAddr(0), until, Purpose::Other);
        stalled = stalled.max(wait);
    }
    cache.stats.write_buffer_full.add(stalled);
    stalled
}
