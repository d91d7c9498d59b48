//! What a core takes up in warming mode: accesses and branches leave their traces, and no time passes.
//!
//! Which accesses an instruction makes, and in which order, is the same as in the in-order core,
//! whatever the core that is warmed.

use crate::in_order::{Accesses, fetch, touch};
use crate::restoring::Restoring;
use branch::Predictor;
use mem::{AccessKind, Hierarchy};
use stream::{
    Branch, Bytes, CacheOp, Follower, HartId, LineAddr, MemAccess, PhysAddr, Translate, VirtAddr,
    Walker,
};

/// A core that follows what its hart executes.
pub(crate) struct Warming<'a> {
    pub(crate) hart: HartId,
    /// The line that was fetched last.
    pub(crate) line: &'a mut Option<LineAddr>,
    /// The predictors of a core that has them.
    pub(crate) predictor: Option<&'a mut Predictor>,
    /// The restoration unit of a core that has one.
    pub(crate) restoring: Option<&'a mut Restoring>,
    pub(crate) mem: &'a mut Hierarchy,
}

impl Follower for Warming<'_> {
    fn line_log2(&self) -> u32 {
        self.mem.line_log2()
    }

    fn fetch(&mut self, bytes: &Bytes, walk: &mut Walker<'_>) {
        let Bytes { pc, asid, .. } = *bytes;
        let mut untimed = Untimed { hart: self.hart, asid, pc, walk, mem: self.mem };
        let (before, first) = (*self.line, untimed.line(bytes.pa));
        *self.line = Some(fetch(bytes, before, &mut untimed));
        // What lies in the line that was fetched last is not always shown, so it must not count.
        let is_new = before != Some(first) || before != *self.line;
        if let Some(restoring) = &mut self.restoring
            && is_new
        {
            restoring.warmed(bytes, (self.mem, self.predictor.as_deref_mut()), walk);
        }
    }

    fn access(&mut self, pc: VirtAddr, asid: u16, access: &MemAccess, walk: &mut Walker<'_>) {
        touch(access, &mut Untimed { hart: self.hart, asid, pc, walk, mem: self.mem });
    }

    fn branch(&mut self, pc: VirtAddr, end: VirtAddr, branch: &Branch) {
        if let Some(predictor) = &mut self.predictor {
            predictor.warm(pc, branch, end);
        }
    }
}

/// Accesses that only leave their traces.
struct Untimed<'a, 'w> {
    hart: HartId,
    asid: u16,
    pc: VirtAddr,
    walk: &'a mut Walker<'w>,
    mem: &'a mut Hierarchy,
}

impl Accesses for Untimed<'_, '_> {
    #[inline]
    fn line(&self, pa: PhysAddr) -> LineAddr {
        self.mem.line(pa)
    }

    #[inline(always)]
    fn translate(&mut self, va: VirtAddr, what: Translate) {
        self.mem.warm_translate(self.hart, (va, self.asid), what, self.walk);
    }

    #[inline(always)]
    fn access(&mut self, kind: AccessKind, pa: PhysAddr) {
        self.mem.warm(self.hart, kind, pa, self.pc);
    }

    #[inline(always)]
    fn prefetch(&mut self, kind: AccessKind, pa: PhysAddr) {
        self.mem.warm(self.hart, kind, pa, self.pc);
    }

    #[inline(always)]
    fn device(&mut self) {}

    #[inline(always)]
    fn maintain(&mut self, op: CacheOp, pa: PhysAddr) {
        self.mem.warm_maintain(op, pa);
    }
}
