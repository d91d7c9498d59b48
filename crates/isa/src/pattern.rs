//! Bit patterns of instructions, parsed at compile time.
//!
//! A pattern lists the bits of an instruction from the most significant down, as the opcode listings of the
//! RISC-V manuals do. Tokens are separated by spaces:
//!
//! | token | bits | meaning |
//! |---|---|---|
//! | `0110011` | as many as digits | fixed bits |
//! | `-----` | as many as dashes | ignored bits |
//! | `rd rs1 rs2 rs3` | 5 | register field |
//! | `rd' rs1' rs2'` | 3 | register field of the compressed set, naming `x8..x15` |
//! | `zimm` | 5 | unsigned immediate kept in the `rs1` field |
//! | `rm` | 3 | rounding mode; the reserved modes 5 and 6 do not match |
//! | `imm[12\|10:5]` | sum of the ranges | immediate bits in instruction order, sign-extended from the highest |
//! | `uimm[5:0]` | sum of the ranges | the same, zero-extended |
//! | `nzimm[..] nzuimm[..]` | sum of the ranges | the same, where a zero immediate does not match |
//! | `rs1/rd` | width of either | one field with several roles |
//! | `rd!0`, `rd!2` | 5 | register field where that number does not match |
//! | `rs1=2` | none | the operand has this fixed number |

/// One register operand: a bit field plus a constant.
///
/// Absent fields have `mask == 0`, so that an operand fixed by the pattern (or absent: number 0) needs no
/// test when it is extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Lowest bit of the field.
    pub shift: u8,
    /// Mask of the field's width, zero when the field is absent.
    pub mask: u8,
    /// Added to the field's value.
    pub base: u8,
}

impl Field {
    const ABSENT: Field = Field { shift: 0, mask: 0, base: 0 };

    /// The operand's register number in `raw`.
    pub const fn extract(self, raw: u32) -> u8 {
        ((raw >> self.shift) as u8 & self.mask) + self.base
    }

    /// The bits that make the operand `value`, or `None` when the field cannot hold it.
    pub const fn insert(self, value: u8) -> Option<u32> {
        if value < self.base || value - self.base > self.mask {
            return None;
        }
        Some(((value - self.base) as u32) << self.shift)
    }
}

/// One contiguous piece of an immediate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Lowest bit in the instruction.
    pub from: u8,
    /// Lowest bit in the immediate.
    pub to: u8,
    /// Mask of the piece's width.
    pub mask: u32,
}

/// No register number.
const NONE: u8 = 255;
/// The most pieces an immediate has (`c.j`).
const MAX_RUNS: usize = 8;

/// A parsed pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bits the pattern fixes.
    pub mask: u32,
    /// The values of those bits.
    pub value: u32,
    /// Destination register.
    pub rd: Field,
    /// First source register.
    pub rs1: Field,
    /// Second source register.
    pub rs2: Field,
    /// Third source register.
    pub rs3: Field,
    /// Rounding mode.
    pub rm: Field,
    runs: [Run; MAX_RUNS],
    run_count: u8,
    /// Left-then-right shift that sign-extends the immediate; zero for unsigned ones.
    sign_shift: u8,
    nonzero_immediate: bool,
    /// Some field has a value that does not match.
    restricted: bool,
    /// Register number that does not match in `rd`, `rs1`, `rs2`, or [`NONE`].
    forbidden: [u8; 3],
}

impl Layout {
    /// Parses `pattern`, which must describe exactly `width` bits. Panics (at compile time) otherwise.
    pub const fn parse(pattern: &str, width: u8) -> Layout {
        let mut parser = Parser::new(pattern.as_bytes(), width);
        while parser.at < parser.text.len() {
            parser.token();
        }
        assert!(parser.position == 0, "the pattern does not describe every bit");
        parser.finish()
    }

    /// True when `raw` is an encoding of this pattern.
    pub const fn matches(&self, raw: u32) -> bool {
        raw & self.mask == self.value && (!self.restricted || self.allows(raw))
    }

    const fn allows(&self, raw: u32) -> bool {
        let reserved_rm = self.rm.mask != 0 && matches!(self.rm.extract(raw), 5 | 6);
        !(reserved_rm
            || self.rd.extract(raw) == self.forbidden[0]
            || self.rs1.extract(raw) == self.forbidden[1]
            || self.rs2.extract(raw) == self.forbidden[2]
            || self.nonzero_immediate && self.immediate(raw) == 0)
    }

    /// The immediate in `raw`, extended to 32 bits; zero when there is none.
    pub const fn immediate(&self, raw: u32) -> i32 {
        let mut imm = 0;
        let mut i = 0;
        while i < self.run_count as usize {
            let run = self.runs[i];
            imm |= (raw >> run.from & run.mask) << run.to;
            i += 1;
        }
        (imm as i32) << self.sign_shift >> self.sign_shift
    }

    /// The bits that make the immediate `imm`, or `None` when the fields cannot hold it.
    pub const fn insert_immediate(&self, imm: i32) -> Option<u32> {
        let mut raw = 0;
        let mut i = 0;
        while i < self.run_count as usize {
            let run = self.runs[i];
            raw |= (imm as u32 >> run.to & run.mask) << run.from;
            i += 1;
        }
        if self.immediate(raw) == imm { Some(raw) } else { None }
    }

    /// The instruction bits that hold the immediate.
    pub const fn immediate_bits(&self) -> u32 {
        let mut bits = 0;
        let mut i = 0;
        while i < self.run_count as usize {
            bits |= self.runs[i].mask << self.runs[i].from;
            i += 1;
        }
        bits
    }
}

/// Parser state: `position` bits of the word are still to be described.
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    position: u8,
    layout: Layout,
    signed: bool,
    top: u8,
}

impl<'a> Parser<'a> {
    const fn new(text: &'a [u8], width: u8) -> Self {
        let layout = Layout {
            mask: 0,
            value: 0,
            rd: Field::ABSENT,
            rs1: Field::ABSENT,
            rs2: Field::ABSENT,
            rs3: Field::ABSENT,
            rm: Field::ABSENT,
            runs: [Run { from: 0, to: 0, mask: 0 }; MAX_RUNS],
            run_count: 0,
            sign_shift: 0,
            nonzero_immediate: false,
            restricted: false,
            forbidden: [NONE; 3],
        };
        Parser { text, at: 0, position: width, layout, signed: false, top: 31 }
    }

    const fn finish(mut self) -> Layout {
        if self.signed {
            self.layout.sign_shift = 31 - self.top;
        }
        let layout = &mut self.layout;
        let [rd, rs1, rs2] = layout.forbidden;
        layout.restricted = layout.rm.mask != 0
            || layout.nonzero_immediate
            || rd != NONE
            || rs1 != NONE
            || rs2 != NONE;
        self.layout
    }

    const fn peek(&self) -> u8 {
        if self.at < self.text.len() { self.text[self.at] } else { b' ' }
    }

    const fn starts_with(&self, prefix: &str) -> bool {
        let prefix = prefix.as_bytes();
        let mut i = 0;
        while i < prefix.len() {
            if self.at + i >= self.text.len() || self.text[self.at + i] != prefix[i] {
                return false;
            }
            i += 1;
        }
        true
    }

    const fn token(&mut self) {
        match self.peek() {
            b' ' => self.at += 1,
            b'0' | b'1' | b'-' => self.bits(),
            _ if self.starts_with("nzuimm[") => self.immediate_token(7, false, true),
            _ if self.starts_with("nzimm[") => self.immediate_token(6, true, true),
            _ if self.starts_with("uimm[") => self.immediate_token(5, false, false),
            _ if self.starts_with("imm[") => self.immediate_token(4, true, false),
            _ => self.registers(),
        }
    }

    const fn bits(&mut self) {
        while self.peek() != b' ' {
            self.position -= 1;
            match self.peek() {
                b'-' => {}
                digit => {
                    assert!(digit == b'0' || digit == b'1', "expected 0, 1 or -");
                    self.layout.mask |= 1 << self.position;
                    self.layout.value |= ((digit - b'0') as u32) << self.position;
                }
            }
            self.at += 1;
        }
    }

    const fn number(&mut self) -> u8 {
        let mut n = 0;
        while self.peek().is_ascii_digit() {
            n = n * 10 + (self.peek() - b'0');
            self.at += 1;
        }
        n
    }

    const fn immediate_token(&mut self, prefix: usize, signed: bool, nonzero: bool) {
        self.at += prefix;
        self.signed = signed;
        if nonzero {
            self.layout.nonzero_immediate = true;
        }
        if self.layout.run_count == 0 {
            self.top = 0;
        }
        while self.text[self.at - 1] != b']' {
            let high = self.number();
            let mut low = high;
            if self.peek() == b':' {
                self.at += 1;
                low = self.number();
            }
            self.run(high, low);
            self.at += 1; // the `|` or `]` after the range
        }
    }

    const fn run(&mut self, high: u8, low: u8) {
        let width = high - low + 1;
        self.position -= width;
        let mask = u32::MAX >> (32 - width);
        self.layout.runs[self.layout.run_count as usize] =
            Run { from: self.position, to: low, mask };
        self.layout.run_count += 1;
        if high > self.top {
            self.top = high;
        }
    }

    /// One field with one or more roles, such as `rd`, `rs1'/rd'`, `rd!0`, `rs1=2`.
    const fn registers(&mut self) {
        let end = self.position;
        loop {
            self.position = end;
            self.register();
            if self.peek() != b'/' {
                break;
            }
            self.at += 1;
        }
        assert!(self.peek() == b' ', "unknown text after a register field");
    }

    const fn register(&mut self) {
        let role = self.role();
        let field = match self.peek() {
            b'=' => {
                self.at += 1;
                Field { shift: 0, mask: 0, base: self.number() }
            }
            b'\'' => {
                self.at += 1;
                self.position -= 3;
                Field { shift: self.position, mask: 7, base: 8 }
            }
            _ if role == 4 => {
                self.position -= 3;
                Field { shift: self.position, mask: 7, base: 0 }
            }
            _ => {
                self.position -= 5;
                Field { shift: self.position, mask: 31, base: 0 }
            }
        };
        if self.peek() == b'!' {
            self.at += 1;
            self.layout.forbidden[role] = self.number();
        }
        match role {
            0 => self.layout.rd = field,
            1 => self.layout.rs1 = field,
            2 => self.layout.rs2 = field,
            3 => self.layout.rs3 = field,
            _ => self.layout.rm = field,
        }
    }

    /// Reads a register field's name; its index among `rd rs1 rs2 rs3 rm`.
    const fn role(&mut self) -> usize {
        if self.starts_with("zimm") {
            self.at += 4;
            return 1;
        }
        let (role, length) = if self.starts_with("rd") {
            (0, 2)
        } else if self.starts_with("rs1") {
            (1, 3)
        } else if self.starts_with("rs2") {
            (2, 3)
        } else if self.starts_with("rs3") {
            (3, 3)
        } else {
            assert!(self.starts_with("rm"), "unknown field name");
            (4, 2)
        };
        self.at += length;
        role
    }
}
