//! A decoded instruction, and what a timing model asks of it.

use crate::class::Class;
use crate::format::RegFile;
use crate::op::Op;

/// A decoded instruction. Fields the instruction does not have are zero.
///
/// A compressed instruction is represented by the base instruction it expands to, with `len == 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Inst {
    /// Which instruction.
    pub op: Op,
    /// Destination register number.
    pub rd: u8,
    /// First source register number; the immediate of `csrrwi`, `csrrsi`, `csrrci`.
    pub rs1: u8,
    /// Second source register number.
    pub rs2: u8,
    /// Third source register number.
    pub rs3: u8,
    /// Rounding-mode field of floating-point instructions that have one: 0..=4, or 7 for dynamic.
    pub rm: u8,
    /// Bytes the instruction occupies: 2 or 4.
    pub len: u8,
    /// The immediate, sign-extended and already shifted into place (`lui`, `auipc`, branches, jumps).
    ///
    /// Also: the shift amount; the CSR number (0..=4095); `aq << 1 | rl` of atomics;
    /// `fm << 8 | pred << 4 | succ` of `fence`; the function number of a marker.
    pub imm: i32,
    /// The encoding: 32 bits, or the low 16 of a compressed instruction.
    pub raw: u32,
}

/// A register of either file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reg {
    /// Integer register.
    X(u8),
    /// Floating-point register.
    F(u8),
}

/// The registers an instruction writes and reads. `x0` carries no dependency and is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operands {
    /// The register written.
    pub dest: Option<Reg>,
    /// The registers read, by operand position (`rs1`, `rs2`, `rs3`).
    pub sources: [Option<Reg>; 3],
}

/// What a jump does to a return-address stack, by the link-register convention (`x1` and `x5`) of the
/// unprivileged specification, section 2.5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReturnStack {
    /// Not a call or return.
    None,
    /// A call: push the address of the next instruction.
    Push,
    /// A return: pop the predicted target.
    Pop,
    /// A coroutine switch: pop the predicted target, then push.
    PopThenPush,
}

const fn is_link(register: u8) -> bool {
    register == 1 || register == 5
}

const fn register(file: Option<RegFile>, number: u8) -> Option<Reg> {
    match file {
        Some(RegFile::X) if number != 0 => Some(Reg::X(number)),
        Some(RegFile::F) => Some(Reg::F(number)),
        _ => None,
    }
}

impl Inst {
    /// The registers written and read.
    pub fn operands(&self) -> Operands {
        let kinds = self.op.operand_kinds();
        Operands {
            dest: register(kinds.rd, self.rd),
            sources: [
                register(kinds.rs1, self.rs1),
                register(kinds.rs2, self.rs2),
                register(kinds.rs3, self.rs3),
            ],
        }
    }

    /// The timing class.
    pub fn class(&self) -> Class {
        self.op.class()
    }

    /// What this instruction does to a return-address stack.
    pub fn return_stack(&self) -> ReturnStack {
        match self.op {
            Op::Jal if is_link(self.rd) => ReturnStack::Push,
            Op::Jalr => match (is_link(self.rd), is_link(self.rs1)) {
                (false, false) => ReturnStack::None,
                (false, true) => ReturnStack::Pop,
                (true, true) if self.rd != self.rs1 => ReturnStack::PopThenPush,
                (true, _) => ReturnStack::Push,
            },
            _ => ReturnStack::None,
        }
    }

    /// True when a return-address stack is pushed.
    pub fn is_call(&self) -> bool {
        matches!(self.return_stack(), ReturnStack::Push | ReturnStack::PopThenPush)
    }

    /// True when a return-address stack is popped.
    pub fn is_return(&self) -> bool {
        matches!(self.return_stack(), ReturnStack::Pop | ReturnStack::PopThenPush)
    }

    /// Bytes of memory accessed by a load, store or atomic; zero for other instructions.
    pub fn access_bytes(&self) -> u8 {
        match self.op.class() {
            Class::Load
            | Class::Store
            | Class::LoadReserved
            | Class::StoreConditional
            | Class::Amo => {
                // funct3's low bits are log2 of the width in all of these opcodes.
                let raw = self.op.layout().value;
                1 << (raw >> 12 & 3)
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests;
