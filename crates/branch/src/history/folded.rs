//! A long sequence of bits with registers that hold it folded.

use crate::MAX_IN_FLIGHT;
use crate::bits::low;

/// A folded register: the latest `length` bits, exclusive-ored in pieces of `width` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldSpec {
    /// How many of the latest bits it covers.
    pub length: u32,
    /// Its width in bits, 1 to 24.
    pub width: u32,
}

/// The widest folded register.
const MAX_WIDTH: u32 = 24;
/// The most bits that enter at once, so that a turned register stays within 32 bits.
const MAX_AT_ONCE: u32 = 32 - MAX_WIDTH;

/// Neighbouring registers over lengths that are neighbours too. They move in one loop without
/// branches, in which a shift by each register's own width is a multiplication: so the compiler can
/// move several at once even where the host has no such shifts.
#[derive(Clone, Debug)]
struct Run {
    /// The number of the first register's length among all lengths.
    first_length: usize,
    /// The places of each register.
    masks: Vec<u32>,
    /// 1 at the place where a bit stands when it is just too old.
    outs: Vec<u32>,
    /// What to multiply by so that the upper half of the product is shifted right by the width.
    rights: Vec<u32>,
}

impl Run {
    fn add(&mut self, spec: FoldSpec) {
        let FoldSpec { length, width } = spec;
        self.masks.push((1 << width) - 1);
        self.outs.push(1 << (length % width));
        self.rights.push(1 << (32 - width));
    }

    /// Enters the `count` bits `new` into each register, and takes those of `olds` out.
    #[inline]
    fn enter(&self, values: &mut [u32], olds: &[u32], count: u32, new: u32) {
        let shapes = self.masks.iter().zip(&self.outs).zip(&self.rights);
        for ((value, ((mask, out), right)), old) in values.iter_mut().zip(shapes).zip(olds) {
            let wide = *value << count ^ new ^ old.wrapping_mul(*out);
            *value = wide & mask ^ shifted(wide, *right);
        }
    }

    /// Undoes [`Run::enter`] with the same bits.
    #[inline]
    fn leave(&self, values: &mut [u32], olds: &[u32], count: u32, new: u32) {
        let shapes = self.masks.iter().zip(&self.outs).zip(&self.rights);
        for ((value, ((mask, out), right)), old) in values.iter_mut().zip(shapes).zip(olds) {
            let wide = new ^ old.wrapping_mul(*out);
            let turned = *value ^ wide & mask ^ shifted(wide, *right);
            let left = (mask + 1) >> count;
            *value = turned >> count | turned.wrapping_mul(left) & mask;
        }
    }
}

/// `value` shifted right by a width, given what to multiply by.
#[inline]
fn shifted(value: u32, right: u32) -> u32 {
    ((u64::from(value) * u64::from(right)) >> 32) as u32
}

/// A sequence of bits that grows at one end and can be taken back from it.
///
/// The bits lie in a ring that fills downwards, so that a bit's place is the head's plus its age. Each
/// word holds 32 places and the next 32 too: any few bits are read from one word.
/// Folding is linear, so taking bits back undoes their folds exactly from the bits around them; a
/// checkpoint is a position. A bit of age `a` stands at place `a % width` of a register.
#[derive(Clone, Debug)]
pub(crate) struct FoldedBits {
    ring: Box<[u64]>,
    head: u64,
    lengths: Vec<u32>,
    /// The bits that are too old for each length, while registers move.
    olds: Vec<u32>,
    runs: Vec<Run>,
    /// The registers, in the order they were asked for.
    values: Vec<u32>,
    /// Bits that move at once: no more than the narrowest register has.
    at_once: u32,
    widths: u32,
}

/// Bits that can be taken back, beside those that folds still need.
const IN_FLIGHT_BITS: u32 = MAX_IN_FLIGHT as u32 * super::TARGET_BITS;
/// Where the head starts: far from both ends of its range.
const START: u64 = 1 << 63;

impl FoldedBits {
    pub(crate) fn new(folds: &[FoldSpec]) -> Self {
        let longest = folds.iter().map(|fold| fold.length).max().unwrap_or(0).max(64);
        let words = (longest + IN_FLIGHT_BITS + MAX_AT_ONCE).next_power_of_two() as usize / 32;
        let narrowest = folds.iter().map(|fold| fold.width).min().unwrap_or(MAX_AT_ONCE);
        let (lengths, runs) = runs_of(folds);
        Self {
            ring: vec![0; words].into(),
            head: START,
            olds: vec![0; lengths.len()],
            lengths,
            runs,
            values: vec![0; folds.len()],
            at_once: narrowest.min(MAX_AT_ONCE),
            widths: folds.iter().map(|fold| fold.width).sum(),
        }
    }

    /// The word of the ring that begins with a place's 32 bits.
    #[inline]
    fn word(&self, place: u64) -> usize {
        (place / 32) as usize & (self.ring.len() - 1)
    }

    /// `count` bits (up to 32) from age `age` on, the youngest lowest.
    #[inline]
    fn bits(&self, age: u32, count: u32) -> u32 {
        let place = self.head + u64::from(age);
        low(self.ring[self.word(place)] >> (place % 32), count) as u32
    }

    /// Adds `count` bits (up to 31), of which the lowest becomes the youngest.
    #[inline]
    pub(crate) fn push(&mut self, bits: u32, count: u32) {
        debug_assert!(u64::from(bits) >> count == 0);
        let mut left = count;
        while left > 0 {
            let count = left.min(self.at_once);
            left -= count;
            self.push_piece(bits >> left & ((1 << count) - 1), count);
        }
    }

    #[inline]
    fn push_piece(&mut self, bits: u32, count: u32) {
        self.head -= u64::from(count);
        self.write(bits, count);
        self.find_olds(count);
        let mut rest = self.values.as_mut_slice();
        for run in &self.runs {
            let (own, others) = rest.split_at_mut(run.masks.len());
            run.enter(own, &self.olds[run.first_length..], count, bits);
            rest = others;
        }
    }

    /// Writes the youngest bits into each word that holds some of their places.
    #[inline]
    fn write(&mut self, bits: u32, count: u32) {
        let (shift, bits, mask) = ((self.head % 32) as u32, u64::from(bits), (1_u64 << count) - 1);
        let words = [self.word(self.head), self.word(self.head - 32), self.word(self.head + 32)];
        let put = |word: &mut u64, bits: u64, mask: u64| *word = *word & !mask | bits;
        put(&mut self.ring[words[0]], bits << shift, mask << shift);
        put(&mut self.ring[words[1]], bits << 32 << shift, mask << 32 << shift);
        put(&mut self.ring[words[2]], bits << shift >> 32, mask << shift >> 32);
    }

    /// Takes the `count` youngest bits back.
    fn pop_piece(&mut self, count: u32) {
        let new = self.bits(0, count);
        self.find_olds(count);
        let mut rest = self.values.as_mut_slice();
        for run in &self.runs {
            let (own, others) = rest.split_at_mut(run.masks.len());
            run.leave(own, &self.olds[run.first_length..], count, new);
            rest = others;
        }
        self.head += u64::from(count);
    }

    /// Reads the `count` bits just beyond each length.
    #[inline]
    fn find_olds(&mut self, count: u32) {
        for number in 0..self.lengths.len() {
            self.olds[number] = self.bits(self.lengths[number], count);
        }
    }

    /// The number of bits ever pushed and not taken back.
    pub(crate) fn position(&self) -> u64 {
        START - self.head
    }

    /// Takes bits back until `position`.
    pub(crate) fn rewind(&mut self, position: u64) {
        assert!(position <= self.position(), "a history cannot be rewound to its future");
        let mut left = self.position() - position;
        assert!(
            left <= u64::from(IN_FLIGHT_BITS),
            "a history keeps {IN_FLIGHT_BITS} bits to take back",
        );
        while left > 0 {
            let count = left.min(u64::from(self.at_once)) as u32;
            self.pop_piece(count);
            left -= u64::from(count);
        }
    }

    /// All registers, in the order they were asked for.
    #[inline]
    pub(crate) fn folds(&self) -> &[u32] {
        &self.values
    }

    /// The latest `count` bits (up to 64), the latest lowest.
    #[inline]
    pub(crate) fn recent(&self, count: u32) -> u64 {
        let near = self.bits(0, count.min(32));
        let far = self.bits(32, count.saturating_sub(32));
        u64::from(near) | u64::from(far) << 32
    }

    /// Bits of storage: as many as the longest fold covers, and the folds.
    pub(crate) fn storage_bits(&self) -> u64 {
        u64::from(self.lengths.iter().max().copied().unwrap_or(0) + self.widths)
    }
}

/// The different lengths in the order they appear, and the registers in runs.
fn runs_of(folds: &[FoldSpec]) -> (Vec<u32>, Vec<Run>) {
    let (mut lengths, mut runs) = (Vec::new(), Vec::<Run>::new());
    for fold in folds {
        let FoldSpec { length, width } = *fold;
        assert!((1..=MAX_WIDTH).contains(&width), "a folded register of {width} bits");
        let known = lengths.iter().position(|it| *it == length);
        let number = known.unwrap_or_else(|| {
            lengths.push(length);
            lengths.len() - 1
        });
        let follows = |run: &Run| run.first_length + run.masks.len() == number;
        if !runs.last().is_some_and(follows) {
            let (masks, outs, rights) = (Vec::new(), Vec::new(), Vec::new());
            runs.push(Run { first_length: number, masks, outs, rights });
        }
        runs.last_mut().expect("one was just added").add(*fold);
    }
    (lengths, runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: [FoldSpec; 8] = [
        FoldSpec { length: 0, width: 5 },
        FoldSpec { length: 3, width: 10 },
        FoldSpec { length: 10, width: 5 },
        FoldSpec { length: 130, width: 11 },
        FoldSpec { length: 130, width: 24 },
        FoldSpec { length: 131, width: 24 },
        FoldSpec { length: 3000, width: 24 },
        FoldSpec { length: 64, width: 1 },
    ];

    fn slow_fold(bits: &[bool], spec: FoldSpec) -> u32 {
        let latest = bits.iter().rev().take(spec.length as usize);
        latest
            .enumerate()
            .fold(0, |value, (age, bit)| value ^ u32::from(*bit) << (age as u32 % spec.width))
    }

    /// Some bits and how many, 1 to 16.
    fn pattern(step: u64) -> (u32, u32) {
        let mixed = step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let count = 1 + (mixed >> 60) as u32;
        (low(mixed >> 20, count) as u32, count)
    }

    fn push(folded: &mut FoldedBits, step: u64) {
        let (bits, count) = pattern(step);
        folded.push(bits, count);
    }

    /// All, which move bit by bit for the narrowest, and the wide ones, which move by eight.
    fn sets() -> [&'static [FoldSpec]; 2] {
        assert!(SPECS[3..7].iter().all(|spec| spec.width > MAX_AT_ONCE));
        [&SPECS, &SPECS[3..7]]
    }

    #[test]
    fn a_fold_is_the_exclusive_or_of_the_pieces_of_the_latest_bits() {
        sets().into_iter().for_each(check_folds);
    }

    fn check_folds(specs: &[FoldSpec]) {
        let mut folded = FoldedBits::new(specs);
        let mut bits = Vec::new();
        for step in 0..20_000 {
            push(&mut folded, step);
            let (new, count) = pattern(step);
            bits.extend((0..count).rev().map(|place| new >> place & 1 == 1));
            if step % 97 == 0 {
                for (number, spec) in specs.iter().enumerate() {
                    assert_eq!(folded.folds()[number], slow_fold(&bits, *spec), "{spec:?}");
                }
                let recent = bits.iter().rev().take(64).enumerate();
                let recent = recent.fold(0, |all, (age, bit)| all | u64::from(*bit) << age);
                assert_eq!(folded.recent(64), recent);
            }
        }
    }

    #[test]
    fn taking_bits_back_restores_folds_and_bits_also_around_the_ring() {
        sets().into_iter().for_each(check_rewinds);
    }

    fn check_rewinds(specs: &[FoldSpec]) {
        let mut folded = FoldedBits::new(specs);
        for step in 0..30_000 {
            push(&mut folded, step);
            if step % 499 == 0 {
                let before = folded.clone();
                let most = before.position() + u64::from(IN_FLIGHT_BITS) - 16;
                let mut more = step;
                while folded.position() < most {
                    more += 1;
                    push(&mut folded, more * 7);
                }
                folded.rewind(before.position());
                assert_eq!(folded.folds(), before.folds());
                assert_eq!(folded.recent(64), before.recent(64));
            }
        }
    }
}
