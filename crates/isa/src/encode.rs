//! Encoding: from [`Inst`] to four bytes, for tests and program generators.

use crate::inst::Inst;

/// An operand does not fit its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot encode {inst:?}: {operand} does not fit its field; use a value the instruction can hold"
)]
pub struct EncodeError {
    /// The instruction that was to be encoded.
    pub inst: Inst,
    /// The name of the operand that does not fit.
    pub operand: &'static str,
}

/// The four-byte encoding of `inst`; its `len` and `raw` are not looked at.
///
/// # Errors
/// When an operand does not fit, including one the instruction does not have but which is not zero.
pub fn try_encode(inst: &Inst) -> Result<u32, EncodeError> {
    let layout = inst.op.layout();
    let error = |operand| EncodeError { inst: *inst, operand };
    let registers = [
        ("rd", layout.rd, inst.rd),
        ("rs1", layout.rs1, inst.rs1),
        ("rs2", layout.rs2, inst.rs2),
        ("rs3", layout.rs3, inst.rs3),
        ("rm", layout.rm, inst.rm),
    ];
    let mut raw = layout.value | layout.insert_immediate(inst.imm).ok_or(error("the immediate"))?;
    for (name, field, number) in registers {
        raw |= field.insert(number).ok_or(error(name))?;
    }
    Ok(raw)
}

/// The four-byte encoding of `inst`; its `len` and `raw` are not looked at.
///
/// # Panics
/// When an operand does not fit; see [`try_encode`].
pub fn encode(inst: &Inst) -> u32 {
    match try_encode(inst) {
        Ok(raw) => raw,
        Err(error) => panic!("{error}"),
    }
}
