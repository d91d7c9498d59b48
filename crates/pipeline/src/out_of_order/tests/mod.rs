//! The core on synthetic programs.
//!
//! - `run`: a program from its start to an empty core, cycle by cycle, with every instruction's times;
//!   after every cycle the books of the core are compared with what is in it.
//! - `forms`, `front`, `back`, `memory`, `guesses`: closed forms of every parameter, exact to the cycle.
//!   The table of them is `docs/model/validation-closed-forms.md`, which `table` compares.
//! - `stacks`: what each kind of program spends its slots at issue and its cycles at commit on.
//! - `moves`: moves that are renamed instead of executed.
//! - `wrong`: what wrong paths leave behind.
//! - `random`: random programs on random cores.

mod back;
mod forms;
mod front;
mod guesses;
mod logs;
mod memory;
mod moves;
mod random;
mod run;
mod stacks;
mod table;
mod wrong;

use super::*;
use mem::{
    CacheConfig, CachesConfig, HierarchyConfig, IoConfig, MemoryConfig, TlbConfig, TlbsConfig,
    WalkThrough,
};
use sim::Clock;
use stream::{Branch, BranchKind, MemAccess, Operands, Synthetic, VirtAddr};

const HART: HartId = HartId(0);
/// Where programs lie: their lines fit the instruction cache.
const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x100_0000;

fn cache(size_kib: u64, latency: u64, mshrs: u32) -> CacheConfig {
    CacheConfig {
        size_kib,
        ways: 8,
        tag_latency_cycles: latency,
        data_latency_cycles: latency,
        response_latency_cycles: 0,
        sequential_access: false,
        mshrs,
        mshr_targets: 64,
        write_buffers: 16,
        replacement: Default::default(),
        inclusion: Default::default(),
        banks: None,
        prefetcher: None,
    }
}

fn hierarchy() -> HierarchyConfig {
    let tlb =
        || TlbConfig { entries: 64, ways: 64, latency_cycles: 0, replacement: Default::default() };
    HierarchyConfig {
        harts: 1,
        clock: Clock::from_mhz(1000),
        caches: CachesConfig {
            line_bytes: 64,
            l1i: cache(64, 3, 8),
            l1d: cache(32, 4, 8),
            l2: None,
            llc: Some(cache(512, 20, 32)),
        },
        tlbs: TlbsConfig {
            itlb: tlb(),
            dtlb: tlb(),
            l2_tlb: None,
            walk_through: WalkThrough::L1d,
            walkers: 1,
            walk_cache: None,
        },
        memory: MemoryConfig::Fixed { latency_ns: 100, bandwidth_mb_per_s: 0 },
        io: IoConfig { latency_ns: 50 },
    }
}

/// A core of width 4 with one scheduler of 8 ports: 4 for computing, 2 loads, 1 store, 1 branch.
fn config() -> OutOfOrderConfig {
    toml::from_str(CONFIG).expect("the configuration of these tests")
}

const CONFIG: &str = r#"
rename_width = 4
decode_to_rename_cycles = 2
rename_to_issue_cycles = 2
rob = 64
int_registers = 128
fp_registers = 128
issue_width = 8
execute_to_commit_cycles = 1
commit_width = 4
squash_width = 64
trap_cycles = 10
unpipelined = ["int_div"]
[front]
ftq = 16
target_bytes = 64
predictions_per_cycle = 1
prefetch = false
fetch_bytes = 16
queue = 32
fetch_to_decode_cycles = 3
decode_width = 4
[schedulers.all]
entries = 40
[schedulers.all.ports]
p0 = ["int_alu", "int_div", "fp_div", "fp_sqrt", "csr", "system", "nop"]
p1 = ["int_alu", "int_mul", "fp_add", "fp_mul", "fp_fma", "fp_convert"]
p2 = ["int_alu"]
p3 = ["int_alu", "branch"]
p4 = ["load"]
p5 = ["load", "atomic", "fence", "cache"]
p6 = ["store"]
[latency_cycles]
int_mul = 3
int_div = 20
[memory]
load_queue = 24
store_queue = 16
forward_cycles = 5
stores_per_cycle = 1
store_set_instructions = 1024
store_sets = 128
store_set_clear = 250000
[branch]
ras_entries = 16
direction = { kind = "bimodal" }
btb = { kind = "set_associative" }
indirect = { kind = "last_target" }
"#;

fn alu(at: u64) -> Instr {
    Instr {
        pc: VirtAddr(at),
        fetch_pa: PhysAddr(at),
        len: 4,
        class: Class::IntAlu,
        privilege: Privilege::User,
        ..Instr::default()
    }
}

fn reads(mut instr: Instr, source: u8, destination: u8) -> Instr {
    instr.operands =
        Operands { srcs: [Some(Reg::int(source)), None, None], dst: Some(Reg::int(destination)) };
    instr
}

fn of_class(mut instr: Instr, class: Class) -> Instr {
    instr.class = class;
    instr
}

fn access(mut instr: Instr, address: u64, kind: MemKind) -> Instr {
    instr.class = if kind == MemKind::Load { Class::Load } else { Class::Store };
    instr.mem = Some(MemAccess {
        va: VirtAddr(address),
        pa: PhysAddr(address),
        size: 8,
        kind,
        io: false,
        translated: false,
    });
    instr
}

fn jump(mut instr: Instr, kind: BranchKind, taken: bool, target: u64) -> Instr {
    instr.class = Class::Branch;
    instr.branch = Some(Branch { kind, taken, target: VirtAddr(target) });
    instr
}
