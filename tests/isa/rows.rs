//! Every integer row of the instruction table against a closed form, on all pairs of boundary operands.
//!
//! The closed forms are written for being obviously right, in wide arithmetic or bit by bit, and share nothing
//! with the hart. A row of these classes without one fails the test.

use conformance::asm::inst;
use conformance::bench::{Bench, DATA, PC};
use conformance::random::Random;
use conformance::values::{INTEGERS, integer};
use isa::{Class, Format, Inst, Op};

/// The sign-extended low `bits` bits.
fn sext(value: u64, bits: u32) -> u64 {
    ((value << (64 - bits)) as i64 >> (64 - bits)) as u64
}

fn zext(value: u64, bits: u32) -> u64 {
    value & (u64::MAX >> (64 - bits))
}

fn word(value: u64) -> u64 {
    sext(value, 32)
}

fn bit(value: u64, n: u32) -> bool {
    value >> n & 1 == 1
}

/// The number made of the bits for which `f` holds.
fn bits(f: impl Fn(u32) -> bool) -> u64 {
    (0..64).filter(|&n| f(n)).map(|n| 1 << n).sum()
}

fn rotate_right(value: u64, by: u32, width: u32) -> u64 {
    bits(|n| n < width && bit(value, (n + by) % width))
}

fn leading_zeros(value: u64, width: u32) -> u64 {
    (0..width).rev().take_while(|&n| !bit(value, n)).count() as u64
}

fn trailing_zeros(value: u64, width: u32) -> u64 {
    (0..width).take_while(|&n| !bit(value, n)).count() as u64
}

fn population(value: u64, width: u32) -> u64 {
    (0..width).filter(|&n| bit(value, n)).count() as u64
}

fn bytes(value: u64, f: impl Fn([u8; 8]) -> [u8; 8]) -> u64 {
    u64::from_le_bytes(f(value.to_le_bytes()))
}

/// Quotient and remainder with the manual's results for zero and overflow (volume I, "M", table of division).
fn divide(a: i128, b: i128, width: u32) -> (u64, u64) {
    if b == 0 {
        return (u64::MAX, a as u64);
    }
    let (q, r) = (a / b, a % b);
    // Only the smallest number divided by -1 does not fit; keeping the low bits gives it back.
    (zext(q as u64, width), r as u64)
}

fn signed(value: u64) -> i128 {
    i128::from(value as i64)
}

fn unsigned(value: u64) -> i128 {
    i128::from(value)
}

/// The result of a row with one destination register.
fn arithmetic(op: Op, a: u64, b: u64, i: &Inst) -> Option<u64> {
    let imm = i64::from(i.imm) as u64;
    let shamt = i.imm as u32;
    let (low6, low5) = ((b & 63) as u32, (b & 31) as u32);
    Some(match op {
        Op::Lui => imm,
        Op::Auipc => PC.wrapping_add(imm),
        Op::Addi => a.wrapping_add(imm),
        Op::Slti => u64::from(signed(a) < signed(imm)),
        Op::Sltiu => u64::from(a < imm),
        Op::Xori => bits(|n| bit(a, n) != bit(imm, n)),
        Op::Ori => bits(|n| bit(a, n) || bit(imm, n)),
        Op::Andi => bits(|n| bit(a, n) && bit(imm, n)),
        Op::Slli => bits(|n| n >= shamt && bit(a, n - shamt)),
        Op::Srli => bits(|n| n + shamt < 64 && bit(a, n + shamt)),
        Op::Srai => bits(|n| bit(a, (n + shamt).min(63))),
        Op::Add => (unsigned(a) + unsigned(b)) as u64,
        Op::Sub => (unsigned(a) - unsigned(b)) as u64,
        Op::Sll => bits(|n| n >= low6 && bit(a, n - low6)),
        Op::Slt => u64::from(signed(a) < signed(b)),
        Op::Sltu => u64::from(a < b),
        Op::Xor => bits(|n| bit(a, n) != bit(b, n)),
        Op::Srl => bits(|n| n + low6 < 64 && bit(a, n + low6)),
        Op::Sra => bits(|n| bit(a, (n + low6).min(63))),
        Op::Or => bits(|n| bit(a, n) || bit(b, n)),
        Op::And => bits(|n| bit(a, n) && bit(b, n)),
        Op::Addiw => word(a.wrapping_add(imm)),
        Op::Slliw => word(zext(a, 32) << shamt),
        Op::Srliw => word(zext(a, 32) >> shamt),
        Op::Sraiw => bits(|n| bit(a, (n + shamt).min(31))),
        Op::Addw => word(a.wrapping_add(b)),
        Op::Subw => word(a.wrapping_sub(b)),
        Op::Sllw => word(zext(a, 32) << low5),
        Op::Srlw => word(zext(a, 32) >> low5),
        Op::Sraw => bits(|n| bit(a, (n + low5).min(31))),
        Op::Mul => (signed(a) * signed(b)) as u64,
        Op::Mulh => ((signed(a) * signed(b)) >> 64) as u64,
        Op::Mulhsu => ((signed(a) * unsigned(b)) >> 64) as u64,
        Op::Mulhu => ((u128::from(a) * u128::from(b)) >> 64) as u64,
        Op::Div => divide(signed(a), signed(b), 64).0,
        Op::Divu => divide(unsigned(a), unsigned(b), 64).0,
        Op::Rem => divide(signed(a), signed(b), 64).1,
        Op::Remu => divide(unsigned(a), unsigned(b), 64).1,
        Op::Mulw => word(a.wrapping_mul(b)),
        Op::Divw => word(divide(signed(word(a)), signed(word(b)), 32).0),
        Op::Divuw => word(divide(unsigned(zext(a, 32)), unsigned(zext(b, 32)), 32).0),
        Op::Remw => word(divide(signed(word(a)), signed(word(b)), 32).1),
        Op::Remuw => word(divide(unsigned(zext(a, 32)), unsigned(zext(b, 32)), 32).1),
        Op::AddUw => b.wrapping_add(zext(a, 32)),
        Op::Sh1add => b.wrapping_add(a.wrapping_mul(2)),
        Op::Sh2add => b.wrapping_add(a.wrapping_mul(4)),
        Op::Sh3add => b.wrapping_add(a.wrapping_mul(8)),
        Op::Sh1addUw => b.wrapping_add(zext(a, 32) * 2),
        Op::Sh2addUw => b.wrapping_add(zext(a, 32) * 4),
        Op::Sh3addUw => b.wrapping_add(zext(a, 32) * 8),
        Op::SlliUw => bits(|n| n >= shamt && n - shamt < 32 && bit(a, n - shamt)),
        Op::Andn => bits(|n| bit(a, n) && !bit(b, n)),
        Op::Orn => bits(|n| bit(a, n) || !bit(b, n)),
        Op::Xnor => bits(|n| bit(a, n) == bit(b, n)),
        Op::Clz => leading_zeros(a, 64),
        Op::Ctz => trailing_zeros(a, 64),
        Op::Cpop => population(a, 64),
        Op::Clzw => leading_zeros(a, 32),
        Op::Ctzw => trailing_zeros(a, 32),
        Op::Cpopw => population(a, 32),
        Op::Max => {
            if signed(a) < signed(b) {
                b
            } else {
                a
            }
        }
        Op::Maxu => {
            if a < b {
                b
            } else {
                a
            }
        }
        Op::Min => {
            if signed(a) < signed(b) {
                a
            } else {
                b
            }
        }
        Op::Minu => {
            if a < b {
                a
            } else {
                b
            }
        }
        Op::SextB => sext(a, 8),
        Op::SextH => sext(a, 16),
        Op::ZextH => zext(a, 16),
        Op::Rol => rotate_right(a, (64 - low6) % 64, 64),
        Op::Ror => rotate_right(a, low6, 64),
        Op::Rori => rotate_right(a, shamt, 64),
        Op::Rolw => word(rotate_right(a, (32 - low5) % 32, 32)),
        Op::Rorw => word(rotate_right(a, low5, 32)),
        Op::Roriw => word(rotate_right(a, shamt, 32)),
        Op::OrcB => bytes(a, |b| b.map(|byte| if byte == 0 { 0 } else { 0xff })),
        Op::Rev8 => bytes(a, |mut b| {
            b.reverse();
            b
        }),
        Op::Bclr => bits(|n| bit(a, n) && n != low6),
        Op::Bext => u64::from(bit(a, low6)),
        Op::Binv => bits(|n| bit(a, n) != (n == low6)),
        Op::Bset => bits(|n| bit(a, n) || n == low6),
        Op::Bclri => bits(|n| bit(a, n) && n != shamt),
        Op::Bexti => u64::from(bit(a, shamt)),
        Op::Binvi => bits(|n| bit(a, n) != (n == shamt)),
        Op::Bseti => bits(|n| bit(a, n) || n == shamt),
        _ => return None,
    })
}

fn immediates(op: Op) -> Vec<i32> {
    match op.format() {
        Format::U => vec![0, 0x1000, 0x7fff_f000, i32::MIN, -0x1000, 0x1234_5000],
        Format::I => vec![0, 1, -1, 2, 31, 32, 63, 64, 2047, -2048, -2047, 0x555],
        Format::Shift => {
            let widest = if op.layout().insert_immediate(63).is_some() { 64 } else { 32 };
            (0..widest).collect()
        }
        _ => vec![0],
    }
}

fn of(classes: &[Class]) -> impl Iterator<Item = Op> {
    Op::ALL.into_iter().filter(|op| classes.contains(&op.class()))
}

/// Boundary values and some random ones.
fn operands(seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    let extra: Vec<u64> = (0..16).map(|_| integer(&mut random)).collect();
    INTEGERS.into_iter().chain(extra).collect()
}

#[test]
fn integer_rows_compute_their_closed_forms() {
    let mut bench = Bench::default();
    let mut checked = 0;
    for op in of(&[Class::IntAlu, Class::IntMul, Class::IntDiv]) {
        let reads_b = op.operand_kinds().rs2.is_some();
        for imm in immediates(op) {
            for a in operands(op as u64) {
                let second = if reads_b { operands(op as u64 + 1) } else { vec![0] };
                for b in second {
                    let inst = with_registers(inst(op, 0, 0, 0, imm));
                    bench.hart.x[11] = a;
                    bench.hart.x[12] = b;
                    bench.execute(&inst).expect("arithmetic does not trap");
                    let expected = arithmetic(op, a, b, &inst);
                    let expected = expected.unwrap_or_else(|| panic!("{op:?} has no closed form"));
                    let ours = bench.hart.x[10];
                    assert_eq!(ours, expected, "{op:?} a {a:#x} b {b:#x} imm {imm:#x}");
                    checked += 1;
                }
            }
        }
    }
    println!("{checked} results of integer rows checked");
}

/// Destination a0, sources a1 and a2, where the instruction has them.
fn with_registers(mut inst: Inst) -> Inst {
    let kinds = inst.op.operand_kinds();
    inst.rd = if kinds.rd.is_some() { 10 } else { 0 };
    inst.rs1 = if kinds.rs1.is_some() { 11 } else { 0 };
    inst.rs2 = if kinds.rs2.is_some() { 12 } else { 0 };
    inst
}

#[test]
fn writes_to_x0_are_dropped_and_sources_may_be_the_destination() {
    let mut bench = Bench::default();
    for op in of(&[Class::IntAlu, Class::IntMul, Class::IntDiv]) {
        let base = with_registers(inst(op, 0, 0, 0, immediates(op)[1 % immediates(op).len()]));
        (bench.hart.x[11], bench.hart.x[12]) = (0x1234_5678_9abc_def0, 7);
        if op != Op::Ori {
            bench.execute(&Inst { rd: 0, ..base }).expect("no trap");
            assert_eq!(bench.hart.x[0], 0, "{op:?}");
        }
        let expected = arithmetic(op, 0x1234_5678_9abc_def0, 7, &base);
        bench.execute(&Inst { rd: 11, ..base }).expect("no trap");
        assert_eq!(Some(bench.hart.x[11]), expected, "{op:?} onto its source");
    }
}

fn taken(op: Op, a: u64, b: u64) -> bool {
    match op {
        Op::Beq => a == b,
        Op::Bne => a != b,
        Op::Blt => signed(a) < signed(b),
        Op::Bge => signed(a) >= signed(b),
        Op::Bltu => a < b,
        Op::Bgeu => a >= b,
        _ => panic!("{op:?} has no closed form"),
    }
}

#[test]
fn branches_go_where_their_condition_says() {
    let mut bench = Bench::default();
    for op in of(&[Class::Branch]) {
        for (a, b) in INTEGERS.into_iter().flat_map(|a| INTEGERS.map(|b| (a, b))) {
            for offset in [-4096, -2, 2, 4094] {
                (bench.hart.x[11], bench.hart.x[12]) = (a, b);
                bench.execute(&with_registers(inst(op, 0, 0, 0, offset))).expect("no trap");
                let target = PC.wrapping_add_signed(i64::from(offset));
                let expected = if taken(op, a, b) { target } else { PC + 4 };
                assert_eq!(bench.hart.pc, expected, "{op:?} a {a:#x} b {b:#x}");
            }
        }
    }
}

#[test]
fn jumps_link_and_drop_the_lowest_bit_of_register_targets() {
    let mut bench = Bench::default();
    for offset in [-0x10_0000, -2, 2, 0xf_fffe] {
        bench.execute(&inst(Op::Jal, 1, 0, 0, offset)).expect("no trap");
        assert_eq!(
            (bench.hart.pc, bench.hart.x[1]),
            (PC.wrapping_add_signed(i64::from(offset)), PC + 4)
        );
    }
    for base in INTEGERS {
        for offset in [-2048, -1, 0, 1, 2047] {
            bench.hart.x[11] = base;
            // The link register may be the base.
            bench.execute(&inst(Op::Jalr, 11, 11, 0, offset)).expect("no trap");
            let target = base.wrapping_add_signed(i64::from(offset)) & !1;
            assert_eq!((bench.hart.pc, bench.hart.x[11]), (target, PC + 4));
        }
    }
}

#[test]
fn loads_extend_and_stores_keep_their_neighbours() {
    let mut bench = Bench::default();
    let memory = 0x8899_aabb_ccdd_eeff_u128 << 64 | 0x8182_8384_8586_8788;
    for op in of(&[Class::Load, Class::Store]) {
        let base = inst(op, 0, 11, 0, 0);
        let width = u32::from(base.access_bytes()) * 8;
        for offset in 0..=8 {
            bench.poke(0, memory as u64);
            bench.poke(8, (memory >> 64) as u64);
            bench.hart.x[11] = DATA + 100;
            bench.hart.x[12] = 0x0102_0304_0506_0708;
            bench.hart.f[12] = 0x0102_0304_0506_0708;
            bench.hart.csr.mstatus |= 3 << 13;
            let mut inst = Inst { imm: offset - 100, ..with_registers(base) };
            inst.rs1 = 11;
            bench.execute(&inst).expect("memory is there");
            let raw = zext((memory >> (8 * offset)) as u64, width);
            let after = u128::from(bench.peek(0)) | u128::from(bench.peek(8)) << 64;
            if op.class() == Class::Store {
                let mask = u128::from(zext(u64::MAX, width)) << (8 * offset);
                let data = (0x0102_0304_0506_0708_u128 << (8 * offset)) & mask;
                assert_eq!(after, memory & !mask | data, "{op:?} at {offset}");
                continue;
            }
            assert_eq!(after, memory, "{op:?} writes nothing");
            let (ours, expected) = match op {
                Op::Flw => (bench.hart.f[10], raw | 0xffff_ffff_0000_0000),
                Op::Fld => (bench.hart.f[10], raw),
                Op::Lbu | Op::Lhu | Op::Lwu => (bench.hart.x[10], raw),
                _ => (bench.hart.x[10], sext(raw, width)),
            };
            assert_eq!(ours, expected, "{op:?} at {offset}");
        }
    }
}

/// What an atomic leaves in memory, both operands sign-extended to 64 bits.
fn atomic(op: Op, old: u64, b: u64) -> u64 {
    let name = op.mnemonic();
    let name = name.strip_suffix(".w").or(name.strip_suffix(".d")).expect("a width");
    match name {
        "amoswap" => b,
        "amoadd" => old.wrapping_add(b),
        "amoxor" => old ^ b,
        "amoand" => old & b,
        "amoor" => old | b,
        "amomin" => signed(old).min(signed(b)) as u64,
        "amomax" => signed(old).max(signed(b)) as u64,
        // Sign extension keeps the order of unsigned numbers.
        "amominu" => old.min(b),
        "amomaxu" => old.max(b),
        _ => panic!("{op:?} has no closed form"),
    }
}

#[test]
fn atomics_return_the_old_word_and_leave_the_new_one() {
    let mut bench = Bench::default();
    for op in of(&[Class::Amo]) {
        let narrow = op.mnemonic().ends_with(".w");
        for (old, b) in INTEGERS.into_iter().flat_map(|a| INTEGERS.map(|b| (a, b))) {
            bench.poke(0, old);
            (bench.hart.x[11], bench.hart.x[12]) = (DATA, b);
            bench.execute(&with_registers(inst(op, 0, 0, 0, 3))).expect("memory is there");
            let (value, stored) = if narrow {
                let new = atomic(op, word(old), word(b));
                (word(old), old & !0xffff_ffff | zext(new, 32))
            } else {
                (old, atomic(op, old, b))
            };
            assert_eq!(bench.hart.x[10], value, "{op:?} old {old:#x} b {b:#x}");
            assert_eq!(bench.peek(0), stored, "{op:?} old {old:#x} b {b:#x}");
        }
    }
}
