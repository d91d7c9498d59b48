//! Following a hart without time: what its instructions leave behind in caches, translations and
//! predictors.
//!
//! Warming needs little of most instructions: where a fetch enters another line, what accesses touch,
//! where branches go. A [`Source`](crate::Source) that can tell just that shows it to a [`Follower`]
//! as it executes, and need not make a record of each instruction.

use crate::{Branch, Instr, MemAccess, PhysAddr, Translate, VirtAddr, Walk};

/// Walks the page tables as they are behind the instruction that is shown; see
/// [`Source::walk`](crate::Source::walk).
pub type Walker<'a> = dyn FnMut(VirtAddr, Translate) -> Walk + 'a;

/// The bytes of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// The virtual address of the first.
    pub pc: VirtAddr,
    /// The physical address of the first.
    pub pa: PhysAddr,
    /// The physical address of the first on a second page, if they lie on two.
    pub tail: Option<PhysAddr>,
    /// How many there are.
    pub len: u8,
    /// The address space of the instruction.
    pub asid: u16,
    /// `pc` was translated.
    pub translated: bool,
}

impl Bytes {
    /// Those of `instr`.
    #[inline]
    #[must_use]
    pub fn of(instr: &Instr) -> Self {
        let &Instr { pc, fetch_pa: pa, fetch_tail: tail, len, asid, translated, .. } = instr;
        Self { pc, pa, tail, len, asid, translated }
    }

    /// The physical address of the last.
    #[inline]
    #[must_use]
    pub fn last(&self) -> PhysAddr {
        self.tail.unwrap_or(PhysAddr(self.pa.0 + self.before_last()))
    }

    /// Bytes before the last.
    #[inline]
    #[must_use]
    pub fn before_last(&self) -> u64 {
        u64::from(self.len.max(1)) - 1
    }
}

/// Whoever is shown what instructions leave behind.
///
/// Contract: an instruction is shown after it was executed and before the next one is, its bytes
/// first, then its accesses in order, then its branch. Bytes that lie in the line that was fetched
/// last may be left out; showing them changes nothing.
pub trait Follower {
    /// The logarithm of the length of a line.
    fn line_log2(&self) -> u32;

    /// An instruction was fetched.
    fn fetch(&mut self, bytes: &Bytes, walk: &mut Walker<'_>);

    /// The instruction at `pc`, in address space `asid`, made an access, or a part of one.
    fn access(&mut self, pc: VirtAddr, asid: u16, access: &MemAccess, walk: &mut Walker<'_>);

    /// The instruction from `pc` to below `end` is a branch.
    fn branch(&mut self, pc: VirtAddr, end: VirtAddr, branch: &Branch);

    /// All of an instruction.
    fn instr(&mut self, instr: &Instr, walk: &mut Walker<'_>) {
        self.fetch(&Bytes::of(instr), walk);
        for access in instr.mem.iter().chain(&instr.mem_tail) {
            self.access(instr.pc, instr.asid, access, walk);
        }
        if let Some(branch) = &instr.branch {
            let end = VirtAddr(instr.pc.0.wrapping_add(u64::from(instr.len)));
            self.branch(instr.pc, end, branch);
        }
    }
}

/// How far a [`Source::follow`](crate::Source::follow) came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Instructions that were executed and shown.
    pub instructions: u64,
    /// Nothing that they did needs to be looked at before the next: asking again or for the next
    /// one is fine.
    pub goes_on: bool,
}
