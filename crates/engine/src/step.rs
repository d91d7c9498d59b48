//! One instruction at a time, with a record of what it touched: the functional side of the warming
//! and timing modes. Same semantics, same memory; only the port around them takes notes.
//!
//! Wrong paths, which leave no trace, are in [`crate::speculate`].

use crate::known::{Describe, Found, KnownInsts};
use crate::lockup::AllFaults;
use crate::note::{Accesses, Recorder};
use crate::speculate::WrongPath;
use crate::{Bus, Code, FastPort};
use hart::exec::{self, Semantics, Wrap};
use hart::{Hart, Leave, Outcome, Port, Request};
use isa::Inst;
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
    /// Data accesses.
    pub accesses: &'a Accesses,
    /// It raised an exception and did not retire.
    pub raised: bool,
    /// The address of the next instruction: the handler's if it raised an exception.
    pub next_pc: u64,
}

/// Executes single instructions, with a cache of decoded ones. `D` is what the owner wants to know
/// of each.
#[derive(Debug)]
pub struct Stepper<D = ()> {
    pub(crate) insts: KnownInsts<D>,
    /// Those of the last step.
    pub(crate) accesses: Accesses,
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
            accesses: [None; 2],
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
        let (accesses, faults) = (&mut self.accesses, &mut self.faults);
        Some(execute(hart, port, found, accesses, &mut self.reservations, faults))
    }

    /// As [`Stepper::step`] if the instruction is at hand (its page in the TLB, itself decoded) and
    /// `permits` it by its description. `None`, and nothing is done, if not.
    #[inline(always)]
    pub fn step_at_hand<B: Bus>(
        &mut self,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        permits: impl FnOnce(&D) -> bool,
    ) -> Option<Step<'_, D>> {
        if port.ram.has_dirtied_code() {
            return None;
        }
        let found = self.insts.at_hand(hart, port)?;
        if !permits(&found.known.description) {
            return None;
        }
        let (accesses, faults) = (&mut self.accesses, &mut self.faults);
        Some(execute(hart, port, found, accesses, &mut self.reservations, faults))
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
        Some(&self.insts.peek(hart, port)?.known.description)
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
}

/// Executes the instruction that was `found` at the hart's pc.
#[inline(always)]
fn execute<'a, B: Bus, D>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    found: Found<'a, D>,
    accesses: &'a mut Accesses,
    reservations: &mut Reservations,
    faults: &mut AllFaults,
) -> Step<'a, D> {
    let pc = hart.pc;
    let inst = &found.known.inst;
    *accesses = [None; 2];
    let mut recorder = Recorder { port, accesses };
    let outcome = semantics::<Recorder<'_, B>>(inst)(hart, &mut recorder, inst);
    match outcome {
        Ok(()) => {
            hart.pc = hart.pc.wrapping_add(u64::from(inst.len));
            hart.retired += 1;
        }
        Err(Leave::Jump) => hart.retired += 1,
        Err(Leave::Raised) => trap(hart, port, faults),
    }
    if reservations.any || hart.reservation.is_some() {
        reservations.follow(hart, accesses);
    }
    Step {
        pc,
        fetch_pa: found.pa,
        fetch_tail: found.tail,
        inst,
        description: &found.known.description,
        accesses,
        raised: outcome == Err(Leave::Raised),
        next_pc: hart.pc,
    }
}

/// Takes an exception, out of the way of the instructions that raise none.
#[cold]
#[inline(never)]
pub(crate) fn trap<B: Bus>(hart: &mut Hart, port: &mut FastPort<B>, faults: &mut AllFaults) {
    faults.of(hart).note(hart);
    hart.take_exception(port);
}

/// The function that executes an instruction on a port.
type Execute<P> = fn(&mut Hart, &mut P, &Inst) -> Outcome;

/// Makes of each instruction its function on a port `P`: a small one each, in contrast to a match
/// over all instructions, which saves and restores what the largest arm needs.
struct On<P>(PhantomData<P>);

impl<P: Port> Wrap for On<P> {
    type Wrapped = Execute<P>;

    fn wrap<S: Semantics>() -> Self::Wrapped {
        S::execute::<P>
    }
}

#[inline(always)]
pub(crate) fn semantics<P: Port>(inst: &Inst) -> Execute<P> {
    exec::wrap::<On<P>>(inst.op)
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
    pub(crate) fn follow(&mut self, hart: &Hart, accesses: &Accesses) {
        let me = hart.id as usize;
        self.held[me] = hart.reservation;
        for access in accesses.iter().flatten().filter(|a| a.store && !a.io) {
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
