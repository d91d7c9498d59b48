//! Made-up programs for whole-system tests.
#![allow(dead_code, reason = "each test file uses a part of it")]

use stream::{
    Branch, BranchKind, Class, HartId, Instr, MemAccess, MemKind, PhysAddr, Privilege, Synthetic,
    VirtAddr,
};
use system::{Timing, TimingStats};

/// The hart most tests use.
pub const HART: HartId = HartId(0);

/// A 4-byte instruction at `pc`, untranslated.
pub fn at(pc: u64) -> Instr {
    Instr { pc: VirtAddr(pc), fetch_pa: PhysAddr(pc), len: 4, ..Instr::default() }
}

/// An instruction, always the same one, that accesses `pa`.
pub fn touching(kind: MemKind, pa: u64) -> Instr {
    let mem = MemAccess {
        va: VirtAddr(pa),
        pa: PhysAddr(pa),
        size: 8,
        kind,
        io: false,
        translated: false,
    };
    Instr { mem: Some(mem), ..at(0x1000) }
}

/// Turns on translation for an instruction and its access.
pub fn translated(mut instr: Instr) -> Instr {
    instr.translated = true;
    if let Some(mem) = &mut instr.mem {
        mem.translated = true;
    }
    instr
}

/// The system `name` with overrides.
pub fn timing(name: &str, overrides: &[&str]) -> Timing {
    let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
    let system = system::load(name, &overrides).expect("a valid system");
    Timing::new(&system.config).expect("a valid system")
}

/// Runs the loop `body` once to fill the caches and then `rounds` times; returns the window of the
/// latter and the cycles per instruction in it.
pub fn steady(timing: &mut Timing, body: &[Instr], rounds: usize) -> (TimingStats, f64) {
    let mut source = Synthetic::new(timing.harts() as usize);
    source.push(HART, body.iter().copied());
    source.repeat(HART);
    let mut run = |timing: &mut Timing, instrs| {
        for _ in 0..instrs {
            timing.step(HART, &mut source);
        }
    };
    run(timing, body.len());
    let before = timing.stats();
    run(timing, body.len() * rounds);
    let window = timing.window(&before);
    let total = window.cores[HART.index()].total();
    let cpi = total.cycles.get() as f64 / total.instructions.get() as f64;
    (window, cpi)
}

/// One invocation of a function in the address space `asid`: 512 lines of code in runs of two lines, each
/// left by a branch that is always taken, every other one a conditional one, to a run elsewhere.
pub fn function(asid: u16) -> Vec<Instr> {
    // An odd number of lines apart, so that neither cache sets nor entries of a direct-mapped buffer collide.
    const RUNS: u64 = 256;
    let start = |run: u64| 0x40_0000 + run * 97 % RUNS * 0x1540;
    let instr = |run: u64, step: u64| {
        let jumps = step == 31;
        let target = VirtAddr(start(run + 1));
        let kind = [BranchKind::Jump, BranchKind::Conditional][run as usize % 2];
        let branch = Branch { kind, taken: true, target };
        Instr {
            class: if jumps { Class::Branch } else { Class::IntAlu },
            branch: jumps.then_some(branch),
            privilege: Privilege::User,
            asid,
            ..translated(at(start(run) + 4 * step))
        }
    };
    (0..RUNS).flat_map(|run| (0..32).map(move |step| instr(run, step))).collect()
}
