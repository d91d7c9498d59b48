//! Writing ChampSim's format.
//!
//! A branch names the registers by which ChampSim tells its kind (see [`kind`](super::kind)), and
//! the registers it really reads as far as they do not make it another kind:
//!
//! | branch | reads | writes |
//! |---|---|---|
//! | conditional | IP, its registers (or flags, if none) | IP |
//! | jump | IP | IP, its register |
//! | indirect jump | its registers | IP, its register |
//! | call | IP, SP | IP, SP |
//! | indirect call, return and call | IP, SP, its registers | IP, SP |
//! | return | SP, its registers | IP, SP |
//!
//! A trace has virtual addresses of one hart, the kernel's included. Lost are: the return address
//! that calls define, cache maintenance and instruction prefetches, accesses to address 0, and all
//! that the format has no place for (see [`champsim`](super)). Prefetches of data are loads,
//! zeroing a block is a store. That a conditional branch may read registers, ChampSim knows since
//! August 2023.

use super::kind::Kind;
use super::record::Record;
use super::registers::{FLAGS, INSTRUCTION_POINTER, STACK_POINTER, number};
use crate::draft::Draft;
use crate::{Mark, Sink, Summary, TraceError};
use liblzma::write::XzEncoder;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use stream::{
    BranchKind, CacheOp, Fetched, HartId, Instr, MemAccess, MemKind, Operands, VirtAddr, Walk,
};

/// The level of xz. Level 3 makes files a sixth smaller in twice the time, level 0 a third larger
/// in three quarters of it (example `trace_speed`).
const LEVEL: u32 = 1;

/// Writes the instructions of one hart, compressed with xz. The file has its name only once
/// [`ChampSimWriter::finish`] has returned.
pub struct ChampSimWriter {
    out: XzEncoder<Draft>,
    path: PathBuf,
    hart: HartId,
    records: u64,
    broken: bool,
}

impl ChampSimWriter {
    /// Begins the trace of `hart` that will be `path`.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    pub fn create(path: &Path, hart: HartId) -> Result<Self, TraceError> {
        let out = XzEncoder::new(Draft::create(path)?, LEVEL);
        Ok(Self { out, path: path.to_owned(), hart, records: 0, broken: false })
    }

    /// Writes an instruction.
    ///
    /// # Errors
    ///
    /// The file cannot be written; the trace is then lost.
    pub fn write(&mut self, instr: &Instr) -> Result<(), TraceError> {
        let written = self.out.write_all(&record(instr).to_bytes());
        self.broken |= written.is_err();
        self.records += 1;
        written.map_err(TraceError::io("writing", &self.path))
    }

    /// Completes the trace and gives it its name.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or could not earlier; the trace is then lost.
    pub fn finish(self) -> Result<Summary, TraceError> {
        if self.broken {
            return Err(TraceError::Unfinished { path: self.path });
        }
        let draft = self.out.finish().map_err(TraceError::io("writing", &self.path))?;
        Ok(Summary {
            instructions: self.records,
            records: self.records,
            raw_bytes: self.records * Record::SIZE as u64,
            file_bytes: draft.commit()?,
        })
    }
}

/// What ChampSim is told of `instr`.
pub(super) fn record(instr: &Instr) -> Record {
    let mut record = Record { ip: instr.pc.0, ..Record::default() };
    match instr.branch {
        Some(branch) => {
            record.is_branch = true;
            record.taken = branch.taken;
            (record.sources, record.destinations) = branch_registers(branch.kind, &instr.operands);
            debug_assert!(Kind::of(&record).is_some());
        }
        None => {
            let operands = &instr.operands;
            record.sources = listed([], operands.srcs.into_iter().flatten().map(number));
            record.destinations = listed([], operands.dst.into_iter().map(number));
        }
    }
    for access in instr.mem.iter().chain(&instr.mem_tail) {
        put_access(access, &mut record);
    }
    record
}

fn branch_registers(kind: BranchKind, operands: &Operands) -> ([u8; 4], [u8; 2]) {
    const IP: u8 = INSTRUCTION_POINTER;
    const SP: u8 = STACK_POINTER;
    // A register that always reads as zero is no operand, but what is read decides the kind.
    const ZERO: u8 = 128;
    let read = || operands.srcs.into_iter().flatten().map(number);
    let read_or = |otherwise| read().chain(read().next().is_none().then_some(otherwise));
    let written = || operands.dst.into_iter().map(number);
    match kind {
        BranchKind::Conditional => (listed([IP], read_or(FLAGS)), [IP, 0]),
        BranchKind::Jump => (listed([IP], []), listed([IP], written())),
        BranchKind::IndirectJump => (listed([], read_or(ZERO)), listed([IP], written())),
        BranchKind::Call => (listed([IP, SP], []), [IP, SP]),
        BranchKind::IndirectCall | BranchKind::ReturnAndCall => {
            (listed([IP, SP], read_or(ZERO)), [IP, SP])
        }
        BranchKind::Return => (listed([SP], read()), [IP, SP]),
    }
}

/// As many numbers as there are places, the marks first.
fn listed<const PLACES: usize, const MARKS: usize>(
    marks: [u8; MARKS],
    registers: impl IntoIterator<Item = u8>,
) -> [u8; PLACES] {
    let mut list = [0; PLACES];
    for (place, register) in list.iter_mut().zip(marks.into_iter().chain(registers)) {
        *place = register;
    }
    list
}

fn put_access(access: &MemAccess, record: &mut Record) {
    let (loads, stores) = match access.kind {
        MemKind::Load => (true, false),
        MemKind::Store => (false, true),
        MemKind::Amo => (true, true),
        MemKind::Cache(CacheOp::PrefetchRead | CacheOp::PrefetchWrite) => (true, false),
        MemKind::Cache(CacheOp::Zero) => (false, true),
        MemKind::Cache(
            CacheOp::Clean | CacheOp::Flush | CacheOp::Invalidate | CacheOp::PrefetchInstruction,
        ) => (false, false),
    };
    if loads {
        put_address(&mut record.loads, access.va);
    }
    if stores {
        put_address(&mut record.stores, access.va);
    }
}

/// There is always room: an instruction has two accesses at most.
fn put_address(places: &mut [u64], va: VirtAddr) {
    if let Some(place) = places.iter_mut().find(|place| **place == 0) {
        *place = va.0;
    }
}

impl Sink for ChampSimWriter {
    fn keeps_walks(&self) -> bool {
        false
    }

    fn write(&mut self, hart: HartId, fetched: &Fetched) -> Result<(), TraceError> {
        match fetched {
            Fetched::Instr(instr) if hart == self.hart => ChampSimWriter::write(self, instr),
            _ => Ok(()),
        }
    }

    fn walk(&mut self, _: HartId, _: VirtAddr, _: &Walk) -> Result<(), TraceError> {
        Ok(())
    }

    fn mark(&mut self, _: Mark) -> Result<(), TraceError> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Summary, TraceError> {
        ChampSimWriter::finish(*self)
    }
}

impl fmt::Debug for ChampSimWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, hart, records) = (&self.path, self.hart, self.records);
        f.debug_struct("ChampSimWriter")
            .field("path", path)
            .field("hart", &hart)
            .field("records", &records)
            .finish_non_exhaustive()
    }
}
