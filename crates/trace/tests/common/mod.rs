//! A made-up program that behaves like one: functions of basic blocks that loop and call one another,
//! with locals on a stack, arrays and a scattered heap, in virtual pages that lie anywhere in memory.
#![allow(dead_code, reason = "each user takes a part of it")]

use stream::{
    Branch, BranchKind, Class, Fetched, FlushScope, HartId, Instr, MemAccess, MemKind, Operands,
    Page, PhysAddr, Privilege, Reg, Source, Translate, VirtAddr, Walk,
};

const CODE: u64 = 0x5555_0000_0000;
const STACK: u64 = 0x7fff_ff00_0000;
const ARRAYS: u64 = 0x7f12_0000_0000;
const HEAP: u64 = 0x7f34_0000_0000;

/// Functions, and the bytes of code each has.
const FUNCTIONS: u64 = 2000;
const FUNCTION: u64 = 512;

/// Scattered numbers, the same in every run.
pub fn scattered(n: u64) -> u64 {
    let n = (n ^ n >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (n ^ n >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 20
}

/// One hart that executes the program.
#[derive(Clone, Debug)]
pub struct Program {
    pc: u64,
    step: u64,
    calls: Vec<u64>,
    /// How often the address spaces were changed: pages lie elsewhere after each time.
    generation: u64,
    /// Flush everything after so many instructions.
    flush_every: u64,
    flushes: bool,
    /// The walks that were asked for.
    pub walks: u64,
}

impl Program {
    pub fn new(flush_every: u64) -> Self {
        let (calls, flushes) = (Vec::new(), false);
        Self { pc: CODE, step: 0, calls, generation: 0, flush_every, flushes, walks: 0 }
    }

    fn translate(&self, va: u64) -> u64 {
        let page = va >> 12;
        (scattered(page ^ self.generation << 40) % 0x40000) << 12 | 0x8000_0000 | va & 0xfff
    }

    fn access(&self, kind: MemKind, va: u64) -> Option<MemAccess> {
        let pa = PhysAddr(self.translate(va));
        Some(MemAccess { va: VirtAddr(va), pa, size: 8, kind, io: false, translated: true })
    }

    /// The data address of the memory instruction at `pc`.
    fn data(&self, pc: u64) -> u64 {
        let fixed = scattered(pc * 3);
        match fixed % 8 {
            0..4 => STACK - self.calls.len() as u64 * 96 + fixed / 8 % 12 * 8,
            4..6 => ARRAYS + fixed / 8 % 64 * 0x1_0000 + self.step * 8 % 0x8000,
            _ => HEAP + scattered(self.step) % 0x8_0000 / 8 * 8,
        }
    }

    fn branch(&mut self, pc: u64, len: u64) -> Option<Branch> {
        let fixed = scattered(pc * 7);
        let function = pc - (pc - CODE) % FUNCTION;
        let last = (pc - CODE) % FUNCTION > FUNCTION - 24;
        if !last && !fixed.is_multiple_of(6) {
            return None;
        }
        let (kind, taken, target) = match fixed / 6 % 8 {
            0 | 1 if !last && self.calls.len() < 12 => {
                // Few functions do most of the work.
                let which = fixed / 64 % FUNCTIONS;
                self.calls.push(pc + len);
                (BranchKind::Call, true, CODE + which * which / FUNCTIONS * FUNCTION)
            }
            _ if last => match self.calls.pop() {
                Some(back) => (BranchKind::Return, true, back),
                None => (BranchKind::Jump, true, CODE + scattered(self.step) % 64 * FUNCTION),
            },
            2..5 => {
                let loops = scattered(self.step * 5) % 16 < fixed / 64 % 14;
                (BranchKind::Conditional, loops, function.max(pc - pc.min(fixed / 64 % 64 / 4 * 4)))
            }
            _ => (BranchKind::Conditional, scattered(self.step).is_multiple_of(16), pc + len + 8),
        };
        Some(Branch { kind, taken, target: VirtAddr(target) })
    }

    fn execute(&mut self) -> Instr {
        let pc = self.pc;
        self.step += 1;
        let fixed = scattered(pc);
        let len = if fixed.is_multiple_of(2) { 2 } else { 4 };
        let branch = self.branch(pc, len);
        let (class, mem) = match (branch, fixed / 2 % 16) {
            (Some(_), _) => (Class::Branch, None),
            (None, 0..5) => (Class::Load, self.access(MemKind::Load, self.data(pc))),
            (None, 5..7) => (Class::Store, self.access(MemKind::Store, self.data(pc))),
            (None, 7) => (Class::IntMul, None),
            _ => (Class::IntAlu, None),
        };
        self.pc = match branch {
            Some(Branch { taken: true, target, .. }) => target.0,
            _ => pc + len,
        };
        let reg = |n: u64| Some(Reg::int((n % 31 + 1) as u8));
        let fetch_pa = PhysAddr(self.translate(pc));
        let tail = (pc + len - 1) & !0xfff;
        Instr {
            pc: VirtAddr(pc),
            fetch_pa,
            fetch_tail: (tail > pc).then(|| PhysAddr(self.translate(tail))),
            len: len as u8,
            class,
            operands: Operands {
                srcs: [reg(fixed), reg(fixed / 32), None],
                dst: reg(fixed / 1024),
            },
            mem,
            branch,
            privilege: Privilege::User,
            asid: 3,
            translated: true,
            ..Instr::default()
        }
    }
}

impl Source for Program {
    fn next(&mut self, _: HartId) -> Fetched {
        if self.step.is_multiple_of(self.flush_every) && !self.flushes {
            self.flushes = true;
            self.generation += 1;
            return Fetched::Flush(FlushScope::All);
        }
        self.flushes = false;
        Fetched::Instr(self.execute())
    }

    fn walk(&mut self, _: HartId, va: VirtAddr, _: Translate) -> Walk {
        self.walks += 1;
        let mut walk = Walk::new();
        for (level, shift) in (0_u64..).zip([30, 21, 12]) {
            let table = scattered(va.0 >> (shift + 9) ^ level << 60 ^ self.generation << 40);
            walk.read(PhysAddr(
                0x1_0000_0000 + table % 0x1000 * 0x1000 + (va.0 >> shift) % 512 * 8,
            ));
        }
        let base = PhysAddr(self.translate(va.0 & !0xfff));
        walk.page = Some(Page { base, size_log2: 12, global: false });
        walk
    }
}
