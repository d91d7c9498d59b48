//! Move elimination: physical registers that several names share.
//!
//! A move is not executed: rename lets its destination name the register of its source (Jourdan et al.,
//! "A novel renaming scheme to exploit value temporal locality through physical register reuse and
//! unification", MICRO 1998). It takes a slot and a place in the reorder buffer, but no scheduler entry,
//! no port and no register, and its consumers wait for the source's producer. A register is free once
//! the last that refers to it is gone (Roth, "Physical register reference counting", IEEE Computer
//! Architecture Letters 7(1), 2008): a name in the rename map, or an instruction in the core that would
//! bring the name back if it were squashed.
//!
//! Knob: `move_elimination`. Left out: limits on how many registers are shared and by how many names,
//! which some cores have, and the elimination of zeroing idioms.

use stream::{Instr, Reg};

/// A physical register; both files are numbered together.
pub(super) type Physical = u16;

/// Who refers to which physical register.
#[derive(Clone, Debug)]
pub(super) struct Sharing {
    /// The register that each name stands for.
    named: [Physical; Reg::COUNT],
    /// For each register, the names and the instructions that refer to it.
    references: Vec<u16>,
    free: Vec<Physical>,
}

impl Sharing {
    /// Every name has a register of its own, and `spare` are free.
    pub(super) fn new(spare: u32) -> Self {
        let names = Reg::COUNT;
        let all = names + spare as usize;
        let mut references = vec![0; all];
        references[..names].fill(1);
        Self {
            named: std::array::from_fn(|name| name as Physical),
            references,
            free: (names..all).map(|register| register as Physical).collect(),
        }
    }

    /// `name` stands for a register of its own from now on; returns the one it stood for, which the
    /// instruction that writes it refers to instead.
    pub(super) fn take(&mut self, name: Reg) -> Physical {
        let register = self.free.pop().expect("rename has counted the free registers");
        self.references[usize::from(register)] = 1;
        std::mem::replace(&mut self.named[name.index()], register)
    }

    /// `name` stands for the register of `source` from now on; returns the one it stood for.
    pub(super) fn share(&mut self, name: Reg, source: Reg) -> Physical {
        let register = self.named[source.index()];
        self.references[usize::from(register)] += 1;
        std::mem::replace(&mut self.named[name.index()], register)
    }

    /// The instruction that replaced `old` has committed. Returns whether that is free now.
    pub(super) fn commit(&mut self, old: Physical) -> bool {
        self.release(old)
    }

    /// The instruction that made `name` stand for another than `old` is taken back. Returns whether
    /// that other is free now.
    pub(super) fn undo(&mut self, name: Reg, old: Physical) -> bool {
        let register = std::mem::replace(&mut self.named[name.index()], old);
        self.release(register)
    }

    fn release(&mut self, register: Physical) -> bool {
        let references = &mut self.references[usize::from(register)];
        *references -= 1;
        let is_free = *references == 0;
        if is_free {
            self.free.push(register);
        }
        is_free
    }

    /// Registers that are free, and references to the others: what the books are compared with.
    #[cfg(test)]
    pub(super) fn books(&self) -> (usize, usize) {
        let unused = self.references.iter().filter(|references| **references == 0).count();
        assert_eq!(unused, self.free.len(), "free registers are those nobody refers to");
        (unused, self.references.iter().map(|&references| usize::from(references)).sum())
    }
}

/// The register that a move copies, if its destination is in the same file.
pub(super) fn move_source(instr: &Instr) -> Option<Reg> {
    if !instr.is_move {
        return None;
    }
    let source = instr.operands.srcs.into_iter().flatten().next()?;
    let destination = instr.operands.dst?;
    (source.kind() == destination.kind()).then_some(source)
}
