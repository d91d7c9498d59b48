//! The fast path to memory.

use crate::{Bus, StepAccess, Tlb};
use hart::mmu::{self, Access, Regime};
use hart::{BlockOp, Cause, Hart, Hint, Port, Raised, Request, Word};
use ram::{RAM_BASE, Ram};

/// RAM and devices for all harts, with the software TLB of the hart that runs.
#[derive(Debug)]
pub struct FastPort<B> {
    /// Guest RAM.
    pub ram: Ram,
    /// Devices.
    pub bus: B,
    /// One TLB a hart; the running hart's is swapped into `tlb`.
    parked: Vec<Box<Tlb>>,
    pub(crate) tlb: Box<Tlb>,
    running: usize,
    /// Something happened that the dispatch loop must look at.
    pub(crate) attention: bool,
    pub(crate) request: Option<Request>,
    /// RAM offset of a word whose stores ask for attention (`tohost`).
    watch: Option<usize>,
    /// Fences executed since the last [`FastPort::take_fences`], while somebody listens.
    fences: Option<Vec<(Option<u64>, Option<u16>)>>,
}

/// A place an access leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Offset in RAM.
    Ram(usize),
    /// Physical address outside RAM.
    Device(u64),
}

impl Place {
    /// Its offset, if it is in RAM.
    pub(crate) fn in_ram(self) -> Option<usize> {
        match self {
            Self::Ram(offset) => Some(offset),
            Self::Device(_) => None,
        }
    }

    /// The physical address, if it is in RAM.
    pub(crate) fn ram_address(self) -> Option<u64> {
        self.in_ram().map(|offset| RAM_BASE + offset as u64)
    }
}

impl<B: Bus> FastPort<B> {
    /// A port for `harts` harts.
    #[must_use]
    pub fn new(ram: Ram, bus: B, harts: usize) -> Self {
        Self {
            ram,
            bus,
            parked: (0..harts).map(|_| Box::default()).collect(),
            tlb: Box::default(),
            running: 0,
            attention: false,
            request: None,
            watch: None,
            fences: None,
        }
    }

    /// Asks for attention whenever the eight bytes at physical address `pa` are stored to.
    pub fn watch(&mut self, pa: Option<u64>) {
        self.watch = pa.and_then(|pa| self.ram.offset(pa, 8));
    }

    /// Whether fences of address translation are to be kept for [`FastPort::take_fences`].
    pub fn keep_fences(&mut self, keep: bool) {
        self.fences = keep.then(Vec::new);
    }

    /// Takes the fences executed: address and address space, each `None` for all.
    pub fn take_fences(&mut self) -> Vec<(Option<u64>, Option<u16>)> {
        self.fences.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What follows a store to RAM that did not go through the TLB.
    fn after_store(&mut self, offset: usize, len: usize) {
        self.ram.note_store(offset, len);
        self.attention |= self.ram.has_dirtied_code();
        if self.watch.is_some_and(|word| offset < word + 8 && word < offset + len) {
            self.attention = true;
            self.request.get_or_insert(Request::Attention);
        }
    }

    /// Makes `hart` the one whose TLB is used. Call before running it.
    pub fn select(&mut self, hart: usize) {
        if hart != self.running {
            let running = self.running;
            std::mem::swap(&mut self.tlb, &mut self.parked[running]);
            std::mem::swap(&mut self.tlb, &mut self.parked[hart]);
            self.running = hart;
        }
    }

    /// Forgets all cached translations of all harts.
    pub fn flush_all(&mut self) {
        self.tlb.flush();
        self.parked.iter_mut().for_each(|tlb| tlb.flush());
    }

    /// Drops translations of hart `index`: of one page or all.
    pub fn flush_hart(&mut self, index: usize, va: Option<u64>) {
        let tlb = if index == self.running { &mut self.tlb } else { &mut self.parked[index] };
        match va {
            Some(va) => tlb.flush_page(va),
            None => tlb.flush(),
        }
    }

    /// Marks a page as code and keeps stores from going there unnoticed.
    pub(crate) fn mark_code(&mut self, offset: usize) {
        if self.ram.mark_code(offset) {
            self.tlb.forbid_stores(offset);
            self.parked.iter_mut().for_each(|tlb| tlb.forbid_stores(offset));
        }
    }

    /// Translates for an access of `len` bytes that stays in one page, checks PMP, and caches.
    pub(crate) fn translate(
        &mut self,
        hart: &Hart,
        va: u64,
        len: u64,
        access: Access,
    ) -> Result<Place, Cause> {
        let regime = Regime::of(hart, access);
        let found = mmu::translate(&mut self.ram, &hart.pmp, regime, va, access)?;
        // The walk may have set A or D in a page that holds code.
        self.attention |= self.ram.has_dirtied_code();
        if !hart.pmp.check(found.pa, len, access, regime.prv) {
            return Err(access.access_fault());
        }
        let Some(offset) = self.ram.offset(found.pa, len) else {
            return Ok(Place::Device(found.pa));
        };
        self.ram.touch(offset);
        let store_blocked = access == Access::Store
            && (!found.store_ready
                || self.ram.is_code(offset)
                || self.watch.is_some_and(|word| word >> 12 == offset >> 12));
        let page_whole = hart.pmp.check_page(found.pa, access, regime.prv) == Some(true);
        if page_whole && !store_blocked {
            let tag = if access == Access::Fetch { hart.fetch_tag } else { hart.data_tag };
            self.tlb.fill(access, tag, va, offset & !0xfff, &found);
        }
        Ok(Place::Ram(offset))
    }

    /// Where `va` leads for an access that stays in one page.
    pub(crate) fn place(
        &mut self,
        hart: &mut Hart,
        va: u64,
        len: u64,
        access: Access,
    ) -> Result<Place, Raised> {
        let tag = if access == Access::Fetch { hart.fetch_tag } else { hart.data_tag };
        if let Some(offset) = self.tlb.lookup(access, tag, va, 1) {
            return Ok(Place::Ram(offset));
        }
        self.translate(hart, va, len, access).map_err(|cause| hart.raise(cause, va))
    }

    /// Splits an access at the page boundary: length of the first part.
    fn first_part(va: u64, len: u64) -> u64 {
        len.min(0x1000 - (va & 0xfff))
    }

    #[cold]
    #[inline(never)]
    fn load_slow<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        let first = Self::first_part(va, T::SIZE);
        let place = self.place(hart, va, first, Access::Load)?;
        let mut bytes = [0; 8];
        if first < T::SIZE {
            let rest = T::SIZE - first;
            let next = va.wrapping_add(first);
            let second = self.place(hart, next, rest, Access::Load)?;
            self.read_place(hart, place, &mut bytes[..first as usize], va)?;
            self.read_place(hart, second, &mut bytes[first as usize..T::SIZE as usize], next)?;
        } else {
            self.read_place(hart, place, &mut bytes[..T::SIZE as usize], va)?;
        }
        Ok(T::from_bytes(&bytes))
    }

    #[cold]
    #[inline(never)]
    fn store_slow<T: Word>(&mut self, hart: &mut Hart, va: u64, value: T) -> Result<(), Raised> {
        let first = Self::first_part(va, T::SIZE);
        let place = self.place(hart, va, first, Access::Store)?;
        let mut bytes = [0; 8];
        value.to_bytes(&mut bytes);
        if first == T::SIZE {
            return self.write_place(hart, place, &bytes[..first as usize], va);
        }
        let next = va.wrapping_add(first);
        let second = self.place(hart, next, T::SIZE - first, Access::Store)?;
        self.write_place(hart, place, &bytes[..first as usize], va)?;
        self.write_place(hart, second, &bytes[first as usize..T::SIZE as usize], next)
    }

    fn read_place(
        &mut self,
        hart: &mut Hart,
        at: Place,
        into: &mut [u8],
        va: u64,
    ) -> Result<(), Raised> {
        match at {
            Place::Ram(offset) => {
                into.copy_from_slice(&self.ram.bytes()[offset..offset + into.len()]);
                Ok(())
            }
            Place::Device(pa) => {
                let size = into.len() as u8;
                let value = is_natural(pa, size)
                    .then(|| self.bus.read(&mut self.ram, hart.now(), pa, size))
                    .flatten()
                    .ok_or_else(|| hart.raise(Cause::LoadAccess, va))?;
                into.copy_from_slice(&value.to_le_bytes()[..into.len()]);
                self.after_device();
                Ok(())
            }
        }
    }

    fn write_place(
        &mut self,
        hart: &mut Hart,
        at: Place,
        from: &[u8],
        va: u64,
    ) -> Result<(), Raised> {
        match at {
            Place::Ram(offset) => {
                self.after_store(offset, from.len());
                self.ram.bytes_mut()[offset..offset + from.len()].copy_from_slice(from);
                Ok(())
            }
            Place::Device(pa) => {
                let size = from.len() as u8;
                let mut bytes = [0; 8];
                bytes[..from.len()].copy_from_slice(from);
                let value = u64::from_le_bytes(bytes);
                is_natural(pa, size)
                    .then(|| self.bus.write(&mut self.ram, hart.now(), pa, size, value))
                    .flatten()
                    .ok_or_else(|| hart.raise(Cause::StoreAccess, va))?;
                self.after_device();
                Ok(())
            }
        }
    }

    /// DMA may have hit code pages, and the device may want the machine.
    fn after_device(&mut self) {
        self.attention |= self.ram.has_dirtied_code();
        if self.bus.take_attention() {
            self.attention = true;
            self.request.get_or_insert(Request::Attention);
        }
    }

    /// The RAM offset of an aligned read-modify-write; atomics on devices are access faults.
    fn atomic_place<T: Word>(
        &mut self,
        hart: &mut Hart,
        va: u64,
        access: Access,
    ) -> Result<usize, Raised> {
        if va & (T::SIZE - 1) != 0 {
            let cause =
                if access == Access::Load { Cause::LoadMisaligned } else { Cause::StoreMisaligned };
            return Err(hart.raise(cause, va));
        }
        match self.place(hart, va, T::SIZE, access)? {
            Place::Ram(offset) => Ok(offset),
            Place::Device(_) => Err(hart.raise(access.access_fault(), va)),
        }
    }

    #[inline(always)]
    pub(crate) fn read_ram<T: Word>(&self, offset: usize) -> T {
        T::from_bytes(&self.ram.bytes()[offset..offset + T::SIZE as usize])
    }

    #[inline(always)]
    pub(crate) fn write_ram<T: Word>(&mut self, offset: usize, value: T) {
        value.to_bytes(&mut self.ram.bytes_mut()[offset..offset + T::SIZE as usize]);
    }

    fn write_noted<T: Word>(&mut self, offset: usize, value: T) {
        self.after_store(offset, T::SIZE as usize);
        self.write_ram(offset, value);
    }
}

/// Devices take naturally aligned accesses of 1, 2, 4 or 8 bytes.
fn is_natural(pa: u64, size: u8) -> bool {
    size.is_power_of_two() && pa.is_multiple_of(u64::from(size))
}

/// Block size of the cache-block operations.
pub(crate) const BLOCK: u64 = 64;

/// A [`FastPort`] that only does plain accesses its TLB leads to. All others give [`Raised`] and have
/// no effect, whether or not they would raise anything.
pub(crate) struct Hits<'a, B> {
    port: &'a mut FastPort<B>,
    last: StepAccess,
}

impl<'a, B: Bus> Hits<'a, B> {
    #[inline(always)]
    pub(crate) fn of(port: &'a mut FastPort<B>) -> Self {
        Self { port, last: StepAccess::to_ram(0, 0, 0, false) }
    }

    /// The last access, if there was one.
    #[inline(always)]
    pub(crate) fn last(&self) -> StepAccess {
        self.last
    }

    #[inline(always)]
    fn offset<T: Word>(&mut self, hart: &Hart, va: u64, access: Access) -> Result<usize, Raised> {
        let offset = self.port.tlb.lookup(access, hart.data_tag, va, T::SIZE).ok_or(Raised)?;
        self.last = StepAccess::to_ram(va, offset, T::SIZE, access == Access::Store);
        Ok(offset)
    }
}

impl<B: Bus> Port for Hits<'_, B> {
    #[inline(always)]
    fn load<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        let offset = self.offset::<T>(hart, va, Access::Load)?;
        Ok(self.port.read_ram(offset))
    }

    #[inline(always)]
    fn store<T: Word>(&mut self, hart: &mut Hart, va: u64, value: T) -> Result<(), Raised> {
        let offset = self.offset::<T>(hart, va, Access::Store)?;
        self.port.write_ram(offset, value);
        Ok(())
    }

    #[inline(always)]
    fn amo<T: Word>(
        &mut self,
        hart: &mut Hart,
        va: u64,
        update: impl FnOnce(T) -> T,
    ) -> Result<T, Raised> {
        let offset = self.offset::<T>(hart, va, Access::Store)?;
        let old = self.port.read_ram::<T>(offset);
        self.port.write_ram(offset, update(old));
        Ok(old)
    }

    fn load_reserved<T: Word>(&mut self, _: &mut Hart, _: u64) -> Result<T, Raised> {
        Err(Raised)
    }

    fn store_conditional<T: Word>(&mut self, _: &mut Hart, _: u64, _: T) -> Result<bool, Raised> {
        Err(Raised)
    }

    fn zero_block(&mut self, _: &mut Hart, _: u64) -> Result<(), Raised> {
        Err(Raised)
    }

    fn manage_block(&mut self, _: &mut Hart, _: u64, _: BlockOp) -> Result<(), Raised> {
        Err(Raised)
    }

    fn hint(&mut self, _: &mut Hart, _: u64, _: Hint) {}

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

impl<B: Bus> Port for FastPort<B> {
    fn load<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        match self.tlb.lookup(Access::Load, hart.data_tag, va, T::SIZE) {
            Some(offset) => Ok(self.read_ram(offset)),
            None => self.load_slow(hart, va),
        }
    }

    fn store<T: Word>(&mut self, hart: &mut Hart, va: u64, value: T) -> Result<(), Raised> {
        match self.tlb.lookup(Access::Store, hart.data_tag, va, T::SIZE) {
            Some(offset) => {
                self.write_ram(offset, value);
                Ok(())
            }
            None => self.store_slow(hart, va, value),
        }
    }

    fn amo<T: Word>(
        &mut self,
        hart: &mut Hart,
        va: u64,
        update: impl FnOnce(T) -> T,
    ) -> Result<T, Raised> {
        let offset = self.atomic_place::<T>(hart, va, Access::Store)?;
        let old = self.read_ram::<T>(offset);
        self.write_noted(offset, update(old));
        Ok(old)
    }

    fn load_reserved<T: Word>(&mut self, hart: &mut Hart, va: u64) -> Result<T, Raised> {
        let offset = self.atomic_place::<T>(hart, va, Access::Load)?;
        hart.reservation = Some(offset as u64);
        Ok(self.read_ram(offset))
    }

    fn store_conditional<T: Word>(
        &mut self,
        hart: &mut Hart,
        va: u64,
        value: T,
    ) -> Result<bool, Raised> {
        let reserved = hart.reservation.take();
        let offset = self.atomic_place::<T>(hart, va, Access::Store)?;
        if reserved != Some(offset as u64) {
            return Ok(false);
        }
        self.write_noted(offset, value);
        Ok(true)
    }

    fn zero_block(&mut self, hart: &mut Hart, va: u64) -> Result<(), Raised> {
        match self.place(hart, va & !(BLOCK - 1), BLOCK, Access::Store) {
            Ok(Place::Ram(offset)) => {
                self.after_store(offset, BLOCK as usize);
                self.ram.bytes_mut()[offset..offset + BLOCK as usize].fill(0);
                Ok(())
            }
            Ok(Place::Device(_)) => Err(hart.raise(Cause::StoreAccess, va)),
            Err(Raised) => {
                hart.exception.tval = va;
                Err(Raised)
            }
        }
    }

    /// Permitted where a load or a store is; faults are reported as a store's (CMO, 2.5.2).
    fn manage_block(&mut self, hart: &mut Hart, va: u64, _: BlockOp) -> Result<(), Raised> {
        if self.place(hart, va, 1, Access::Load).is_ok() {
            return Ok(());
        }
        self.place(hart, va, 1, Access::Store).map(|_| ())
    }

    /// Nothing to do: what is cached is the timing side's to know.
    fn hint(&mut self, _: &mut Hart, _: u64, _: Hint) {}

    /// Nothing to do: stores to decoded pages are noted as they happen.
    fn fence_i(&mut self, _: &mut Hart) {}

    fn sfence_vma(&mut self, _: &mut Hart, va: Option<u64>, asid: Option<u16>) {
        if let Some(fences) = &mut self.fences {
            fences.push((va, asid));
        }
        match va {
            Some(va) => self.tlb.flush_page(va),
            None => self.tlb.flush(),
        }
    }

    fn context_changed(&mut self, hart: &mut Hart) {
        self.tlb.set_tags(hart);
    }

    fn protection_changed(&mut self, hart: &mut Hart) {
        self.tlb.flush();
        self.tlb.set_tags(hart);
    }

    fn request(&mut self, _: &mut Hart, request: Request) {
        self.attention = true;
        // `Attention` is the weakest wish: it never hides another.
        match self.request {
            None | Some(Request::Attention) => self.request = Some(request),
            Some(_) => {}
        }
    }
}
