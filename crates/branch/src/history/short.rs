//! A short sequence of bits that is folded when a register of it is read.
//!
//! Registers move with every branch, but only conditional branches read them, and what is not kept
//! need not be brought back on a squash: the bits themselves are all that there is to remember.
//! Folding is linear, so the registers of eight lengths are the exclusive-or of what each few bits
//! add to them, looked up.

use super::folded::{FoldSpec, LANE, ROLES, eights_of};
use crate::bits::low;
use crate::lanes::{LANES, Lanes};

/// Bits that are looked up at once. More would take fewer steps but more of the host's nearest cache.
const STEP: u32 = 4;
/// Steps of the 64 bits of a half.
const STEPS_OF_HALF: usize = (u64::BITS / STEP) as usize;

/// What the possible values of so many bits add to the registers of eight lengths.
type Adds = [[Lanes; ROLES]; 1 << STEP];

/// A sequence that remembers its latest bits.
#[derive(Clone, Debug)]
pub(super) struct ShortBits {
    /// The latest bits, the latest lowest.
    bits: u128,
    /// Of each eight lengths, what the bits add, step by step from the latest.
    eights: Vec<Box<[Adds]>>,
    specs: Vec<FoldSpec>,
}

impl ShortBits {
    /// The most bits that a register can cover.
    pub(super) const REACH: u32 = u128::BITS;

    pub(super) fn new(folds: &[FoldSpec]) -> Self {
        Self { bits: 0, eights: tables(folds), specs: folds.to_vec() }
    }

    /// Adds `count` bits, of which the lowest becomes the youngest.
    #[inline]
    pub(super) fn push(&mut self, bits: u32, count: u32) {
        self.bits = self.bits << count | u128::from(bits);
    }

    /// All there is to bring back.
    #[inline]
    pub(super) fn bits(&self) -> u128 {
        self.bits
    }

    #[inline]
    pub(super) fn set_bits(&mut self, bits: u128) {
        self.bits = bits;
    }

    /// The registers of eight lengths, each in the upper bits of its lane.
    #[inline]
    pub(super) fn eight(&self, number: usize) -> [Lanes; ROLES] {
        let mut registers = [Lanes::default(); ROLES];
        let halves = [self.bits as u64, (self.bits >> u64::BITS) as u64];
        for (mut bits, steps) in halves.into_iter().zip(self.eights[number].chunks(STEPS_OF_HALF)) {
            for adds in steps {
                let adds = &adds[low(bits, STEP) as usize];
                registers = std::array::from_fn(|role| registers[role] ^ adds[role]);
                bits >>= STEP;
            }
        }
        registers
    }

    /// One register, from the bits.
    #[inline]
    pub(super) fn fold(&self, number: usize) -> u32 {
        fold(self.bits, self.specs[number])
    }

    pub(super) fn specs(&self) -> &[FoldSpec] {
        &self.specs
    }
}

/// The latest bits that a register covers, folded.
#[inline]
fn fold(bits: u128, FoldSpec { length, width }: FoldSpec) -> u32 {
    if width == 0 {
        return 0;
    }
    let covered = if length < u128::BITS { bits & ((1 << length) - 1) } else { bits };
    // As many whole pieces as 64 bits hold: of what is beyond, each piece is above another one.
    let whole = u64::BITS / width * width;
    let (mut left, mut folded) = (0, 0);
    let mut beyond = covered;
    while beyond != 0 {
        left ^= beyond as u64 & (u64::MAX >> (u64::BITS - whole));
        beyond >>= whole;
    }
    while left != 0 {
        folded ^= left;
        left >>= width;
    }
    low(folded, width) as u32
}

/// What each step of the bits adds to the registers of each eight lengths.
fn tables(folds: &[FoldSpec]) -> Vec<Box<[Adds]>> {
    let (eights, places) = eights_of(folds);
    let steps = |eight: usize| {
        let longest = eights[eight].lengths().into_iter().max().unwrap_or(0);
        longest.div_ceil(STEP) as usize
    };
    let mut tables: Vec<Box<[Adds]>> =
        (0..eights.len()).map(|eight| vec![Adds::default(); steps(eight)].into()).collect();
    for (specs, (eight, role)) in folds.chunks(LANES).zip(places) {
        for (step, adds) in tables[eight].iter_mut().enumerate() {
            for (value, adds) in adds.iter_mut().enumerate() {
                adds[role] = registers(specs, (value as u128) << (step as u32 * STEP));
            }
        }
    }
    tables
}

/// Eight registers of these bits, each in the upper bits of its lane.
fn registers(specs: &[FoldSpec], bits: u128) -> Lanes {
    let mut lanes = Lanes::default();
    for (lane, spec) in lanes.0.iter_mut().zip(specs) {
        *lane = (fold(bits, *spec) << (LANE - spec.width)) as u16;
    }
    lanes
}
