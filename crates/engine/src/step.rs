//! One instruction at a time, with a record of what it touched: the functional side of the warming
//! and timing modes. Same semantics, same memory; only the port around them takes notes.

use crate::port::Place;
use crate::{Bus, Code, FastPort};
use hart::mmu::Access;
use hart::{BlockOp, Cause, Hart, Leave, Port, Raised, Request, Word, exec};
use isa::Inst;
use ram::RAM_BASE;

/// A data access of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepAccess {
    /// Virtual address.
    pub va: u64,
    /// Physical address of the first byte.
    pub pa: u64,
    /// Size in bytes.
    pub size: u8,
    /// Load or store; an AMO is a store.
    pub store: bool,
    /// Went to a device.
    pub io: bool,
}

/// What one instruction did.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its address.
    pub pc: u64,
    /// Physical address of its first byte.
    pub fetch_pa: u64,
    /// Physical address of its second half, where that lies on another page.
    pub fetch_tail: Option<u64>,
    /// The instruction.
    pub inst: Inst,
    /// Data accesses: two where one crosses a page.
    pub accesses: [Option<StepAccess>; 2],
    /// It raised an exception and did not retire.
    pub raised: bool,
}

const SLOTS: usize = 1 << 15;

/// Executes single instructions, with a cache of decoded ones by physical address.
#[derive(Debug)]
pub struct Stepper {
    insts: Vec<Option<(usize, Inst)>>,
    /// For each hart, the RAM offset it holds a reservation on.
    reservations: Vec<Option<u64>>,
}

impl Stepper {
    /// A stepper for `harts` harts.
    #[must_use]
    pub fn new(harts: usize) -> Self {
        Self { insts: vec![None; SLOTS], reservations: vec![None; harts] }
    }

    /// Executes one instruction of `hart`. A fetch that faults takes its trap and gives `None`.
    /// Interrupts are the caller's. Requests are taken by [`FastPort::take_request`].
    pub fn step<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        code: &mut Code<B>,
    ) -> Option<Step> {
        if port.ram.has_dirtied_code() {
            self.drop_stale(port, code);
        }
        let pc = hart.pc;
        let fetched = self.fetch(hart, port);
        let (offset, inst) = match fetched {
            Ok(found) => found,
            Err(_) => {
                hart.take_exception(port);
                return None;
            }
        };
        let fetch_pa = RAM_BASE + offset as u64;
        let fetch_tail = (inst.len == 4 && offset & 0xfff == 0xffe)
            .then(|| port.place(hart, pc.wrapping_add(2), 2, Access::Fetch).ok())
            .flatten()
            .and_then(|place| match place {
                Place::Ram(offset) => Some(RAM_BASE + offset as u64),
                Place::Device(_) => None,
            });
        let mut recorder = Recorder { port, accesses: [None; 2] };
        let outcome = exec::execute(hart, &mut recorder, &inst);
        let accesses = recorder.accesses;
        match outcome {
            Ok(()) => {
                hart.pc = hart.pc.wrapping_add(u64::from(inst.len));
                hart.retired += 1;
            }
            Err(Leave::Jump) => hart.retired += 1,
            Err(Leave::Raised) => hart.take_exception(port),
        }
        self.keep_reservations(hart, &accesses);
        Some(Step {
            pc,
            fetch_pa,
            fetch_tail,
            inst,
            accesses,
            raised: outcome == Err(Leave::Raised),
        })
    }

    /// Whether another hart's store broke `hart`'s reservation is decided here, since harts take
    /// turns instruction by instruction: a store to the reserved 8 bytes breaks it.
    fn keep_reservations(&mut self, hart: &mut Hart, accesses: &[Option<StepAccess>; 2]) {
        let me = hart.id as usize;
        self.reservations[me] = hart.reservation;
        for access in accesses.iter().flatten().filter(|a| a.store && !a.io) {
            let block = (access.pa - RAM_BASE) >> 3;
            for (other, held) in self.reservations.iter_mut().enumerate() {
                if other != me && held.is_some_and(|offset| offset >> 3 == block) {
                    *held = None;
                }
            }
        }
    }

    /// Applies what other harts' stores did to `hart`'s reservation. Call when it gets its turn.
    pub fn begin_turn(&mut self, hart: &mut Hart) {
        if self.reservations[hart.id as usize].is_none() {
            hart.reservation = None;
        }
    }

    fn fetch<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
    ) -> Result<(usize, Inst), Raised> {
        let pc = hart.pc;
        let Place::Ram(offset) = port.place(hart, pc, 2, Access::Fetch)? else {
            return Err(hart.raise(Cause::InstructionAccess, pc));
        };
        let slot = (offset >> 1) % SLOTS;
        if let Some((at, inst)) = self.insts[slot]
            && at == offset
        {
            return Ok((offset, inst));
        }
        let inst = port.fetch(hart)?;
        // An instruction that straddles pages depends on two translations: not kept.
        if offset & 0xfff != 0xffe || inst.len == 2 {
            port.mark_code(offset);
            self.insts[slot] = Some((offset, inst));
        }
        Ok((offset, inst))
    }

    /// Forgets instructions of pages that were stored to, here and in the block cache.
    fn drop_stale<B: Bus>(&mut self, port: &mut FastPort<B>, code: &mut Code<B>) {
        for page in port.ram.take_dirtied_code() {
            code.invalidate(page as usize);
            let first = (page as usize * 0x800) % SLOTS;
            self.insts[first..first + 0x800].fill(None);
        }
    }

    /// Forgets all decoded instructions. Needed when another mode has run in between.
    pub fn clear(&mut self) {
        self.insts.fill(None);
    }
}

impl<B: Bus> FastPort<B> {
    /// Takes what the last instruction asked for.
    pub fn take_request(&mut self) -> Option<Request> {
        self.attention = false;
        self.request.take()
    }
}

/// A port that notes where accesses lead.
struct Recorder<'a, B> {
    port: &'a mut FastPort<B>,
    accesses: [Option<StepAccess>; 2],
}

impl<B: Bus> Recorder<'_, B> {
    fn note(&mut self, hart: &mut Hart, va: u64, size: u64, store: bool) {
        let access = if store { Access::Store } else { Access::Load };
        let first = size.min(0x1000 - (va & 0xfff));
        self.accesses[0] = self.one(hart, va, first, access);
        if first < size {
            self.accesses[1] = self.one(hart, va.wrapping_add(first), size - first, access);
        }
    }

    fn one(&mut self, hart: &mut Hart, va: u64, size: u64, access: Access) -> Option<StepAccess> {
        let (pa, io) = match self.port.place(hart, va, size, access).ok()? {
            Place::Ram(offset) => (RAM_BASE + offset as u64, false),
            Place::Device(pa) => (pa, true),
        };
        Some(StepAccess { va, pa, size: size as u8, store: access == Access::Store, io })
    }
}

impl<B: Bus> Port for Recorder<'_, B> {
    fn load<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        let value = self.port.load(hart, va)?;
        self.note(hart, va, T::SIZE, false);
        Ok(value)
    }

    fn store<T: Word>(&mut self, hart: &mut Hart, va: u64, value: T) -> Result<(), Raised> {
        self.port.store(hart, va, value)?;
        self.note(hart, va, T::SIZE, true);
        Ok(())
    }

    fn amo<T: Word>(
        &mut self,
        hart: &mut Hart,
        va: u64,
        update: impl FnOnce(T) -> T,
    ) -> Result<T, Raised> {
        let old = self.port.amo(hart, va, update)?;
        self.note(hart, va, T::SIZE, true);
        Ok(old)
    }

    fn load_reserved<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        let value = self.port.load_reserved(hart, va)?;
        self.note(hart, va, T::SIZE, false);
        Ok(value)
    }

    fn store_conditional<T: Word>(
        &mut self,
        hart: &mut Hart,
        va: u64,
        value: T,
    ) -> Result<bool, Raised> {
        let stored = self.port.store_conditional(hart, va, value)?;
        if stored {
            self.note(hart, va, T::SIZE, true);
        }
        Ok(stored)
    }

    fn zero_block(&mut self, hart: &mut Hart, va: u64) -> Result<(), Raised> {
        self.port.zero_block(hart, va)?;
        self.note(hart, va & !63, 64, true);
        Ok(())
    }

    fn manage_block(&mut self, hart: &mut Hart, va: u64, op: BlockOp) -> Result<(), Raised> {
        self.port.manage_block(hart, va, op)
    }

    fn fence_i(&mut self, hart: &mut Hart) {
        self.port.fence_i(hart);
    }

    fn sfence_vma(&mut self, hart: &mut Hart, va: Option<u64>, asid: Option<u16>) {
        self.port.sfence_vma(hart, va, asid);
    }

    fn context_changed(&mut self, hart: &mut Hart) {
        self.port.context_changed(hart);
    }

    fn protection_changed(&mut self, hart: &mut Hart) {
        self.port.protection_changed(hart);
    }

    fn request(&mut self, hart: &mut Hart, request: Request) {
        self.port.request(hart, request);
    }
}
