//! What a window touches: its distinct cache lines and static branches, counted exactly at commit.
//!
//! The instruction footprint and how much of it the next invocation touches again are what cold starts
//! of functions are made of (D. Schall et al., "Lukewarm serverless functions: characterization and
//! optimization", ISCA 2022: lines of 64 bytes, and the Jaccard index of the sets of two invocations).
//! The distinct taken branches are the working set of a branch target buffer, and a misprediction at a
//! branch that was not seen before in the invocation is an initial one (D. Schall et al., "Warming up a
//! cold front-end with Ignite", MICRO 2023).
//!
//! Lines are physical and 64 bytes long whatever the caches have, so that systems can be compared and
//! a page that two processes share counts once. Branches go by virtual address, as in a branch
//! target buffer. A line or branch belongs to the privilege that touched it first.
//!
//! Left out: what wrong paths, prefetches and page walks touch; what warming touches; windows that
//! overlap, where everything counts from the latest beginning on.

use crate::stats::{CoreStats, Touched};
use stats::Kind;
use stream::{CacheOp, Instr, MemAccess, MemKind, Privilege};

/// log2 of the bytes of a line.
const LINE_SHIFT: u32 = 6;

/// What was touched since the window began, and in the window before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Footprint {
    /// By [`Touched`].
    lines: [Lines; Touched::ALL.len()],
    /// Two numbers for each branch: that it was there, and that it was taken.
    branches: Distinct,
    /// A window has begun: what was touched earlier belongs to none.
    in_window: bool,
}

#[derive(Clone, Debug, Default)]
struct Lines {
    now: Distinct,
    before: Distinct,
    recent: Recent,
}

impl Footprint {
    /// Nothing has been touched from here on. The counters must have been read for the window before.
    pub(crate) fn begin_window(&mut self, stats: &mut CoreStats) {
        for (lines, what) in self.lines.iter_mut().zip(Touched::ALL) {
            std::mem::swap(&mut lines.now, &mut lines.before);
            lines.now.clear();
            lines.recent = Recent::default();
            if !self.in_window {
                lines.before.clear();
            }
            stats.footprint[*what].before.add(lines.before.len());
        }
        self.branches.clear();
        self.in_window = true;
    }

    /// Notes what an instruction that commits at `privilege` touched. Returns whether it is a branch
    /// that did not commit before in this window.
    #[inline]
    pub(crate) fn touch(
        &mut self,
        instr: &Instr,
        privilege: Privilege,
        stats: &mut CoreStats,
    ) -> bool {
        let first = instr.fetch_pa.0;
        let end = u64::from(instr.len.max(1)) - 1;
        let end = instr.fetch_tail.map_or(first + end, |tail| tail.0);
        self.touch_line(Touched::Instruction, first, privilege, stats);
        if end >> LINE_SHIFT != first >> LINE_SHIFT {
            self.touch_line(Touched::Instruction, end, privilege, stats);
        }
        if let Some(access) = &instr.mem {
            self.touch_data(access, privilege, stats);
            if let Some(access) = &instr.mem_tail {
                self.touch_data(access, privilege, stats);
            }
        }
        instr
            .branch
            .is_some_and(|branch| self.touch_branch(instr.pc.0, branch.taken, privilege, stats))
    }

    fn touch_data(&mut self, access: &MemAccess, privilege: Privilege, stats: &mut CoreStats) {
        let touches = match access.kind {
            MemKind::Load | MemKind::Store | MemKind::Amo => true,
            MemKind::Cache(op) => op == CacheOp::Zero,
        };
        if access.io || !touches {
            return;
        }
        let (first, end) = (access.pa.0, access.pa.0 + u64::from(access.size.max(1)) - 1);
        self.touch_line(Touched::Data, first, privilege, stats);
        if end >> LINE_SHIFT != first >> LINE_SHIFT {
            self.touch_line(Touched::Data, end, privilege, stats);
        }
    }

    #[inline(always)]
    fn touch_line(&mut self, what: Touched, pa: u64, privilege: Privilege, stats: &mut CoreStats) {
        let line = pa >> LINE_SHIFT;
        if !self.lines[what.index()].recent.has(line) {
            self.touch_another(what, line, privilege, stats);
        }
    }

    /// The same for a line that was not touched lately.
    #[inline(never)]
    fn touch_another(
        &mut self,
        what: Touched,
        line: u64,
        privilege: Privilege,
        stats: &mut CoreStats,
    ) {
        let lines = &mut self.lines[what.index()];
        lines.recent.put(line);
        if lines.now.insert(line) {
            stats.at(privilege).footprint[what].inc();
            let total = &mut stats.footprint[what];
            total.lines.inc();
            total.again.add(u64::from(lines.before.contains(line)));
        }
    }

    fn touch_branch(
        &mut self,
        pc: u64,
        taken: bool,
        privilege: Privilege,
        stats: &mut CoreStats,
    ) -> bool {
        // Instructions begin at multiples of two bytes, so that every branch has two numbers.
        let (there, was_taken) = (Members::of(pc & !1), Members::of(pc | 1));
        let new = self.branches.insert_all(there.and(was_taken, taken));
        if new == 0 {
            return false;
        }
        let first = new & there.bits != 0;
        let counts = stats.at(privilege);
        counts.static_branches.add(u64::from(first));
        counts.static_taken_branches.add(u64::from(new & was_taken.bits != 0));
        first
    }
}

/// Lines that were touched lately, by their lowest bits: most are touched again.
#[derive(Clone, Debug)]
struct Recent([u64; Self::COUNT]);

impl Default for Recent {
    fn default() -> Self {
        // No line has this number.
        Self([u64::MAX; Self::COUNT])
    }
}

impl Recent {
    const COUNT: usize = 256;

    /// Whether `line` was put in lately. It may have been and not be said to.
    #[inline(always)]
    fn has(&self, line: u64) -> bool {
        self.0[line as usize % Self::COUNT] == line
    }

    fn put(&mut self, line: u64) {
        self.0[line as usize % Self::COUNT] = line;
    }
}

/// Neighbours in a set.
#[derive(Clone, Copy, Debug)]
struct Members {
    /// Of their block.
    number: u64,
    /// Which of the block.
    bits: u64,
}

impl Members {
    #[inline(always)]
    fn of(member: u64) -> Self {
        Self { number: member >> 6, bits: 1 << (member & 63) }
    }

    /// With `other`, of the same block, if `too`.
    #[inline(always)]
    fn and(self, other: Self, too: bool) -> Self {
        Self { bits: self.bits | if too { other.bits } else { 0 }, ..self }
    }
}

/// A set of numbers that is emptied at once: open addressing over blocks of 64 neighbours, whose
/// entries count as free when they are of an earlier generation. It allocates when it grows only.
#[derive(Clone, Debug)]
struct Distinct {
    entries: Vec<Block>,
    generation: u64,
    blocks: usize,
    members: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Block {
    number: u64,
    members: u64,
    /// 0 is that of no set.
    generation: u64,
}

impl Default for Distinct {
    fn default() -> Self {
        let entries = vec![Block::default(); Self::FIRST_BLOCKS];
        Self { entries, generation: 1, blocks: 0, members: 0 }
    }
}

impl Distinct {
    /// Half of them hold the lines of 4 MiB, or the branches of 128 KiB of code, before it grows.
    const FIRST_BLOCKS: usize = 2048;

    fn len(&self) -> u64 {
        self.members
    }

    fn clear(&mut self) {
        self.generation += 1;
        self.blocks = 0;
        self.members = 0;
    }

    /// Puts in `member`; returns whether it was not there.
    #[inline]
    fn insert(&mut self, member: u64) -> bool {
        self.insert_all(Members::of(member)) != 0
    }

    /// Puts in `members`; returns the bits of those that were not there.
    #[inline(always)]
    fn insert_all(&mut self, members: Members) -> u64 {
        // Most are there.
        let block = &self.entries[self.place(members.number)];
        if block.generation == self.generation && members.bits & !block.members == 0 {
            return 0;
        }
        self.insert_new(members)
    }

    #[inline(never)]
    fn insert_new(&mut self, members: Members) -> u64 {
        let place = self.block(members.number);
        let block = &mut self.entries[place];
        let new = members.bits & !block.members;
        block.members |= new;
        self.members += u64::from(new.count_ones());
        new
    }

    fn contains(&self, member: u64) -> bool {
        let Members { number, bits } = Members::of(member);
        let entry = &self.entries[self.place(number)];
        entry.generation == self.generation && entry.members & bits != 0
    }

    /// The place of a block, which is put in if it is not there.
    fn block(&mut self, number: u64) -> usize {
        let place = self.place(number);
        if self.entries[place].generation == self.generation {
            return place;
        }
        if 2 * self.blocks >= self.entries.len() {
            self.grow();
            return self.block(number);
        }
        self.blocks += 1;
        self.entries[place] = Block { number, members: 0, generation: self.generation };
        place
    }

    /// Where a block is, or would be put. At most half of the entries are taken, so it ends.
    #[inline]
    fn place(&self, number: u64) -> usize {
        let mask = self.entries.len() - 1;
        // Fibonacci hashing: the upper bits of the product are the well mixed ones.
        let mut place = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            let entry = &self.entries[place];
            if entry.number == number || entry.generation != self.generation {
                // A block of this number that is of an earlier generation is free as well.
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let larger = vec![Block::default(); 2 * self.entries.len()];
        let old = std::mem::replace(&mut self.entries, larger);
        for block in old.into_iter().filter(|block| block.generation == self.generation) {
            let place = self.place(block.number);
            self.entries[place] = block;
        }
    }
}

#[cfg(test)]
mod tests;
