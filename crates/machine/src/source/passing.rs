//! What an instruction leaves behind in passing, for a [`Follower`]: no record of it is made.

use super::live::walk;
use super::record::{Context, Description, access, outcome};
use crate::board::Board;
use engine::{FastPort, Step, StepAccess, Witness};
use hart::Hart;
use isa::Inst;
use stream::{Bytes, Follower, PhysAddr, VirtAddr};

/// The line that was fetched last.
pub(super) struct Line {
    length: u64,
    /// The physical address of its first byte.
    start: u64,
}

impl Line {
    /// One that nothing lies in, of lines of `1 << log2` bytes.
    pub(super) fn unknown(log2: u32) -> Self {
        Self { length: 1 << log2, start: u64::MAX << log2 }
    }

    /// How many of its bytes come from `pa` on; none if `pa` does not lie in it.
    #[inline(always)]
    pub(super) fn left(&self, pa: u64) -> u64 {
        self.length.saturating_sub(pa.wrapping_sub(self.start))
    }

    /// Whether the `len` bytes from `pa` lie in it. It is the line of their last then.
    #[inline(always)]
    fn covers(&mut self, pa: u64, len: u64) -> bool {
        let covers = pa.wrapping_sub(self.start) <= self.length - len;
        if !covers {
            self.start = (pa + len - 1) & !(self.length - 1);
        }
        covers
    }
}

/// Shows `follower` what a hart in `context` does.
pub(super) struct Passing<'a> {
    pub context: &'a Context,
    pub follower: &'a mut dyn Follower,
}

impl Passing<'_> {
    /// Shows a step that is not [rare](super::record::is_rare), after which `hart` and `port` are as they
    /// are. `line` is the one that the step before it was fetched from.
    #[inline(always)]
    pub(super) fn show(
        &mut self,
        step: &Step<'_, Description>,
        line: &mut Line,
        hart: &Hart,
        port: &mut FastPort<Board>,
    ) {
        if !line.covers(step.fetch_pa, u64::from(step.inst.len)) {
            self.fetch(step, hart, port);
        }
        if let Some(part) = step.access() {
            self.access(hart, port, step.pc, step.description, part);
        }
        self.branch(step.inst, step.description, step.pc, step.next_pc);
    }

    #[inline(always)]
    fn fetch(&mut self, step: &Step<'_, Description>, hart: &Hart, port: &mut FastPort<Board>) {
        let &Context { asid, fetch_translated: translated, .. } = self.context;
        let (pc, pa, len) = (VirtAddr(step.pc), PhysAddr(step.fetch_pa), step.inst.len);
        let bytes = Bytes { pc, pa, tail: None, len, asid, translated };
        self.follower.fetch(&bytes, &mut |va, _| walk(hart, port, va));
    }
}

impl Witness<Board, Description> for Passing<'_> {
    #[inline(always)]
    fn access(
        &mut self,
        hart: &Hart,
        port: &mut FastPort<Board>,
        pc: u64,
        description: &Description,
        part: &StepAccess,
    ) {
        let access = access(self.context, description, part);
        let walk = &mut |va, _| walk(hart, port, va);
        self.follower.access(VirtAddr(pc), self.context.asid, &access, walk);
    }

    #[inline(always)]
    fn branch(&mut self, inst: &Inst, description: &Description, pc: u64, next_pc: u64) {
        if let Some(kind) = description.branch {
            let branch = outcome(kind, inst, pc, next_pc, false);
            let end = pc.wrapping_add(u64::from(inst.len));
            self.follower.branch(VirtAddr(pc), VirtAddr(end), &branch);
        }
    }
}
