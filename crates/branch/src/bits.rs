//! Small arithmetic that predictors share: saturating counters and address bits.

use stream::VirtAddr;

/// Moves a signed counter of `bits` bits up or down, within its range.
#[inline]
pub(crate) fn step_signed(counter: i8, up: bool, bits: u32) -> i8 {
    let limit = (1_i16 << (bits - 1)) as i32;
    let next = i32::from(counter) + if up { 1 } else { -1 };
    next.clamp(-limit, limit - 1) as i8
}

/// Moves an unsigned counter of `bits` bits up or down, within its range.
#[inline]
pub(crate) fn step_unsigned(counter: u8, up: bool, bits: u32) -> u8 {
    let limit = ((1_u16 << bits) - 1) as u8;
    if up { counter.saturating_add(1).min(limit) } else { counter.saturating_sub(1) }
}

/// Twice the distance of a signed counter from the point where its guess changes: 1 is weakest.
#[inline]
pub(crate) fn strength(counter: i8) -> i32 {
    (2 * i32::from(counter) + 1).abs()
}

/// The bits of an instruction's address that differ between instructions of 2 and 4 bytes.
#[inline]
pub(crate) fn site_bits(pc: VirtAddr) -> u64 {
    pc.0 >> 1
}

/// The lowest `count` bits (below 64).
#[inline]
pub(crate) const fn low(value: u64, count: u32) -> u64 {
    value & ((1 << count) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_stop_at_both_ends() {
        assert_eq!(step_signed(3, true, 3), 3);
        assert_eq!(step_signed(-4, false, 3), -4);
        assert_eq!(step_signed(0, false, 3), -1);
        assert_eq!(step_signed(127, true, 8), 127);
        assert_eq!(step_unsigned(3, true, 2), 3);
        assert_eq!(step_unsigned(0, false, 2), 0);
        assert_eq!(step_unsigned(255, true, 8), 255);
    }

    #[test]
    fn the_two_counters_around_the_turning_point_are_weakest() {
        assert_eq!((strength(0), strength(-1), strength(3), strength(-4)), (1, 1, 7, 7));
    }
}
