//! Host-target interface: how bare-metal test programs end and print.
//!
//! The convention of the public RISC-V test suites: a program writes a 64-bit command to the symbol
//! `tohost` and, where it expects an answer, waits for `fromhost` to become non-zero. The top byte
//! names a device, the next one a command, the low 48 bits are the payload. Served here:
//!
//! - device 0, command 0, payload with bit 0 set: the end; 1 is success, `(n << 1) | 1` is failure n
//!   (some programs call n an exit code);
//! - device 0, command 0, an even payload: the address of eight 64-bit words that hold a system
//!   call, of which `write` (64) and `exit` (93) are served; the result replaces the first word;
//! - device 1, command 1: put one character on the console.
//!
//! Everything else is an error that says what was asked for. Console input is left out.

use ram::{OutsideRam, Ram};
use thiserror::Error;

const SYS_WRITE: u64 = 64;
const SYS_EXIT: u64 = 93;
/// Longest single `write`; a length beyond it is a bug in the program.
const MAX_WRITE: u64 = 1 << 20;
const EBADF: i64 = 9;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It wrote 1 to `tohost`.
    Pass,
    /// It wrote `(n << 1) | 1` with this n.
    Fail(u64),
}

/// A command that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HtifError {
    /// The program asked a device for something that is not modelled.
    #[error(
        "the program wrote {value:#x} to tohost: device {device} command {command} is not \
         implemented (implemented: exit, write and exit system calls, console output)"
    )]
    Command {
        /// The word in `tohost`.
        value: u64,
        /// Its device byte.
        device: u8,
        /// Its command byte.
        command: u8,
    },
    /// The program asked for a system call that is not served.
    #[error(
        "the program asked for system call {number} through tohost; only write (64) and exit (93) \
         are implemented"
    )]
    SystemCall {
        /// Linux system call number.
        number: u64,
    },
    /// A `write` of an implausible length.
    #[error("the program asked through tohost to write {len} bytes at once")]
    Length {
        /// The length asked for.
        len: u64,
    },
    /// A pointer that leads outside RAM.
    #[error("serving a tohost command: {0}")]
    Memory(#[from] OutsideRam),
}

/// The two words of one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Htif {
    /// Physical address of `tohost`.
    pub tohost: u64,
    /// Physical address of `fromhost`, if the program has it.
    pub fromhost: Option<u64>,
}

impl Htif {
    /// Serves what is in `tohost`, if anything; text for the console goes to `console`. Returns the
    /// verdict once the program has ended.
    pub fn poll(
        &self,
        ram: &mut Ram,
        console: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Verdict>, HtifError> {
        let value = ram.read_u64(self.tohost)?;
        if value == 0 {
            return Ok(None);
        }
        let (device, command) = ((value >> 56) as u8, (value >> 48) as u8);
        let payload = value & ((1 << 48) - 1);
        let verdict = match (device, command) {
            (0, 0) if payload & 1 == 1 => Some(verdict(payload >> 1)),
            (0, 0) => self.system_call(ram, payload, console)?,
            (1, 1) => {
                console(&[payload as u8]);
                None
            }
            _ => return Err(HtifError::Command { value, device, command }),
        };
        ram.write(self.tohost, &0u64.to_le_bytes())?;
        Ok(verdict)
    }

    fn system_call(
        &self,
        ram: &mut Ram,
        block: u64,
        console: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Verdict>, HtifError> {
        let mut words = [0; 4];
        for (at, word) in (block..).step_by(8).zip(&mut words) {
            *word = ram.read_u64(at)?;
        }
        let [number, arg0, arg1, arg2] = words;
        let result = match number {
            SYS_EXIT => return Ok(Some(verdict(arg0))),
            SYS_WRITE if !(1..=2).contains(&arg0) => -EBADF as u64,
            SYS_WRITE if arg2 > MAX_WRITE => return Err(HtifError::Length { len: arg2 }),
            SYS_WRITE => {
                let mut text = vec![0; arg2 as usize];
                ram.read(arg1, &mut text)?;
                console(&text);
                arg2
            }
            _ => return Err(HtifError::SystemCall { number }),
        };
        ram.write(block, &result.to_le_bytes())?;
        if let Some(fromhost) = self.fromhost {
            ram.write(fromhost, &1u64.to_le_bytes())?;
        }
        Ok(None)
    }
}

fn verdict(code: u64) -> Verdict {
    if code == 0 { Verdict::Pass } else { Verdict::Fail(code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ram::{CHUNK, RAM_BASE};

    const TOHOST: u64 = RAM_BASE + 0x100;
    const FROMHOST: u64 = RAM_BASE + 0x140;
    const BLOCK: u64 = RAM_BASE + 0x200;
    const TEXT: u64 = RAM_BASE + 0x400;

    /// Polls once with `value` in `tohost`; returns the answer, the console and the RAM.
    fn poll(value: u64, block: &[u64]) -> (Result<Option<Verdict>, HtifError>, Vec<u8>, Ram) {
        let mut ram = Ram::new(CHUNK);
        ram.write(TOHOST, &value.to_le_bytes()).unwrap();
        ram.write(TEXT, b"hello").unwrap();
        for (index, word) in block.iter().enumerate() {
            ram.write(BLOCK + 8 * index as u64, &word.to_le_bytes()).unwrap();
        }
        let mut console = Vec::new();
        let htif = Htif { tohost: TOHOST, fromhost: Some(FROMHOST) };
        let answer = htif.poll(&mut ram, &mut |text| console.extend_from_slice(text));
        (answer, console, ram)
    }

    #[test]
    fn nothing_in_tohost_means_the_program_goes_on() {
        assert_eq!(poll(0, &[]).0, Ok(None));
    }

    #[test]
    fn one_is_a_pass_and_odd_numbers_name_the_failed_test() {
        assert_eq!(poll(1, &[]).0, Ok(Some(Verdict::Pass)));
        assert_eq!(poll((7 << 1) | 1, &[]).0, Ok(Some(Verdict::Fail(7))));
    }

    #[test]
    fn a_write_system_call_prints_answers_and_acknowledges() {
        let (answer, console, mut ram) = poll(BLOCK, &[SYS_WRITE, 1, TEXT, 5]);
        assert_eq!((answer, console.as_slice()), (Ok(None), b"hello".as_slice()));
        assert_eq!(ram.read_u64(BLOCK), Ok(5));
        assert_eq!((ram.read_u64(FROMHOST), ram.read_u64(TOHOST)), (Ok(1), Ok(0)));
    }

    #[test]
    fn a_write_to_an_unknown_file_answers_ebadf_and_prints_nothing() {
        let (answer, console, mut ram) = poll(BLOCK, &[SYS_WRITE, 7, TEXT, 5]);
        assert_eq!((answer, console.len()), (Ok(None), 0));
        assert_eq!(ram.read_u64(BLOCK), Ok(-9i64 as u64));
    }

    #[test]
    fn an_exit_system_call_ends_the_program() {
        assert_eq!(poll(BLOCK, &[SYS_EXIT, 0]).0, Ok(Some(Verdict::Pass)));
        assert_eq!(poll(BLOCK, &[SYS_EXIT, 3]).0, Ok(Some(Verdict::Fail(3))));
    }

    #[test]
    fn a_console_character_is_printed_and_tohost_is_free_again() {
        let (answer, console, mut ram) = poll(0x0101_0000_0000_0041, &[]);
        assert_eq!((answer, console.as_slice()), (Ok(None), b"A".as_slice()));
        assert_eq!(ram.read_u64(TOHOST), Ok(0));
    }

    #[test]
    fn what_is_not_served_is_an_error_that_names_it() {
        let unknown = HtifError::Command { value: 2 << 56, device: 2, command: 0 };
        assert_eq!(poll(2 << 56, &[]).0, Err(unknown));
        assert_eq!(poll(BLOCK, &[57]).0, Err(HtifError::SystemCall { number: 57 }));
        assert!(matches!(poll(0x10, &[]).0, Err(HtifError::Memory(_))));
        assert!(matches!(poll(BLOCK, &[64, 1, TEXT, CHUNK]).0, Err(HtifError::Memory(_))));
        assert!(matches!(poll(BLOCK, &[64, 1, TEXT, 1 << 40]).0, Err(HtifError::Length { .. })));
    }
}
