//! Generators of random programs, one file per kind.

mod control;
mod float;
mod integer;
mod level;
mod memory;
mod privilege;
mod protection;
mod translation;
mod trap;

use crate::body::Body;
use crate::layout;
use isa::{Class, Op};

/// What a random program exercises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Integer arithmetic, bit manipulation, compressed forms.
    Integer,
    /// Loads, stores, atomics, reservations, access faults, code that is rewritten.
    Memory,
    /// Floating point with corner values, all rounding modes and flags.
    Float,
    /// Branches, jumps, calls and counted loops around everything else.
    Control,
    /// All of these with traps in between.
    Mixed,
    /// S and U mode: what they may do, delegation, interrupts.
    Privilege,
    /// Page tables of every shape.
    Translation,
    /// Physical memory protection.
    Protection,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 8] = [
        Kind::Integer,
        Kind::Memory,
        Kind::Float,
        Kind::Control,
        Kind::Mixed,
        Kind::Privilege,
        Kind::Translation,
        Kind::Protection,
    ];

    /// Most programs of this kind in one image.
    #[must_use]
    pub fn most(self) -> usize {
        match self {
            Kind::Translation => layout::MAX_TRANSLATED,
            Kind::Privilege => layout::MAX_PROGRAMS / 4,
            _ => layout::MAX_PROGRAMS / 2,
        }
    }

    /// How many steps a program has.
    #[must_use]
    pub fn steps(self) -> usize {
        match self {
            Kind::Privilege => 12,
            Kind::Translation | Kind::Protection => 40,
            _ => 100,
        }
    }

    /// Emits a program of `steps` steps, each one or a few instructions. The first `n` steps do not
    /// depend on how many follow.
    pub fn emit(self, body: &mut Body<'_>, steps: usize) {
        match self {
            Kind::Translation => translation::set_up(body),
            Kind::Protection => protection::configure(body),
            _ => {}
        }
        for _ in 0..steps {
            self.step(body);
        }
    }

    fn step(self, body: &mut Body<'_>) {
        match self {
            Kind::Integer => integer::step(body),
            Kind::Memory => memory::step(body),
            Kind::Float => float::step(body),
            Kind::Control => control::step(body),
            Kind::Mixed => mixed(body),
            Kind::Privilege => privilege::step(body),
            Kind::Translation => translation::step(body),
            Kind::Protection => protection::step(body),
        }
    }
}

fn mixed(body: &mut Body<'_>) {
    match body.random.below(8) {
        0 | 1 => integer::step(body),
        2 | 3 => memory::step(body),
        4 => float::step(body),
        5 => control::step(body),
        _ => trap::step(body),
    }
}

/// A step without control flow, to be skipped or repeated.
fn plain(body: &mut Body<'_>) {
    match body.random.below(4) {
        0 => memory::access(body),
        1 => float::step(body),
        _ => integer::step(body),
    }
}

/// The instructions of `classes` that both machines know.
fn of_classes(body: &Body<'_>, classes: &[Class]) -> Vec<Op> {
    Op::ALL
        .into_iter()
        .filter(|op| classes.contains(&op.class()) && body.features.allows(*op))
        .collect()
}

/// Emits a random compressed instruction that `accept` takes.
fn compressed(body: &mut Body<'_>, accept: impl Fn(&Body<'_>, &isa::Inst) -> bool) {
    loop {
        let raw = body.random.bits() as u16;
        if raw & 3 == 3 {
            continue;
        }
        if let Some(inst) = isa::decode(u32::from(raw)).filter(|inst| accept(body, inst)) {
            return body.asm.half(inst.raw as u16);
        }
    }
}
