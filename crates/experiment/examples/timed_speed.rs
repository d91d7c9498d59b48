//! Runs a busy bare-metal loop (`conformance::busy`) on a machine under a system's timing model.
//!
//! `cargo run --release -p experiment --example timed_speed -- SYSTEM warming|detailed INSTRUCTIONS` prints
//! how many instructions were executed. Under `valgrind --tool=callgrind` the difference of two runs of
//! different length is the exact number of host instructions; `benches/detailed.py` does that.

use experiment::{Detailed, Warming};
use machine::{Machine, MachineConfig, Timing};
use ram::Ram;
use sim::Picos;

fn run(timing: &mut dyn Timing, instructions: u64) -> Result<u64, Box<dyn std::error::Error>> {
    let config = MachineConfig { harts: 1, ..MachineConfig::default() };
    let mut machine = Machine::new(config, Ram::new(4 << 20));
    machine.load_elf(&conformance::busy::program())?;
    while machine.retired() < instructions {
        machine.run_timed(timing, machine.now() + Picos::from_micros(100));
    }
    Ok(machine.retired())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const USAGE: &str = "usage: timed_speed SYSTEM warming|detailed INSTRUCTIONS";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [system, mode, instructions] = arguments.as_slice() else { return Err(USAGE.into()) };
    let system = system::load(system, &[])?;
    let mut model = system::Timing::new(&system.config)?;
    let executed = match mode.as_str() {
        "warming" => run(&mut Warming::new(&mut model), instructions.parse()?)?,
        "detailed" => run(&mut Detailed::new(&mut model, Picos::ZERO), instructions.parse()?)?,
        _ => return Err(USAGE.into()),
    };
    println!("{executed} instructions");
    Ok(())
}
