//! One hart on a bench: single instructions executed on chosen operands, for tests of one row at a time.

use engine::{FastPort, NoBus};
use hart::{Exception, Hart, Leave, exec};
use isa::{Inst, encode};
use ram::Ram;

/// Address of the instruction under test.
pub const PC: u64 = 0x8000_0100;
/// Memory for the instruction under test, in the middle of RAM.
pub const DATA: u64 = 0x8000_8000;

/// A hart in machine mode with a little RAM.
#[derive(Debug)]
pub struct Bench {
    /// The hart; its `pc` is [`PC`].
    pub hart: Hart,
    /// Its memory.
    pub port: FastPort<NoBus>,
}

impl Default for Bench {
    fn default() -> Self {
        let mut hart = Hart::new(0, PC);
        let mut port = FastPort::new(Ram::new(0x1_0000), NoBus, 1);
        port.adopt(&mut hart);
        Self { hart, port }
    }
}

impl Bench {
    /// Executes `inst`, encoded and decoded again, at [`PC`].
    ///
    /// # Errors
    /// With the exception it raises.
    pub fn execute(&mut self, inst: &Inst) -> Result<(), Exception> {
        self.execute_raw(encode(inst))
    }

    /// Executes the instruction with encoding `raw` at [`PC`].
    ///
    /// # Errors
    /// With the exception it raises.
    ///
    /// # Panics
    /// When `raw` is no instruction.
    pub fn execute_raw(&mut self, raw: u32) -> Result<(), Exception> {
        self.hart.pc = PC;
        let inst = exec::prepare(isa::decode(raw).expect("a legal encoding"));
        match exec::execute(&mut self.hart, &mut self.port, &inst) {
            Ok(()) => self.hart.pc += u64::from(inst.len),
            Err(Leave::Jump) => {}
            Err(Leave::Raised) => return Err(self.hart.exception),
        }
        self.hart.x[0] = 0;
        Ok(())
    }

    /// Writes a word at [`DATA`] plus `offset`.
    ///
    /// # Panics
    /// When that is outside RAM.
    pub fn poke(&mut self, offset: u64, value: u64) {
        self.port.ram.write(DATA + offset, &value.to_le_bytes()).expect("inside RAM");
    }

    /// Reads the word at [`DATA`] plus `offset`.
    ///
    /// # Panics
    /// When that is outside RAM.
    pub fn peek(&mut self, offset: u64) -> u64 {
        self.port.ram.read_u64(DATA + offset).expect("inside RAM")
    }
}
