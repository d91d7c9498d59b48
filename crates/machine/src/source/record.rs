//! From an instruction and what it did to its [`Instr`].
//!
//! What does not depend on the execution is in its [`Description`], worked out when the instruction
//! is decoded.

use engine::{Describe, Step, StepAccess};
use hart::Hart;
use isa::{Class as IsaClass, Inst, Op};
use stream::{
    Branch, BranchKind, CacheOp, Class, Event, Instr, MemAccess, MemKind, Operands, PhysAddr,
    Privilege, Reg, RegKind, VirtAddr,
};

/// What an instruction's record says whenever it executes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description {
    class: Class,
    /// Next to the class, as in the record: the two are copied as one.
    len: u8,
    operands: Operands,
    /// The kind of its accesses, if it makes any.
    pub(super) access: MemKind,
    branch: Option<BranchKind>,
    serialising: bool,
    is_move: bool,
}

impl Describe for Description {
    fn of(inst: &Inst) -> Self {
        Self {
            class: class(inst),
            len: inst.len,
            operands: operands(inst),
            access: mem_kind(inst),
            branch: branch_kind(inst.op.class(), inst),
            serialising: is_serialising(inst),
            is_move: is_move(inst),
        }
    }
}

impl Description {
    /// Whether the instruction may not overlap with others.
    #[inline]
    pub(super) fn serialising(&self) -> bool {
        self.serialising
    }
}

/// What an instruction's record says of the hart it runs on. Only instructions of [`Class::Csr`]
/// and [`Class::System`], which are serialising, and traps change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    privilege: Privilege,
    pub(super) asid: u16,
    pub(super) fetch_translated: bool,
    data_translated: bool,
}

impl Context {
    pub(super) fn of(hart: &Hart) -> Self {
        let paging = hart.csr.satp >> 60 != 0;
        Self {
            privilege: match hart.prv {
                hart::Privilege::User => Privilege::User,
                hart::Privilege::Supervisor => Privilege::Supervisor,
                hart::Privilege::Machine => Privilege::Machine,
            },
            asid: (hart.csr.satp >> 44) as u16,
            fetch_translated: paging && hart.prv != hart::Privilege::Machine,
            data_translated: paging && hart.data_privilege() != hart::Privilege::Machine,
        }
    }
}

/// Whether there is more to say of `step` than [`plain`] does, or it may have changed the
/// [`Context`] or fenced translations.
#[inline(always)]
pub(super) fn is_rare(step: &Step<'_, Description>) -> bool {
    !step.is_simple() | step.description.serialising
}

/// The record of `step`, made on a hart in `context`, after `event`.
pub(super) fn record(context: &Context, step: &Step<'_, Description>, event: Event) -> Instr {
    Instr {
        fetch_tail: step.fetch_tail.map(PhysAddr),
        mem_tail: step.accesses().get(1).map(|part| access(context, step.description.access, part)),
        serialising: step.description.serialising,
        event: if step.raised() { Event::Exception } else { event },
        ..plain(context, step)
    }
}

/// The record of a step that is not rare and comes after nothing.
#[inline]
pub(super) fn plain(context: &Context, step: &Step<'_, Description>) -> Instr {
    let mut instr = Instr::default();
    write_plain(&mut instr, context, step);
    instr
}

/// Writes the record of a step that lies on one page, accesses at most one, raised nothing, may overlap
/// with others and comes after nothing. Nearly all do, and records are large: what is known not to be
/// there costs least.
#[inline(always)]
pub(super) fn write_plain(into: &mut Instr, context: &Context, step: &Step<'_, Description>) {
    // All fields by name, so that a new one is not forgotten.
    let Instr {
        pc,
        fetch_pa,
        fetch_tail,
        len,
        class,
        operands,
        mem,
        mem_tail,
        branch,
        privilege,
        asid,
        translated,
        serialising,
        is_move,
        event,
    } = into;
    let Description { class: of_class, len: of_bytes, .. } = *step.description;
    // One after the other, so that none has to be kept until all are known.
    *pc = VirtAddr(step.pc);
    *fetch_pa = PhysAddr(step.fetch_pa);
    *fetch_tail = None;
    *mem_tail = None;
    *privilege = context.privilege;
    *asid = context.asid;
    *translated = context.fetch_translated;
    *serialising = false;
    *event = Event::None;
    *class = of_class;
    *len = of_bytes;
    *operands = step.description.operands;
    *is_move = step.description.is_move;
    match step.access() {
        Some(part) => *mem = Some(access(context, step.description.access, part)),
        None => *mem = None,
    }
    match step.description.branch {
        Some(kind) => {
            *branch = Some(outcome(kind, step.inst, step.pc, step.next_pc, step.raised()));
        }
        None => *branch = None,
    }
}

/// The record of a `part` of the access of this `kind` of an instruction.
#[inline(always)]
pub(super) fn access(context: &Context, kind: MemKind, part: &StepAccess) -> MemAccess {
    MemAccess {
        va: VirtAddr(part.va),
        pa: PhysAddr(part.pa),
        size: part.size,
        kind,
        io: part.io,
        translated: context.data_translated,
    }
}

/// Where the branch `inst` at `pc` went, from the address that came next; it may have `raised` an
/// exception instead.
#[inline(always)]
pub(super) fn outcome(
    kind: BranchKind,
    inst: &Inst,
    pc: u64,
    next_pc: u64,
    raised: bool,
) -> Branch {
    let direct = pc.wrapping_add(i64::from(inst.imm) as u64);
    let indirect = inst.op == Op::Jalr;
    let fall_through = pc.wrapping_add(u64::from(inst.len));
    let taken = kind != BranchKind::Conditional || (next_pc != fall_through && !raised);
    Branch { kind, taken, target: VirtAddr(if indirect { next_pc } else { direct }) }
}

/// The same for all accesses of an instruction: an atomic's are one access, a failed
/// store-conditional makes none.
fn mem_kind(inst: &Inst) -> MemKind {
    match (inst.op, inst.op.class()) {
        (Op::CboZero, _) => MemKind::Cache(CacheOp::Zero),
        (Op::CboClean, _) => MemKind::Cache(CacheOp::Clean),
        (Op::CboFlush, _) => MemKind::Cache(CacheOp::Flush),
        (Op::CboInval, _) => MemKind::Cache(CacheOp::Invalidate),
        (Op::PrefetchI, _) => MemKind::Cache(CacheOp::PrefetchInstruction),
        (Op::PrefetchR, _) => MemKind::Cache(CacheOp::PrefetchRead),
        (Op::PrefetchW, _) => MemKind::Cache(CacheOp::PrefetchWrite),
        (_, IsaClass::Amo) => MemKind::Amo,
        (_, IsaClass::Store | IsaClass::StoreConditional) => MemKind::Store,
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

/// What kind of branch `inst` is, which is one of `class`; `None` if none.
#[inline(always)]
pub(super) fn branch_kind(class: IsaClass, inst: &Inst) -> Option<BranchKind> {
    Some(match class {
        IsaClass::Branch => BranchKind::Conditional,
        IsaClass::Jump if inst.is_call() => BranchKind::Call,
        IsaClass::Jump => BranchKind::Jump,
        IsaClass::JumpIndirect => match (inst.is_call(), inst.is_return()) {
            (true, true) => BranchKind::ReturnAndCall,
            (true, false) => BranchKind::IndirectCall,
            (false, true) => BranchKind::Return,
            (false, false) => BranchKind::IndirectJump,
        },
        _ => return None,
    })
}

pub(super) fn is_serialising(inst: &Inst) -> bool {
    matches!(inst.op.class(), IsaClass::Csr | IsaClass::System | IsaClass::Marker)
        || inst.op == Op::FenceI
}

/// Whether all that `inst` does is copy a register to another, bit for bit: `mv` in its forms, and
/// `fmv.d`. That of single precision checks how its operand is boxed.
fn is_move(inst: &Inst) -> bool {
    let copies = match inst.op {
        Op::Addi => inst.imm == 0 && inst.rs1 != 0,
        Op::Add => (inst.rs1 == 0) != (inst.rs2 == 0),
        Op::FsgnjD => inst.rs1 == inst.rs2,
        _ => false,
    };
    copies && operands(inst).dst.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use conformance::asm::inst;

    #[test]
    fn a_description_fits_the_half_of_a_cache_line_that_an_instruction_is_kept_in() {
        assert!(size_of::<Description>() <= 11, "{} bytes", size_of::<Description>());
    }

    #[test]
    fn moves_are_the_instructions_that_copy_a_register_bit_for_bit() {
        let is_move = |op, rd, rs1, rs2, imm| Description::of(&inst(op, rd, rs1, rs2, imm)).is_move;
        assert!(is_move(Op::Addi, 5, 6, 0, 0));
        assert!(is_move(Op::Add, 5, 0, 6, 0), "c.mv");
        assert!(is_move(Op::Add, 5, 6, 0, 0));
        assert!(is_move(Op::FsgnjD, 5, 6, 6, 0), "fmv.d");
        assert!(!is_move(Op::Addi, 5, 6, 0, 1));
        assert!(!is_move(Op::Addi, 5, 0, 0, 0), "li");
        assert!(!is_move(Op::Addi, 0, 6, 0, 0), "it writes nothing");
        assert!(!is_move(Op::Add, 5, 6, 7, 0));
        assert!(!is_move(Op::Addiw, 5, 6, 0, 0), "it extends the sign");
        assert!(!is_move(Op::FsgnjD, 5, 6, 7, 0));
        assert!(!is_move(Op::FsgnjS, 5, 6, 6, 0), "it checks the boxing");
    }
}
