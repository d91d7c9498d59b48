//! One instruction at a time, with a record of what it touched: the functional side of the warming
//! and timing modes. Same semantics, same memory; only the port around them takes notes.
//!
//! Wrong paths, which leave no trace, are in [`crate::speculate`].

use crate::known::{CodePage, Describe, Found, KnownInsts};
use crate::lockup::AllFaults;
use crate::note::{Notes, Recorder, StepAccess};
use crate::speculate::WrongPath;
use crate::{Bus, Code, FastPort};
use hart::exec::{self, Semantics, Wrap};
use hart::{Hart, Leave, Outcome, Request};
use isa::{Class, Inst};
use ram::RAM_BASE;
use std::marker::PhantomData;

/// What one instruction did.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a, D> {
    /// Its address.
    pub pc: u64,
    /// Physical address of its first byte.
    pub fetch_pa: u64,
    /// Physical address of its second half, where that lies on another page.
    pub fetch_tail: Option<u64>,
    /// The instruction.
    pub inst: &'a Inst,
    /// What its owner wanted to know of it.
    pub description: &'a D,
    /// The address of the next instruction: the handler's if it raised an exception.
    pub next_pc: u64,
    parts: &'a [StepAccess; 2],
    ending: Ending,
}

impl<'a, D> Step<'a, D> {
    /// What became of the instruction that was `found` at `pc`.
    #[inline(always)]
    pub(crate) fn of(
        pc: u64,
        found: Found<'a, D>,
        notes: &'a Notes,
        ending: Ending,
        next_pc: u64,
    ) -> Self {
        let Found { inst, about, pa: fetch_pa, tail: fetch_tail } = found;
        let (description, parts) = (&about.description, notes.parts());
        Self { pc, fetch_pa, fetch_tail, inst, description, next_pc, parts, ending }
    }

    /// The parts of its data access, if it made one: two where that crosses a page.
    #[inline]
    #[must_use]
    pub fn accesses(&self) -> &'a [StepAccess] {
        &self.parts[..self.ending.parts()]
    }

    /// Its data access, or the first part of it.
    #[inline(always)]
    #[must_use]
    pub fn access(&self) -> Option<&'a StepAccess> {
        (self.ending.parts() != 0).then_some(&self.parts[0])
    }

    /// It raised an exception and did not retire.
    #[inline(always)]
    #[must_use]
    pub fn raised(&self) -> bool {
        self.ending.raised()
    }

    /// The same in another place: one that is handed on as a whole must lie in memory, which this spares
    /// the steps that are not.
    #[inline(always)]
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        let &Self { pc, fetch_pa, fetch_tail, inst, description, next_pc, parts, ending } = self;
        Self { pc, fetch_pa, fetch_tail, inst, description, next_pc, parts, ending }
    }

    /// It retired, and neither it nor its access lies on two pages, as is with nearly all.
    #[inline(always)]
    #[must_use]
    pub fn is_simple(&self) -> bool {
        self.ending.is_simple() & self.fetch_tail.is_none()
    }
}

/// How the execution of an instruction ended: how many parts its access had, and what else there is to
/// do something about. In one byte, so that one comparison finds out that there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending(u8);

impl Ending {
    const PARTS: u8 = 3;
    /// It raised an exception.
    const RAISED: u8 = 4;
    /// It may have reserved a word.
    const RESERVED: u8 = 8;

    /// Moves `pc` as the `outcome` of `inst` says.
    #[inline(always)]
    pub(crate) fn of(outcome: Outcome, hart: &mut Hart, inst: &Inst, notes: &Notes) -> Self {
        match outcome {
            Ok(()) => hart.pc = hart.pc.wrapping_add(u64::from(inst.len)),
            Err(Leave::Jump) => {}
            Err(Leave::Raised) => return Self(notes.count() | Self::RAISED),
        }
        Self(notes.count())
    }

    #[inline(always)]
    fn parts(self) -> usize {
        usize::from(self.0 & Self::PARTS)
    }

    #[inline(always)]
    pub(crate) fn raised(self) -> bool {
        self.0 & Self::RAISED != 0
    }

    /// It retired, and had one part at most.
    #[inline(always)]
    pub(crate) fn is_simple(self) -> bool {
        self.0 <= 1
    }
}

/// Executes single instructions, with a cache of decoded ones. `D` is what the owner wants to know
/// of each.
#[derive(Debug)]
pub struct Stepper<D = ()> {
    pub(crate) insts: KnownInsts<D>,
    /// Those of the last step.
    pub(crate) notes: Notes,
    pub(crate) reservations: Reservations,
    pub(crate) faults: AllFaults,
    pub(crate) wrong_paths: Vec<WrongPath>,
}

impl Stepper {
    /// A stepper for `harts` harts whose owner knows enough of instructions.
    #[must_use]
    pub fn new(harts: usize) -> Self {
        Self::describing(harts)
    }
}

impl<D: Describe> Stepper<D> {
    /// A stepper for `harts` harts.
    #[must_use]
    pub fn describing(harts: usize) -> Self {
        Self {
            insts: KnownInsts::new(),
            notes: Notes::new(),
            reservations: Reservations::new(harts),
            faults: AllFaults::new(harts),
            wrong_paths: (0..harts).map(|_| WrongPath::new()).collect(),
        }
    }

    /// Executes one instruction of `hart`. A fetch that faults takes its trap and gives `None`.
    /// Interrupts are the caller's. Requests are taken by [`FastPort::take_request`].
    #[inline(always)]
    pub fn step<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        code: &mut Code<B>,
    ) -> Option<Step<'_, D>> {
        if port.ram.has_dirtied_code() {
            self.drop_stale(port, code);
        }
        let Ok(found) = self.insts.fetch(hart, port) else {
            trap(hart, port, &mut self.faults);
            return None;
        };
        let (notes, faults) = (&mut self.notes, &mut self.faults);
        Some(execute(hart, port, found, notes, &mut self.reservations, faults))
    }

    /// The page that `hart` fetches from, for [`Stepper::step_at_hand`]: [`CodePage::NOWHERE`] if the TLB
    /// does not lead there.
    #[inline]
    #[must_use]
    pub fn code_page<B: Bus>(&self, hart: &Hart, port: &FastPort<B>) -> CodePage {
        self.insts.page(hart, port)
    }

    /// The instruction at `pc` will be executed soon, if that is on `page`: brings it nearer on the host.
    #[inline]
    pub fn expect_at(&self, page: &CodePage, pc: u64) {
        self.insts.expect_at(page, pc);
    }

    /// As [`Stepper::step`] if the instruction is at hand (on `page`, and decoded), `permits` it by its
    /// description and [`FastPort`] asks for no attention. `None`, and nothing is done, if not.
    ///
    /// `page` must have been found since the hart last executed in another way, took a trap or had
    /// another turn: all of these may change where the TLB leads.
    #[inline(always)]
    pub fn step_at_hand<B: Bus>(
        &mut self,
        page: &CodePage,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        permits: impl FnOnce(&D) -> bool,
    ) -> Option<Step<'_, D>> {
        if port.attention {
            return None;
        }
        let found = self.insts.on_page(page, hart.pc)?;
        if !permits(&found.about.description) {
            return None;
        }
        let (notes, faults) = (&mut self.notes, &mut self.faults);
        Some(execute(hart, port, found, notes, &mut self.reservations, faults))
    }

    /// Whether `hart` can do nothing but fault until an interrupt comes: its trap handler cannot be
    /// executed. Once answered so, it is found out anew.
    pub fn take_locked_up(&mut self, hart: &Hart) -> bool {
        self.faults.of(hart).take_locked_up()
    }

    pub(crate) fn is_locked_up(&mut self, hart: &Hart) -> bool {
        self.faults.of(hart).locked_up()
    }

    /// What the instruction at the hart's pc is, which nothing is done to. `None` if its fetch would
    /// fault or mark a page-table entry.
    #[inline]
    pub fn peek<B: Bus>(
        &mut self,
        hart: &Hart,
        port: &mut FastPort<B>,
        code: &mut Code<B>,
    ) -> Option<&D> {
        if port.ram.has_dirtied_code() {
            self.drop_stale(port, code);
        }
        Some(&self.insts.peek(hart, port)?.about.description)
    }

    /// Applies what other harts' stores did to `hart`'s reservation. Call when it gets its turn,
    /// which may last for several instructions.
    pub fn begin_turn(&mut self, hart: &mut Hart) {
        if self.reservations.held[hart.id as usize].is_none() {
            hart.reservation = None;
        }
    }

    /// Takes up the reservations that `harts`, all there are, got in another mode.
    pub fn adopt_reservations(&mut self, harts: &[Hart]) {
        let held: Vec<_> = harts.iter().map(|hart| hart.reservation).collect();
        self.reservations = Reservations { any: held.iter().any(Option::is_some), held };
    }

    /// Forgets instructions of pages that were stored to, here and in the block cache.
    #[cold]
    #[inline(never)]
    pub(crate) fn drop_stale<B: Bus>(&mut self, port: &mut FastPort<B>, code: &mut Code<B>) {
        for page in port.ram.take_dirtied_code() {
            code.invalidate(page as usize);
            self.insts.forget_page(page as usize);
        }
    }

    /// Forgets all decoded instructions and ends all wrong paths. Needed when another mode has run
    /// in between.
    pub fn clear(&mut self) {
        self.insts.clear();
        self.wrong_paths.iter_mut().for_each(WrongPath::end);
    }
}

impl<B: Bus> FastPort<B> {
    /// Takes what the last instruction asked for.
    #[inline]
    pub fn take_request(&mut self) -> Option<Request> {
        self.attention = false;
        self.request.take()
    }

    /// Whether the last instruction asked for something that was not taken yet.
    #[inline]
    #[must_use]
    pub fn has_request(&self) -> bool {
        self.request.is_some()
    }

    /// Makes sure that it asks for attention if there is a reason, and only then: a request, or stores to
    /// decoded code. Call before [`Stepper::step_at_hand`] after anything else than steps.
    #[inline]
    pub fn review_attention(&mut self) {
        self.attention = self.has_request() | self.ram.has_dirtied_code();
    }
}

/// Executes the instruction that was `found` at the hart's pc.
#[inline(always)]
fn execute<'a, B: Bus, D>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    found: Found<'a, D>,
    notes: &'a mut Notes,
    reservations: &mut Reservations,
    faults: &mut AllFaults,
) -> Step<'a, D> {
    let pc = hart.pc;
    let inst = found.inst;
    let mut ending = exec::wrap::<Recorded<B>>(inst.op)(hart, port, notes, inst);
    if !ending.is_simple() | reservations.any {
        ending = settle(hart, port, ending, notes, reservations, faults);
    }
    Step::of(pc, found, notes, ending, hart.pc)
}

/// Takes up what few instructions do: exceptions, and what there is about reservations.
#[cold]
#[inline(never)]
fn settle<B: Bus>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    ending: Ending,
    notes: &Notes,
    reservations: &mut Reservations,
    faults: &mut AllFaults,
) -> Ending {
    if ending.raised() {
        trap(hart, port, faults);
    }
    if reservations.any || hart.reservation.is_some() {
        reservations.follow(hart, &notes.parts()[..ending.parts()]);
    }
    Ending(ending.0 & !Ending::RESERVED)
}

/// Takes an exception, out of the way of the instructions that raise none.
#[cold]
#[inline(never)]
pub(crate) fn trap<B: Bus>(hart: &mut Hart, port: &mut FastPort<B>, faults: &mut AllFaults) {
    faults.of(hart).note(hart);
    hart.take_exception(port);
}

/// Makes of each instruction a function that executes it to its end with notes: a small one each, in
/// contrast to a match over all instructions, which saves and restores what the largest arm needs.
struct Recorded<B>(PhantomData<B>);

impl<B: Bus> Wrap for Recorded<B> {
    type Wrapped = fn(&mut Hart, &mut FastPort<B>, &mut Notes, &Inst) -> Ending;

    fn wrap<S: Semantics>() -> Self::Wrapped {
        recorded::<B, S>
    }
}

fn recorded<B: Bus, S: Semantics>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    notes: &mut Notes,
    inst: &Inst,
) -> Ending {
    notes.clear();
    let outcome = S::execute(hart, &mut Recorder { port, notes }, inst);
    let ending = Ending::of(outcome, hart, inst, notes);
    hart.retired += u64::from(outcome != Err(Leave::Raised));
    let reserved = if matches!(S::CLASS, Class::LoadReserved) { Ending::RESERVED } else { 0 };
    Ending(ending.0 | reserved)
}

/// The words that harts have reserved. Whether another hart's store broke a reservation is decided
/// here, since harts take turns: a store to the reserved 8 bytes breaks it.
#[derive(Debug)]
pub(crate) struct Reservations {
    /// For each hart, the RAM offset it holds a reservation on.
    held: Vec<Option<u64>>,
    /// There is one.
    pub(crate) any: bool,
}

impl Reservations {
    fn new(harts: usize) -> Self {
        Self { held: vec![None; harts], any: false }
    }

    /// Notes what an instruction of `hart` did.
    #[cold]
    #[inline(never)]
    pub(crate) fn follow(&mut self, hart: &Hart, accesses: &[StepAccess]) {
        let me = hart.id as usize;
        self.held[me] = hart.reservation;
        for access in accesses.iter().filter(|a| a.store && !a.io) {
            let first = (access.pa - RAM_BASE) >> 3;
            let last = (access.pa - RAM_BASE + u64::from(access.size) - 1) >> 3;
            for (other, held) in self.held.iter_mut().enumerate() {
                if other != me && held.is_some_and(|at| (first..=last).contains(&(at >> 3))) {
                    *held = None;
                }
            }
        }
        self.any = self.held.iter().any(Option::is_some);
    }
}
