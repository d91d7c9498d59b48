//! Comparing what two machines left in memory, in words a person can act on.

use crate::image::{Image, Placed};
use crate::layout::{self, CODE, result_block};

/// Where two memories differ first, and in how many words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The program concerned, if the difference lies in a program's memory.
    pub program: Option<usize>,
    /// What differs, with both values.
    pub text: String,
}

/// Compares two memories word by word; reports at most `limit` programs.
#[must_use]
pub fn differences(ours: &[u8], theirs: &[u8], image: &Image, limit: usize) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    for (n, (a, b)) in ours.chunks_exact(8).zip(theirs.chunks_exact(8)).enumerate() {
        let address = CODE + 8 * n as u64;
        if address == layout::END {
            break;
        }
        if a == b || is_free(ours, address, word(b), image) {
            continue;
        }
        let (program, name) = place(address, image);
        if address == layout::TOHOST {
            continue; // ours may have been answered
        }
        let text = format!("! {name}: ours {:#018x}, theirs {:#018x}", word(a), word(b));
        let full = found.len() == limit;
        match found.last_mut() {
            Some(last) if last.program == program => last.text += &format!("\n{text}"),
            _ if full => break,
            _ => found.push(Difference { program, text }),
        }
    }
    found
}

/// Whether `address` is the logged value of a trap that may be `theirs`: zero in place of a breakpoint's
/// address or an illegal instruction's bits. QEMU from version 8 gives the bits of an earlier instruction when
/// a privileged one without operands is illegal.
fn is_free(ours: &[u8], address: u64, theirs: u64, image: &Image) -> bool {
    let Some((_, offset)) = block_of(address, layout::result(0), layout::RESULT_STRIDE, image)
    else {
        return false;
    };
    let field = offset as i32 - result_block::LOG;
    if field < 0 || field % 32 != 16 {
        return false;
    }
    let at = |address: u64| word(&ours[(address - CODE) as usize..][..8]);
    let (cause, value) = (at(address - 16), at(address));
    let privileged = value & 0x707f == 0x73;
    matches!((cause, theirs), (2 | 3, 0)) || cause == 2 && privileged
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// The program whose block of `stride` bytes, the first at `base`, holds `address`, and the offset in it.
fn block_of(address: u64, base: u64, stride: u64, image: &Image) -> Option<(usize, u64)> {
    let index = (address.checked_sub(base)? / stride) as usize;
    (index < image.programs.len()).then(|| (index, (address - base) % stride))
}

/// The program that `address` belongs to, and what is kept there.
fn place(address: u64, image: &Image) -> (Option<usize>, String) {
    let of = |base, stride| block_of(address, base, stride, image);
    if let Some((index, offset)) = of(layout::result(0), layout::RESULT_STRIDE) {
        return (Some(index), result_name(offset as i32));
    }
    if let Some((index, offset)) = of(layout::scratch(0), layout::SCRATCH_STRIDE) {
        let offset = offset as i64 - layout::SCRATCH_STRIDE as i64 / 2;
        return (Some(index), format!("memory at pointer{offset:+}"));
    }
    if let Some((index, offset)) = of(layout::tables(0), layout::TABLES_STRIDE) {
        return (Some(index), format!("tables+{offset:#x}"));
    }
    (None, format!("address {address:#x}"))
}

fn result_name(offset: i32) -> String {
    use result_block::{COUNT, CSR, CSRS, F, LOG};
    let index = offset / 8;
    match offset {
        0 => "end mark".to_owned(),
        _ if offset < F => isa::integer_register(index as u8).to_owned(),
        _ if offset < CSR => isa::float_register((index - F / 8) as u8).to_owned(),
        _ if offset < CSR + 8 * CSRS.len() as i32 => {
            let number = CSRS[((offset - CSR) / 8) as usize];
            isa::csr::name(number).unwrap_or("unknown").to_owned()
        }
        COUNT => "trap count".to_owned(),
        _ if offset >= LOG => {
            let field = ["cause", "pc", "value", "status"][(index % 4) as usize];
            format!("trap {} {field}", (offset - LOG) / 32)
        }
        _ => format!("result+{offset:#x}"),
    }
}

/// The traps a program logged, one line each.
#[must_use]
pub fn trap_log(memory: &[u8], program: usize) -> String {
    let base = (layout::result(program) - CODE) as usize;
    let at = |offset: usize| word(&memory[base + offset..base + offset + 8]);
    let count = at(result_block::COUNT as usize).min(result_block::MAX_TRAPS as u64) as usize;
    (0..count)
        .map(|n| {
            let entry = result_block::LOG as usize + 32 * n;
            format!(
                "  trap {n}: cause {:#x} pc {:#x} value {:#x} status {:#x}\n",
                at(entry),
                at(entry + 8),
                at(entry + 16),
                at(entry + 24)
            )
        })
        .collect()
}

/// The programs of `image` that `memory` says did not reach their end.
#[must_use]
pub fn unfinished<'a>(memory: &[u8], image: &'a Image) -> Vec<&'a Placed> {
    let done = |index: usize| {
        let at = (layout::result(index) - CODE) as usize;
        word(&memory[at..at + 8]) == result_block::DONE as u64
    };
    image.programs.iter().enumerate().filter(|(n, _)| !done(*n)).map(|(_, p)| p).collect()
}
