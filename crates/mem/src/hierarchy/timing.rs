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
//! holds one of its write buffers until the next level has it.

use super::transit::{Outcome, Request};
use super::{Hierarchy, Level, Side};
use crate::Cycle;
use crate::cache::Cache;
use crate::occupancy::{Claim, Pending};
use stream::{HartId, LineAddr};

impl Hierarchy {
    /// When the access that had `outcome` is done.
    #[inline]
    pub(super) fn completion(&mut self, now: Cycle, request: Request, outcome: &Outcome) -> Cycle {
        let Some(side) = request.side else { return self.below(now, request, outcome) };
        let l1 = &mut self.harts[request.hart].l1[side as usize];
        if outcome.found == Level::L1 && outcome.upgrade.is_none() {
            return hit(l1, request.line, now);
        }
        let claim = start_miss(l1, now + l1.latency.tag);
        let response = l1.latency.response;
        let data = match (outcome.found, outcome.upgrade) {
            (Level::L1, Some(asked)) => self.permission(claim.from, request.hart, asked),
            _ => self.below(claim.from, request, outcome),
        };
        let done = data + response;
        let written = self.accept_write_back(claim.from, Level::L1, request.hart);
        let l1 = &mut self.harts[request.hart].l1[side as usize];
        l1.mshrs.hold(claim, request.line, done);
        let stalled = buffer_write_backs(l1, claim.from, written, outcome.write_backs[0]);
        done + stalled
    }

    /// When the level below the first one has the line for a request that reaches it at `at`.
    fn below(&mut self, at: Cycle, request: Request, outcome: &Outcome) -> Cycle {
        let Some(l2) = &mut self.harts[request.hart].l2 else {
            return self.shared(at, request, outcome);
        };
        if outcome.found == Level::L2 {
            let there = hit(l2, request.line, at) + self.supply(request, outcome);
            return match outcome.upgrade {
                Some(asked) => there.max(self.permission(at, request.hart, asked)),
                None => there,
            };
        }
        let claim = start_miss(l2, at + l2.latency.tag);
        let response = l2.latency.response;
        let done = self.shared(claim.from, request, outcome) + response;
        let written = self.accept_write_back(claim.from, Level::L2, request.hart);
        let l2 = self.harts[request.hart].l2.as_mut().expect("seen above");
        l2.mshrs.hold(claim, request.line, done);
        done + buffer_write_backs(l2, claim.from, written, outcome.write_backs[1])
    }

    /// When the shared part has the line for a request that reaches it at `at`.
    fn shared(&mut self, at: Cycle, request: Request, outcome: &Outcome) -> Cycle {
        let supply = self.supply(request, outcome);
        let Some(llc) = &mut self.llc else { return self.memory.read(at) + supply };
        if outcome.found == Level::Llc {
            return hit(llc, request.line, at) + supply;
        }
        let claim = start_miss(llc, at + llc.latency.tag);
        let done = self.memory.read(claim.from) + llc.latency.response + supply;
        llc.mshrs.hold(claim, request.line, done);
        let mut stalled = 0;
        for _ in 0..outcome.write_backs[2] {
            let written = self.memory.write(claim.from);
            stalled += buffer_write_backs(llc, claim.from, written, 1);
        }
        done + stalled
    }

    /// What it adds that another private cache has to hand the line over: that cache's hit time.
    fn supply(&self, request: Request, outcome: &Outcome) -> u64 {
        if outcome.supplied {
            self.harts[request.hart].l1[Side::Data as usize].latency.hit
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
#[inline]
fn hit(cache: &mut Cache, line: LineAddr, now: Cycle) -> Cycle {
    let there = now + cache.latency.hit;
    match cache.mshrs.join(line, now) {
        None => there,
        Some(Pending::Merged(arrival)) => {
            cache.stats.merged.inc();
            there.max(arrival)
        }
        Some(Pending::Blocked(until)) => {
            cache.stats.merged.inc();
            cache.stats.targets_full.add(until - now);
            until + cache.latency.hit
        }
    }
}

/// Claims a miss register at or after `at`, counting the wait.
fn start_miss(cache: &mut Cache, at: Cycle) -> Claim {
    let claim = cache.mshrs.claim(at);
    cache.stats.mshr_full.add(claim.from - at);
    claim
}

/// Puts `count` changed lines into write buffers that are free again at `written`; returns how long
/// the miss that displaced them had to wait for buffers.
fn buffer_write_backs(cache: &mut Cache, at: Cycle, written: Cycle, count: u8) -> u64 {
    let mut stalled = 0;
    for _ in 0..count {
        let claim = cache.write_buffer.claim(at);
        let wait = claim.from - at;
        cache.write_buffer.hold(claim, LineAddr(0), written + wait);
        stalled = stalled.max(wait);
    }
    cache.stats.write_buffer_full.add(stalled);
    stalled
}
