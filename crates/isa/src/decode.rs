//! Decoding: from bits to [`Inst`].
//!
//! A compile-time index narrows the table to the few rows that can match. The first level is the major
//! opcode and funct3; where more than a couple of rows share these, a second level takes the top seven bits.
//! Rows whose pattern is a special case of another (`pause` of `fence`, the prefetches of `ori`) are tried
//! first.

use crate::inst::Inst;
use crate::op::{COUNT, LAYOUTS, LAYOUTS_CONST, OPS};
use crate::pattern::Layout;
use crate::rvc;

/// Decodes the instruction at the start of `raw`, or `None` when it is illegal, reserved or unknown.
///
/// The low two bits tell compressed instructions (only the low 16 bits of `raw` are then looked at) from
/// four-byte ones.
pub fn decode(raw: u32) -> Option<Inst> {
    if raw & 3 != 3 {
        return rvc::decode(raw as u16);
    }
    INDEX.candidates(raw).iter().find_map(|&row| {
        let layout = &LAYOUTS[row as usize];
        layout.matches(raw).then(|| extract(row as usize, layout, raw))
    })
}

fn extract(row: usize, layout: &Layout, raw: u32) -> Inst {
    Inst {
        op: OPS[row],
        rd: layout.rd.extract(raw),
        rs1: layout.rs1.extract(raw),
        rs2: layout.rs2.extract(raw),
        rs3: layout.rs3.extract(raw),
        rm: layout.rm.extract(raw),
        len: 4,
        imm: layout.immediate(raw),
        raw,
    }
}

/// Opcode (5 bits) and funct3.
const CELLS: usize = 256;
/// Values of the top seven bits.
const SPREAD: usize = 128;
/// A cell with more rows than this gets a second level.
const NARROW: usize = 2;
/// Capacity of the second level.
const MAX_SLOTS: usize = CELLS + 48 * SPREAD;
/// Capacity of the candidate lists.
const MAX_CANDIDATES: usize = 6144;

#[derive(Clone, Copy)]
struct Cell {
    slot: u16,
    /// Mask of the top seven bits that select among the cell's slots: 127, or 0 for a single slot.
    spread: u8,
}

#[derive(Clone, Copy)]
struct Slot {
    start: u16,
    count: u16,
}

struct Index {
    cells: [Cell; CELLS],
    slots: [Slot; MAX_SLOTS],
    candidates: [u8; MAX_CANDIDATES],
}

static INDEX: Index = Index::build();

impl Index {
    fn candidates(&self, raw: u32) -> &[u8] {
        let cell = self.cells[cell_of(raw)];
        let slot = self.slots[cell.slot as usize + ((raw >> 25) as u8 & cell.spread) as usize];
        &self.candidates[slot.start as usize..(slot.start + slot.count) as usize]
    }

    const fn build() -> Index {
        let mut index = Index {
            cells: [Cell { slot: 0, spread: 0 }; CELLS],
            slots: [Slot { start: 0, count: 0 }; MAX_SLOTS],
            candidates: [0; MAX_CANDIDATES],
        };
        let order = by_specificity();
        let mut used_slots = 0;
        let mut used = 0;
        let mut cell = 0;
        while cell < CELLS {
            let (rows, count) = rows_of_cell(cell, &order);
            index.cells[cell].slot = used_slots as u16;
            let wide = count > NARROW;
            index.cells[cell].spread = if wide { SPREAD as u8 - 1 } else { 0 };
            let slots = if wide { SPREAD } else { 1 };
            let mut top = 0;
            while top < slots {
                let start = used;
                let mut i = 0;
                while i < count {
                    let layout = &LAYOUTS_CONST[rows[i] as usize];
                    if !wide
                        || (top as u32) << 25 & layout.mask
                            == layout.value & 0xfe00_0000 & layout.mask
                    {
                        index.candidates[used] = rows[i];
                        used += 1;
                    }
                    i += 1;
                }
                index.slots[used_slots] =
                    Slot { start: start as u16, count: (used - start) as u16 };
                used_slots += 1;
                top += 1;
            }
            cell += 1;
        }
        index
    }
}

const fn cell_of(raw: u32) -> usize {
    (raw >> 2 & 31 | (raw >> 12 & 7) << 5) as usize
}

/// The bits that select a cell.
const CELL_BITS: u32 = 0x707c;

const fn cell_bits(cell: usize) -> u32 {
    (cell as u32 & 31) << 2 | (cell as u32 >> 5) << 12
}

/// Row numbers, those that fix more bits first.
const fn by_specificity() -> [u8; COUNT] {
    const { assert!(COUNT <= 256, "row numbers are bytes in the index") };
    let mut order = [0; COUNT];
    let mut used = 0;
    let mut bits = 33;
    while bits > 0 {
        bits -= 1;
        let mut row = 0;
        while row < COUNT {
            if LAYOUTS_CONST[row].mask.count_ones() == bits {
                order[used] = row as u8;
                used += 1;
            }
            row += 1;
        }
    }
    order
}

const fn rows_of_cell(cell: usize, order: &[u8; COUNT]) -> ([u8; 64], usize) {
    let mut rows = [0; 64];
    let mut count = 0;
    let mut i = 0;
    while i < COUNT {
        let layout = &LAYOUTS_CONST[order[i] as usize];
        if cell_bits(cell) & layout.mask == layout.value & CELL_BITS & layout.mask {
            rows[count] = order[i];
            count += 1;
        }
        i += 1;
    }
    (rows, count)
}

#[cfg(test)]
mod tests;
