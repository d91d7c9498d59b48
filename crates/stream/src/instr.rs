//! The record of one executed instruction.

use crate::{Class, PhysAddr, Reg, VirtAddr};
use serde::{Deserialize, Serialize};

/// One architecturally executed instruction, as the timing side sees it.
///
/// Everything in it is an outcome: addresses are final, a branch knows where it went. Timing models
/// that guess (predictors) must not look at an outcome before their model has resolved it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instr {
    /// The virtual address of its first byte.
    pub pc: VirtAddr,
    /// The physical address of its first byte.
    pub fetch_pa: PhysAddr,
    /// The physical address of its first byte on a second page, if it lies on two.
    pub fetch_tail: Option<PhysAddr>,
    /// Its length in bytes.
    pub len: u8,
    /// What it needs to execute.
    pub class: Class,
    /// The registers it reads and writes.
    pub operands: Operands,
    /// Its memory access.
    pub mem: Option<MemAccess>,
    /// The second part of an access that lies on two pages; both parts are then of the same kind
    /// and their sizes add up.
    pub mem_tail: Option<MemAccess>,
    /// What it did to the flow of control, if it is a branch.
    pub branch: Option<Branch>,
    /// The privilege it ran at.
    pub privilege: Privilege,
    /// The address space it ran in.
    pub asid: u16,
    /// Its fetch address was translated (false with paging off, when `pc` is physical).
    pub translated: bool,
    /// It may not overlap with the instructions around it: fences of the instruction stream,
    /// writes of control registers, returns from traps.
    pub serialising: bool,
    /// It does nothing but copy its first source to its destination: a core may rename the
    /// destination instead of executing it.
    pub is_move: bool,
    /// What interrupted the flow at this instruction.
    pub event: Event,
}

/// The registers an instruction depends on and defines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operands {
    /// The registers it reads.
    pub srcs: [Option<Reg>; 3],
    /// The register it writes.
    pub dst: Option<Reg>,
}

/// One access to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemAccess {
    /// The virtual address.
    pub va: VirtAddr,
    /// The physical address.
    pub pa: PhysAddr,
    /// The number of bytes; those of a cache operation are those of its block.
    pub size: u8,
    /// What it does there.
    pub kind: MemKind,
    /// It goes to a device: uncached, in order, never speculative.
    pub io: bool,
    /// Its address was translated (false with paging off, when `va` is physical).
    pub translated: bool,
}

/// What an access to memory does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemKind {
    /// Reads; load-reserved too.
    Load,
    /// Writes; store-conditional too, when it succeeds.
    Store,
    /// Reads and writes in one indivisible step.
    Amo,
    /// Acts on the cached copies of one block.
    Cache(CacheOp),
}

/// An operation on the cached copies of one block of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheOp {
    /// Writes changed copies back and keeps them.
    Clean,
    /// Writes changed copies back and drops them.
    Flush,
    /// Drops copies; a model may write changed ones back first.
    Invalidate,
    /// Writes zeros to the whole block.
    Zero,
    /// A hint that the block will be executed.
    PrefetchInstruction,
    /// A hint that the block will be read.
    PrefetchRead,
    /// A hint that the block will be written.
    PrefetchWrite,
}

/// What a branch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Its kind.
    pub kind: BranchKind,
    /// It left the sequential path. Always true of unconditional branches.
    pub taken: bool,
    /// Where it goes when it is taken.
    pub target: VirtAddr,
}

/// Kinds of branches, as predictors distinguish them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchKind {
    /// Conditional, to a fixed target.
    Conditional,
    /// Unconditional, to a fixed target.
    Jump,
    /// Unconditional, to a target in a register.
    IndirectJump,
    /// A call of a fixed target.
    Call,
    /// A call of a target in a register.
    IndirectCall,
    /// A return from a call.
    Return,
    /// A return and a call in one, as coroutines do.
    ReturnAndCall,
}

/// The privilege an instruction ran at.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// User programs.
    User,
    /// The operating system.
    Supervisor,
    /// Firmware, and bare-metal programs.
    #[default]
    Machine,
}

/// What broke the sequential flow at an instruction other than a branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Nothing.
    #[default]
    None,
    /// An interrupt was taken just before this instruction, which is the handler's first.
    Interrupt,
    /// This instruction trapped: it has no architectural effect, and the next record is the
    /// handler's first. Its access to memory is absent where its address had no translation.
    Exception,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_fits_two_cache_lines() {
        assert!(size_of::<Instr>() <= 128, "{} bytes", size_of::<Instr>());
    }
}
