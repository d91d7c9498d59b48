//! Operand values worth trying: boundaries of integers and of the IEEE 754 formats.

use crate::random::Random;

/// Boundary values of the integer types.
pub const INTEGERS: [u64; 24] = [
    0,
    1,
    2,
    3,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0x8000_0000_0000_0001,
    0xffff_ffff_0000_0000,
    0xffff_ffff_7fff_ffff,
    0xffff_ffff_8000_0000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
    0x5555_5555_5555_5555,
    0x0123_4567_89ab_cdef,
];

const SINGLES: [u32; 28] = [
    0x0000_0000, // zero
    0x0000_0001, // smallest subnormal
    0x0000_0002,
    0x0040_0000,
    0x007f_ffff, // largest subnormal
    0x0080_0000, // smallest normal
    0x0080_0001,
    0x33ff_ffff, // around half an ulp of one
    0x3400_0000,
    0x3eff_ffff,
    0x3f00_0000, // one half
    0x3f7f_ffff,
    0x3f80_0000, // one
    0x3f80_0001,
    0x3fc0_0000, // one and a half
    0x4000_0000,
    0x4b00_0000, // 2^23
    0x4b80_0001,
    0x4eff_ffff,
    0x4f00_0000, // 2^31
    0x4f80_0000, // 2^32
    0x5eff_ffff,
    0x5f00_0000, // 2^63
    0x5f80_0000, // 2^64
    0x7f7f_ffff, // largest
    0x7f80_0000, // infinity
    0x7fc0_0000, // quiet NaN
    0x7f80_0001, // signalling NaN
];

const DOUBLES: [u64; 32] = [
    0x0000_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x0000_0000_0000_0002,
    0x0008_0000_0000_0000,
    0x000f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x0010_0000_0000_0001,
    0x3690_0000_0000_0000, // half the smallest single
    0x36a0_0000_0000_0000, // the smallest single
    0x380f_ffff_e000_0000, // around the smallest normal single
    0x380f_ffff_ffff_ffff,
    0x3810_0000_0000_0000,
    0x3ca0_0000_0000_0000, // half an ulp of one
    0x3cb0_0000_0000_0000,
    0x3fdf_ffff_ffff_ffff,
    0x3fe0_0000_0000_0000,
    0x3fef_ffff_ffff_ffff,
    0x3ff0_0000_0000_0000,
    0x3ff0_0000_1000_0000, // a tie when rounded to single
    0x3ff8_0000_0000_0000,
    0x41df_ffff_ffc0_0000, // 2^31 - 1
    0x41e0_0000_0000_0000,
    0x41ef_ffff_fff0_0000,
    0x43df_ffff_ffff_ffff,
    0x43e0_0000_0000_0000, // 2^63
    0x43f0_0000_0000_0000, // 2^64
    0x47ef_ffff_e000_0000, // largest single
    0x47ef_ffff_f000_0000, // rounds beyond it
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
];

/// An integer operand: a boundary value, something near one, or random bits.
pub fn integer(random: &mut Random) -> u64 {
    match random.below(8) {
        0..=2 => random.pick(&INTEGERS),
        3 => random.pick(&INTEGERS).wrapping_add(random.below(5) as u64).wrapping_sub(2),
        4 => 1 << random.below(64),
        5 => random.bits() >> random.below(64),
        6 => (random.bits() as i64 >> random.below(64)) as u64,
        _ => random.bits(),
    }
}

/// A floating-point register: a single (NaN-boxed, seldom not), a double, or random bits.
pub fn float(random: &mut Random) -> u64 {
    const BOX: u64 = 0xffff_ffff_0000_0000;
    match random.below(16) {
        0..=4 => BOX | u64::from(signed(random.pick(&SINGLES), random)),
        5 | 6 => BOX | u64::from(near_one(random)),
        7 => BOX | random.bits() >> 32,
        8 => u64::from(random.pick(&SINGLES)) | random.bits() << 32,
        9..=12 => random.pick(&DOUBLES) ^ random.bits() << 63,
        13 | 14 => 0x3c00_0000_0000_0000_u64.wrapping_add(random.bits() >> 5) ^ random.bits() << 63,
        _ => random.bits(),
    }
}

fn signed(single: u32, random: &mut Random) -> u32 {
    single ^ (random.bits() as u32) << 31
}

/// A single of moderate exponent, so that sums and products neither vanish nor overflow.
fn near_one(random: &mut Random) -> u32 {
    let exponent = 127 - 16 + random.below(32) as u32;
    let single = exponent << 23 | random.bits() as u32 & 0x7f_ffff;
    signed(single, random)
}
