//! Which kind of branch a record is, by the registers it names.
//!
//! The rules are those of ChampSim's `inc/instruction.h`, in the same order. They follow x86, where
//! every branch writes the instruction pointer, a direct one reads it, a call and a return move the
//! stack pointer, and a conditional branch reads the flags, or a
//! register. The last is for other instruction sets (pull request 372, August 2023; Feliu et al.,
//! "Rebasing Microarchitectural Research with Industry Traces", IISWC 2023): older versions take a
//! conditional branch that reads a register for an indirect jump.

use super::record::Record;
use super::registers::{FLAGS, INSTRUCTION_POINTER, STACK_POINTER};
use stream::BranchKind;

/// ChampSim's kinds of branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    DirectJump,
    Indirect,
    Conditional,
    DirectCall,
    IndirectCall,
    Return,
    /// It writes the instruction pointer in a way that fits none of these.
    Other,
}

impl Kind {
    /// The kind of `record`, if it is a branch.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let reads = |register| record.sources.contains(&register);
        let writes = |register| record.destinations.contains(&register);
        if !writes(INSTRUCTION_POINTER) {
            return None;
        }
        let (reads_ip, reads_flags) = (reads(INSTRUCTION_POINTER), reads(FLAGS));
        let (reads_sp, writes_sp) = (reads(STACK_POINTER), writes(STACK_POINTER));
        let marks = [0, INSTRUCTION_POINTER, FLAGS, STACK_POINTER];
        let reads_other = record.sources.iter().any(|source| !marks.contains(source));
        Some(if !reads_sp && !reads_flags && !reads_other {
            Self::DirectJump
        } else if !reads_sp && !reads_ip && !reads_flags {
            Self::Indirect
        } else if !reads_sp && reads_ip && !writes_sp {
            Self::Conditional
        } else if reads_sp && reads_ip && writes_sp && !reads_flags {
            if reads_other { Self::IndirectCall } else { Self::DirectCall }
        } else if reads_sp && !reads_ip && writes_sp {
            Self::Return
        } else {
            Self::Other
        })
    }

    /// What it is to a predictor here. ChampSim keeps the direction of what it cannot name: one
    /// that can be not taken is conditional, and where the others go it does not know before.
    pub(super) fn seen_as(self, taken: bool) -> BranchKind {
        match self {
            Self::DirectJump => BranchKind::Jump,
            Self::Indirect => BranchKind::IndirectJump,
            Self::Conditional => BranchKind::Conditional,
            Self::DirectCall => BranchKind::Call,
            Self::IndirectCall => BranchKind::IndirectCall,
            Self::Return => BranchKind::Return,
            Self::Other if taken => BranchKind::IndirectJump,
            Self::Other => BranchKind::Conditional,
        }
    }

    /// Whether a branch of this kind can be not taken. ChampSim ignores the direction of the
    /// others.
    pub(super) fn has_direction(self) -> bool {
        matches!(self, Self::Conditional | Self::Other)
    }
}
