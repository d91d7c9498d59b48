//! Semantics, privilege, traps and address translation of a RISC-V hart: the one functional truth.
//!
//! Every execution mode runs instructions through the functions of [`exec`]. They are written once,
//! generic over the [`Port`] they act on: the fast engine gives a port with a software TLB and direct
//! RAM access, the timing modes one that also records what was touched.
//!
//! Sources: The RISC-V Instruction Set Manual, Volume I (20240411) and Volume II (20240411);
//! section numbers in comments are theirs. No timing is known here.
#![forbid(unsafe_code)]

pub mod csr;
pub mod exec;
mod hart;
pub mod mmu;
mod pmp;
mod port;
mod trap;

pub use hart::{Clocking, Csrs, Hart, HartState};
pub use pmp::Pmp;
pub use port::{BlockOp, Hint, Leave, Outcome, Port, Raised, Request, Word};
pub use trap::{Cause, Exception, Interrupt, Privilege};
