//! The live machine as an instruction source for timing models, and the run loop of the modes that
//! use one.
//!
//! Harts advance by the time a [`Timing`] gives them, the one that is furthest behind first, one
//! instruction at a time. Virtual time is therefore exact: timers, devices and the wire see the
//! cycles that the model counts.

use crate::board::Board;
use crate::cpu::{Event, Machine, Power};
use engine::{Code, FastPort, Step, StepAccess, Stepper};
use hart::Hart;
use hart::mmu::Access;
use isa::{Class as IsaClass, Inst, Op};
use sim::Picos;
use std::collections::VecDeque;
use stream::{
    Branch, BranchKind, CacheOp, Class, Event as StreamEvent, Fetched, FlushScope, HartId, Instr,
    MemAccess, MemKind, Operands, Page, PhysAddr, Privilege, Reg, RegKind, Source, Translate,
    VirtAddr, Walk,
};

/// A model that decides how long instructions take.
pub trait Timing {
    /// The length of a cycle, which the guest's cycle counter counts.
    fn cycle(&self) -> Picos;

    /// Lets `hart`, whose time is `now`, execute from `source` (an instruction at least, if there
    /// is one) and returns the time it is then. Time between the last call for this hart and `now`
    /// was spent waiting.
    fn advance(&mut self, hart: HartId, now: Picos, source: &mut dyn Source) -> Picos;

    /// `hart` has waited, and waits still, at time `now`.
    fn idle(&mut self, hart: HartId, now: Picos);
}

/// The machine as seen through [`Source`].
struct Live<'a> {
    harts: &'a mut [Hart],
    power: &'a [Power],
    port: &'a mut FastPort<Board>,
    code: &'a mut Code<Board>,
    stepper: &'a mut Stepper,
    flushes: &'a mut [VecDeque<FlushScope>],
}

impl Machine {
    /// Runs under `timing` until `deadline` or until something happens that the caller must know of.
    pub fn run_timed(&mut self, timing: &mut dyn Timing, deadline: Picos) -> Event {
        self.enter_stepping(timing.cycle());
        loop {
            self.refresh();
            if let Some(event) = self.next_report() {
                return event;
            }
            if self.now >= deadline {
                return Event::Deadline;
            }
            let next = self.next_event().min(deadline);
            if !(0..self.harts.len()).any(|index| self.can_run(index)) {
                if next == Picos::NEVER {
                    return Event::Stuck;
                }
                self.pass_idle_time(timing, next);
                continue;
            }
            self.run_until(timing, next);
        }
    }

    /// Lets harts execute until `next`, an event, or nobody can.
    fn run_until(&mut self, timing: &mut dyn Timing, next: Picos) {
        while let Some(index) = self.furthest_behind() {
            let start = self.harts[index].now();
            self.now = self.now.max(start);
            if start >= next {
                self.idle_up_to_now(timing);
                return;
            }
            let end = self.advance(timing, index, start);
            self.harts[index].set_clock(end, Picos::ZERO);
            if self.take_up_request(index) {
                self.idle_up_to_now(timing);
                return;
            }
        }
    }

    fn advance(&mut self, timing: &mut dyn Timing, index: usize, start: Picos) -> Picos {
        self.port.select(index);
        self.stepper.begin_turn(&mut self.harts[index]);
        let mut source = Live {
            harts: &mut self.harts,
            power: &self.power,
            port: &mut self.port,
            code: &mut self.code,
            stepper: &mut self.stepper,
            flushes: &mut self.pending_flushes,
        };
        timing.advance(HartId(index as u32), start, &mut source)
    }

    /// Serves what the last instruction asked for. Returns whether deadlines or lines may have moved.
    fn take_up_request(&mut self, index: usize) -> bool {
        let Some(request) = self.port.take_request() else { return false };
        self.serve(index, request);
        true
    }

    /// The hart with the earliest time among those that can run; the lower number wins a tie.
    fn furthest_behind(&self) -> Option<usize> {
        (0..self.harts.len())
            .filter(|&index| self.can_run(index))
            .min_by_key(|&index| self.harts[index].now())
    }

    fn pass_idle_time(&mut self, timing: &mut dyn Timing, until: Picos) {
        self.now = self.now.max(until);
        self.idle_up_to_now(timing);
    }

    /// Accounts for the time in which harts waited, up to the machine's time.
    fn idle_up_to_now(&mut self, timing: &mut dyn Timing) {
        for index in 0..self.harts.len() {
            if !self.can_run(index) && self.harts[index].now() < self.now {
                self.harts[index].set_clock(self.now, Picos::ZERO);
            }
            // One that has just been woken has waited up to its time, too; one that executes is
            // where the model put it.
            timing.idle(HartId(index as u32), self.harts[index].now());
        }
    }

    fn enter_stepping(&mut self, cycle: Picos) {
        if !self.stepping {
            self.stepping = true;
            self.stepper.clear();
            self.port.keep_fences(true);
            for flushes in &mut self.pending_flushes {
                flushes.clear();
                flushes.push_back(FlushScope::All);
            }
        }
        for hart in &mut self.harts {
            let now = hart.now().max(self.now);
            hart.set_clock(now, Picos::ZERO);
            hart.set_cycle(cycle);
        }
    }

    /// Leaves it to the timing side to drop translations, if there is one.
    pub(crate) fn note_flush(&mut self, hart: usize, scope: FlushScope) {
        if self.stepping {
            self.pending_flushes[hart].push_back(scope);
        }
    }
}

impl Live<'_> {
    fn take_fences(&mut self, index: usize) {
        for (va, asid) in self.port.take_fences() {
            self.flushes[index].push_back(match (va.map(VirtAddr), asid) {
                (None, None) => FlushScope::All,
                (None, Some(asid)) => FlushScope::Asid(asid),
                (Some(va), None) => FlushScope::Page(va),
                (Some(va), Some(asid)) => FlushScope::PageAsid(va, asid),
            });
        }
    }
}

impl Source for Live<'_> {
    fn next(&mut self, hart: HartId) -> Fetched {
        let index = hart.0 as usize;
        if self.power[index] != Power::On {
            return Fetched::Stopped;
        }
        if let Some(scope) = self.flushes[index].pop_front() {
            return Fetched::Flush(scope);
        }
        let hart = &mut self.harts[index];
        if hart.waiting {
            return Fetched::Idle { until: None };
        }
        let mut event = StreamEvent::None;
        if let Some(interrupt) = hart.pending_interrupt() {
            hart.take_interrupt(self.port, interrupt);
            event = StreamEvent::Interrupt;
        }
        // A fetch that faults executes nothing: the handler's first instruction comes instead.
        for _ in 0..MAX_FETCH_FAULTS {
            let before = Before::of(&self.harts[index]);
            let hart = &mut self.harts[index];
            if let Some(step) = self.stepper.step(hart, self.port, self.code) {
                let instr = record(&before, &step, self.harts[index].pc, event);
                self.take_fences(index);
                return Fetched::Instr(instr);
            }
            event = StreamEvent::Interrupt;
        }
        Fetched::Stopped
    }

    fn walk(&mut self, hart: HartId, va: VirtAddr, kind: Translate) -> Walk {
        let hart = &self.harts[hart.0 as usize];
        let access = match kind {
            Translate::Fetch => Access::Fetch,
            Translate::Load => Access::Load,
            Translate::Store => Access::Store,
        };
        let mut walk = Walk::new();
        if let Some(found) = self.port.walk(hart, va.0, access) {
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
}

/// A handler that faults at its own first instruction would otherwise fault for ever.
const MAX_FETCH_FAULTS: usize = 1000;

/// What must be read before the instruction changes it.
struct Before {
    privilege: Privilege,
    satp: u64,
    data_translated: bool,
}

impl Before {
    fn of(hart: &Hart) -> Self {
        Self {
            privilege: match hart.prv {
                hart::Privilege::User => Privilege::User,
                hart::Privilege::Supervisor => Privilege::Supervisor,
                hart::Privilege::Machine => Privilege::Machine,
            },
            satp: hart.csr.satp,
            data_translated: hart.csr.satp >> 60 != 0
                && hart.data_privilege() != hart::Privilege::Machine,
        }
    }

    fn fetch_translated(&self) -> bool {
        self.satp >> 60 != 0 && self.privilege != Privilege::Machine
    }
}

fn record(before: &Before, step: &Step, next_pc: u64, event: StreamEvent) -> Instr {
    let inst = &step.inst;
    let access = |a: &StepAccess| MemAccess {
        va: VirtAddr(a.va),
        pa: PhysAddr(a.pa),
        size: a.size,
        kind: mem_kind(inst, a),
        io: a.io,
        translated: before.data_translated,
    };
    Instr {
        pc: VirtAddr(step.pc),
        fetch_pa: PhysAddr(step.fetch_pa),
        fetch_tail: step.fetch_tail.map(PhysAddr),
        len: inst.len,
        class: class(inst),
        operands: operands(inst),
        mem: step.accesses[0].as_ref().map(access),
        mem_tail: step.accesses[1].as_ref().map(access),
        branch: branch(inst, step, next_pc),
        privilege: before.privilege,
        asid: (before.satp >> 44) as u16,
        translated: before.fetch_translated(),
        serialising: is_serialising(inst),
        event: if step.raised { StreamEvent::Exception } else { event },
    }
}

fn mem_kind(inst: &Inst, access: &StepAccess) -> MemKind {
    match inst.op {
        Op::CboZero => MemKind::Cache(CacheOp::Zero),
        Op::CboClean => MemKind::Cache(CacheOp::Clean),
        Op::CboFlush => MemKind::Cache(CacheOp::Flush),
        Op::CboInval => MemKind::Cache(CacheOp::Invalidate),
        _ if inst.op.class() == IsaClass::Amo => MemKind::Amo,
        _ if access.store => MemKind::Store,
        _ => MemKind::Load,
    }
}

fn class(inst: &Inst) -> Class {
    match inst.op.class() {
        IsaClass::IntAlu => Class::IntAlu,
        IsaClass::IntMul => Class::IntMul,
        IsaClass::IntDiv => Class::IntDiv,
        IsaClass::Load => Class::Load,
        IsaClass::Store => Class::Store,
        IsaClass::LoadReserved | IsaClass::StoreConditional | IsaClass::Amo => Class::Atomic,
        IsaClass::Branch | IsaClass::Jump | IsaClass::JumpIndirect => Class::Branch,
        IsaClass::FpAdd | IsaClass::FpCmp | IsaClass::FpMove => Class::FpAdd,
        IsaClass::FpMul => Class::FpMul,
        IsaClass::FpDiv => Class::FpDiv,
        IsaClass::FpSqrt => Class::FpSqrt,
        IsaClass::FpFma => Class::FpFma,
        IsaClass::FpCvt => Class::FpConvert,
        IsaClass::Csr => Class::Csr,
        IsaClass::Fence => Class::Fence,
        IsaClass::System => Class::System,
        IsaClass::CacheOp => Class::Cache,
        IsaClass::Marker => Class::Nop,
    }
}

fn operands(inst: &Inst) -> Operands {
    let of = |reg: isa::Reg| match reg {
        // Execution keeps what is written to x0 in a sink: no dependence.
        isa::Reg::X(n) if n >= Hart::SINK => None,
        isa::Reg::X(n) => Some(Reg::new(RegKind::Int, n)),
        isa::Reg::F(n) => Some(Reg::new(RegKind::Fp, n)),
    };
    let operands = inst.operands();
    Operands {
        srcs: operands.sources.map(|source| source.and_then(of)),
        dst: operands.dest.and_then(of),
    }
}

fn branch(inst: &Inst, step: &Step, next_pc: u64) -> Option<Branch> {
    let fall_through = step.pc.wrapping_add(u64::from(inst.len));
    let direct = step.pc.wrapping_add(i64::from(inst.imm) as u64);
    let (kind, taken, target) = match inst.op.class() {
        IsaClass::Branch => {
            (BranchKind::Conditional, next_pc != fall_through && !step.raised, direct)
        }
        IsaClass::Jump if inst.is_call() => (BranchKind::Call, true, direct),
        IsaClass::Jump => (BranchKind::Jump, true, direct),
        IsaClass::JumpIndirect => {
            let kind = match (inst.is_call(), inst.is_return()) {
                (true, true) => BranchKind::ReturnAndCall,
                (true, false) => BranchKind::IndirectCall,
                (false, true) => BranchKind::Return,
                (false, false) => BranchKind::IndirectJump,
            };
            (kind, true, next_pc)
        }
        _ => return None,
    };
    Some(Branch { kind, taken, target: VirtAddr(target) })
}

fn is_serialising(inst: &Inst) -> bool {
    matches!(inst.op.class(), IsaClass::Csr | IsaClass::System | IsaClass::Marker)
        || inst.op == Op::FenceI
}
