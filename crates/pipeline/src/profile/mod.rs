//! Where committed instructions and their cycles went: by place in the code, by what called it, and by
//! the thread it ran for.
//!
//! The profile is exact, not sampled. A cycle belongs to the instruction that commits in it, the oldest if
//! several do, and a cycle without a commit to the next one that does: that is the instruction it was
//! waited for, as in the CPI stack at commit (S. Eyerman, L. Eeckhout, T. Karkhanis and J. Smith, "A
//! performance counter architecture for computing accurate CPI components", ASPLOS 2006). It is the
//! "time-proportional" attribution of an ideal profiler (B. Gottschall, L. Eeckhout and M. Jahre, "TIP:
//! time-proportional instruction profiling", MICRO 2021), but for two things: cycles after a squash belong to
//! the instruction that comes next, not to the branch that caused it, and a cycle in which several commit
//! is not divided among them. Cycles are those that the core's statistics count, by privilege, so that
//! the sums over a window are the window's to the cycle; what is left at one privilege when another is
//! entered, or when a window ends, belongs to the last instruction before. Idle cycles are in none.
//!
//! Counted together is what lies between two taken branches, traps or serialising instructions, under the
//! address of the first; branches end functions, so this tells functions apart. [`Contexts`] says what is
//! known of callers.
//!
//! A thread is what [`stream::Source::thread`] says it is; it is asked after instructions that can change it.
//!
//! Left out: what is executed in warming mode, and wrong paths.

mod contexts;
mod table;

pub use contexts::{Context, Contexts};

use crate::profile::contexts::Stack;
use crate::profile::table::Table;
use stream::{BranchKind, Class, Event, Instr, Privilege, Reg, VirtAddr};

/// The register that names the running thread at supervisor privilege (RISC-V calling convention: tp).
const THREAD_POINTER: Reg = Reg::int(4);
/// A call that jumps on within so many instructions went through a linkage stub (RISC-V ELF psABI, "Program
/// Linkage Table": three before the jump).
const STUB: u32 = 4;

/// Cycles and instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Cycles in which the core was not idle.
    pub cycles: u64,
    /// Instructions committed.
    pub instructions: u64,
}

impl std::ops::AddAssign for Spending {
    fn add_assign(&mut self, other: Self) {
        self.cycles += other.cycles;
        self.instructions += other.instructions;
    }
}

/// A stretch of instructions that is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What called it, as far as that is known.
    pub context: Context,
    /// The privilege it ran at.
    pub privilege: Privilege,
    /// Its first instruction.
    pub pc: VirtAddr,
}

/// What was spent at each place up to some point in time. The difference of two is a window.
#[derive(Clone, Debug, Default)]
pub struct Reading(Vec<Spending>);

/// What commits on one core.
#[derive(Clone, Debug)]
pub struct Profile {
    contexts: Contexts,
    /// By thread, as [`Contexts`] numbers them.
    stacks: Vec<Stack>,
    thread: usize,
    places: Vec<Place>,
    spent: Vec<Spending>,
    table: Table,
    /// The place of the next instruction, if it goes on where the last one was.
    here: Option<u32>,
    /// Cycles of each side that no instruction has been charged with.
    pending: [u64; SIDES],
    /// The place of the last instruction of each side.
    last: [u32; SIDES],
    /// The cycle that now passes has been charged.
    charged: bool,
    /// The source must be asked which thread runs.
    ask: bool,
    /// The next instruction is a handler's first.
    trapped: bool,
    /// The last instruction may have been a return from a trap; what follows it in memory.
    after_system: Option<VirtAddr>,
    /// Instructions since the last call.
    since_call: u32,
}

/// Privileges that statistics are kept for.
const SIDES: usize = 2;

fn side(privilege: Privilege) -> usize {
    usize::from(privilege != Privilege::User)
}

impl Default for Profile {
    fn default() -> Self {
        Self::new()
    }
}

impl Profile {
    /// A profile of nothing.
    #[must_use]
    pub fn new() -> Self {
        let contexts = Contexts::default();
        let unknown = contexts.root(0);
        // Cycles before the first instruction of a side are nobody's.
        let nowhere = |privilege| Place { context: unknown, privilege, pc: VirtAddr(0) };
        Self {
            stacks: vec![Stack::new(unknown)],
            contexts,
            thread: 0,
            places: vec![nowhere(Privilege::User), nowhere(Privilege::Supervisor)],
            spent: vec![Spending::default(); SIDES],
            table: Table::default(),
            here: None,
            pending: [0; SIDES],
            last: [0, 1],
            charged: false,
            ask: true,
            trapped: false,
            after_system: None,
            since_call: STUB,
        }
    }

    /// Charges an instruction that commits in the cycle that now passes; `thread` tells which thread runs
    /// after it.
    #[inline]
    pub(crate) fn commit(&mut self, instr: &Instr, thread: impl Fn() -> Option<u64>) {
        if std::mem::take(&mut self.ask) {
            self.switch_to(thread());
        }
        self.arrive(instr);
        let place = match self.here {
            Some(place) => place,
            None => self.place(instr),
        };
        let side = side(instr.privilege);
        let spending = &mut self.spent[place as usize];
        spending.instructions += 1;
        spending.cycles += std::mem::take(&mut self.pending[side]);
        if !std::mem::replace(&mut self.charged, true) {
            spending.cycles += 1;
        }
        self.last[side] = place;
        self.here = Some(place);
        self.leave(instr, thread);
    }

    /// Lets `cycles` cycles pass at `privilege`, of which the first may have been charged by
    /// [`Profile::commit`].
    #[inline]
    pub(crate) fn pass(&mut self, cycles: u64, privilege: Privilege) {
        let charged = u64::from(std::mem::take(&mut self.charged));
        self.pending[side(privilege)] += cycles - charged;
    }

    /// Charges one instruction that took `cycles` cycles by itself.
    #[inline]
    pub(crate) fn commit_alone(
        &mut self,
        instr: &Instr,
        cycles: u64,
        thread: impl Fn() -> Option<u64>,
    ) {
        self.pending[side(instr.privilege)] += cycles;
        self.charged = true;
        self.commit(instr, thread);
        self.charged = false;
    }

    /// Instructions were executed that were not seen here: what is known of the flow is out of date.
    pub(crate) fn lose_track(&mut self) {
        self.settle();
        self.stacks.iter_mut().for_each(Stack::clear);
        self.here = None;
        self.trapped = false;
        self.after_system = None;
        self.since_call = STUB;
        self.ask = true;
    }

    /// What was spent up to now. Cycles that no instruction has been charged with are charged to the last
    /// ones.
    pub fn read(&mut self) -> Reading {
        self.settle();
        Reading(self.spent.clone())
    }

    /// The places at which something was spent between two readings, in the order in which they were first
    /// reached.
    pub fn between<'a>(
        &'a self,
        before: &'a Reading,
        after: &'a Reading,
    ) -> impl Iterator<Item = (&'a Place, Spending)> {
        let places = self.places.iter().zip(&after.0).enumerate();
        places.filter_map(|(index, (place, after))| {
            let before = before.0.get(index).copied().unwrap_or_default();
            let cycles = after.cycles - before.cycles;
            let instructions = after.instructions - before.instructions;
            let spending = Spending { cycles, instructions };
            (spending != Spending::default()).then_some((place, spending))
        })
    }

    /// Who called whom.
    #[must_use]
    pub fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    fn settle(&mut self) {
        for side in 0..SIDES {
            let cycles = std::mem::take(&mut self.pending[side]);
            self.spent[self.last[side] as usize].cycles += cycles;
        }
    }

    /// Follows the flow of control to `instr`.
    #[inline]
    fn arrive(&mut self, instr: &Instr) {
        let broken = self.trapped | (instr.event == Event::Interrupt);
        if broken | self.after_system.is_some() {
            self.arrive_otherwise(instr);
        }
    }

    /// The same where something other than a branch led there.
    #[cold]
    fn arrive_otherwise(&mut self, instr: &Instr) {
        let after_system = self.after_system.take();
        let trapped = std::mem::take(&mut self.trapped);
        let stack = &mut self.stacks[self.thread];
        if trapped || instr.event == Event::Interrupt {
            stack.trap(instr.pc, &mut self.contexts);
            self.here = None;
        } else if after_system.is_some_and(|next| next != instr.pc) {
            match instr.privilege {
                Privilege::User => stack.leave_kernel(),
                _ => stack.return_from_trap(),
            }
            self.here = None;
        }
        if self.here.is_none() {
            self.since_call = STUB;
        }
    }

    /// Follows the flow of control from `instr` on.
    #[inline]
    fn leave(&mut self, instr: &Instr, thread: impl Fn() -> Option<u64>) {
        self.since_call = self.since_call.saturating_add(1);
        if let Some(branch) = instr.branch.filter(|branch| branch.taken) {
            self.here = None;
            self.branch(instr, branch.kind, branch.target);
        }
        let writes = instr.operands.dst == Some(THREAD_POINTER);
        if instr.serialising | (instr.event != Event::None) | writes {
            self.leave_otherwise(instr);
            self.switch_to(thread());
        }
    }

    fn branch(&mut self, instr: &Instr, kind: BranchKind, target: VirtAddr) {
        let stack = &mut self.stacks[self.thread];
        let contexts = &mut self.contexts;
        let next = VirtAddr(instr.pc.0.wrapping_add(u64::from(instr.len)));
        match kind {
            BranchKind::Conditional | BranchKind::Jump => {}
            BranchKind::IndirectJump => {
                if self.since_call <= STUB {
                    stack.enter_instead(target, contexts);
                }
            }
            BranchKind::Call | BranchKind::IndirectCall => {
                stack.call(target, next, contexts);
                self.since_call = 0;
            }
            BranchKind::Return => stack.return_to(target),
            BranchKind::ReturnAndCall => {
                stack.return_to(target);
                stack.call(target, next, contexts);
                self.since_call = 0;
            }
        }
    }

    /// Takes up what only few instructions do to the flow of control.
    fn leave_otherwise(&mut self, instr: &Instr) {
        // The next instruction may be at another privilege.
        self.here = None;
        if instr.event == Event::Exception {
            self.trapped = true;
            if instr.privilege == Privilege::User {
                self.stacks[self.thread].leave_kernel();
            }
        } else if instr.class == Class::System {
            let next = instr.pc.0.wrapping_add(u64::from(instr.len));
            self.after_system = Some(VirtAddr(next));
        }
    }

    /// Goes on in the thread that is named `thread`, if any is.
    fn switch_to(&mut self, thread: Option<u64>) {
        let Some(name) = thread.filter(|name| !self.contexts.is_named(self.thread, *name)) else {
            return;
        };
        let number = self.contexts.thread(name);
        if number >= self.stacks.len() {
            self.stacks.push(Stack::new(self.contexts.root(number)));
        }
        self.thread = number;
        self.here = None;
    }

    #[inline(never)]
    fn place(&mut self, instr: &Instr) -> u32 {
        let context = self.stacks[self.thread].context();
        let place = Place { context, privilege: instr.privilege, pc: instr.pc };
        let number = self.places.len() as u32;
        // Instructions begin at multiples of two bytes: the lowest bit is free for the side.
        let key = instr.pc.0 | side(instr.privilege) as u64;
        let found = self.table.find_or_insert((context.0, key), number);
        if found == number {
            self.places.push(place);
            self.spent.push(Spending::default());
        }
        found
    }
}

impl Reading {
    /// What was spent altogether.
    #[must_use]
    pub fn total(&self) -> Spending {
        let mut total = Spending::default();
        self.0.iter().for_each(|spending| total += *spending);
        total
    }
}

#[cfg(test)]
mod tests;
