//! Notes of where an instruction's accesses lead.

use crate::port::{BLOCK, Place};
use crate::{Bus, FastPort};
use hart::mmu::Access;
use hart::{BlockOp, Hart, Hint, Port, Raised, Request, Word};
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

impl StepAccess {
    /// An access to RAM.
    #[inline(always)]
    pub(crate) fn to_ram(va: u64, offset: usize, size: u64, store: bool) -> Self {
        Self { va, pa: RAM_BASE + offset as u64, size: size as u8, store, io: false }
    }

    /// An operation on the cached copies of the block that holds `va`, which lies at RAM offset
    /// `offset`. It stores nothing.
    fn to_block(va: u64, offset: usize) -> Self {
        Self::to_ram(va & !(BLOCK - 1), offset & !(BLOCK as usize - 1), BLOCK, false)
    }
}

/// Where the access of an instruction led: two parts where it crosses a page.
#[derive(Debug)]
pub(crate) struct Notes {
    parts: [StepAccess; 2],
    count: u8,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self { parts: [StepAccess::to_ram(0, 0, 0, false); 2], count: 0 }
    }

    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.count = 0;
    }

    /// Notes an access that has one part.
    #[inline(always)]
    pub(crate) fn put(&mut self, access: StepAccess) {
        self.parts[0] = access;
        self.count = 1;
    }

    /// Notes the next part.
    pub(crate) fn push(&mut self, part: StepAccess) {
        self.parts[usize::from(self.count)] = part;
        self.count += 1;
    }

    #[inline(always)]
    pub(crate) fn count(&self) -> u8 {
        self.count
    }

    /// Its parts, of which the first [`Notes::count`] are noted.
    #[inline(always)]
    pub(crate) fn parts(&self) -> &[StepAccess; 2] {
        &self.parts
    }
}

impl<B: Bus> FastPort<B> {
    /// The operation on the block that holds `va`, if that could be accessed in one of these ways.
    /// Blocks of devices are never cached: there is nothing to do.
    pub(crate) fn block_operation(
        &mut self,
        hart: &Hart,
        va: u64,
        ways: &[Access],
    ) -> Option<StepAccess> {
        match ways.iter().find_map(|&access| self.probe(hart, va, 1, access))? {
            Place::Ram(offset) => Some(StepAccess::to_block(va, offset)),
            Place::Device(_) => None,
        }
    }

    /// The access that a hint asks for; none if it would fault.
    pub(crate) fn hinted(&mut self, hart: &Hart, va: u64, hint: Hint) -> Option<StepAccess> {
        let access = match hint {
            Hint::Fetch => Access::Fetch,
            Hint::Read => Access::Load,
            Hint::Write => Access::Store,
        };
        self.block_operation(hart, va, &[access])
    }
}

/// The accesses that permit a cache-block operation (CMO, 2.5.2).
pub(crate) const LOAD_OR_STORE: [Access; 2] = [Access::Load, Access::Store];

/// A port that notes where accesses lead.
pub(crate) struct Recorder<'a, B> {
    pub port: &'a mut FastPort<B>,
    pub notes: &'a mut Notes,
}

impl<B: Bus> Recorder<'_, B> {
    /// The same, for what is done out of the way: it has the references and not their place, so that they
    /// need none in the common case.
    #[inline(always)]
    fn aside(&mut self) -> Recorder<'_, B> {
        Recorder { port: self.port, notes: self.notes }
    }

    /// The RAM offset of an aligned access that the TLB leads to, which is noted.
    #[inline(always)]
    fn hit<T: Word>(&mut self, hart: &Hart, va: u64, access: Access) -> Option<usize> {
        let offset = self.port.tlb.lookup(access, hart.data_tag, va, T::SIZE)?;
        self.notes.put(StepAccess::to_ram(va, offset, T::SIZE, access == Access::Store));
        Some(offset)
    }

    /// Notes an access that was made and so has a translation.
    fn note(&mut self, hart: &mut Hart, va: u64, size: u64, access: Access) {
        let first = size.min(0x1000 - (va & 0xfff));
        self.note_part(hart, va, first, access);
        if first < size {
            self.note_part(hart, va.wrapping_add(first), size - first, access);
        }
    }

    fn note_part(&mut self, hart: &mut Hart, va: u64, size: u64, access: Access) {
        let (pa, io) = match self.port.place(hart, va, size, access) {
            Ok(Place::Ram(offset)) => (RAM_BASE + offset as u64, false),
            Ok(Place::Device(pa)) => (pa, true),
            Err(Raised) => return,
        };
        let store = access == Access::Store;
        self.notes.push(StepAccess { va, pa, size: size as u8, store, io });
    }

    #[cold]
    #[inline(never)]
    fn load_missed<T: Word>(mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        let value = self.port.load(hart, va)?;
        self.note(hart, va, T::SIZE, Access::Load);
        Ok(value)
    }

    #[cold]
    #[inline(never)]
    fn store_missed<T: Word>(mut self, hart: &mut Hart, va: u64, value: T) -> Result<(), Raised> {
        self.port.store(hart, va, value)?;
        self.note(hart, va, T::SIZE, Access::Store);
        Ok(())
    }
}

impl<B: Bus> Port for Recorder<'_, B> {
    #[inline(always)]
    fn load<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        match self.hit::<T>(hart, va, Access::Load) {
            Some(offset) => Ok(self.port.read_ram(offset)),
            None => self.aside().load_missed(hart, va),
        }
    }

    #[inline(always)]
    fn store<T: Word>(&mut self, hart: &mut Hart, va: u64, value: T) -> Result<(), Raised> {
        match self.hit::<T>(hart, va, Access::Store) {
            Some(offset) => {
                self.port.write_ram(offset, value);
                Ok(())
            }
            None => self.aside().store_missed(hart, va, value),
        }
    }

    fn amo<T: Word>(
        &mut self,
        hart: &mut Hart,
        va: u64,
        update: impl FnOnce(T) -> T,
    ) -> Result<T, Raised> {
        let old = self.port.amo(hart, va, update)?;
        self.note(hart, va, T::SIZE, Access::Store);
        Ok(old)
    }

    fn load_reserved<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        let value = self.port.load_reserved(hart, va)?;
        self.note(hart, va, T::SIZE, Access::Load);
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
            self.note(hart, va, T::SIZE, Access::Store);
        }
        Ok(stored)
    }

    fn zero_block(&mut self, hart: &mut Hart, va: u64) -> Result<(), Raised> {
        self.port.zero_block(hart, va)?;
        self.note(hart, va & !63, 64, Access::Store);
        Ok(())
    }

    fn manage_block(&mut self, hart: &mut Hart, va: u64, op: BlockOp) -> Result<(), Raised> {
        self.port.manage_block(hart, va, op)?;
        if let Some(operation) = self.port.block_operation(hart, va, &LOAD_OR_STORE) {
            self.notes.put(operation);
        }
        Ok(())
    }

    fn hint(&mut self, hart: &mut Hart, va: u64, hint: Hint) {
        if let Some(hinted) = self.port.hinted(hart, va, hint) {
            self.notes.put(hinted);
        }
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
