//! Closed forms of rename, issue and commit.

use super::forms::{Form, assert_exact, set_ports, straight, sweep, wide, writes};
use super::run::{Bench, Done, warm};
use super::*;
use stream::{Event, Fetched};

pub(super) fn latencies() -> Vec<Form> {
    let program = straight(1, |instr, _| instr);
    let mut forms =
        sweep("rename_to_issue_cycles", "issued - renamed = R", &[1, 2, 3, 10], |cycles| {
            let mut core = wide();
            core.rename_to_issue_cycles = cycles;
            let done = &warm(&core, &hierarchy(), &program)[0];
            (cycles.into(), done.issued() - done.renamed())
        });
    forms.extend(sweep(
        "execute_to_commit_cycles",
        "committed - done = E",
        &[0, 1, 2, 10],
        |cycles| {
            let mut core = wide();
            core.execute_to_commit_cycles = cycles;
            let done = &warm(&core, &hierarchy(), &program)[0];
            (cycles.into(), done.committed_at - done.done())
        },
    ));
    for class in Class::ALL {
        let name: &'static str = format!("latency_cycles, {class:?}").leak();
        forms.extend(sweep(name, "done - issued = L", &[1, 2, 7], |cycles| {
            let mut core = wide();
            core.latency_cycles.insert(class, cycles);
            let program = [of_class(alu(CODE), class)];
            let done = &warm(&core, &hierarchy(), &program)[0];
            (cycles.into(), done.done() - done.issued())
        }));
        let name: &'static str = format!("chain of {class:?}").leak();
        forms.extend(sweep(name, "63 dependent steps: 63 L", &[1, 2, 7], |cycles| {
            let mut core = wide();
            core.latency_cycles.insert(class, cycles);
            let program = straight(64, |instr, _| reads(of_class(instr, class), 5, 5));
            let done = warm(&core, &hierarchy(), &program);
            // Those that issue only as the oldest also go through commit: L + E + 0.
            let alone = matches!(
                class,
                Class::Atomic | Class::Fence | Class::Cache | Class::Csr | Class::System
            );
            let step = u64::from(cycles) + u64::from(alone);
            (63 * step, done[63].issued() - done[0].issued())
        }));
    }
    forms
}

fn spread(done: &[Done], time: impl Fn(&Done) -> u64) -> u64 {
    time(done.last().expect("instructions")) - time(&done[0])
}

pub(super) fn widths() -> Vec<Form> {
    let program = straight(64, |instr, _| instr);
    let values = [1, 2, 3, 4, 8, 15];
    let formula = "64 instructions: ceil(64 / W) - 1";
    let expected = |width: u32| 64_u64.div_ceil(width.into()) - 1;
    let mut forms = sweep("rename_width", formula, &values, |width| {
        let mut core = wide();
        core.rename_width = width;
        (expected(width), spread(&warm(&core, &hierarchy(), &program), Done::renamed))
    });
    forms.extend(sweep("issue_width", formula, &values, |width| {
        let mut core = wide();
        core.issue_width = width;
        (expected(width), spread(&warm(&core, &hierarchy(), &program), Done::issued))
    }));
    forms.extend(sweep("schedulers: ports of a class", formula, &values, |ports| {
        let mut core = wide();
        set_ports(&mut core, ports, 1024);
        (expected(ports), spread(&warm(&core, &hierarchy(), &program), Done::issued))
    }));
    forms.extend(sweep("commit_width", formula, &values, |width| {
        let mut core = wide();
        core.commit_width = width;
        (expected(width), spread(&warm(&core, &hierarchy(), &program), |done| done.committed_at))
    }));
    forms.extend(sweep(
        "unpipelined, one port",
        "16 independent divisions: 15 L",
        &[1, 5, 20],
        |cycles| {
            let mut core = wide();
            set_ports(&mut core, 1, 1024);
            core.latency_cycles.insert(Class::IntDiv, cycles);
            core.unpipelined = vec![Class::IntDiv];
            let program = straight(16, |instr, _| of_class(instr, Class::IntDiv));
            let done = warm(&core, &hierarchy(), &program);
            (15 * u64::from(cycles), spread(&done, Done::issued))
        },
    ));
    forms
}

/// A core whose divisions take 200 cycles.
fn slow_division() -> OutOfOrderConfig {
    let mut core = wide();
    core.latency_cycles.insert(Class::IntDiv, 200);
    core
}

/// A division that writes register 5, then `body`.
fn behind_a_division(count: u64, body: impl Fn(Instr, u64) -> Instr) -> Vec<Instr> {
    straight(count, |instr, n| match n {
        0 => writes(of_class(instr, Class::IntDiv), Reg::int(5)),
        _ => body(instr, n),
    })
}

pub(super) fn queues() -> Vec<Form> {
    let sizes = [2, 3, 8, 33];
    let formula = "behind a long instruction: renamed(N) = committed(0)";
    let mut forms = sweep("rob", formula, &sizes, |size| {
        let mut core = slow_division();
        core.rob = size;
        let done = warm(&core, &hierarchy(), &behind_a_division(64, |instr, _| instr));
        assert!(done[size as usize - 1].renamed() < done[0].done(), "one less fits");
        (done[0].committed_at, done[size as usize].renamed())
    });
    for fp in [false, true] {
        let name = if fp { "fp_registers" } else { "int_registers" };
        let formula = "behind a long instruction that writes one: renamed(P - 32) = committed(0)";
        forms.extend(sweep(name, formula, &[34, 35, 40, 65], |size| {
            let mut core = slow_division();
            let register = |n| if fp { Reg::fp(n) } else { Reg::int(n) };
            if fp {
                core.fp_registers = size
            } else {
                core.int_registers = size
            }
            let mut program = behind_a_division(64, |instr, _| writes(instr, register(7)));
            program[0].operands.dst = Some(register(5));
            let done = warm(&core, &hierarchy(), &program);
            assert!(done[size as usize - 33].renamed() < done[0].done(), "one less fits");
            (done[0].committed_at, done[size as usize - 32].renamed())
        }));
    }
    let formula = "behind N that wait for a division: renamed(N + 1) = done(0)";
    forms.extend(sweep("schedulers: entries", formula, &sizes, |size| {
        let mut core = slow_division();
        // The division itself takes an entry until it is issued.
        core.rename_width = 1;
        set_ports(&mut core, 16, size);
        let program = behind_a_division(64, |instr, _| reads(instr, 5, 6));
        let done = warm(&core, &hierarchy(), &program);
        assert!(done[size as usize].renamed() < done[0].done(), "one less fits");
        (done[0].done(), done[size as usize + 1].renamed())
    }));
    let formula = "behind a division and N loads: renamed(N + 1) = committed(1)";
    forms.extend(sweep("memory.load_queue", formula, &sizes, |size| {
        let mut core = slow_division();
        core.memory.load_queue = size;
        let program = behind_a_division(64, |instr, _| access(instr, DATA, MemKind::Load));
        let done = warm(&core, &hierarchy(), &program);
        assert!(done[size as usize].renamed() < done[0].done(), "one less fits");
        (done[1].committed_at, done[size as usize + 1].renamed())
    }));
    let formula = "behind a division and N stores: renamed(N + 1) = committed(1) + L1D";
    forms.extend(sweep("memory.store_queue", formula, &sizes, |size| {
        let mut core = slow_division();
        core.memory.store_queue = size;
        let program = behind_a_division(64, |instr, _| access(instr, DATA, MemKind::Store));
        let done = warm(&core, &hierarchy(), &program);
        assert!(done[size as usize].renamed() < done[0].done(), "one less fits");
        (done[1].committed_at + 4, done[size as usize + 1].renamed())
    }));
    forms
}

/// `first`, then an instruction at `next`.
fn two(first: Instr, next: u64) -> [Instr; 2] {
    [first, alu(next)]
}

pub(super) fn interruptions() -> Vec<Form> {
    let mut forms = sweep(
        "trap_cycles, exception",
        "fetched(handler) = committed + T + 1 + L1I",
        &[0, 1, 2, 13],
        |cycles| {
            let mut core = wide();
            core.trap_cycles = cycles;
            let mut first = alu(CODE);
            first.event = Event::Exception;
            let done = warm(&core, &hierarchy(), &two(first, CODE + 0x400));
            (done[0].committed_at + u64::from(cycles) + 1 + 3, done[1].fetched())
        },
    );
    forms.extend(sweep(
        "trap_cycles, interrupt",
        "fetched(handler) = committed + T + 1 + L1I",
        &[0, 1, 2, 13],
        |cycles| {
            let mut core = wide();
            core.trap_cycles = cycles;
            let mut program = two(alu(CODE), CODE + 0x400);
            program[1].event = Event::Interrupt;
            let done = warm(&core, &hierarchy(), &program);
            (done[0].committed_at + u64::from(cycles) + 1 + 3, done[1].fetched())
        },
    ));
    for (name, class, formula, spared) in [
        ("serialising control register", Class::Csr, "renamed(1) = committed(0) + 2", true),
        ("serialising fence", Class::Fence, "renamed(1) = committed(0) + F + D", false),
    ] {
        forms.extend(sweep(name, formula, &[1, 3, 6], |depth| {
            let mut core = wide();
            core.front.fetch_to_decode_cycles = depth;
            let mut first = of_class(alu(CODE), class);
            first.serialising = true;
            let done = warm(&core, &hierarchy(), &two(first, CODE + 4));
            let refill = if spared { 2 } else { u64::from(depth) + 2 };
            (done[0].committed_at + refill, done[1].renamed())
        }));
    }
    forms.extend(sweep(
        "wait for interrupt",
        "cycles idle, and not counted busy: N",
        &[1, 7, 5000],
        idle,
    ));
    forms
}

/// A wait of `cycles` between two instructions.
fn idle(cycles: u64) -> (u64, u64) {
    let mut bench = Bench::new(&wide(), &hierarchy());
    let program = two(alu(CODE), CODE + 4);
    bench.warm(&program);
    bench.push(&program[..1]);
    bench.source.push_fetched(HART, Fetched::Idle { until: None });
    bench.push(&program[1..]);
    while !matches!(bench.step(), State::Idle { .. }) {}
    let before = bench.core.now.0;
    bench.core.idle(cycles);
    assert_eq!(bench.core.now.0, before + cycles);
    bench.run();
    let busy = bench.core.stats.total().cycles.get();
    assert_eq!(busy + cycles, bench.core.now.0, "each cycle is busy or idle");
    (cycles, bench.core.stats.idle_cycles.get())
}

#[test]
fn every_latency_from_rename_to_commit_is_exact() {
    assert_exact(&latencies());
}

#[test]
fn every_width_from_rename_to_commit_is_exact() {
    assert_exact(&widths());
}

#[test]
fn every_queue_of_the_back_end_holds_as_many_as_it_says() {
    assert_exact(&queues());
}

#[test]
fn traps_serialising_instructions_and_waits_take_what_they_say() {
    assert_exact(&interruptions());
}
