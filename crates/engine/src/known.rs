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

/// What is known of a decoded instruction beside its fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<D> {
    pub description: D,
    /// A wrong path ends at it.
    pub ends_wrong_path: bool,
}

impl<D: Describe> About<D> {
    fn of(inst: &Inst) -> Self {
        Self { description: D::of(inst), ends_wrong_path: acts_outside(inst) }
    }
}

/// What a slot without an instruction has: one that is in no chain, of an encoding that none has.
fn nothing() -> Inst {
    let fence = isa::decode(0x0ff0_000f).expect("this is fence");
    Inst { raw: 0, ..exec::prepare(fence) }
}

/// Whether `inst` is an instruction, and not [`nothing`].
#[inline(always)]
fn is_there(inst: &Inst) -> bool {
    inst.raw != 0
}

/// An instruction found at a hart's `pc`.
#[derive(Debug)]
pub(crate) struct Found<'a, D> {
    pub inst: &'a Inst,
    pub about: &'a About<D>,
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
    /// Which part of the table has its instructions.
    part: usize,
    /// The [generation](Pages::generation) of that.
    generation: u32,
}

impl CodePage {
    /// One that no even address lies on, as all of instructions are.
    pub const NOWHERE: Self = Self { va: 1, pa: 0, part: 0, generation: 0 };

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
/// Slots that are expected to be needed where a branch leads: those of some five instructions.
const EXPECTED: usize = 16;

/// The instructions of one page: what lies at every second byte, or [`nothing`].
#[derive(Clone, Debug)]
struct Part<D> {
    insts: [Inst; PAGE_SLOTS],
    /// What else is known of those: kept apart, since chains do not ask and have more of `insts` in the
    /// host's caches so.
    about: [About<D>; PAGE_SLOTS],
}

impl<D: Describe> Part<D> {
    fn empty() -> Self {
        let nothing = nothing();
        Self { insts: [nothing; PAGE_SLOTS], about: [About::of(&nothing); PAGE_SLOTS] }
    }

    /// The instruction in `slot`.
    #[inline(always)]
    fn get(&self, slot: usize) -> Option<(&Inst, &About<D>)> {
        let inst = &self.insts[slot];
        is_there(inst).then(|| (inst, &self.about[slot]))
    }
}

/// The slot of the instruction at `address`, virtual, physical or in RAM.
#[inline(always)]
fn slot(address: u64) -> usize {
    (address % ram::PAGE / 2) as usize
}

/// The instructions of pages.
#[derive(Debug)]
struct Pages<D> {
    /// For each page of RAM, by its number, which of the parts is its; 0 where none is.
    owned: Vec<u16>,
    /// The first stays empty, so that pages without a part are looked up like others. Grows in place, by
    /// what is used.
    parts: Vec<Part<D>>,
    /// How often all were forgotten: parts are then given anew, and who knows one knows it no more.
    generation: u32,
}

const _: () = assert!(MOST_PAGES < u16::MAX as usize);

impl<D: Describe> Pages<D> {
    fn new() -> Self {
        let mut parts = Vec::with_capacity(1 + MOST_PAGES);
        parts.push(Part::empty());
        Self { owned: Vec::new(), parts, generation: 1 }
    }

    /// Which part is that of the page of RAM offset `offset`.
    #[inline(always)]
    fn part(&self, offset: usize) -> usize {
        usize::from(self.owned.get(offset / ram::PAGE as usize).copied().unwrap_or(0))
    }

    /// Which part has the instruction at RAM offset `offset`, if it is kept.
    #[inline(always)]
    fn kept(&self, offset: usize) -> Option<usize> {
        let part = self.part(offset);
        is_there(&self.parts[part].insts[slot(offset as u64)]).then_some(part)
    }

    /// The instruction at RAM offset `offset`, which `part` has.
    #[inline(always)]
    fn found(&self, part: usize, offset: usize) -> Found<'_, D> {
        let (Part { insts, about }, slot) = (&self.parts[part], slot(offset as u64));
        let pa = RAM_BASE + offset as u64;
        Found { inst: &insts[slot], about: &about[slot], pa, tail: None }
    }

    /// Keeps the instruction at RAM offset `offset`.
    fn put(&mut self, offset: usize, inst: Inst, about: About<D>) {
        if self.part(offset) == 0 {
            self.add(offset / ram::PAGE as usize);
        }
        let (number, slot) = (self.part(offset), slot(offset as u64));
        let part = &mut self.parts[number];
        (part.insts[slot], part.about[slot]) = (inst, about);
    }

    /// Gives page `page`, which has none, a part. If there are too many, all others lose theirs.
    fn add(&mut self, page: usize) {
        if self.parts.len() > MOST_PAGES {
            self.clear();
        }
        if page >= self.owned.len() {
            self.owned.resize(page + 1, 0);
        }
        self.owned[page] = self.parts.len() as u16;
        self.parts.extend_from_within(..1);
    }

    fn forget(&mut self, page: usize) {
        let number = self.part(page * ram::PAGE as usize);
        self.parts[number].insts.fill(nothing());
    }

    fn clear(&mut self) {
        self.owned.clear();
        self.parts.truncate(1);
        self.generation = self.generation.wrapping_add(1).max(1);
    }
}

/// Instructions by their encoding, direct-mapped.
#[derive(Debug)]
struct Meanings<D>(Box<[(Inst, About<D>); MEANINGS]>);

const MEANING_BITS: u32 = 12;
const MEANINGS: usize = 1 << MEANING_BITS;

impl<D: Describe> Meanings<D> {
    fn new() -> Self {
        let nothing = nothing();
        let slots = vec![(nothing, About::of(&nothing)); MEANINGS].into_boxed_slice();
        Self(slots.try_into().expect("it has this length"))
    }

    /// What `bits`, all of an instruction's encoding, mean; `None` if they mean nothing.
    #[inline]
    fn of(&mut self, bits: u32) -> Option<(&Inst, &About<D>)> {
        let at = (bits.wrapping_mul(0x9e37_79b1) >> (32 - MEANING_BITS)) as usize;
        let (inst, about) = &mut self.0[at];
        // Two encodings of different length are never the same number: the low bits tell.
        if inst.raw != bits {
            *inst = exec::prepare(isa::decode(bits)?);
            *about = About::of(inst);
        }
        is_there(inst).then_some((inst, about))
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
        // By number: what were borrowed for the return could not be changed behind it.
        if let Some(part) = self.pages.kept(offset) {
            return Ok(self.pages.found(part, offset));
        }
        self.decode(hart, port, offset)
    }

    /// The page of `hart`'s pc; [`CodePage::NOWHERE`] if the TLB does not lead there.
    #[inline]
    pub(crate) fn page<B: Bus>(&self, hart: &Hart, port: &FastPort<B>) -> CodePage {
        let va = hart.pc & !(ram::PAGE - 1);
        match port.tlb.lookup(Access::Fetch, hart.fetch_tag, va, 1) {
            Some(offset) => {
                let (part, generation) = (self.pages.part(offset), self.pages.generation);
                CodePage { va, pa: RAM_BASE + offset as u64, part, generation }
            }
            None => CodePage::NOWHERE,
        }
    }

    /// The instruction at `pc`, if that lies on `page` and is in the table.
    #[inline(always)]
    pub(crate) fn on_page(&self, page: &CodePage, pc: u64) -> Option<Found<'_, D>> {
        let (inst, about) = self.part(page, pc)?.get(slot(pc))?;
        Some(Found { inst, about, pa: page.pa(pc), tail: None })
    }

    /// The part of `page`, if `pc` lies on it.
    #[inline(always)]
    fn part(&self, page: &CodePage, pc: u64) -> Option<&Part<D>> {
        if !page.holds(pc) | (page.generation != self.pages.generation) {
            return None;
        }
        self.pages.parts.get(page.part)
    }

    /// Has the host bring the slot of `pc`, if that lies on `page`, and those behind it nearer.
    #[inline(always)]
    pub(crate) fn expect_at(&self, page: &CodePage, pc: u64) {
        let insts = self.on_page_from(page, pc).unwrap_or_default();
        hint::prefetch_all(&insts[..insts.len().min(EXPECTED)]);
    }

    /// The slots from `pc` on, if that lies on `page`, to its end: each has the instruction that begins there,
    /// or one of [`Class::Fence`](isa::Class).
    #[inline(always)]
    pub(crate) fn on_page_from(&self, page: &CodePage, pc: u64) -> Option<&[Inst]> {
        Some(&self.part(page, pc)?.insts[slot(pc)..])
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
        let Some((inst, about)) = self.meanings.of(bits) else {
            return Err(hart.raise(Cause::IllegalInstruction, u64::from(bits)));
        };
        let pa = RAM_BASE + offset as u64;
        if straddles(offset, inst) {
            let second = port.place(hart, hart.pc.wrapping_add(2), 2, Access::Fetch);
            let tail = second.ok().and_then(Place::ram_address);
            return Ok(Found { inst, about, pa, tail });
        }
        port.mark_code(offset);
        self.pages.put(offset, *inst, *about);
        Ok(Found { inst, about, pa, tail: None })
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
        // By number: what were borrowed for the return could not be changed behind it.
        if let Some(part) = self.pages.kept(offset) {
            return Some(self.pages.found(part, offset));
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
        let (inst, about) = self.meanings.of(bits)?;
        let straddles = straddles(offset, inst);
        // Only where stores are noticed already: marking what a wrong path takes for code would
        // make stores to data slow.
        if !straddles && port.ram.is_code(offset) {
            self.pages.put(offset, *inst, *about);
        }
        let tail = straddles.then_some(RAM_BASE + second as u64);
        Some(Found { inst, about, pa: RAM_BASE + offset as u64, tail })
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

    fn known(bits: u32) -> (Inst, About<()>) {
        let (inst, about) = (isa::decode(bits).expect("an instruction"), ());
        (inst, About { description: about, ends_wrong_path: false })
    }

    #[test]
    fn encodings_that_share_a_slot_keep_their_meanings() {
        let mut meanings = Meanings::<()>::new();
        for _ in 0..2 {
            for imm in 0..2 * MEANINGS as u32 {
                let (register, low) = (1 + (imm >> 11), imm & 0x7ff);
                let (inst, _) = meanings.of(low << 20 | register << 7 | 0x13).expect("an addi");
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
        assert_eq!(meanings.of(0x13).expect("a nop").0.rd, Hart::SINK);
        assert_eq!(meanings.of(0x0ff0_000f).expect("a fence").0.op, nothing().op);
    }

    #[test]
    fn pages_are_kept_apart_until_there_are_too_many_or_one_is_forgotten() {
        let (inst, about) = known(0x13);
        let mut pages = Pages::new();
        let holds = |pages: &Pages<()>, at| pages.kept(at).is_some();
        let offset = |page: usize| page * 7 * ram::PAGE as usize + page % 2048 * 2;
        (0..MOST_PAGES).for_each(|page| pages.put(offset(page), inst, about));
        assert!((0..MOST_PAGES).all(|page| holds(&pages, offset(page))));
        assert!(!holds(&pages, offset(5) + 2) && !holds(&pages, offset(5) + 0x1000));
        pages.forget(offset(5) / ram::PAGE as usize);
        pages.forget(offset(MOST_PAGES) / ram::PAGE as usize);
        assert!(!holds(&pages, offset(5)) && holds(&pages, offset(6)));
        pages.put(offset(5), inst, about);
        assert!(holds(&pages, offset(5)));
        let generation = pages.generation;
        pages.put(offset(MOST_PAGES), inst, about);
        assert!(holds(&pages, offset(MOST_PAGES)) && pages.generation != generation);
        assert!((0..MOST_PAGES).all(|page| !holds(&pages, offset(page))));
        pages.clear();
        assert!(!holds(&pages, offset(MOST_PAGES)));
    }

    #[test]
    fn a_page_that_was_found_before_all_were_forgotten_has_no_instructions() {
        let (inst, about) = known(0x13);
        let mut insts = KnownInsts::<()>::new();
        insts.pages.put(0, inst, about);
        let page = |insts: &KnownInsts<()>| {
            let (part, generation) = (insts.pages.part(0), insts.pages.generation);
            CodePage { va: 0, pa: RAM_BASE, part, generation }
        };
        let before = page(&insts);
        assert!(insts.on_page(&before, 0).is_some() && insts.on_page(&before, 2).is_none());
        insts.clear();
        // Another page has its part now.
        insts.pages.put(ram::PAGE as usize, inst, about);
        assert_eq!(insts.pages.part(ram::PAGE as usize), before.part);
        assert!(insts.on_page(&before, 0).is_none());
        assert!(insts.on_page_from(&before, 0).is_none());
        assert!(insts.on_page(&page(&insts), 0).is_none());
    }

    #[test]
    fn four_slots_are_a_cache_line() {
        assert_eq!(size_of::<Inst>(), 16);
    }
}
