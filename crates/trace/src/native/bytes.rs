//! Integers of variable length.

/// A record that no writer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Appends seven bits a byte, the lowest first (LEB128).
#[inline]
pub(super) fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the difference `value - base`, small ones of both signs in few bytes (zigzag).
#[inline]
pub(super) fn put_difference(out: &mut Vec<u8>, value: u64, base: u64) {
    let difference = value.wrapping_sub(base) as i64;
    put_unsigned(out, ((difference << 1) ^ (difference >> 63)) as u64);
}

/// Where reading has come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// What is read.
    pub(super) bytes: Vec<u8>,
    /// The next byte.
    pub(super) at: usize,
}

impl Cursor {
    /// The next byte, which stays.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = self.peek().ok_or(Malformed("its block ends inside a record"))?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(super) fn unsigned(&mut self) -> Result<u64, Malformed> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a number has more than 64 bits"))
    }

    /// The value whose difference from `base` was put.
    #[inline]
    pub(super) fn difference(&mut self, base: u64) -> Result<u64, Malformed> {
        let zigzag = self.unsigned()?;
        Ok(base.wrapping_add((zigzag >> 1) ^ (zigzag & 1).wrapping_neg()))
    }

    /// A number of `u16`'s range.
    pub(super) fn short(&mut self) -> Result<u16, Malformed> {
        u16::try_from(self.unsigned()?).map_err(|_| Malformed("an address space has 16 bits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [u64; 9] = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 1 << 63, u64::MAX - 1, u64::MAX];

    fn cursor(bytes: Vec<u8>) -> Cursor {
        Cursor { bytes, at: 0 }
    }

    #[test]
    fn numbers_come_back_in_order() {
        let mut bytes = Vec::new();
        for value in VALUES {
            put_unsigned(&mut bytes, value);
            put_difference(&mut bytes, value, 0x8000_0000_0000);
        }
        let mut cursor = cursor(bytes);
        for value in VALUES {
            assert_eq!(cursor.unsigned(), Ok(value));
            assert_eq!(cursor.difference(0x8000_0000_0000), Ok(value));
        }
        assert!(cursor.byte().is_err());
    }

    #[test]
    fn differences_from_minus_64_to_63_take_a_byte() {
        for (difference, bytes) in [(-65_i64, 2), (-64, 1), (-1, 1), (0, 1), (63, 1), (64, 2)] {
            let mut out = Vec::new();
            put_difference(&mut out, 1000_u64.wrapping_add_signed(difference), 1000);
            assert_eq!(out.len(), bytes, "{difference}");
        }
    }

    #[test]
    fn a_number_that_does_not_end_or_does_not_fit_is_refused() {
        assert!(cursor(vec![0x80]).unsigned().is_err());
        assert!(cursor(vec![0xff; 10]).unsigned().is_err());
        let mut too_large = vec![0x80; 9];
        too_large.push(2);
        assert!(cursor(too_large).unsigned().is_err());
    }
}
