//! Instruction formats: how operands are written in assembly and which register files they name.
//!
//! Where a field sits in the word is the pattern's business ([`crate::pattern`]); the format only says
//! what the field means.

/// A register file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegFile {
    /// Integer registers `x0..x31`.
    X,
    /// Floating-point registers `f0..f31`.
    F,
}

/// Which of the four register fields are operands, and of which file.
///
/// The immediate in the `rs1` field of `csrrwi` and its kin is not a register and shows as `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OperandKinds {
    /// Destination.
    pub rd: Option<RegFile>,
    /// First source; the base address of memory accesses.
    pub rs1: Option<RegFile>,
    /// Second source; the data of stores.
    pub rs2: Option<RegFile>,
    /// Third source, of fused multiply-add only.
    pub rs3: Option<RegFile>,
}

macro_rules! formats {
    ($( $(#[$doc:meta])* $name:ident: $rd:tt $rs1:tt $rs2:tt $rs3:tt; )*) => {
        /// Instruction format: assembly operand order and register files.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Format { $( $(#[$doc])* $name, )* }

        impl Format {
            /// The register files of the operand fields.
            pub const fn operand_kinds(self) -> OperandKinds {
                match self {
                    $( Format::$name => OperandKinds {
                        rd: kind!($rd), rs1: kind!($rs1), rs2: kind!($rs2), rs3: kind!($rs3),
                    }, )*
                }
            }
        }
    };
}

macro_rules! kind {
    (x) => {
        Some(RegFile::X)
    };
    (f) => {
        Some(RegFile::F)
    };
    (_) => {
        None
    };
}

formats! {
    // name: rd rs1 rs2 rs3
    /// `lui rd, upper`
    U: x _ _ _;
    /// `jal rd, target`
    J: x _ _ _;
    /// `jalr rd, offset(rs1)`
    Jalr: x x _ _;
    /// `beq rs1, rs2, target`
    B: _ x x _;
    /// `lw rd, offset(rs1)`
    Load: x x _ _;
    /// `sw rs2, offset(rs1)`
    S: _ x x _;
    /// `addi rd, rs1, imm`
    I: x x _ _;
    /// `slli rd, rs1, shamt`
    Shift: x x _ _;
    /// `add rd, rs1, rs2`
    R: x x x _;
    /// `clz rd, rs1`
    RUnary: x x _ _;
    /// `fence pred, succ`
    Fence: _ _ _ _;
    /// No operands.
    Bare: _ _ _ _;
    /// `csrrw rd, csr, rs1`
    Csr: x x _ _;
    /// `csrrwi rd, csr, imm`; the immediate is in the `rs1` field.
    CsrImm: x _ _ _;
    /// `lr.w rd, (rs1)`
    LoadReserved: x x _ _;
    /// `amoadd.w rd, rs2, (rs1)`
    Amo: x x x _;
    /// `flw fd, offset(rs1)`
    FpLoad: f x _ _;
    /// `fsw fs2, offset(rs1)`
    FpStore: _ x f _;
    /// `fmadd.s fd, fs1, fs2, fs3, rm`
    FpFma: f f f f;
    /// `fadd.s fd, fs1, fs2, rm`
    FpBinaryRm: f f f _;
    /// `fsqrt.s fd, fs1, rm`
    FpUnaryRm: f f _ _;
    /// `fsgnj.s fd, fs1, fs2`
    FpBinary: f f f _;
    /// `feq.s rd, fs1, fs2`
    FpCompare: x f f _;
    /// `fcvt.w.s rd, fs1, rm`
    FpToIntRm: x f _ _;
    /// `fmv.x.w rd, fs1`
    FpToInt: x f _ _;
    /// `fcvt.s.w fd, rs1, rm`
    IntToFpRm: f x _ _;
    /// `fmv.w.x fd, rs1`
    IntToFp: f x _ _;
    /// `cbo.zero (rs1)`
    Cbo: _ x _ _;
    /// `prefetch.r offset(rs1)`
    Prefetch: _ x _ _;
    /// `sfence.vma rs1, rs2`
    SfenceVma: _ x x _;
    /// `m5op func`
    Marker: _ _ _ _;
}
