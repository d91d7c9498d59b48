//! What an instruction leaves behind in passing, for a [`Follower`]: no record of it is made.

use super::record::{Context, Description, access, outcome};
use engine::Step;
use stream::{Bytes, Follower, PhysAddr, VirtAddr, Walker};

/// The line that was fetched last.
pub(super) struct Line {
    log2: u32,
    number: u64,
}

impl Line {
    /// One that nothing lies in, of lines of `1 << log2` bytes.
    pub(super) fn unknown(log2: u32) -> Self {
        Self { log2, number: u64::MAX }
    }

    /// Whether the bytes from `first` to `last` lie in it. It is the line of `last` then.
    #[inline(always)]
    fn covers(&mut self, first: u64, last: u64) -> bool {
        let before = std::mem::replace(&mut self.number, last >> self.log2);
        first >> self.log2 == before && self.number == before
    }
}

/// Shows `follower` a step of a hart in `context` that is not [rare](super::record::is_rare). `line` is
/// the one that the step before it was fetched from.
#[inline(always)]
pub(super) fn show(
    context: &Context,
    step: &Step<'_, Description>,
    line: &mut Line,
    follower: &mut dyn Follower,
    walk: &mut Walker<'_>,
) {
    let (pc, pa, len) = (step.pc, step.fetch_pa, step.inst.len);
    let end = pc.wrapping_add(u64::from(len));
    if !line.covers(pa, pa + u64::from(len) - 1) {
        let &Context { asid, fetch_translated: translated, .. } = context;
        let (pc, pa) = (VirtAddr(pc), PhysAddr(pa));
        follower.fetch(&Bytes { pc, pa, tail: None, len, asid, translated }, walk);
    }
    if let Some(part) = &step.accesses[0] {
        follower.access(VirtAddr(pc), context.asid, &access(context, step, part), walk);
    }
    if let Some(kind) = step.description.branch {
        follower.branch(VirtAddr(pc), VirtAddr(end), &outcome(kind, step));
    }
}
