//! Signatures: how architecture tests hand over their results.
//!
//! A test leaves its results in memory between the symbols `begin_signature` and `end_signature`; the
//! host writes them as text, one 32-bit word a line in eight hexadecimal digits, as the RISC-V
//! architecture test suite compares them.

use crate::loader::Symbols;
use ram::{OutsideRam, Ram};
use thiserror::Error;

/// There is no signature to write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The program does not define both symbols.
    #[error("writing the signature: the program has no symbol {0}; it is not a signature test")]
    NoSymbol(&'static str),
    /// The symbols do not enclose whole words.
    #[error(
        "writing the signature: begin_signature ({begin:#x}) and end_signature ({end:#x}) do not \
         enclose whole 32-bit words"
    )]
    NotWords {
        /// Value of `begin_signature`.
        begin: u64,
        /// Value of `end_signature`.
        end: u64,
    },
    /// The signature is not in RAM.
    #[error("writing the signature: {0}")]
    Memory(#[from] OutsideRam),
}

/// The signature as text.
pub fn signature(ram: &mut Ram, symbols: &Symbols) -> Result<String, SignatureError> {
    let begin = symbols.begin_signature.ok_or(SignatureError::NoSymbol("begin_signature"))?;
    let end = symbols.end_signature.ok_or(SignatureError::NoSymbol("end_signature"))?;
    if begin > end || (end - begin) % 4 != 0 {
        return Err(SignatureError::NotWords { begin, end });
    }
    let len = end - begin;
    if ram.offset(begin, len).is_none() {
        return Err(OutsideRam { pa: begin, len }.into());
    }
    let mut text = String::new();
    for address in (begin..end).step_by(4) {
        text += &format!("{:08x}\n", ram.read_u32(address)?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ram::{CHUNK, RAM_BASE};

    fn between(begin: Option<u64>, end: Option<u64>) -> Result<String, SignatureError> {
        let mut ram = Ram::new(CHUNK);
        ram.write(RAM_BASE + 16, &[0xef, 0xbe, 0xad, 0xde, 1, 0, 0, 0]).unwrap();
        let symbols = Symbols { begin_signature: begin, end_signature: end, ..Symbols::default() };
        signature(&mut ram, &symbols)
    }

    #[test]
    fn words_are_written_one_a_line_low_byte_last() {
        let text = between(Some(RAM_BASE + 16), Some(RAM_BASE + 24)).unwrap();
        assert_eq!(text, "deadbeef\n00000001\n");
        assert_eq!(between(Some(RAM_BASE), Some(RAM_BASE)).unwrap(), "");
    }

    #[test]
    fn a_signature_that_is_missing_or_impossible_is_an_error() {
        let base = RAM_BASE;
        assert_eq!(between(None, Some(base)), Err(SignatureError::NoSymbol("begin_signature")));
        assert_eq!(between(Some(base), None), Err(SignatureError::NoSymbol("end_signature")));
        let not_words = |end| {
            matches!(between(Some(base + 8), Some(end)), Err(SignatureError::NotWords { .. }))
        };
        assert!(not_words(base + 4) && not_words(base + 13));
        assert!(matches!(
            between(Some(base), Some(base + 2 * CHUNK)),
            Err(SignatureError::Memory(_))
        ));
        assert!(matches!(between(Some(0), Some(u64::MAX - 3)), Err(SignatureError::Memory(_))));
    }
}
