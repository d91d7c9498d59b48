//! Where the parts of a conformance image lie in memory, and the shape of the blocks that the harness
//! and the programs share.

/// First byte of RAM and of the code.
pub const CODE: u64 = 0x8000_0000;
/// Bytes of RAM that the image may use; both machines are given this much.
pub const RAM_SIZE: u64 = 64 << 20;
/// End of the code.
pub const CODE_END: u64 = 0x8080_0000;
/// A code address with the bit that tells the user-mode alias from the identity mapping removed.
pub const ALIAS_MASK: u64 = 0xbfff_ffff;
/// The HTIF word.
pub const TOHOST: u64 = 0x8080_0000;
/// Initial state of the programs.
const INIT: u64 = 0x8090_0000;
const INIT_STRIDE: u64 = 0x240;
/// What the programs leave behind.
pub const RESULT: u64 = 0x8100_0000;
/// Bytes a program's results take.
pub const RESULT_STRIDE: u64 = 0x1000;
const SCRATCH: u64 = 0x8180_0000;
/// Bytes of memory that a program may use.
pub const SCRATCH_STRIDE: u64 = 0x2000;
/// Page tables and the pages they map, for programs that translate.
const TABLES: u64 = 0x8280_0000;
/// Bytes of page tables and mapped pages that a program may use.
pub const TABLES_STRIDE: u64 = 0x4_0000;

/// Most programs an image can hold.
pub const MAX_PROGRAMS: usize = 2048;
/// Most programs with page tables an image can hold.
pub const MAX_TRANSLATED: usize = 88;
/// End of the memory that programs use. QEMU puts its device tree above.
pub const END: u64 = TABLES + MAX_TRANSLATED as u64 * TABLES_STRIDE;

/// Address of the initial state of program `index`.
#[must_use]
pub fn init(index: usize) -> u64 {
    INIT + index as u64 * INIT_STRIDE
}

/// Address of the results of program `index`.
#[must_use]
pub fn result(index: usize) -> u64 {
    RESULT + index as u64 * RESULT_STRIDE
}

/// Address of the memory of program `index`.
#[must_use]
pub fn scratch(index: usize) -> u64 {
    SCRATCH + index as u64 * SCRATCH_STRIDE
}

/// Address of the page tables of program `index`.
#[must_use]
pub fn tables(index: usize) -> u64 {
    TABLES + index as u64 * TABLES_STRIDE
}

/// Offsets in the initial state: integer registers, with the end address in place of x0.
pub mod init_block {
    /// Where a program that cannot go on is resumed.
    pub const END: i32 = 0;
    /// Floating-point registers.
    pub const F: i32 = 0x100;
    /// Floating-point control and status.
    pub const FCSR: i32 = 0x200;
    /// Address of the results.
    pub const RESULT: i32 = 0x208;
    /// Size in bytes.
    pub const SIZE: usize = 0x210;
}

/// Offsets in the results: integer registers, with a mark in place of x0.
pub mod result_block {
    /// Becomes [`DONE`] when the program has ended.
    pub const MARK: i32 = 0;
    /// The value of the mark.
    pub const DONE: i32 = 0x5a5;
    /// Floating-point registers.
    pub const F: i32 = 0x100;
    /// Control registers, see [`CSRS`].
    pub const CSR: i32 = 0x200;
    /// How many traps were logged.
    pub const COUNT: i32 = 0x280;
    /// Where the handler resumes in machine mode, or zero for after the trapped instruction.
    pub const RESUME: i32 = 0x288;
    /// Where it resumes when it cannot.
    pub const END: i32 = 0x290;
    /// Room for the handler's registers x28 to x31.
    pub const SAVED: i32 = 0x298;
    /// The log: cause, pc, value and status of each trap.
    pub const LOG: i32 = 0x300;
    /// Most traps logged; the program is then ended.
    pub const MAX_TRAPS: i32 = 100;
    /// Control registers stored at the end, in order.
    pub const CSRS: [u16; 8] = [
        isa::csr::FCSR,
        isa::csr::MEPC,
        isa::csr::MCAUSE,
        isa::csr::MTVAL,
        isa::csr::SEPC,
        isa::csr::SCAUSE,
        isa::csr::STVAL,
        isa::csr::SSCRATCH,
    ];
}
