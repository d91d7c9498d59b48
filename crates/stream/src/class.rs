//! Timing classes.

use serde::{Deserialize, Serialize};

/// What an instruction needs to execute, as far as timing goes: the functional unit and its latency
/// group. A core's configuration gives each class a latency and a port.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Integer addition, logic, shift, compare, move.
    #[default]
    IntAlu,
    /// Integer multiplication.
    IntMul,
    /// Integer division and remainder.
    IntDiv,
    /// Floating-point addition, comparison, sign injection, minimum, maximum.
    FpAdd,
    /// Floating-point multiplication.
    FpMul,
    /// Floating-point fused multiply-add.
    FpFma,
    /// Floating-point division.
    FpDiv,
    /// Floating-point square root.
    FpSqrt,
    /// Conversion between number formats and moves between register files.
    FpConvert,
    /// A load, integer or floating point.
    Load,
    /// A store.
    Store,
    /// An atomic read-modify-write, or one half of a load-reserved/store-conditional pair.
    Atomic,
    /// A jump, call, return or conditional branch.
    Branch,
    /// An access to a control and status register.
    Csr,
    /// A memory-ordering or instruction-stream fence, or one of address translation.
    Fence,
    /// Cache maintenance and prefetch hints.
    Cache,
    /// An environment call, a return from a trap, a wait for interrupt and other system work.
    System,
    /// An instruction without effect.
    Nop,
}

impl Class {
    /// All classes, in order.
    pub const ALL: [Self; 18] = [
        Self::IntAlu,
        Self::IntMul,
        Self::IntDiv,
        Self::FpAdd,
        Self::FpMul,
        Self::FpFma,
        Self::FpDiv,
        Self::FpSqrt,
        Self::FpConvert,
        Self::Load,
        Self::Store,
        Self::Atomic,
        Self::Branch,
        Self::Csr,
        Self::Fence,
        Self::Cache,
        Self::System,
        Self::Nop,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_classes_is_in_order_and_complete() {
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
        }
        assert_eq!(Class::Nop as usize + 1, Class::ALL.len());
    }
}
