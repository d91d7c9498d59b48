//! Disassembly in the GNU assembler's syntax, without pseudo-instructions.
//!
//! Compressed instructions print as what they expand to; [`crate::rvc::mnemonic`] names the short form.

use crate::csr;
use crate::format::{Format, RegFile};
use crate::inst::Inst;
use crate::op::Op;

const X_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

const F_NAMES: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2",
    "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9",
    "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

/// The calling convention's name of integer register `number` (taken modulo 32).
pub fn integer_register(number: u8) -> &'static str {
    X_NAMES[usize::from(number & 31)]
}

/// The calling convention's name of floating-point register `number` (taken modulo 32).
pub fn float_register(number: u8) -> &'static str {
    F_NAMES[usize::from(number & 31)]
}

/// The text of `inst` at address `pc`; branch and jump targets are printed as absolute addresses.
pub fn disassemble(inst: &Inst, pc: u64) -> String {
    let operands = operands(inst, pc);
    let mnemonic = mnemonic(inst);
    if operands.is_empty() { mnemonic } else { format!("{mnemonic} {operands}") }
}

/// The mnemonic with the ordering suffix of atomics and the fence variants.
fn mnemonic(inst: &Inst) -> String {
    let base = inst.op.mnemonic();
    match inst.op.format() {
        Format::Amo | Format::LoadReserved => {
            let suffix = ["", ".rl", ".aq", ".aqrl"][(inst.imm & 3) as usize];
            format!("{base}{suffix}")
        }
        Format::Fence if inst.imm == 0x833 => "fence.tso".to_owned(),
        _ => base.to_owned(),
    }
}

fn operands(inst: &Inst, pc: u64) -> String {
    let Inst { imm, .. } = *inst;
    let [rd, rs1, rs2, rs3] = names(inst);
    let target = || pc.wrapping_add_signed(i64::from(imm));
    match inst.op.format() {
        Format::U => format!("{rd},{:#x}", imm as u32 >> 12),
        Format::J => format!("{rd},{:#x}", target()),
        Format::B => format!("{rs1},{rs2},{:#x}", target()),
        Format::Jalr | Format::Load | Format::FpLoad => format!("{rd},{imm}({rs1})"),
        Format::S | Format::FpStore => format!("{rs2},{imm}({rs1})"),
        Format::I => format!("{rd},{rs1},{imm}"),
        Format::Shift => format!("{rd},{rs1},{imm:#x}"),
        Format::R | Format::FpBinary | Format::FpCompare => format!("{rd},{rs1},{rs2}"),
        Format::RUnary | Format::FpToInt | Format::IntToFp => format!("{rd},{rs1}"),
        Format::Fence if imm == 0x833 => String::new(),
        Format::Fence => format!("{},{}", fence_set(imm >> 4), fence_set(imm)),
        Format::Bare => String::new(),
        Format::Csr => format!("{rd},{},{rs1}", csr_name(imm)),
        Format::CsrImm => format!("{rd},{},{}", csr_name(imm), inst.rs1),
        Format::LoadReserved => format!("{rd},({rs1})"),
        Format::Amo => format!("{rd},{rs2},({rs1})"),
        Format::FpFma => format!("{rd},{rs1},{rs2},{rs3}{}", rounding(inst.rm)),
        Format::FpBinaryRm => format!("{rd},{rs1},{rs2}{}", rounding(inst.rm)),
        // Exact conversions: the rounding mode has no effect and is not written.
        Format::FpUnaryRm | Format::IntToFpRm
            if inst.rm == 0 && matches!(inst.op, Op::FcvtDS | Op::FcvtDW | Op::FcvtDWu) =>
        {
            format!("{rd},{rs1}")
        }
        Format::FpUnaryRm | Format::FpToIntRm | Format::IntToFpRm => {
            format!("{rd},{rs1}{}", rounding(inst.rm))
        }
        Format::Cbo => format!("({rs1})"),
        Format::Prefetch => format!("{imm}({rs1})"),
        Format::SfenceVma => format!("{rs1},{rs2}"),
        Format::Marker => format!("{imm:#x}"),
    }
}

fn names(inst: &Inst) -> [&'static str; 4] {
    let kinds = inst.op.operand_kinds();
    let name = |file, number| match file {
        Some(RegFile::X) => integer_register(number),
        Some(RegFile::F) => float_register(number),
        None => "",
    };
    [
        name(kinds.rd, inst.rd),
        name(kinds.rs1, inst.rs1),
        name(kinds.rs2, inst.rs2),
        name(kinds.rs3, inst.rs3),
    ]
}

fn csr_name(number: i32) -> String {
    match csr::name(number as u16) {
        Some(name) => name.to_owned(),
        None => format!("{number:#x}"),
    }
}

/// The suffix of a rounding-mode operand; the dynamic mode is the assembler's default and not written.
fn rounding(rm: u8) -> &'static str {
    [",rne", ",rtz", ",rdn", ",rup", ",rmm", ",5", ",6", ""][usize::from(rm & 7)]
}

fn fence_set(bits: i32) -> String {
    let set: String = [(8, 'i'), (4, 'o'), (2, 'r'), (1, 'w')]
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|&(_, c)| c)
        .collect();
    if set.is_empty() { "unknown".to_owned() } else { set }
}

#[cfg(test)]
mod tests;
