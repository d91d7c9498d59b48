//! Rows of the instruction table on all pairs of boundary values.
//!
//! `tests/isa/rows.rs` compares single instructions, executed on a bench, with closed forms. Here the same
//! instructions on the same values are programs: a loop for each instruction reads operands from a
//! table and stores results, and floating-point flags at its end. What fast mode and the cores leave is
//! compared with the bench. Rows that act on more than registers (control flow, memory but atomics,
//! privilege) are in [`super::random`].

use super::{SMALL, detailed, fast, model, warming};
use conformance::asm::{Asm, inst};
use conformance::bench::{Bench, DATA as BENCH_DATA};
use conformance::elf::{self, Segment};
use conformance::random::Random;
use conformance::values::{INTEGERS, float};
use isa::{Class, Format, Inst, Op, RegFile, csr};
use machine::Machine;
use ram::RAM_BASE;

const CODE: u64 = RAM_BASE;
const TOHOST: u64 = RAM_BASE + 0x8_0000;
const OPERANDS: u64 = RAM_BASE + 0x10_0000;
const RESULTS: u64 = RAM_BASE + 0x20_0000;

// Registers of a loop.
const FROM: u8 = 8;
const TO: u8 = 9;
const LEFT: u8 = 18;
/// Those of the instruction: destination, sources.
const D: u8 = 10;
const S1: u8 = 11;
const S2: u8 = 12;
const S3: u8 = 13;

/// An operand table's row: what S1, S2 and S3 are.
type Operands = [u64; 3];

/// A loop over a table of operands for one instruction.
struct Row {
    inst: Inst,
    /// Of the tables.
    table: usize,
}

/// The tables: pairs of integers, and floating-point triples.
fn tables() -> [Vec<Operands>; 2] {
    let pairs = INTEGERS.into_iter().flat_map(|a| INTEGERS.map(|b| [a, b, 0]));
    let mut random = Random::new(7);
    let triples = (0..400).map(|_| [(); 3].map(|()| float(&mut random)));
    [pairs.collect(), triples.collect()]
}

fn is_float(op: Op) -> bool {
    use Class::{FpAdd, FpCmp, FpCvt, FpDiv, FpFma, FpMove, FpMul, FpSqrt};
    let classes = [FpAdd, FpMul, FpDiv, FpSqrt, FpFma, FpMove, FpCmp, FpCvt];
    classes.contains(&op.class())
}

fn immediates(op: Op) -> Vec<i32> {
    match op.format() {
        Format::U => vec![0x1000, i32::MIN, -0x1000],
        Format::I => vec![0, 1, -1, 2047, -2048, 0x555],
        Format::Shift => {
            let widest = if op.layout().insert_immediate(63).is_some() { 64 } else { 32 };
            vec![0, 1, widest / 2, widest - 1]
        }
        _ => vec![0],
    }
}

/// The registers of the loop, where the instruction has them.
fn with_registers(inst: Inst) -> Inst {
    let kinds = inst.op.operand_kinds();
    let register = |file: Option<RegFile>, register| file.map_or(0, |_| register);
    let (rd, rs1) = (register(kinds.rd, D), register(kinds.rs1, S1));
    Inst { rd, rs1, rs2: register(kinds.rs2, S2), rs3: register(kinds.rs3, S3), ..inst }
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for op in Op::ALL {
        let plain =
            matches!(op.class(), Class::IntAlu | Class::IntMul | Class::IntDiv | Class::Amo);
        // Where it lies is part of what it computes.
        if (!plain && !is_float(op)) || op == Op::Auipc {
            continue;
        }
        for imm in immediates(op) {
            let inst = with_registers(inst(op, 0, 0, 0, imm));
            rows.push(Row { inst, table: usize::from(is_float(op)) });
        }
    }
    rows
}

/// Where the results of each row begin, and all end.
fn places(rows: &[Row], tables: &[Vec<Operands>; 2]) -> Vec<u64> {
    let sizes = rows.iter().map(|row| 16 * tables[row.table].len() as u64 + 8);
    let mut places = vec![RESULTS];
    for size in sizes {
        places.push(places[places.len() - 1] + size);
    }
    places
}

/// The address of a table of operands.
fn table_at(tables: &[Vec<Operands>; 2], table: usize) -> u64 {
    OPERANDS + (table * tables[0].len() * size_of::<Operands>()) as u64
}

fn program(rows: &[Row], tables: &[Vec<Operands>; 2]) -> Vec<u8> {
    let mut asm = Asm::new(CODE);
    asm.constant(D, 3 << 13); // FS
    asm.op(Op::Csrrs, 0, D, 0, i32::from(csr::MSTATUS));
    for (row, place) in rows.iter().zip(places(rows, tables)) {
        asm.address(FROM, table_at(tables, row.table));
        asm.address(TO, place);
        asm.constant(LEFT, tables[row.table].len() as u64);
        asm.csrw(csr::FCSR, 0);
        let again = asm.here();
        body(&mut asm, &row.inst);
        asm.i(Op::Addi, FROM, FROM, size_of::<Operands>() as i32);
        asm.i(Op::Addi, TO, TO, 16);
        asm.i(Op::Addi, LEFT, LEFT, -1);
        asm.branch(Op::Bne, LEFT, 0, again);
        asm.csrr(D, csr::FCSR);
        asm.store(Op::Sd, D, TO, 0);
    }
    asm.constant(D, 1);
    asm.address(S1, TOHOST);
    asm.store(Op::Sd, D, S1, 0);
    let here = asm.here();
    asm.jump(here);
    assert!(asm.here() <= TOHOST, "the code does not fit: it ends at {:#x}", asm.here());
    let operands = tables.iter().flatten().flatten().flat_map(|word| word.to_le_bytes()).collect();
    let code = Segment { address: CODE, bytes: asm.code().to_vec() };
    let operands = Segment { address: OPERANDS, bytes: operands };
    elf::write(CODE, &[code, operands], &[("tohost", TOHOST)])
}

/// Loads operands, executes, and stores the result and what an atomic left in memory.
fn body(asm: &mut Asm, inst: &Inst) {
    let kinds = inst.op.operand_kinds();
    if inst.op.class() == Class::Amo {
        // The first operand is in memory, where the second result goes.
        asm.i(Op::Ld, D, FROM, 0);
        asm.store(Op::Sd, D, TO, 8);
        asm.i(Op::Addi, S1, TO, 8);
        asm.i(Op::Ld, S2, FROM, 8);
        asm.put(inst);
        return asm.store(Op::Sd, D, TO, 0);
    }
    for (register, file, offset) in [(S1, kinds.rs1, 0), (S2, kinds.rs2, 8), (S3, kinds.rs3, 16)] {
        if let Some(file) = file {
            asm.i(if file == RegFile::X { Op::Ld } else { Op::Fld }, register, FROM, offset);
        }
    }
    asm.put(inst);
    let to_x = kinds.rd == Some(RegFile::X);
    asm.store(if to_x { Op::Sd } else { Op::Fsd }, D, TO, 0);
}

/// What the bench says of one row: results and the second results of atomics, then flags.
fn expected(row: &Row, operands: &[Operands]) -> Vec<u64> {
    let mut bench = Bench::default();
    bench.hart.csr.mstatus |= 3 << 13;
    let kinds = row.inst.op.operand_kinds();
    let mut words = Vec::new();
    for &[a, b, c] in operands {
        for (register, file, value) in [(S1, kinds.rs1, a), (S2, kinds.rs2, b), (S3, kinds.rs3, c)]
        {
            match file {
                Some(RegFile::X) => bench.hart.x[usize::from(register)] = value,
                Some(RegFile::F) => bench.hart.f[usize::from(register)] = value,
                None => {}
            }
        }
        let atomic = row.inst.op.class() == Class::Amo;
        if atomic {
            bench.poke(0, a);
            bench.hart.x[usize::from(S1)] = BENCH_DATA;
        }
        bench.execute(&row.inst).expect("it does not trap");
        let to_x = kinds.rd == Some(RegFile::X);
        let file = if to_x { &bench.hart.x[..] } else { &bench.hart.f[..] };
        words.extend([file[usize::from(D)], if atomic { bench.peek(0) } else { 0 }]);
    }
    words.push(u64::from(bench.hart.csr.fflags));
    words
}

fn compare(mode: &str, mut run: impl FnMut(&[u8]) -> Machine) {
    let (rows, tables) = (rows(), tables());
    let mut machine = run(&program(&rows, &tables));
    println!("{mode}: {} rows, {} instructions", rows.len(), machine.retired());
    for (row, place) in rows.iter().zip(places(&rows, &tables)) {
        let expected = expected(row, &tables[row.table]);
        for (index, word) in expected.into_iter().enumerate() {
            let ours = machine.ram().read_u64(place + 8 * index as u64).expect("inside RAM");
            let operands = tables[row.table].get(index / 2);
            let inst = &row.inst;
            assert_eq!(ours, word, "{mode}: {:?} {} of {operands:x?}", inst.op, inst.imm);
        }
    }
}

#[test]
fn fast_mode_computes_what_the_bench_does() {
    compare("fast", |elf| fast(1, elf));
}

#[test]
fn warming_computes_what_the_bench_does() {
    compare("warming", |elf| warming(1, elf, &mut model("skylake", &[])));
}

#[test]
fn the_in_order_core_computes_what_the_bench_does() {
    compare("simple", |elf| detailed(1, elf, &mut model("simple", &[])));
}

#[test]
fn skylake_computes_what_the_bench_does() {
    compare("skylake", |elf| detailed(1, elf, &mut model("skylake", &[])));
}

#[test]
fn a_core_of_small_queues_computes_what_the_bench_does() {
    compare("small", |elf| detailed(1, elf, &mut model("skylake", SMALL)));
}
