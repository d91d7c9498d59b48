//! Measures what an instruction costs the host when a timing model pulls it and does nothing with it:
//! the floor of the warming and detailed modes.
//!
//! `cargo run --release -p machine --example source_speed [INSTRUCTIONS [BATCH [EVERY]]]` runs a loop
//! of 12 instructions (two loads, two stores, a call, a return and a branch among them), BATCH
//! instructions a turn (default 1, as the in-order core does). With EVERY, a wrong path of 20
//! instructions is taken every so many. Under `valgrind --tool=callgrind` the difference of two
//! runs of different length is the exact number of host instructions.

use conformance::asm::Asm;
use conformance::elf::{self, Segment};
use isa::Op;
use machine::{Machine, MachineConfig, Pace, Timing};
use ram::{RAM_BASE, Ram};
use sim::Picos;
use std::time::Instant;
use stream::{Fetched, HartId, Instr, Source, VirtAddr};

const DATA: u64 = RAM_BASE + 0x10_0000;
const WRONG_LENGTH: usize = 20;

/// A cycle an instruction.
struct Null {
    batch: u64,
    /// Instructions between two wrong paths; 0 for none.
    every: u64,
    pulled: u64,
    wrong: u64,
}

impl Null {
    fn stray(&mut self, hart: HartId, pc: VirtAddr, source: &mut dyn Source) {
        source.wrong_path(hart, pc);
        let mut instr = Instr::default();
        for _ in 0..WRONG_LENGTH {
            self.wrong += u64::from(source.next_wrong(hart, &mut instr));
        }
        source.squash(hart);
    }
}

impl Timing for Null {
    fn pace(&self) -> Pace {
        Pace::exact(Picos(400))
    }

    fn advance(&mut self, hart: HartId, now: Picos, _: Picos, source: &mut dyn Source) -> Picos {
        for done in 0..self.batch {
            let Fetched::Instr(instr) = source.next(hart) else { return now + Picos(400 * done) };
            self.pulled += 1;
            if self.every != 0 && self.pulled.is_multiple_of(self.every) {
                self.stray(hart, instr.pc, source);
            }
        }
        now + Picos(400 * self.batch)
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}

fn program() -> Vec<u8> {
    let mut asm = Asm::new(RAM_BASE);
    asm.constant(10, DATA);
    let over = asm.hole(conformance::asm::inst(Op::Jal, 0, 0, 0, 0));
    let function = asm.here();
    asm.op(Op::Mul, 13, 12, 12, 0);
    asm.i(Op::Jalr, 0, 1, 0);
    asm.fill(over);
    let head = asm.here();
    asm.i(Op::Ld, 11, 10, 0);
    asm.i(Op::Lw, 12, 10, 8);
    asm.op(Op::Add, 11, 11, 12, 0);
    asm.store(Op::Sd, 11, 10, 0);
    asm.store(Op::Sw, 13, 10, 8);
    asm.i(Op::Addi, 14, 14, 1);
    asm.op(Op::Xor, 15, 14, 11, 0);
    asm.call(1, function);
    asm.branch(Op::Bne, 14, 0, head);
    let code = Segment { address: RAM_BASE, bytes: asm.code().to_vec() };
    elf::write(RAM_BASE, &[code], &[])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let instructions = arguments.next().transpose()?.unwrap_or(20_000_000);
    let batch = arguments.next().transpose()?.unwrap_or(1);
    let every = arguments.next().transpose()?.unwrap_or(0);
    let config = MachineConfig { harts: 1, ..MachineConfig::default() };
    let mut machine = Machine::new(config, Ram::new(4 << 20));
    machine.load_elf(&program())?;
    let mut timing = Null { batch, every, pulled: 0, wrong: 0 };
    let begun = Instant::now();
    machine.run_timed(&mut timing, Picos(400 * instructions));
    let nanos = begun.elapsed().as_nanos() as f64 / timing.pulled as f64;
    let Null { pulled, wrong, .. } = timing;
    println!("{pulled} instructions, {wrong} on wrong paths: {nanos:.2} ns each");
    Ok(())
}
