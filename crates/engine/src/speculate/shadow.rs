//! Memory as a wrong path sees it.

use crate::note::{LOAD_OR_STORE, Notes, StepAccess};
use crate::overlay::Overlay;
use crate::port::Place;
use crate::{Bus, FastPort};
use hart::mmu::Access;
use hart::{BlockOp, Hart, Hint, Port, Raised, Request, Word};

/// The memory of a wrong path.
pub(super) struct Shadow<'a, B> {
    pub port: &'a mut FastPort<B>,
    pub overlay: &'a mut Overlay,
    pub notes: &'a mut Notes,
}

impl<B: Bus> Shadow<'_, B> {
    /// See [`Recorder::aside`](crate::note::Recorder).
    #[inline(always)]
    fn aside(&mut self) -> Shadow<'_, B> {
        Shadow { port: self.port, overlay: self.overlay, notes: self.notes }
    }

    /// The RAM offset of an aligned access that the TLB leads to, which is noted.
    #[inline(always)]
    fn hit<T: Word>(&mut self, hart: &Hart, va: u64, access: Access) -> Option<usize> {
        let offset = self.port.tlb.lookup(access, hart.data_tag, va, T::SIZE)?;
        self.notes.put(StepAccess::to_ram(va, offset, T::SIZE, access == Access::Store));
        Some(offset)
    }

    /// Where an access, or the next part of one, that stays in one page leads, which is noted.
    #[inline(always)]
    fn place(&mut self, hart: &Hart, va: u64, len: u64, access: Access) -> Result<usize, Raised> {
        let Some(Place::Ram(offset)) = self.port.probe(hart, va, len, access) else {
            return Err(Raised);
        };
        let store = access == Access::Store;
        self.notes.push(StepAccess::to_ram(va, offset, len, store));
        Ok(offset)
    }

    /// RAM offsets of an access and of its part on a second page, with the length of the first.
    fn places(
        &mut self,
        hart: &Hart,
        va: u64,
        len: u64,
        access: Access,
    ) -> Result<(usize, usize, usize), Raised> {
        let first = len.min(0x1000 - (va & 0xfff));
        let offset = self.place(hart, va, first, access)?;
        if first == len {
            return Ok((offset, 0, len as usize));
        }
        let second = self.place(hart, va.wrapping_add(first), len - first, access)?;
        Ok((offset, second, first as usize))
    }

    #[cold]
    #[inline(never)]
    fn load_missed<T: Word>(mut self, hart: &Hart, va: u64) -> Result<T, Raised> {
        let (offset, second, first) = self.places(hart, va, T::SIZE, Access::Load)?;
        let mut bytes = [0; 8];
        self.read(offset, &mut bytes[..first]);
        self.read(second, &mut bytes[first..T::SIZE as usize]);
        Ok(T::from_bytes(&bytes))
    }

    #[cold]
    #[inline(never)]
    fn store_missed<T: Word>(mut self, hart: &Hart, va: u64, value: T) -> Result<(), Raised> {
        let (offset, second, first) = self.places(hart, va, T::SIZE, Access::Store)?;
        let mut bytes = [0; 8];
        value.to_bytes(&mut bytes);
        self.write(offset, &bytes[..first])?;
        self.write(second, &bytes[first..T::SIZE as usize])
    }

    fn read(&self, offset: usize, into: &mut [u8]) {
        into.copy_from_slice(&self.port.ram.bytes()[offset..offset + into.len()]);
        self.overlay.patch(offset, into);
    }

    fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), Raised> {
        self.overlay.store(offset, from).map_err(|_| Raised)
    }
}

impl<B: Bus> Port for Shadow<'_, B> {
    #[inline(always)]
    fn load<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        match self.hit::<T>(hart, va, Access::Load) {
            Some(offset) => {
                let read: T = self.port.read_ram(offset);
                Ok(T::truncate(self.overlay.patched(offset, read.extend())))
            }
            None => self.aside().load_missed(hart, va),
        }
    }

    #[inline(always)]
    fn store<T: Word>(&mut self, hart: &mut Hart, va: u64, value: T) -> Result<(), Raised> {
        match self.hit::<T>(hart, va, Access::Store) {
            Some(offset) => {
                let stored = self.overlay.store_in_word(offset, value.extend(), T::SIZE as usize);
                stored.map_err(|_| Raised)
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
        if va & (T::SIZE - 1) != 0 {
            return Err(Raised);
        }
        let offset = self.place(hart, va, T::SIZE, Access::Store)?;
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..T::SIZE as usize];
        self.read(offset, bytes);
        let old = T::from_bytes(bytes);
        update(old).to_bytes(bytes);
        self.write(offset, bytes)?;
        Ok(old)
    }

    /// Not reached, as [`acts_outside`](super::acts_outside) says; reservations are the hart's own.
    fn load_reserved<T: Word>(&mut self, _: &mut Hart, _: u64) -> Result<T, Raised> {
        Err(Raised)
    }

    /// See [`Shadow::load_reserved`].
    fn store_conditional<T: Word>(&mut self, _: &mut Hart, _: u64, _: T) -> Result<bool, Raised> {
        Err(Raised)
    }

    fn zero_block(&mut self, hart: &mut Hart, va: u64) -> Result<(), Raised> {
        let offset = self.place(hart, va & !63, 64, Access::Store)?;
        self.write(offset, &[0; 64])
    }

    /// Permitted where a load or a store is, as on the right path; a device's block ends the path.
    fn manage_block(&mut self, hart: &mut Hart, va: u64, _: BlockOp) -> Result<(), Raised> {
        let operation = self.port.block_operation(hart, va, &LOAD_OR_STORE).ok_or(Raised)?;
        self.notes.put(operation);
        Ok(())
    }

    fn hint(&mut self, hart: &mut Hart, va: u64, hint: Hint) {
        if let Some(hinted) = self.port.hinted(hart, va, hint) {
            self.notes.put(hinted);
        }
    }

    // What follows is reached only by instructions that end the path before they execute.

    fn fence_i(&mut self, _: &mut Hart) {}

    fn sfence_vma(&mut self, _: &mut Hart, _: Option<u64>, _: Option<u16>) {}

    fn context_changed(&mut self, _: &mut Hart) {}

    fn protection_changed(&mut self, _: &mut Hart) {}

    fn request(&mut self, _: &mut Hart, _: Request) {}
}
