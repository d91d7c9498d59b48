//! The records of Ignite: taken branches, each relative to the one before it.
//!
//! A branch most often follows closely where the last one went, and goes not far (D. Schall, A. Sandberg,
//! B. Grot, "Warming up a cold front-end with Ignite", MICRO 2023, section 4.1): one format bit, the
//! distance from the last target to the branch and the distance from the branch to its target. A record
//! in which one of them does not fit has both addresses in full instead.
//!
//! The paper's records have no room for the kind of a branch and its length, which a branch target buffer
//! needs of it; it does not say where they come from. Here they go with a record and are not counted.

use branch::KnownBranch;
use serde::{Deserialize, Serialize};
use stream::{BranchKind, VirtAddr};

/// Bits of a full address.
const ADDRESS_BITS: u32 = 48;

/// Widths of the fields of a short record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Widths {
    /// Of the distance from the last target to the branch, in bytes; a signed number.
    pub(super) pc: u32,
    /// Of the distance from the branch to its target, in bytes; a signed number.
    pub(super) target: u32,
}

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    kind: BranchKind,
    length: u8,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Both distances, as the fields hold them.
    Short { pc: u64, target: u64 },
    /// Both addresses, as the fields hold them.
    Full { pc: u64, target: u64 },
}

impl Record {
    /// The record of `branch` after one that went to `last`.
    pub(super) fn encode(branch: &KnownBranch, last: VirtAddr, widths: Widths) -> Self {
        let &KnownBranch { pc, target, kind, length } = branch;
        let distances = (pc.0.wrapping_sub(last.0), target.0.wrapping_sub(pc.0));
        let short = (field(distances.0, widths.pc), field(distances.1, widths.target));
        let fit = (extend(short.0, widths.pc), extend(short.1, widths.target)) == distances;
        let form = if fit {
            Form::Short { pc: short.0, target: short.1 }
        } else {
            Form::Full { pc: field(pc.0, ADDRESS_BITS), target: field(target.0, ADDRESS_BITS) }
        };
        Self { kind, length, form }
    }

    /// The branch it tells of, after one that went to `last`.
    pub(super) fn decode(&self, last: VirtAddr, widths: Widths) -> KnownBranch {
        let (pc, target) = match self.form {
            Form::Short { pc, target } => {
                let pc = last.0.wrapping_add(extend(pc, widths.pc));
                (pc, pc.wrapping_add(extend(target, widths.target)))
            }
            Form::Full { pc, target } => (extend(pc, ADDRESS_BITS), extend(target, ADDRESS_BITS)),
        };
        let Self { kind, length, .. } = *self;
        KnownBranch { pc: VirtAddr(pc), target: VirtAddr(target), kind, length }
    }

    /// Whether it is a short one.
    pub(super) fn is_short(&self) -> bool {
        matches!(self.form, Form::Short { .. })
    }

    /// Bits it takes.
    pub(super) fn bits(&self, widths: Widths) -> u64 {
        match self.form {
            Form::Short { .. } => widths.short_bits(),
            Form::Full { .. } => Widths::FULL_BITS,
        }
    }
}

impl Widths {
    /// Bits of a record with full addresses.
    pub(super) const FULL_BITS: u64 = 1 + 2 * ADDRESS_BITS as u64;

    /// Bits of a short record.
    pub(super) fn short_bits(self) -> u64 {
        1 + u64::from(self.pc + self.target)
    }
}

/// The lowest `bits` bits.
fn field(value: u64, bits: u32) -> u64 {
    value & ((1 << bits) - 1)
}

/// The signed number of `bits` bits that a field holds.
fn extend(field: u64, bits: u32) -> u64 {
    let unused = u64::BITS - bits;
    ((field << unused) as i64 >> unused) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: Widths = Widths { pc: 7, target: 21 };

    fn branch(pc: u64, target: u64) -> KnownBranch {
        let (kind, length) = (BranchKind::Conditional, 2);
        KnownBranch { pc: VirtAddr(pc), target: VirtAddr(target), kind, length }
    }

    /// Encodes a branch after one that went to `last`, checks that it comes back, and gives its size.
    fn bits(last: u64, pc: u64, target: u64) -> u64 {
        let branch = branch(pc, target);
        let record = Record::encode(&branch, VirtAddr(last), PUBLISHED);
        assert_eq!(record.decode(VirtAddr(last), PUBLISHED), branch);
        assert_eq!(record.is_short(), record.bits(PUBLISHED) == 29);
        record.bits(PUBLISHED)
    }

    #[test]
    fn distances_that_fit_take_29_bits_and_others_97() {
        let last = 0x40_0000;
        assert_eq!(bits(last, last, last), 29);
        // Seven signed bits reach from -64 to 63, 21 from -1 MiB to just below 1 MiB.
        for (distance, expected) in [(63, 29), (64, 97), (-64, 29), (-65, 97)] {
            let pc = last.wrapping_add_signed(distance);
            assert_eq!(bits(last, pc, pc + 8), expected, "{distance}");
        }
        for (distance, expected) in
            [(0xf_ffff, 29), (0x10_0000, 97), (-0x10_0000, 29), (-0x10_0001, 97)]
        {
            let target = last.wrapping_add_signed(distance);
            assert_eq!(bits(last, last, target), expected, "{distance:#x}");
        }
    }

    #[test]
    fn calls_between_user_and_kernel_addresses_come_back() {
        assert_eq!(bits(0x3f_8000_1000, 0xffff_ffff_8020_0000, 0xffff_ffff_8020_0040), 97);
        assert_eq!(bits(0xffff_ffff_8020_0040, 0x3f_8000_1004, 0x3f_8000_2000), 97);
        assert_eq!(bits(0xffff_ffff_ffff_fff0, 0xffff_ffff_ffff_fff8, 0xffff_ffff_ffff_f000), 29);
    }

    #[test]
    fn a_chain_of_branches_comes_back_whatever_the_widths() {
        let mut random = sim::SplitMix64::new(3);
        for (pc, target) in [(1, 1), (7, 21), (12, 12), (32, 48)] {
            let widths = Widths { pc, target };
            let (mut there, mut back) = (VirtAddr(0), VirtAddr(0));
            for _ in 0..1000 {
                let bits = random.bits();
                let pc = there.0.wrapping_add(bits % 200) & 0x7fff_ffff_ffff;
                let branch =
                    branch(pc, (pc ^ random.bits() >> (17 + bits % 40)) & 0x7fff_ffff_ffff);
                let record = Record::encode(&branch, there, widths);
                assert_eq!(record.decode(back, widths), branch);
                (there, back) = (branch.target, branch.target);
            }
        }
    }
}
