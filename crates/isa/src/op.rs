//! The [`Op`] enum and what the table says of each instruction.

use crate::class::{Class, Extension};
use crate::format::{Format, OperandKinds};
use crate::pattern::Layout;

macro_rules! define_op {
    ($( ($variant:ident, $function:ident, $mnemonic:literal, $pattern:literal,
         $format:ident, $extension:ident, $class:ident), )*) => {
        /// An instruction of the table, in table order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Op {
            $( #[doc = concat!("`", $mnemonic, "`: `", $pattern, "`")] $variant, )*
        }

        /// How many rows the table has.
        pub(crate) const COUNT: usize = [$( Op::$variant, )*].len();

        /// The rows' operations: `OPS[op as usize] == op`.
        pub(crate) const OPS: [Op; COUNT] = [$( Op::$variant, )*];

        /// The rows' patterns, parsed at compile time; indexed by `Op`.
        pub(crate) static LAYOUTS: [Layout; COUNT] = LAYOUTS_CONST;
        pub(crate) const LAYOUTS_CONST: [Layout; COUNT] = [$( Layout::parse($pattern, 32), )*];

        static MNEMONICS: [&str; COUNT] = [$( $mnemonic, )*];
        static PATTERNS: [&str; COUNT] = [$( $pattern, )*];
        static FORMATS: [Format; COUNT] = [$( Format::$format, )*];
        static EXTENSIONS: [Extension; COUNT] = [$( Extension::$extension, )*];
        static CLASSES: [Class; COUNT] = [$( Class::$class, )*];
    };
}

crate::for_each_instruction!(define_op);

impl Op {
    /// How many instructions there are; `Op` values are `0..COUNT`.
    pub const COUNT: usize = COUNT;

    /// Every instruction, in table order: `Op::ALL[op as usize] == op`.
    pub const ALL: [Op; COUNT] = OPS;

    /// The assembler mnemonic, such as `fcvt.w.s`.
    pub fn mnemonic(self) -> &'static str {
        MNEMONICS[self as usize]
    }

    /// The instruction whose mnemonic is `mnemonic`, if the table has it.
    pub fn from_mnemonic(mnemonic: &str) -> Option<Op> {
        MNEMONICS.iter().position(|&m| m == mnemonic).map(|row| OPS[row])
    }

    /// The bit pattern as written in the table.
    pub fn pattern(self) -> &'static str {
        PATTERNS[self as usize]
    }

    /// Where the pattern's fields sit in the word.
    pub fn layout(self) -> &'static Layout {
        &LAYOUTS[self as usize]
    }

    /// The assembly format.
    pub fn format(self) -> Format {
        FORMATS[self as usize]
    }

    /// The extension that defines the instruction.
    pub fn extension(self) -> Extension {
        EXTENSIONS[self as usize]
    }

    /// The timing class.
    pub fn class(self) -> Class {
        CLASSES[self as usize]
    }

    /// Which register fields are operands, and of which file.
    pub fn operand_kinds(self) -> OperandKinds {
        self.format().operand_kinds()
    }
}
