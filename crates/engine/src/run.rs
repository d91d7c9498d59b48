//! The dispatch loop.

use crate::code::Block;
use crate::lockup::Faults;
use crate::threaded::{Exit, How};
use crate::{Bus, Code, FastPort};
use hart::mmu::Access;
use hart::{Hart, Leave, Port, Raised, Request, exec};

/// Why [`run`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The instruction limit was reached.
    Limit,
    /// The hart asks for something.
    Request(Request),
    /// The hart can do nothing but fault until an interrupt comes: its trap handler cannot be
    /// executed.
    LockedUp,
}

/// Runs `hart` until it has retired `limit` instructions since power-on (or a block more), or asks
/// for the machine. `port` must have the hart selected.
pub fn run<B: Bus>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    code: &mut Code<B>,
    limit: u64,
) -> Stop {
    let mut faults = Faults::default();
    loop {
        if hart.retired >= limit {
            return Stop::Limit;
        }
        if hart.csr.mip & hart.csr.mie != 0 {
            interrupt(hart, port);
        }
        match port.tlb.jump(hart.pc, hart.fetch_tag) {
            Some(block) => {
                let exit = enter(hart, port, code, block);
                hart.retired += (block.len() - exit.left()) as u64;
                if exit.how() != How::Retired {
                    leave(hart, port, code, exit, &mut faults);
                }
            }
            None => run_new(hart, port, code, &mut faults),
        }
        if port.attention
            && let Some(stop) = look_around(port, code, &faults)
        {
            return stop;
        }
    }
}

/// Executes a block until something leaves it.
#[inline(always)]
fn enter<B: Bus>(hart: &mut Hart, port: &mut FastPort<B>, code: &Code<B>, block: Block) -> Exit {
    let decoded = code.arena.get(block.start()..block.start() + block.len());
    let (first, rest) = decoded.and_then(<[_]>::split_first).expect("blocks lie in the arena");
    (first.exec)(hart, port, first, rest)
}

/// Takes an interrupt if one is enabled.
#[cold]
#[inline(never)]
pub(crate) fn interrupt<B: Bus>(hart: &mut Hart, port: &mut FastPort<B>) {
    if let Some(interrupt) = hart.pending_interrupt() {
        hart.take_interrupt(port, interrupt);
    }
}

/// What follows a block that was not left by an instruction that retired, which was counted as one.
#[cold]
#[inline(never)]
fn leave<B: Bus>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    code: &mut Code<B>,
    exit: Exit,
    faults: &mut Faults,
) {
    hart.retired -= 1;
    if exit.how() == How::Raised {
        trap(hart, port, faults);
    } else {
        run_new(hart, port, code, faults);
    }
}

/// Takes an exception, and asks for attention if it leads nowhere.
fn trap<B: Bus>(hart: &mut Hart, port: &mut FastPort<B>, faults: &mut Faults) {
    faults.note(hart);
    port.attention |= faults.locked_up();
    hart.take_exception(port);
}

/// Runs the block at `pc`, to which the jump cache knows no valid way.
#[cold]
#[inline(never)]
fn run_new<B: Bus>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    code: &mut Code<B>,
    faults: &mut Faults,
) {
    let Some(block) = find(hart, port, code) else {
        return step(hart, port, faults);
    };
    let exit = enter(hart, port, code, block);
    hart.retired += (block.len() - exit.left()) as u64;
    if exit.how() == How::Raised {
        hart.retired -= 1;
        trap(hart, port, faults);
    }
}

/// Finds the block at `pc` through the fetch TLB and remembers the way. `None` sends the
/// instruction the slow way: it faults, is illegal, or straddles two pages.
pub(crate) fn find<B: Bus>(
    hart: &Hart,
    port: &mut FastPort<B>,
    code: &mut Code<B>,
) -> Option<Block> {
    if code.is_full() {
        code.clear();
        port.ram.clear_code_marks();
        port.flush_all();
        return None;
    }
    let offset = match port.tlb.lookup(Access::Fetch, hart.fetch_tag, hart.pc, 1) {
        Some(offset) => offset,
        // A fault met here is met again, and raised, by the slow way.
        None => port.fetch_offset(hart)?,
    };
    let block = code.block_at(&port.ram, offset)?;
    port.mark_code(offset);
    port.tlb.remember_jump(hart.pc, hart.fetch_tag, block);
    Some(block)
}

/// Executes one instruction without caching it.
#[cold]
#[inline(never)]
fn step<B: Bus>(hart: &mut Hart, port: &mut FastPort<B>, faults: &mut Faults) {
    let outcome = match port.fetch(hart) {
        Ok(inst) => exec::execute(hart, port, &inst).map(|()| u64::from(inst.len)),
        Err(Raised) => Err(Leave::Raised),
    };
    match outcome {
        Ok(len) => {
            hart.pc = hart.pc.wrapping_add(len);
            hart.retired += 1;
        }
        Err(Leave::Jump) => hart.retired += 1,
        Err(Leave::Raised) => trap(hart, port, faults),
    }
}

/// Drops code that was stored to; returns what the hart asked for, or that it goes nowhere.
#[cold]
#[inline(never)]
fn look_around<B: Bus>(
    port: &mut FastPort<B>,
    code: &mut Code<B>,
    faults: &Faults,
) -> Option<Stop> {
    port.attention = false;
    for page in port.ram.take_dirtied_code() {
        code.invalidate(page as usize);
    }
    let asked = port.request.take().map(Stop::Request);
    asked.or_else(|| faults.locked_up().then_some(Stop::LockedUp))
}

impl<B: Bus> FastPort<B> {
    /// RAM offset of `pc` after a walk; `None` if it cannot be fetched from RAM.
    fn fetch_offset(&mut self, hart: &Hart) -> Option<usize> {
        match self.translate(hart, hart.pc, 2, Access::Fetch) {
            Ok(crate::port::Place::Ram(offset)) => Some(offset),
            _ => None,
        }
    }

    /// Fetches and decodes the instruction at `pc`, raising what goes wrong.
    pub(crate) fn fetch(&mut self, hart: &mut Hart) -> Result<isa::Inst, Raised> {
        let bits = self.fetch_bits(hart)?;
        match isa::decode(bits) {
            Some(inst) => Ok(exec::prepare(inst)),
            None => Err(hart.raise(hart::Cause::IllegalInstruction, u64::from(bits))),
        }
    }

    /// Fetches the encoding of the instruction at `pc`, raising what goes wrong.
    pub(crate) fn fetch_bits(&mut self, hart: &mut Hart) -> Result<u32, Raised> {
        let pc = hart.pc;
        let low = self.fetch_half(hart, pc)?;
        if low & 3 != 3 {
            return Ok(low);
        }
        Ok(low | self.fetch_half(hart, pc.wrapping_add(2))? << 16)
    }

    fn fetch_half(&mut self, hart: &mut Hart, va: u64) -> Result<u32, Raised> {
        match self.place(hart, va, 2, Access::Fetch)? {
            crate::port::Place::Ram(offset) => {
                let bytes = self.ram.bytes();
                Ok(u32::from(u16::from_le_bytes([bytes[offset], bytes[offset + 1]])))
            }
            crate::port::Place::Device(_) => Err(hart.raise(hart::Cause::InstructionAccess, va)),
        }
    }

    /// Work left over by accesses outside [`run`] (loader, DMA): drops stale code.
    pub fn settle(&mut self, code: &mut Code<B>) {
        for page in self.ram.take_dirtied_code() {
            code.invalidate(page as usize);
        }
    }

    /// Readies the TLB tags of a hart after reset or restore.
    pub fn adopt(&mut self, hart: &mut Hart) {
        self.context_changed(hart);
    }
}

#[cfg(test)]
mod tests;
