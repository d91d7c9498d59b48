//! Numbers of registers.
//!
//! Three numbers have a meaning in ChampSim (`inc/trace_instruction.h`), which are Pin's numbers of
//! x86 registers; the others only tell registers apart, and 0 is none. Our registers have their
//! index as number, but those whose index is one of the four stand 128 higher. That keeps the three
//! for saying which kind of branch an instruction is.

use super::record::Record;
use stream::{Operands, Reg, RegKind};

pub(super) const STACK_POINTER: u8 = 6;
pub(super) const FLAGS: u8 = 25;
pub(super) const INSTRUCTION_POINTER: u8 = 26;

/// Half of the numbers; there are as many registers.
const HALF: u8 = 128;

/// The number of one of our registers.
pub(super) fn number(reg: Reg) -> u8 {
    const { assert!(Reg::COUNT == HALF as usize) };
    match reg.index() as u8 {
        index @ (0 | STACK_POINTER | FLAGS | INSTRUCTION_POINTER) => index + HALF,
        index => index,
    }
}

/// The register that a number stands for. Two numbers that differ by 128 are taken for one
/// register. The flags are a status register, the last one.
fn register(number: u8) -> Reg {
    const KINDS: [RegKind; 4] = [RegKind::Int, RegKind::Fp, RegKind::Vector, RegKind::Status];
    if number == FLAGS {
        return Reg::new(RegKind::Status, 31);
    }
    let index = number % HALF;
    Reg::new(KINDS[usize::from(index / 32)], index % 32)
}

/// What a record depends on and defines.
///
/// The instruction pointer carries no dependence, since the front end knows it. Nor does the stack
/// pointer where the decoder knows by how much it moves: ChampSim drops it as the destination of
/// branches, of instructions with memory operands and of those that read nothing else (stack
/// pointer folding, `src/ooo_cpu.cc`). Branches do not wait for it here either.
pub(super) fn operands(record: &Record, is_branch: bool) -> Operands {
    let marks = [0, INSTRUCTION_POINTER, FLAGS, STACK_POINTER];
    let reads_other = record.sources.iter().any(|source| !marks.contains(source));
    let has_memory = record.loads.iter().chain(&record.stores).any(|&address| address != 0);
    let folded = is_branch || has_memory || !reads_other;
    let mut operands = Operands::default();
    let mut count = 0;
    for &source in &record.sources {
        let carries = match source {
            0 | INSTRUCTION_POINTER => false,
            STACK_POINTER => !is_branch,
            _ => true,
        };
        let source = carries.then(|| register(source));
        if source.is_some() && count < operands.srcs.len() && !operands.srcs.contains(&source) {
            operands.srcs[count] = source;
            count += 1;
        }
    }
    let defines = |destination: &u8| match *destination {
        0 | INSTRUCTION_POINTER => false,
        STACK_POINTER => !folded,
        _ => true,
    };
    // Most instructions of x86 write the flags beside their result, and few of these are read.
    let defined = || record.destinations.into_iter().filter(defines);
    operands.dst =
        defined().find(|&destination| destination != FLAGS).or(defined().next()).map(register);
    operands
}
