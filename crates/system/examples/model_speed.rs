//! How fast the model part runs on this host: made-up instructions through a built-in system, in
//! warming and in detailed mode, in time on the processor where the host tells it. `cargo run --release -p system --example model_speed`.

use std::fs;
use std::sync::LazyLock;
use std::time::Instant;
use stream::{Fetched, HartId, Instr, MemAccess, MemKind, PhysAddr, Source, Translate, VirtAddr};
use stream::{Synthetic, Walk};
use system::Timing;

const HART: HartId = HartId(0);
const INSTRUCTIONS: usize = 40_000_000;

/// A loop of instructions over a cheap identity page table.
struct Loop {
    body: Vec<Instr>,
    at: usize,
    tables: Synthetic,
}

impl Source for Loop {
    fn next(&mut self, _hart: HartId) -> Fetched {
        let instr = self.body[self.at];
        self.at = (self.at + 1) % self.body.len();
        Fetched::Instr(instr)
    }

    fn walk(&mut self, hart: HartId, va: VirtAddr, kind: Translate) -> Walk {
        self.tables.walk(hart, va, kind)
    }
}

/// A program of basic blocks of 8 instructions over `code_kib` of code, every third instruction a
/// load or store within `data_kib`.
fn program(code_kib: u64, data_kib: u64) -> Vec<Instr> {
    let scattered = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
    let instr = |n: u64| {
        let pc = 0x10_0000 + (scattered(n / 8) % (code_kib * 32) * 32) + n % 8 * 4;
        let data = 0x4000_0000 + scattered(n) % (data_kib * 128) * 8;
        let kind = if n.is_multiple_of(9) { MemKind::Store } else { MemKind::Load };
        let mem = MemAccess {
            va: VirtAddr(data),
            pa: PhysAddr(data),
            size: 8,
            kind,
            io: false,
            translated: true,
        };
        Instr {
            pc: VirtAddr(pc),
            fetch_pa: PhysAddr(pc),
            len: 4,
            mem: n.is_multiple_of(3).then_some(mem),
            translated: true,
            ..Instr::default()
        }
    };
    (0..200_000).map(instr).collect()
}

/// Seconds this thread has run: processor time on Linux, the wall clock elsewhere.
fn seconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let scheduled = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = scheduled.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanos.map_or_else(|| START.elapsed().as_secs_f64(), |nanos| nanos * 1e-9)
}

fn main() {
    for (name, code_kib, data_kib) in [("fits", 16, 16), ("thrashes", 256, 512)] {
        let system = system::load("simple", &[]).expect("a built-in system");
        let body = program(code_kib, data_kib);
        let mut source = Loop { body: body.clone(), at: 0, tables: Synthetic::new(1) };
        let mut timing = Timing::new(&system.config).expect("a built-in system");
        let start = seconds();
        for index in 0..INSTRUCTIONS {
            timing.warm(HART, &body[index % body.len()], &mut source);
        }
        let warming = INSTRUCTIONS as f64 / (seconds() - start) / 1e6;
        let start = seconds();
        for _ in 0..INSTRUCTIONS {
            timing.step(HART, &mut source);
        }
        let detailed = INSTRUCTIONS as f64 / (seconds() - start) / 1e6;
        let stats = timing.stats();
        let cpi = stats::derived(&stats.cores[0]);
        let cpi = cpi.iter().find(|(path, _)| path == "cpi").and_then(|(_, value)| *value);
        println!(
            "{name}: warming {warming:.1}, detailed {detailed:.1} million instructions a second \
             (CPI {:.2})",
            cpi.unwrap_or(f64::NAN)
        );
    }
}
