//! Instructions decoded once, for those that execute them one at a time.
//!
//! A direct-mapped table by physical address, so that harts and address spaces share it. An
//! instruction that lies on two pages depends on two translations and is decoded each time. Pages
//! whose instructions are kept are marked, so that a store to one is noticed and drops them.

use crate::port::Place;
use crate::{Bus, FastPort};
use hart::mmu::Access;
use hart::{Cause, Hart, Raised, exec};
use isa::{Inst, Op};
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
}

impl<D: Describe> Known<D> {
    fn of(inst: Inst) -> Self {
        Self { inst, description: D::of(&inst) }
    }

    /// Fills slots that hold nothing.
    fn filler() -> Self {
        let (rd, rs1, rs2, rs3) = (Hart::SINK, 0, 0, 0);
        Self::of(Inst { op: Op::Addi, rd, rs1, rs2, rs3, rm: 0, len: 4, imm: 0, raw: 0x13 })
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

/// Two megabytes of code: a guest runs more than a megabyte an invocation, kernel included. With an
/// eighth of that an instruction in eight had to be decoded anew, with this one in fifty.
const SLOTS: usize = 1 << 20;
const PAGE_SLOTS: usize = ram::PAGE as usize / 2;
/// An empty slot's [`Slot::tag`].
const EMPTY: u32 = 0;

#[derive(Clone, Copy, Debug)]
struct Slot<D> {
    /// Which of the instructions that belong here it is: see [`tag`]. In four bytes, so that a slot
    /// with what a machine wants to know is half a cache line.
    tag: u32,
    known: Known<D>,
}

impl<D> Slot<D> {
    /// Whether it holds the instruction at RAM offset `offset`.
    #[inline(always)]
    fn holds(&self, offset: usize) -> bool {
        self.tag == tag(offset)
    }
}

/// The table.
#[derive(Debug)]
pub(crate) struct KnownInsts<D> {
    slots: Box<[Slot<D>; SLOTS]>,
    /// One that is not kept.
    passing: Known<D>,
}

impl<D: Describe> KnownInsts<D> {
    pub(crate) fn new() -> Self {
        let filler = Known::filler();
        let slots = vec![Slot { tag: EMPTY, known: filler }; SLOTS].into_boxed_slice();
        Self { slots: slots.try_into().expect("it has this length"), passing: filler }
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
        if self.slots[slot(offset)].holds(offset) {
            let known = &self.slots[slot(offset)].known;
            return Ok(Found { known, pa: RAM_BASE + offset as u64, tail: None });
        }
        self.decode(hart, port, offset)
    }

    /// The instruction at `hart`'s pc, if the TLB leads there and it is in the table.
    #[inline(always)]
    pub(crate) fn at_hand<B: Bus>(&self, hart: &Hart, port: &FastPort<B>) -> Option<Found<'_, D>> {
        let offset = port.tlb.lookup(Access::Fetch, hart.fetch_tag, hart.pc, 1)?;
        let slot = &self.slots[slot(offset)];
        let found = || Found { known: &slot.known, pa: RAM_BASE + offset as u64, tail: None };
        slot.holds(offset).then(found)
    }

    #[cold]
    #[inline(never)]
    fn decode<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        offset: usize,
    ) -> Result<Found<'_, D>, Raised> {
        let inst = port.fetch(hart)?;
        let pa = RAM_BASE + offset as u64;
        if straddles(offset, &inst) {
            let second = port.place(hart, hart.pc.wrapping_add(2), 2, Access::Fetch);
            let tail = second.ok().and_then(Place::ram_address);
            return Ok(Found { known: self.pass(inst), pa, tail });
        }
        port.mark_code(offset);
        Ok(Found { known: self.keep(offset, inst), pa, tail: None })
    }

    /// As [`KnownInsts::fetch`] for a hart on a wrong path: changes nothing in memory, translations
    /// and marks. `None` where there is no instruction.
    pub(crate) fn peek<B: Bus>(
        &mut self,
        hart: &Hart,
        port: &mut FastPort<B>,
    ) -> Option<Found<'_, D>> {
        let Place::Ram(offset) = port.probe(hart, hart.pc, 2, Access::Fetch)? else { return None };
        let pa = RAM_BASE + offset as u64;
        if self.slots[slot(offset)].holds(offset) {
            return Some(Found { known: &self.slots[slot(offset)].known, pa, tail: None });
        }
        let (inst, tail) = decode_aside(hart, port, offset)?;
        // Only where stores are noticed already: marking what a wrong path takes for code would
        // make stores to data slow.
        let known = if !straddles(offset, &inst) && port.ram.is_code(offset) {
            self.keep(offset, inst)
        } else {
            self.pass(inst)
        };
        Some(Found { known, pa, tail })
    }

    fn keep(&mut self, offset: usize, inst: Inst) -> &Known<D> {
        self.slots[slot(offset)] = Slot { tag: tag(offset), known: Known::of(inst) };
        &self.slots[slot(offset)].known
    }

    fn pass(&mut self, inst: Inst) -> &Known<D> {
        self.passing = Known::of(inst);
        &self.passing
    }

    /// Forgets the instructions of RAM page `page`.
    pub(crate) fn forget_page(&mut self, page: usize) {
        let first = (page * PAGE_SLOTS) % SLOTS;
        self.slots[first..first + PAGE_SLOTS].iter_mut().for_each(|slot| slot.tag = EMPTY);
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.tag = EMPTY);
    }
}

#[inline(always)]
fn slot(offset: usize) -> usize {
    (offset >> 1) % SLOTS
}

/// Tells offsets that share a slot apart, for any RAM that a host has. Never [`EMPTY`].
#[inline(always)]
fn tag(offset: usize) -> u32 {
    (offset / (2 * SLOTS)) as u32 + 1
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

/// Decodes the instruction at `hart`'s pc, which is RAM offset `offset`, without a trace. Gives the
/// physical address of its second half too, where that lies on another page.
#[cold]
#[inline(never)]
fn decode_aside<B: Bus>(
    hart: &Hart,
    port: &mut FastPort<B>,
    offset: usize,
) -> Option<(Inst, Option<u64>)> {
    let low = half(port, offset);
    if low & 3 != 3 {
        return Some((exec::prepare(isa::decode(low)?), None));
    }
    let Place::Ram(second) = port.probe(hart, hart.pc.wrapping_add(2), 2, Access::Fetch)? else {
        return None;
    };
    let inst = exec::prepare(isa::decode(low | half(port, second) << 16)?);
    let tail = straddles(offset, &inst).then_some(RAM_BASE + second as u64);
    Some((inst, tail))
}

fn half<B>(port: &FastPort<B>, offset: usize) -> u32 {
    let bytes = port.ram.bytes();
    u32::from(u16::from_le_bytes([bytes[offset], bytes[offset + 1]]))
}
