use super::*;
use crate::{NoBus, StepAccess};
use hart::mmu::ADUE;
use hart::{Port, Privilege};
use isa::encode;
use ram::{RAM_BASE, Ram};

const CODE: u64 = RAM_BASE + 0x1000;
const WRONG: u64 = RAM_BASE + 0x1800;
const DATA: u64 = RAM_BASE + 0x3000;
const DEVICE: u64 = 0x1000_0000;

fn word(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> u32 {
    encode(&Inst { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm, raw: 0 })
}

fn addi(rd: u8, rs1: u8, imm: i32) -> u32 {
    word(Op::Addi, rd, rs1, 0, imm)
}

/// A hart in M-mode at `CODE`, x1 to x3 pointing at data, at a device and at nothing.
struct Bench {
    hart: Hart,
    port: FastPort<NoBus>,
    code: Code<NoBus>,
    stepper: Stepper,
}

impl Bench {
    fn new(wrong: &[u32]) -> Self {
        let mut bench = Self {
            hart: Hart::new(0, CODE),
            port: FastPort::new(Ram::new(0x10_0000), NoBus, 1),
            code: Code::new(),
            stepper: Stepper::new(1),
        };
        bench.port.adopt(&mut bench.hart);
        (bench.hart.x[1], bench.hart.x[2], bench.hart.x[3]) = (DATA, DEVICE, 0x10);
        bench.put(CODE, &[addi(5, 0, 5), word(Op::Ld, 6, 1, 0, 0), word(Op::Sd, 0, 1, 5, 0)]);
        bench.put(WRONG, wrong);
        bench
    }

    fn put(&mut self, at: u64, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.port.ram.write(at, &bytes).unwrap();
    }

    fn step(&mut self) -> Step<'_, ()> {
        self.stepper.step(&mut self.hart, &mut self.port, &mut self.code).unwrap()
    }

    fn stray(&mut self, pc: u64) {
        self.stepper.wrong_path(&self.hart, pc);
    }

    fn step_wrong(&mut self) -> Option<Step<'_, ()>> {
        self.stepper.step_wrong(0, &mut self.port, &mut self.code)
    }

    /// Instructions executed from `pc` on until the path ends.
    fn length(&mut self, pc: u64) -> usize {
        self.stray(pc);
        (0..100).take_while(|_| self.step_wrong().is_some()).count()
    }

    fn wrong_x(&self, register: usize) -> u64 {
        self.stepper.wrong_paths[0].hart.x[register]
    }

    fn data(&mut self) -> u64 {
        self.port.ram.read_u64(DATA).unwrap()
    }

    /// Turns Sv39 on in S-mode with `leaf` as the entry of the gigabyte that holds RAM.
    fn translate_with(&mut self, leaf_flags: u64) -> u64 {
        let table = RAM_BASE + 0x8000;
        let leaf = RAM_BASE >> 12 << 10 | leaf_flags;
        self.port.ram.write(table + 2 * 8, &leaf.to_le_bytes()).unwrap();
        self.hart.csr.satp = 8 << 60 | table >> 12;
        self.hart.csr.menvcfg |= ADUE;
        self.hart.pmp = hart::Pmp::open();
        self.hart.prv = Privilege::Supervisor;
        self.port.context_changed(&mut self.hart);
        table + 2 * 8
    }
}

const VALID: u64 = 1;
const RWX: u64 = 0xe;
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;

#[test]
fn a_path_sees_its_own_stores_and_nobody_else_does() {
    let store = word(Op::Sd, 0, 1, 5, 0);
    let mut bench = Bench::new(&[addi(5, 0, 7), store, word(Op::Lbu, 6, 1, 0, 0), addi(0, 0, 0)]);
    bench.step();
    bench.stray(WRONG);
    bench.step_wrong().unwrap();
    let step = bench.step_wrong().unwrap();
    let stored = StepAccess { va: DATA, pa: DATA, size: 8, store: true, io: false };
    assert_eq!(step.accesses(), [stored]);
    bench.step_wrong().unwrap();
    assert_eq!((bench.wrong_x(6), bench.data(), bench.hart.x[5]), (7, 0, 5));
    bench.stepper.squash(0);
    assert!(bench.step_wrong().is_none());
    assert_eq!((bench.hart.pc, bench.hart.retired), (CODE + 4, 1));
    bench.step();
    assert_eq!(bench.hart.x[6], 0);
    // A new path starts without them.
    bench.stray(WRONG + 8);
    bench.step_wrong().unwrap();
    assert_eq!(bench.wrong_x(6), 0);
}

#[test]
fn a_path_sent_elsewhere_keeps_registers_and_stores() {
    let store = word(Op::Sd, 0, 1, 5, 0);
    let mut bench = Bench::new(&[addi(5, 0, 7), store, word(Op::Csrrw, 0, 5, 0, 0x340)]);
    assert_eq!(bench.length(WRONG), 2);
    assert!(bench.step_wrong().is_none(), "it stays ended");
    bench.stray(CODE + 4);
    let step = bench.step_wrong().unwrap();
    assert_eq!((step.pc, step.next_pc), (CODE + 4, CODE + 8));
    assert_eq!((bench.wrong_x(5), bench.wrong_x(6)), (7, 7));
    assert_eq!((bench.data(), bench.hart.csr.mscratch), (0, 0));
}

#[test]
fn an_atomic_works_on_what_the_path_stored() {
    let amo = word(Op::AmoaddD, 6, 1, 5, 0);
    let mut bench = Bench::new(&[addi(5, 0, 7), amo, amo, word(Op::AmoaddD, 6, 1, 5, 0)]);
    assert_eq!(bench.length(WRONG), 4);
    assert_eq!((bench.wrong_x(6), bench.data()), (14, 0));
}

#[test]
fn a_path_goes_on_over_a_plain_fence_and_zeroes_blocks_aside() {
    let zero = word(Op::CboZero, 0, 1, 0, 0);
    let load = word(Op::Ld, 6, 1, 0, 0);
    let mut bench = Bench::new(&[word(Op::Fence, 0, 0, 0, 0xff), load, zero, load, 0]);
    bench.put(DATA, &[9]);
    assert_eq!(bench.length(WRONG), 4);
    assert_eq!((bench.wrong_x(6), bench.data()), (0, 9));
}

#[test]
fn a_path_ends_where_it_would_act_on_the_world() {
    let all = [
        word(Op::Ld, 6, 2, 0, 0),
        word(Op::Sd, 0, 2, 5, 0),
        word(Op::AmoaddD, 6, 2, 5, 0),
        word(Op::Ld, 6, 3, 0, 0),
        word(Op::AmoaddD, 6, 1, 5, 0) & !(0x1f << 15) | 4 << 15, // x4 is misaligned
        word(Op::LrD, 6, 1, 0, 0),
        word(Op::ScD, 6, 1, 5, 0),
        word(Op::Csrrs, 6, 0, 0, 0xc00),
        word(Op::FenceI, 0, 0, 0, 0),
        word(Op::SfenceVma, 0, 0, 0, 0),
        word(Op::Ecall, 0, 0, 0, 0),
        word(Op::Ebreak, 0, 0, 0, 0),
        word(Op::Mret, 0, 0, 0, 0),
        word(Op::Wfi, 0, 0, 0, 0),
        word(Op::Pause, 0, 0, 0, 0),
        0x7b | 0x21 << 25,
        0,
    ];
    for wrong in all {
        let mut bench = Bench::new(&[addi(7, 0, 1), wrong, addi(7, 0, 2)]);
        bench.hart.x[4] = DATA + 4;
        bench.hart.reservation = Some(DATA - RAM_BASE);
        assert_eq!(bench.length(WRONG), 1, "{wrong:#010x}");
        bench.stepper.squash(0);
        assert_eq!(bench.hart.reservation, Some(DATA - RAM_BASE), "{wrong:#010x}");
        assert!(!bench.port.has_request(), "{wrong:#010x}");
        assert_eq!((bench.hart.pc, bench.hart.prv), (CODE, Privilege::Machine));
    }
}

#[test]
fn a_path_to_nowhere_ends_at_once() {
    let mut bench = Bench::new(&[addi(7, 0, 1)]);
    for pc in [0, 2, DEVICE, WRONG + 1, RAM_BASE - 2, RAM_BASE + 0x10_0000, u64::MAX - 1] {
        assert_eq!(bench.length(pc), 0, "{pc:#x}");
    }
    // Half an instruction at the end of RAM.
    let last = RAM_BASE + 0x10_0000 - 2;
    bench.put(last - 2, &[addi(7, 0, 1) << 16 | 1]);
    assert_eq!(bench.length(last - 2), 1, "c.nop is one");
}

#[test]
fn page_table_entries_are_not_marked_and_an_unmarked_one_ends_the_path() {
    let mut bench = Bench::new(&[word(Op::Ld, 6, 1, 0, 0), word(Op::Sd, 0, 1, 5, 0)]);
    for (marks, length) in [(0, 0), (ACCESSED, 1), (ACCESSED | DIRTY, 2)] {
        let entry = bench.translate_with(VALID | RWX | marks);
        let before = bench.port.ram.read_u64(entry).unwrap();
        bench.stepper.squash(0);
        assert_eq!(bench.length(WRONG), length, "{marks:#x}");
        assert_eq!(bench.port.ram.read_u64(entry).unwrap(), before);
        assert!(
            bench.port.walk_permitted(&bench.hart, DATA, Access::Store).is_some() == (length == 2)
        );
        assert_eq!(bench.port.ram.read_u64(entry).unwrap(), before);
    }
}

#[test]
fn a_translation_that_only_a_wrong_path_used_is_not_remembered() {
    let load = word(Op::Ld, 6, 1, 0, 0);
    let mut bench = Bench::new(&[load, 0]);
    let entry = bench.translate_with(VALID | RWX | ACCESSED | DIRTY);
    assert_eq!(bench.length(WRONG), 1);
    bench.stepper.squash(0);
    bench.port.ram.write(entry, &0_u64.to_le_bytes()).unwrap();
    let step = bench.stepper.step(&mut bench.hart, &mut bench.port, &mut bench.code);
    assert!(step.is_none(), "no translation is cached, so the fetch faults");
}

#[test]
fn code_that_only_a_wrong_path_executed_is_no_code_page() {
    let mut bench = Bench::new(&[addi(7, 0, 1), 0]);
    assert_eq!(bench.length(WRONG), 1);
    assert!(!bench.port.ram.is_code((WRONG - RAM_BASE) as usize));
    bench.put(WRONG, &[addi(7, 0, 2)]);
    bench.stepper.squash(0);
    assert_eq!(bench.length(WRONG), 1);
    assert_eq!(bench.wrong_x(7), 2, "what was fetched there first is not kept");
}

#[test]
fn a_path_fetches_what_was_stored_just_before() {
    let mut bench = Bench::new(&[addi(7, 0, 1), 0]);
    bench.hart.pc = WRONG;
    bench.step();
    assert!(bench.port.ram.is_code((WRONG - RAM_BASE) as usize));
    bench.put(WRONG, &[addi(7, 0, 2)]);
    assert_eq!(bench.length(WRONG), 1);
    assert_eq!((bench.wrong_x(7), bench.hart.x[7]), (2, 1));
}

#[test]
fn an_access_and_an_instruction_on_two_pages_are_told_in_parts() {
    let mut bench = Bench::new(&[]);
    let edge = RAM_BASE + 0x1ffe;
    bench.put(edge, &[word(Op::Sd, 0, 1, 5, -3), word(Op::Ld, 6, 1, 0, -3)]);
    bench.hart.x[5] = 0x1122_3344_5566_7788;
    bench.stray(edge);
    let step = bench.step_wrong().unwrap();
    assert_eq!((step.fetch_pa, step.fetch_tail), (edge, Some(edge + 2)));
    let part = |va, size| StepAccess { va, pa: va, size, store: true, io: false };
    assert_eq!(step.accesses(), [part(DATA - 3, 3), part(DATA, 5)]);
    bench.step_wrong().unwrap();
    assert_eq!(bench.wrong_x(6), 0x1122_3344_5566_7788);
    assert_eq!(bench.data(), 0);
}

#[test]
fn a_path_that_stores_more_than_fits_ends() {
    // sd x5, 0(x1); addi x1, x1, 8; jal x0, -8
    let body = [word(Op::Sd, 0, 1, 5, 0), addi(1, 1, 8), word(Op::Jal, 0, 0, 0, -8)];
    let mut bench = Bench::new(&body);
    bench.stray(WRONG);
    let steps = (0..100_000).take_while(|_| bench.step_wrong().is_some()).count();
    assert!((3 * 700..3 * 768).contains(&steps), "{steps} steps");
}

#[test]
fn clearing_the_stepper_ends_paths() {
    let mut bench = Bench::new(&[addi(7, 0, 1); 3]);
    bench.stray(WRONG);
    bench.step_wrong().unwrap();
    bench.stepper.clear();
    assert!(bench.step_wrong().is_none());
}
