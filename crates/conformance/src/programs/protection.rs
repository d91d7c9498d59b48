//! Physical memory protection: entries of every kind over the program's memory, accesses from S and U mode.
//!
//! Locked entries are left out: they hold until reset, and an image has many programs.

use super::level::{self, Level};
use crate::body::Body;
use crate::layout;
use isa::{Class, csr};

const MPRV: u64 = 1 << 17;
const MPP: u64 = 3 << 11;
/// Entries that are random; the last one of all opens the rest of memory.
const ENTRIES: usize = 6;

/// New entries, or accesses through those there are.
pub fn step(body: &mut Body<'_>) {
    match body.random.below(6) {
        0 => configure(body),
        1 | 2 => fetch_probe(body),
        _ => data_probe(body),
    }
}

/// Opens all memory by the last entry and makes the first ones random.
pub fn configure(body: &mut Body<'_>) {
    level::set(body, csr::PMPADDR15, u64::MAX);
    level::set(body, csr::PMPCFG2, 0x1f << 56);
    let mut bytes = [0; 8];
    for (n, byte) in bytes.iter_mut().take(ENTRIES).enumerate() {
        let permissions = body.random.pick(&[0_u8, 1, 3, 4, 5, 7]);
        let mode = body.random.below(4) as u8;
        let address = entry_address(body, mode);
        level::set(body, csr::PMPADDR0 + n as u16, address);
        *byte = permissions | mode << 3;
    }
    level::set(body, csr::PMPCFG0, u64::from_le_bytes(bytes));
}

/// An address in the program's memory in the form that `mode` wants.
fn entry_address(body: &mut Body<'_>, mode: u8) -> u64 {
    let base = layout::scratch(body.index) >> 2;
    let words = layout::SCRATCH_STRIDE as usize / 4;
    let at = base + body.random.below(words) as u64;
    if mode < 3 {
        return at;
    }
    let ones = body.random.below(10) as u32; // 8 bytes to 4 KiB
    at >> (ones + 1) << (ones + 1) | ((1 << ones) - 1)
}

/// An aligned access as S or U.
fn data_probe(body: &mut Body<'_>) {
    let ops = super::of_classes(body, &[Class::Load, Class::Store]);
    let op = body.random.pick(&ops);
    let mut inst = body.fields(op);
    // Stores stay away from where code is fetched.
    let offset = match op.class() {
        Class::Store => 2048 + body.random.below(512) * 8,
        _ => body.random.below(1024) * 8,
    };
    let within = body.random.below(8) as u64 & !(u64::from(inst.access_bytes()) - 1);
    let base = body.temporary();
    body.reserved |= 1 << base;
    body.asm.constant(base, layout::scratch(body.index) + offset as u64 + within);
    let who = body.random.pick(&[Level::Supervisor, Level::User]).previous();
    level::status(body, MPP, MPRV | who);
    (inst.rs1, inst.imm) = (base, 0);
    if op.operand_kinds().rd == Some(isa::RegFile::X) {
        inst.rd = body.destination();
    }
    body.asm.put(&inst);
    level::status(body, MPRV, 0);
    body.reserved &= !(1 << base);
}

/// A jump to memory that holds zeros, which are illegal where they may be fetched.
fn fetch_probe(body: &mut Body<'_>) {
    let who = body.random.pick(&[Level::Supervisor, Level::User]);
    let offset = 2 * body.random.below(1024) as u64;
    let upper = if body.random.one_in(2) { 6144 } else { 0 };
    level::fetch(body, who, layout::scratch(body.index) + offset + upper);
}
