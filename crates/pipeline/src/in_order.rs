//! The in-order core of the `simple` system: one instruction at a time, one cycle each, plus the
//! full time of its memory accesses.
//!
//! It has the shape of gem5's `TimingSimpleCPU`: nothing overlaps. An instruction takes
//!
//! ```text
//! 1 cycle + instruction TLB + fetch + per data access (data TLB + access)
//! ```
//!
//! - **Fetch** asks the instruction TLB and cache once per line entered, not once per instruction:
//!   instructions that follow in the line fetched last cost no fetch time. An instruction that
//!   reaches into another line, or a jump out of the line, asks again.
//! - **Loads and stores** block until the access is complete. An access that crosses a line makes
//!   two accesses, one after the other.
//! - **Translation** is asked before the cache; a TLB with latency 0 costs time on a miss only.
//!
//! Left out: a pipeline, so branches, multiplications, divisions and dependences cost nothing, and
//! neither do traps; a store buffer; prefetch hints only start their access and do not wait.

use crate::core::{Core, LostPredictors, Progress, State};
use crate::footprint::Footprint;
use crate::profile::Profile;
use crate::stats::{CoreStats, PrivilegeStats, Stall, Stream};
use crate::warming::Warming;
use mem::{AccessKind, Cycle, Hierarchy};
use stream::{
    Bytes, CacheOp, Event, Fetched, Followed, Follower, HartId, Instr, LineAddr, MemAccess,
    MemKind, PhysAddr, Source, Translate, VirtAddr,
};

/// The in-order core.
#[derive(Clone, Debug)]
pub struct InOrder {
    hart: HartId,
    now: Cycle,
    /// The line that was fetched last.
    line: Option<LineAddr>,
    footprint: Footprint,
    stats: CoreStats,
    profile: Option<Box<Profile>>,
}

impl InOrder {
    /// A core at time zero.
    #[must_use]
    pub fn new(hart: HartId) -> Self {
        Self {
            hart,
            now: Cycle(0),
            line: None,
            footprint: Footprint::default(),
            stats: CoreStats::default(),
            profile: None,
        }
    }

    fn warming<'a>(&'a mut self, mem: &'a mut Hierarchy) -> Warming<'a> {
        Warming { hart: self.hart, line: &mut self.line, predictor: None, restoring: None, mem }
    }

    fn execute(&mut self, instr: &Instr, source: &mut dyn Source, mem: &mut Hierarchy) -> u64 {
        let start = self.now;
        let mut timed = Timed {
            hart: self.hart,
            asid: instr.asid,
            pc: instr.pc,
            now: start,
            source,
            mem,
            stats: self.stats.at(instr.privilege),
        };
        self.line = Some(fetch(&Bytes::of(instr), self.line, &mut timed));
        timed.now += 1;
        for access in instr.mem.iter().chain(&instr.mem_tail) {
            touch(access, &mut timed);
        }
        let cycles = timed.now - start;
        count(instr, cycles, timed.stats);
        self.footprint.touch(instr, instr.privilege, &mut self.stats);
        if let Some(profile) = &mut self.profile {
            profile.commit_alone(instr, cycles, || source.thread(self.hart));
        }
        self.now += cycles;
        cycles
    }
}

impl Core for InOrder {
    fn step(&mut self, _: Cycle, source: &mut dyn Source, mem: &mut Hierarchy) -> Progress {
        let waiting = |state| Progress { cycles: 0, instructions: 0, state };
        match source.next(self.hart) {
            Fetched::Instr(instr) => {
                let cycles = self.execute(&instr, source, mem);
                Progress { cycles, instructions: 1, state: State::Running }
            }
            Fetched::Flush(scope) => {
                mem.flush_tlb(self.hart, scope);
                self.line = None;
                waiting(State::Running)
            }
            Fetched::Alone | Fetched::Later => waiting(State::Running),
            Fetched::Idle { until } => waiting(State::Idle { until }),
            Fetched::Stopped => waiting(State::Stopped),
        }
    }

    fn warm(&mut self, instr: &Instr, source: &mut dyn Source, mem: &mut Hierarchy) {
        let hart = self.hart;
        self.warming(mem).instr(instr, &mut |va, what| source.walk(hart, va, what));
    }

    fn follow(&mut self, most: u64, source: &mut dyn Source, mem: &mut Hierarchy) -> Followed {
        source.follow(self.hart, most, &mut self.warming(mem))
    }

    fn idle(&mut self, cycles: u64) {
        self.stats.idle_cycles.add(cycles);
        self.now += cycles;
    }

    fn now(&self) -> Cycle {
        self.now
    }

    fn resume_at(&mut self, now: Cycle) {
        assert!(now >= self.now, "the clock of hart {} cannot go back", self.hart.0);
        // What time passed in another mode has executed was not seen.
        if now > self.now
            && let Some(profile) = &mut self.profile
        {
            profile.lose_track();
        }
        self.now = now;
        self.line = None;
    }

    fn lose(&mut self, _: &LostPredictors) {
        self.line = None;
    }

    fn stats(&self) -> &CoreStats {
        &self.stats
    }

    fn begin_window(&mut self) {
        self.footprint.begin_window(&mut self.stats);
    }

    fn profile(&mut self) -> &mut Option<Box<Profile>> {
        &mut self.profile
    }

    fn diagnosis(&self) -> String {
        format!("hart {} executes one instruction at a time (now {})", self.hart.0, self.now.0)
    }
}

/// Counts an instruction that took `cycles`.
fn count(instr: &Instr, cycles: u64, stats: &mut PrivilegeStats) {
    stats.cycles.add(cycles);
    stats.instructions.inc();
    if instr.branch.is_some() {
        stats.branches.inc();
    }
    match instr.event {
        Event::None => {}
        Event::Interrupt => stats.interrupts.inc(),
        Event::Exception => stats.exceptions.inc(),
    }
}

/// How accesses are made: with time and counters, or without. What is accessed, and in which order,
/// is decided once, in [`fetch`] and [`touch`].
pub(crate) trait Accesses {
    fn line(&self, pa: PhysAddr) -> LineAddr;
    fn translate(&mut self, va: VirtAddr, what: Translate);
    fn access(&mut self, kind: AccessKind, pa: PhysAddr);
    fn prefetch(&mut self, kind: AccessKind, pa: PhysAddr);
    fn device(&mut self);
    fn maintain(&mut self, op: CacheOp, pa: PhysAddr);
}

/// Fetches those `bytes` of an instruction that do not lie in the line fetched last; returns the line
/// they end in.
#[inline(always)]
pub(crate) fn fetch(
    bytes: &Bytes,
    last: Option<LineAddr>,
    accesses: &mut impl Accesses,
) -> LineAddr {
    let first = accesses.line(bytes.pa);
    if last != Some(first) {
        if bytes.translated {
            accesses.translate(bytes.pc, Translate::Fetch);
        }
        accesses.access(AccessKind::Instruction, bytes.pa);
    }
    let end = bytes.last();
    let ends_in = accesses.line(end);
    if ends_in != first {
        if bytes.translated && bytes.tail.is_some() {
            let end = VirtAddr(bytes.pc.0.wrapping_add(bytes.before_last()));
            accesses.translate(end, Translate::Fetch);
        }
        accesses.access(AccessKind::Instruction, end);
    }
    ends_in
}

/// Makes one data access.
#[inline(always)]
pub(crate) fn touch(access: &MemAccess, accesses: &mut impl Accesses) {
    // Each kind its own call, so that what depends on the kind is decided once; the likeliest first.
    if access.kind == MemKind::Load {
        return load_or_store(AccessKind::Load, Translate::Load, access, accesses);
    }
    let MemKind::Cache(op) = access.kind else {
        return load_or_store(AccessKind::Store, Translate::Store, access, accesses);
    };
    if reaches_memory(translation_for(access.kind), access, accesses) {
        operate(op, access.pa, accesses);
    }
}

/// Translates, and asks a device if it is one's; returns whether it is memory's.
#[inline(always)]
fn reaches_memory(what: Translate, access: &MemAccess, accesses: &mut impl Accesses) -> bool {
    if access.translated {
        accesses.translate(access.va, what);
    }
    if access.io {
        accesses.device();
    }
    !access.io
}

#[inline(always)]
fn load_or_store(
    kind: AccessKind,
    what: Translate,
    access: &MemAccess,
    accesses: &mut impl Accesses,
) {
    debug_assert_eq!(what, translation_for(access.kind));
    if !reaches_memory(what, access, accesses) {
        return;
    }
    accesses.access(kind, access.pa);
    let end = PhysAddr(access.pa.0 + u64::from(access.size.max(1)) - 1);
    if accesses.line(end) != accesses.line(access.pa) {
        accesses.access(kind, end);
    }
}

/// What the translation of an access is for. An operation that keeps the block's content (clean)
/// needs no more than a load's permission, a prefetch that of what it prepares (RISC-V CMO
/// extensions, "Traps").
pub(crate) fn translation_for(kind: MemKind) -> Translate {
    match kind {
        MemKind::Load | MemKind::Cache(CacheOp::Clean | CacheOp::PrefetchRead) => Translate::Load,
        MemKind::Cache(CacheOp::PrefetchInstruction) => Translate::Fetch,
        MemKind::Store | MemKind::Amo | MemKind::Cache(_) => Translate::Store,
    }
}

/// Performs a cache operation on the block at `pa`. Inlined, as all of them are, so that `accesses` can
/// stay in registers.
#[inline(always)]
fn operate(op: CacheOp, pa: PhysAddr, accesses: &mut impl Accesses) {
    match op {
        CacheOp::Zero => accesses.access(AccessKind::Store, pa),
        CacheOp::PrefetchInstruction => accesses.prefetch(AccessKind::Instruction, pa),
        CacheOp::PrefetchRead => accesses.prefetch(AccessKind::Load, pa),
        CacheOp::PrefetchWrite => accesses.prefetch(AccessKind::Store, pa),
        CacheOp::Clean | CacheOp::Flush | CacheOp::Invalidate => accesses.maintain(op, pa),
    }
}

/// Accesses that take time, which passes in `now` and is charged to a cause.
struct Timed<'a> {
    hart: HartId,
    asid: u16,
    pc: VirtAddr,
    now: Cycle,
    source: &'a mut dyn Source,
    mem: &'a mut Hierarchy,
    stats: &'a mut PrivilegeStats,
}

impl Timed<'_> {
    fn stall(&mut self, cause: Stall, until: Cycle) {
        self.stats.stalls[cause].add(until - self.now);
        self.now = until;
    }
}

/// Which of the core's counters an access belongs to.
fn stream_of(kind: AccessKind) -> (Stream, Stall) {
    match kind {
        AccessKind::Instruction => (Stream::Instruction, Stall::Fetch),
        AccessKind::Load => (Stream::Data, Stall::Load),
        AccessKind::Store => (Stream::Data, Stall::Store),
        AccessKind::Walk => unreachable!("the walker makes its own accesses"),
    }
}

impl Accesses for Timed<'_> {
    fn line(&self, pa: PhysAddr) -> LineAddr {
        self.mem.line(pa)
    }

    fn translate(&mut self, va: VirtAddr, what: Translate) {
        let (hart, place) = (self.hart, (va, self.asid));
        let translation = self.mem.translate(self.now, hart, place, what, self.source);
        let (misses, cause) = match what {
            Translate::Fetch => (&mut self.stats.itlb_misses, Stall::Itlb),
            Translate::Load | Translate::Store => (&mut self.stats.dtlb_misses, Stall::Dtlb),
        };
        if translation.missed {
            misses.inc();
        }
        for &found in translation.reads() {
            self.stats.found[found][Stream::Walk].inc();
        }
        self.stall(cause, translation.at);
    }

    fn access(&mut self, kind: AccessKind, pa: PhysAddr) {
        let (stream, cause) = stream_of(kind);
        let access = self.mem.access(self.now, self.hart, kind, pa, self.pc);
        self.stats.found[access.found][stream].inc();
        self.stall(cause, access.at);
    }

    fn prefetch(&mut self, kind: AccessKind, pa: PhysAddr) {
        let access = self.mem.access(self.now, self.hart, kind, pa, self.pc);
        self.stats.found[access.found][stream_of(kind).0].inc();
    }

    fn device(&mut self) {
        self.stats.io_accesses.inc();
        self.stall(Stall::Io, self.mem.uncached(self.now));
    }

    fn maintain(&mut self, op: CacheOp, pa: PhysAddr) {
        let done = self.mem.maintain(self.now, self.hart, op, pa);
        self.stall(Stall::CacheOperation, done);
    }
}

#[cfg(test)]
mod tests;
