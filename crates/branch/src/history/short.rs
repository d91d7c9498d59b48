//! A short sequence of bits that is folded when a register of it is read.
//!
//! Registers move with every branch, but only conditional branches read them, and what is not kept
//! need not be brought back on a squash: the bits themselves are all that there is to remember.
//! Folding is linear, so registers are the exclusive-or of what each few bits add to them, looked up.

use super::folded::{FoldSpec, Folds, LANE, ROLES, eights_of};
use crate::bits::low;
use crate::lanes::{LANES, Lanes};

/// Bits that are looked up at once. More would take fewer steps but more of the host's nearest cache.
const STEP: u32 = 4;
/// Steps of the 64 bits of a half.
const STEPS_OF_HALF: usize = (u64::BITS / STEP) as usize;

/// What some bits add to the registers, in one line of the host's caches.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Adds([Folds; ShortBits::EIGHTS]);

/// The same for all values of the bits of a step.
type Step = [Adds; 1 << STEP];

/// How a sequence of which the latest bits are known is folded.
#[derive(Clone, Debug)]
pub(super) struct ShortBits {
    /// What the bits add, step by step from the latest.
    steps: Box<[Step]>,
    pieces: Vec<Pieces>,
    specs: Vec<FoldSpec>,
}

impl ShortBits {
    /// The most bits that a register can cover.
    const REACH: u32 = u128::BITS;
    /// The most eights of lengths.
    const EIGHTS: usize = 2;

    /// Whether these registers can be read from so few bits.
    pub(super) fn can_have(folds: &[FoldSpec]) -> bool {
        let longest = folds.iter().map(|fold| fold.length).max().unwrap_or(0);
        longest <= Self::REACH && eights_of(folds).0.len() <= Self::EIGHTS
    }

    pub(super) fn new(folds: &[FoldSpec]) -> Self {
        let pieces = folds.iter().map(|spec| Pieces::new(*spec)).collect();
        Self { steps: steps(folds), pieces, specs: folds.to_vec() }
    }

    /// The registers of eight lengths and of the next eight, of a sequence with these latest bits, the
    /// latest lowest.
    #[inline]
    pub(super) fn eights(&self, bits: u128) -> [Folds; Self::EIGHTS] {
        let (near, far) = self.steps.split_at(self.steps.len().min(STEPS_OF_HALF));
        let sum = add(Adds::default(), bits as u64, near);
        add(sum, (bits >> u64::BITS) as u64, far).0
    }

    /// One register, from the bits.
    #[inline]
    pub(super) fn fold(&self, bits: u128, number: usize) -> u32 {
        self.pieces[number].fold(bits)
    }

    pub(super) fn specs(&self) -> &[FoldSpec] {
        &self.specs
    }
}

/// Adds what the steps of these bits add.
#[inline]
fn add(mut sum: Adds, mut bits: u64, steps: &[Step]) -> Adds {
    for step in steps {
        let Adds([one, other]) = &step[low(bits, STEP) as usize];
        sum = Adds([sum.0[0] ^ *one, sum.0[1] ^ *other]);
        bits >>= STEP;
    }
    sum
}

/// How the bits that a register covers are cut into its pieces.
#[derive(Clone, Copy, Debug)]
struct Pieces {
    covered: u128,
    width: u32,
    /// As many bits as the whole pieces that 64 bits hold: of what is beyond, each piece is above
    /// another one.
    whole: u32,
    whole_mask: u64,
    mask: u32,
}

impl Pieces {
    fn new(FoldSpec { length, width }: FoldSpec) -> Self {
        let covered = if length < u128::BITS { (1 << length) - 1 } else { u128::MAX };
        // A register of nothing is 0 for ever.
        let (covered, width) = if width == 0 { (0, 1) } else { (covered, width) };
        let whole = u64::BITS / width * width;
        let whole_mask = u64::MAX >> (u64::BITS - whole);
        Self { covered, width, whole, whole_mask, mask: (1 << width) - 1 }
    }

    /// The latest bits that a register covers, folded.
    #[inline]
    fn fold(&self, bits: u128) -> u32 {
        let covered = bits & self.covered;
        let mut folded = covered as u64 & self.whole_mask;
        let mut beyond = covered >> self.whole;
        while beyond != 0 {
            folded ^= beyond as u64 & self.whole_mask;
            beyond >>= self.whole;
        }
        let mut pieces = folded >> self.width;
        while pieces != 0 {
            folded ^= pieces;
            pieces >>= self.width;
        }
        folded as u32 & self.mask
    }
}

/// What each step of the bits adds to the registers.
fn steps(folds: &[FoldSpec]) -> Box<[Step]> {
    let longest = folds.iter().map(|spec| spec.length).max().unwrap_or(0);
    let (_, places) = eights_of(folds);
    let value = |bits: u128| {
        let mut adds = Adds::default();
        for (specs, (eight, role)) in folds.chunks(LANES).zip(&places) {
            let mut all = [Lanes::default(); ROLES];
            all[*role] = registers(specs, bits);
            adds.0[*eight] = adds.0[*eight] ^ Folds::new(&all);
        }
        adds
    };
    let step = |number: u32| std::array::from_fn(|bits| value((bits as u128) << (number * STEP)));
    (0..longest.div_ceil(STEP)).map(step).collect()
}

/// Eight registers of these bits, each in the upper bits of its lane.
fn registers(specs: &[FoldSpec], bits: u128) -> Lanes {
    let mut lanes = Lanes::default();
    for (lane, spec) in lanes.0.iter_mut().zip(specs) {
        *lane = (Pieces::new(*spec).fold(bits) << (LANE - spec.width)) as u16;
    }
    lanes
}
