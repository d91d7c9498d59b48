//! What semantics act on: memory by virtual address, and the few effects that leave the hart.

use crate::Hart;

/// Why an instruction ended straight-line execution. What was raised is kept in
/// [`Hart::exception`], so that the common path returns one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The instruction retired and set `pc` itself (or asks for a look around before the next).
    Jump,
    /// The instruction raised the exception in [`Hart::exception`] and did not retire.
    Raised,
}

/// An exception was raised and is kept in [`Hart::exception`]. It holds nothing, so that the outcome
/// of an access is returned in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised;

impl From<Raised> for Leave {
    #[inline(always)]
    fn from(_: Raised) -> Self {
        Self::Raised
    }
}

/// What a semantics function returns: `Ok` lets `pc` move on by the instruction's length.
pub type Outcome = Result<(), Leave>;

/// Something only the machine around the hart can do; taken up after the instruction retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// `ecall` from S-mode on a machine that serves SBI itself. Arguments are in a0..a7.
    Sbi,
    /// `wfi` (or `wrs.*`, which may give up at any time): nothing to do until an interrupt.
    Wait,
    /// `pause`: another hart is being waited for.
    Yield,
    /// A simulator marker (m5op) with its function number; arguments in a0..a5, result in a0.
    Marker(u8),
    /// A timer was set or a device moved: look at interrupt lines and deadlines again.
    Attention,
}

/// Cache-block management operations (Zicbom).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockOp {
    /// Write back and drop.
    Flush,
    /// Write back and keep.
    Clean,
    /// Drop.
    Inval,
}

/// What a prefetch hint (Zicbop) expects to happen to its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// It will be executed.
    Fetch,
    /// It will be read.
    Read,
    /// It will be written.
    Write,
}

/// An unsigned little-endian memory word.
pub trait Word: Copy + Default + PartialEq + std::fmt::Debug {
    /// Size in bytes.
    const SIZE: u64;
    /// Low bytes of `value`.
    fn truncate(value: u64) -> Self;
    /// Zero-extended value.
    fn extend(self) -> u64;
    /// Reads the first `SIZE` bytes of `bytes`.
    fn from_bytes(bytes: &[u8]) -> Self;
    /// Writes to the first `SIZE` bytes of `bytes`.
    fn to_bytes(self, bytes: &mut [u8]);
}

macro_rules! word {
    ($($t:ty),*) => {$(
        impl Word for $t {
            const SIZE: u64 = size_of::<$t>() as u64;
            #[inline(always)]
            fn truncate(value: u64) -> Self { value as $t }
            #[inline(always)]
            fn extend(self) -> u64 { u64::from(self) }
            #[inline(always)]
            fn from_bytes(bytes: &[u8]) -> Self {
                Self::from_le_bytes(*bytes.first_chunk().expect("the slice holds a word"))
            }
            #[inline(always)]
            fn to_bytes(self, bytes: &mut [u8]) {
                *bytes.first_chunk_mut().expect("the slice holds a word") = self.to_le_bytes();
            }
        }
    )*};
}
word!(u8, u16, u32, u64);

/// The world as one hart sees it. Every access is by virtual address, translated with the hart's
/// current privilege; a fault is left in [`Hart::exception`] and returned as [`Raised`].
pub trait Port: Sized {
    /// Loads a word; misaligned addresses work.
    fn load<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised>;

    /// Stores a word; misaligned addresses work.
    fn store<T: Word>(&mut self, hart: &mut Hart, va: u64, value: T) -> Result<(), Raised>;

    /// Replaces the word at `va` by `update` of it in one step and returns the old one.
    fn amo<T: Word>(
        &mut self,
        hart: &mut Hart,
        va: u64,
        update: impl FnOnce(T) -> T,
    ) -> Result<T, Raised>;

    /// Loads a word and reserves its address.
    fn load_reserved<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised>;

    /// Stores if the reservation still holds; returns whether it did. Drops the reservation.
    fn store_conditional<T: Word>(
        &mut self,
        hart: &mut Hart,
        va: u64,
        value: T,
    ) -> Result<bool, Raised>;

    /// Zeroes the 64-byte block that holds `va` (`cbo.zero`).
    fn zero_block(&mut self, hart: &mut Hart, va: u64) -> Result<(), Raised>;

    /// Manages the 64-byte block that holds `va`; functionally a permission check.
    fn manage_block(&mut self, hart: &mut Hart, va: u64, op: BlockOp) -> Result<(), Raised>;

    /// A hint about the block that holds `va`, which never faults and changes nothing that software
    /// can see.
    fn hint(&mut self, hart: &mut Hart, va: u64, hint: Hint);

    /// Makes earlier stores visible to this hart's instruction fetch.
    fn fence_i(&mut self, hart: &mut Hart);

    /// Drops cached translations: of one address or all, of one address space or all.
    fn sfence_vma(&mut self, hart: &mut Hart, va: Option<u64>, asid: Option<u16>);

    /// Privilege, `satp` or the access-modifying bits of `mstatus` changed.
    fn context_changed(&mut self, hart: &mut Hart);

    /// Physical memory protection changed: every cached permission is stale.
    fn protection_changed(&mut self, hart: &mut Hart);

    /// Asks the machine for something after this instruction.
    fn request(&mut self, hart: &mut Hart, request: Request);
}
