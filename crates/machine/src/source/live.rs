//! The machine as seen through [`Source`].

use super::passing::{Line, Passing};
use super::record::{Context, Description, is_rare, plain, record, write_plain};
use crate::board::Board;
use engine::{Code, CodePage, FastPort, Step, Stepper};
use hart::{Hart, Interrupt};
use sim::Picos;
use std::collections::VecDeque;
use stream::{
    Event, Fetched, FlushScope, Followed, Follower, HartId, Instead, Instr, Page, PhysAddr, Source,
    Translate, VirtAddr, Walk,
};

/// What of the machine one hart's turn needs. It has one only if it can run, and nothing that
/// happens in its turn changes that.
pub(super) struct Live<'a> {
    pub turn: Turn<'a>,
    code: &'a mut Code<Board>,
    stepper: &'a mut Stepper<Description>,
}

/// The hart whose turn it is.
pub(super) struct Turn<'a> {
    pub hart: &'a mut Hart,
    /// The hart's is the TLB selected.
    pub port: &'a mut FastPort<Board>,
    flushes: &'a mut VecDeque<FlushScope>,
    /// What records say of the hart.
    context: Context,
    /// What broke the flow since the last record.
    event: Event,
    /// The page that instructions come from one after the other, as long as there is nothing to say in
    /// between: whatever may change that, or where the TLB leads, forgets it.
    page: CodePage,
    /// The page of its wrong path.
    wrong_page: CodePage,
    /// The hart can do nothing but fault until an interrupt comes.
    pub locked_up: bool,
    /// The length of a cycle of the core.
    cycle: Picos,
    /// When the last step began.
    pub step_began: Picos,
}

impl<'a> Live<'a> {
    #[inline(always)]
    pub(super) fn new(
        hart: &'a mut Hart,
        port: &'a mut FastPort<Board>,
        code: &'a mut Code<Board>,
        stepper: &'a mut Stepper<Description>,
        flushes: &'a mut VecDeque<FlushScope>,
        cycle: Picos,
    ) -> Self {
        port.review_attention();
        // In one expression, so that it is made where it is kept: turns may be as short as an
        // instruction.
        Self {
            turn: Turn {
                context: Context::of(hart),
                event: Event::None,
                page: CodePage::NOWHERE,
                wrong_page: CodePage::NOWHERE,
                locked_up: false,
                step_began: hart.now(),
                hart,
                port,
                flushes,
                cycle,
            },
            code,
            stepper,
        }
    }

    /// Goes on after a fetch that faulted: it executes nothing, and the handler's first instruction
    /// comes instead.
    #[cold]
    #[inline(never)]
    fn after_fetch_fault(&mut self) -> Fetched {
        let turn = &mut self.turn;
        while !self.stepper.take_locked_up(turn.hart) {
            turn.broken();
            if let Some(step) = self.stepper.step(turn.hart, turn.port, self.code) {
                let fetched = turn.rare(step);
                return self.unless_locked_up(fetched);
            }
        }
        turn.broken();
        turn.locked_up = true;
        Fetched::Stopped
    }

    /// [`Source::next_overlapped`] where the next instruction is not on the page of the last, or there is
    /// something else to say.
    #[inline(never)]
    fn next_overlapped_elsewhere(&mut self, hart: HartId, into: &mut Instr) -> Result<(), Instead> {
        let turn = &mut self.turn;
        if turn.port.has_request() || !turn.flushes.is_empty() {
            return self.next(hart).overlapped(into);
        }
        if turn.hart.pending_interrupt().is_some() {
            return Err(Instead::Alone);
        }
        if turn.find_page(self.stepper) {
            let Turn { page, hart, port, context, .. } = turn;
            if let Some(step) = self.stepper.step_at_hand(page, hart, port, overlaps) {
                if !step.is_simple() {
                    let fetched = turn.rare(step);
                    return self.overlapped_unless_locked_up(fetched, into);
                }
                write_plain(into, context, &step);
                return Ok(());
            }
        }
        // Where there is nothing to fetch the fetch faults, and that is taken alone, too.
        let Turn { hart: turning, port, .. } = &mut self.turn;
        match self.stepper.peek(turning, port, self.code) {
            Some(description) if !description.serialising() => self.next(hart).overlapped(into),
            _ => Err(Instead::Alone),
        }
    }

    #[cold]
    #[inline(never)]
    fn overlapped_unless_locked_up(
        &mut self,
        fetched: Fetched,
        into: &mut Instr,
    ) -> Result<(), Instead> {
        self.unless_locked_up(fetched).overlapped(into)
    }

    /// [`Source::next_wrong`] where the next instruction is not on the page of the last, or ends the path.
    #[inline(never)]
    fn next_wrong_elsewhere(&mut self, hart: HartId, into: &mut Instr) -> bool {
        let Turn { port, context, wrong_page, .. } = &mut self.turn;
        *wrong_page = self.stepper.wrong_code_page(hart.index(), port);
        let Some(step) = self.stepper.step_wrong(hart.index(), port, self.code) else {
            return false;
        };
        write_wrong(into, context, &step);
        true
    }

    /// Shows `follower` an instruction of which there is more to say than [`show`] does; `before` it
    /// there were others.
    #[cold]
    #[inline(never)]
    fn show_rare(
        &mut self,
        fetched: Fetched,
        before: u64,
        follower: &mut dyn Follower,
    ) -> Followed {
        let Fetched::Instr(instr) = self.unless_locked_up(fetched) else {
            return Followed { instructions: before, goes_on: false };
        };
        let Turn { hart, port, .. } = &mut self.turn;
        follower.instr(&instr, &mut |va, _| walk(hart, port, va));
        // Time must be told anew behind what did not retire.
        Followed { instructions: before + 1, goes_on: instr.event != Event::Exception }
    }

    /// `fetched`, unless it is one of too many exceptions in a row.
    #[cold]
    #[inline(never)]
    fn unless_locked_up(&mut self, fetched: Fetched) -> Fetched {
        let locked_up = self.stepper.take_locked_up(self.turn.hart);
        self.turn.locked_up |= locked_up;
        if locked_up { Fetched::Stopped } else { fetched }
    }
}

impl Turn<'_> {
    /// The only hart that can be asked for is the one whose turn it is.
    #[inline]
    fn check(&self, hart: HartId) {
        debug_assert_eq!(self.hart.id, u64::from(hart.0), "it is another hart's turn");
    }

    /// Whether [`Source::next`] has more to say than that an instruction came after another.
    fn has_something_to_say(&self) -> bool {
        let asked = self.port.has_request() || !self.flushes.is_empty();
        asked || self.hart.pending_interrupt().is_some() || self.event != Event::None
    }

    /// Finds the page of the next instruction if it is another than that of the last. Whether it did.
    #[inline(never)]
    fn turn_page(&mut self, stepper: &Stepper<Description>) -> bool {
        if self.page.holds(self.hart.pc) {
            return false;
        }
        self.find_page(stepper);
        self.page.holds(self.hart.pc)
    }

    /// Finds the page of the next instruction, unless there is more to say of that. Whether there is one.
    fn find_page(&mut self, stepper: &Stepper<Description>) -> bool {
        self.port.review_attention();
        let found = self.event == Event::None;
        self.page = if found { stepper.code_page(self.hart, self.port) } else { CodePage::NOWHERE };
        found
    }

    /// Forgets where instructions come from: what happens next may change it.
    fn forget_pages(&mut self) {
        (self.page, self.wrong_page) = (CodePage::NOWHERE, CodePage::NOWHERE);
    }

    #[cold]
    #[inline(never)]
    fn interrupt(&mut self, interrupt: Interrupt) {
        self.hart.take_interrupt(self.port, interrupt);
        self.broken();
    }

    /// The flow was broken: by an interrupt, or by a fetch that faulted, which has no record.
    fn broken(&mut self) {
        self.context = Context::of(self.hart);
        self.event = Event::Interrupt;
    }

    /// The full record of `step`, which comes by value so that only what is rare is kept on the stack;
    /// takes up what it did to the context and to translations.
    #[cold]
    #[inline(never)]
    fn rare(&mut self, step: Step<'_, Description>) -> Fetched {
        let instr = record(&self.context, &step, self.event);
        self.forget_pages();
        self.context = Context::of(self.hart);
        self.event = Event::None;
        for (va, asid) in self.port.take_fences() {
            self.flushes.push_back(match (va.map(VirtAddr), asid) {
                (None, None) => FlushScope::All,
                (None, Some(asid)) => FlushScope::Asid(asid),
                (Some(va), None) => FlushScope::Page(va),
                (Some(va), Some(asid)) => FlushScope::PageAsid(va, asid),
            });
        }
        Fetched::Instr(instr)
    }
}

impl Source for Live<'_> {
    fn next(&mut self, hart: HartId) -> Fetched {
        let turn = &mut self.turn;
        turn.check(hart);
        turn.forget_pages();
        if turn.port.has_request() {
            return Fetched::Later;
        }
        if let Some(scope) = turn.flushes.pop_front() {
            return Fetched::Flush(scope);
        }
        if let Some(interrupt) = turn.hart.pending_interrupt() {
            turn.interrupt(interrupt);
        }
        debug_assert_eq!(turn.context, Context::of(turn.hart));
        let Some(step) = self.stepper.step(turn.hart, turn.port, self.code) else {
            return self.after_fetch_fault();
        };
        if is_rare(&step) | (turn.event != Event::None) {
            let fetched = turn.rare(step);
            return self.unless_locked_up(fetched);
        }
        Fetched::Instr(plain(&turn.context, &step))
    }

    fn follow(&mut self, hart: HartId, most: u64, follower: &mut dyn Follower) -> Followed {
        self.turn.check(hart);
        let mut instructions = 0;
        let line = Line::unknown(follower.line_log2());
        if self.turn.has_something_to_say() {
            return Followed { instructions, goes_on: true };
        }
        let context = self.turn.context;
        let mut passing = Passing { context: &context, follower, line, taken: None };
        while instructions < most {
            let Turn { page, hart, port, .. } = &mut self.turn;
            let left = most - instructions;
            let chained = self.stepper.chain(page, left, hart, port, &mut passing);
            if chained == 0 {
                let Some(step) = self.stepper.step_at_hand(page, hart, port, overlaps) else {
                    if self.turn.turn_page(self.stepper) {
                        continue;
                    }
                    break;
                };
                if !step.is_simple() {
                    let fetched = self.turn.rare(step.elsewhere());
                    return self.show_rare(fetched, instructions, passing.follower);
                }
                instructions += 1;
                passing.show(&step, hart, port);
            }
            instructions += chained;
            if passing.taken.is_some() {
                // The instructions there come nearer while predictors are asked.
                self.turn.turn_page(self.stepper);
                self.stepper.expect_at(&self.turn.page, self.turn.hart.pc);
                passing.show_taken();
            }
        }
        Followed { instructions, goes_on: true }
    }

    fn skip(&mut self, hart: HartId, count: u64) -> u64 {
        let turn = &mut self.turn;
        turn.check(hart);
        turn.forget_pages();
        let executed = self.stepper.skip(turn.hart, turn.port, self.code, count);
        turn.port.review_attention();
        if !turn.flushes.is_empty() | !turn.port.take_fences().is_empty() {
            turn.flushes.clear();
            turn.flushes.push_back(FlushScope::All);
        }
        turn.locked_up |= self.stepper.take_locked_up(turn.hart);
        turn.context = Context::of(turn.hart);
        turn.event = Event::None;
        executed
    }

    fn wrong_path(&mut self, hart: HartId, pc: VirtAddr) {
        self.turn.check(hart);
        let Turn { hart: turning, port, wrong_page, .. } = &mut self.turn;
        self.stepper.wrong_path(turning, pc.0);
        *wrong_page = self.stepper.wrong_code_page(hart.index(), port);
    }

    fn next_wrong(&mut self, hart: HartId, into: &mut Instr) -> bool {
        self.turn.check(hart);
        let Turn { wrong_page, port, context, .. } = &mut self.turn;
        match self.stepper.step_wrong_at_hand(wrong_page, hart.index(), port) {
            Some(step) => write_wrong(into, context, &step),
            None => return self.next_wrong_elsewhere(hart, into),
        }
        true
    }

    fn passed(&mut self, hart: HartId, cycle: u64) -> bool {
        let turn = &mut self.turn;
        turn.check(hart);
        if turn.port.has_request() || turn.locked_up {
            return true;
        }
        let now = Picos(turn.cycle.0 * cycle).max(turn.step_began);
        turn.hart.set_clock(now, Picos::ZERO);
        turn.step_began = now;
        false
    }

    fn squash(&mut self, hart: HartId) {
        self.turn.check(hart);
        self.stepper.squash(hart.index());
    }

    /// By the convention of Linux on RISC-V (arch/riscv/kernel/entry.S) the address of the thread's task is in
    /// `sscratch` while user programs run and in `tp` while the kernel does. Addresses of the kernel are
    /// negative, what else these registers hold for the length of a trap's entry is not.
    fn thread(&self, hart: HartId) -> Option<u64> {
        self.turn.check(hart);
        const TP: usize = 4;
        let hart = &self.turn.hart;
        let candidates = [hart.csr.sscratch, hart.x[TP]];
        candidates.into_iter().find(|address| (*address as i64) < 0)
    }

    fn next_overlapped(&mut self, hart: HartId, into: &mut Instr) -> Result<(), Instead> {
        self.turn.check(hart);
        let Turn { page, hart: turning, port, context, .. } = &mut self.turn;
        let Some(step) = self.stepper.step_at_hand(page, turning, port, overlaps) else {
            return self.next_overlapped_elsewhere(hart, into);
        };
        if !step.is_simple() {
            let fetched = self.turn.rare(step.elsewhere());
            return self.overlapped_unless_locked_up(fetched, into);
        }
        write_plain(into, context, &step);
        Ok(())
    }

    fn walk(&mut self, hart: HartId, va: VirtAddr, _: Translate) -> Walk {
        self.turn.check(hart);
        walk(self.turn.hart, self.turn.port, va)
    }
}

/// Whether an instruction may be under way with others.
#[inline(always)]
fn overlaps(description: &Description) -> bool {
    !description.serialising()
}

/// Writes the record of a step of a wrong path, which ends where its context would change.
#[inline(always)]
fn write_wrong(into: &mut Instr, context: &Context, step: &Step<'_, Description>) {
    if step.is_simple() {
        write_plain(into, context, step);
    } else {
        write_rare(into, context, step.elsewhere());
    }
}

/// Writes the full record of a step of a wrong path.
#[cold]
#[inline(never)]
fn write_rare(into: &mut Instr, context: &Context, step: Step<'_, Description>) {
    *into = record(context, &step, Event::None);
}

/// The walk for `va` in the current address space of `hart`.
pub(super) fn walk(hart: &Hart, port: &mut FastPort<Board>, va: VirtAddr) -> Walk {
    let mut walk = Walk::new();
    if let Some(found) = port.walk(hart, va.0) {
        for &entry in &found.ptes[..usize::from(found.depth)] {
            walk.read(PhysAddr(entry));
        }
        let bits = u32::from(found.page_bits.min(63));
        walk.page = Some(Page {
            base: PhysAddr(found.pa >> bits << bits),
            size_log2: bits as u8,
            global: found.global,
        });
    }
    walk
}
