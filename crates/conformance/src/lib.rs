//! Instruction conformance: generated bare-metal programs whose final registers, memory and traps are
//! compared between our hart and QEMU.
//!
//! An [`image::Image`] holds many random programs (see [`programs`]) between a harness that loads their
//! registers, logs their traps and stores what they leave. The same image runs on our fast engine, step by
//! step with [`ours::Coverage`] of the instruction table, and on [`qemu`]; [`compare`] tells where the
//! memories differ. A program is named by its [`image::Recipe`]; the first `n` steps of a recipe do not
//! depend on how many follow, so a difference is narrowed down to a step by running all prefixes.
//!
//! Left out: several harts, interrupts from devices, timing.
#![forbid(unsafe_code)]

pub mod asm;
pub mod bench;
pub mod body;
pub mod busy;
pub mod compare;
pub mod elf;
mod harness;
pub mod image;
pub mod layout;
pub mod ours;
pub mod programs;
pub mod qemu;
pub mod random;
pub mod values;
