//! What an instruction leaves behind in passing, for a [`Follower`]: no record of it is made.

use super::record::{Context, Description, access, outcome};
use engine::Step;
use stream::{Bytes, Follower, PhysAddr, Translate, VirtAddr, Walk};

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

/// Shows `follower` a step of a hart in `context` that is not [rare](super::record::is_rare). `line` is
/// the one that the step before it was fetched from; `walk` walks, when the state is that behind it.
#[inline(always)]
pub(super) fn show(
    context: &Context,
    step: &Step<'_, Description>,
    line: &mut Line,
    follower: &mut dyn Follower,
    mut walk: impl FnMut(VirtAddr, Translate) -> Walk,
) {
    let (pc, pa, len) = (step.pc, step.fetch_pa, step.inst.len);
    let end = pc.wrapping_add(u64::from(len));
    if !line.covers(pa, u64::from(len)) {
        let &Context { asid, fetch_translated: translated, .. } = context;
        let (pc, pa) = (VirtAddr(pc), PhysAddr(pa));
        follower.fetch(&Bytes { pc, pa, tail: None, len, asid, translated }, &mut walk);
    }
    if let Some(part) = step.access() {
        follower.access(VirtAddr(pc), context.asid, &access(context, step, part), &mut walk);
    }
    if let Some(kind) = step.description.branch {
        follower.branch(VirtAddr(pc), VirtAddr(end), &outcome(kind, step));
    }
}
