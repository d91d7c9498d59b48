//! One function per instruction, named like its mnemonic.
//!
//! The dispatch table is derived from the instruction table of crate `isa`: a row without a function
//! here does not compile.

mod atomic;
mod bits;
mod float;
mod integer;
mod memory;
mod system;

use crate::{Hart, Outcome, Port};
use isa::{Class, Inst, Op};

use atomic::*;
use bits::*;
use float::*;
use integer::*;
use memory::*;
use system::*;

/// The semantics of one instruction as a type, for engines that build a function of their own around
/// it.
pub trait Semantics {
    /// What kind of instruction it is.
    const CLASS: Class;

    /// Whether it reads or sets `pc`. Where it does not, an engine may let [`Hart::pc`] lag behind
    /// and need not make up for it before; an exception is taken at the `pc` made up for afterwards.
    const USES_PC: bool;

    /// Executes `inst`, an instruction of this kind. On `Ok` the caller moves `pc` on.
    /// An instruction that raises an exception has changed nothing but [`Hart::exception`].
    fn execute<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome;
}

/// What an engine makes of each instruction's [`Semantics`].
pub trait Wrap {
    /// What it makes of one.
    type Wrapped;

    /// Makes it.
    fn wrap<S: Semantics>() -> Self::Wrapped;
}

/// Whether instructions of `class` other than `auipc` read or set `pc`.
const fn class_uses_pc(class: Class) -> bool {
    matches!(
        class,
        Class::Branch
            | Class::Jump
            | Class::JumpIndirect
            | Class::Csr
            | Class::Fence
            | Class::System
            | Class::Marker
    )
}

macro_rules! dispatch {
    ($((
        $variant:ident, $function:ident, $name:literal, $pattern:literal, $format:ident,
        $extension:ident, $class:ident $($rest:tt)*
    )),* $(,)?) => {
        /// A type for each instruction.
        mod kinds {
            $(pub(super) enum $variant {})*
        }

        $(impl Semantics for kinds::$variant {
            const CLASS: Class = Class::$class;
            const USES_PC: bool =
                class_uses_pc(Class::$class) || matches!(Op::$variant, Op::Auipc);

            #[inline(always)]
            fn execute<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
                $function(hart, port, inst)
            }
        })*

        /// What `W` makes of the semantics of `op`: a look-up in a table where that is a constant.
        #[must_use]
        #[inline(always)]
        pub fn wrap<W: Wrap>(op: Op) -> W::Wrapped {
            match op { $(Op::$variant => W::wrap::<kinds::$variant>(),)* }
        }

        /// Executes `inst`, which lies at `hart.pc`. On `Ok` the caller moves `pc` on.
        #[inline]
        pub fn execute<P: Port>(hart: &mut Hart, port: &mut P, inst: &Inst) -> Outcome {
            match inst.op { $(Op::$variant => $function(hart, port, inst),)* }
        }
    };
}
isa::for_each_instruction!(dispatch);

/// The value of source register 1.
#[inline(always)]
fn a(hart: &Hart, inst: &Inst) -> u64 {
    hart.x[usize::from(inst.rs1)]
}

/// The value of source register 2.
#[inline(always)]
fn b(hart: &Hart, inst: &Inst) -> u64 {
    hart.x[usize::from(inst.rs2)]
}

/// The sign-extended immediate.
#[inline(always)]
fn imm(inst: &Inst) -> u64 {
    i64::from(inst.imm) as u64
}

/// Writes the destination register. Decoding has replaced x0 by [`Hart::SINK`].
#[inline(always)]
fn put(hart: &mut Hart, inst: &Inst, value: u64) {
    hart.x[usize::from(inst.rd)] = value;
}

/// Replaces a destination of x0 by the sink. Every instruction goes through here before execution.
#[must_use]
pub fn prepare(mut inst: Inst) -> Inst {
    if inst.rd == 0 && inst.op.operand_kinds().rd == Some(isa::RegFile::X) {
        inst.rd = Hart::SINK;
    }
    inst
}

/// Sign-extends a 32-bit result.
#[inline(always)]
fn sext(value: u64) -> u64 {
    value as i32 as u64
}
