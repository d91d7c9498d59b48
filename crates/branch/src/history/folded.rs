//! A long sequence of bits with registers that hold it folded.

use crate::MAX_IN_FLIGHT;
use crate::bits::low;
use crate::lanes::{LANES, Lanes};
use std::ops::BitXor;

/// A folded register: the latest `length` bits, exclusive-ored in pieces of `width` bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoldSpec {
    /// How many of the latest bits it covers.
    pub length: u32,
    /// Its width in bits, 1 to 16; or 0 to keep the bits without a register.
    pub width: u32,
}

impl FoldSpec {
    /// No register, to fill up eights of them with.
    pub(crate) const NONE: Self = Self { length: 0, width: 0 };

    /// Registers of three widths for each length, one for indices and two for tags, eight lengths after
    /// the other: as they are read by [eights](super::History::eights).
    pub(crate) fn eights(registers: &[(u32, [u32; ROLES])]) -> Vec<Self> {
        let eight = |registers: &[(u32, [u32; ROLES])]| {
            let mut specs = [[Self::NONE; LANES]; ROLES];
            for (lane, (length, widths)) in registers.iter().enumerate() {
                for (role, width) in widths.iter().enumerate() {
                    specs[role][lane] = Self { length: *length, width: *width };
                }
            }
            specs.concat()
        };
        registers.chunks(LANES).flat_map(eight).collect()
    }
}

/// The widest folded register.
const MAX_WIDTH: u32 = 16;
/// Bits of a lane.
pub(super) const LANE: u32 = u16::BITS;
/// The most bits that enter at once, so that no shift is by a whole lane.
const MAX_AT_ONCE: u32 = LANE - 1;

/// Registers that each length can have: one for indices and two for tags.
pub(crate) const ROLES: usize = 3;

/// The folded registers of eight lengths as hashes read them, each in the upper bits of its lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folds {
    pub(crate) index: Lanes,
    /// The sum of both registers for tags: one that is one bit narrower counts double.
    pub(crate) tag: Lanes,
}

impl Folds {
    #[inline]
    pub(crate) fn new([index, tag, other_tag]: &[Lanes; ROLES]) -> Self {
        Self { index: *index, tag: *tag ^ *other_tag }
    }
}

impl BitXor for Folds {
    type Output = Self;

    #[inline]
    fn bitxor(self, other: Self) -> Self {
        Self { index: self.index ^ other.index, tag: self.tag ^ other.tag }
    }
}

/// The shapes of eight registers. A register stands in the upper bits of its lane, so that what is
/// shifted out of it leaves the lane.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    /// Moves bits to where they stand when they are just too old: in the lower half of the product
    /// those that still fit below the register's end, in the upper half those that are turned.
    outs: Lanes,
    /// Moves bits from the lane's lower end to the register's.
    rights: Lanes,
    /// Moves the register's lowest bit to its highest place.
    turns: Lanes,
}

impl Shape {
    fn new(specs: &[FoldSpec]) -> Self {
        let lanes = |each: fn(u32, u32) -> u32| {
            let mut lanes = Lanes::default();
            for (lane, FoldSpec { length, width }) in lanes.0.iter_mut().zip(specs) {
                assert!(*width <= MAX_WIDTH, "a folded register of {width} bits");
                // A register of nothing is 0 for ever.
                let is_one = *width > 0 && *length > 0;
                *lane = if is_one { 1 << each(*length, *width) } else { 0 };
            }
            lanes
        };
        Self {
            outs: lanes(|length, width| LANE - width + length % width),
            rights: lanes(|_, width| LANE - width),
            turns: lanes(|_, width| width - 1),
        }
    }

    /// What enters at the lower end and what leaves where it stands.
    #[inline]
    fn moved(&self, young: Lanes, old: Lanes) -> Lanes {
        (young ^ old.high(self.outs)).low(self.rights) ^ old.low(self.outs)
    }

    /// Enters the bits `new` and takes `old` out, `count` of either.
    #[inline]
    fn enter(&self, value: Lanes, count: u32, new: Lanes, old: Lanes) -> Lanes {
        value << count ^ self.moved(value >> (LANE - count) ^ new, old)
    }

    /// Undoes [`Shape::enter`] with the same bits.
    #[inline]
    fn leave(&self, value: Lanes, count: u32, new: Lanes, old: Lanes) -> Lanes {
        let turned = value ^ self.moved(new, old);
        let places = Lanes(self.rights.0.map(u16::wrapping_neg));
        turned >> count & places ^ turned.low(self.turns >> (count - 1))
    }
}

/// Eight lengths with their registers.
#[derive(Clone, Debug)]
pub(super) struct Eight {
    lengths: [u32; LANES],
    /// How many of `values` are in use.
    roles: usize,
    /// Where a new bit enters `leaving`: only short lengths reach the latest bits.
    enters: Lanes,
    /// The part of `leaving` that a length reaches.
    reached: Lanes,
    /// The next bits to become too old, the first of them highest.
    leaving: Lanes,
    values: [Lanes; ROLES],
    shapes: [Shape; ROLES],
}

impl Eight {
    fn new(lengths: [u32; LANES]) -> Self {
        let lanes = |each: fn(u32) -> u16| Lanes(lengths.map(each));
        Self {
            lengths,
            roles: 0,
            enters: lanes(|length| match length {
                1..=LANE => 1 << (LANE - length),
                _ => 0,
            }),
            reached: lanes(|length| match length {
                1..LANE => u16::MAX << (LANE - length),
                _ => u16::MAX,
            }),
            leaving: Lanes::default(),
            values: [Lanes::default(); ROLES],
            shapes: [Shape::default(); ROLES],
        }
    }

    #[inline]
    fn enter(&mut self, count: u32, new: Lanes) {
        let old = self.leaving >> (LANE - count);
        self.leaving = self.leaving << count | new.low(self.enters);
        for (value, shape) in self.values.iter_mut().zip(&self.shapes) {
            *value = shape.enter(*value, count, new, old);
        }
    }

    fn leave(&mut self, count: u32, new: Lanes, old: Lanes) {
        for (value, shape) in self.values.iter_mut().zip(&self.shapes) {
            *value = shape.leave(*value, count, new, old);
        }
    }
}

/// A sequence of bits that grows at one end and can be taken back from it.
///
/// The bits lie in a ring that fills downwards, so that a bit's place is the head's plus its age.
/// Folding is linear, so taking bits back undoes their folds exactly from the bits around them: a
/// position is all it needs. The registers of the latest marks are kept beside that, because most are
/// gone back to soon or never. A bit of age `a` stands at place `a % width` of a register. Eight
/// lengths move at once; what leaves them is read ahead from the ring, sixteen bits a length.
#[derive(Clone, Debug)]
pub(super) struct FoldedBits {
    ring: Box<[u32]>,
    head: u64,
    /// The latest bits, the latest lowest.
    recent: u64,
    eights: Vec<Eight>,
    /// Bits that can enter before those that leave are read again.
    ahead: u32,
    /// The eight and the role of each eight registers that were asked for.
    places: Vec<(usize, usize)>,
    /// Bits that move at once: no more than the narrowest register has, or the shortest length.
    at_once: u32,
    specs: Vec<FoldSpec>,
    saved: Saved,
}

/// A place in the sequence to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    position: u64,
    /// Its number among the marks.
    number: u64,
}

impl From<Mark> for u128 {
    #[inline]
    fn from(mark: Mark) -> Self {
        Self::from(mark.position) | Self::from(mark.number) << u64::BITS
    }
}

impl From<u128> for Mark {
    #[inline]
    fn from(mark: u128) -> Self {
        Self { position: mark as u64, number: (mark >> u64::BITS) as u64 }
    }
}

impl Mark {
    /// How many bits were in the sequence.
    #[cfg(test)]
    pub(super) fn position(self) -> u64 {
        self.position
    }
}

/// The registers as they were at the latest marks, by the marks' numbers.
#[derive(Clone, Debug)]
struct Saved {
    /// The latest mark's number.
    latest: u64,
    /// The registers are those of the latest mark.
    is_current: bool,
    numbers: [u64; Self::MARKS],
    recent: [u64; Self::MARKS],
    ahead: [u32; Self::MARKS],
    /// What leaves and the values, of each eight lengths.
    eights: Vec<[Lanes; 1 + ROLES]>,
}

impl Saved {
    /// Squashes seldom reach back farther; and so many stay in the host's nearest cache.
    const MARKS: usize = 64;

    fn new(eights: usize) -> Self {
        Self {
            latest: 0,
            is_current: false,
            numbers: [0; Self::MARKS],
            recent: [0; Self::MARKS],
            ahead: [0; Self::MARKS],
            eights: vec![Default::default(); Self::MARKS * eights],
        }
    }

    fn place(number: u64) -> usize {
        number as usize % Self::MARKS
    }
}

/// Bits that can be taken back, beside those that folds still need.
const IN_FLIGHT_BITS: u32 = MAX_IN_FLIGHT as u32 * super::TARGET_BITS;
/// Where the head starts: far from both ends of its range.
const START: u64 = 1 << 63;

impl FoldedBits {
    pub(super) fn new(folds: &[FoldSpec]) -> Self {
        let longest = folds.iter().map(|fold| fold.length).max().unwrap_or(0).max(64);
        // Up to two words beyond are read or written.
        let places = (longest + IN_FLIGHT_BITS + 2 * u32::BITS).next_power_of_two();
        let registers = folds.iter().filter(|fold| fold.width > 0 && fold.length > 0);
        let narrowest = registers.map(|fold| fold.width.min(fold.length)).min();
        let (eights, places_of) = eights_of(folds);
        let saved = Saved::new(eights.len());
        Self {
            ring: vec![0; (places / u32::BITS) as usize].into(),
            head: START,
            recent: 0,
            eights,
            ahead: 0,
            places: places_of,
            at_once: narrowest.unwrap_or(MAX_AT_ONCE).min(MAX_AT_ONCE),
            specs: folds.to_vec(),
            saved,
        }
    }

    /// `count` bits (up to 32) from age `age` on, the youngest lowest.
    fn bits(&self, age: u32, count: u32) -> u32 {
        low(bits_at(&self.ring, self.head + u64::from(age)), count) as u32
    }

    /// Adds `count` bits (up to 31), of which the lowest becomes the youngest.
    #[inline(never)]
    pub(super) fn push(&mut self, bits: u32, count: u32) {
        debug_assert!(u64::from(bits) >> count == 0);
        let mut left = count;
        while left > self.at_once {
            left -= self.at_once;
            self.push_piece(bits >> left & ((1 << self.at_once) - 1), self.at_once);
        }
        self.push_piece(bits & ((1 << left) - 1), left);
    }

    #[inline]
    fn push_piece(&mut self, bits: u32, count: u32) {
        if self.ahead < count {
            self.look_ahead();
        }
        self.saved.is_current = false;
        self.ahead -= count;
        self.head -= u64::from(count);
        self.recent = self.recent << count | u64::from(bits);
        self.write();
        let new = Lanes::all(bits as u16);
        self.eights.iter_mut().for_each(|eight| eight.enter(count, new));
    }

    /// Writes the latest bits into the words that hold the youngest 32 places.
    #[inline]
    fn write(&mut self) {
        let near = word(&self.ring, self.head);
        let far = word(&self.ring, self.head + 32);
        let place = self.head % 32;
        self.ring[near] = (self.recent << place) as u32;
        self.ring[far] = (self.recent >> (32 - place)) as u32;
    }

    /// Reads the bits that become too old next.
    fn look_ahead(&mut self) {
        let from = self.head - u64::from(LANE);
        for eight in &mut self.eights {
            for (lane, length) in eight.leaving.0.iter_mut().zip(eight.lengths) {
                *lane = bits_at(&self.ring, from + u64::from(length)) as u16;
            }
            eight.leaving = eight.leaving & eight.reached;
        }
        self.ahead = LANE;
    }

    /// Takes the `count` youngest bits back.
    fn pop_piece(&mut self, count: u32) {
        let new = Lanes::all(self.bits(0, count) as u16);
        let mask = Lanes::all((1 << count) - 1);
        for eight in &mut self.eights {
            let mut old = Lanes::default();
            for (lane, length) in old.0.iter_mut().zip(eight.lengths) {
                *lane = bits_at(&self.ring, self.head + u64::from(length)) as u16;
            }
            eight.leave(count, new, old & mask);
        }
        self.head += u64::from(count);
    }

    /// The number of bits ever pushed and not taken back.
    #[inline]
    fn position(&self) -> u64 {
        START - self.head
    }

    /// Marks the place where the sequence stands.
    #[inline]
    pub(super) fn mark(&mut self) -> Mark {
        if !self.saved.is_current {
            self.save();
        }
        Mark { position: self.position(), number: self.saved.latest }
    }

    #[inline(never)]
    fn save(&mut self) {
        let saved = &mut self.saved;
        saved.latest += 1;
        saved.is_current = true;
        let place = Saved::place(saved.latest);
        saved.numbers[place] = saved.latest;
        saved.recent[place] = self.recent;
        saved.ahead[place] = self.ahead;
        let all = saved.eights[place * self.eights.len()..].iter_mut();
        for (all, eight) in all.zip(&self.eights) {
            let [a, b, c] = eight.values;
            *all = [eight.leaving, a, b, c];
        }
    }

    /// Takes bits back until `mark`, which was made since they were taken back farther.
    pub(super) fn rewind(&mut self, mark: &Mark) {
        assert!(mark.position <= self.position(), "a history cannot be rewound to its future");
        if mark.position == self.position() {
            return;
        }
        let place = Saved::place(mark.number);
        if self.saved.numbers[place] == mark.number {
            self.restore(mark, place);
        } else {
            self.take_back(self.position() - mark.position);
        }
    }

    fn restore(&mut self, mark: &Mark, place: usize) {
        self.head = START - mark.position;
        self.recent = self.saved.recent[place];
        self.ahead = self.saved.ahead[place];
        let all = self.saved.eights[place * self.eights.len()..].iter();
        for (eight, [leaving, values @ ..]) in self.eights.iter_mut().zip(all) {
            eight.leaving = *leaving;
            eight.values = *values;
        }
        self.saved.is_current = false;
    }

    /// Takes the latest `left` bits back from what they did.
    fn take_back(&mut self, mut left: u64) {
        assert!(
            left <= u64::from(IN_FLIGHT_BITS),
            "a history keeps {IN_FLIGHT_BITS} bits to take back",
        );
        while left > 0 {
            let count = left.min(u64::from(self.at_once)) as u32;
            self.pop_piece(count);
            left -= u64::from(count);
        }
        self.recent = u64::from(self.bits(0, 32)) | u64::from(self.bits(32, 32)) << 32;
        self.ahead = 0;
        self.saved.is_current = false;
    }

    /// Reads the registers of each eight lengths, in the order they were asked for, as far as there is
    /// room.
    #[inline(never)]
    pub(super) fn read_eights(&self, room: &mut [Folds]) {
        for (room, eight) in room.iter_mut().zip(&self.eights) {
            *room = Folds::new(&eight.values);
        }
    }

    /// One register.
    #[inline]
    pub(super) fn fold(&self, number: usize) -> u32 {
        let (eight, role) = self.places[number / LANES];
        let lane = self.eights[eight].values[role].0[number % LANES];
        u32::from(lane) >> (LANE - self.specs[number].width)
    }

    /// The latest 64 bits, the latest lowest.
    #[inline]
    pub(super) fn recent(&self) -> u64 {
        self.recent
    }

    pub(super) fn specs(&self) -> &[FoldSpec] {
        &self.specs
    }
}

/// The word of a ring that holds a place.
#[inline]
fn word(ring: &[u32], place: u64) -> usize {
    (place / 32) as usize & (ring.len() - 1)
}

/// At least 32 bits from a place on.
#[inline]
fn bits_at(ring: &[u32], place: u64) -> u64 {
    let (near, far) = (ring[word(ring, place)], ring[word(ring, place + 32)]);
    (u64::from(far) << 32 | u64::from(near)) >> (place % 32)
}

/// The registers by eight lengths, and where each eight registers went.
pub(super) fn eights_of(folds: &[FoldSpec]) -> (Vec<Eight>, Vec<(usize, usize)>) {
    let (mut eights, mut places) = (Vec::<Eight>::new(), Vec::new());
    for specs in folds.chunks(LANES) {
        let length = |lane: usize| specs.get(lane).map_or(0, |spec| spec.length);
        let lengths = std::array::from_fn(length);
        let has_room = |eight: &Eight| eight.lengths == lengths && eight.roles < ROLES;
        let number = eights.iter().position(has_room).unwrap_or(eights.len());
        if number == eights.len() {
            eights.push(Eight::new(lengths));
        }
        let eight = &mut eights[number];
        eight.shapes[eight.roles] = Shape::new(specs);
        places.push((number, eight.roles));
        eight.roles += 1;
    }
    (eights, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn spec(length: u32, width: u32) -> FoldSpec {
        FoldSpec { length, width }
    }

    const SPECS: [FoldSpec; 12] = [
        spec(64, 1),
        spec(0, 5),
        spec(3, 10),
        spec(10, 5),
        FoldSpec::NONE,
        spec(15, 16),
        spec(16, 9),
        spec(17, 12),
        spec(130, 11),
        spec(131, 16),
        spec(3000, 16),
        spec(3000, 15),
    ];

    fn slow_fold(bits: &[bool], spec: FoldSpec) -> u32 {
        let latest = bits.iter().rev().take(spec.length as usize).enumerate();
        let place = |age: usize| age as u32 % spec.width;
        latest.fold(0, |value, (age, bit)| value ^ u32::from(*bit) << place(age))
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

    /// All, which move bit by bit for the narrowest, those that move by a few, and the wide ones,
    /// which move by many.
    fn sets() -> [&'static [FoldSpec]; 3] {
        assert!(SPECS[8..].iter().all(|spec| spec.width >= 11));
        [&SPECS, &SPECS[1..], &SPECS[8..]]
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
                    assert_eq!(folded.fold(number), slow_fold(&bits, *spec), "{spec:?}");
                }
                let recent = bits.iter().rev().take(64).enumerate();
                let recent = recent.fold(0, |all, (age, bit)| all | u64::from(*bit) << age);
                assert_eq!(folded.recent(), recent);
            }
        }
    }

    #[test]
    fn taking_bits_back_restores_folds_and_bits_also_around_the_ring() {
        sets().into_iter().for_each(check_rewinds);
    }

    fn check_equal(a: &FoldedBits, b: &FoldedBits) {
        let all = |bits: &FoldedBits| bits.eights.iter().map(|it| it.values).collect::<Vec<_>>();
        assert_eq!(all(a), all(b));
        assert_eq!((a.position(), a.recent()), (b.position(), b.recent()));
    }

    #[test]
    fn a_mark_of_another_past_is_not_taken_for_one_at_the_same_place() {
        let mut folded = FoldedBits::new(&SPECS);
        push(&mut folded, 1);
        let first = folded.mark();
        folded.push(0b101, 3);
        folded.mark();
        folded.rewind(&first);
        folded.push(0b010, 3);
        let second = folded.mark();
        let before = folded.clone();
        (0..50).for_each(|step| push(&mut folded, step));
        folded.rewind(&second);
        check_equal(&folded, &before);
    }

    fn check_rewinds(specs: &[FoldSpec]) {
        let mut folded = FoldedBits::new(specs);
        for step in 0..30_000 {
            push(&mut folded, step);
            if step % 499 == 0 {
                let mark = folded.mark();
                let before = folded.clone();
                let most = before.position() + u64::from(IN_FLIGHT_BITS) - 16;
                // Every other time the mark is no longer among those whose registers are kept.
                let marks = step % 2 == 0;
                let mut more = step;
                while folded.position() < most {
                    more += 1;
                    push(&mut folded, more * 7);
                    if marks {
                        folded.mark();
                    }
                }
                folded.rewind(&mark);
                check_equal(&folded, &before);
                // What leaves is read from the ring, which must be as it was, too.
                let (mut again, mut straight) = (folded.clone(), before.clone());
                for step in 0..40 {
                    push(&mut again, step);
                    push(&mut straight, step);
                    check_equal(&again, &straight);
                }
            }
        }
    }
}
