//! Closed forms of loads, stores, barriers, translation and devices.

use super::forms::{Form, assert_exact, set_latency, straight, sweep, wide, writes};
use super::run::{Bench, Done, cold_data, warm};
use super::*;

const L1D: u64 = 4;
const LLC: u64 = 20;
const MEMORY: u64 = 100;

fn load(instr: Instr, address: u64) -> Instr {
    access(instr, address, MemKind::Load)
}

fn store(instr: Instr, address: u64) -> Instr {
    access(instr, address, MemKind::Store)
}

fn sized(mut instr: Instr, size: u8) -> Instr {
    instr.mem.as_mut().expect("an access").size = size;
    instr
}

/// A core that shows what a load takes from issue to its data.
fn one_load(core: &OutOfOrderConfig, mem: &HierarchyConfig, address: u64, cold: bool) -> u64 {
    let program = straight(1, |instr, _| load(instr, address));
    let done = if cold { cold_data(core, mem, &program) } else { warm(core, mem, &program) };
    done[0].done() - done[0].issued()
}

pub(super) fn levels() -> Vec<Form> {
    let mut forms = sweep(
        "load that hits the first level",
        "done - issued = address + L1D",
        &[1, 4, 9],
        |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1d, cycles);
            (1 + cycles, one_load(&wide(), &mem, DATA, false))
        },
    );
    forms.extend(sweep(
        "pointer chase in the first level",
        "63 dependent loads: 63 (address + L1D)",
        &[1, 4, 9],
        |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1d, cycles);
            let program = straight(64, |instr, n| reads(load(instr, DATA + 64 * n), 5, 5));
            let done = warm(&wide(), &mem, &program);
            (63 * (1 + cycles), done[63].done() - done[0].done())
        },
    ));
    forms.extend(sweep(
        "pointer chase in the last level",
        "63 dependent loads: 63 (address + L1D tags + LLC)",
        &[10, 20, 21],
        |cycles| {
            let mut mem = hierarchy();
            set_latency(mem.caches.llc.as_mut().expect("there is one"), cycles);
            (63 * (1 + L1D + cycles), chase_in_llc(&mem))
        },
    ));
    forms.extend(sweep(
        "pointer chase in memory",
        "63 dependent loads: 63 (address + L1D tags + LLC tags + memory)",
        &[50, 100, 101],
        |nanoseconds| {
            let mut mem = hierarchy();
            mem.memory = MemoryConfig::Fixed { latency_ns: nanoseconds, bandwidth_mb_per_s: 0 };
            let program = straight(64, |instr, n| reads(load(instr, DATA + 64 * n), 5, 5));
            let done = cold_data(&wide(), &mem, &program);
            (63 * (1 + L1D + LLC + nanoseconds), done[63].done() - done[0].done())
        },
    ));
    forms
}

/// Dependent loads of lines that the last level has and the first has not.
fn chase_in_llc(mem: &HierarchyConfig) -> u64 {
    let program = straight(64, |instr, n| reads(load(instr, DATA + 64 * n), 5, 5));
    let flood = straight(1024, |instr, n| load(instr, DATA + 0x10_0000 + 64 * n));
    let mut bench = Bench::new(&wide(), mem);
    bench.warm(&program);
    bench.warm(&flood);
    bench.warm_code(&program);
    bench.push(&program);
    let done = bench.run();
    done[63].done() - done[0].done()
}

pub(super) fn forwarding() -> Vec<Form> {
    let mut forms = sweep(
        "memory.forward_cycles",
        "load behind a known store that covers it: done - issued = address + max(1, S)",
        &[0, 1, 2, 5],
        |cycles| {
            let mut core = wide();
            core.memory.forward_cycles = cycles;
            // The division holds both in the queues, and gives the store its time before the load.
            let done = warm(&core, &hierarchy(), &store_then_load(DATA, 8, DATA, 8));
            (1 + u64::from(cycles).max(1), done[2].done() - done[2].issued())
        },
    );
    let formula = "load that a store overlaps in part: done = written + 1 + L1D";
    for (name, at, size) in [
        ("partial overlap, store smaller", DATA, 4),
        ("partial overlap, store later", DATA + 4, 8),
        ("partial overlap, store earlier", DATA - 4, 8),
    ] {
        forms.extend(sweep(name, formula, &[1, 4, 9], |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1d, cycles);
            let done = warm(&wide(), &mem, &store_then_load(at, size, DATA, 8));
            (done[1].committed_at + cycles + 1 + cycles, done[2].done())
        }));
    }
    for (name, at, size) in [
        ("store that ends where it begins", DATA - 8, 8),
        ("store that begins where it ends", DATA + 8, 1),
    ] {
        forms.extend(sweep(
            name,
            "load does not wait: done - issued = address + L1D",
            &[4],
            |cycles| {
                let done = warm(&wide(), &hierarchy(), &store_then_load(at, size, DATA, 8));
                (1 + cycles, done[2].done() - done[2].issued())
            },
        ));
    }
    forms.extend(sweep(
        "memory.stores_per_cycle",
        "32 stores that wait to commit: drained after ceil(32 / S) - 1 + L1D",
        &[1, 2, 3, 8],
        |each| {
            let mut core = wide();
            core.memory.stores_per_cycle = each;
            core.commit_width = 33;
            core.latency_cycles.insert(Class::IntDiv, 200);
            let program = straight(33, |instr, n| match n {
                0 => of_class(instr, Class::IntDiv),
                _ => store(instr, DATA + 8 * n),
            });
            let mut bench = Bench::new(&core, &hierarchy());
            bench.warm(&program);
            bench.push(&program);
            let done = bench.run()[32].committed_at;
            // The queue is empty in the cycle before this one.
            let drained = bench.core.now.0 - 1 - done;
            (32_u64.div_ceil(each.into()) - 1 + L1D, drained)
        },
    ));
    forms
}

/// A long division; a store; a load that takes its address from a shorter division.
fn store_then_load(store_at: u64, store_size: u8, load_at: u64, load_size: u8) -> Vec<Instr> {
    straight(4, |instr, n| match n {
        0 => of_class(instr, Class::IntDiv),
        1 => sized(store(instr, store_at), store_size),
        2 => reads(sized(load(instr, load_at), load_size), 7, 8),
        _ => alu(instr.pc.0),
    })
    .into_iter()
    .enumerate()
    .map(|(n, instr)| if n == 0 { writes(instr, Reg::int(9)) } else { instr })
    .collect()
}

pub(super) fn order() -> Vec<Form> {
    let mut forms = sweep(
        "memory-order violation",
        "fetched again = store known + 2 + L1I",
        &[1, 3, 9],
        |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1i, cycles);
            let done = violation(&wide(), &mem, 1);
            // The store completes in the cycle after its address is known.
            (done[1].done() - 1 + 2 + cycles, done[2].fetched())
        },
    );
    forms.extend(sweep(
        "store-set wait",
        "from the second time on: load issued = store known; divisions of L",
        &[5, 20, 50],
        |cycles| {
            let mut core = wide();
            core.latency_cycles.insert(Class::IntDiv, cycles);
            let done = violation(&core, &hierarchy(), 2);
            (done[4].done() - 1, done[5].issued())
        },
    ));
    let formula = "issued = the store before it committed + L1D; the load behind it = its commit";
    for class in [Class::Fence, Class::Atomic] {
        let name: &'static str = format!("{class:?} as a barrier").leak();
        forms.extend(sweep(name, formula, &[1, 4, 9], |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1d, cycles);
            let program = straight(3, |instr, n| match n {
                0 => store(instr, DATA),
                1 if class == Class::Fence => of_class(instr, class),
                1 => of_class(access(instr, DATA + 64, MemKind::Amo), class),
                _ => load(instr, DATA + 128),
            });
            let done = warm(&wide(), &mem, &program);
            assert_eq!(done[2].issued(), done[1].committed_at, "{class:?}");
            (done[0].committed_at + cycles, done[1].issued())
        }));
    }
    forms.extend(sweep(
        "device access",
        "issued as the oldest = committed before it; done - issued = address + I/O",
        &[10, 50, 51],
        |nanoseconds| {
            let mut mem = hierarchy();
            mem.io.latency_ns = nanoseconds;
            let program = straight(2, |instr, n| {
                let mut instr = load(instr, DATA);
                instr.mem.as_mut().expect("an access").io = n == 1;
                instr
            });
            let done = warm(&wide(), &mem, &program);
            assert_eq!(done[1].issued(), done[0].committed_at);
            (1 + nanoseconds, done[1].done() - done[1].issued())
        },
    ));
    forms
}

/// `times` over: a division, a store of its result's address, and a load of what the store writes.
fn violation(core: &OutOfOrderConfig, mem: &HierarchyConfig, times: u64) -> Vec<Done> {
    let body = straight(3, |instr, n| match n {
        0 => writes(of_class(instr, Class::IntDiv), Reg::int(5)),
        1 => {
            let mut instr = store(instr, DATA);
            instr.operands.srcs[0] = Some(Reg::int(5));
            instr
        }
        _ => writes(load(instr, DATA), Reg::int(6)),
    });
    let mut bench = Bench::new(core, mem);
    bench.warm(&body);
    for _ in 0..times {
        // What serialises keeps the rounds apart.
        bench.push(&body);
    }
    bench.run();
    let squashes = bench.core.stats.total().out_of_order.expect("counted").squashes;
    assert_eq!(squashes[Cause::MemoryOrder].get(), 1, "only the first round is wrong");
    bench.committed
}

pub(super) fn crossings() -> Vec<Form> {
    let mut forms = sweep(
        "load that crosses a line, both there",
        "done - issued = address + L1D",
        &[1, 4, 9],
        |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1d, cycles);
            (1 + cycles, one_load(&wide(), &mem, DATA + 60, false))
        },
    );
    forms.extend(sweep(
        "load that crosses a line, one in memory",
        "done - issued = address + L1D tags + LLC tags + memory",
        &[50, 100],
        |nanoseconds| {
            let mut mem = hierarchy();
            mem.memory = MemoryConfig::Fixed { latency_ns: nanoseconds, bandwidth_mb_per_s: 0 };
            let mut bench = Bench::new(&wide(), &mem);
            let program = straight(1, |instr, _| load(instr, DATA + 60));
            bench.warm_code(&program);
            let first = straight(1, |instr, _| load(instr, DATA));
            bench.warm(&first);
            bench.push(&program);
            let done = &bench.run()[0];
            (1 + L1D + LLC + nanoseconds, done.done() - done.issued())
        },
    ));
    forms.extend(sweep(
        "load that crosses a page, untranslated",
        "done - issued = address + L1D",
        &[4],
        |cycles| {
            let program = straight(1, |instr, _| {
                let mut instr = sized(load(instr, DATA + 4092), 4);
                instr.mem_tail = sized(load(instr, DATA + 0x8000), 4).mem;
                instr
            });
            let done = &warm(&wide(), &hierarchy(), &program)[0];
            (1 + cycles, done.done() - done.issued())
        },
    ));
    forms
}

pub(super) fn parallelism() -> Vec<Form> {
    let miss = L1D + LLC + MEMORY;
    let mut forms = sweep(
        "caches.l1d.mshrs",
        "32 independent misses, 16 a cycle: (32 / M - 1) (LLC tags + memory)",
        &[1, 2, 4, 8, 16],
        |mshrs| {
            let mut mem = hierarchy();
            mem.caches.l1d.mshrs = mshrs;
            mem.caches.llc.as_mut().expect("there is one").mshrs = 64;
            let program = straight(32, |instr, n| load(instr, DATA + 64 * n));
            let done = cold_data(&wide(), &mem, &program);
            let first = done.iter().map(Done::done).min().expect("loads");
            let last = done.iter().map(Done::done).max().expect("loads");
            ((32 / u64::from(mshrs) - 1) * (LLC + MEMORY), last - first)
        },
    );
    forms.extend(sweep(
        "rob and memory-level parallelism",
        "64 misses, N at a time: (64 / N - 1) (E + R + address + miss)",
        &[1, 2, 4, 16],
        |rob| {
            let mut mem = hierarchy();
            mem.caches.l1d.mshrs = 64;
            mem.caches.llc.as_mut().expect("there is one").mshrs = 64;
            let mut core = wide();
            core.rob = rob;
            let program = straight(64, |instr, n| load(instr, DATA + 64 * n));
            let done = cold_data(&core, &mem, &program);
            ((64 / u64::from(rob) - 1) * (1 + 2 + 1 + miss), done[63].done() - done[0].done())
        },
    ));
    forms
}

fn translated(instr: Instr, address: u64) -> Instr {
    let mut instr = load(instr, address);
    instr.mem.as_mut().expect("an access").translated = true;
    instr
}

/// A load over the end of a page, whose lines are in the first level, as are the table entries of
/// both pages; the TLB has the pages in `known`.
fn load_across_pages(mem: &HierarchyConfig, known: &[u64]) -> Bench {
    let mut bench = Bench::new(&wide(), mem);
    let program = straight(1, |instr, _| {
        let mut instr = sized(translated(instr, DATA + 4092), 4);
        instr.mem_tail = sized(translated(instr, DATA + 4096), 4).mem;
        instr
    });
    bench.warm_code(&program);
    bench.warm(&[load(alu(CODE), DATA + 4088), load(alu(CODE), DATA + 4096)]);
    for &page in known {
        bench.warm(&[translated(alu(CODE), page)]);
    }
    bench.push(&program);
    bench.run();
    bench
}

pub(super) fn translation() -> Vec<Form> {
    let mut forms = sweep(
        "page walk, table entries in memory",
        "done - issued = address + levels (L1D tags + LLC tags + memory) + L1D",
        &[12, 21, 30],
        |log2: u8| {
            let levels = match log2 {
                12 => 3,
                21 => 2,
                _ => 1,
            };
            let mut bench = Bench::new(&wide(), &hierarchy());
            bench.source = Synthetic::new(1).with_pages(log2);
            let program = straight(1, |instr, _| translated(instr, DATA));
            bench.warm_code(&program);
            bench.warm(&straight(1, |instr, _| load(instr, DATA)));
            bench.push(&program);
            let done = &bench.run()[0];
            (1 + levels * (L1D + LLC + MEMORY) + L1D, done.done() - done.issued())
        },
    );
    forms.extend(sweep(
        "page walk, upper entries in the first level",
        "done - issued = address + 2 L1D + (L1D tags + LLC tags + memory) + L1D",
        &[1, 4, 9],
        |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1d, cycles);
            let mut bench = Bench::new(&wide(), &mem);
            let program = straight(1, |instr, _| translated(instr, DATA));
            bench.warm_code(&program);
            bench.warm(&straight(1, |instr, _| load(instr, DATA)));
            // A page whose last entry is in another line of the same tables.
            bench.warm(&straight(1, |instr, _| translated(instr, DATA + (16 << 12))));
            bench.push(&program);
            let done = &bench.run()[0];
            let expected = 1 + 2 * cycles + (cycles + LLC + MEMORY) + cycles;
            (expected, done.done() - done.issued())
        },
    ));
    let formula = "done - issued = address + 3 L1D (the walk) + L1D";
    for (name, known) in [
        ("load that crosses a page, second page walked", DATA),
        ("load that crosses a page, first page walked", DATA + 4096),
    ] {
        forms.extend(sweep(name, formula, &[1, 4, 9], |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1d, cycles);
            let done = load_across_pages(&mem, &[known]).committed.remove(0);
            (1 + 3 * cycles + cycles, done.done() - done.issued())
        }));
    }
    forms.extend(sweep(
        "load that crosses a page, both in the TLB",
        "done - issued = address + L1D",
        &[1, 4, 9],
        |cycles| {
            let mut mem = hierarchy();
            set_latency(&mut mem.caches.l1d, cycles);
            let done = load_across_pages(&mem, &[DATA, DATA + 4096]).committed.remove(0);
            (1 + cycles, done.done() - done.issued())
        },
    ));
    forms.extend(sweep("TLB hit", "done - issued = address + TLB + L1D", &[0, 1, 3], |cycles| {
        let mut mem = hierarchy();
        mem.tlbs.dtlb.latency_cycles = cycles;
        let program = straight(1, |instr, _| translated(instr, DATA));
        let done = &warm(&wide(), &mem, &program)[0];
        (1 + cycles + L1D, done.done() - done.issued())
    }));
    forms
}

#[test]
fn a_load_takes_its_address_and_the_levels_it_looks_in() {
    assert_exact(&levels());
}

#[test]
fn stores_forward_what_they_cover_and_hold_up_what_they_overlap() {
    assert_exact(&forwarding());
}

#[test]
fn order_in_memory_is_kept_at_the_cost_the_forms_say() {
    assert_exact(&order());
}

#[test]
fn accesses_that_cross_lines_wait_for_the_later_part() {
    assert_exact(&crossings());
}

#[test]
fn misses_overlap_as_far_as_miss_registers_and_reorder_buffer_go() {
    assert_exact(&parallelism());
}

#[test]
fn a_page_walk_costs_its_reads() {
    assert_exact(&translation());
}

#[test]
fn both_pages_of_an_access_are_looked_up() {
    let misses =
        |known: &[u64]| load_across_pages(&hierarchy(), known).core.stats.total().dtlb_misses.get();
    assert_eq!(misses(&[]), 2);
    assert_eq!(misses(&[DATA]), 1);
    assert_eq!(misses(&[DATA + 4096]), 1);
    assert_eq!(misses(&[DATA, DATA + 4096]), 0);
}

#[test]
fn an_instruction_prefetch_is_translated_as_a_fetch_and_others_as_data() {
    use stream::CacheOp::{Clean, Flush, Invalidate, PrefetchInstruction, PrefetchRead, Zero};
    for op in [Clean, Flush, Invalidate, Zero, PrefetchRead, PrefetchInstruction] {
        let program = straight(1, |instr, _| {
            let mut instr = of_class(access(instr, DATA, MemKind::Cache(op)), Class::Cache);
            instr.mem.as_mut().expect("an access").translated = true;
            instr
        });
        let mut bench = Bench::new(&wide(), &hierarchy());
        bench.warm_code(&program);
        bench.push(&program);
        bench.run();
        let total = bench.core.stats.total();
        let expected = if op == PrefetchInstruction { (1, 0) } else { (0, 1) };
        assert_eq!((total.itlb_misses.get(), total.dtlb_misses.get()), expected, "{op:?}");
    }
}
