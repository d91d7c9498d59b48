//! Tiny programs run block by block; every program ends in `wfi`.

use super::*;
use crate::{NoBus, Stepper};
use hart::Privilege;
use isa::{Inst, Op, encode};
use ram::{RAM_BASE, Ram};

const CODE: u64 = RAM_BASE + 0x1000;
const OTHER: u64 = RAM_BASE + 0x2000;

fn word(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> u32 {
    encode(&Inst { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm, raw: 0 })
}

fn addi(rd: u8, rs1: u8, imm: i32) -> u32 {
    word(Op::Addi, rd, rs1, 0, imm)
}

fn wfi() -> u32 {
    word(Op::Wfi, 0, 0, 0, 0)
}

/// A machine of two harts in M-mode.
struct Bench {
    harts: [Hart; 2],
    port: FastPort<NoBus>,
    code: Code<NoBus>,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            harts: [Hart::new(0, CODE), Hart::new(1, CODE)],
            port: FastPort::new(Ram::new(0x10_0000), NoBus, 2),
            code: Code::new(),
        };
        for index in 0..2 {
            bench.port.select(index);
            bench.port.adopt(&mut bench.harts[index]);
        }
        bench
    }

    /// Writes as a device would: past the harts.
    fn dma(&mut self, at: u64, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.port.ram.write(at, &bytes).unwrap();
        self.port.settle(&mut self.code);
    }

    /// Runs hart `index` from `pc` to its `wfi`.
    fn run(&mut self, index: usize, pc: u64) {
        let hart = &mut self.harts[index];
        hart.pc = pc;
        self.port.select(index);
        let limit = hart.retired + 10_000;
        let stop = run(hart, &mut self.port, &mut self.code, limit);
        assert_eq!(stop, Stop::Request(Request::Wait), "pc {:#x}", hart.pc);
    }

    fn x(&self, index: usize, register: usize) -> u64 {
        self.harts[index].x[register]
    }

    fn set(&mut self, index: usize, register: usize, value: u64) {
        self.harts[index].x[register] = value;
    }

    /// `a0 = value; wfi` at [`OTHER`], run once so that it is decoded.
    fn decoded_victim(&mut self, value: i32) {
        self.dma(OTHER, &[addi(10, 0, value), wfi()]);
        self.run(0, OTHER);
        assert_eq!(self.x(0, 10), value as u64);
    }
}

#[test]
fn instructions_and_program_counters_are_counted_exactly_on_every_way_out_of_a_block() {
    let mut bench = Bench::new();
    // A taken branch in the middle, a block that ends at the page, and the wfi.
    let program = [
        addi(5, 0, 1),
        word(Op::Beq, 0, 0, 0, 8),
        addi(5, 0, 99),
        addi(6, 5, 1),
        word(Op::Bne, 0, 0, 0, 8),
        word(Op::Auipc, 7, 0, 0, 0),
        addi(6, 6, 1),
        word(Op::Auipc, 8, 0, 0, 0),
        wfi(),
    ];
    let start = OTHER - 16;
    bench.dma(start, &program);
    bench.run(0, start);
    assert_eq!((bench.x(0, 5), bench.x(0, 6)), (1, 3));
    assert_eq!((bench.x(0, 7), bench.x(0, 8)), (start + 20, start + 28));
    assert_eq!(bench.harts[0].retired, 8);
    assert_eq!(bench.harts[0].pc, start + 36);
}

#[test]
fn an_exception_inside_a_block_is_taken_at_its_own_instruction() {
    let mut bench = Bench::new();
    bench.harts[0].csr.mtvec = OTHER;
    bench.dma(OTHER, &[wfi()]);
    let program = [addi(5, 0, 1), addi(6, 0, 2), word(Op::Ld, 7, 5, 0, 0), addi(5, 0, 3)];
    bench.dma(CODE, &program);
    bench.run(0, CODE);
    let hart = &bench.harts[0];
    assert_eq!((hart.csr.mepc, hart.csr.mcause, hart.csr.mtval), (CODE + 8, 5, 1));
    assert_eq!((hart.x[5], hart.retired), (1, 3));
}

#[test]
fn the_limit_stops_at_a_block_boundary() {
    let mut bench = Bench::new();
    bench.dma(CODE, &[addi(5, 5, 1), addi(5, 5, 1), word(Op::Jal, 0, 0, 0, -8)]);
    let hart = &mut bench.harts[0];
    bench.port.select(0);
    let stop = run(hart, &mut bench.port, &mut bench.code, 10);
    assert_eq!((stop, hart.retired, hart.pc, hart.x[5]), (Stop::Limit, 12, CODE, 8));
}

#[test]
fn a_store_by_the_same_hart_replaces_decoded_code() {
    let mut bench = Bench::new();
    bench.decoded_victim(1);
    let store =
        [word(Op::Sw, 0, 6, 5, 0), word(Op::FenceI, 0, 0, 0, 0), word(Op::Jalr, 0, 6, 0, 0)];
    bench.dma(CODE, &store);
    bench.set(0, 5, u64::from(addi(10, 0, 2)));
    bench.set(0, 6, OTHER);
    bench.run(0, CODE);
    assert_eq!(bench.x(0, 10), 2);
}

#[test]
fn a_store_that_hit_the_tlb_before_the_page_became_code_is_noticed_after() {
    let mut bench = Bench::new();
    bench.dma(CODE, &[word(Op::Sw, 0, 6, 5, 0), wfi()]);
    bench.dma(OTHER, &[addi(10, 0, 1), wfi()]);
    bench.set(0, 5, u64::from(addi(10, 0, 1)));
    bench.set(0, 6, OTHER);
    bench.run(0, CODE);
    bench.run(0, OTHER);
    bench.set(0, 5, u64::from(addi(10, 0, 2)));
    bench.run(0, CODE);
    bench.run(0, OTHER);
    assert_eq!(bench.x(0, 10), 2);
}

#[test]
fn a_store_by_another_hart_replaces_decoded_code_of_all() {
    let mut bench = Bench::new();
    bench.decoded_victim(1);
    bench.run(1, OTHER);
    bench.dma(CODE, &[word(Op::Sw, 0, 6, 5, 0), wfi()]);
    bench.set(1, 5, u64::from(addi(10, 0, 2)));
    bench.set(1, 6, OTHER);
    bench.run(1, CODE);
    for hart in [0, 1] {
        bench.run(hart, OTHER);
        assert_eq!(bench.x(hart, 10), 2, "hart {hart}");
    }
}

#[test]
fn an_atomic_store_replaces_decoded_code() {
    let mut bench = Bench::new();
    bench.decoded_victim(1);
    bench.dma(CODE, &[word(Op::AmoswapW, 0, 6, 5, 0), wfi()]);
    bench.set(0, 5, u64::from(addi(10, 0, 2)));
    bench.set(0, 6, OTHER);
    bench.run(0, CODE);
    bench.run(0, OTHER);
    assert_eq!(bench.x(0, 10), 2);
}

#[test]
fn what_a_device_wrote_replaces_decoded_code() {
    let mut bench = Bench::new();
    bench.decoded_victim(1);
    bench.dma(OTHER, &[addi(10, 0, 2)]);
    bench.run(0, OTHER);
    assert_eq!(bench.x(0, 10), 2);
}

#[test]
fn code_that_was_replaced_again_and_again_is_right_each_time() {
    let mut bench = Bench::new();
    for value in 1..50 {
        bench.decoded_victim(value);
    }
}

#[test]
fn dropping_all_decoded_code_changes_nothing() {
    let mut bench = Bench::new();
    bench.decoded_victim(1);
    bench.code.clear();
    bench.port.ram.clear_code_marks();
    bench.port.flush_all();
    let retired = bench.harts[0].retired;
    bench.run(0, OTHER);
    assert_eq!((bench.x(0, 10), bench.harts[0].retired - retired), (1, 2));
}

#[test]
fn an_instruction_that_straddles_pages_sees_a_store_to_either() {
    let mut bench = Bench::new();
    let at = OTHER - 2;
    bench.dma(at, &[addi(10, 0, 1), wfi()]);
    bench.run(0, at);
    assert_eq!((bench.x(0, 10), bench.harts[0].retired), (1, 2));
    bench.dma(at, &[addi(10, 0, 0x123)]);
    bench.run(0, at);
    assert_eq!(bench.x(0, 10), 0x123);
}

/// Sv39 with 4 KiB pages: the first 2 MiB of virtual addresses lead to RAM page by page.
struct Paged(Bench);

const ROOT: u64 = RAM_BASE + 0x8000;
const LEAVES: u64 = RAM_BASE + 0xa000;
const READ_EXECUTE: u64 = 0x4b;
const READ_WRITE: u64 = 0xc7;
const SATP: u64 = 8 << 60 | ROOT >> 12;

impl Paged {
    fn new() -> Self {
        let mut bench = Bench::new();
        for (at, next) in [(ROOT, RAM_BASE + 0x9000), (RAM_BASE + 0x9000, LEAVES)] {
            bench.port.ram.write(at, &(next >> 12 << 10 | 1).to_le_bytes()).unwrap();
        }
        for hart in 0..2 {
            bench.port.select(hart);
            let state = &mut bench.harts[hart];
            state.pmp = hart::Pmp::open();
            state.prv = Privilege::Supervisor;
            state.csr.satp = SATP;
            bench.port.adopt(state);
        }
        let mut paged = Self(bench);
        paged.map(1, CODE, READ_EXECUTE);
        paged
    }

    fn map(&mut self, page: u64, pa: u64, bits: u64) {
        let at = LEAVES + page * 8;
        self.0.port.ram.write(at, &(pa >> 12 << 10 | bits).to_le_bytes()).unwrap();
    }

    /// Page 2 leads to a word that holds `value` at physical `pa`.
    fn map_data(&mut self, pa: u64, value: u64, bits: u64) {
        self.0.port.ram.write(pa, &value.to_le_bytes()).unwrap();
        self.map(2, pa, bits);
    }
}

const PLACE: u64 = RAM_BASE + 0x4000;
const ELSEWHERE: u64 = RAM_BASE + 0x5000;

#[test]
fn after_a_fence_of_the_page_a_new_mapping_is_seen() {
    for fence in [word(Op::SfenceVma, 0, 6, 0, 0), word(Op::SfenceVma, 0, 0, 0, 0)] {
        let mut paged = Paged::new();
        let load = word(Op::Ld, 10, 6, 0, 0);
        paged.0.dma(CODE, &[load, wfi(), fence, load, wfi()]);
        paged.map_data(PLACE, 7, READ_WRITE);
        paged.0.set(0, 6, 0x2000);
        paged.0.run(0, 0x1000);
        assert_eq!(paged.0.x(0, 10), 7);
        paged.map_data(ELSEWHERE, 8, READ_WRITE);
        paged.0.run(0, 0x1008);
        assert_eq!(paged.0.x(0, 10), 8);
    }
}

#[test]
fn a_remote_fence_reaches_the_hart_it_is_for() {
    let mut paged = Paged::new();
    paged.0.dma(CODE, &[word(Op::Ld, 10, 6, 0, 0), wfi()]);
    paged.map_data(PLACE, 7, READ_WRITE);
    for hart in 0..2 {
        paged.0.set(hart, 6, 0x2000);
        paged.0.run(hart, 0x1000);
    }
    paged.map_data(ELSEWHERE, 8, READ_WRITE);
    paged.0.port.flush_hart(0, Some(0x2000));
    paged.0.run(0, 0x1000);
    assert_eq!(paged.0.x(0, 10), 8, "parked when it was fenced");
    paged.0.port.flush_hart(1, None);
    paged.0.run(1, 0x1000);
    assert_eq!(paged.0.x(1, 10), 8);
}

#[test]
fn after_a_fence_a_fetch_goes_to_the_new_page() {
    let mut paged = Paged::new();
    paged.0.dma(CODE, &[addi(10, 0, 1), wfi()]);
    paged.0.dma(PLACE, &[addi(10, 0, 2), wfi()]);
    paged.0.run(0, 0x1000);
    paged.map(1, PLACE, READ_EXECUTE);
    paged.0.port.flush_hart(0, Some(0x1000));
    paged.0.run(0, 0x1000);
    assert_eq!(paged.0.x(0, 10), 2);
}

#[test]
fn a_page_that_became_read_only_faults_a_store_after_the_fence() {
    let mut paged = Paged::new();
    let store = word(Op::Sd, 0, 6, 6, 0);
    paged.0.dma(CODE, &[store, store, wfi(), word(Op::SfenceVma, 0, 6, 0, 0), store]);
    paged.0.dma(OTHER, &[wfi()]);
    paged.map_data(PLACE, 0, READ_WRITE);
    paged.0.harts[0].csr.mtvec = OTHER;
    paged.0.set(0, 6, 0x2000);
    paged.0.run(0, 0x1000);
    assert_eq!(paged.0.port.ram.read_u64(PLACE).unwrap(), 0x2000);
    paged.map(2, PLACE, READ_WRITE & !4);
    paged.0.run(0, 0x100c);
    let hart = &paged.0.harts[0];
    assert_eq!((hart.csr.mcause, hart.csr.mtval, hart.csr.mepc), (15, 0x2000, 0x1010));
}

#[test]
fn user_mode_does_not_use_what_supervisor_mode_cached() {
    let mut paged = Paged::new();
    paged.0.dma(CODE, &[word(Op::Ld, 10, 6, 0, 0), wfi()]);
    paged.0.dma(OTHER, &[wfi()]);
    paged.map_data(PLACE, 7, READ_WRITE);
    paged.map(3, CODE, READ_EXECUTE | 0x10);
    paged.0.set(0, 6, 0x2000);
    paged.0.run(0, 0x1000);
    let state = &mut paged.0.harts[0];
    state.csr.mtvec = OTHER;
    state.prv = Privilege::User;
    paged.0.port.select(0);
    paged.0.port.adopt(state);
    paged.0.run(0, 0x3000);
    assert_eq!((paged.0.harts[0].csr.mcause, paged.0.harts[0].csr.mepc), (13, 0x3000));
}

#[test]
fn blocks_and_single_steps_agree() {
    let program = [
        addi(5, 0, 40),
        word(Op::Auipc, 6, 0, 0, 1 << 12),
        word(Op::Sd, 0, 6, 5, 1),
        word(Op::Ld, 7, 6, 0, 1),
        word(Op::AmoaddD, 8, 9, 7, 0),
        word(Op::Mul, 11, 7, 5, 0),
        addi(5, 5, -1),
        word(Op::Bne, 0, 5, 0, -24),
        word(Op::Jal, 1, 0, 0, 8),
        addi(12, 0, 1),
        wfi(),
    ];
    let mut fast = Bench::new();
    fast.dma(CODE, &program);
    fast.set(0, 9, PLACE);
    fast.run(0, CODE);
    let mut slow = Bench::new();
    slow.dma(CODE, &program);
    slow.set(0, 9, PLACE);
    slow.port.select(0);
    let mut stepper = Stepper::new(2);
    while slow.harts[0].retired < fast.harts[0].retired {
        stepper.step(&mut slow.harts[0], &mut slow.port, &mut slow.code);
    }
    assert_eq!(fast.harts[0].x[..32], slow.harts[0].x[..32]);
    assert_eq!(fast.harts[0].pc, slow.harts[0].pc);
    let range = RAM_BASE as usize - RAM_BASE as usize..0x10_0000;
    assert!(fast.port.ram.bytes()[range.clone()] == slow.port.ram.bytes()[range]);
}
