//! Floating point: operands come from memory full of corner values, so that results do not all end as NaN.

use super::of_classes;
use crate::body::Body;
use isa::{Class, Op, RegFile, csr};

const CLASSES: [Class; 8] = [
    Class::FpAdd,
    Class::FpMul,
    Class::FpDiv,
    Class::FpSqrt,
    Class::FpFma,
    Class::FpMove,
    Class::FpCmp,
    Class::FpCvt,
];

/// One floating-point instruction, a load of new operands, or a look at flags and rounding mode.
pub fn step(body: &mut Body<'_>) {
    match body.random.below(16) {
        0..=3 => load(body),
        4 => control(body),
        _ => compute(body),
    }
}

fn compute(body: &mut Body<'_>) {
    let ops = of_classes(body, &CLASSES);
    let op = body.random.pick(&ops);
    let mut inst = body.fields(op);
    if op.operand_kinds().rd == Some(RegFile::X) {
        inst.rd = body.destination();
    } else if !body.random.one_in(8) {
        inst.rd |= 16; // the low half mostly keeps what was loaded
    }
    body.asm.put(&inst);
}

fn load(body: &mut Body<'_>) {
    let op = body.random.pick(&[Op::Fld, Op::Fld, Op::Flw]);
    let offset = body.random.below(512) as i32 * 8 - 2048;
    let (rd, base) = (body.register(), body.pointer());
    body.asm.i(op, rd, base, offset);
}

/// Accesses `fflags`, `frm` or `fcsr`; the rounding mode is mostly left valid.
fn control(body: &mut Body<'_>) {
    let ops = of_classes(body, &[Class::Csr]);
    let op = body.random.pick(&ops);
    let number = body.random.pick(&[csr::FFLAGS, csr::FRM, csr::FCSR]);
    let mut inst = body.fields(op);
    inst.rd = body.destination();
    inst.imm = i32::from(number);
    body.asm.put(&inst);
    if number != csr::FFLAGS && !body.random.one_in(8) {
        let mode = body.random.below(5) as u8;
        body.asm.op(Op::Csrrwi, 0, mode, 0, i32::from(csr::FRM));
    }
}
