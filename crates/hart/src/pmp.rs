//! Physical memory protection (Volume II, 3.7): 16 entries, 4-byte granularity, OFF/TOR/NA4/NAPOT.

use crate::Privilege;
use crate::mmu::Access;
use serde::{Deserialize, Serialize};

const R: u8 = 1;
const W: u8 = 2;
const X: u8 = 4;
const LOCK: u8 = 0x80;
/// The matching mode of an entry for a range that is a power of two.
const NAPOT: u8 = 3 << 3;
/// The most that an address register holds: with [`NAPOT`], all addresses up to [`LAST`].
const WHOLE: u64 = u64::MAX >> 10;
/// The last physical address.
const LAST: u64 = u64::MAX >> 8;

/// The PMP entries of one hart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pmp {
    cfg: [u8; 16],
    addr: [u64; 16],
}

/// Where a range lies with respect to an entry.
#[derive(PartialEq)]
enum Overlap {
    None,
    Partial,
    Whole,
}

impl Pmp {
    /// One entry that lets S and U reach everything, as firmware sets up before it leaves M-mode.
    #[must_use]
    pub fn open() -> Self {
        let mut pmp = Self::default();
        pmp.cfg[0] = R | W | X | NAPOT;
        pmp.addr[0] = WHOLE;
        pmp
    }

    /// Reads `pmpcfg` register `index` (even, RV64).
    #[must_use]
    pub fn read_cfg(&self, index: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.cfg[index * 4..index * 4 + 8]);
        u64::from_le_bytes(bytes)
    }

    /// Writes `pmpcfg` register `index`; locked entries keep their value, the reserved combination
    /// W without R is not taken.
    pub fn write_cfg(&mut self, index: usize, value: u64) {
        for (i, byte) in value.to_le_bytes().into_iter().enumerate() {
            let entry = &mut self.cfg[index * 4 + i];
            let byte = byte & !0x60;
            if *entry & LOCK == 0 && byte & (R | W) != W {
                *entry = byte;
            }
        }
    }

    /// Reads `pmpaddr` register `index`.
    #[must_use]
    pub fn read_addr(&self, index: usize) -> u64 {
        self.addr[index]
    }

    /// Writes `pmpaddr` register `index` unless it is locked, by itself or as the bottom of a locked
    /// top-of-range entry.
    pub fn write_addr(&mut self, index: usize, value: u64) {
        let locked = self.cfg[index] & LOCK != 0;
        let below = index < 15 && self.cfg[index + 1] & (LOCK | 0x18) == LOCK | 0x08;
        if !locked && !below {
            self.addr[index] = value & WHOLE;
        }
    }

    fn overlap(&self, entry: usize, first: u64, last: u64) -> Overlap {
        let addr = self.addr[entry];
        let (low, high) = match self.cfg[entry] >> 3 & 3 {
            0 => return Overlap::None,
            1 => {
                let low = if entry == 0 { 0 } else { self.addr[entry - 1] << 2 };
                if addr << 2 <= low {
                    return Overlap::None;
                }
                (low, (addr << 2) - 1)
            }
            2 => (addr << 2, (addr << 2) + 3),
            _ => {
                let ones = (addr.trailing_ones()).min(53);
                let size_log2 = ones + 3;
                let low = (addr >> (ones + 1) << (ones + 1)) << 2;
                (low, low.wrapping_add((1_u64 << size_log2) - 1))
            }
        };
        if last < low || first > high {
            Overlap::None
        } else if first >= low && last <= high {
            Overlap::Whole
        } else {
            Overlap::Partial
        }
    }

    #[inline]
    fn allows(&self, entry: usize, access: Access, prv: Privilege) -> bool {
        let cfg = self.cfg[entry];
        if prv == Privilege::Machine && cfg & LOCK == 0 {
            return true;
        }
        let need = match access {
            Access::Load => R,
            Access::Store => W,
            Access::Fetch => X,
        };
        cfg & need != 0
    }

    /// Whether an access to `len` bytes at `pa` is allowed: the lowest entry that matches any byte
    /// must match all and permit it; without one only M-mode may pass.
    #[must_use]
    #[inline]
    pub fn check(&self, pa: u64, len: u64, access: Access, prv: Privilege) -> bool {
        let last = pa.wrapping_add(len - 1);
        if self.first_covers_all() && pa.max(last) <= LAST {
            return self.allows(0, access, prv);
        }
        self.decide(pa, len, access, prv).unwrap_or(false)
    }

    /// Whether the first entry decides about all there is, as in [`Pmp::open`]: so it is under every
    /// operating system, whose page-table walks check a few words each.
    #[inline]
    fn first_covers_all(&self) -> bool {
        self.cfg[0] & NAPOT == NAPOT && self.addr[0] == WHOLE
    }

    /// Like [`Pmp::check`] for a whole page; `None` if its bytes are not treated alike.
    #[must_use]
    pub fn check_page(&self, pa: u64, access: Access, prv: Privilege) -> Option<bool> {
        self.decide(pa & !0xfff, 0x1000, access, prv)
    }

    fn decide(&self, pa: u64, len: u64, access: Access, prv: Privilege) -> Option<bool> {
        let last = pa.wrapping_add(len - 1);
        for entry in 0..16 {
            match self.overlap(entry, pa, last) {
                Overlap::None => {}
                Overlap::Partial => return None,
                Overlap::Whole => return Some(self.allows(entry, access, prv)),
            }
        }
        Some(prv == Privilege::Machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_entries_only_machine_mode_passes() {
        let pmp = Pmp::default();
        assert!(pmp.check(0x8000_0000, 8, Access::Load, Privilege::Machine));
        assert!(!pmp.check(0x8000_0000, 8, Access::Load, Privilege::Supervisor));
        assert!(Pmp::open().check(u64::MAX >> 9, 8, Access::Fetch, Privilege::User));
    }

    #[test]
    fn the_lowest_matching_entry_decides_and_must_cover_the_access() {
        let mut pmp = Pmp::open();
        pmp.write_addr(0, (0x8000_0000 >> 2) | 0x1); // NAPOT, 16 bytes
        pmp.write_cfg(0, 0x18 | u64::from(R));
        pmp.write_addr(1, u64::MAX);
        pmp.write_cfg(0, 0x18 | u64::from(R) | (0x18 | 7) << 8);
        let s = Privilege::Supervisor;
        assert!(pmp.check(0x8000_0008, 8, Access::Load, s));
        assert!(!pmp.check(0x8000_0008, 8, Access::Store, s));
        assert!(!pmp.check(0x8000_000c, 8, Access::Load, s), "straddles the end of entry 0");
        assert!(pmp.check(0x8000_0010, 8, Access::Store, s));
        assert_eq!(pmp.check_page(0x8000_0000, Access::Load, s), None);
        assert_eq!(pmp.check_page(0x8000_1000, Access::Load, s), Some(true));
    }

    #[test]
    fn where_the_first_entry_covers_all_the_short_answer_is_that_of_the_search() {
        let addresses = [0, 0x8000_0000, LAST - 7, LAST - 3, LAST, LAST + 1, u64::MAX - 3];
        for cfg in [0, NAPOT, R | NAPOT, R | W | NAPOT, X | NAPOT, R | NAPOT | LOCK, R | 1 << 3] {
            for addr in [WHOLE, WHOLE - 1, WHOLE >> 1] {
                let mut pmp = Pmp::open();
                (pmp.cfg[0], pmp.addr[0]) = (cfg, addr);
                (pmp.cfg[1], pmp.addr[1]) = (R | W | X | NAPOT, WHOLE);
                for (pa, len) in addresses.into_iter().flat_map(|pa| [(pa, 1), (pa, 8)]) {
                    for access in [Access::Load, Access::Store, Access::Fetch] {
                        for prv in [Privilege::User, Privilege::Machine] {
                            let search = pmp.decide(pa, len, access, prv).unwrap_or(false);
                            assert_eq!(
                                pmp.check(pa, len, access, prv),
                                search,
                                "{cfg:#x} {addr:#x} {pa:#x} {len} {access:?} {prv:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_locked_top_of_range_entry_locks_its_bottom_too() {
        let mut pmp = Pmp::default();
        pmp.write_addr(0, 0x100);
        pmp.write_addr(1, 0x200);
        pmp.write_cfg(0, 0x89 << 8);
        pmp.write_addr(0, 0x1);
        pmp.write_addr(1, 0x1);
        assert_eq!((pmp.read_addr(0), pmp.read_addr(1)), (0x100, 0x200));
        assert!(!pmp.check(0x500, 4, Access::Store, Privilege::Machine), "locked binds M too");
    }
}
