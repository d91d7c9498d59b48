//! What an instruction leaves behind in passing, for a [`Follower`]: no record of it is made.

use super::live::walk;
use super::record::{Context, Description, access, branch_kind, is_serialising, outcome};
use crate::board::Board;
use engine::{FastPort, Start, Step, StepAccess, Witness};
use hart::Hart;
use isa::{Class, Inst};
use stream::{Branch, Bytes, Follower, MemAccess, MemKind, PhysAddr, VirtAddr};

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
    fn left(&self, pa: u64) -> u64 {
        self.length.saturating_sub(pa.wrapping_sub(self.start))
    }

    /// Makes it the line of the `len` bytes from `pa`, if they lie in one. Whether they do.
    #[inline(always)]
    fn enter(&mut self, pa: u64, len: u64) -> bool {
        let fits = (pa & (self.length - 1)) + len <= self.length;
        if fits {
            self.start = pa & !(self.length - 1);
        }
        fits
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
    /// The line that was fetched last.
    pub line: Line,
    /// The branch that was taken last and has not been shown yet: where it leads can be found meanwhile.
    pub taken: Option<Taken>,
}

/// A branch that was taken.
pub(super) struct Taken {
    pc: VirtAddr,
    end: VirtAddr,
    branch: Branch,
}

impl Passing<'_> {
    /// Shows the branch that was taken last, if it has not been shown yet. Must be done before anything else
    /// is shown.
    #[inline(always)]
    pub(super) fn show_taken(&mut self) {
        if let Some(Taken { pc, end, branch }) = self.taken.take() {
            self.follower.branch(pc, end, &branch);
        }
    }

    /// Shows a step that is not [rare](super::record::is_rare), after which `hart` and `port` are as they
    /// are.
    #[inline(always)]
    pub(super) fn show(
        &mut self,
        step: &Step<'_, Description>,
        hart: &Hart,
        port: &mut FastPort<Board>,
    ) {
        let (pc, pa, len) = (step.pc, step.fetch_pa, step.inst.len);
        if !self.line.covers(pa, u64::from(len)) {
            self.fetch((pc, pa, len), hart, port);
        }
        if let Some(part) = step.access() {
            let kind = step.description.access;
            self.show_access(hart, port, step.pc, access(self.context, kind, part));
        }
        self.branch(step.inst.op.class(), step.inst, step.pc, step.next_pc);
    }

    /// Shows the fetch of the `len` bytes from `pc`, which are at `pa`.
    #[inline(always)]
    fn fetch(&mut self, (pc, pa, len): (u64, u64, u8), hart: &Hart, port: &mut FastPort<Board>) {
        let &Context { asid, fetch_translated: translated, .. } = self.context;
        let (pc, pa) = (VirtAddr(pc), PhysAddr(pa));
        let bytes = Bytes { pc, pa, tail: None, len, asid, translated };
        self.follower.fetch(&bytes, &mut |va, _| walk(hart, port, va));
    }
}

impl Passing<'_> {
    #[inline(always)]
    fn show_access(&mut self, hart: &Hart, port: &mut FastPort<Board>, pc: u64, access: MemAccess) {
        let walk = &mut |va, _| walk(hart, port, va);
        self.follower.access(VirtAddr(pc), self.context.asid, &access, walk);
    }
}

impl Witness<Board> for Passing<'_> {
    /// What is fetched is shown before it is executed: if it then raises it has been fetched all the same, and
    /// to show it again changes nothing. What lies in two lines is in no chain.
    #[inline(always)]
    fn begin(&mut self, hart: &Hart, port: &mut FastPort<Board>, start: &Start<'_>) -> u64 {
        let &Start { pc, pa, inst } = start;
        debug_assert!(!is_serialising(inst), "no chain executes {:?}", inst.op);
        let left = self.line.left(pa);
        if left != 0 {
            return left;
        }
        if !self.line.enter(pa, u64::from(inst.len)) {
            return 0;
        }
        self.fetch((pc, pa, inst.len), hart, port);
        self.line.left(pa)
    }

    #[inline(always)]
    fn access(&mut self, hart: &Hart, port: &mut FastPort<Board>, pc: u64, part: &StepAccess) {
        let kind = if part.store { MemKind::Store } else { MemKind::Load };
        self.show_access(hart, port, pc, access(self.context, kind, part));
    }

    #[inline(always)]
    fn branch(&mut self, class: Class, inst: &Inst, pc: u64, next_pc: u64) {
        if let Some(kind) = branch_kind(class, inst) {
            let branch = outcome(kind, inst, pc, next_pc, false);
            let end = pc.wrapping_add(u64::from(inst.len));
            let (pc, end) = (VirtAddr(pc), VirtAddr(end));
            if next_pc == end.0 {
                self.follower.branch(pc, end, &branch);
            } else {
                self.taken = Some(Taken { pc, end, branch });
            }
        }
    }
}
