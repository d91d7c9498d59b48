//! Running an image on our own hart: block by block as the fast mode does, or step by step with a count
//! of how often each row of the instruction table was executed.

use crate::image::Image;
use crate::layout::{ALIAS_MASK, CODE, CODE_END, RAM_SIZE, TOHOST};
use engine::{Code, FastPort, NoBus, Stepper, Stop};
use hart::{Hart, Request};
use isa::Op;
use ram::{OutsideRam, Ram};
use thiserror::Error;

/// Most instructions an image may execute.
const LIMIT: u64 = 200_000_000;

/// The image could not be run to its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// It has a segment outside RAM.
    #[error("loading the image: {0}")]
    Load(#[from] OutsideRam),
    /// It did not end.
    #[error("the image was still running after {LIMIT} instructions, at pc {pc:#x}")]
    Endless {
        /// Where it was.
        pc: u64,
    },
    /// It waits for an interrupt that cannot come.
    #[error("the image waits for an interrupt at pc {pc:#x} and none is enabled")]
    Asleep {
        /// Where it was.
        pc: u64,
    },
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// Content of RAM.
    pub memory: Vec<u8>,
    /// Instructions retired.
    pub retired: u64,
    /// Of these, how many belong to the programs and not to the harness; zero when not counted.
    pub in_programs: u64,
}

/// How often each row of the instruction table was executed without a trap (`ecall` and `ebreak` with).
#[derive(Clone, Debug)]
pub struct Coverage([u64; Op::COUNT]);

impl Default for Coverage {
    fn default() -> Self {
        Self([0; Op::COUNT])
    }
}

impl Coverage {
    /// The rows never executed.
    #[must_use]
    pub fn missing(&self) -> Vec<Op> {
        Op::ALL.into_iter().filter(|&op| self.0[op as usize] == 0).collect()
    }

    /// How often `op` was executed.
    #[must_use]
    pub fn count(&self, op: Op) -> u64 {
        self.0[op as usize]
    }
}

fn load(image: &Image) -> Result<(Hart, FastPort<NoBus>), OutsideRam> {
    let mut ram = Ram::new(RAM_SIZE);
    for segment in &image.segments {
        ram.write(segment.address, &segment.bytes)?;
    }
    let mut port = FastPort::new(ram, NoBus, 1);
    port.watch(Some(TOHOST));
    let mut hart = Hart::new(0, image.entry);
    port.adopt(&mut hart);
    Ok((hart, port))
}

/// Whether the program has ended after `request`.
fn answer(hart: &Hart, port: &mut FastPort<NoBus>, request: Request) -> Result<bool, RunError> {
    match request {
        Request::Attention => Ok(port.ram.read_u64(TOHOST)? != 0),
        Request::Wait if !hart.wakes_from_wait() => Err(RunError::Asleep { pc: hart.pc }),
        _ => Ok(false),
    }
}

fn finish(hart: &Hart, port: &mut FastPort<NoBus>) -> Result<Run, RunError> {
    let mut memory = vec![0; RAM_SIZE as usize];
    port.ram.read(ram::RAM_BASE, &mut memory)?;
    Ok(Run { memory, retired: hart.retired, in_programs: 0 })
}

/// Runs `image` on the fast engine.
///
/// # Errors
/// When it does not end.
pub fn run_fast(image: &Image) -> Result<Run, RunError> {
    let (mut hart, mut port) = load(image)?;
    let mut code = Code::new();
    loop {
        match engine::run(&mut hart, &mut port, &mut code, LIMIT) {
            Stop::Limit | Stop::LockedUp => return Err(RunError::Endless { pc: hart.pc }),
            Stop::Request(request) => {
                if answer(&hart, &mut port, request)? {
                    return finish(&hart, &mut port);
                }
            }
        }
    }
}

/// Runs `image` instruction by instruction and counts them in `coverage`.
///
/// # Errors
/// When it does not end.
pub fn run_stepping(image: &Image, coverage: &mut Coverage) -> Result<Run, RunError> {
    let (mut hart, mut port) = load(image)?;
    let mut code = Code::new();
    let mut stepper = Stepper::new(1);
    let mut in_programs = 0;
    while hart.retired < LIMIT {
        if let Some(interrupt) = hart.pending_interrupt() {
            hart.take_interrupt(&mut port, interrupt);
        }
        if let Some(step) = stepper.step(&mut hart, &mut port, &mut code) {
            let traps_by_nature = matches!(step.inst.op, Op::Ecall | Op::Ebreak);
            if !step.raised() || traps_by_nature {
                coverage.0[step.inst.op as usize] += 1;
                in_programs += u64::from(!is_harness(image, step.pc));
            }
        }
        if let Some(request) = port.take_request()
            && answer(&hart, &mut port, request)?
        {
            return Ok(Run { in_programs, ..finish(&hart, &mut port)? });
        }
    }
    Err(RunError::Endless { pc: hart.pc })
}

/// Whether `pc` lies in code that is not a program's own.
fn is_harness(image: &Image, pc: u64) -> bool {
    let pc = pc & ALIAS_MASK;
    if !(CODE..CODE_END).contains(&pc) {
        return false; // pages that programs jump to
    }
    let next = image.programs.partition_point(|program| program.start <= pc);
    next.checked_sub(1).is_none_or(|index| pc >= image.programs[index].end)
}
