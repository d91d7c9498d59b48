//! Wrong paths: what a core executes behind a branch it guessed wrong.
//!
//! A path begins as a copy of the hart and runs the real instructions found at its `pc` through the
//! same semantics as everything else, on a port of its own: loads read RAM through an [`Overlay`] of
//! what the path stored, stores and atomics go to the overlay, registers and flags are the copy's.
//! Ending it forgets the copy and the overlay, in a time that does not depend on what it did.
//!
//! Nothing it does can be seen elsewhere. Translations are looked up in the hart's TLB but none is
//! put there, so that what the hart finds later is not older than it would have been; page-table
//! entries are read but not marked.
//!
//! A path ends
//! - at a fetch or access that faults, leads outside RAM, or finds a page-table entry whose accessed
//!   or dirty bit would have to be set (hardware may mark a page accessed speculatively, but not
//!   dirty: Volume II, 10.3.1; such pages are rare under an operating system that sets both itself);
//! - at an instruction that acts on more than registers and memory: CSR accesses, system
//!   instructions, `fence.i`, markers; and at `lr` and `sc`, whose reservation is the hart's;
//! - when it has stored to more words than the overlay holds.

mod shadow;

use crate::known::{CodePage, Describe, Found};
use crate::note::Notes;
use crate::overlay::Overlay;
use crate::port::Place;
use crate::step::{Ending, Step, Stepper};
use crate::{Bus, Code, FastPort};
use hart::exec::{self, Semantics, Wrap};
use hart::mmu::{self, Access, Regime};
use hart::{Hart, Privilege};
use isa::{Class, Inst, Op};
use shadow::Shadow;
use std::marker::PhantomData;

/// The wrong path of one hart.
#[derive(Debug)]
pub(crate) struct WrongPath {
    state: State,
    /// The copy. Its content means nothing while there is no path.
    hart: Box<Hart>,
    overlay: Overlay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is no path.
    None,
    /// It can go on.
    Open,
    /// It met its end; it goes on if it is sent elsewhere.
    Ended,
}

impl WrongPath {
    pub(crate) fn new() -> Self {
        Self { state: State::None, hart: Box::new(Hart::new(0, 0)), overlay: Overlay::new() }
    }

    fn lead_to(&mut self, hart: &Hart, pc: u64) {
        if self.state == State::None {
            copy_into(&mut self.hart, hart);
        }
        self.hart.pc = pc;
        // There are no instructions at odd addresses.
        self.state = if pc & 1 == 0 { State::Open } else { State::Ended };
    }

    /// Executes the instruction that was `found` at its pc, or ends.
    #[inline(always)]
    fn step<'a, B: Bus, D>(
        &mut self,
        found: Found<'a, D>,
        port: &mut FastPort<B>,
        notes: &'a mut Notes,
    ) -> Option<Step<'a, D>> {
        let Self { hart, overlay, .. } = self;
        let (pc, inst) = (hart.pc, found.inst);
        let ending = exec::wrap::<Astray<B>>(inst.op)(hart, port, overlay, notes, inst);
        // The first of the two is a comparison that whoever takes the step makes anyway.
        if !ending.is_simple() && ending.raised() {
            self.state = State::Ended;
            return None;
        }
        Some(Step::of(pc, found, notes, ending, hart.pc))
    }

    pub(crate) fn end(&mut self) {
        if self.state != State::None {
            self.state = State::None;
            self.overlay.clear();
        }
    }
}

/// Makes `copy` like `hart`, but for the entries of `x` that no instruction reads, which are most.
fn copy_into(copy: &mut Hart, hart: &Hart) {
    // All fields by name, so that a new one is not forgotten.
    let Hart {
        x,
        f,
        pc,
        prv,
        csr,
        pmp,
        id,
        retired,
        exception,
        reservation,
        waiting,
        sbi,
        data_tag,
        fetch_tag,
        clock,
    } = hart;
    copy.x[..32].copy_from_slice(&x[..32]);
    copy.f = *f;
    (copy.pc, copy.prv, copy.id, copy.retired) = (*pc, *prv, *id, *retired);
    copy.csr.clone_from(csr);
    copy.pmp.clone_from(pmp);
    (copy.exception, copy.reservation) = (*exception, *reservation);
    (copy.waiting, copy.sbi, copy.clock) = (*waiting, *sbi, *clock);
    (copy.data_tag, copy.fetch_tag) = (*data_tag, *fetch_tag);
}

impl<D: Describe> Stepper<D> {
    /// Sends `hart` down a wrong path at `pc`: on a copy of it as it is now, or, if it is on a wrong
    /// path already, with the registers and stores it has there.
    pub fn wrong_path(&mut self, hart: &Hart, pc: u64) {
        self.wrong_paths[hart.id as usize].lead_to(hart, pc);
    }

    /// Executes the next instruction of hart `hart`'s wrong path; `None` where it ends. The hart
    /// must be the one selected in `port`.
    #[inline]
    pub fn step_wrong<B: Bus>(
        &mut self,
        hart: usize,
        port: &mut FastPort<B>,
        code: &mut Code<B>,
    ) -> Option<Step<'_, D>> {
        if port.ram.has_dirtied_code() {
            self.drop_stale(port, code);
        }
        let path = &mut self.wrong_paths[hart];
        if path.state != State::Open {
            return None;
        }
        match self.insts.peek(&path.hart, port) {
            Some(found) if !found.about.ends_wrong_path => path.step(found, port, &mut self.notes),
            _ => {
                path.state = State::Ended;
                None
            }
        }
    }

    /// The page that hart `hart`'s wrong path fetches from, for [`Stepper::step_wrong_at_hand`]:
    /// [`CodePage::NOWHERE`] if the TLB does not lead there.
    #[inline]
    #[must_use]
    pub fn wrong_code_page<B: Bus>(&self, hart: usize, port: &FastPort<B>) -> CodePage {
        self.code_page(&self.wrong_paths[hart].hart, port)
    }

    /// As [`Stepper::step_wrong`] if the instruction is at hand, on `page`. `None`, and nothing is done,
    /// if not; `None` also if it ends the path, of which [`Stepper::step_wrong`] then knows no more.
    ///
    /// `page` must have been found since the path began, and as [`Stepper::step_at_hand`] says.
    #[inline(always)]
    pub fn step_wrong_at_hand<B: Bus>(
        &mut self,
        page: &CodePage,
        hart: usize,
        port: &mut FastPort<B>,
    ) -> Option<Step<'_, D>> {
        let path = &mut self.wrong_paths[hart];
        if port.ram.has_dirtied_code() | (path.state != State::Open) {
            return None;
        }
        let found = self.insts.on_page(page, path.hart.pc)?;
        if found.about.ends_wrong_path {
            return None;
        }
        path.step(found, port, &mut self.notes)
    }

    /// Ends the wrong path of hart `hart` and forgets all it did.
    pub fn squash(&mut self, hart: usize) {
        self.wrong_paths[hart].end();
    }
}

/// Makes of each instruction a function that executes it on a wrong path.
struct Astray<B>(PhantomData<B>);

impl<B: Bus> Wrap for Astray<B> {
    type Wrapped = fn(&mut Hart, &mut FastPort<B>, &mut Overlay, &mut Notes, &Inst) -> Ending;

    fn wrap<S: Semantics>() -> Self::Wrapped {
        astray::<B, S>
    }
}

fn astray<B: Bus, S: Semantics>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    overlay: &mut Overlay,
    notes: &mut Notes,
    inst: &Inst,
) -> Ending {
    notes.clear();
    let outcome = S::execute(hart, &mut Shadow { port, overlay, notes }, inst);
    Ending::of(outcome, hart, inst, notes)
}

/// Whether `inst` acts on more than registers and memory, or on the hart's reservation.
pub(crate) fn acts_outside(inst: &Inst) -> bool {
    let class = inst.op.class();
    matches!(class, Class::Csr | Class::System | Class::Marker)
        || matches!(class, Class::LoadReserved | Class::StoreConditional)
        || inst.op == Op::FenceI
}

impl<B: Bus> FastPort<B> {
    /// Where `va` leads for an access of `len` bytes that stays in one page, without a trace: nothing
    /// is cached, no page-table entry marked. `None` if it would fault or an entry had to be marked.
    #[inline]
    pub(crate) fn probe(
        &mut self,
        hart: &Hart,
        va: u64,
        len: u64,
        access: Access,
    ) -> Option<Place> {
        let tag = if access == Access::Fetch { hart.fetch_tag } else { hart.data_tag };
        match self.tlb.lookup(access, tag, va, 1) {
            Some(offset) => Some(Place::Ram(offset)),
            None => self.probe_tables(hart, va, len, access),
        }
    }

    #[cold]
    #[inline(never)]
    fn probe_tables(&mut self, hart: &Hart, va: u64, len: u64, access: Access) -> Option<Place> {
        let found = self.walk_permitted(hart, va, access)?;
        let prv = Regime::of(hart, access).prv;
        if !hart.pmp.check(found.pa, len, access, prv) {
            return None;
        }
        let Some(offset) = self.ram.offset(found.pa, len) else {
            return Some(Place::Device(found.pa));
        };
        self.ram.touch(offset);
        Some(Place::Ram(offset))
    }

    /// The full walk of `va`, as a page-table walker would do it now, without marking what it reads.
    /// `None` if it faults or would have to mark.
    fn walk_permitted(&mut self, hart: &Hart, va: u64, access: Access) -> Option<mmu::Translation> {
        let mut regime = Regime::of(hart, access);
        // Without the hardware's leave to mark entries, an unmarked one is a fault.
        regime.menvcfg &= !mmu::ADUE;
        mmu::translate(&mut self.ram, &hart.pmp, regime, va, access).ok()
    }

    /// The walk of `va` in the hart's address space whatever its permissions, for who asks about an
    /// access that was made, perhaps at another privilege. `None` if there is no page, or none that
    /// was ever accessed.
    pub fn walk(&mut self, hart: &Hart, va: u64) -> Option<mmu::Translation> {
        // A load by a supervisor who may read user pages and code may read every page.
        let regime = Regime {
            satp: hart.csr.satp,
            prv: Privilege::Supervisor,
            sum: true,
            mxr: true,
            menvcfg: hart.csr.menvcfg & !mmu::ADUE,
        };
        mmu::translate(&mut self.ram, &hart.pmp, regime, va, Access::Load).ok()
    }
}

#[cfg(test)]
mod tests;
