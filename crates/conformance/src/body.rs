//! The code of one random program, and what its instructions may use.

use crate::asm::Asm;
use crate::layout;
use crate::random::Random;
use crate::values;
use isa::{Extension, Inst, Op};

/// Instructions that the machines under comparison both have, and have right.
#[derive(Clone, Debug)]
pub struct Features {
    extensions: Vec<Extension>,
    avoided: Vec<Op>,
}

impl Features {
    /// The instructions of these extensions except `avoided`.
    #[must_use]
    pub fn new(extensions: Vec<Extension>, avoided: Vec<Op>) -> Self {
        Self { extensions, avoided }
    }

    /// Everything the instruction table knows.
    #[must_use]
    pub fn all() -> Self {
        Self::new(Op::ALL.iter().map(|op| op.extension()).collect(), Vec::new())
    }

    /// Whether `op` may be used.
    #[must_use]
    pub fn allows(&self, op: Op) -> bool {
        self.has(op.extension()) && !self.avoided.contains(&op)
    }

    /// Whether instructions of `extension` may be used.
    #[must_use]
    pub fn has(&self, extension: Extension) -> bool {
        self.extensions.contains(&extension)
    }
}

/// A program under construction.
#[derive(Debug)]
pub struct Body<'a> {
    /// Where the code goes.
    pub asm: &'a mut Asm,
    /// The program's own randomness.
    pub random: Random,
    /// Which instructions may be used.
    pub features: &'a Features,
    /// The program's number in the image.
    pub index: usize,
    /// Registers that point at the middle of the program's memory.
    pub pointers: Vec<u8>,
    /// Registers that random instructions must not write, one bit each.
    pub reserved: u32,
    /// Memory the program wants filled at the start, beside its own scratch pages.
    pub memory: Vec<crate::elf::Segment>,
    /// Address where the program's random instructions begin.
    pub start: u64,
    /// The supervisor's trap handler.
    pub supervisor_handler: u64,
    /// `sscratch` belongs to that handler.
    pub delegated: bool,
    /// S and U mode are behind page tables.
    pub translated: bool,
}

impl<'a> Body<'a> {
    /// An empty program `index` at the assembler's position. Pointers are `sp`, one register that
    /// compressed instructions reach, and one other.
    #[must_use]
    pub fn new(asm: &'a mut Asm, features: &'a Features, index: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let low = 8 + random.below(8) as u8;
        let high = 16 + random.below(12) as u8;
        let pointers = vec![2, low, high];
        let reserved = pointers.iter().fold(0, |set, &p| set | 1 << p);
        let start = asm.here();
        Self {
            asm,
            random,
            features,
            index,
            pointers,
            reserved,
            memory: Vec::new(),
            start,
            supervisor_handler: 0,
            delegated: false,
            translated: false,
        }
    }

    /// Address that the pointers hold: the middle of the program's memory.
    #[must_use]
    pub fn middle(&self) -> u64 {
        layout::scratch(self.index) + layout::SCRATCH_STRIDE / 2
    }

    /// A register that holds [`Body::middle`].
    pub fn pointer(&mut self) -> u8 {
        self.random.pick(&self.pointers)
    }

    /// Whether a random instruction may write integer register `n`.
    #[must_use]
    pub fn writable(&self, n: u8) -> bool {
        self.reserved >> n & 1 == 0
    }

    /// An integer register that may be written, seldom x0.
    pub fn destination(&mut self) -> u8 {
        loop {
            let n = self.random.below(32) as u8;
            if self.writable(n) && (n != 0 || self.random.one_in(2)) {
                return n;
            }
        }
    }

    /// An integer register that may be written and read back: not x0.
    pub fn temporary(&mut self) -> u8 {
        loop {
            let n = self.destination();
            if n != 0 {
                return n;
            }
        }
    }

    /// Any register.
    pub fn register(&mut self) -> u8 {
        self.random.below(32) as u8
    }

    /// Random bits in every field of `op`, with an allowed rounding mode.
    pub fn fields(&mut self, op: Op) -> Inst {
        loop {
            let layout = op.layout();
            let raw = layout.value | self.random.bits() as u32 & !layout.mask;
            if let Some(inst) = isa::decode(raw).filter(|inst| inst.op == op) {
                return inst;
            }
        }
    }

    /// A constant worth trying, in `rd`.
    pub fn constant(&mut self, rd: u8) {
        let value = values::integer(&mut self.random);
        self.asm.constant(rd, value);
    }

    /// The initial values of the integer registers.
    pub fn initial_integers(&mut self) -> [u64; 32] {
        let mut x = [0; 32];
        for (n, value) in x.iter_mut().enumerate() {
            *value = if self.pointers.contains(&(n as u8)) {
                self.middle()
            } else {
                values::integer(&mut self.random)
            };
        }
        x
    }
}
