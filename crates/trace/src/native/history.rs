//! What writer and reader of a hart's records foresee, each from the records before.
//!
//! Three tables, like the predictors of a processor and as forgetful: the last instruction at a pc,
//! the physical page of a virtual one, and the pc that follows the last instruction. They are
//! direct mapped; a wrong guess costs bytes, never a wrong record.

use stream::{Branch, Event, Instr, MemAccess, PhysAddr, VirtAddr, Walk};

/// Instructions remembered, in one MiB a hart: a larger table would leave the host's caches.
const TEMPLATES: usize = 8192;

/// Pages remembered.
const FRAMES: usize = 1024;

#[derive(Debug)]
pub(super) struct History {
    templates: Box<[Instr]>,
    frames: Box<[Frame]>,
    /// The pc that follows the last instruction.
    pub(super) next: u64,
    /// The last code address.
    pub(super) code: Place,
    /// The last data address.
    pub(super) data: Place,
    /// The last walk and what it was for.
    pub(super) walk: (VirtAddr, Walk),
}

/// A virtual address and what it was translated to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) va: u64,
    pub(super) pa: u64,
}

impl Place {
    pub(super) fn of(access: &MemAccess) -> Self {
        Self { va: access.va.0, pa: access.pa.0 }
    }

    /// The physical address of `va` if it is as far from it as here.
    pub(super) fn carry(self, va: u64) -> u64 {
        va.wrapping_add(self.pa.wrapping_sub(self.va))
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    page: u64,
    base: u64,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            templates: vec![Instr::default(); TEMPLATES].into_boxed_slice(),
            frames: vec![Frame::default(); FRAMES].into_boxed_slice(),
            next: 0,
            code: Place::default(),
            data: Place::default(),
            walk: (VirtAddr::default(), Walk::new()),
        }
    }

    /// The instruction at `pc` as it was last time, translated as its page was last, not taken and
    /// without event. Whatever was last in its place of the table, if not this pc.
    #[inline]
    pub(super) fn foresee(&self, pc: VirtAddr) -> Instr {
        let mut guess = self.templates[slot(pc)];
        let last = Place { va: guess.pc.0, pa: guess.fetch_pa.0 };
        guess.pc = pc;
        guess.fetch_pa = PhysAddr(self.translate(guess.asid, guess.translated, pc.0, last));
        guess.event = Event::None;
        if let Some(branch) = &mut guess.branch {
            branch.taken = false;
        }
        guess
    }

    /// Moves the access of a foreseen instruction of the address space `asid` to `va`.
    #[inline]
    pub(super) fn aim(&self, asid: u16, access: &mut MemAccess, va: VirtAddr) {
        let last = Place::of(access);
        access.pa = PhysAddr(self.translate(asid, access.translated, va.0, last));
        access.va = va;
    }

    #[inline]
    fn translate(&self, asid: u16, translated: bool, va: u64, last: Place) -> u64 {
        let page = page_of(asid, va);
        let frame = &self.frames[frame_slot(page)];
        if translated && frame.page == page { frame.base | va & 0xfff } else { last.carry(va) }
    }

    /// Takes note of an instruction.
    #[inline]
    pub(super) fn learn(&mut self, instr: &Instr) {
        self.next = match instr.branch {
            Some(Branch { taken: true, target, .. }) => target.0,
            _ => instr.pc.0.wrapping_add(u64::from(instr.len)),
        };
        self.code = Place { va: instr.pc.0, pa: instr.fetch_pa.0 };
        if instr.translated {
            self.learn_frame(instr.asid, self.code);
        }
        if let Some(access) = &instr.mem {
            self.data = Place::of(access);
            if access.translated {
                self.learn_frame(instr.asid, self.data);
            }
        }
        self.templates[slot(instr.pc)] = *instr;
    }

    #[inline]
    fn learn_frame(&mut self, asid: u16, place: Place) {
        let page = page_of(asid, place.va);
        self.frames[frame_slot(page)] = Frame { page, base: place.pa & !0xfff };
    }
}

/// Instructions begin at even addresses; a program and its libraries lie at multiples of the size
/// of the table, so higher bits are folded in.
#[inline]
fn slot(pc: VirtAddr) -> usize {
    ((pc.0 >> 1) ^ (pc.0 >> 14)) as usize % TEMPLATES
}

/// A number for a page of an address space; two that have the same only cost bytes.
#[inline]
fn page_of(asid: u16, va: u64) -> u64 {
    (va >> 12) ^ u64::from(asid) << 48
}

#[inline]
fn frame_slot(page: u64) -> usize {
    (page ^ page >> 48) as usize % FRAMES
}
