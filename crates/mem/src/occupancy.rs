//! Bounded resources as sets of busy intervals: miss registers, write buffers, the memory port.
//!
//! A request that finds all slots busy starts when the first one is free. Requests of different
//! harts may arrive a little out of time order, so a slot that is taken in the future does not block
//! a request of the past.

use crate::Cycle;
use stream::LineAddr;

/// Miss status holding registers: outstanding lines and who waits for them.
#[derive(Clone, Debug)]
pub(crate) struct Mshrs {
    registers: Vec<Register>,
    max_targets: u32,
    /// No register is busy from here on: the common case is decided by one comparison.
    quiet_from: Cycle,
}

#[derive(Clone, Copy, Debug)]
struct Register {
    line: LineAddr,
    from: Cycle,
    until: Cycle,
    targets: u32,
}

/// A claim on a register: which one, and from when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    register: usize,
    pub(crate) from: Cycle,
}

/// What an access that finds its line outstanding has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// The line arrives then, and the access waits in the same register.
    Merged(Cycle),
    /// The register can take no more targets: the cache blocks until then.
    Blocked(Cycle),
}

impl Mshrs {
    pub(crate) fn new(count: u32, max_targets: u32) -> Self {
        let free = Register { line: LineAddr(0), from: Cycle(0), until: Cycle(0), targets: 0 };
        Self { registers: vec![free; count as usize], max_targets, quiet_from: Cycle(0) }
    }

    /// Joins the outstanding miss for `line`, if there is one at `now`.
    #[inline]
    pub(crate) fn join(&mut self, line: LineAddr, now: Cycle) -> Option<Pending> {
        if now >= self.quiet_from {
            return None;
        }
        let max_targets = self.max_targets;
        let register = self.registers.iter_mut().find(|r| r.line == line && now < r.until)?;
        if register.targets < max_targets {
            register.targets += 1;
            Some(Pending::Merged(register.until))
        } else {
            Some(Pending::Blocked(register.until))
        }
    }

    /// The first register that is free at or after `at`.
    pub(crate) fn claim(&self, at: Cycle) -> Claim {
        let mut best = Claim { register: 0, from: Cycle(u64::MAX) };
        for (index, register) in self.registers.iter().enumerate() {
            if register.until <= at {
                return Claim { register: index, from: at };
            }
            let busy = register.from <= at;
            let from = if busy { register.until } else { at };
            if from < best.from {
                best = Claim { register: index, from };
            }
        }
        best
    }

    /// Takes the claimed register for `line` until the data is passed on.
    pub(crate) fn hold(&mut self, claim: Claim, line: LineAddr, until: Cycle) {
        self.registers[claim.register] = Register { line, from: claim.from, until, targets: 1 };
        self.quiet_from = self.quiet_from.max(until);
    }
}

/// A port that serves one transfer at a time, each taking the same number of cycles.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    transfer: u64,
    /// Starts of the latest transfers, in order.
    starts: Vec<Cycle>,
}

impl Port {
    /// Transfers that are remembered: more than can overlap with any request that still comes.
    const REMEMBERED: usize = 32;

    pub(crate) fn new(transfer: u64) -> Self {
        Self { transfer, starts: Vec::with_capacity(Self::REMEMBERED + 1) }
    }

    /// Puts a transfer into the first gap at or after `at`; returns when it starts.
    pub(crate) fn transfer(&mut self, at: Cycle) -> Cycle {
        if self.transfer == 0 {
            return at;
        }
        let (mut start, mut place) = (at, self.starts.len());
        for (index, &busy) in self.starts.iter().enumerate() {
            if busy + self.transfer <= start {
                continue;
            }
            if start + self.transfer <= busy {
                place = index;
                break;
            }
            start = busy + self.transfer;
        }
        self.starts.insert(place, start);
        if self.starts.len() > Self::REMEMBERED {
            self.starts.remove(0);
        }
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: LineAddr = LineAddr(7);

    fn hold(mshrs: &mut Mshrs, line: LineAddr, at: u64, until: u64) -> u64 {
        let claim = mshrs.claim(Cycle(at));
        mshrs.hold(claim, line, Cycle(until));
        claim.from.0
    }

    #[test]
    fn a_miss_waits_for_the_first_free_register() {
        let mut mshrs = Mshrs::new(2, 4);
        assert_eq!(hold(&mut mshrs, LineAddr(1), 10, 50), 10);
        assert_eq!(hold(&mut mshrs, LineAddr(2), 11, 40), 11);
        assert_eq!(mshrs.claim(Cycle(39)).from, Cycle(40), "blocked at 39");
        assert_eq!(mshrs.claim(Cycle(40)).from, Cycle(40), "ready at 40");
        assert_eq!(mshrs.claim(Cycle(5)).from, Cycle(5), "both are taken later than 5");
    }

    #[test]
    fn accesses_to_an_outstanding_line_merge_up_to_the_targets() {
        let mut mshrs = Mshrs::new(1, 3);
        hold(&mut mshrs, LINE, 10, 50);
        assert_eq!(mshrs.join(LINE, Cycle(12)), Some(Pending::Merged(Cycle(50))));
        assert_eq!(mshrs.join(LINE, Cycle(13)), Some(Pending::Merged(Cycle(50))));
        assert_eq!(mshrs.join(LINE, Cycle(14)), Some(Pending::Blocked(Cycle(50))));
        assert_eq!(mshrs.join(LineAddr(8), Cycle(14)), None);
        assert_eq!(mshrs.join(LINE, Cycle(50)), None, "the line has arrived");
    }

    #[test]
    fn transfers_follow_each_other_and_fill_gaps() {
        let mut port = Port::new(10);
        assert_eq!(port.transfer(Cycle(100)), Cycle(100));
        assert_eq!(port.transfer(Cycle(109)), Cycle(110), "blocked at 109");
        assert_eq!(port.transfer(Cycle(120)), Cycle(120), "free at 120");
        assert_eq!(port.transfer(Cycle(90)), Cycle(90), "a gap before the first");
        assert_eq!(port.transfer(Cycle(91)), Cycle(130), "no gap left until the end");
    }

    #[test]
    fn a_port_without_a_limit_never_makes_wait() {
        let mut port = Port::new(0);
        assert_eq!(port.transfer(Cycle(5)), Cycle(5));
        assert_eq!(port.transfer(Cycle(5)), Cycle(5));
    }
}
