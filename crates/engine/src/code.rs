//! Instructions decoded once: blocks of threaded code.
//!
//! A block is a run of instructions of one physical page, from an entry point up to a jump, a system
//! instruction or the page's end; a conditional branch that is not taken falls through inside it.
//! Blocks are found by physical address, so address spaces and harts share them; what depends on the
//! virtual address is computed from `pc` when the instruction executes.

use crate::Bus;
use crate::threaded::{Decoded, Thread, stale};
use hart::exec;
use isa::{Class, Inst, Op};
use ram::{PAGE, Ram};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A run of decoded instructions: where it starts in the arena, and its length in the low
/// [`LEN_BITS`] bits. A block that is no longer valid starts with [`stale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block(u32);

const LEN_BITS: u32 = 7;

impl Block {
    pub(crate) const NONE: Self = Self(0);

    fn new(start: usize, len: usize) -> Self {
        Self((start << LEN_BITS | len) as u32)
    }

    #[inline(always)]
    pub(crate) fn start(self) -> usize {
        (self.0 >> LEN_BITS) as usize
    }

    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        (self.0 & ((1 << LEN_BITS) - 1)) as usize
    }
}

/// Most instructions in a block: bounds what a look at the clock can be late.
pub(crate) const MAX_BLOCK: usize = 64;
/// When so many instructions are held, all are dropped: code that was overwritten stays until then.
const ARENA_LIMIT: usize = 4 << 20;
const _: () = assert!(MAX_BLOCK < 1 << LEN_BITS && MAX_BLOCK * 4 - 4 <= u8::MAX as usize);
const _: () = assert!(ARENA_LIMIT + MAX_BLOCK < 1 << (32 - LEN_BITS));

/// Multiplicative hashing: keys are addresses, and nothing iterates over the maps.
#[derive(Default)]
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 29;
    }
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
}

type AddressMap<T> = HashMap<usize, T, BuildHasherDefault<AddressHasher>>;

/// All decoded code.
pub struct Code<B: Bus> {
    pub(crate) arena: Vec<Decoded<B>>,
    by_offset: AddressMap<Block>,
    by_page: AddressMap<Vec<(usize, Block)>>,
}

impl<B: Bus> std::fmt::Debug for Code<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("blocks", &self.by_offset.len()).finish_non_exhaustive()
    }
}

impl<B: Bus> Default for Code<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Bus> Code<B> {
    /// No code.
    #[must_use]
    pub fn new() -> Self {
        Self { arena: Vec::new(), by_offset: AddressMap::default(), by_page: AddressMap::default() }
    }

    /// Drops everything. Jump caches must be flushed with it.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.by_offset.clear();
        self.by_page.clear();
    }

    /// Whether it is time for a [`Code::clear`].
    pub(crate) fn is_full(&self) -> bool {
        self.arena.len() > ARENA_LIMIT
    }

    /// Drops the blocks of RAM page `page`.
    pub(crate) fn invalidate(&mut self, page: usize) {
        for (offset, block) in self.by_page.remove(&page).unwrap_or_default() {
            self.arena[block.start()].exec = stale;
            self.by_offset.remove(&offset);
        }
    }

    /// The block at RAM offset `offset`, decoded now if it is new. `None` if no instruction there is
    /// whole and legal.
    pub(crate) fn block_at(&mut self, ram: &Ram, offset: usize) -> Option<Block> {
        if let Some(&block) = self.by_offset.get(&offset) {
            return Some(block);
        }
        let start = self.arena.len();
        let len = self.decode(ram, offset);
        if len == 0 {
            return None;
        }
        let block = Block::new(start, len);
        self.by_offset.insert(offset, block);
        self.by_page.entry(offset / PAGE as usize).or_default().push((offset, block));
        Some(block)
    }

    fn decode(&mut self, ram: &Ram, offset: usize) -> usize {
        let page_end = (offset | 0xfff) + 1;
        let mut at = offset;
        let mut pc_at = offset;
        let mut len = 0;
        while len < MAX_BLOCK {
            let Some(inst) = decode_at(ram, at, page_end) else { break };
            if len > 0 && reads_counters(&inst) {
                break;
            }
            let (exec, uses_pc) = exec::wrap::<Thread<B>>(inst.op);
            let lag = (at - pc_at) as u8;
            if uses_pc {
                pc_at = at;
            }
            at += usize::from(inst.len);
            len += 1;
            let inst = exec::prepare(inst);
            self.arena.push(Decoded { exec, inst, lag });
            if ends_block(inst.op) {
                break;
            }
        }
        len
    }
}

/// Decodes the instruction at RAM offset `at` if it is legal and ends before `page_end`.
fn decode_at(ram: &Ram, at: usize, page_end: usize) -> Option<Inst> {
    if at + 2 > page_end {
        return None;
    }
    let bytes = ram.bytes();
    let low = u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    if low & 3 != 3 {
        return isa::decode(low);
    }
    if at + 4 > page_end {
        return None;
    }
    let high = u32::from(u16::from_le_bytes([bytes[at + 2], bytes[at + 3]]));
    isa::decode(low | high << 16)
}

/// Instructions that always leave straight-line execution.
fn ends_block(op: Op) -> bool {
    matches!(
        op.class(),
        Class::Jump | Class::JumpIndirect | Class::Csr | Class::System | Class::Marker
    ) || op == Op::FenceI
}

/// `cycle`, `time`, `instret` and their machine twins must see an exact count of what retired, which
/// is kept once a block: such an instruction starts one.
fn reads_counters(inst: &Inst) -> bool {
    inst.op.class() == Class::Csr && matches!(inst.imm & 0xfff, 0xb00..=0xb1f | 0xc00..=0xc1f)
}
