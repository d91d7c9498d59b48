//! The native trace format.
//!
//! ```text
//! file    = magic "vswtrace", version u32, length u32, metadata (JSON), crc32 of all before it
//!           block*, end
//! block   = header (8 u32: magic, number, hart, records, length, length when compressed,
//!           crc32 of the payload, crc32 of the header), payload (a zstd frame)
//! end     = a block of the hart u32::MAX whose payload counts the instructions of each hart
//! ```
//!
//! Numbers are little endian. Each hart has blocks of its own, so that a replay can take harts in
//! any order without holding back what it read of the others; the blocks are found when the file is
//! opened, which is also when a missing end is noticed. Every byte is under a checksum, and blocks
//! are numbered through the file, so a lost one is noticed too.
//!
//! Within a block, records follow one another:
//!
//! ```text
//! instruction  flags (bit 7 clear), fields that differ from what was foreseen
//! other        kind (bit 7 set), fields: flush, idle, walk, mark
//! ```
//!
//! Writer and reader run the same prediction (`History`): the last instruction at this pc, the page
//! that was seen for this virtual page, the pc after the last instruction. Where it is right
//! nothing but the flags is written; differences of addresses are variable-length integers (LEB128
//! as in DWARF 5, section 7.6, with zigzag signs). An instruction that the prediction cannot
//! describe is written whole. The scheme is that of value-prediction-based trace compression
//! (Burtscher et al., "The VPC Trace-Compression Algorithms", IEEE Trans. Computers 54(11), 2005),
//! with records instead of fields as the unit of prediction.
//!
//! Walks follow the instruction they were made for, are in its address space, and hold until a
//! flush names their page.
//!
//! Left out: the turns of harts among each other, which the replaying system decides; the time of
//! anything but the end of a wait; instruction encodings.

mod block;
mod bytes;
mod codes;
mod history;
mod instr;
mod reader;
mod record;
mod source;
mod writer;

#[cfg(test)]
mod tests;

pub use source::TraceSource;
pub use writer::Writer;

/// How a native trace begins.
pub(crate) const MAGIC: &[u8; 8] = b"vswtrace";

/// The format that this version writes and reads. 2: records say which instructions are moves.
const VERSION: u32 = 2;

/// More harts than any system has; a number beyond it is no number of harts.
const MAX_HARTS: u32 = 1024;
