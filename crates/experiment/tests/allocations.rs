//! Once a model is warm, neither a cycle nor an instruction allocates memory of the host.
//!
//! The allocator of this test counts. What grows until it is as large as it will ever be (queues,
//! tables by what is met) has done so before counting begins.

use experiment::{Detailed, Warming};
use machine::{Machine, MachineConfig, Timing};
use ram::Ram;
use sim::Picos;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use system::Timing as Model;

/// Requests for memory, larger places for what is there included.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every request is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is that of the callee.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is that of the callee.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is that of the callee.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs a busy program under `timing`; returns the requests of its second part, and its instructions.
fn requests(timing: &mut dyn Timing, warm_up: Picos, counted: Picos) -> (u64, u64) {
    let config = MachineConfig { harts: 1, ..MachineConfig::default() };
    let mut machine = Machine::new(config, Ram::new(4 << 20));
    machine.load_elf(&conformance::busy::program()).expect("the program fits");
    machine.run_timed(timing, warm_up);
    let (before, retired) = (REQUESTS.load(Ordering::Relaxed), machine.retired());
    machine.run_timed(timing, warm_up + counted);
    (REQUESTS.load(Ordering::Relaxed) - before, machine.retired() - retired)
}

fn model(system: &str) -> Model {
    let system = system::load(system, &[]).expect("it is built in");
    Model::new(&system.config).expect("it can be built")
}

/// One test, since the counter is one.
#[test]
fn a_warm_model_allocates_nothing() {
    let mut found = Vec::new();
    for system in system::builtins().map(|builtin| builtin.name) {
        let mut model = model(system);
        let (warm_up, counted) = (Picos::from_micros(200), Picos::from_micros(50));
        let (warming, instructions) = requests(&mut Warming::new(&mut model), warm_up, counted);
        assert!(instructions > 50_000, "{system}: {instructions} instructions");
        let mut timing = Detailed::new(&mut model, Picos::ZERO);
        let (detailed, instructions) = requests(&mut timing, warm_up, counted);
        assert!(instructions > 5_000, "{system}: {instructions} instructions");
        if warming + detailed > 0 {
            found.push(format!("{system}: {warming} in warming, {detailed} in detailed mode"));
        }
    }
    assert!(found.is_empty(), "requests for memory:\n{}", found.join("\n"));
}
