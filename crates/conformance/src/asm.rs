//! A small assembler over the encoder of crate `isa`.

use isa::{Inst, Op, encode};

/// Machine code under construction at a fixed address.
#[derive(Clone, Debug)]
pub struct Asm {
    base: u64,
    code: Vec<u8>,
}

/// A forward branch or jump whose target is not known yet.
#[derive(Debug)]
#[must_use = "a hole that is not filled jumps to itself"]
pub struct Hole {
    at: usize,
    inst: Inst,
}

/// An instruction with the given fields; `rm` is dynamic where the instruction has one.
#[must_use]
pub fn inst(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> Inst {
    let rm = op.layout().rm.mask; // 7 is the dynamic mode
    Inst { op, rd, rs1, rs2, rs3: 0, rm, len: 4, imm, raw: 0 }
}

impl Asm {
    /// Code that will run at `base`.
    #[must_use]
    pub fn new(base: u64) -> Self {
        Self { base, code: Vec::new() }
    }

    /// The address of the next instruction.
    #[must_use]
    pub fn here(&self) -> u64 {
        self.base + self.code.len() as u64
    }

    /// The code so far.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// Appends a four-byte word.
    pub fn word(&mut self, raw: u32) {
        self.code.extend(raw.to_le_bytes());
    }

    /// Appends a two-byte parcel.
    pub fn half(&mut self, raw: u16) {
        self.code.extend(raw.to_le_bytes());
    }

    /// Appends zero bytes (illegal instructions) up to a multiple of `bytes`.
    pub fn align(&mut self, bytes: usize) {
        while !self.here().is_multiple_of(bytes as u64) {
            self.code.push(0);
        }
    }

    /// Appends an instruction.
    pub fn put(&mut self, inst: &Inst) {
        self.word(encode(inst));
    }

    /// Appends an instruction given by its fields.
    pub fn op(&mut self, op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) {
        self.put(&inst(op, rd, rs1, rs2, imm));
    }

    /// Appends a register-immediate instruction or a load.
    pub fn i(&mut self, op: Op, rd: u8, rs1: u8, imm: i32) {
        self.op(op, rd, rs1, 0, imm);
    }

    /// Appends a store of `rs2` at `offset` from `rs1`.
    pub fn store(&mut self, op: Op, rs2: u8, rs1: u8, offset: i32) {
        self.op(op, 0, rs1, rs2, offset);
    }

    /// Writes `rs1` to a control register.
    pub fn csrw(&mut self, csr: u16, rs1: u8) {
        self.op(Op::Csrrw, 0, rs1, 0, i32::from(csr));
    }

    /// Reads a control register.
    pub fn csrr(&mut self, rd: u8, csr: u16) {
        self.op(Op::Csrrs, rd, 0, 0, i32::from(csr));
    }

    /// Loads the address `target`, relative to the program counter, into `rd`.
    pub fn address(&mut self, rd: u8, target: u64) {
        let offset = target.wrapping_sub(self.here()) as i64;
        let (high, low) = split(offset);
        self.i(Op::Auipc, rd, 0, high);
        self.i(Op::Addi, rd, rd, low);
    }

    /// Loads a constant into `rd`, in one to eight instructions.
    pub fn constant(&mut self, rd: u8, value: u64) {
        let value = value as i64;
        if value == i64::from(value as i32) {
            let (high, low) = split(value);
            if high == 0 {
                return self.i(Op::Addi, rd, 0, low);
            }
            self.i(Op::Lui, rd, 0, high);
            return self.i(Op::Addiw, rd, rd, low);
        }
        let low = (value << 52 >> 52) as i32;
        let rest = value.wrapping_sub(i64::from(low)) >> 12;
        self.constant(rd, rest as u64);
        self.i(Op::Slli, rd, rd, 12);
        self.i(Op::Addi, rd, rd, low);
    }

    /// Jumps to `target`, clobbering `via`, which receives the return address.
    pub fn call(&mut self, via: u8, target: u64) {
        let (high, low) = split(target.wrapping_sub(self.here()) as i64);
        self.i(Op::Auipc, via, 0, high);
        self.i(Op::Jalr, via, via, low);
    }

    /// Jumps to `target` within the reach of `jal`.
    pub fn jump(&mut self, target: u64) {
        let offset = target.wrapping_sub(self.here()) as i32;
        self.i(Op::Jal, 0, 0, offset);
    }

    /// Branches back (or forth) to `target`.
    pub fn branch(&mut self, op: Op, rs1: u8, rs2: u8, target: u64) {
        let offset = target.wrapping_sub(self.here()) as i32;
        self.op(op, 0, rs1, rs2, offset);
    }

    /// Appends a branch or `jal` to a place that [`Asm::fill`] will name.
    pub fn hole(&mut self, inst: Inst) -> Hole {
        let at = self.code.len();
        self.put(&inst);
        Hole { at, inst }
    }

    /// Makes the branch at `hole` lead here.
    pub fn fill(&mut self, hole: Hole) {
        let imm = (self.code.len() - hole.at) as i32;
        let raw = encode(&Inst { imm, ..hole.inst });
        self.code[hole.at..hole.at + 4].copy_from_slice(&raw.to_le_bytes());
    }
}

/// Splits an offset into the parts of a `lui`/`auipc` and a sign-extended twelve-bit immediate.
fn split(offset: i64) -> (i32, i32) {
    let low = (offset << 52 >> 52) as i32;
    let high = (offset - i64::from(low)) as i32;
    (high, low)
}
