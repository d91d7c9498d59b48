//! Bounded resources as sets of busy intervals: miss registers, write buffers, the memory port.
//!
//! A request that finds all slots busy starts when the first one is free. Requests of different
//! harts may arrive a little out of time order, so a slot that is taken in the future does not block
//! a request of the past. A slot whose end hangs on an answer of memory cannot be waited for: who
//! needs it has to come again.

use crate::Cycle;
use crate::when::When;
use stream::LineAddr;

/// Miss status holding registers: outstanding lines and who waits for them (D. Kroft,
/// "Lockup-free instruction fetch/prefetch cache organization", ISCA 1981).
#[derive(Clone, Debug)]
pub(crate) struct Mshrs {
    /// The lines of `registers`, apart from them so that a search reads little.
    lines: Vec<LineAddr>,
    /// By the [kind](kind_of) of their lines: most searches end here.
    alike: [Alike; KINDS],
    /// The first `count` are the hardware. Behind them are lines still outstanding whose register
    /// is promised to a miss that waits for it: they can be joined, but occupy nothing.
    registers: Vec<Register>,
    count: usize,
    /// Accesses that can wait for a line; none where nothing ever joins, as in write buffers.
    max_targets: u32,
    /// No register is busy from here on: the common case is decided by one comparison.
    quiet_from: Cycle,
}

/// Kinds of lines that are told apart by their number: neighbours, which are what is outstanding together
/// as a rule, are of different ones.
const KINDS: usize = 64;

#[inline(always)]
fn kind_of(line: LineAddr) -> usize {
    line.0 as usize % KINDS
}

/// The registers whose lines are of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Alike {
    count: u16,
    /// The one whose line was put in last. Only a guess, because registers move.
    latest: u16,
}

#[derive(Clone, Copy, Debug)]
struct Register {
    from: Cycle,
    until: When,
    targets: u32,
    purpose: Purpose,
}

/// What a register is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A line someone asked for.
    Demand,
    /// A line that was asked for by a prefetch first.
    Prefetch,
    /// Not a line: leave to write one, or a line on its way down.
    Other,
}

/// A claim on a register: which one, and from when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) register: usize,
    asked: Cycle,
    /// It is promised, or held at another time: what it is held for may be outstanding.
    taken: bool,
    pub(crate) from: Cycle,
}

/// What an access that finds its line outstanding has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// The line arrives then, and the access waits in the same register.
    Merged(When),
    /// The register can take no more targets: the cache blocks until then.
    Blocked(When),
}

impl Register {
    /// Whether nobody holds it at `at` or later.
    #[inline]
    fn is_free(&self, at: Cycle) -> bool {
        matches!(self.until, When::At(until) if until <= at)
    }

    #[inline]
    fn outstanding(&self, now: Cycle) -> bool {
        match self.until {
            When::At(until) => now < until,
            When::After { .. } => true,
        }
    }
}

impl Mshrs {
    pub(crate) fn new(count: u32, max_targets: u32) -> Self {
        let (from, until) = (Cycle(0), When::At(Cycle(0)));
        let free = Register { from, until, targets: 0, purpose: Purpose::Other };
        let count = count as usize;
        let mut registers = Vec::with_capacity(4 * count);
        registers.resize(count, free);
        let mut lines = Vec::with_capacity(4 * count);
        lines.resize(count, LineAddr(0));
        let mut alike = [Alike::default(); KINDS];
        alike[kind_of(LineAddr(0))].count = count as u16;
        Self { lines, alike, registers, count, max_targets, quiet_from: Cycle(0) }
    }

    /// Buffers that are only ever held.
    pub(crate) fn buffers(count: u32) -> Self {
        Self::new(count, 0)
    }

    #[inline]
    fn find(&self, line: LineAddr, now: Cycle) -> Option<usize> {
        if now >= self.quiet_from {
            return None;
        }
        let Alike { count, latest } = self.alike[kind_of(line)];
        let latest = usize::from(latest);
        match count {
            0 => None,
            // No other has the line.
            1 if self.lines.get(latest) == Some(&line) => {
                self.registers[latest].outstanding(now).then_some(latest)
            }
            _ => self.search(line, now),
        }
    }

    /// Whether a search would not be in vain, as far as can be told without one.
    #[inline(always)]
    pub(crate) fn may_be_outstanding(&self, line: LineAddr, now: Cycle) -> bool {
        now < self.quiet_from && self.alike[kind_of(line)].count != 0
    }

    /// The first register that is held for `line` at `now`.
    #[inline(never)]
    fn search(&self, line: LineAddr, now: Cycle) -> Option<usize> {
        let mut from = 0;
        // Few registers have the line at all, so lines are compared alone.
        while let Some(ahead) = self.lines[from..].iter().position(|held| *held == line) {
            let index = from + ahead;
            if self.registers[index].outstanding(now) {
                return Some(index);
            }
            from = index + 1;
        }
        None
    }

    /// Joins the outstanding miss for `line`, if there is one at `now`.
    #[inline]
    pub(crate) fn join(&mut self, line: LineAddr, now: Cycle) -> Option<Pending> {
        let register = self.find(line, now)?;
        let register = &mut self.registers[register];
        if register.targets < self.max_targets {
            register.targets += 1;
            Some(Pending::Merged(register.until))
        } else {
            Some(Pending::Blocked(register.until))
        }
    }

    /// The lines that are outstanding at `now`, and when they arrive if memory has said.
    pub(crate) fn outstanding(&self, now: Cycle) -> impl Iterator<Item = (LineAddr, When)> {
        let held = self.lines.iter().zip(&self.registers);
        held.filter(move |(_, register)| register.outstanding(now))
            .map(|(line, register)| (*line, register.until))
    }

    /// Whether `line` is outstanding at `now`.
    #[inline]
    pub(crate) fn is_outstanding(&self, line: LineAddr, now: Cycle) -> bool {
        self.find(line, now).is_some()
    }

    /// Whether `line` is outstanding, and its register can take no more targets until memory
    /// answers.
    #[inline]
    pub(crate) fn refuses(&self, line: LineAddr, now: Cycle) -> bool {
        self.find(line, now).is_some_and(|register| {
            let register = &self.registers[register];
            register.targets >= self.max_targets && matches!(register.until, When::After { .. })
        })
    }

    /// The first register that is free at or after `at`; none if that hangs on an answer of memory.
    #[inline]
    pub(crate) fn claim(&self, at: Cycle) -> Option<Claim> {
        if at >= self.quiet_from {
            return Some(Claim { register: 0, asked: at, taken: false, from: at });
        }
        self.claim_of_some(at)
    }

    /// The same where some may be busy.
    #[inline(never)]
    fn claim_of_some(&self, at: Cycle) -> Option<Claim> {
        let registers = &self.registers[..self.count];
        let free = registers.iter().position(|register| register.is_free(at));
        if let Some(register) = free {
            return Some(Claim { register, asked: at, taken: false, from: at });
        }
        self.claim_of_busy(at)
    }

    /// The same where all are busy at `at`, or held from later on.
    fn claim_of_busy(&self, at: Cycle) -> Option<Claim> {
        let mut best: Option<Claim> = None;
        let mut unknown = false;
        for (index, register) in self.registers[..self.count].iter().enumerate() {
            let from = match register.until {
                When::At(until) => {
                    let busy = register.from <= at;
                    if busy { until } else { at }
                }
                When::After { .. } => {
                    unknown = true;
                    continue;
                }
            };
            if best.is_none_or(|best| from < best.from) {
                best = Some(Claim { register: index, asked: at, taken: true, from });
            }
        }
        best.filter(|best| !unknown || best.from == at)
    }

    /// Whether more than `spare` registers are free at `at`.
    pub(crate) fn has_more_free_than(&self, spare: usize, at: Cycle) -> bool {
        let registers = self.registers[..self.count].iter();
        registers.filter(|register| register.is_free(at)).nth(spare).is_some()
    }

    /// Whether a register is free at `at`.
    #[inline]
    pub(crate) fn has_free(&self, at: Cycle) -> bool {
        self.claim(at).is_some_and(|claim| claim.from == at)
    }

    /// Takes the claimed register for `line` until the data is passed on.
    #[inline]
    pub(crate) fn hold(&mut self, claim: Claim, line: LineAddr, until: When, purpose: Purpose) {
        if claim.taken && self.max_targets > 0 {
            self.keep_joinable(claim);
        }
        let before = std::mem::replace(&mut self.lines[claim.register], line);
        self.alike[kind_of(before)].count -= 1;
        self.has(line, claim.register);
        let held = &self.registers[claim.register];
        // A register that was waited for is busy without a gap: until it is free of its last line it
        // is no more free for others than it was for this one.
        let waited = claim.from > claim.asked && held.until == When::At(claim.from);
        let from = if waited { held.from } else { claim.from };
        self.registers[claim.register] = Register { from, until, targets: 1, purpose };
        self.quiet_from = match until {
            When::At(until) => self.quiet_from.max(until),
            When::After { .. } => Cycle(u64::MAX),
        };
    }

    /// `register` has `line` from here on.
    #[inline]
    fn has(&mut self, line: LineAddr, register: usize) {
        let alike = &mut self.alike[kind_of(line)];
        *alike = Alike { count: alike.count + 1, latest: register as u16 };
    }

    /// Remembers the line whose register the claim takes over, and forgets those that have arrived.
    #[cold]
    fn keep_joinable(&mut self, claim: Claim) {
        for index in (self.count..self.registers.len()).rev() {
            if !self.registers[index].outstanding(claim.asked) {
                let line = self.lines.swap_remove(index);
                self.alike[kind_of(line)].count -= 1;
                self.registers.swap_remove(index);
            }
        }
        let line = self.lines[claim.register];
        self.has(line, self.lines.len());
        self.lines.push(line);
        self.registers.push(self.registers[claim.register]);
    }

    /// Memory answered a register that hung on it: returns its line, when that arrives here, and
    /// what the register is held for.
    pub(crate) fn settle(&mut self, register: usize, answer: Cycle) -> (LineAddr, Cycle, Purpose) {
        let settled = &mut self.registers[register];
        let at = settled.until.given(answer);
        settled.until = When::At(at);
        let purpose = settled.purpose;
        let ends = self.registers.iter().map(|register| match register.until {
            When::At(until) => until,
            When::After { .. } => Cycle(u64::MAX),
        });
        self.quiet_from = ends.max().unwrap_or_default();
        (self.lines[register], at, purpose)
    }

    /// Whether nothing hangs on an answer of memory.
    #[cfg(test)]
    pub(crate) fn is_settled(&self) -> bool {
        self.registers.iter().all(|register| matches!(register.until, When::At(_)))
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
    #[inline]
    pub(crate) fn transfer(&mut self, at: Cycle) -> Cycle {
        if self.transfer == 0 {
            return at;
        }
        if self.starts.last().is_none_or(|last| *last + self.transfer <= at) {
            self.remember(self.starts.len(), at);
            return at;
        }
        let start = self.earliest(at);
        let place = self.starts.partition_point(|busy| *busy < start);
        self.remember(place, start);
        start
    }

    /// The first gap at or after `at`.
    pub(crate) fn earliest(&self, at: Cycle) -> Cycle {
        let mut start = at;
        if self.transfer == 0 {
            return start;
        }
        for &busy in &self.starts {
            if busy + self.transfer <= start {
                continue;
            }
            if start + self.transfer <= busy {
                break;
            }
            start = busy + self.transfer;
        }
        start
    }

    fn remember(&mut self, place: usize, start: Cycle) {
        self.starts.insert(place, start);
        if self.starts.len() > Self::REMEMBERED {
            self.starts.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::when::FillId;
    use sim::SplitMix64;

    const LINE: LineAddr = LineAddr(7);

    fn hold(mshrs: &mut Mshrs, line: LineAddr, at: u64, until: u64) -> u64 {
        let claim = mshrs.claim(Cycle(at)).expect("all ends are known");
        mshrs.hold(claim, line, When::At(Cycle(until)), Purpose::Demand);
        claim.from.0
    }

    fn hold_open(mshrs: &mut Mshrs, line: LineAddr, at: u64, delay: u64) -> usize {
        let claim = mshrs.claim(Cycle(at)).expect("one is free");
        let until = When::answer_to(FillId::new(0)) + delay;
        mshrs.hold(claim, line, until, Purpose::Demand);
        claim.register
    }

    fn free_from(mshrs: &Mshrs, at: u64) -> Option<u64> {
        mshrs.claim(Cycle(at)).map(|claim| claim.from.0)
    }

    fn merged(until: u64) -> Option<Pending> {
        Some(Pending::Merged(When::At(Cycle(until))))
    }

    #[test]
    fn a_miss_waits_for_the_first_free_register() {
        let mut mshrs = Mshrs::new(2, 4);
        assert_eq!(hold(&mut mshrs, LineAddr(1), 10, 50), 10);
        assert_eq!(hold(&mut mshrs, LineAddr(2), 11, 40), 11);
        assert_eq!(free_from(&mshrs, 39), Some(40), "blocked at 39");
        assert_eq!(free_from(&mshrs, 40), Some(40), "ready at 40");
        assert_eq!(free_from(&mshrs, 5), Some(5), "both are taken later than 5");
    }

    #[test]
    fn misses_that_wait_for_one_register_do_so_one_after_the_other() {
        let mut mshrs = Mshrs::new(1, 4);
        let waits: Vec<u64> =
            (0..4).map(|n| hold(&mut mshrs, LineAddr(n), 10, 100 * (n + 1))).collect();
        assert_eq!(waits, [10, 100, 200, 300]);
    }

    #[test]
    fn accesses_to_an_outstanding_line_merge_up_to_the_targets() {
        let mut mshrs = Mshrs::new(1, 3);
        hold(&mut mshrs, LINE, 10, 50);
        assert_eq!(mshrs.join(LINE, Cycle(12)), merged(50));
        assert_eq!(mshrs.join(LINE, Cycle(13)), merged(50));
        assert_eq!(mshrs.join(LINE, Cycle(14)), Some(Pending::Blocked(When::At(Cycle(50)))));
        assert_eq!(mshrs.join(LineAddr(8), Cycle(14)), None);
        assert_eq!(mshrs.join(LINE, Cycle(50)), None, "the line has arrived");
    }

    #[test]
    fn a_line_can_be_joined_although_its_register_is_promised_to_the_next_miss() {
        let mut mshrs = Mshrs::new(1, 3);
        hold(&mut mshrs, LINE, 10, 50);
        assert_eq!(hold(&mut mshrs, LineAddr(8), 20, 90), 50);
        assert_eq!(mshrs.join(LINE, Cycle(49)), merged(50));
        assert_eq!(mshrs.join(LINE, Cycle(50)), None);
        assert_eq!(mshrs.join(LineAddr(8), Cycle(60)), merged(90));
        assert_eq!(free_from(&mshrs, 60), Some(90), "there is still only one register");
    }

    #[test]
    fn a_register_that_hangs_on_memory_cannot_be_waited_for() {
        let mut mshrs = Mshrs::new(2, 2);
        hold(&mut mshrs, LineAddr(1), 10, 50);
        let open = hold_open(&mut mshrs, LINE, 11, 5);
        assert_eq!(free_from(&mshrs, 49), None, "the other one may be free before 50");
        assert_eq!(free_from(&mshrs, 50), Some(50));
        assert!(!mshrs.refuses(LINE, Cycle(1000)));
        let there = When::answer_to(FillId::new(0)) + 5;
        assert_eq!(mshrs.join(LINE, Cycle(1000)), Some(Pending::Merged(there)));
        assert!(mshrs.refuses(LINE, Cycle(1000)), "two targets are taken");
        assert_eq!(mshrs.settle(open, Cycle(40)), (LINE, Cycle(45), Purpose::Demand));
        assert_eq!(free_from(&mshrs, 44), Some(45), "blocked at 44");
        assert_eq!(free_from(&mshrs, 45), Some(45), "ready at 45");
        assert!(!mshrs.refuses(LINE, Cycle(44)), "now it can be waited for");
        assert!(!mshrs.is_outstanding(LINE, Cycle(45)));
    }

    #[test]
    fn what_is_decided_without_a_search_is_what_a_search_finds() {
        let mut mshrs = Mshrs::new(4, 2);
        let (mut random, mut open) = (SplitMix64::new(3), Vec::new());
        let [mut free, mut found, mut spared] = [0; 3];
        for now in (0..40_000).map(Cycle) {
            // Lines that share their kind, and times that lie a little apart.
            let line = LineAddr(random.bits() % 3 * KINDS as u64 + random.bits() % 8);
            let at = now + random.bits() % 4;
            assert_eq!(mshrs.find(line, at), mshrs.search(line, at));
            let claims = [mshrs.claim(at), mshrs.claim_of_some(at)];
            let [claim, searched] =
                claims.map(|claim| claim.map(|claim| (claim.register, claim.taken, claim.from)));
            assert_eq!(claim, searched);
            found += u32::from(mshrs.is_outstanding(line, at));
            spared += u32::from(!mshrs.may_be_outstanding(line, at) && at < mshrs.quiet_from);
            free += u32::from(at >= mshrs.quiet_from);
            match (random.bits() % 32, claim) {
                (0..4, Some((_, _, from))) => {
                    hold(&mut mshrs, line, at.0, from.0 + random.bits() % 40);
                }
                (4, Some(_)) => open.push(hold_open(&mut mshrs, line, at.0, 5)),
                _ => {}
            }
            if random.bits() % 2 == 0 {
                for register in open.drain(..) {
                    mshrs.settle(register, at);
                }
            }
        }
        assert!(free.min(found).min(spared) > 1000, "{free} {found} {spared}");
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
