//! Every built-in system does what its card in `docs/model/presets.md` says.

mod common;

use common::{HART, at, translated};
use mem::{CacheConfig, MemoryConfig};
use pipeline::{Cause, CoreConfig, OutOfOrder, OutOfOrderConfig};
use stream::{
    Branch, BranchKind, Class, HartId, Instr, MemAccess, MemKind, Operands, PhysAddr, Reg,
    Synthetic, VirtAddr,
};
use system::{SystemConfig, Timing, builtins, load};

const CARDS: &str = include_str!("../../../docs/model/presets.md");
const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x1000_0000;
/// Instructions of a loop's body, the jump back included.
const BODY: usize = 64;

/// All built-in systems with an out-of-order core.
fn presets() -> Vec<(&'static str, SystemConfig, OutOfOrderConfig)> {
    let out_of_order = |name| {
        let config = load(name, &[]).expect("built-in systems are valid").config;
        match &config.core {
            CoreConfig::OutOfOrder(core) => Some((name, config.clone(), (**core).clone())),
            CoreConfig::InOrder {} => None,
        }
    };
    builtins().filter_map(|builtin| out_of_order(builtin.name)).collect()
}

fn instr(index: usize, class: Class, srcs: [u8; 2], dst: u8) -> Instr {
    let srcs = [Some(Reg::int(srcs[0])), Some(Reg::int(srcs[1])), None];
    let operands = Operands { srcs, dst: Some(Reg::int(dst)) };
    Instr { class, operands, ..at(CODE + 4 * (index % BODY) as u64) }
}

fn access(mut instr: Instr, kind: MemKind, pa: u64) -> Instr {
    instr.class = if kind == MemKind::Load { Class::Load } else { Class::Store };
    if kind == MemKind::Store {
        instr.operands.dst = None;
    }
    let (va, pa) = (VirtAddr(pa), PhysAddr(pa));
    instr.mem = Some(MemAccess { va, pa, size: 8, kind, io: false, translated: false });
    instr
}

fn branch(mut instr: Instr, kind: BranchKind, taken: bool, target: u64) -> Instr {
    instr.class = Class::Branch;
    instr.operands.dst = None;
    instr.branch = Some(Branch { kind, taken, target: VirtAddr(target) });
    instr
}

/// Instruction `index` of a loop that does a little of everything.
fn mixed(index: usize) -> Instr {
    let number = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let register = (index % 13) as u8 + 5;
    let of = |class| instr(index, class, [register, register - 1], register);
    let made = match index % BODY {
        last if last == BODY - 1 => branch(of(Class::Branch), BranchKind::Jump, true, CODE),
        place if place % 16 == 9 => {
            // Over one instruction or not: the next in line is what the list has, so never taken.
            branch(of(Class::Branch), BranchKind::Conditional, false, CODE)
        }
        place if place % 4 == 1 => {
            access(of(Class::Load), MemKind::Load, DATA + number % 0x8_0000 / 8 * 8)
        }
        place if place % 8 == 3 => {
            access(of(Class::Store), MemKind::Store, DATA + number % 0x1_0000 / 8 * 8)
        }
        place if place % 16 == 6 => of(Class::IntMul),
        place if place % 32 == 12 => of(Class::IntDiv),
        _ => of(Class::IntAlu),
    };
    translated(made)
}

#[test]
fn every_built_in_system_runs_a_program_with_balanced_books() {
    for builtin in builtins() {
        let config = load(builtin.name, &[]).expect("built-in systems are valid").config;
        let mut timing = Timing::new(&config).expect("built-in systems are valid");
        let harts = [HartId(0), HartId(1)];
        let mut source = Synthetic::new(2);
        for hart in harts {
            let shift = usize::from(hart.0 != 0) * 64 * 977;
            source.push(hart, (0..4096).map(|index| mixed(index + shift)));
            source.repeat(hart);
        }
        let before = timing.stats();
        for _ in 0..30_000 {
            let hart = timing.earliest(harts).expect("there are two");
            timing.step(hart, &mut source);
        }
        let window = timing.window(&before);
        for (hart, core) in window.cores.iter().enumerate() {
            let (total, cycles) = (core.total(), window.elapsed_cycles[hart].get());
            assert!(total.instructions.get() > 1000, "{}, hart {hart}: {total:?}", builtin.name);
            let cpi = cycles as f64 / total.instructions.get() as f64;
            assert!((0.125..100.0).contains(&cpi), "{}, hart {hart}: CPI {cpi}", builtin.name);
        }
        if let MemoryConfig::Dram(_) = config.memory {
            assert!(window.mem.dram.expect("configured").reads.get() > 0, "{}", builtin.name);
        }
    }
}

/// From the issue of a load to the use of what it loads, by where that is.
#[derive(Debug, PartialEq)]
struct Staircase {
    l1: u64,
    l2: u64,
    llc: u64,
    /// What the caches add to the time of memory.
    around_memory: u64,
}

fn hit(cache: &CacheConfig) -> u64 {
    cache.tag_latency_cycles.max(cache.data_latency_cycles)
}

fn staircase(config: &SystemConfig, core: &OutOfOrderConfig) -> Staircase {
    let l1 = &config.caches.l1d;
    let l2 = config.caches.l2.as_ref().expect("these systems have three levels");
    let llc = config.caches.llc.as_ref().expect("these systems have three levels");
    let address = u64::from(core.latency_cycles.get(&Class::Load).copied().unwrap_or(1));
    let past_l1 = address + l1.tag_latency_cycles + l1.response_latency_cycles;
    let past_l2 = past_l1 + l2.tag_latency_cycles + l2.response_latency_cycles;
    Staircase {
        l1: address + hit(l1),
        l2: past_l1 + hit(l2),
        llc: past_l2 + hit(llc),
        around_memory: past_l2 + llc.tag_latency_cycles + llc.response_latency_cycles,
    }
}

/// A read of a closed row while another one is open, without queues: tRP + tRCD + CL + BL/2.
fn row_miss_ps(config: &SystemConfig) -> u64 {
    let MemoryConfig::Dram(dram) = &config.memory else { panic!("no DRAM") };
    let timing = &dram.timing;
    (timing.rp + timing.rcd + timing.cl + timing.burst_length / 2) * timing.tck_ps
}

/// Cycles a load takes in a chain of loads of `lines` lines, `stride` bytes apart, once that is warm.
fn chase(name: &str, lines: usize, stride: u64) -> f64 {
    // Prefetchers hide what is measured, and thrashing is not what every policy is made for.
    let overrides = [
        "caches.l1i.prefetcher=none",
        "caches.l1d.prefetcher=none",
        "caches.l2.prefetcher=none",
        "caches.l1d.replacement=lru",
        "caches.l2.replacement=lru",
        "caches.llc.replacement=lru",
    ];
    let overrides = overrides.map(str::to_owned);
    let config = load(name, &overrides).expect("valid").config;
    let mut timing = Timing::new(&config).expect("valid");
    let mut source = Synthetic::new(config.harts as usize);
    // The list has a whole number of bodies and goes through the lines a whole number of times.
    let (lines, loads) = match lines / (BODY - 1) {
        0 => (lines, lines * (BODY - 1)),
        bodies => (bodies * (BODY - 1), bodies * (BODY - 1)),
    };
    let mut load = 0;
    let program = (0..loads / (BODY - 1) * BODY).map(|index| {
        if index % BODY == BODY - 1 {
            return branch(instr(index, Class::Branch, [1, 1], 1), BranchKind::Jump, true, CODE);
        }
        let line = load % lines as u64;
        load += 1;
        access(instr(index, Class::Load, [5, 5], 5), MemKind::Load, DATA + line * stride)
    });
    source.push(HART, program);
    source.repeat(HART);
    let mut run = |timing: &mut Timing, instructions: usize| {
        let so_far = |timing: &Timing| timing.stats().cores[0].total().instructions.get();
        let end = so_far(timing) + instructions as u64;
        while so_far(timing) < end {
            for _ in 0..200 {
                timing.step(HART, &mut source);
            }
        }
    };
    let length = loads / (BODY - 1) * BODY;
    run(&mut timing, 2 * length.max(20 * BODY));
    let before = timing.stats();
    run(&mut timing, 4 * length.max(40 * BODY));
    let window = timing.window(&before);
    let loads = window.cores[0].total().instructions.get() as f64 * (1.0 - 1.0 / BODY as f64);
    window.elapsed_cycles[0].get() as f64 / loads
}

fn assert_within(measured: f64, expected: f64, tolerance: f64, what: &str) {
    println!("{what}: {measured:.2} cycles, {expected:.2} expected");
    let off = (measured - expected).abs() / expected;
    assert!(off <= tolerance, "{what}: measured {measured}, expected {expected}");
}

#[test]
fn a_chain_of_loads_climbs_the_staircase() {
    // Lines of 4 KiB distance: a cache of n KiB holds n / 4 of them.
    const DISTANCE: u64 = 4096;
    for (name, config, core) in presets() {
        let steps = staircase(&config, &core);
        let holds = |cache: &CacheConfig| (cache.size_kib / 4) as usize;
        let caches = &config.caches;
        let (l2, llc) = (caches.l2.as_ref(), caches.llc.as_ref());
        for (level, cache, expected) in [
            ("first", Some(&caches.l1d), steps.l1),
            ("second", l2, steps.l2),
            ("last", llc, steps.llc),
        ] {
            let lines = holds(cache.expect("configured")) * 9 / 10;
            let what = format!("{name}, {level} level");
            assert_within(chase(name, lines, DISTANCE), expected as f64, 0.01, &what);
        }
    }
}

#[test]
fn a_chain_of_loads_of_closed_rows_takes_what_the_dram_takes() {
    // With all the address maps, rows of one bank are 256 KiB apart. The chain stands still while its
    // rank is refreshed.
    for (name, config, core) in presets() {
        let around = staircase(&config, &core).around_memory as f64;
        let memory = row_miss_ps(&config) as f64 / config.clock().period().0 as f64;
        let MemoryConfig::Dram(dram) = &config.memory else { panic!("no DRAM") };
        let refreshed = dram.timing.rfc_ns as f64 / dram.timing.refi_ns as f64;
        let expected = (around + memory) / (1.0 - refreshed);
        assert_within(chase(name, 256, 256 << 10), expected, 0.05, name);
    }
}

/// What a wrong guess costs, in cycles: from a branch that waits for a chain of additions and goes
/// either way at random to the next addition, which without it would be in the next cycle.
fn wrong_guess(name: &str) -> f64 {
    const CHAIN: usize = 20;
    let mut program = Vec::new();
    for round in 1..4000_u64 {
        program.extend((0..CHAIN).map(|index| instr(index, Class::IntAlu, [5, 5], 5)));
        let mut mix = round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mix = (mix ^ (mix >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mix = (mix ^ (mix >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let taken = (mix ^ (mix >> 31)) % 2 == 1;
        let over = CODE + 4 * (CHAIN as u64 + 2);
        let test = instr(CHAIN, Class::Branch, [5, 5], 1);
        program.push(branch(test, BranchKind::Conditional, taken, over));
        if !taken {
            program.push(instr(CHAIN + 1, Class::IntAlu, [6, 6], 6));
        }
        let back = instr(CHAIN + 2, Class::Branch, [6, 6], 1);
        program.push(branch(back, BranchKind::Jump, true, CODE));
    }
    let config = load(name, &[]).expect("valid").config;
    let mut timing = Timing::new(&config).expect("valid");
    let mut source = Synthetic::new(config.harts as usize);
    source.push(HART, program.iter().copied());
    let mut run = |timing: &mut Timing, until: usize| {
        while timing.stats().cores[0].total().instructions.get() < until as u64 {
            timing.step(HART, &mut source);
        }
    };
    run(&mut timing, program.len() / 10);
    let before = timing.stats();
    run(&mut timing, program.len() * 9 / 10);
    let total = timing.window(&before).cores[0].total();
    let stats = total.out_of_order.as_ref().expect("it is out of order");
    let guesses = stats.squashes[Cause::Conditional].get() as f64;
    assert!(guesses > 1000.0, "{name}: {guesses} wrong guesses");
    let chains = stats.conditional_branches.get() as f64 * CHAIN as f64;
    (total.cycles.get() as f64 - chains) / guesses
}

/// The same in closed form: the stages from fetch to issue, and four cycles for the branch, the
/// prediction of its target, that one's translation, and the request of its bytes.
fn refill(config: &SystemConfig, core: &OutOfOrderConfig) -> u64 {
    let stages = core.front.fetch_to_decode_cycles
        + core.decode_to_rename_cycles
        + core.rename_to_issue_cycles;
    hit(&config.caches.l1i) + u64::from(stages) + 4
}

#[test]
fn a_wrong_guess_costs_the_stages_that_are_filled_again() {
    for (name, config, core) in presets() {
        assert_within(wrong_guess(name), refill(&config, &core) as f64, 0.01, name);
    }
}

/// The cards have these rows of a table.
fn assert_in_cards(rows: impl Iterator<Item = Vec<String>>) {
    let rows = rows.map(|cells| format!("| {} |\n", cells.join(" | ")));
    let missing: String = rows.filter(|row| !CARDS.contains(row)).collect();
    assert!(missing.is_empty(), "docs/model/presets.md should have the rows\n{missing}");
}

#[test]
fn the_cards_have_the_staircases() {
    assert_in_cards(presets().into_iter().map(|(name, config, core)| {
        let steps = staircase(&config, &core);
        let nanoseconds = row_miss_ps(&config) as f64 / 1000.0;
        let memory = row_miss_ps(&config) as f64 / config.clock().period().0 as f64;
        vec![
            format!("`{name}`"),
            steps.l1.to_string(),
            steps.l2.to_string(),
            steps.llc.to_string(),
            format!("{} + {nanoseconds:.1} ns", steps.around_memory),
            (steps.around_memory as f64 + memory).round().to_string(),
            refill(&config, &core).to_string(),
        ]
    }));
}

#[test]
fn the_cards_have_the_storage_of_the_predictors() {
    assert_in_cards(presets().into_iter().map(|(name, _, core)| {
        let bits = OutOfOrder::new(&core, HART).storage_bits();
        let mut cells = vec![format!("`{name}`")];
        cells.extend(bits.iter().map(|(_, bits)| bits.to_string()));
        cells
    }));
}

#[test]
fn the_cards_have_the_main_parameters() {
    assert_in_cards(presets().into_iter().map(|(name, config, core)| {
        let scheduled: u32 = core.schedulers.values().map(|scheduler| scheduler.entries).sum();
        let front = &core.front;
        vec![
            format!("`{name}`"),
            config.clock_mhz.to_string(),
            format!("{} B, {}", front.fetch_bytes, front.ftq),
            format!("{} / {} / {}", front.decode_width, core.rename_width, core.commit_width),
            core.rob.to_string(),
            scheduled.to_string(),
            format!("{} / {}", core.memory.load_queue, core.memory.store_queue),
            format!("{} / {}", core.int_registers, core.fp_registers),
        ]
    }));
    assert_in_cards(presets().into_iter().map(|(name, config, core)| {
        let caches = &config.caches;
        let MemoryConfig::Dram(dram) = &config.memory else { panic!("no DRAM") };
        let size = |cache: &CacheConfig| format!("{} / {}", cache.size_kib, cache.ways);
        let optional = |cache: &Option<CacheConfig>| size(cache.as_ref().expect("configured"));
        let tlb = config.tlbs.l2_tlb.as_ref().map_or("-".to_owned(), |tlb| tlb.entries.to_string());
        vec![
            format!("`{name}`"),
            format!("`{}`", core.branch.direction.name()),
            size(&caches.l1i),
            size(&caches.l1d),
            optional(&caches.l2),
            optional(&caches.llc),
            format!("{} / {} / {tlb}", config.tlbs.itlb.entries, config.tlbs.dtlb.entries),
            dram.description.split([' ', ',']).next().expect("it is described").to_owned(),
        ]
    }));
}
