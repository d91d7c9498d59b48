//! A long sequence of bits with registers that hold it folded.

use crate::MAX_IN_FLIGHT;

/// A folded register: the latest `length` bits, exclusive-ored in pieces of `width` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldSpec {
    /// How many of the latest bits it covers.
    pub length: u32,
    /// Its width in bits, 1 to 31.
    pub width: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fold {
    spec: FoldSpec,
    /// Where a bit stands when it is too old.
    out: u32,
    value: u32,
}

impl Fold {
    fn new(spec: FoldSpec) -> Self {
        assert!((1..32).contains(&spec.width), "a folded register of {} bits", spec.width);
        Self { spec, out: spec.length % spec.width, value: 0 }
    }

    #[inline]
    fn enter(&mut self, new: u32, old: u32) {
        let (width, mask) = (self.spec.width, (1 << self.spec.width) - 1);
        let turned = (self.value << 1 | self.value >> (width - 1)) & mask;
        self.value = turned ^ new ^ old << self.out;
    }

    /// Undoes [`Fold::enter`] with the same bits.
    #[inline]
    fn leave(&mut self, new: u32, old: u32) {
        let (width, mask) = (self.spec.width, (1 << self.spec.width) - 1);
        let turned = self.value ^ new ^ old << self.out;
        self.value = (turned >> 1 | turned << (width - 1)) & mask;
    }
}

/// A sequence of bits that grows at one end and can be taken back from it.
///
/// The bits lie in a ring. Folding is linear, so taking a bit back undoes its folds exactly from
/// the bits around it; a checkpoint is a position.
#[derive(Clone, Debug)]
pub(crate) struct FoldedBits {
    ring: Box<[u64]>,
    position: u64,
    folds: Vec<Fold>,
}

/// Bits that can be taken back, beside those that folds still need.
const IN_FLIGHT_BITS: u32 = MAX_IN_FLIGHT as u32 * super::TARGET_BITS;

impl FoldedBits {
    pub(crate) fn new(folds: &[FoldSpec]) -> Self {
        let longest = folds.iter().map(|fold| fold.length).max().unwrap_or(0).max(64);
        let words = (longest + IN_FLIGHT_BITS).next_power_of_two() as usize / 64;
        let folds = folds.iter().map(|spec| Fold::new(*spec)).collect();
        Self { ring: vec![0; words].into(), position: 0, folds }
    }

    /// The bit that was pushed `age` bits ago; the latest has age 0.
    #[inline]
    fn bit(&self, age: u32) -> u32 {
        let at = self.position.wrapping_sub(1 + u64::from(age));
        let word = self.ring[(at / 64) as usize & (self.ring.len() - 1)];
        (word >> (at % 64)) as u32 & 1
    }

    #[inline]
    pub(crate) fn push(&mut self, bit: bool) {
        let new = u32::from(bit);
        for number in 0..self.folds.len() {
            let old = match self.folds[number].spec.length {
                0 => new,
                length => self.bit(length - 1),
            };
            self.folds[number].enter(new, old);
        }
        let word = &mut self.ring[(self.position / 64) as usize & (self.ring.len() - 1)];
        let place = self.position % 64;
        *word = *word & !(1 << place) | u64::from(bit) << place;
        self.position += 1;
    }

    fn pop(&mut self) {
        let new = self.bit(0);
        self.position -= 1;
        for number in 0..self.folds.len() {
            let old = match self.folds[number].spec.length {
                0 => new,
                length => self.bit(length - 1),
            };
            self.folds[number].leave(new, old);
        }
    }

    /// The number of bits ever pushed and not taken back.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Takes bits back until `position`.
    pub(crate) fn rewind(&mut self, position: u64) {
        assert!(position <= self.position, "a history cannot be rewound to its future");
        assert!(
            self.position - position <= u64::from(IN_FLIGHT_BITS),
            "a history keeps {IN_FLIGHT_BITS} bits to take back",
        );
        while self.position > position {
            self.pop();
        }
    }

    #[inline]
    pub(crate) fn fold(&self, number: usize) -> u32 {
        self.folds[number].value
    }

    /// The latest `count` bits (up to 64), the latest lowest.
    #[inline]
    pub(crate) fn recent(&self, count: u32) -> u64 {
        (0..count).fold(0, |value, age| value | u64::from(self.bit(age)) << age)
    }

    /// Bits of storage: as many as the longest fold covers, and the folds.
    pub(crate) fn storage_bits(&self) -> u64 {
        let longest = self.folds.iter().map(|fold| fold.spec.length).max().unwrap_or(0);
        let folds: u64 = self.folds.iter().map(|fold| u64::from(fold.spec.width)).sum();
        u64::from(longest) + folds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: [FoldSpec; 5] = [
        FoldSpec { length: 0, width: 5 },
        FoldSpec { length: 3, width: 10 },
        FoldSpec { length: 10, width: 5 },
        FoldSpec { length: 130, width: 11 },
        FoldSpec { length: 64, width: 1 },
    ];

    fn slow_fold(bits: &[bool], spec: FoldSpec) -> u32 {
        let latest = bits.iter().rev().take(spec.length as usize);
        latest
            .enumerate()
            .fold(0, |value, (age, bit)| value ^ u32::from(*bit) << (age as u32 % spec.width))
    }

    fn pattern(step: u64) -> bool {
        (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) & 1 == 1
    }

    #[test]
    fn a_fold_is_the_exclusive_or_of_the_pieces_of_the_latest_bits() {
        let mut folded = FoldedBits::new(&SPECS);
        let mut bits = Vec::new();
        for step in 0..20_000 {
            folded.push(pattern(step));
            bits.push(pattern(step));
            if step % 97 == 0 {
                for (number, spec) in SPECS.iter().enumerate() {
                    assert_eq!(folded.fold(number), slow_fold(&bits, *spec), "{spec:?}");
                }
            }
        }
    }

    #[test]
    fn taking_bits_back_restores_folds_and_bits_also_around_the_ring() {
        let mut folded = FoldedBits::new(&SPECS);
        for step in 0..100_000 {
            folded.push(pattern(step));
            if step % 4999 == 0 {
                let before = folded.clone();
                (0..8000).for_each(|more| folded.push(pattern(more * 7 + step)));
                folded.rewind(before.position());
                assert_eq!(folded.folds, before.folds);
                assert_eq!(folded.recent(64), before.recent(64));
            }
        }
    }
}
