//! Integer arithmetic on boundary values.

use super::{compressed, of_classes};
use crate::body::Body;
use isa::{Class, Format};

/// One arithmetic instruction, or a fresh constant.
pub fn step(body: &mut Body<'_>) {
    match body.random.below(8) {
        0 => {
            let rd = body.temporary();
            body.constant(rd);
        }
        1 | 2 => {
            compressed(body, |body, inst| inst.class() == Class::IntAlu && body.writable(inst.rd))
        }
        _ => arithmetic(body),
    }
}

fn arithmetic(body: &mut Body<'_>) {
    let classes = [Class::IntAlu, Class::IntMul, Class::IntDiv];
    let op = {
        let ops = of_classes(body, &classes);
        body.random.pick(&ops)
    };
    let mut inst = body.fields(op);
    // `ori` to x0 would be a prefetch, which is another row.
    inst.rd = if op.format() == Format::I { body.temporary() } else { body.destination() };
    body.asm.put(&inst);
}
