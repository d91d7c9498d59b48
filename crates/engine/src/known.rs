//! Instructions decoded once, for those that execute them one at a time.
//!
//! A table for each page of RAM that holds code, so that harts and address spaces share it. An
//! instruction that lies on two pages depends on two translations and is not kept there. Pages
//! whose instructions are kept are marked, so that a store to one is noticed and drops them.
//!
//! What is not there is looked for in a table by encoding, of which an instruction's meaning is a
//! function: nothing in it is ever wrong. Wrong paths live on it, who go where no page is marked.

use crate::port::Place;
use crate::speculate::acts_outside;
use crate::{Bus, FastPort};
use hart::mmu::Access;
use hart::{Cause, Hart, Raised, exec};
use isa::Inst;
use ram::RAM_BASE;
use std::fmt::Debug;

/// What the owner of a [`Stepper`](crate::Stepper) wants to know of every instruction, worked out
/// once: when it is decoded.
pub trait Describe: Copy + Debug {
    /// The description of `inst`.
    fn of(inst: &Inst) -> Self;
}

impl Describe for () {
    fn of(_: &Inst) -> Self {}
}

/// A decoded instruction with its description.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<D> {
    pub inst: Inst,
    pub description: D,
    /// A wrong path ends at it.
    pub ends_wrong_path: bool,
}

impl<D: Describe> Known<D> {
    fn of(inst: Inst) -> Self {
        Self { inst, description: D::of(&inst), ends_wrong_path: acts_outside(&inst) }
    }

    /// Fills slots that hold nothing.
    fn filler() -> Self {
        let nop = isa::decode(0x13).expect("this is addi x0, x0, 0");
        Self::of(exec::prepare(nop))
    }
}

/// An instruction found at a hart's `pc`.
#[derive(Debug)]
pub(crate) struct Found<'a, D> {
    pub known: &'a Known<D>,
    /// Physical address of its first byte.
    pub pa: u64,
    /// Physical address of its second half, where that lies on another page.
    pub tail: Option<u64>,
}

/// A page that a hart fetches from, and where its instructions are kept: who stays on it need not look
/// for each anew.
#[derive(Clone, Copy, Debug)]
pub struct CodePage {
    /// The virtual address of its first byte.
    va: u64,
    /// The physical one.
    pa: u64,
    /// The slot of the instruction there.
    first: usize,
    /// The tag of its instructions.
    tag: u32,
}

impl CodePage {
    /// One that no even address lies on, as all of instructions are.
    pub const NOWHERE: Self = Self { va: 1, pa: 0, first: 0, tag: EMPTY };

    /// Whether `slot`, one of its, holds an instruction of it.
    #[inline(always)]
    pub(crate) fn has<D>(&self, slot: &Slot<D>) -> bool {
        slot.tag == self.tag
    }

    /// The physical address of `pc`, which lies on it.
    #[inline(always)]
    #[must_use]
    pub fn pa(&self, pc: u64) -> u64 {
        self.pa + pc % ram::PAGE
    }

    /// Whether `pc` lies on it.
    #[inline(always)]
    #[must_use]
    pub fn holds(&self, pc: u64) -> bool {
        (pc ^ self.va) & !(ram::PAGE - 2) == 0
    }
}

const PAGE_SLOTS: usize = ram::PAGE as usize / 2;
/// Most pages whose instructions are kept, eight megabytes of code: a guest runs one to three an
/// invocation, kernel included.
const MOST_PAGES: usize = 2048;
/// An empty slot's [`Slot::tag`].
const EMPTY: u32 = 0;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<D> {
    /// The page of the instruction, see [`tag`], or [`EMPTY`]. In four bytes, so that a slot with what a
    /// machine wants to know is half a cache line.
    pub tag: u32,
    pub known: Known<D>,
}

/// The instructions of pages.
#[derive(Debug)]
struct Pages<D> {
    /// For each page of RAM, by its number, which part of `slots` is its; 0 where none is.
    parts: Vec<u16>,
    /// Parts of [`PAGE_SLOTS`] each. Those of the first stay empty, so that pages without a part are
    /// looked up like others. Grows in place, by what is used.
    slots: Vec<Slot<D>>,
}

const _: () = assert!(MOST_PAGES < u16::MAX as usize);

impl<D: Describe> Pages<D> {
    fn new() -> Self {
        let mut slots = Vec::with_capacity((1 + MOST_PAGES) * PAGE_SLOTS);
        slots.resize(PAGE_SLOTS, Self::empty());
        Self { parts: Vec::new(), slots }
    }

    fn empty() -> Slot<D> {
        Slot { tag: EMPTY, known: Known::filler() }
    }

    /// The first slot of the page of RAM offset `offset`.
    #[inline(always)]
    fn first(&self, offset: usize) -> usize {
        let part = self.parts.get(offset / ram::PAGE as usize).copied().unwrap_or(0);
        usize::from(part) * PAGE_SLOTS
    }

    /// The slot of the instruction at RAM offset `offset`, or an empty one.
    #[inline(always)]
    fn at(&self, offset: usize) -> usize {
        self.first(offset) + offset % ram::PAGE as usize / 2
    }

    /// Keeps the instruction at RAM offset `offset`.
    fn put(&mut self, offset: usize, known: Known<D>) {
        if self.first(offset) == 0 {
            self.add(offset / ram::PAGE as usize);
        }
        let at = self.at(offset);
        self.slots[at] = Slot { tag: tag(offset), known };
    }

    /// Gives page `page`, which has none, a part. If there are too many, all others lose theirs.
    fn add(&mut self, page: usize) {
        if self.slots.len() > MOST_PAGES * PAGE_SLOTS {
            self.clear();
        }
        if page >= self.parts.len() {
            self.parts.resize(page + 1, 0);
        }
        self.parts[page] = (self.slots.len() / PAGE_SLOTS) as u16;
        self.slots.resize(self.slots.len() + PAGE_SLOTS, Self::empty());
    }

    fn forget(&mut self, page: usize) {
        let first = self.first(page * ram::PAGE as usize);
        self.slots[first..first + PAGE_SLOTS].iter_mut().for_each(|slot| slot.tag = EMPTY);
    }

    fn clear(&mut self) {
        self.parts.clear();
        self.slots.truncate(PAGE_SLOTS);
    }
}

/// Instructions by their encoding, direct-mapped.
#[derive(Debug)]
struct Meanings<D>(Box<[Known<D>; MEANINGS]>);

const MEANING_BITS: u32 = 12;
const MEANINGS: usize = 1 << MEANING_BITS;

impl<D: Describe> Meanings<D> {
    fn new() -> Self {
        let slots = vec![Known::filler(); MEANINGS].into_boxed_slice();
        Self(slots.try_into().expect("it has this length"))
    }

    /// What `bits`, all of an instruction's encoding, mean; `None` if they mean nothing.
    #[inline]
    fn of(&mut self, bits: u32) -> Option<&Known<D>> {
        let at = (bits.wrapping_mul(0x9e37_79b1) >> (32 - MEANING_BITS)) as usize;
        // Two encodings of different length are never the same number: the low bits tell.
        if self.0[at].inst.raw != bits {
            self.0[at] = Known::of(exec::prepare(isa::decode(bits)?));
        }
        Some(&self.0[at])
    }
}

/// The tables.
#[derive(Debug)]
pub(crate) struct KnownInsts<D> {
    pages: Pages<D>,
    meanings: Meanings<D>,
}

impl<D: Describe> KnownInsts<D> {
    pub(crate) fn new() -> Self {
        Self { pages: Pages::new(), meanings: Meanings::new() }
    }

    /// The instruction at `hart`'s pc. Raises what goes wrong.
    #[inline]
    pub(crate) fn fetch<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
    ) -> Result<Found<'_, D>, Raised> {
        let offset = match port.tlb.lookup(Access::Fetch, hart.fetch_tag, hart.pc, 1) {
            Some(offset) => offset,
            None => place_of_pc(hart, port)?,
        };
        let at = self.pages.at(offset);
        if self.pages.slots[at].tag == tag(offset) {
            let known = &self.pages.slots[at].known;
            return Ok(Found { known, pa: RAM_BASE + offset as u64, tail: None });
        }
        self.decode(hart, port, offset)
    }

    /// The page of `hart`'s pc; [`CodePage::NOWHERE`] if the TLB does not lead there.
    #[inline]
    pub(crate) fn page<B: Bus>(&self, hart: &Hart, port: &FastPort<B>) -> CodePage {
        let va = hart.pc & !(ram::PAGE - 1);
        match port.tlb.lookup(Access::Fetch, hart.fetch_tag, va, 1) {
            Some(offset) => {
                let (first, tag) = (self.pages.first(offset), tag(offset));
                CodePage { va, pa: RAM_BASE + offset as u64, first, tag }
            }
            None => CodePage::NOWHERE,
        }
    }

    /// The instruction at `pc`, if that lies on `page` and is in the table.
    #[inline(always)]
    pub(crate) fn on_page(&self, page: &CodePage, pc: u64) -> Option<Found<'_, D>> {
        if !page.holds(pc) {
            return None;
        }
        let slot = self.pages.slots.get(page.first + (pc % ram::PAGE / 2) as usize)?;
        let found = || Found { known: &slot.known, pa: page.pa(pc), tail: None };
        page.has(slot).then(found)
    }

    /// The slots of the `bytes` bytes from `pc`, all of which lie on `page`.
    #[inline]
    pub(crate) fn on_page_from(&self, page: &CodePage, pc: u64, bytes: u64) -> &[Slot<D>] {
        let first = page.first + (pc % ram::PAGE / 2) as usize;
        self.pages.slots.get(first..first + (bytes / 2) as usize).unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn decode<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        offset: usize,
    ) -> Result<Found<'_, D>, Raised> {
        let bits = port.fetch_bits(hart)?;
        let Some(known) = self.meanings.of(bits) else {
            return Err(hart.raise(Cause::IllegalInstruction, u64::from(bits)));
        };
        let pa = RAM_BASE + offset as u64;
        if straddles(offset, &known.inst) {
            let second = port.place(hart, hart.pc.wrapping_add(2), 2, Access::Fetch);
            let tail = second.ok().and_then(Place::ram_address);
            return Ok(Found { known, pa, tail });
        }
        port.mark_code(offset);
        self.pages.put(offset, *known);
        Ok(Found { known, pa, tail: None })
    }

    /// As [`KnownInsts::fetch`] for a hart on a wrong path: changes nothing in memory, translations
    /// and marks. `None` where there is no instruction.
    #[inline(always)]
    pub(crate) fn peek<B: Bus>(
        &mut self,
        hart: &Hart,
        port: &mut FastPort<B>,
    ) -> Option<Found<'_, D>> {
        let offset = match port.tlb.lookup(Access::Fetch, hart.fetch_tag, hart.pc, 1) {
            Some(offset) => offset,
            None => port.probe(hart, hart.pc, 2, Access::Fetch)?.in_ram()?,
        };
        let at = self.pages.at(offset);
        if self.pages.slots[at].tag == tag(offset) {
            let known = &self.pages.slots[at].known;
            return Some(Found { known, pa: RAM_BASE + offset as u64, tail: None });
        }
        self.decode_aside(hart, port, offset)
    }

    /// The instruction at `hart`'s pc, which is RAM offset `offset`, found out without a trace.
    #[cold]
    #[inline(never)]
    fn decode_aside<B: Bus>(
        &mut self,
        hart: &Hart,
        port: &mut FastPort<B>,
        offset: usize,
    ) -> Option<Found<'_, D>> {
        let (low, mut second) = (half(port, offset), offset);
        let mut bits = low;
        if low & 3 == 3 {
            second = port.probe(hart, hart.pc.wrapping_add(2), 2, Access::Fetch)?.in_ram()?;
            bits |= half(port, second) << 16;
        }
        let known = self.meanings.of(bits)?;
        let straddles = straddles(offset, &known.inst);
        // Only where stores are noticed already: marking what a wrong path takes for code would
        // make stores to data slow.
        if !straddles && port.ram.is_code(offset) {
            self.pages.put(offset, *known);
        }
        let tail = straddles.then_some(RAM_BASE + second as u64);
        Some(Found { known, pa: RAM_BASE + offset as u64, tail })
    }

    /// Forgets the instructions of RAM page `page`.
    pub(crate) fn forget_page(&mut self, page: usize) {
        self.pages.forget(page);
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.pages.clear();
    }
}

/// Tells apart the pages of any RAM that a host has. Never [`EMPTY`].
#[inline(always)]
fn tag(offset: usize) -> u32 {
    (offset / ram::PAGE as usize) as u32 + 1
}

/// Whether an instruction at RAM offset `offset` lies on two pages.
fn straddles(offset: usize, inst: &Inst) -> bool {
    offset & 0xfff == 0xffe && inst.len == 4
}

/// RAM offset of `pc`, to which the TLB knows no way.
#[cold]
#[inline(never)]
fn place_of_pc<B: Bus>(hart: &mut Hart, port: &mut FastPort<B>) -> Result<usize, Raised> {
    let pc = hart.pc;
    match port.place(hart, pc, 2, Access::Fetch)? {
        Place::Ram(offset) => Ok(offset),
        Place::Device(_) => Err(hart.raise(Cause::InstructionAccess, pc)),
    }
}

fn half<B>(port: &FastPort<B>, offset: usize) -> u32 {
    let bytes = port.ram.bytes();
    u32::from(u16::from_le_bytes([bytes[offset], bytes[offset + 1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_that_share_a_slot_keep_their_meanings() {
        let mut meanings = Meanings::<()>::new();
        for _ in 0..2 {
            for imm in 0..2 * MEANINGS as u32 {
                let (register, low) = (1 + (imm >> 11), imm & 0x7ff);
                let inst = meanings.of(low << 20 | register << 7 | 0x13).expect("an addi").inst;
                assert_eq!((u32::from(inst.rd), inst.imm), (register, low as i32));
            }
        }
    }

    #[test]
    fn what_means_nothing_never_does() {
        let mut meanings = Meanings::<()>::new();
        for bits in [0, 0xffff_ffff, 0, 0xffff_ffff] {
            assert!(meanings.of(bits).is_none(), "{bits:#x}");
        }
        assert_eq!(meanings.of(0x13).expect("a nop").inst.rd, Hart::SINK);
    }

    #[test]
    fn pages_are_kept_apart_until_there_are_too_many_or_one_is_forgotten() {
        let known = Known::<()>::filler();
        let mut pages = Pages::new();
        let holds = |pages: &Pages<()>, at| pages.slots[pages.at(at)].tag == tag(at);
        let offset = |page: usize| page * 7 * ram::PAGE as usize + page % 2048 * 2;
        (0..MOST_PAGES).for_each(|page| pages.put(offset(page), known));
        assert!((0..MOST_PAGES).all(|page| holds(&pages, offset(page))));
        assert!(!holds(&pages, offset(5) + 2) && !holds(&pages, offset(5) + 0x1000));
        pages.forget(offset(5) / ram::PAGE as usize);
        pages.forget(offset(MOST_PAGES) / ram::PAGE as usize);
        assert!(!holds(&pages, offset(5)) && holds(&pages, offset(6)));
        pages.put(offset(5), known);
        assert!(holds(&pages, offset(5)));
        pages.put(offset(MOST_PAGES), known);
        assert!(holds(&pages, offset(MOST_PAGES)));
        assert!((0..MOST_PAGES).all(|page| !holds(&pages, offset(page))));
        pages.clear();
        assert!(!holds(&pages, offset(MOST_PAGES)));
    }

    #[test]
    fn a_slot_is_half_a_cache_line() {
        assert!(size_of::<Slot<[u8; 11]>>() <= 32);
    }
}
