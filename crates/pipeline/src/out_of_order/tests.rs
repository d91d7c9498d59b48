//! The core on synthetic programs: closed forms of widths, latencies, queues and wrong guesses.

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

/// `body` at consecutive addresses, then a jump back to the first.
fn repeat(body: impl Fn(u64, u64) -> Instr, count: u64) -> Vec<Instr> {
    let mut program: Vec<Instr> = (0..count).map(|n| body(CODE + 4 * n, n)).collect();
    program.push(jump(alu(CODE + 4 * count), BranchKind::Jump, true, CODE));
    program
}

/// Runs `program` in a loop and returns cycles for each pass, once it is warm.
fn cycles_a_pass(config: &OutOfOrderConfig, program: &[Instr], mem: &HierarchyConfig) -> f64 {
    let mut source = Synthetic::new(1);
    source.push(HART, program.iter().copied());
    source.repeat(HART);
    let mut core = OutOfOrder::new(config, HART);
    let mut mem = Hierarchy::new(mem);
    let run = |core: &mut OutOfOrder, mem: &mut Hierarchy, source: &mut Synthetic, passes: u64| {
        let start = (core.now, core.stats.total().instructions.get());
        let wanted = passes * program.len() as u64;
        while core.stats.total().instructions.get() - start.1 < wanted {
            core.step(source, mem);
        }
        core.now - start.0
    };
    run(&mut core, &mut mem, &mut source, 200);
    let cycles = run(&mut core, &mut mem, &mut source, 400);
    let wrong = core.stats.audit(None);
    assert!(wrong.is_empty(), "{wrong:?}");
    cycles as f64 / 400.0
}

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= expected * 0.01, "{found} cycles, expected {expected}");
}

#[test]
fn independent_instructions_run_at_the_width() {
    // 127 and a jump: 128 slots in 32 cycles, if fetch delivers 4 instructions a cycle.
    let program = repeat(|at, _| alu(at), 127);
    assert_near(cycles_a_pass(&config(), &program, &hierarchy()), 32.0);
}

#[test]
fn a_dependent_chain_takes_the_latency_of_its_class() {
    for (class, latency) in [(Class::IntAlu, 1.0), (Class::IntMul, 3.0), (Class::IntDiv, 20.0)] {
        let program = repeat(|at, _| reads(of_class(alu(at), class), 5, 5), 64);
        assert_near(cycles_a_pass(&config(), &program, &hierarchy()), 64.0 * latency);
    }
}

#[test]
fn a_chain_of_loads_takes_address_and_cache() {
    // One cycle for the address and four for the cache.
    let program = repeat(|at, _| reads(access(alu(at), DATA, MemKind::Load), 5, 5), 64);
    assert_near(cycles_a_pass(&config(), &program, &hierarchy()), 64.0 * 5.0);
}

#[test]
fn an_unpipelined_unit_takes_one_at_a_time() {
    let program = repeat(|at, n| reads(of_class(alu(at), Class::IntDiv), 1, n as u8 % 8 + 8), 16);
    assert_near(cycles_a_pass(&config(), &program, &hierarchy()), 16.0 * 20.0);
}

#[test]
fn a_load_behind_a_store_to_its_address_takes_the_forwarding_time() {
    // One cycle until the store is known, which its store set makes the load wait for; then one for the
    // load's address and five for forwarding.
    let program = repeat(
        |at, n| {
            if n % 2 == 0 {
                let mut store = access(alu(at), DATA, MemKind::Store);
                store.operands.srcs = [Some(Reg::int(6)), Some(Reg::int(5)), None];
                store
            } else {
                let mut load = access(alu(at), DATA, MemKind::Load);
                load.operands =
                    Operands { srcs: [Some(Reg::int(6)), None, None], dst: Some(Reg::int(5)) };
                load
            }
        },
        32,
    );
    let mut config = config();
    config.memory.store_set_clear = 1_000_000;
    let cycles = cycles_a_pass(&config, &program, &hierarchy());
    assert_near(cycles / 16.0, 7.0);
}

#[test]
fn misses_overlap_up_to_the_miss_registers() {
    // Independent loads of lines that only memory has: 8 registers, each held for the whole miss.
    let mut config = config();
    config.memory.load_queue = 64;
    let mut mem = hierarchy();
    mem.caches.llc = None;
    mem.caches.l1d.mshrs = 4;
    let lines = 4096_u64;
    let program =
        repeat(|at, n| access(alu(at), DATA + n * 64 * 131 % (lines * 64 * 64), MemKind::Load), 63);
    let _ = lines;
    let cycles = cycles_a_pass(&config, &program, &mem);
    println!("mshr pass {cycles}");
}

#[test]
fn a_perfect_predictor_is_never_wrong() {
    // A conditional branch over one instruction that goes by the bits of a number.
    let passes = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 1;
    let mut program = Vec::new();
    for n in 0..200 {
        let taken = passes(n);
        program.push(jump(alu(CODE), BranchKind::Conditional, taken, CODE + 8));
        if !taken {
            program.push(alu(CODE + 4));
        }
        program.push(jump(alu(CODE + 8), BranchKind::Jump, true, CODE));
    }
    let squashes = |direction: &str| {
        let mut config = config();
        config.branch.direction = toml::from_str(&format!("kind = \"{direction}\"")).expect("it");
        let mut source = Synthetic::new(1);
        source.push(HART, program.iter().copied());
        source.repeat(HART);
        let mut core = OutOfOrder::new(&config, HART);
        let mut mem = Hierarchy::new(&hierarchy());
        while core.stats.total().instructions.get() < 20_000 {
            core.step(&mut source, &mut mem);
        }
        let total = core.stats.total().out_of_order.expect("it is one");
        total.squashes[Cause::Conditional].get()
    };
    assert!(squashes("bimodal") > 1000);
    // Until the target buffer knows the branches.
    assert!(squashes("perfect") < 4, "{}", squashes("perfect"));
}

/// What a Kanata log must not do, checked line by line; returns how many instructions retired and how
/// many were squashed.
fn check_kanata(log: &str) -> Result<(u64, u64), String> {
    let mut lines = log.lines();
    if lines.next() != Some("Kanata\t0004") {
        return Err("no header".to_owned());
    }
    if !lines.next().is_some_and(|line| line.starts_with("C=\t")) {
        return Err("no first cycle".to_owned());
    }
    // For each instruction, in the order of ids: whether it has ended, and the stage open in each lane.
    let mut instructions: Vec<(bool, [Option<String>; 2])> = Vec::new();
    let (mut retired, mut squashed) = (0, 0);
    for line in lines {
        let words: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| -> Result<u64, String> {
            let word = words.get(at).ok_or(format!("{line}: too short"))?;
            word.parse().map_err(|_| format!("{line}: no number"))
        };
        if words[0] == "C" {
            if number(1)? == 0 {
                return Err(format!("{line}: no cycle passes"));
            }
            continue;
        }
        let id = number(1)? as usize;
        if words[0] == "I" {
            if id != instructions.len() {
                return Err(format!("{line}: ids are not in order"));
            }
            instructions.push((false, [None, None]));
            continue;
        }
        let (ended, open) = instructions.get_mut(id).ok_or(format!("{line}: no I before it"))?;
        if *ended {
            return Err(format!("{line}: after its end"));
        }
        match words[0] {
            "L" => {}
            "S" => {
                let lane = &mut open[number(2)? as usize];
                if let Some(stage) = lane.replace(words[3].to_owned()) {
                    return Err(format!("{line}: while it is in {stage}"));
                }
            }
            "E" => {
                let lane = &mut open[number(2)? as usize];
                if lane.take().as_deref() != Some(words[3]) {
                    return Err(format!("{line}: it is not in that stage"));
                }
            }
            "R" => {
                *ended = true;
                if open.iter().any(Option::is_some) {
                    return Err(format!("{line}: in a stage"));
                }
                let count = if number(3)? == 0 { &mut retired } else { &mut squashed };
                if number(3)? == 0 && number(2)? != *count {
                    return Err(format!("{line}: not the next that retires"));
                }
                *count += 1;
            }
            _ => return Err(format!("{line}: no such command")),
        }
    }
    match instructions.iter().position(|(ended, _)| !ended) {
        Some(id) => Err(format!("{id} does not end")),
        None => Ok((retired, squashed)),
    }
}

/// The log of the first `limit` instructions of `program`, run in a loop for `steps` steps.
fn logged(program: &[Instr], limit: u64, steps: usize) -> String {
    let mut source = Synthetic::new(1);
    source.push(HART, program.iter().copied());
    source.repeat(HART);
    let mut core = OutOfOrder::new(&config(), HART);
    let mut mem = Hierarchy::new(&hierarchy());
    core.view(Some(Viewer::new(limit))).unwrap();
    for _ in 0..steps {
        core.step(&mut source, &mut mem);
    }
    let viewer = core.view(None).unwrap().expect("it was given");
    let mut log = Vec::new();
    viewer.write(HART, &mut log).unwrap();
    String::from_utf8(log).unwrap()
}

#[test]
fn the_checker_of_logs_refuses_what_the_format_does_not_allow() {
    let head = "Kanata\t0004\nC=\t5\n";
    for (body, wrong) in [
        ("S\t0\t0\tF\n", "no I before it"),
        ("I\t0\t1\t0\nS\t0\t0\tF\nR\t0\t0\t0\n", "in a stage"),
        ("I\t0\t1\t0\nR\t0\t0\t0\nR\t0\t0\t0\n", "after its end"),
        ("I\t0\t1\t0\nC\t0\n", "no cycle passes"),
        ("I\t0\t1\t0\n", "does not end"),
        ("I\t1\t1\t0\n", "not in order"),
        ("I\t0\t1\t0\nE\t0\t0\tF\n", "not in that stage"),
    ] {
        let error = check_kanata(&format!("{head}{body}")).unwrap_err();
        assert!(error.contains(wrong), "{body}: {error}");
    }
}

#[test]
fn a_pipeline_log_keeps_to_the_format_with_loads_stores_and_squashes() {
    // Loads that overtake stores to the same address, and a branch that goes elsewhere every time.
    let mut program = repeat(
        |at, n| match n % 4 {
            0 => reads(of_class(alu(at), Class::IntDiv), 5, 5),
            1 => {
                let mut store = access(alu(at), DATA, MemKind::Store);
                store.operands.srcs = [Some(Reg::int(5)), Some(Reg::int(5)), None];
                store
            }
            2 => reads(access(alu(at), DATA, MemKind::Load), 6, 7),
            _ => alu(at),
        },
        40,
    );
    program.push(reads(access(alu(CODE), DATA + 64 * 4096, MemKind::Load), 6, 7));
    let log = logged(&program, 500, 20_000);
    let (retired, squashed) = check_kanata(&log).unwrap_or_else(|error| panic!("{error}\n{log}"));
    assert_eq!(retired + squashed, 500, "every one that was fetched is there");
    assert!(squashed > 0, "loads were executed too early");
    for stage in ["0\tF", "0\tDc", "0\tDs", "0\tX", "0\tCm", "1\tAg", "1\tL1", "1\tMem"] {
        assert!(log.contains(&format!("\t{stage}\n")), "no {stage}");
    }
}

#[test]
fn a_lone_instruction_is_logged_in_every_cycle_of_its_way() {
    let mut source = Synthetic::new(1);
    source.push(HART, [reads(of_class(alu(CODE), Class::IntMul), 1, 2)]);
    let mut core = OutOfOrder::new(&config(), HART);
    let mut mem = Hierarchy::new(&hierarchy());
    core.view(Some(Viewer::new(10))).unwrap();
    while core.stats.total().instructions.get() == 0 {
        core.step(&mut source, &mut mem);
    }
    let mut log = Vec::new();
    core.view(None).unwrap().unwrap().write(HART, &mut log).unwrap();
    // 3 cycles to decode, 2 to rename, renamed in the next stage's cycle and 2 to issue, 3 of latency,
    // 1 to commit.
    let log = String::from_utf8(log).unwrap();
    let shape: Vec<&str> =
        log.lines().skip(2).filter(|line| !line.starts_with(['I', 'L', 'E'])).collect();
    let expected = [
        "S\t0\t0\tF",
        "C\t3",
        "S\t0\t0\tDc",
        "C\t2",
        "S\t0\t0\tDs",
        "C\t2",
        "S\t0\t0\tX",
        "C\t3",
        "S\t0\t0\tCm",
        "C\t1",
        "R\t0\t0\t0",
    ];
    assert_eq!(shape, expected, "{log}");
}

#[test]
fn instructions_in_the_core_when_the_log_begins_are_left_out() {
    let program = repeat(|at, _| alu(at), 63);
    let mut source = Synthetic::new(1);
    source.push(HART, program);
    source.repeat(HART);
    let mut core = OutOfOrder::new(&config(), HART);
    let mut mem = Hierarchy::new(&hierarchy());
    while core.stats.total().instructions.get() < 1000 {
        core.step(&mut source, &mut mem);
    }
    assert!(!core.window.is_empty());
    let serial = core.window.serial();
    core.view(Some(Viewer::new(8))).unwrap();
    for _ in 0..1000 {
        core.step(&mut source, &mut mem);
    }
    let mut log = Vec::new();
    core.view(None).unwrap().unwrap().write(HART, &mut log).unwrap();
    let log = String::from_utf8(log).unwrap();
    let first = format!("I\t0\t{}\t0\n", serial + 1);
    assert!(log.contains(&first) && check_kanata(&log) == Ok((8, 0)), "{log}");
}

#[test]
fn a_core_that_cannot_go_on_says_so_and_what_it_waits_for() {
    // No scheduler takes divisions: validation refuses such a core, and here it stands for any defect.
    let mut config = config();
    for scheduler in config.schedulers.values_mut() {
        for classes in scheduler.ports.values_mut() {
            classes.retain(|class| *class != Class::IntDiv);
        }
    }
    let mut source = Synthetic::new(1);
    source.push(HART, [alu(CODE), of_class(alu(CODE + 4), Class::IntDiv)]);
    let mut core = OutOfOrder::new(&config, HART);
    let mut mem = Hierarchy::new(&hierarchy());
    let mut steps = 0_u64;
    while core.step(&mut source, &mut mem).state != State::Stuck {
        steps += 1;
        assert!(steps < 3_000_000, "nobody noticed");
    }
    let told = core.diagnosis();
    for text in ["hart 0 has committed nothing", "the oldest is IntDiv", "1 in the front end"] {
        assert!(told.contains(text), "{text}: {told}");
    }
}

#[test]
fn a_core_whose_source_has_nothing_is_not_stuck() {
    let mut source = Synthetic::new(1);
    source.push(HART, [alu(CODE)]);
    let mut core = OutOfOrder::new(&config(), HART);
    let mut mem = Hierarchy::new(&hierarchy());
    for _ in 0..2_100_000 {
        let state = core.step(&mut source, &mut mem).state;
        assert_ne!(state, State::Stuck);
    }
}
