//! Assembles the kernels: the instructions of the table, a few pseudo-instructions and directives, so
//! that no tools of the host are needed.
//!
//! One statement a line; `#` begins a comment. Instructions are written as the table's formats say.
//! Pseudo-instructions: `nop`, `mv`, `li` (any constant), `la`, `j`, `jal LABEL` (to `ra`), `ret`,
//! `beqz`, `bnez`, and `pass`, which ends the program. Directives: `.rept N` to `.endr` (not nested),
//! `.align BYTES`, `.zero BYTES`, `.dword VALUE`. Nothing is compressed.

use conformance::asm::inst;
use isa::{Format, Inst, Op, encode};
use std::collections::BTreeMap;

/// Where programs lie.
pub const BASE: u64 = 0x8000_0000;

type Labels = BTreeMap<String, u64>;

/// The bytes of a program at [`BASE`], or the line that is wrong and why.
pub fn assemble(text: &str) -> Result<Vec<u8>, String> {
    let lines = unroll(text)?;
    // Sizes do not depend on the values of labels, so the second pass finds them where they are.
    let mut labels = Labels::new();
    let _ = pass(&lines, &mut labels, true)?;
    pass(&lines, &mut labels, false)
}

fn unroll(text: &str) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    let mut block: Option<(usize, Vec<String>)> = None;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some(count) = line.strip_prefix(".rept ") {
            let count = count.trim().parse().map_err(|_| format!("{line}: no count"))?;
            block = Some((count, Vec::new()));
        } else if line == ".endr" {
            let (count, lines) = block.take().ok_or("an .endr without its .rept")?;
            (0..count).for_each(|_| out.extend(lines.iter().cloned()));
        } else if !line.is_empty() {
            block.as_mut().map_or(&mut out, |(_, lines)| lines).push(line.to_owned());
        }
    }
    if block.is_some() { Err(".rept without its .endr".into()) } else { Ok(out) }
}

fn pass(lines: &[String], labels: &mut Labels, first: bool) -> Result<Vec<u8>, String> {
    let mut code = Vec::new();
    for line in lines {
        let here = BASE + code.len() as u64;
        if let Some(label) = line.strip_suffix(':') {
            labels.insert(label.to_owned(), here);
            continue;
        }
        let statement = Statement { labels, first, here };
        statement.assemble(line, &mut code).map_err(|what| format!("{line}: {what}"))?;
    }
    Ok(code)
}

struct Statement<'a> {
    labels: &'a Labels,
    first: bool,
    here: u64,
}

impl Statement<'_> {
    fn assemble(&self, line: &str, code: &mut Vec<u8>) -> Result<(), String> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let operands: Vec<&str> =
            rest.split([',', '(', ')']).map(str::trim).filter(|text| !text.is_empty()).collect();
        let mut put = |inst: Inst| code.extend(encode(&inst).to_le_bytes());
        match (word, operands.as_slice()) {
            ("nop", []) => put(inst(Op::Addi, 0, 0, 0, 0)),
            ("mv", [rd, rs]) => put(inst(Op::Addi, register(rd)?, register(rs)?, 0, 0)),
            ("li", [rd, value]) => constant(register(rd)?, number(value)?, &mut put),
            ("la", [rd, label]) => {
                let offset = self.target(label)?;
                let low = offset << 20 >> 20;
                put(inst(Op::Auipc, register(rd)?, 0, 0, offset - low));
                put(inst(Op::Addi, register(rd)?, register(rd)?, 0, low));
            }
            ("j", [label]) => put(inst(Op::Jal, 0, 0, 0, self.target(label)?)),
            ("jal", [label]) => put(inst(Op::Jal, 1, 0, 0, self.target(label)?)),
            ("ret", []) => put(inst(Op::Jalr, 0, 1, 0, 0)),
            ("beqz", [rs, label]) => {
                put(inst(Op::Beq, 0, register(rs)?, 0, self.target(label)?));
            }
            ("bnez", [rs, label]) => {
                put(inst(Op::Bne, 0, register(rs)?, 0, self.target(label)?));
            }
            ("pass", []) => {
                constant(5, 0x10_0000, &mut put);
                constant(6, 0x5555, &mut put);
                put(inst(Op::Sw, 0, 5, 6, 0));
                put(inst(Op::Jal, 0, 0, 0, 0));
            }
            (".align", [bytes]) => {
                let bytes = number(bytes)? as usize;
                // What may be executed on the way is without effect.
                while !(code.len()).is_multiple_of(bytes) {
                    code.extend(0x13_u32.to_le_bytes());
                }
            }
            (".zero", [bytes]) => code.resize(code.len() + number(bytes)? as usize, 0),
            (".dword", [value]) => code.extend(number(value)?.to_le_bytes()),
            _ => put(self.instruction(word, &operands)?),
        }
        Ok(())
    }

    fn instruction(&self, word: &str, operands: &[&str]) -> Result<Inst, String> {
        let op = Op::from_mnemonic(word).ok_or("no such instruction")?;
        let r = |text: &&str| register(text);
        Ok(match (op.format(), operands) {
            (Format::U, [rd, imm]) => inst(op, r(rd)?, 0, 0, (number(imm)? << 12) as i32),
            (Format::J, [rd, label]) => inst(op, r(rd)?, 0, 0, self.target(label)?),
            (Format::B, [rs1, rs2, label]) => inst(op, 0, r(rs1)?, r(rs2)?, self.target(label)?),
            (Format::Load | Format::FpLoad | Format::Jalr, [rd, offset, rs1]) => {
                inst(op, r(rd)?, r(rs1)?, 0, number(offset)? as i32)
            }
            (Format::S | Format::FpStore, [rs2, offset, rs1]) => {
                inst(op, 0, r(rs1)?, r(rs2)?, number(offset)? as i32)
            }
            (Format::Csr, [rd, csr, rs1]) => inst(op, r(rd)?, r(rs1)?, 0, number(csr)? as i32),
            (Format::Amo, [rd, rs2, rs1]) => inst(op, r(rd)?, r(rs1)?, r(rs2)?, 0),
            (Format::Fence, []) => inst(op, 0, 0, 0, 0xff),
            (Format::Bare, []) => inst(op, 0, 0, 0, 0),
            (Format::Cbo, [rs1]) => inst(op, 0, r(rs1)?, 0, 0),
            (Format::I | Format::Shift, [rd, rs1, imm]) => {
                inst(op, r(rd)?, r(rs1)?, 0, number(imm)? as i32)
            }
            (format, [rd, rs1]) if !matches!(format, Format::I | Format::Shift | Format::R) => {
                inst(op, r(rd)?, r(rs1)?, 0, 0)
            }
            (_, [rd, rs1, rs2]) => inst(op, r(rd)?, r(rs1)?, r(rs2)?, 0),
            (_, [rd, rs1, rs2, rs3]) => {
                Inst { rs3: r(rs3)?, ..inst(op, r(rd)?, r(rs1)?, r(rs2)?, 0) }
            }
            _ => return Err("not the operands of this instruction".into()),
        })
    }

    /// The distance to a label, or of `+BYTES`.
    fn target(&self, label: &str) -> Result<i32, String> {
        if let Some(distance) = label.strip_prefix('+') {
            return number(distance).map(|distance| distance as i32);
        }
        match self.labels.get(label) {
            Some(at) => Ok(at.wrapping_sub(self.here) as i32),
            None if self.first => Ok(0),
            None => Err(format!("no label {label}")),
        }
    }
}

/// Loads a constant in one to eight instructions.
fn constant(rd: u8, value: i64, put: &mut impl FnMut(Inst)) {
    let low = (value << 52 >> 52) as i32;
    if value == i64::from(low) {
        return put(inst(Op::Addi, rd, 0, 0, low));
    }
    if value == i64::from(value as i32) {
        put(inst(Op::Lui, rd, 0, 0, (value as i32).wrapping_sub(low)));
        return put(inst(Op::Addiw, rd, rd, 0, low));
    }
    constant(rd, value.wrapping_sub(low.into()) >> 12, put);
    put(inst(Op::Slli, rd, rd, 0, 12));
    put(inst(Op::Addi, rd, rd, 0, low));
}

fn number(text: &str) -> Result<i64, String> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let value = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    value.map(|value| sign * value).map_err(|_| format!("{text} is no number"))
}

/// The number of a register by its ABI name, or `fN` and `xN`.
fn register(name: &str) -> Result<u8, String> {
    const NAMES: [&str; 32] = [
        "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
        "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
        "t5", "t6",
    ];
    if let Some(number) = NAMES.iter().position(|known| *known == name) {
        return Ok(number as u8);
    }
    let number = name.strip_prefix(['f', 'x']).and_then(|digits| digits.parse().ok());
    number.filter(|number| *number < 32).ok_or_else(|| format!("{name} is no register"))
}
