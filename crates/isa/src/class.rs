//! What kind of work an instruction is, and which extension it belongs to.

/// The kind of work an instruction asks of a core: the latency group and functional unit of timing models.
///
/// Register files and memory widths are not part of the class; see [`crate::OperandKinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Single-cycle integer work: arithmetic, logic, shifts, bit manipulation.
    IntAlu,
    /// Integer multiplication.
    IntMul,
    /// Integer division and remainder.
    IntDiv,
    /// A load into either register file.
    Load,
    /// A store from either register file.
    Store,
    /// `lr`.
    LoadReserved,
    /// `sc`.
    StoreConditional,
    /// An atomic read-modify-write.
    Amo,
    /// A conditional branch.
    Branch,
    /// A direct unconditional jump.
    Jump,
    /// A jump through a register.
    JumpIndirect,
    /// Floating-point addition and subtraction.
    FpAdd,
    /// Floating-point multiplication.
    FpMul,
    /// Floating-point division.
    FpDiv,
    /// Floating-point square root.
    FpSqrt,
    /// Fused multiply-add.
    FpFma,
    /// Bit-pattern moves and sign injection.
    FpMove,
    /// Comparison, minimum, maximum, classification.
    FpCmp,
    /// Conversions between formats and between register files.
    FpCvt,
    /// Access to a control and status register.
    Csr,
    /// Memory or instruction-stream ordering.
    Fence,
    /// Environment calls, trap returns, waiting, translation fences.
    System,
    /// Cache-block management, zeroing and prefetch.
    CacheOp,
    /// A simulation marker: architecturally a call to the simulator.
    Marker,
}

impl Class {
    /// Every class, in declaration order.
    pub const ALL: [Class; 24] = [
        Class::IntAlu,
        Class::IntMul,
        Class::IntDiv,
        Class::Load,
        Class::Store,
        Class::LoadReserved,
        Class::StoreConditional,
        Class::Amo,
        Class::Branch,
        Class::Jump,
        Class::JumpIndirect,
        Class::FpAdd,
        Class::FpMul,
        Class::FpDiv,
        Class::FpSqrt,
        Class::FpFma,
        Class::FpMove,
        Class::FpCmp,
        Class::FpCvt,
        Class::Csr,
        Class::Fence,
        Class::System,
        Class::CacheOp,
        Class::Marker,
    ];

    /// True for branches and jumps, which may redirect fetch without trapping.
    pub const fn is_control_flow(self) -> bool {
        matches!(self, Class::Branch | Class::Jump | Class::JumpIndirect)
    }

    /// True when memory is read: loads, `lr` and atomics.
    pub const fn reads_memory(self) -> bool {
        matches!(self, Class::Load | Class::LoadReserved | Class::Amo)
    }

    /// True when memory is written: stores, `sc` and atomics.
    pub const fn writes_memory(self) -> bool {
        matches!(self, Class::Store | Class::StoreConditional | Class::Amo)
    }
}

/// The extension a row of the instruction table belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Extension {
    /// The RV64 base integer set.
    Rv64I,
    /// Instruction-fetch fence.
    Zifencei,
    /// Control and status register access.
    Zicsr,
    /// Multiplication and division.
    Rv64M,
    /// Atomics.
    Rv64A,
    /// Single-precision floating point.
    Rv64F,
    /// Double-precision floating point.
    Rv64D,
    /// Address generation.
    Zba,
    /// Basic bit manipulation.
    Zbb,
    /// Single-bit operations.
    Zbs,
    /// Cache-block management.
    Zicbom,
    /// Cache-block zeroing.
    Zicboz,
    /// Cache-block prefetch hints.
    Zicbop,
    /// Wait on reservation set.
    Zawrs,
    /// The pause hint.
    Zihintpause,
    /// Fine-grained translation invalidation.
    Svinval,
    /// Trap returns, `wfi` and `sfence.vma` of the privileged architecture.
    Privileged,
    /// gem5's simulation markers in the custom-3 opcode.
    M5ops,
}
