//! The seam between the functional and the timing side: instruction records and the [`Source`] they
//! come from.
//!
//! The functional side executes instructions and describes each one in an [`Instr`]; the timing
//! side decides when it happens. The timing side pulls: it asks a [`Source`] for the next
//! architecturally executed instruction of a hart when its model fetches it. Nothing here, and
//! nothing that is built on it, knows an instruction set's encodings or a device, so the same core
//! model runs from the live machine, from a trace file, or from [`Synthetic`] programs in tests.
//!
//! A core that speculates sends a hart down a wrong path at a mispredicted branch
//! ([`Source::wrong_path`]); its records are the same [`Instr`]s, and nothing in them says which path
//! they are on, because the core knows.
#![forbid(unsafe_code)]

mod address;
mod class;
mod follow;
mod instr;
mod reg;
mod source;
mod synthetic;

pub use address::{HartId, LineAddr, PhysAddr, VirtAddr};
pub use class::Class;
pub use follow::{Bytes, Followed, Follower, Walker};
pub use instr::{
    Branch, BranchKind, CacheOp, Event, Instr, MemAccess, MemKind, Operands, Privilege,
};
pub use reg::{Reg, RegKind};
pub use source::{Fetched, FlushScope, Instead, Page, Source, Translate, Walk};
pub use synthetic::Synthetic;
