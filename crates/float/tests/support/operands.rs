//! Operands: every boundary of a format, and seeded random ones that crowd around boundaries.

use super::oracle::Layout;

/// The patterns at which something changes, of both signs.
pub fn corners(layout: Layout) -> Vec<u64> {
    let one = (layout.infinity() / 2) & layout.infinity();
    let unit = layout.min_normal();
    let fraction = unit - 1;
    let magnitudes = [
        0,
        1,
        2,
        3,
        unit / 2,
        unit / 2 + 1,
        unit - 2,
        unit - 1,
        unit,
        unit + 1,
        2 * unit - 1,
        2 * unit,
        one - unit,
        one - 1,
        one,
        one + 1,
        one + unit / 2,
        one + fraction,
        one + unit,
        one + unit + 1,
        layout.infinity() - unit,
        layout.infinity() - 2,
        layout.infinity() - 1,
        layout.infinity(),
        layout.infinity() + 1,
        layout.nan() - 1,
        layout.nan(),
        layout.nan() + 1,
        layout.infinity() | fraction,
    ];
    magnitudes.iter().flat_map(|&m| [m, m | layout.sign()]).collect()
}

/// A seeded generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.bits() % limit
    }

    /// A fraction field: random, or a few set or cleared bits, so that ties and carries occur.
    fn fraction(&mut self, layout: Layout) -> u64 {
        let mask = layout.min_normal() - 1;
        let width = u64::from(layout.min_normal().trailing_zeros());
        let run = |r: &mut Self| mask >> r.below(width + 1);
        (match self.below(5) {
            0 => self.bits(),
            1 => (1 << self.below(width)) | (1 << self.below(width)),
            2 => !(1 << self.below(width)) << self.below(3),
            3 => !run(self),
            _ => run(self),
        }) & mask
    }

    /// A pattern whose exponent field is within `spread` of `field`, clamped to the format.
    fn near(&mut self, layout: Layout, field: i64, spread: u64) -> u64 {
        let width = layout.min_normal().trailing_zeros();
        let top = (layout.infinity() >> width) as i64;
        let offset = self.below(2 * spread + 1) as i64 - spread as i64;
        let field = (field + offset).clamp(0, top) as u64;
        let sign = if self.bits() & 1 == 0 { 0 } else { layout.sign() };
        sign | field << width | self.fraction(layout)
    }

    /// Any pattern, boundaries favoured.
    pub fn operand(&mut self, layout: Layout) -> u64 {
        let width = layout.min_normal().trailing_zeros();
        let top = (layout.infinity() >> width) as i64;
        match self.below(8) {
            0 => self.bits() & (layout.sign() | (layout.sign() - 1)),
            1 => {
                let corners = corners(layout);
                corners[self.below(corners.len() as u64) as usize]
            }
            2 => self.near(layout, 0, 3),
            3 => self.near(layout, top - 1, 2),
            4 => self.near(layout, top / 4, 3),
            5 => self.near(layout, top * 3 / 4, 3),
            _ => self.near(layout, top / 2, 70),
        }
    }

    /// A partner for `a` that makes sums cancel, or products land near a boundary.
    pub fn partner(&mut self, layout: Layout, a: u64) -> u64 {
        let width = layout.min_normal().trailing_zeros();
        let top = (layout.infinity() >> width) as i64;
        let field = ((a & layout.infinity()) >> width) as i64;
        match self.below(6) {
            0 => a ^ layout.sign() ^ self.below(4),
            1 => self.near(layout, field, 2),
            2 => self.near(layout, field, width.into()),
            // Products at the lower and the upper end of the range.
            3 => self.near(layout, top / 2 - field, 2),
            4 => self.near(layout, top / 2 + top - field, 2),
            _ => self.operand(layout),
        }
    }
}
