//! The trace format of ChampSim, the trace-driven simulator of the data and instruction prefetching
//! championships (<https://github.com/ChampSim/ChampSim>; Gober et al., "The Championship
//! Simulator", arXiv:2210.14324).
//!
//! A trace is a sequence of 64-byte records, `struct input_instr` of ChampSim's
//! `inc/trace_instruction.h`, mostly in an xz or gzip file. It has no head, no kinds of branches
//! and no branch targets: ChampSim derives both from the registers an instruction names (by x86's
//! habits) and from the next record. The module `kind` holds these rules; the reader and the writer
//! keep to them.
//!
//! Read are: pc, dependences, data addresses, direction of branches. Assumed are:
//!
//! | | |
//! |---|---|
//! | length | the distance to the next record if that is an instruction of x86 (1 to 15 bytes), else 4 |
//! | target | of a taken branch the next pc; of one not taken where it went last, or the next pc |
//! | size of accesses | 8 bytes, fewer up to the end of a 64-byte line: ChampSim has no accesses of two lines |
//! | class | branch, load, store or integer; latency classes are not in the format, nor which are moves |
//! | translation | identity, 4 KiB pages, tables of four levels as of x86-64 |
//!
//! Lost when reading: memory operands beyond the first two of one kind (loads before stores),
//! source registers beyond three, destinations beyond one. Not in the format: privilege, address
//! spaces, devices, events, flushes, idle time, several harts, wrong paths.
//!
//! Not read: traces of CloudSuite's format (`cloudsuite_instr`) and of forks with longer records.

mod input;
mod kind;
mod record;
mod registers;
mod source;
mod tables;
mod writer;

#[cfg(test)]
mod tests;

pub use source::ChampSimSource;
pub use writer::ChampSimWriter;
