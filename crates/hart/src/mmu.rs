//! Address translation: Sv39 and Sv48 page walks with hardware update of A and D (Svadu, under
//! `menvcfg.ADUE`), Svnapot and Svpbmt (Volume II, chapter 10 and the named extensions).
//!
//! Nothing is cached here; the ports that cache translations do so with what [`Translation`] says.

use crate::trap::status;
use crate::{Cause, Hart, Pmp, Privilege};
use ram::Ram;

/// What an access wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Instruction fetch.
    Fetch,
    /// Load (and the load part of LR).
    Load,
    /// Store, AMO and SC.
    Store,
}

impl Access {
    /// The page-fault cause of this access.
    #[must_use]
    pub fn page_fault(self) -> Cause {
        match self {
            Self::Fetch => Cause::InstructionPageFault,
            Self::Load => Cause::LoadPageFault,
            Self::Store => Cause::StorePageFault,
        }
    }

    /// The access-fault cause of this access.
    #[must_use]
    pub fn access_fault(self) -> Cause {
        match self {
            Self::Fetch => Cause::InstructionAccess,
            Self::Load => Cause::LoadAccess,
            Self::Store => Cause::StoreAccess,
        }
    }
}

const V: u64 = 1;
const R: u64 = 1 << 1;
const W: u64 = 1 << 2;
const X: u64 = 1 << 3;
const U: u64 = 1 << 4;
const G: u64 = 1 << 5;
const A: u64 = 1 << 6;
const D: u64 = 1 << 7;
const PPN: u64 = ((1 << 44) - 1) << 10;
const PBMT_SHIFT: u32 = 61;
const N: u64 = 1 << 63;
/// What tells a pointer to the next level, which must have D, A, U, N, PBMT and the reserved bits clear:
/// of these it has [`V`] alone.
const POINTER: u64 = V | R | W | X | U | A | D | N | 3 << PBMT_SHIFT | RESERVED;
const RESERVED: u64 = 0x7f << 54;
/// `menvcfg.PBMTE`.
pub const PBMTE: u64 = 1 << 62;
/// `menvcfg.ADUE`.
pub const ADUE: u64 = 1 << 61;

/// The outcome of a successful translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// Physical address of the translated byte.
    pub pa: u64,
    /// log2 of the page's size: 12, 16 (Svnapot), 21, 30 or 39; 64 when translation is off.
    pub page_bits: u8,
    /// The leaf's global bit.
    pub global: bool,
    /// A store would need no further walk: writable and already dirty.
    pub store_ready: bool,
    /// Addresses of the entries read, root first; `depth` of them are valid.
    pub ptes: [u64; 4],
    /// Number of entries read.
    pub depth: u8,
}

impl Translation {
    fn bare(pa: u64) -> Self {
        Self { pa, page_bits: 64, global: true, store_ready: true, ptes: [0; 4], depth: 0 }
    }
}

/// Everything besides the page table that decides a translation.
#[derive(Clone, Copy, Debug)]
pub struct Regime {
    /// `satp`, or 0 where translation is off for this access.
    pub satp: u64,
    /// Effective privilege.
    pub prv: Privilege,
    /// S-mode may access U pages.
    pub sum: bool,
    /// Loads may read execute-only pages.
    pub mxr: bool,
    /// `menvcfg`, for ADUE and PBMTE.
    pub menvcfg: u64,
}

impl Regime {
    /// The regime of `hart`'s data accesses or fetches.
    #[must_use]
    pub fn of(hart: &Hart, access: Access) -> Self {
        let prv = if access == Access::Fetch { hart.prv } else { hart.data_privilege() };
        Self {
            satp: if prv == Privilege::Machine { 0 } else { hart.csr.satp },
            prv,
            sum: hart.csr.mstatus & status::SUM != 0,
            mxr: hart.csr.mstatus & status::MXR != 0,
            menvcfg: hart.csr.menvcfg,
        }
    }

    /// Levels of the page table, 0 when translation is off.
    fn levels(self) -> u32 {
        match self.satp >> 60 {
            8 => 3,
            9 => 4,
            _ => 0,
        }
    }
}

/// Translates `va` and checks permissions, PMP of the table reads included; PMP of the resulting
/// address is the caller's.
pub fn translate(
    ram: &mut Ram,
    pmp: &Pmp,
    regime: Regime,
    va: u64,
    access: Access,
) -> Result<Translation, Cause> {
    let levels = regime.levels();
    if levels == 0 {
        return Ok(Translation::bare(va));
    }
    let va_bits = 12 + 9 * levels;
    let sign = 64 - va_bits;
    if ((va << sign) as i64 >> sign) as u64 != va {
        return Err(access.page_fault());
    }
    let walk = Walk { ram, pmp, regime, va, access };
    walk.run(levels)
}

struct Walk<'a> {
    ram: &'a mut Ram,
    pmp: &'a Pmp,
    regime: Regime,
    va: u64,
    access: Access,
}

impl Walk<'_> {
    fn run(mut self, levels: u32) -> Result<Translation, Cause> {
        let mut table = (self.regime.satp & ((1 << 44) - 1)) << 12;
        let mut ptes = [0; 4];
        for (depth, level) in (0..levels).rev().enumerate() {
            let index = self.va >> (12 + 9 * level) & 0x1ff;
            let at = table + index * 8;
            ptes[depth] = at;
            let pte = self.read(at)?;
            if pte & POINTER == V {
                table = (pte & PPN) << 2;
                continue;
            }
            if pte & V == 0 || pte & (R | W) == W || pte & (R | X) == 0 || self.reserved(pte) {
                return Err(self.access.page_fault());
            }
            let found = Leaf { at, pte, level, depth: depth as u8 + 1, ptes };
            return self.leaf(found);
        }
        Err(self.access.page_fault())
    }

    /// Whether it has reserved bits; PBMT needs its enable and has no value 3.
    fn reserved(&self, pte: u64) -> bool {
        let pbmt = pte >> PBMT_SHIFT & 3;
        pte & RESERVED != 0 || (pbmt != 0 && self.regime.menvcfg & PBMTE == 0) || pbmt == 3
    }

    fn leaf(&mut self, leaf: Leaf) -> Result<Translation, Cause> {
        let fault = self.access.page_fault();
        let Leaf { at, mut pte, level, .. } = leaf;
        if !self.permitted(pte) {
            return Err(fault);
        }
        let mut page_bits = 12 + 9 * level;
        let mut ppn = (pte & PPN) >> 10;
        if ppn & ((1 << (9 * level)) - 1) != 0 {
            return Err(fault);
        }
        if pte & N != 0 {
            // Svnapot 3.1: only 64 KiB pages, at the last level, are defined.
            if level != 0 || ppn & 0xf != 0x8 {
                return Err(fault);
            }
            page_bits = 16;
            ppn &= !0xf;
        }
        let needed = if self.access == Access::Store { A | D } else { A };
        if pte & needed != needed {
            if self.regime.menvcfg & ADUE == 0 {
                return Err(fault);
            }
            pte |= needed;
            self.update(at, pte)?;
        }
        let offset = self.va & ((1 << page_bits) - 1);
        Ok(Translation {
            pa: (ppn << 12 & !((1_u64 << page_bits) - 1)) | offset,
            page_bits: page_bits as u8,
            global: pte & G != 0,
            store_ready: pte & (W | D) == W | D,
            ptes: leaf.ptes,
            depth: leaf.depth,
        })
    }

    fn permitted(&self, pte: u64) -> bool {
        let user_page = pte & U != 0;
        match self.regime.prv {
            Privilege::User if !user_page => return false,
            Privilege::User => {}
            _ if user_page && (self.access == Access::Fetch || !self.regime.sum) => return false,
            _ => {}
        }
        match self.access {
            Access::Fetch => pte & X != 0,
            Access::Load => pte & R != 0 || (self.regime.mxr && pte & X != 0),
            Access::Store => pte & W != 0,
        }
    }

    /// Page-table accesses are made as if by S-mode (Volume II, 10.3.2 step 2).
    #[inline]
    fn read(&mut self, at: u64) -> Result<u64, Cause> {
        if !self.pmp.check(at, 8, Access::Load, Privilege::Supervisor) {
            return Err(self.access.access_fault());
        }
        let offset = self.ram.offset(at, 8).ok_or(self.access.access_fault())?;
        // An entry is aligned: no more than a chunk has to be there.
        self.ram.touch(offset);
        let (entries, _) = self.ram.bytes().as_chunks();
        Ok(u64::from_le_bytes(entries[offset / 8]))
    }

    fn update(&mut self, at: u64, pte: u64) -> Result<(), Cause> {
        if !self.pmp.check(at, 8, Access::Store, Privilege::Supervisor) {
            return Err(self.access.access_fault());
        }
        self.ram.write(at, &pte.to_le_bytes()).map_err(|_| self.access.access_fault())
    }
}

struct Leaf {
    at: u64,
    pte: u64,
    level: u32,
    depth: u8,
    ptes: [u64; 4],
}

#[cfg(test)]
mod tests {
    use super::*;
    use ram::RAM_BASE;

    fn regime(satp: u64) -> Regime {
        Regime { satp, prv: Privilege::Supervisor, sum: false, mxr: false, menvcfg: ADUE | PBMTE }
    }

    fn sv39(entries: &[(u64, u64)]) -> (Ram, u64) {
        let mut ram = Ram::new(1 << 20);
        for (offset, value) in entries {
            ram.write(RAM_BASE + offset, &value.to_le_bytes()).unwrap();
        }
        (ram, 8 << 60 | RAM_BASE >> 12)
    }

    fn pointer(offset: u64) -> u64 {
        (RAM_BASE + offset) >> 12 << 10 | V
    }

    #[test]
    fn a_three_level_walk_sets_accessed_and_dirty() {
        let leaf = (RAM_BASE + 0x9000) >> 12 << 10 | V | R | W;
        let (mut ram, satp) =
            sv39(&[(0, pointer(0x1000)), (0x1000, pointer(0x2000)), (0x2018, leaf)]);
        let t = translate(&mut ram, &Pmp::open(), regime(satp), 0x3456, Access::Load).unwrap();
        assert_eq!((t.pa, t.page_bits, t.depth, t.store_ready), (RAM_BASE + 0x9456, 12, 3, false));
        assert_eq!(ram.read_u64(RAM_BASE + 0x2018).unwrap(), leaf | A);
        let t = translate(&mut ram, &Pmp::open(), regime(satp), 0x3456, Access::Store).unwrap();
        assert!(t.store_ready);
        assert_eq!(ram.read_u64(RAM_BASE + 0x2018).unwrap(), leaf | A | D);
    }

    #[test]
    fn without_adue_a_clear_accessed_bit_faults() {
        let leaf = RAM_BASE >> 30 << 28 | V | R;
        let (mut ram, satp) = sv39(&[(0, leaf)]);
        let strict = Regime { menvcfg: 0, ..regime(satp) };
        let fault = translate(&mut ram, &Pmp::open(), strict, 0x123, Access::Load);
        assert_eq!(fault, Err(Cause::LoadPageFault));
        let t = translate(&mut ram, &Pmp::open(), regime(satp), 0x123, Access::Load).unwrap();
        assert_eq!((t.pa, t.page_bits), (RAM_BASE + 0x123, 30));
    }

    /// The way of Volume II, 10.3.2, step by step: whether an entry at the last level but one leads on.
    fn leads_on(pte: u64) -> bool {
        let invalid = pte & V == 0 || pte & (R | W) == W || pte >> 54 != 0;
        let leaf = pte & (R | X) != 0;
        !invalid && !leaf && pte & (D | A | U) == 0
    }

    #[test]
    fn a_pointer_has_no_other_bit_than_those_software_and_global_pages_use() {
        let leaf = (RAM_BASE + 0x9000) >> 12 << 10 | V | R | A;
        let single = (0..64).filter(|bit| !(10..54).contains(bit)).map(|bit| 1 << bit);
        for flip in single.chain([R | W, R | X, W | X, R | V, A | D, 0]) {
            let entry = pointer(0x2000) ^ flip;
            let (mut ram, satp) = sv39(&[(0, pointer(0x1000)), (0x1000, entry), (0x2018, leaf)]);
            let found = translate(&mut ram, &Pmp::open(), regime(satp), 0x3000, Access::Load);
            let led = found.is_ok_and(|found| found.depth == 3);
            assert_eq!(led, leads_on(entry), "{entry:#x}");
        }
    }

    #[test]
    fn a_napot_leaf_maps_64_kib() {
        let leaf = ((RAM_BASE + 0x40000) >> 12 | 8) << 10 | N | V | R | A;
        let (mut ram, satp) =
            sv39(&[(0, pointer(0x1000)), (0x1000, pointer(0x2000)), (0x2018, leaf)]);
        let t = translate(&mut ram, &Pmp::open(), regime(satp), 0x3456, Access::Load).unwrap();
        assert_eq!((t.pa, t.page_bits), (RAM_BASE + 0x43456, 16));
    }

    #[test]
    fn user_pages_and_non_canonical_addresses_are_refused() {
        let leaf = RAM_BASE >> 30 << 28 | V | R | X | U | A;
        let (mut ram, satp) = sv39(&[(0, leaf)]);
        let pmp = Pmp::open();
        let s = regime(satp);
        assert!(translate(&mut ram, &pmp, s, 0, Access::Load).is_err());
        assert!(translate(&mut ram, &pmp, Regime { sum: true, ..s }, 0, Access::Load).is_ok());
        assert!(translate(&mut ram, &pmp, Regime { sum: true, ..s }, 0, Access::Fetch).is_err());
        let u = Regime { prv: Privilege::User, ..s };
        assert!(translate(&mut ram, &pmp, u, 0, Access::Fetch).is_ok());
        assert!(translate(&mut ram, &pmp, u, 1 << 39, Access::Fetch).is_err());
    }
}
