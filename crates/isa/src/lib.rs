//! The RISC-V instruction set as data: RV64GC with Zba, Zbb, Zbs, the cache-block operations, Zawrs,
//! Svinval, the privileged instructions and gem5's marker instruction.
//!
//! [`for_each_instruction!`] is the one table ([`table`]); [`decode`], [`encode`], [`disassemble`] and what
//! a timing model needs to know of an instruction ([`Class`], [`Operands`], [`ReturnStack`]) are derived
//! from it. Compressed instructions have their own table ([`rvc`]) of expansions into the base one.
//! [`csr`] is the table of control and status registers.
//!
//! Nothing here executes: semantics belong to the hart.
#![forbid(unsafe_code)]

pub mod csr;
pub mod pattern;
pub mod rvc;
pub mod table;

mod class;
mod decode;
mod disasm;
mod encode;
mod format;
mod inst;
mod op;

pub use class::{Class, Extension};
pub use decode::decode;
pub use disasm::{disassemble, float_register, integer_register};
pub use encode::{EncodeError, encode, try_encode};
pub use format::{Format, OperandKinds, RegFile};
pub use inst::{Inst, Operands, Reg, ReturnStack};
pub use op::Op;
