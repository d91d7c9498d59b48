//! What follows in a line, executed and shown without coming back in between.
//!
//! Most instructions lie in the same cache line as the one before, and are executed in a way that
//! neither fails nor asks for anything. A chain of them goes from each straight to the next, as threaded
//! code does, and shows what they leave behind as it happens. Any other ends it before it executes.

use crate::known::{CodePage, Describe};
use crate::port::Hits;
use crate::{Bus, FastPort, StepAccess, Stepper};
use hart::exec::{self, Semantics, Wrap};
use hart::{Hart, Leave};
use isa::{Class, Inst};
use std::marker::PhantomData;

/// Whoever is shown what the instructions of a chain do, each after it was executed and before the next
/// one is.
pub trait Witness<B> {
    /// A chain is about to begin with the instruction at `start`, which nothing but itself keeps from being
    /// executed next. Gives how many bytes from there on the same page it may execute: none, perhaps.
    fn begin(&mut self, hart: &Hart, port: &mut FastPort<B>, start: &Start<'_>) -> u64;

    /// The load or store at `pc` made an access of one part.
    fn access(&mut self, hart: &Hart, port: &mut FastPort<B>, pc: u64, access: &StepAccess);

    /// The branch `inst` at `pc`, which is one of `class`, led to `next_pc`.
    fn branch(&mut self, class: Class, inst: &Inst, pc: u64, next_pc: u64);
}

/// Where a chain begins.
#[derive(Debug)]
pub struct Start<'a> {
    /// The address of its first instruction.
    pub pc: u64,
    /// The physical address.
    pub pa: u64,
    /// The instruction.
    pub inst: &'a Inst,
}

/// Executes the instruction `this`, which is at the hart's pc, and what follows it in `rest`.
type Chained<B, W> = fn(&mut Hart, &mut FastPort<B>, &mut W, this: &Inst, rest: &[Inst]);

impl<D: Describe> Stepper<D> {
    /// Executes instructions of `hart` that lie one behind the other on `page` and shows them to `witness`,
    /// with the effect of as many calls of [`Stepper::step_at_hand`]; no more than `most`, and no more
    /// bytes than `witness` says. Gives how many: none, perhaps.
    #[inline]
    pub fn chain<B: Bus, W: Witness<B>>(
        &mut self,
        page: &CodePage,
        most: u64,
        hart: &mut Hart,
        port: &mut FastPort<B>,
        witness: &mut W,
    ) -> u64 {
        if port.attention | self.reservations.any {
            return 0;
        }
        let pc = hart.pc;
        let Some([inst, behind @ ..]) = self.insts.on_page_from(page, pc) else { return 0 };
        // Where there is no instruction there is one that no chain executes.
        if !exec::wrap::<Linked>(inst.op) {
            return 0;
        }
        let start = Start { pc, pa: page.pa(pc), inst };
        // No instruction is shorter than two bytes.
        let slots = most.min(witness.begin(hart, port, &start) / 2) as usize;
        let Some(others) = slots.checked_sub(1) else { return 0 };
        let rest = &behind[..others.min(behind.len())];
        let before = hart.retired;
        if is_whole(inst, rest) {
            link::<B, W>(inst)(hart, port, witness, inst, rest);
        }
        hart.retired - before
    }
}

/// Whether all of an instruction lies before the end of `rest`, which comes behind its first half.
#[inline(always)]
fn is_whole(inst: &Inst, rest: &[Inst]) -> bool {
    !rest.is_empty() || inst.len != 4
}

/// The function for an instruction.
#[inline(always)]
fn link<B: Bus, W: Witness<B>>(inst: &Inst) -> Chained<B, W> {
    exec::wrap::<Chain<B, W>>(inst.op)
}

fn chained<B: Bus, W: Witness<B>, S: Semantics>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    witness: &mut W,
    this: &Inst,
    rest: &[Inst],
) {
    if !const { is_linked(S::CLASS) } {
        return;
    }
    let pc = hart.pc;
    let mut hits = Hits::of(port);
    let outcome = S::execute(hart, &mut hits, this);
    let access = hits.last();
    match outcome {
        Ok(()) => hart.pc = pc.wrapping_add(u64::from(this.len)),
        Err(Leave::Jump) => {}
        // It had no effect; that it raises, or does not, is found out in the usual way.
        Err(Leave::Raised) => return,
    }
    hart.retired += 1;
    if matches!(S::CLASS, Class::Load | Class::Store) {
        witness.access(hart, port, pc, &access);
    }
    if matches!(S::CLASS, Class::Branch | Class::Jump | Class::JumpIndirect) {
        witness.branch(S::CLASS, this, pc, hart.pc);
    }
    if outcome == Ok(())
        && let Some((next, rest)) = behind(this, rest).split_first()
        && is_whole(next, rest)
    {
        link::<B, W>(next)(hart, port, witness, next, rest);
    }
}

/// What of `rest`, which comes behind the first half of `inst`, comes behind all of it.
#[inline(always)]
fn behind<'a>(inst: &Inst, rest: &'a [Inst]) -> &'a [Inst] {
    match rest {
        [_, behind @ ..] if inst.len == 4 => behind,
        _ => rest,
    }
}

/// Whether chains execute instructions of `class`: those that do no more than change registers, access
/// memory once, or branch.
const fn is_linked(class: Class) -> bool {
    match class {
        Class::IntAlu | Class::IntMul | Class::IntDiv => true,
        Class::Load | Class::Store => true,
        Class::Branch | Class::Jump | Class::JumpIndirect => true,
        Class::FpAdd | Class::FpMul | Class::FpDiv | Class::FpSqrt => true,
        Class::FpFma | Class::FpMove | Class::FpCmp | Class::FpCvt => true,
        Class::LoadReserved | Class::StoreConditional | Class::Amo => false,
        Class::Csr | Class::Fence | Class::System | Class::CacheOp | Class::Marker => false,
    }
}

/// Makes of each instruction its [`Chained`] function.
struct Chain<B, W>(PhantomData<(B, W)>);

impl<B: Bus, W: Witness<B>> Wrap for Chain<B, W> {
    type Wrapped = Chained<B, W>;

    fn wrap<S: Semantics>() -> Self::Wrapped {
        chained::<B, W, S>
    }
}

/// Tells of each instruction whether chains execute it.
struct Linked;

impl Wrap for Linked {
    type Wrapped = bool;

    #[inline(always)]
    fn wrap<S: Semantics>() -> bool {
        is_linked(S::CLASS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, NoBus};
    use isa::{Op, encode};
    use ram::{RAM_BASE, Ram};

    const CODE: u64 = RAM_BASE + 0x1000;
    const DATA: u64 = RAM_BASE + 0x3000;

    /// Remembers what it is shown.
    #[derive(Debug, Default, PartialEq)]
    struct Seen {
        /// What a chain may execute.
        bytes: u64,
        accesses: Vec<(u64, StepAccess)>,
        branches: Vec<(u64, u64)>,
    }

    impl Witness<NoBus> for Seen {
        fn begin(&mut self, hart: &Hart, _: &mut FastPort<NoBus>, start: &Start<'_>) -> u64 {
            assert_eq!((start.pc, start.pa), (hart.pc, hart.pc));
            std::mem::take(&mut self.bytes)
        }

        fn access(&mut self, _: &Hart, _: &mut FastPort<NoBus>, pc: u64, access: &StepAccess) {
            self.accesses.push((pc, *access));
        }

        fn branch(&mut self, class: Class, inst: &Inst, pc: u64, next_pc: u64) {
            assert_eq!(class, inst.op.class());
            self.branches.push((pc, next_pc));
        }
    }

    struct Bench {
        hart: Hart,
        port: FastPort<NoBus>,
        code: Code<NoBus>,
        stepper: Stepper,
    }

    fn bytes_of(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> Vec<u8> {
        let inst = Inst { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm, raw: 0 };
        encode(&inst).to_le_bytes().to_vec()
    }

    /// A load, `c.addi x5, 1`, a store, a branch that is not taken, an instruction of each length more,
    /// and an atomic, which is in no chain.
    fn program() -> Vec<u8> {
        [
            bytes_of(Op::Ld, 6, 1, 0, 0),
            vec![0x85, 0x02],
            bytes_of(Op::Sd, 0, 1, 5, 8),
            bytes_of(Op::Beq, 0, 0, 1, 0x40),
            vec![0x85, 0x02],
            bytes_of(Op::Addi, 7, 5, 0, 1),
            bytes_of(Op::AmoaddD, 8, 1, 5, 0),
        ]
        .concat()
    }

    impl Bench {
        /// A hart at the program, all of which was executed before.
        fn new() -> Self {
            let mut bench = Self {
                hart: Hart::new(0, CODE),
                port: FastPort::new(Ram::new(0x10_0000), NoBus, 1),
                code: Code::new(),
                stepper: Stepper::new(1),
            };
            bench.port.adopt(&mut bench.hart);
            bench.hart.x[1] = DATA;
            bench.port.ram.write(CODE, &program()).unwrap();
            bench.steps(7);
            (bench.hart.pc, bench.hart.retired) = (CODE, 0);
            bench
        }

        /// What as many single steps show.
        fn steps(&mut self, count: u64) -> Seen {
            let mut seen = Seen::default();
            for _ in 0..count {
                let step = self.stepper.step(&mut self.hart, &mut self.port, &mut self.code);
                let step = step.unwrap();
                seen.accesses.extend(step.accesses().iter().map(|access| (step.pc, *access)));
                if step.inst.op == Op::Beq {
                    seen.branches.push((step.pc, step.next_pc));
                }
            }
            seen
        }

        fn chain(&mut self, bytes: u64) -> (u64, Seen) {
            let mut seen = Seen { bytes, ..Seen::default() };
            let page = self.stepper.code_page(&self.hart, &self.port);
            let Self { hart, port, stepper, .. } = self;
            port.review_attention();
            (stepper.chain(&page, u64::MAX, hart, port, &mut seen), seen)
        }

        fn state(&mut self) -> ([u64; 32], u64, u64, u64) {
            let x = *self.hart.x.first_chunk().unwrap();
            let stored = self.port.ram.read_u64(DATA + 8).unwrap();
            (x, self.hart.pc, self.hart.retired, stored)
        }
    }

    #[test]
    fn a_chain_does_what_single_steps_do_up_to_the_last_whole_instruction() {
        for (bytes, instructions) in
            [(0, 0), (2, 0), (4, 1), (6, 2), (8, 2), (10, 3), (14, 4), (18, 5), (20, 6), (64, 6)]
        {
            let (mut chained, mut stepped) = (Bench::new(), Bench::new());
            let (executed, seen) = chained.chain(bytes);
            assert_eq!(executed, instructions, "{bytes} bytes");
            assert_eq!(seen, stepped.steps(instructions), "{bytes} bytes");
            assert_eq!(chained.state(), stepped.state(), "{bytes} bytes");
        }
    }

    #[test]
    fn a_chain_ends_before_what_the_tlb_does_not_lead_to_and_behind_a_taken_branch() {
        let mut bench = Bench::new();
        bench.hart.x[1] = DATA + 4 * ram::PAGE;
        assert_eq!(bench.chain(64).0, 0);
        let mut bench = Bench::new();
        bench.hart.x[1] = 0;
        bench.hart.pc += 10;
        let (executed, seen) = bench.chain(32);
        assert_eq!((executed, bench.hart.pc), (1, CODE + 10 + 0x40));
        assert_eq!(seen.branches, [(CODE + 10, CODE + 10 + 0x40)]);
    }

    #[test]
    fn there_are_no_chains_where_somebody_must_look() {
        let mut bench = Bench::new();
        let page = bench.stepper.code_page(&bench.hart, &bench.port);
        let Bench { hart, port, stepper, .. } = &mut bench;
        let seen = || Seen { bytes: 64, ..Seen::default() };
        port.attention = true;
        assert_eq!(stepper.chain(&page, 64, hart, port, &mut seen()), 0);
        port.attention = false;
        stepper.reservations.any = true;
        assert_eq!(stepper.chain(&page, 64, hart, port, &mut seen()), 0);
        stepper.reservations.any = false;
        hart.pc += ram::PAGE;
        assert_eq!(stepper.chain(&page, 64, hart, port, &mut seen()), 0);
        hart.pc -= ram::PAGE;
        assert_eq!(stepper.chain(&page, 0, hart, port, &mut seen()), 0);
        assert_eq!(stepper.chain(&page, 2, hart, port, &mut seen()), 1, "four bytes at most");
    }
}
