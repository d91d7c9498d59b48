//! Runs a program from its start to an empty core and looks on.

use super::*;
use crate::out_of_order::slot::{NEVER, Slot};
use stream::{Fetched, RegKind};

/// An instruction that has committed.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) slot: Slot,
    pub(super) committed_at: u64,
}

impl Done {
    pub(super) fn fetched(&self) -> u64 {
        self.slot.fetched_at.0
    }

    pub(super) fn renamed(&self) -> u64 {
        self.slot.renamed_at.0
    }

    pub(super) fn issued(&self) -> u64 {
        self.slot.issued_at.0
    }

    pub(super) fn done(&self) -> u64 {
        self.slot.done_at.0
    }
}

/// A core, its memory, its program, and what has committed.
pub(super) struct Bench {
    pub(super) core: OutOfOrder,
    pub(super) mem: Hierarchy,
    pub(super) source: Synthetic,
    pub(super) committed: Vec<Done>,
    /// Cycles that the source said to wait.
    pub(super) idle: u64,
    /// The most cycles a step may take.
    pub(super) longest_step: u64,
}

impl Bench {
    pub(super) fn new(config: &OutOfOrderConfig, mem: &HierarchyConfig) -> Self {
        let mut problems = mem::Problems::default();
        config.validate("core", &mut problems);
        assert!(problems.0.is_empty(), "{problems:?}");
        let mut core = OutOfOrder::new(config, HART);
        *core.profile() = Some(Box::default());
        Self {
            core,
            mem: Hierarchy::new(mem),
            source: Synthetic::new(1),
            committed: Vec::new(),
            idle: 0,
            longest_step: u64::MAX,
        }
    }

    /// Brings the code of `program` into caches and instruction TLB, and its branches into the target
    /// buffer, but none of its data.
    pub(super) fn warm_code(&mut self, program: &[Instr]) {
        for instr in program {
            let bare = Instr { mem: None, mem_tail: None, ..*instr };
            self.core.warm(&bare, &mut self.source, &mut self.mem);
        }
    }

    /// The same with data.
    pub(super) fn warm(&mut self, program: &[Instr]) {
        for instr in program {
            self.core.warm(instr, &mut self.source, &mut self.mem);
        }
    }

    pub(super) fn push(&mut self, program: &[Instr]) {
        self.source.push(HART, program.iter().copied());
    }

    /// Lets the core step, notes what commits and checks its books.
    pub(super) fn step(&mut self) -> State {
        let (head, now) = (self.core.window.head, self.core.now.0);
        let until = Cycle(now.saturating_add(self.longest_step));
        let progress = self.core.step(until, &mut self.source, &mut self.mem);
        assert!(progress.cycles <= self.longest_step, "{progress:?}");
        for at in head..self.core.window.head {
            let slot = self.core.window.get(at).clone();
            self.committed.push(Done { slot, committed_at: now });
        }
        check_books(&self.core);
        progress.state
    }

    /// Runs until the program has ended and nothing is left in the core.
    pub(super) fn run(&mut self) -> &[Done] {
        loop {
            match self.step() {
                State::Running => {}
                State::Idle { .. } => {
                    self.core.idle(7);
                    self.idle += 7;
                }
                State::Stuck => panic!("{}", self.core.diagnosis()),
                State::Stopped => break,
            }
        }
        let mut patience = 20_000;
        while self.core.stores.len() > 0 || !self.core.claims.is_empty() {
            assert_eq!(self.step(), State::Stopped);
            patience -= 1;
            assert!(patience > 0, "it does not drain: {}", self.core.diagnosis());
        }
        &self.committed
    }
}

/// Runs `program` with its code in the instruction cache and its data in the data cache.
pub(super) fn warm(
    config: &OutOfOrderConfig,
    mem: &HierarchyConfig,
    program: &[Instr],
) -> Vec<Done> {
    let mut bench = Bench::new(config, mem);
    bench.warm(program);
    bench.push(program);
    bench.run().to_vec()
}

/// Runs `program` with its code in the instruction cache.
pub(super) fn cold_data(
    config: &OutOfOrderConfig,
    mem: &HierarchyConfig,
    program: &[Instr],
) -> Vec<Done> {
    let mut bench = Bench::new(config, mem);
    bench.warm_code(program);
    bench.push(program);
    bench.run().to_vec()
}

/// Free and taken resources add up, and the rename map names the youngest writers.
pub(super) fn check_books(core: &OutOfOrder) {
    let window = &core.window;
    let in_rob = || (window.head..window.renamed).map(|at| (at, window.get(at)));
    let now = core.now.0;
    assert!(window.head <= window.renamed, "order of the window at {now}");
    assert!(window.renamed <= window.decoded && window.decoded <= window.tail, "at {now}");
    assert!(window.in_rob() <= u64::from(core.config.rob), "reorder buffer at {now}");
    let mut map = [NOBODY; Reg::COUNT];
    let (mut int, mut fp) = (core.config.int_registers - 32, core.config.fp_registers - 32);
    let mut free: Vec<u32> = core.config.schedulers.values().map(|s| s.entries).collect();
    let eliminates = core.config.move_elimination;
    for (at, slot) in in_rob() {
        if let Some(register) = slot.instr.operands.dst {
            let source = sharing::move_source(&slot.instr).filter(|_| eliminates);
            map[register.index()] = source.map_or(at, |source| map[source.index()]);
            let file = if register.kind() == RegKind::Int { &mut int } else { &mut fp };
            // Shared ones are counted otherwise below.
            *file -= u32::from(!eliminates);
        }
        if slot.issued_at == NEVER {
            free[usize::from(slot.scheduler)] -= 1;
        }
    }
    assert_eq!(core.map, map, "rename map at {now}");
    match &core.sharing {
        None => {
            let mut registers = core.registers;
            assert_eq!(*registers.free(Reg::int(1)), int, "integer registers at {now}");
            assert_eq!(*registers.free(Reg::fp(1)), fp, "floating-point registers at {now}");
        }
        Some(sharing) => {
            // Each name refers to a register, and each writer in the core to the one it replaced.
            let writers = in_rob().filter(|(_, slot)| slot.instr.operands.dst.is_some()).count();
            let spare = core.registers.spare() as usize;
            assert_eq!(sharing.books(), (spare, Reg::COUNT + writers), "registers at {now}");
        }
    }
    let left: Vec<u32> = core.schedulers.iter().map(|s| s.free).collect();
    assert_eq!(left, free, "scheduler entries at {now}");
    let loads: Vec<u64> = in_rob().filter(|(_, s)| is_load(&s.instr)).map(|(at, _)| at).collect();
    assert!(core.loads.iter().eq(&loads), "load queue at {now}");
    assert!(loads.len() <= core.config.memory.load_queue as usize, "load queue at {now}");
    let stores: Vec<u64> = in_rob().filter(|(_, s)| is_store(&s.instr)).map(|(at, _)| at).collect();
    assert!(core.stores.uncommitted().eq(stores.iter().copied()), "store queue at {now}");
    assert!(core.stores.len() <= core.config.memory.store_queue as usize, "store queue at {now}");
    let barrier = |class| matches!(class, Class::Fence | Class::Atomic);
    let barriers = in_rob().filter(|(_, s)| barrier(s.instr.class)).map(|(at, _)| at);
    assert!(barriers.eq(core.barriers.iter().copied()), "barriers at {now}");
}

/// The profile has every cycle and instruction of the statistics, by privilege.
fn check_profile(core: &OutOfOrder) {
    let mut profile = core.profile.clone().expect("the bench puts one in");
    let (start, end) = (crate::Reading::default(), profile.read());
    let mut sums = [(0, 0); 2];
    for (place, spent) in profile.between(&start, &end) {
        let sum = &mut sums[usize::from(place.privilege != Privilege::User)];
        *sum = (sum.0 + spent.cycles, sum.1 + spent.instructions);
    }
    let counted = [&core.stats.user, &core.stats.kernel];
    assert_eq!(sums, counted.map(|side| (side.cycles.get(), side.instructions.get())));
}

/// What must hold of an empty core after `program`: each instruction committed once and in order, and
/// all counts add up.
pub(super) fn check_end(bench: &Bench, program: &[Fetched]) {
    let core = &bench.core;
    check_profile(core);
    let expected = program.iter().filter_map(|fetched| match fetched {
        Fetched::Instr(instr) => Some(*instr),
        _ => None,
    });
    let found: Vec<Instr> = bench.committed.iter().map(|done| done.slot.instr).collect();
    for (index, (found, expected)) in found.iter().zip(expected.clone()).enumerate() {
        assert_eq!(*found, expected, "instruction {index}");
    }
    assert_eq!(found.len(), expected.count(), "instructions");
    assert!(core.window.is_empty() && core.front.replay.is_empty() && core.front.held.is_none());
    assert!(!bench.source.is_on_wrong_path(HART), "a wrong path is left open");
    let wrong = core.stats.audit(Some(core.now.0));
    assert!(wrong.is_empty(), "{wrong:?}");
    let total = core.stats.total();
    let ours = total.out_of_order.as_ref().expect("an out-of-order core counts it");
    assert_eq!(total.instructions.get(), found.len() as u64);
    assert_eq!(ours.retired.get() + ours.squashed.get(), ours.renamed.get(), "renamed");
    assert_eq!(core.stats.idle_cycles.get(), bench.idle, "idle");
    let wrong = bench.mem.stats().audit();
    assert!(wrong.is_empty(), "{wrong:?}");
}
